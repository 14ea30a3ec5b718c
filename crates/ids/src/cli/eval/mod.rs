//! `ids eval`: how well search finds what people judged to be right, measured over the real pipeline.

mod compare;
mod feedback;
mod html;
mod markdown;
mod report;
mod set;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use ids_core::eval::{EvalOptions, EvalProgress, evaluate};
use ids_core::ports::Ids;
use ids_core::search::SearchMode;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::exit::Failed;
use super::{output, values};
use crate::compose::{Composed, Outage};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::lifecycle::{Signal, Signals};
use crate::system::RandomIds;

/// Measure search and answers over a set of documents, questions and judgements.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// A folder with corpus.jsonl, queries.jsonl and qrels.tsv; answers.jsonl and unanswerable.jsonl where there are some
    #[arg(value_name = "DIR", required_unless_present = "compare")]
    folder: Option<PathBuf>,
    /// Search by words and meaning, or by one of them
    #[arg(long, value_parser = values::mode(), default_value = "hybrid")]
    mode: SearchMode,
    /// Count documents of this grade and above in recall and MRR
    #[arg(long, value_name = "GRADE", default_value_t = 1)]
    relevant_from: u32,
    /// Ask as many questions (all without a number) from end to end, with the model that is set, if one is: that may cost money
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = ALL)]
    ask: Option<usize>,
    /// Write report.json, report.md and report.html into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Make DIR of the answers that people rated in this library first: a test set of their questions
    #[arg(long)]
    feedback: bool,
    /// Say which questions changed between two report.json
    #[arg(long, value_name = "REPORT", num_args = 2, conflicts_with_all = ["folder", "ask", "report", "feedback"])]
    compare: Option<Vec<PathBuf>>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// More questions than any set has.
const ALL: &str = "1000000000";

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
    if let Some([before, after]) = args.compare.as_deref() {
        return compare::run(before, after, args.json);
    }
    let folder = args.folder.clone().unwrap_or_default();
    if args.feedback {
        feedback::write(&folder, config).await?;
    }
    let mut signals = Signals::catch().context("signals cannot be caught")?;
    if !folder.is_dir() {
        return Err(Failed::usage(format!(
            "there is no folder `{}`",
            folder.display()
        )));
    }
    let name = folder
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
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
    let composed = Composed::open(&config, Outage::Fails).await?;
    let stop = CancellationToken::new();
    let progress = Bar::new();
    let mut stopped_by = None;
    let outcome = {
        let measuring = evaluate(
            &composed.library,
            &set,
            EvalOptions {
                mode: args.mode,
                relevant_from: args.relevant_from,
                ask: args.ask.unwrap_or(0),
            },
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
    if let Some(folder) = &args.report {
        let report = report::with_questions(&name, args.mode, &set, &outcome);
        write_report(folder, &report)?;
    }
    if args.json {
        output::print(&report::to_json(args.mode, &outcome).to_string())?;
    } else {
        output::print(&report::to_text(args.mode, &outcome, &set))?;
    }
    Ok(0)
}

fn write_report(folder: &Path, report: &serde_json::Value) -> Result<(), Failed> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
    let pretty = serde_json::to_string_pretty(report).context("the report has no JSON form")?;
    for (name, text) in [
        ("report.json", pretty),
        ("report.md", markdown::of(report)),
        ("report.html", html::of(report)),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    output::remark(&format!("the report is in `{}`", folder.display()));
    Ok(())
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
        self.show(done, total, "answers measured");
    }
}
