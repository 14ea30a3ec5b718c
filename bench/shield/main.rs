//! Precision, recall and time of the detector of personal data, on generated official texts (README.md).
#![expect(clippy::print_stdout, reason = "a measuring program")]

mod texts;

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::ensure;
use ids_text::personal::{PersonalKind, personal_data};

use crate::texts::{Page, pages};

/// Pages.
const PAGES: usize = 2_000;

#[derive(Default)]
struct Tally {
    right: usize,
    wrong: usize,
    missed: usize,
}

fn main() -> anyhow::Result<()> {
    let pages = pages(PAGES, 20_260_101);
    let mut tallies: BTreeMap<PersonalKind, Tally> = BTreeMap::new();
    let mut examples = Vec::new();
    for page in &pages {
        count(page, &mut tallies, &mut examples);
    }
    let begun = Instant::now();
    let mut found = 0;
    for page in &pages {
        found += personal_data(&page.text).len();
    }
    let took = begun.elapsed();
    ensure!(found > 0, "nothing was found at all");
    let chars: usize = pages.iter().map(|page| page.text.chars().count()).sum();
    println!("| kind | values | found | precision | recall |\n|---|---|---|---|---|");
    for kind in PersonalKind::ALL {
        let tally = tallies.entry(kind).or_default();
        let share = |part: usize, all: usize| if all == 0 { 1.0 } else { part as f64 / all as f64 };
        println!(
            "| {} | {} | {} | {:.4} | {:.4} |",
            kind.as_str(),
            tally.right + tally.missed,
            tally.right + tally.wrong,
            share(tally.right, tally.right + tally.wrong),
            share(tally.right, tally.right + tally.missed)
        );
    }
    println!(
        "\n{} pages of {} characters on average: {:.3} ms a page",
        pages.len(),
        chars / pages.len(),
        took.as_secs_f64() * 1e3 / pages.len() as f64
    );
    for example in examples.iter().take(20) {
        println!("{example}");
    }
    real_texts();
    Ok(())
}

fn count(page: &Page, tallies: &mut BTreeMap<PersonalKind, Tally>, examples: &mut Vec<String>) {
    let chars: Vec<char> = page.text.chars().collect();
    let shown = |start: usize, end: usize| -> String {
        let from = start.saturating_sub(25);
        chars[from..(end + 10).min(chars.len())]
            .iter()
            .collect::<String>()
            .replace('\n', " ")
    };
    let found = personal_data(&page.text);
    for data in &found {
        let tally = tallies.entry(data.kind).or_default();
        if page.values.contains(&(data.kind, data.start, data.end)) {
            tally.right += 1;
        } else {
            tally.wrong += 1;
            examples.push(format!(
                "wrong {}: {}",
                data.kind.as_str(),
                shown(data.start, data.end)
            ));
        }
    }
    for &(kind, start, end) in &page.values {
        let is_found = found
            .iter()
            .any(|data| (data.kind, data.start, data.end) == (kind, start, end));
        if !is_found {
            tallies.entry(kind).or_default().missed += 1;
            examples.push(format!("missed {}: {}", kind.as_str(), shown(start, end)));
        }
    }
}

/// What is found in texts that were not written for it.
fn real_texts() {
    let Some(folder) = ids_testkit::testdata::shared("eval") else {
        return;
    };
    let mut counts: BTreeMap<PersonalKind, usize> = BTreeMap::new();
    let mut passages = 0;
    let sets = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for set in sets {
        let Ok(corpus) = std::fs::read_to_string(set.path().join("corpus.jsonl")) else {
            continue;
        };
        for line in corpus.lines() {
            let Ok(passage) = serde_json::from_str::<serde_json::Value>(line) else {
                continue;
            };
            passages += 1;
            for data in personal_data(passage["text"].as_str().unwrap_or_default()) {
                *counts.entry(data.kind).or_default() += 1;
            }
        }
    }
    println!("\nreal passages: {passages}");
    for (kind, count) in counts {
        println!("{}: {count}", kind.as_str());
    }
}
