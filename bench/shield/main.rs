//! Precision, recall and time of the detector of personal data, on generated official texts (README.md).
#![expect(clippy::print_stdout, reason = "a measuring program")]

mod held_back;
mod random;
mod texts;

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::ensure;
use ids_text::personal::{PersonalKind, personal_data};

use crate::held_back::Set;
use crate::texts::Page;

/// Pages of each set.
const PAGES: usize = 2_000;
/// Faults that are shown of each set that may be looked at.
const EXAMPLES: usize = 40;

#[derive(Default)]
struct Tally {
    right: usize,
    wrong: usize,
    missed: usize,
    /// Missed as what it is, but no part of it leaves: it is covered by findings of other kinds.
    covered: usize,
}

fn main() -> anyhow::Result<()> {
    measure(
        "the texts the rules were made with",
        &texts::pages(PAGES, 20_260_101),
        true,
    )?;
    for (set, seed) in [(Set::Open, 71), (Set::Closed, 1_009)] {
        for is_scanned in [false, true] {
            let name = format!(
                "held back, {set:?}, {}",
                if is_scanned { "scanned" } else { "clean" }
            );
            measure(
                &name,
                &held_back::pages(set, is_scanned, PAGES, seed),
                set == Set::Open,
            )?;
        }
    }
    real_texts();
    Ok(())
}

fn measure(name: &str, pages: &[Page], with_examples: bool) -> anyhow::Result<()> {
    let mut tallies: BTreeMap<PersonalKind, Tally> = BTreeMap::new();
    let mut examples = Vec::new();
    for page in pages {
        count(page, &mut tallies, &mut examples);
    }
    let begun = Instant::now();
    let mut found = 0;
    for page in pages {
        found += personal_data(&page.text).len();
    }
    let took = begun.elapsed();
    ensure!(found > 0, "nothing was found at all");
    let chars: usize = pages.iter().map(|page| page.text.chars().count()).sum();
    println!(
        "\n{name}\n\n| kind | values | found | precision | recall | kept back |\n|---|---|---|---|---|---|"
    );
    for kind in PersonalKind::ALL {
        let tally = tallies.entry(kind).or_default();
        let share = |part: usize, all: usize| if all == 0 { 1.0 } else { part as f64 / all as f64 };
        let all = tally.right + tally.missed;
        println!(
            "| {} | {all} | {} | {:.3} | {:.3} | {:.3} |",
            kind.as_str(),
            tally.right + tally.wrong,
            share(tally.right, tally.right + tally.wrong),
            share(tally.right, all),
            share(tally.right + tally.covered, all)
        );
    }
    println!(
        "\n{} pages of {} characters on average: {:.3} ms a page",
        pages.len(),
        chars / pages.len(),
        took.as_secs_f64() * 1e3 / pages.len() as f64
    );
    if with_examples {
        for example in examples.iter().take(EXAMPLES) {
            println!("{example}");
        }
    }
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
            let tally = tallies.entry(kind).or_default();
            tally.missed += 1;
            let is_kept = |at: usize| {
                !chars[at].is_alphanumeric() || found.iter().any(|data| (data.start..data.end).contains(&at))
            };
            tally.covered += usize::from((start..end).all(is_kept));
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
