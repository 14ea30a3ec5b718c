//! `xtask eval-table`: measures search quality with `ids eval` and writes the table in docs/quality.md.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process::stdout_of;
use crate::workspace;

const PAGE: &str = "docs/quality.md";
const START: &str = "<!-- eval:start -->";
const END: &str = "<!-- eval:end -->";
const SETS: [&str; 3] = ["faquad", "squad-pt", "xquad-en"];
const MODES: [&str; 3] = ["hybrid", "keyword", "semantic"];

/// What `ids eval --json` prints (design.md 3.1).
#[derive(Debug, Deserialize)]
struct Report {
    documents: u64,
    queries: u64,
    ndcg_at_10: f64,
    recall_at_10: f64,
    mrr_at_10: f64,
    p50_ms: f64,
    answers: Option<Answers>,
}

/// Shares of the questions whose answer is quoted, characters quoted for that, and shares of those answered or refused wrongly.
#[derive(Debug, Deserialize)]
struct Answers {
    in_first: f64,
    in_any: f64,
    first_chars: f64,
    quoted_chars: f64,
    wrongly_refused: f64,
    wrongly_answered_without: f64,
    wrongly_answered: Option<f64>,
}

/// Runs `program eval` over each set in each mode and writes the figures between the two markers of docs/quality.md.
pub fn run(program: &str) -> Result<()> {
    let root = workspace::root()?;
    let program =
        fs::canonicalize(program).with_context(|| format!("there is no `{program}`; build it first"))?;
    let sets = sets_folder(&root)?;
    let page_path = root.join(PAGE);
    let page = fs::read_to_string(&page_path).with_context(|| format!("could not read {PAGE}"))?;
    replace_between(&page, "")?; // the markers are looked for now, not after minutes of measuring

    let mut rows = Vec::new();
    for set in SETS {
        for mode in MODES {
            eprintln!("measuring {set}, {mode}");
            let json = stdout_of(
                Command::new(&program)
                    .arg("eval")
                    .arg(sets.join(set))
                    .args(["--mode", mode, "--json"]),
            )?;
            let report: Report = serde_json::from_str(&json)
                .with_context(|| format!("`ids eval` printed something unexpected for {set}, {mode}"))?;
            rows.push((set, mode, report));
        }
    }
    let table = table(&rows)?;
    print!("{table}");
    fs::write(&page_path, replace_between(&page, &table)?).with_context(|| format!("could not write {PAGE}"))
}

fn sets_folder(root: &Path) -> Result<PathBuf> {
    let data = match std::env::var_os("TESTDATA_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => root.join("../shared"),
    };
    let sets = data.join("eval");
    if !sets.is_dir() {
        bail!(
            "there is no `{}`; set `TESTDATA_DIR` to the folder that holds `eval`",
            sets.display()
        );
    }
    Ok(sets)
}

fn table(rows: &[(&str, &str, Report)]) -> Result<String> {
    let mut table = String::from(
        "| set | mode | NDCG@10 | recall@10 | MRR@10 | documents | queries | p50 ms | answer in first | in any | characters of the first | of all | wrongly refused | wrongly answered: paragraph taken out | made unanswerable |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (set, mode, report) in rows {
        let shown = |digits: usize, value: Option<f64>| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let answers = |of: fn(&Answers) -> f64| report.answers.as_ref().map(of);
        writeln!(
            table,
            "| {set} | {mode} | {:.3} | {:.3} | {:.3} | {} | {} | {:.1} | {} | {} | {} | {} | {} | {} | {} |",
            report.ndcg_at_10,
            report.recall_at_10,
            report.mrr_at_10,
            report.documents,
            report.queries,
            report.p50_ms,
            shown(3, answers(|answers| answers.in_first)),
            shown(3, answers(|answers| answers.in_any)),
            shown(0, answers(|answers| answers.first_chars)),
            shown(0, answers(|answers| answers.quoted_chars)),
            shown(3, answers(|answers| answers.wrongly_refused)),
            shown(3, answers(|answers| answers.wrongly_answered_without)),
            shown(
                3,
                report
                    .answers
                    .as_ref()
                    .and_then(|answers| answers.wrongly_answered)
            ),
        )?;
    }
    Ok(table)
}

/// `page` with what stands between the markers replaced by `table`.
fn replace_between(page: &str, table: &str) -> Result<String> {
    let parts = page
        .split_once(START)
        .and_then(|(before, rest)| rest.split_once(END).map(|(_, after)| (before, after)));
    let Some((before, after)) = parts else {
        bail!("{PAGE} has no `{START}` followed by `{END}`; put both on lines of their own");
    };
    Ok(format!("{before}{START}\n\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes_and_a_second_run_changes_nothing() {
        let page = format!("before\n{START}\nold\n{END}\nafter\n");

        let once = replace_between(&page, "| new |\n").unwrap();
        let twice = replace_between(&once, "| new |\n").unwrap();

        assert_eq!(once, format!("before\n{START}\n\n| new |\n\n{END}\nafter\n"));
        assert_eq!(once, twice);
    }

    #[test]
    fn a_page_without_markers_is_refused() {
        assert!(replace_between("text", "").is_err());
        assert!(replace_between(&format!("{END}{START}"), "").is_err());
    }

    #[test]
    fn a_report_becomes_one_row_and_absent_answers_a_dash() {
        let json = r#"{"mode":"hybrid","documents":10,"queries":5,"ndcg_at_10":0.93212,"recall_at_10":1.0,
            "mrr_at_10":0.9,"p50_ms":7.04,"p99_ms":20.0}"#;
        let report: Report = serde_json::from_str(json).unwrap();

        let table = table(&[("faquad", "hybrid", report)]).unwrap();

        assert_eq!(
            table.lines().last().unwrap(),
            "| faquad | hybrid | 0.932 | 1.000 | 0.900 | 10 | 5 | 7.0 | - | - | - | - | - | - | - |"
        );
    }
}
