//! `ids completions`: a script for the shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::exit::Failed;
use super::{Cli, output};

/// Print a completion script for a shell.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub fn run(args: &CompletionsArgs) -> Result<u8, Failed> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ids", &mut script);
    output::print_raw(script.trim_ascii_end())?;
    Ok(0)
}
