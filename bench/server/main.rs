//! What the two shapes take: memory, CPU a request, documents a second, time to take over from a dead worker, search.
//!
//! Usage, in the repository's root: `bench-server --ids PROGRAM --eval EVAL_DIR [PART ...]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measuring program")]

mod cpu;
mod http;
mod jobs;
#[expect(dead_code, reason = "the vectors in memory are for `bench-search`")]
#[path = "../search/library.rs"]
mod library;
mod memory;
mod process;
mod report;
mod search;
#[path = "../search/sentences.rs"]
mod sentences;
mod shape;
mod takeover;
mod texts;
mod worker;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use report::Report;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Memory of the API at rest and under 200 requests at once
    Memory,
    /// CPU of one request
    Cpu,
    /// Memory of a worker while a long PDF is processed
    Worker,
    /// Tiny documents a second
    Jobs,
    /// From kill -9 of a worker to its job in another one
    Takeover,
    /// Search in both shapes over the same chunks
    Search,
}

/// Measures the server shape, beside the embedded one where it has the same.
#[derive(Debug, Parser)]
struct Options {
    /// The parts to measure; all when none is named
    parts: Vec<Part>,
    /// The program, of the release profile, `libpdfium.so` beside it
    #[arg(long, default_value = "target/release/ids")]
    ids: PathBuf,
    /// The sets of questions and texts
    #[arg(long, default_value = "../shared/eval")]
    eval: PathBuf,
    /// Also write all figures there as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Requests of each kind; a quarter of that of searches
    #[arg(long, default_value_t = 4_000)]
    requests: usize,
    /// Pages of the long PDF
    #[arg(long, default_value_t = 1_000)]
    pages: usize,
    /// Tiny documents
    #[arg(long, default_value_t = 500)]
    documents: usize,
    /// Workers killed
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Chunks that are searched
    #[arg(long, default_value_t = 100_000)]
    chunks: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut options = Options::parse();
    options.ids = std::fs::canonicalize(&options.ids)
        .with_context(|| format!("`{}` is not there; build it first", options.ids.display()))?;
    if options.parts.is_empty() {
        options.parts = Part::value_variants().to_vec();
    }
    let mut report = Report::default();
    for part in options.parts.clone() {
        match part {
            Part::Memory => memory::measure(&options, &mut report).await?,
            Part::Cpu => cpu::measure(&options, &mut report).await?,
            Part::Worker => worker::measure(&options, &mut report).await?,
            Part::Jobs => jobs::measure(&options, &mut report).await?,
            Part::Takeover => takeover::measure(&options, &mut report).await?,
            Part::Search => search::measure(&options, &mut report).await?,
        }
    }
    println!("{}", report.table());
    if let Some(file) = &options.json {
        std::fs::write(file, report.json()?)
            .with_context(|| format!("`{}` cannot be written", file.display()))?;
    }
    Ok(())
}
