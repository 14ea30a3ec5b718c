//! How long does a search take at 10,000 and 100,000 chunks, and how much does the vector index lose against an exact
//! scan?
//!
//! Usage, in the repository's root: `bench-search EVAL_DIR [CHUNKS ...]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measuring program")]

mod library;
mod sentences;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use ids_core::chunk::Filter;
use ids_core::embedding::{Embedding, inner_product};
use ids_core::eval::percentile;
use ids_core::id::OrganizationId;
use ids_core::ports::ChunkIndex;
use ids_core::scope::Scope;
use ids_core::search::{SearchMode, SearchRequest};
use library::{Built, build};

/// Queries asked of each library.
const QUERIES: usize = 400;
/// Queries whose nearest chunks are compared with an exact scan.
const RECALL_QUERIES: usize = 200;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let sets = arguments
        .next()
        .context("usage: bench-search EVAL_DIR [CHUNKS ...]")?;
    let mut sizes: Vec<usize> = arguments.map(|size| size.parse()).collect::<Result<_, _>>()?;
    if sizes.is_empty() {
        sizes = vec![10_000, 100_000];
    }
    let (sentences, queries) = sentences::read(Path::new(&sets))?;
    let step = (queries.len() / QUERIES).max(1);
    let queries: Vec<String> = queries.into_iter().step_by(step).take(QUERIES).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for size in sizes {
        let folder = tempfile::tempdir()?;
        let built = runtime.block_on(build(
            folder.path(),
            Path::new("target/bench/real-vectors.f32"),
            &sentences,
            size,
        ))?;
        runtime.block_on(measure(&built, &queries))?;
        runtime.block_on(built.store.close());
    }
    Ok(())
}

async fn measure(built: &Built, queries: &[String]) -> Result<()> {
    let scope = Scope::organization(OrganizationId::DEFAULT);
    println!("chunks {}", built.chunks);
    for mode in SearchMode::ALL {
        let mut times = Vec::new();
        for (index, query) in queries.iter().chain(queries).enumerate() {
            let request = SearchRequest {
                mode,
                ..SearchRequest::new(query.clone())
            };
            let begun = Instant::now();
            built.library.search(&scope, &request).await?;
            // The first pass warms the caches, as a server that has been asked before.
            if index >= queries.len() {
                times.push(begun.elapsed().as_secs_f64() * 1e3);
            }
        }
        let (p50, p99) = (percentile(&mut times.clone(), 50.0), percentile(&mut times, 99.0));
        println!("  {:<8} p50 {p50:.1} ms, p99 {p99:.1} ms", mode.as_str());
    }
    let embedder = built.library.ports().embedders.current();
    let mut embed_times = Vec::new();
    let mut scan_times = Vec::new();
    let (mut found, mut wanted) = (0, 0);
    for query in queries.iter().take(RECALL_QUERIES) {
        let begun = Instant::now();
        let embedding = embedder.embed_query(query).await?;
        embed_times.push(begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        let nearest = built
            .store
            .nearest(&scope, &Filter::default(), embedder.model(), &embedding, 10)
            .await?;
        scan_times.push(begun.elapsed().as_secs_f64() * 1e3);
        let candidates = built
            .store
            .load_candidates(&scope, &nearest, &[], Some(embedder.model()))
            .await?;
        let vector = embedding.to_f32();
        let mut scores: Vec<f32> = candidates
            .iter()
            .filter_map(|candidate| candidate.embedding.as_ref())
            .map(|stored: &Embedding| inner_product(&vector, &stored.to_f32()))
            .collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        let got: HashSet<u32> = scores.iter().take(10).map(|score| score.to_bits()).collect();
        let mut exact: Vec<f32> = built
            .vectors
            .iter()
            .map(|stored| inner_product(&vector, stored))
            .collect();
        exact.sort_by(|a, b| b.total_cmp(a));
        let exact: HashSet<u32> = exact.iter().take(10).map(|score| score.to_bits()).collect();
        found += exact.intersection(&got).count();
        wanted += exact.len();
    }
    println!(
        "  query embedding p50 {:.1} ms",
        percentile(&mut embed_times, 50.0)
    );
    println!(
        "  nearest 10 p50 {:.1} ms, p99 {:.1} ms",
        percentile(&mut scan_times.clone(), 50.0),
        percentile(&mut scan_times, 99.0)
    );
    println!(
        "  recall@10 against an exact scan {:.4}",
        f64::from(found as u32) / f64::from(wanted as u32)
    );
    println!("  resident {} MB", resident_mb());
    Ok(())
}

fn resident_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    line.and_then(|line| line.split_whitespace().nth(1))
        .and_then(|kb| kb.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}
