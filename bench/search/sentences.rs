//! The sentences that libraries are made of, and the questions they are asked.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

#[derive(Deserialize)]
struct Text {
    text: String,
}

/// Sentences and questions of the Portuguese sets below `sets`.
pub fn read(sets: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let mut sentences = Vec::new();
    let mut queries = Vec::new();
    for set in ["squad-pt", "faquad"] {
        let folder = sets.join(set);
        for text in texts(&folder.join("corpus.jsonl"))? {
            let chars: Vec<char> = text.chars().collect();
            let found = ids_text::sentences(&text);
            sentences.extend(
                found
                    .iter()
                    .map(|&(start, end)| chars[start..end].iter().collect::<String>()),
            );
        }
        queries.extend(texts(&folder.join("queries.jsonl"))?);
    }
    Ok((sentences, queries))
}

fn texts(path: &Path) -> Result<Vec<String>> {
    let file = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    file.lines()
        .map(|line| Ok(serde_json::from_str::<Text>(line)?.text))
        .collect()
}
