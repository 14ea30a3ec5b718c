//! How far a move is, on stderr: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ids_core::moving::{MoveProgress, MoveStep};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::output::remark;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Told by the move, read by one person.
pub struct MoveBar {
    bar: Option<ProgressBar>,
    state: Mutex<State>,
}

struct State {
    last_line: Instant,
    documents: Option<(u64, u64)>,
}

impl MoveBar {
    /// Nothing is moved yet.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
            // The template is a constant of ours; should it be wrong, the plain bar is shown.
            bar.set_style(
                ProgressStyle::with_template("{bar:24} {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        });
        Self {
            bar,
            state: Mutex::new(State {
                last_line: Instant::now(),
                documents: None,
            }),
        }
    }

    /// So far it is.
    pub fn show(&self, progress: MoveProgress) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of later steps are all there.
        state.documents = match progress.step {
            MoveStep::Documents => Some((progress.done, progress.total)),
            MoveStep::Sessions | MoveStep::Verifying => state.documents.map(|(_, total)| (total, total)),
        };
        let now = Instant::now();
        if let Some(bar) = &self.bar {
            bar.set_length(progress.total.max(1));
            bar.set_position(progress.done);
            bar.set_message(text(progress));
        } else if now.duration_since(state.last_line) >= LINE_EVERY {
            state.last_line = now;
            remark(&text(progress));
        }
    }

    /// How many documents are at the target, and of how many.
    pub fn documents(&self) -> Option<(u64, u64)> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .documents
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn text(progress: MoveProgress) -> String {
    let MoveProgress { step, done, total } = progress;
    match step {
        MoveStep::Documents => format!("{done}/{total} documents moved"),
        MoveStep::Sessions => format!("{done}/{total} conversations moved"),
        MoveStep::Verifying => format!("{done}/{total} documents read back and compared"),
    }
}
