//! Checks that the built-in model was fetched, and notes from which commit and for which machine the program is built.
//!
//! The commit is found without asking anything that changes from build to build, so that two builds of one commit are equal:
//!
//! 1. `IDS_BUILD_COMMIT`, the full hash and the commit's time in seconds, for builders that have no repository (Dockerfile);
//! 2. `commit.txt`, where `git archive` has written them;
//! 3. git, in release builds only: a debug build would have to be made anew after each commit for nothing but its name.

use std::path::Path;
use std::process::Command;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let model = root.join("assets/e5-small-enpt-q4.bin");
    println!("cargo::rerun-if-changed={}", model.display());
    if !model.exists() {
        println!(
            "cargo::error=the built-in model is not there; run `cargo run -p xtask -- assets` first (or `make run`)"
        );
    }
    println!("cargo::rerun-if-env-changed=IDS_BUILD_COMMIT");
    println!("cargo::rerun-if-changed=commit.txt");
    let is_release = variable("PROFILE") == "release";
    let found = [
        variable("IDS_BUILD_COMMIT"),
        std::fs::read_to_string("commit.txt").unwrap_or_default(),
    ]
    .iter()
    .find_map(|text| Commit::parse(text))
    .or_else(|| is_release.then(|| of_git(&root)).flatten());
    let stamp = match &found {
        Some(commit) => {
            println!("cargo::rustc-env=IDS_BUILD_COMMIT={}", commit.short());
            format!("{} {}", commit.short(), commit.date())
        }
        None if is_release => "commit unknown".to_owned(),
        None => "debug build".to_owned(),
    };
    println!("cargo::rustc-env=IDS_BUILD_STAMP={stamp}");
    println!("cargo::rustc-env=IDS_BUILD_TARGET={}", variable("TARGET"));
    println!("cargo::rustc-env=IDS_BUILD_PROFILE={}", variable("PROFILE"));
    println!("cargo::rerun-if-changed={}", root.join("assets.lock").display());
    let pdfium = pdfium_version(&std::fs::read_to_string(root.join("assets.lock")).unwrap_or_default());
    println!("cargo::rustc-env=IDS_BUILD_PDFIUM={pdfium}");
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// What a program is built from.
struct Commit {
    hash: String,
    seconds: i64,
}

impl Commit {
    /// Reads `<hash> <seconds since 1970>`; a template that nobody has filled in is none.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let hash = words.next()?.to_owned();
        let seconds = words.next()?.parse().ok()?;
        let is_hash = hash.len() >= 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then_some(Self { hash, seconds })
    }

    fn short(&self) -> &str {
        &self.hash[..12]
    }

    /// Its day in UTC: the same wherever it is built. (Howard Hinnant's `civil_from_days`; no crate for one line.)
    fn date(&self) -> String {
        let days = self.seconds.div_euclid(86_400) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        format!("{year:04}-{month:02}-{day:02}")
    }
}

/// Asks git, and has this run again when the commit changes. Watched are files that exist: for one that does not, cargo would
/// build anew each time.
fn of_git(root: &Path) -> Option<Commit> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(root)
            .output()
            .ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    // A folder of sources inside somebody's other repository is not that repository's commit.
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != root.canonicalize().ok()? {
        return None;
    }
    for name in ["HEAD", "logs/HEAD"] {
        let path = root.join(git(&["rev-parse", "--git-path", name])?);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    Commit::parse(&git(&["log", "-1", "--format=%H %ct"])?)
}

/// `PDFium 159.0.8149` of the line of assets.lock that tells of it.
fn pdfium_version(lock: &str) -> String {
    let found = lock
        .lines()
        .find_map(|line| line.split_once("PDFium ")?.1.split(',').next());
    format!("PDFium {}", found.unwrap_or("of an unknown version"))
}
