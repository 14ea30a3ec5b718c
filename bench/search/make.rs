//! Makes the library that `bench-search` measures, and leaves it for `ids serve --data-dir`, so that the page can be measured over it.
//!
//! Usage, in the repository's root: `bench-library EVAL_DIR CHUNKS FOLDER`.

#![expect(clippy::print_stderr, reason = "a measuring program")]

#[expect(dead_code, reason = "the vectors in memory are for `bench-search`")]
mod library;
mod sentences;

use std::path::Path;

use anyhow::{Context, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let usage = "usage: bench-library EVAL_DIR CHUNKS FOLDER";
    let mut arguments = std::env::args().skip(1);
    let sets = arguments.next().context(usage)?;
    let chunks = arguments.next().context(usage)?.parse()?;
    let folder = arguments.next().context(usage)?;
    std::fs::create_dir_all(&folder)?;
    let (sentences, _) = sentences::read(Path::new(&sets))?;
    let cache = Path::new("target/bench/real-vectors.f32");
    let built = library::build(Path::new(&folder), cache, &sentences, chunks).await?;
    built.store.close().await;
    Ok(())
}
