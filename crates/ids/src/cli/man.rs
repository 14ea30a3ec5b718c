//! `ids man`: the manual pages of all commands, as packages install them. Hidden: it is for those who make packages.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};

use super::Cli;
use super::exit::Failed;

/// Write the manual pages into a folder.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder; it is made
    #[arg(value_name = "DIR")]
    to: PathBuf,
}

/// Writes `ids.1`, and a page for each command and each of its actions: `ids-backup.1`, `ids-backup-list.1`.
pub fn run(args: &ManArgs) -> Result<u8, Failed> {
    let to = args.to.display();
    std::fs::create_dir_all(&args.to).with_context(|| format!("the folder `{to}` cannot be made"))?;
    // The long version tells of the machine that it runs on, which has no place in a page that is installed elsewhere.
    let pages = Cli::command()
        .version(env!("CARGO_PKG_VERSION"))
        .long_version(None::<&str>);
    clap_mangen::generate_to(pages, &args.to)
        .with_context(|| format!("the pages cannot be written into `{to}`"))?;
    Ok(0)
}
