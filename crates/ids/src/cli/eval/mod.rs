//! `ids eval`: how well search finds what people judged to be right, measured over the real pipeline.

mod set;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use ids_core::eval::{EvalOutcome, EvalProgress, EvalSet, evaluate};
use ids_core::ports::Ids;
use ids_core::search::SearchMode;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::exit::Failed;
use super::{output, values};
use crate::compose::Composed;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::lifecycle::{Signal, Signals};
use crate::system::RandomIds;

/// Measure search over a set of documents, questions and judgements.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// A folder with corpus.jsonl, queries.jsonl and qrels.tsv
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Search by words and meaning, or by one of them
    #[arg(long, value_parser = values::mode(), default_value = "hybrid")]
    mode: SearchMode,
    /// Count documents of this grade and above in recall and MRR
    #[arg(long, value_name = "GRADE", default_value_t = 1)]
    relevant_from: u32,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// The same configuration over places of its own: a folder, a schema, keys and objects with names that nobody else has.
fn throw_away(config: &Config, folder: &Path) -> anyhow::Result<Config> {
    let name = format!("ids_eval_{}", RandomIds.next().simple());
    let mut config = Config {
        data_dir: folder.to_owned(),
        ..config.clone()
    };
    if let Some(postgres) = &mut config.postgres {
        postgres.schema = Some(name.clone());
    }
    if let Some(redis) = config.redis.take() {
        config.redis = Some(redis.under(&name).context("Redis cannot be used")?);
    }
    // A measurement sends nothing to S3: it indexes texts, which have no bytes.
    config.s3 = None;
    Ok(config)
}

/// Measures, in a library of its own that is gone afterwards.
pub async fn run(args: EvalArgs, config: &Config) -> Result<u8, Failed> {
    let mut signals = Signals::catch().context("signals cannot be caught")?;
    if !args.folder.is_dir() {
        return Err(Failed::usage(format!(
            "there is no folder `{}`",
            args.folder.display()
        )));
    }
    let folder = args.folder.clone();
    let read = tokio::task::spawn_blocking(move || set::read(&folder))
        .await
        .context("reading the set broke off")?;
    let set = read.map_err(Failed::because)?;

    // Removed when dropped, whatever happens in between.
    let temporary = tempfile::Builder::new()
        .prefix("ids-eval-")
        .tempdir()
        .context("there is no place for the index")?;
    let data_dir = DataDir::own(temporary.path()).map_err(anyhow::Error::from)?;
    let config = throw_away(config, temporary.path())?;
    let composed = Composed::open(&config).await?;
    let stop = CancellationToken::new();
    let progress = Bar::new();
    let mut stopped_by = None;
    let outcome = {
        let measuring = evaluate(
            &composed.library,
            &set,
            args.mode,
            args.relevant_from,
            &progress,
            &stop,
        );
        tokio::pin!(measuring);
        loop {
            tokio::select! {
                // Polled again after a signal: it ends by itself, soon.
                outcome = &mut measuring => break outcome,
                signal = signals.next(), if stopped_by.is_none() => {
                    stopped_by = Some(signal);
                    stop.cancel();
                }
            }
        }
    };
    progress.clear();
    let removed_elsewhere = composed.remove(&config).await;
    drop(data_dir);
    let removed = tokio::task::spawn_blocking(move || temporary.close())
        .await
        .context("removing the index broke off")?;
    if let Some(signal) = stopped_by {
        return Err(match signal {
            Signal::Interrupt => Failed::interrupted(),
            Signal::Terminate => Failed::because("stopped"),
        });
    }
    removed.context("the index cannot be removed")?;
    removed_elsewhere?;
    let outcome = outcome.map_err(|refusal| {
        tracing::debug!(
            error = &refusal as &dyn std::error::Error,
            "the measurement failed"
        );
        Failed::because(refusal.to_string())
    })?;
    if args.json {
        output::print(&to_json(args.mode, &outcome).to_string())?;
    } else {
        output::print(&to_text(args.mode, &outcome, &set))?;
    }
    Ok(0)
}

/// As design.md 3.1 has it.
fn to_json(mode: SearchMode, outcome: &EvalOutcome) -> Value {
    let mut body = json!({
        "mode": mode.as_str(),
        "documents": outcome.documents,
        "queries": outcome.queries,
        "ndcg_at_10": rounded(outcome.ndcg_at_10, 1e6),
        "recall_at_10": rounded(outcome.recall_at_10, 1e6),
        "mrr_at_10": rounded(outcome.mrr_at_10, 1e6),
        "p50_ms": rounded(outcome.p50_ms, 1e3),
        "p99_ms": rounded(outcome.p99_ms, 1e3),
    });
    if let Some(answers) = &outcome.answers {
        body["answers"] = json!({
            "questions": answers.questions,
            "in_first": rounded(answers.in_first, 1e6),
            "in_any": rounded(answers.in_any, 1e6),
        });
    }
    body
}

fn to_text(mode: SearchMode, outcome: &EvalOutcome, set: &EvalSet) -> String {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let unjudged = set.queries.len() - outcome.queries;
    let mut questions = outcome.queries.to_string();
    if unjudged > 0 {
        questions.push_str(&format!(" ({unjudged} more have no judgement)"));
    }
    let mut rows = vec![
        row("mode", mode.as_str().to_owned()),
        row("documents", outcome.documents.to_string()),
        row("questions", questions),
        row("NDCG@10", format!("{:.4}", outcome.ndcg_at_10)),
        row("recall@10", format!("{:.4}", outcome.recall_at_10)),
        row("MRR@10", format!("{:.4}", outcome.mrr_at_10)),
        row("p50", format!("{:.1} ms", outcome.p50_ms)),
        row("p99", format!("{:.1} ms", outcome.p99_ms)),
    ];
    if let Some(answers) = &outcome.answers {
        rows.push(row(
            "answer in the first quote",
            format!("{:.4}", answers.in_first),
        ));
        rows.push(row("answer in any quote", format!("{:.4}", answers.in_any)));
    }
    output::table(&rows)
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

/// A bar on a terminal, nothing elsewhere.
struct Bar {
    bar: ProgressBar,
}

impl Bar {
    fn new() -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        // The template is a constant of ours; should it be wrong, the plain bar is shown.
        bar.set_style(
            ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}, {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Self { bar }
    }

    fn show(&self, done: usize, total: usize, what: &'static str) {
        if done == 1 {
            self.bar.reset();
            self.bar.set_length(total as u64);
            self.bar.set_message(what);
        }
        self.bar.set_position(done as u64);
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl EvalProgress for Bar {
    fn indexed(&self, done: usize, total: usize) {
        self.show(done, total, "documents indexed");
    }

    fn asked(&self, done: usize, total: usize) {
        self.show(done, total, "questions asked");
    }

    fn answered(&self, done: usize, total: usize) {
        self.show(done, total, "answers quoted");
    }
}

#[cfg(test)]
mod tests {
    use ids_core::eval::{AnswersOutcome, EvalOutcome};
    use ids_core::search::SearchMode;

    use super::to_json;

    #[test]
    fn programs_get_the_fields_of_the_contract() {
        let outcome = EvalOutcome {
            documents: 2,
            queries: 1,
            ndcg_at_10: 0.930_000_04,
            recall_at_10: 1.0,
            mrr_at_10: 0.5,
            p50_ms: 4.567_89,
            p99_ms: 9.0,
            answers: Some(AnswersOutcome {
                questions: 1,
                in_first: 0.5,
                in_any: 1.0,
            }),
        };
        let expected = serde_json::json!({
            "mode": "keyword", "documents": 2, "queries": 1, "ndcg_at_10": 0.93, "recall_at_10": 1.0,
            "mrr_at_10": 0.5, "p50_ms": 4.568, "p99_ms": 9.0, "answers": { "questions": 1, "in_first": 0.5, "in_any": 1.0 },
        });
        assert_eq!(to_json(SearchMode::Keyword, &outcome), expected);
    }
}
