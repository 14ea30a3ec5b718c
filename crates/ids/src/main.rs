//! `ids`: intelligent document search in one program.

mod backup;
mod certificate;
mod cli;
mod compose;
mod config;
mod data_dir;
mod http_client;
mod lifecycle;
mod local;
mod logging;
mod memory;
mod ocr;
mod system;
mod traces;
mod version;

use std::process::ExitCode;

use clap::Parser;
use rustix::fs::Mode;

fn main() -> ExitCode {
    // The children that look at foreign bytes: decided before anything else is set up.
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(first) if first == compose::EXTRACT_CHILD => return ids_extract::child_main(arguments),
        Some(first) if first == ocr::CHILD => return ids_extract::ocr_main(arguments),
        _ => {}
    }
    // Documents are people's data: whatever this program writes is its owner's alone, in a directory that was there before too.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let cli = cli::Cli::parse();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = cli.threads() {
        builder.worker_threads(threads);
    }
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return finish(Err(cli::Failed::because(format!(
                "the runtime cannot be started: {error}"
            ))));
        }
    };
    let outcome = runtime.block_on(cli::run(cli));
    // A blocking thread that hangs must not keep the program from ending.
    runtime.shutdown_background();
    finish(outcome)
}

#[expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "the one place where a command's failure is said"
)]
fn finish(outcome: Result<u8, cli::Failed>) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failed) => {
            let wants_json = std::env::args_os().any(|argument| argument == "--json");
            if wants_json && !failed.is_told {
                println!("{}", failed.to_json());
            }
            eprintln!("error: {failed}");
            ExitCode::from(failed.code)
        }
    }
}
