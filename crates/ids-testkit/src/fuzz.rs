//! Fuzzing on a stable compiler: seeded damage to real inputs, case after case, each of which must be answered in time.
//!
//! No coverage guides it, so the damage knows the containers: a member of a package is changed and packed again
//! (the caller's [`Fuzz::repack`]), words of a dictionary are put in, inputs are crossed. A seed gives the same cases on
//! every machine. `FUZZ_SECONDS` says for how long each target runs; a short while by default, for every `make test`.
//!
//! The case under way lies in a file, which is named when the process is ended by it (an overflown stack, memory), and
//! kept when it panics or hangs: put it, made small, beside the other crashers of the target.

mod mutate;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub use mutate::{Mutator, SplitMix};

/// One case takes at most so long; the slowest honest ones take a tenth of it in a debug build on a busy machine.
const CASE: Duration = Duration::from_secs(20);
/// What a target takes without `FUZZ_SECONDS`.
const SHORT: Duration = Duration::from_millis(1_500);

/// Damages the inside of a container; `None` where it is none.
pub type Repack<'r> = dyn Fn(&[u8], &mut Mutator<'_>) -> Option<Vec<u8>> + 'r;

/// One target.
pub struct Fuzz<'a> {
    /// Its name, that of its folder of crashers.
    pub name: &'a str,
    /// Inputs that are damaged: real ones, small.
    pub seeds: Vec<Vec<u8>>,
    /// Words that the format knows.
    pub words: &'a [&'a [u8]],
    /// Where inputs lie that once broke it, in a folder of its name; each is run first.
    pub crashers: PathBuf,
}

impl Fuzz<'_> {
    /// Runs `parse` on crashers, seeds and damaged seeds. `repack` damages the inside of a container; `None` where it is none.
    ///
    /// # Panics
    /// When `parse` panics or takes too long.
    pub fn run(&self, repack: &Repack<'_>, parse: &dyn Fn(&[u8])) -> u64 {
        let case_file = std::env::temp_dir().join(format!("fuzz-{}-{}", self.name, std::process::id()));
        let watch = Watch::start(&case_file);
        let mut crashers: Vec<PathBuf> = std::fs::read_dir(self.crashers.join(self.name))
            .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
            .unwrap_or_default();
        crashers.sort();
        for path in crashers {
            let bytes = std::fs::read(&path).unwrap_or_default();
            self.one(&bytes, &path, &watch, parse);
        }
        let write = |bytes: &[u8]| {
            // Best effort: without it a case is still found again by its number.
            let _ = std::fs::write(&case_file, bytes);
        };
        let end = Instant::now() + length();
        let mut mutator = Mutator::new(seed_of(self.name), self.words, &self.seeds);
        let mut cases = 0;
        for seed in &self.seeds {
            write(seed);
            self.one(seed, &case_file, &watch, parse);
        }
        while Instant::now() < end && !self.seeds.is_empty() {
            let seed = &self.seeds[mutator.random.below(self.seeds.len())];
            let inside = if mutator.random.below(4) > 0 {
                repack(seed, &mut mutator)
            } else {
                None
            };
            let bytes = inside.unwrap_or_else(|| mutator.damaged(seed));
            write(&bytes);
            self.one(&bytes, &case_file, &watch, parse);
            cases += 1;
        }
        drop(watch);
        let _ = std::fs::remove_file(&case_file);
        cases
    }

    fn one(&self, bytes: &[u8], path: &Path, watch: &Watch, parse: &dyn Fn(&[u8])) {
        watch.begin();
        let result = catch_unwind(AssertUnwindSafe(|| parse(bytes)));
        watch.end();
        assert!(
            result.is_ok(),
            "{}: the input in {} makes it panic; make it small and keep it in {}",
            self.name,
            path.display(),
            self.crashers.join(self.name).display()
        );
    }
}

/// A target that takes anything, with no container around it.
pub fn no_container(_: &[u8], _: &mut Mutator<'_>) -> Option<Vec<u8>> {
    None
}

fn length() -> Duration {
    let told = std::env::var("FUZZ_SECONDS").ok();
    told.and_then(|seconds| seconds.parse().ok())
        .map_or(SHORT, Duration::from_secs_f64)
}

/// Another beginning for each target, and with `FUZZ_SEED` for each run.
fn seed_of(name: &str) -> u64 {
    let told = std::env::var("FUZZ_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0_u64);
    name.bytes().fold(told, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u64::from(byte))
    })
}

/// Ends the process when a case takes too long: a loop without end cannot be ended otherwise.
struct Watch {
    start: Instant,
    /// When the case under way began, in milliseconds since the start, plus one; 0 between cases, `u64::MAX` at the end.
    begun: Arc<AtomicU64>,
}

impl Watch {
    fn start(case_file: &Path) -> Self {
        let begun = Arc::new(AtomicU64::new(0));
        let start = Instant::now();
        let (seen, path) = (Arc::clone(&begun), case_file.to_owned());
        std::thread::spawn(move || {
            loop {
                std::thread::park_timeout(Duration::from_millis(200));
                let since = seen.load(Ordering::Relaxed);
                let now = start.elapsed().as_millis() as u64;
                if since == u64::MAX {
                    return;
                }
                if since > 0 && now.saturating_sub(since - 1) > CASE.as_millis() as u64 {
                    hung(&path);
                }
            }
        });
        Self { start, begun }
    }

    fn begin(&self) {
        let now = self.start.elapsed().as_millis() as u64;
        self.begun.store(now + 1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.begun.store(0, Ordering::Relaxed);
    }
}

#[expect(clippy::print_stderr, reason = "the process ends here")]
fn hung(path: &Path) -> ! {
    eprintln!("the input in {} takes longer than {CASE:?}", path.display());
    std::process::abort()
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.begun.store(u64::MAX, Ordering::Relaxed);
    }
}
