//! How far an ingest is, on stderr: a bar on a terminal, a line now and then elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::output::{clean, remark};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Before this a rate is a guess.
const RATE_AFTER: Duration = Duration::from_secs(2);
/// The bar's own unit.
const BAR_STEPS: u64 = 1_000;

/// Told by every file, read by one person.
pub struct IngestProgress {
    bar: Option<ProgressBar>,
    is_silent: bool,
    state: Mutex<State>,
}

struct State {
    started: Instant,
    last_line: Instant,
    total: usize,
    total_weight: f64,
    done: usize,
    done_weight: f64,
    /// By the file's number.
    in_work: BTreeMap<usize, InWork>,
}

struct InWork {
    begun: Instant,
    weight: f64,
    share: f64,
    text: String,
}

impl IngestProgress {
    /// Says nothing: for files of which something else is told.
    pub fn silent() -> Self {
        Self {
            is_silent: true,
            ..Self::of(Vec::new(), None)
        }
    }

    /// For files of these sizes in bytes.
    pub fn new(sizes: impl Iterator<Item = u64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(BAR_STEPS), ProgressDrawTarget::stderr());
            // The template is a constant of ours; should it be wrong, the plain bar is shown.
            bar.set_style(
                ProgressStyle::with_template("{bar:24} {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        });
        Self::of(sizes.map(weight).collect(), bar)
    }

    fn of(weights: Vec<f64>, bar: Option<ProgressBar>) -> Self {
        let now = Instant::now();
        let state = State {
            started: now,
            last_line: now,
            total: weights.len(),
            total_weight: weights.iter().sum(),
            done: 0,
            done_weight: 0.0,
            in_work: BTreeMap::new(),
        };
        Self {
            bar,
            is_silent: false,
            state: Mutex::new(state),
        }
    }

    /// File `number` is at `percent`; `step` says what is being done.
    pub fn working(&self, number: usize, name: &str, size: u64, percent: u64, step: &str) {
        let mut state = self.state();
        let text = format!("{} · {}", clean(step), clean(name));
        let share = share_of_time(percent);
        let begun = state
            .in_work
            .get(&number)
            .map_or_else(Instant::now, |work| work.begun);
        state.in_work.insert(
            number,
            InWork {
                begun,
                weight: weight(size),
                share,
                text,
            },
        );
        self.show(&mut state);
    }

    /// File `number` is at its end.
    pub fn finished(&self, number: usize, size: u64) {
        let mut state = self.state();
        state.in_work.remove(&number);
        state.done += 1;
        state.done_weight += weight(size);
        self.show(&mut state);
    }

    /// Writes a line of its own.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| remark(text)),
            None => remark(text),
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, state: &mut State) {
        if self.is_silent {
            return;
        }
        let now = Instant::now();
        let elapsed = now.duration_since(state.started);
        if let Some(bar) = &self.bar {
            bar.set_position((state.share() * BAR_STEPS as f64) as u64);
            bar.set_message(state.text(elapsed));
        } else if now.duration_since(state.last_line) >= LINE_EVERY {
            state.last_line = now;
            remark(&state.text(elapsed));
        }
    }
}

impl State {
    fn share(&self) -> f64 {
        let in_work: f64 = self.in_work.values().map(|work| work.weight * work.share).sum();
        ((self.done_weight + in_work) / self.total_weight.max(1.0)).clamp(0.0, 1.0)
    }

    /// Seconds that the slowest of those in work still takes at its own pace: bytes say little of one whose text is long for its size.
    fn slowest(&self, elapsed: Duration) -> f64 {
        let now = self.started + elapsed;
        let left = |work: &InWork| {
            let seconds = now.saturating_duration_since(work.begun).as_secs_f64();
            seconds * (1.0 - work.share) / work.share
        };
        let known = self.in_work.values().filter(|work| work.share > 0.0);
        known.map(left).fold(0.0, f64::max)
    }

    fn text(&self, elapsed: Duration) -> String {
        let mut text = format!("{}/{} documents", self.done, self.total);
        if elapsed >= RATE_AFTER {
            let seconds = elapsed.as_secs_f64();
            if self.done > 0 {
                text.push_str(&format!(", {:.1}/min", self.done as f64 * 60.0 / seconds));
            }
            let share = self.share();
            if share > 0.0 && share < 1.0 {
                let left = (seconds * (1.0 - share) / share).max(self.slowest(elapsed));
                text.push_str(&format!(", {} left", about(left)));
            }
        }
        // One is named; the one that is furthest changes least often.
        if let Some(work) = self.in_work.values().max_by(|a, b| a.share.total_cmp(&b.share)) {
            text.push_str(&format!(" · {}", work.text));
        }
        text
    }
}

/// The share of a document's time that has gone by at a percent of its progress: embedding begins at 55 (design.md 2) and takes
/// nearly all of it.
fn share_of_time(percent: u64) -> f64 {
    const EMBEDDING: f64 = 55.0;
    const BEFORE: f64 = 0.05;
    let percent = percent.min(100) as f64;
    if percent <= EMBEDDING {
        percent / EMBEDDING * BEFORE
    } else {
        BEFORE + (percent - EMBEDDING) / (100.0 - EMBEDDING) * (1.0 - BEFORE)
    }
}

/// What a file costs beside the others: its bytes, and a little for being one.
fn weight(size: u64) -> f64 {
    size as f64 + 10_000.0
}

/// A time as people say it.
fn about(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 90.0 => format!("{seconds:.0} s"),
        seconds if seconds < 5_400.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{IngestProgress, about, share_of_time};

    #[test]
    fn documents_rate_and_remaining_time_are_told() {
        let progress = IngestProgress::new([90_000, 90_000].into_iter());
        progress.finished(0, 90_000);
        progress.working(1, "a.pdf", 90_000, 76, "embedding chunk 3 of 6");
        let text = progress.state().text(Duration::from_secs(30));
        assert_eq!(
            text, "1/2 documents, 2.0/min, 31 s left · embedding chunk 3 of 6 · a.pdf",
            "half of the second took 30 s"
        );
    }

    #[test]
    fn a_small_file_with_much_text_takes_the_time_it_takes() {
        let progress = IngestProgress::new([990_000, 1_000].into_iter());
        progress.finished(0, 990_000);
        progress.working(1, "a.txt", 1_000, 57, "embedding chunk 3 of 60");
        let text = progress.state().text(Duration::from_secs(30));
        assert!(text.contains("5 min left"), "{text}");
    }

    #[test]
    fn what_comes_before_embedding_counts_little() {
        assert!(share_of_time(55) < 0.06 && share_of_time(54) < share_of_time(55));
        assert_eq!((share_of_time(0), share_of_time(100)), (0.0, 1.0));
    }

    #[test]
    fn times_have_the_unit_of_people() {
        assert_eq!(
            (about(5.0), about(600.0), about(7_200.0)),
            ("5 s".into(), "10 min".into(), "2.0 h".into())
        );
    }
}
