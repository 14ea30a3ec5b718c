//! The table, and the same for machines.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::faults::Fault;
use crate::ledger::Book;
use crate::verify::Verdict;

/// Progress goes to stderr, the table to stdout.
#[expect(clippy::print_stderr, reason = "a program for people at a terminal")]
pub fn say(line: &str) {
    eprintln!("{line}");
}

/// One row of the table.
#[derive(Debug, Default)]
struct Row {
    times: usize,
    lost: usize,
    doubled: usize,
    stall: Duration,
    recovery: Duration,
    slowest: Duration,
}

fn rows(book: &Book, verdict: &Verdict) -> Vec<(&'static str, Row)> {
    let mut rows: BTreeMap<&'static str, Row> = BTreeMap::new();
    for run in &book.faults {
        let row = rows.entry(run.name).or_default();
        row.times += 1;
        row.stall = row.stall.max(run.longest_stall);
        if let (Some(over), Some(healthy)) = (run.over, run.healthy) {
            row.recovery = row.recovery.max(healthy - over);
        }
    }
    let quiet = rows.entry("quiet time").or_default();
    quiet.stall = book.quiet_stall;
    for (fault, slowest) in &verdict.slowest {
        rows.entry(fault).or_default().slowest = *slowest;
    }
    for fault in &verdict.lost {
        rows.entry(fault).or_default().lost += 1;
    }
    for fault in &verdict.doubled {
        rows.entry(fault).or_default().doubled += 1;
    }
    let order = Fault::ALL.map(Fault::name).into_iter().chain(["quiet time"]);
    order
        .filter_map(|name| Some((name, rows.remove(name)?)))
        .collect()
}

/// The table for people.
#[expect(clippy::print_stdout, reason = "the result of this program")]
pub fn print(book: &Book, verdict: &Verdict) {
    println!("| fault | how often | lost | doubled | longest stall | slowest document | well again after |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (name, row) in rows(book, verdict) {
        println!(
            "| {name} | {} | {} | {} | {:.1} s | {:.1} s | {:.1} s |",
            row.times,
            row.lost,
            row.doubled,
            row.stall.as_secs_f64(),
            row.slowest.as_secs_f64(),
            row.recovery.as_secs_f64()
        );
    }
    println!();
    for (what, count) in &verdict.counts {
        println!("{what}: {count}");
    }
    for ((what, is_under_fault), times) in &book.latencies {
        let when = if *is_under_fault {
            "under a fault"
        } else {
            "in quiet"
        };
        let (median, high, longest) = percentiles(times);
        println!(
            "{what} {when}: {} answers, p50 {median:.0} ms, p99 {high:.0} ms, longest {longest:.0} ms",
            times.len()
        );
    }
    let answers: Vec<String> = book
        .answers
        .iter()
        .map(|((what, status), times)| format!("{what} {status}: {times}"))
        .collect();
    println!("answers: {}", answers.join(", "));
    for violation in &book.violations {
        println!("VIOLATION {violation}");
    }
}

/// The same as one JSON object.
#[expect(clippy::print_stdout, reason = "the result of this program")]
pub fn print_json(book: &Book, verdict: &Verdict, seed: u64) {
    let rows: Vec<Value> = rows(book, verdict)
        .into_iter()
        .map(|(name, row)| {
            json!({
                "fault": name, "times": row.times, "lost": row.lost, "doubled": row.doubled,
                "longest_stall_s": row.stall.as_secs_f64(),
                "slowest_document_s": row.slowest.as_secs_f64(), "well_again_s": row.recovery.as_secs_f64(),
            })
        })
        .collect();
    let counts: BTreeMap<&str, usize> = verdict
        .counts
        .iter()
        .map(|(what, count)| (what.as_str(), *count))
        .collect();
    let answer = json!({"seed": seed, "faults": rows, "counts": counts, "violations": book.violations});
    println!("{answer}");
}

fn percentiles(times: &[f64]) -> (f64, f64, f64) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: usize| {
        sorted
            .get((sorted.len().saturating_sub(1)) * share / 100)
            .copied()
    };
    (
        at(50).unwrap_or_default(),
        at(99).unwrap_or_default(),
        at(100).unwrap_or_default(),
    )
}
