//! The process that becomes Tesseract: limits first, then the program in the same process. It may read that program, its
//! libraries and its language data, and nothing else; it has no network and can start nothing. Pixels come in by standard
//! input, words go out by standard output.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use serde::{Deserialize, Serialize};

use super::confine;

/// What is to be run, and how.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Recognition {
    /// Tesseract.
    pub(crate) program: PathBuf,
    /// The folder of its language data.
    pub(crate) language_data: PathBuf,
    /// As it wants them: `por+eng`.
    pub(crate) languages: String,
    /// How fine the page was drawn, where that is known.
    pub(crate) dots_per_inch: Option<u32>,
    /// The most address space, in bytes.
    pub(crate) address_space_bytes: u64,
    /// The most computing time, in seconds.
    pub(crate) cpu_seconds: u64,
}

/// What `ids` runs for its hidden subcommand `__ocr`. It returns only where something failed.
pub fn ocr_main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let request = args.into_iter().next().and_then(|text| text.into_string().ok());
    let request = request.and_then(|text| serde_json::from_str::<Recognition>(&text).ok());
    let Some(request) = request else {
        return ExitCode::from(2);
    };
    let mut command = command(&request);
    let confined = confine::limit(request.address_space_bytes, request.cpu_seconds)
        .and_then(|()| confine::isolate_for(&request.program, &[&request.language_data]));
    if confined.is_err() {
        return ExitCode::from(3);
    }
    // It ends this program, so nothing is left to do where it returns.
    let _error = command.exec();
    ExitCode::from(4)
}

fn command(request: &Recognition) -> Command {
    let mut command = Command::new(&request.program);
    command
        .args(["stdin", "stdout", "--tessdata-dir"])
        .arg(&request.language_data)
        .args(["-l", &request.languages, "--psm", "3"])
        .args(["-c", "tessedit_create_tsv=1"])
        .env_clear()
        // Its own threads cost more than they bring; pages run side by side instead. It may make none, either.
        .env("OMP_THREAD_LIMIT", "1")
        .env("OMP_NUM_THREADS", "1")
        .env("LC_ALL", "C");
    if let Some(dots) = request.dots_per_inch {
        command.arg("--dpi").arg(dots.to_string());
    }
    command
}
