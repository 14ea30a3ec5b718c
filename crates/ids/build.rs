//! Checks that the built-in model was fetched, and notes the commit.

use std::path::Path;
use std::process::Command;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let model = root.join("assets/e5-small-enpt-q4.bin");
    println!("cargo::rerun-if-changed={}", model.display());
    println!("cargo::rerun-if-changed={}", root.join(".git/HEAD").display());
    if !model.exists() {
        println!(
            "cargo::error=the built-in model is not there; run `cargo run -p xtask -- assets` first (or `make run`)"
        );
    }
    let commit = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .current_dir(&root)
        .output();
    if let Ok(output) = commit
        && output.status.success()
    {
        println!(
            "cargo::rustc-env=IDS_BUILD_COMMIT={}",
            String::from_utf8_lossy(&output.stdout).trim()
        );
    }
}
