//! The chores around the code: `cargo run -p xtask -- <command>`. The Makefile's targets call these.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program: stdout carries the result, stderr the progress"
)]

mod assets;
mod eval_table;
mod notices;
mod process;
mod tidy;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo run -p xtask -- <command>

  assets                fetch what assets.lock names, check it, put it into its place
  notices [--check]     write THIRD_PARTY.md, or only say whether it is up to date
  tidy                  the checks on the tree that no compiler makes
  eval-table PROGRAM    measure with `PROGRAM eval` and write the table in docs/quality.md";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["assets"] => assets::run(),
        ["notices"] => notices::write(),
        ["notices", "--check"] => notices::check(),
        ["tidy"] => tidy::run(),
        ["eval-table", program] => eval_table::run(program),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}
