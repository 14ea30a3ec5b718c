//! How far a backup or a restore is.

use std::sync::Arc;

use crate::backup::{Progress, Step};
use crate::cli::progress_line::ProgressLine;

/// A progress that is shown, and what takes it away again.
pub fn show_progress() -> (Progress, impl FnOnce()) {
    let line = Arc::new(ProgressLine::new());
    let shown = Arc::clone(&line);
    let progress = Progress::new(move |step| shown.show(&text(step)));
    (progress, move || line.clear())
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
