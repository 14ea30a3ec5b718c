//! How far something is, on stderr: a line that changes on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::{clean, remark};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Told by the work, read by one person.
pub struct ProgressLine {
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
}

impl ProgressLine {
    /// Nothing is told yet.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            // The template is a constant of ours; should it be wrong, the plain one is shown.
            bar.set_style(
                ProgressStyle::with_template("{spinner} {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            // It moves on while a step takes its time.
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self {
            bar,
            last_line: Mutex::new(Instant::now()),
        }
    }

    /// So far it is.
    pub fn show(&self, text: &str) {
        let mut last_line = self.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.change(text) && last_line.elapsed() >= LINE_EVERY {
            *last_line = Instant::now();
            remark(&clean(text));
        }
    }

    /// Something new begins, which is told at once.
    pub fn begin(&self, text: &str) {
        if !self.change(text) {
            remark(&clean(text));
        }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Whether there is a line to change.
    fn change(&self, text: &str) -> bool {
        if let Some(bar) = &self.bar {
            bar.set_message(clean(text));
        }
        self.bar.is_some()
    }
}
