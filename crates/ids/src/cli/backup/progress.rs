//! How far a backup or a restore is, on stderr: a line that changes on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::backup::{Progress, Step};
use crate::cli::output::remark;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A progress that is shown, and what takes it away again.
pub fn show_progress() -> (Progress, impl FnOnce()) {
    let bar = std::io::stderr().is_terminal().then(|| {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // The template is a constant of ours; should it be wrong, the plain one is shown.
        bar.set_style(
            ProgressStyle::with_template("{spinner} {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        bar
    });
    let shown = bar.clone();
    let mut last_line = Instant::now();
    let progress = Progress::new(move |step| match &shown {
        Some(bar) => {
            bar.set_message(text(step));
            bar.tick();
        }
        None if last_line.elapsed() >= LINE_EVERY => {
            last_line = Instant::now();
            remark(&text(step));
        }
        None => {}
    });
    let clear = move || {
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    };
    (progress, clear)
}

fn text(step: &Step) -> String {
    match step {
        Step::Rows(rows) => format!("{rows} rows copied"),
        Step::RowBytes(bytes) => format!("{} of rows put in", crate::cli::output::size(*bytes)),
        Step::Library => "the library is copied".to_owned(),
        Step::Bytes(done, total) => format!("{done}/{total} originals"),
        Step::Copies(done, total) => format!("{done}/{total} files copied to the bucket"),
        Step::Reading => "the backup is read".to_owned(),
        Step::Finishing => "the library is counted and brought to this version".to_owned(),
    }
}
