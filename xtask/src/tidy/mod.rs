//! `xtask tidy`: what must hold in the tree and no compiler checks. Each complaint is a sentence that says what to do.
//!
//! One module a check, with its own tests over small made-up trees.

mod adapters;
mod arrows;
mod contracts;
mod environment;
mod error_codes;
mod file_length;
mod languages;
mod links;
mod machine_paths;
mod required;
mod rust_text;
mod sleeps;
mod test_names;
mod tree;
mod unfinished;

use anyhow::{Result, bail};

use crate::workspace::{self, Metadata};
use tree::Tree;

/// Runs every check, prints every complaint, and fails if there is one.
pub fn run() -> Result<()> {
    let root = workspace::root()?;
    let tree = Tree::of_repository(&root)?;
    let members = Metadata::members()?;

    let mut complaints = 0;
    let mut report = |name: &str, found: Vec<String>| {
        println!("{} {name}", if found.is_empty() { "ok  " } else { "FAIL" });
        for complaint in &found {
            println!("     {complaint}");
        }
        complaints += found.len();
    };
    report("required files are committed", required::check(&tree));
    report(
        "crates depend only on those above them",
        arrows::check(&members, &root),
    );
    report("adapters analyze no text", adapters::check(&tree));
    report(
        "every contract clause is run by every adapter",
        contracts::check(&tree),
    );
    report(
        "error codes are documented and translated",
        error_codes::check(&tree),
    );
    report("environment variables are documented", environment::check(&tree));
    report("language files are complete", languages::check(&tree));
    report("tests do not sleep", sleeps::check(&tree));
    report("test names are sentences", test_names::check(&tree));
    report(
        "no paths or registries of one machine",
        machine_paths::check(&tree),
    );
    report("nothing is left to be done later", unfinished::check(&tree));
    report("files can be read in one sitting", file_length::check(&tree));
    report("links lead somewhere", links::check(&tree));
    let notices = crate::notices::check().err().map(|err| format!("{err:#}"));
    report(
        "third-party notices are up to date",
        notices.into_iter().collect(),
    );

    if complaints > 0 {
        bail!("tidy found {complaints} things to put right");
    }
    Ok(())
}
