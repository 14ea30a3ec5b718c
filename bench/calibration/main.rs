//! Which logistic curve maps the built-in model's cosine to the probability that a passage is the one asked for?
//!
//! Usage, in the repository's root: `bench-calibration EVAL_DIR`. For each question the hundred nearest passages are taken; those
//! judged relevant count as 1, the others as 0, and slope and midpoint are fitted by Newton's method on the log loss, all sets together.

#![expect(clippy::print_stdout, reason = "a measuring program")]

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use ids_core::embedding::{Embedding, inner_product};
use ids_core::ports::Embedder;
use ids_embed::{BuiltInEmbedder, Model};
use serde::Deserialize;

const NEAREST: usize = 100;

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    id: String,
    text: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let sets = std::env::args()
        .nth(1)
        .context("usage: bench-calibration EVAL_DIR")?;
    let model =
        Model::load(&fs::read("assets/e5-small-enpt-q4.bin").context("run it in the repository's root")?)?;
    let embedder = BuiltInEmbedder::new(model, None)?;
    let mut pairs = Vec::new();
    for set in ["faquad", "squad-pt", "xquad-en"] {
        let found = pairs_of(&Path::new(&sets).join(set), &embedder).await?;
        let (slope, midpoint) = fit(&found);
        println!(
            "{set}: slope {slope:.1}, midpoint {midpoint:.4}, {} pairs",
            found.len()
        );
        pairs.extend(found);
    }
    let (slope, midpoint) = fit(&pairs);
    println!("together: slope {slope:.1}, midpoint {midpoint:.4}");
    for cosine in [0.75, 0.80, 0.82, 0.84, 0.86, 0.88, 0.90, 0.92] {
        let probability = 1.0 / (1.0 + (-slope * (cosine - midpoint)).exp());
        println!("cosine {cosine:.2}: {probability:.3}");
    }
    Ok(())
}

async fn pairs_of(folder: &Path, embedder: &BuiltInEmbedder) -> Result<Vec<(f64, bool)>> {
    let documents = rows(&folder.join("corpus.jsonl"))?;
    let queries = rows(&folder.join("queries.jsonl"))?;
    let judged: HashSet<(String, String)> = fs::read_to_string(folder.join("qrels.tsv"))?
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut cells = line.split('\t');
            Some((cells.next()?.to_owned(), cells.next()?.to_owned()))
        })
        .collect();
    let texts: Vec<String> = documents.iter().map(|row| row.text.clone()).collect();
    let mut vectors = Vec::new();
    for batch in texts.chunks(64) {
        vectors.extend(
            embedder
                .embed_passages(batch)
                .await?
                .iter()
                .map(Embedding::to_f32),
        );
    }
    let mut pairs = Vec::new();
    for query in queries {
        let vector = embedder.embed_query(&query.text).await?.to_f32();
        let mut scored: Vec<(f32, &Row)> = vectors
            .iter()
            .zip(&documents)
            .map(|(stored, row)| (inner_product(&vector, stored), row))
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        pairs.extend(scored.iter().take(NEAREST).map(|(cosine, row)| {
            (
                f64::from(*cosine),
                judged.contains(&(query.id.clone(), row.id.clone())),
            )
        }));
    }
    Ok(pairs)
}

fn rows(path: &Path) -> Result<Vec<Row>> {
    let file = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    file.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Newton's method for p = 1 / (1 + exp(-(a + b x))) around x = .85; returns slope b and midpoint.
fn fit(pairs: &[(f64, bool)]) -> (f64, f64) {
    let center = 0.85;
    let (mut a, mut b) = (-3.0, 30.0);
    for _ in 0..100 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
        for &(cosine, relevant) in pairs {
            let x = cosine - center;
            let p = 1.0 / (1.0 + (-(a + b * x)).exp());
            let error = f64::from(u8::from(relevant)) - p;
            ga += error;
            gb += error * x;
            let weight = p * (1.0 - p);
            haa += weight;
            hab += weight * x;
            hbb += weight * x * x;
        }
        let determinant = haa * hbb - hab * hab;
        let (da, db) = (
            (hbb * ga - hab * gb) / determinant,
            (haa * gb - hab * ga) / determinant,
        );
        a += da;
        b += db;
        if da.abs() + db.abs() < 1e-9 {
            break;
        }
    }
    (b, center - a / b)
}
