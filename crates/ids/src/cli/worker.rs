//! `ids worker`: processes documents and cleans up, in the server shape.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use ids_core::job::QueueName;

use super::exit::Failed;
use super::listen::exit_code;
use crate::compose::{Composed, Outage};
use crate::config::Config;
use crate::lifecycle::{STOP_PATIENCE, Signals, WorkerOptions, Workers};

/// Process documents and clean up; any number of workers may run side by side.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// The queues to take jobs from, parted by commas: document_processing, cleanup_tasks
    #[arg(long, value_name = "QUEUES", value_delimiter = ',', value_parser = queue, conflicts_with = "all", required_unless_present = "all")]
    queues: Vec<QueueName>,
    /// Take jobs from every queue
    #[arg(long)]
    all: bool,
    /// The name that `ids healthcheck --worker` asks for; replicas may share it
    #[arg(long, default_value = "worker")]
    name: String,
    /// Documents prepared at the same time [env: WORKER_CONCURRENCY] [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: Option<u16>,
    /// End when nothing is left to do
    #[arg(long)]
    burst: bool,
    /// Log every step
    #[arg(long)]
    pub verbose: bool,
}

fn queue(name: &str) -> Result<QueueName, String> {
    let names = QueueName::ALL.map(QueueName::as_str).join("`, `");
    QueueName::from_name(name).ok_or_else(|| format!("the queues are `{names}`"))
}

/// Works until a signal comes, or with `--burst` until nothing is left. Exit code 0 after SIGTERM, 130 after Ctrl-C.
pub async fn run(args: WorkerArgs, config: &Config) -> Result<u8, Failed> {
    config.needs_postgres("ids worker")?;
    check_name(&args.name)?;
    let mut signals = Signals::catch().context("signals cannot be caught")?;
    tracing::info!("{config}");
    let composed = tokio::select! {
        composed = Composed::open(config, Outage::IsWaitedFor) => composed?,
        // Nothing has been begun yet.
        signal = signals.next() => return Ok(exit_code(signal)),
    };
    let mut options = WorkerOptions::all(config, &args.name);
    if !args.all {
        options.queues.clone_from(&args.queues);
    }
    if let Some(concurrency) = args.concurrency {
        options.concurrency = concurrency.into();
    }
    let name = options.name.clone();
    let workers =
        Workers::start(&composed.library, &options).context("the background workers cannot be started")?;
    announce(&name, &options.queues);

    let first = tokio::select! {
        signal = signals.next() => Some(signal),
        () = until_idle(&composed, &options.queues), if args.burst => None,
    };
    tracing::info!("stopping: giving back what is in hand; once more to stop at once");
    let code = first.map_or(0, exit_code);
    tokio::select! {
        stopped = tokio::time::timeout(STOP_PATIENCE, workers.stop()) => if stopped.is_err() {
            tracing::warn!("a job did not stop in time; another worker goes on with it");
            std::process::exit(code.into());
        },
        // Whatever is in hand goes on elsewhere when its lease runs out.
        _ = signals.next() => {
            tracing::warn!("stopped at once; nothing that was accepted is lost");
            std::process::exit(code.into());
        }
    }
    composed.close().await;
    Ok(code)
}

/// How often a burst looks whether something is left.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Returns when no job of the queues waits or runs. A store that is away is waited for.
async fn until_idle(composed: &Composed, queues: &[QueueName]) {
    loop {
        let counts = composed.library.all_job_counts().await;
        let is_idle = counts.is_ok_and(|counts| {
            let mut ours = counts.iter().filter(|of| queues.contains(&of.queue));
            ours.all(|of| of.queued + of.started + of.deferred == 0)
        });
        if is_idle {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn check_name(name: &str) -> Result<(), Failed> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&name.len()) && name.chars().all(is_plain) {
        Ok(())
    } else {
        Err(Failed::usage(
            "`--name` must have 1 to 64 letters, digits, `-`, `_` and `.`",
        ))
    }
}

#[expect(clippy::print_stdout, reason = "that it works is the result of this command")]
fn announce(name: &str, queues: &[QueueName]) {
    use std::io::Write;
    let queues: Vec<&str> = queues.iter().map(|queue| queue.as_str()).collect();
    println!("worker `{name}` takes jobs from {}", queues.join(", "));
    // A pipe that nobody reads is no reason to stop.
    let _ = std::io::stdout().flush();
}
