//! The ledger of faults: does anything that was accepted get lost, or doubled, when everything that can break does?
//!
//! Usage, in the repository's root: `bench-chaos --ids PATH [--minutes N] [--seed S] [--short] [--json]`.

mod blobs;
mod cluster;
mod disk;
mod faults;
mod http;
mod ledger;
mod load;
mod report;
mod texts;
mod verify;
mod watch;

use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use tokio::sync::watch as channel;
use tokio::task::JoinSet;

use crate::cluster::{Cluster, Size};
use crate::faults::{Fault, Faults};
use crate::ledger::Ledger;
use crate::load::Load;
use crate::report::say;
use crate::texts::Dice;
use crate::watch::Sight;

/// How long the processes may take to answer first.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Breaks everything that `ids` depends on, while it works, and counts what is lost and what is doubled.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program to be tested
    #[arg(long)]
    ids: PathBuf,
    /// How long faults are made; each kind at least once, whatever that takes
    #[arg(long, default_value_t = 6)]
    minutes: u64,
    /// What chance begins with: the same seed makes the same faults and texts
    #[arg(long)]
    seed: Option<u64>,
    /// Each fault once, with little time between
    #[arg(long)]
    short: bool,
    /// Only this fault, by its name
    #[arg(long)]
    only: Option<String>,
    /// Keep the logs though all was well
    #[arg(long)]
    keep: bool,
    /// One JSON object instead of the table
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let seed = arguments
        .seed
        .unwrap_or_else(|| std::hash::RandomState::new().build_hasher().finish() % 1_000_000);
    say(&format!("seed {seed}"));
    // An end by Ctrl-C drops everything that runs.
    tokio::select! {
        ended = run(&arguments, seed) => ended,
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(130)),
    }
}

async fn run(arguments: &Arguments, seed: u64) -> Result<ExitCode> {
    let size = if arguments.short {
        Size { apis: 1, workers: 2 }
    } else {
        Size { apis: 2, workers: 3 }
    };
    let ids = arguments
        .ids
        .canonicalize()
        .context("there is no program at --ids")?;
    let cluster = Arc::new(Cluster::start(&ids, size).await?);
    until_started(&cluster).await?;

    let ledger = Ledger::default();
    let (stop, stopped) = channel::channel(false);
    let (see, sight) = channel::channel(Sight::none());
    let (tell, waiting) = channel::channel(0);
    let mut upkeep = JoinSet::new();
    upkeep.spawn(watch::watch(Arc::clone(&cluster), ledger.clone(), see, tell));
    upkeep.spawn(look_after(Arc::clone(&cluster), ledger.clone()));
    let load = Load {
        cluster: Arc::clone(&cluster),
        ledger: ledger.clone(),
        corpus: ids_testkit::testdata::shared("corpus"),
        stop: stopped,
        waiting,
        seed,
    };
    let mut people = JoinSet::new();
    for stream in 1..=2 {
        people.spawn(load.clone().upload_without_pause(stream));
    }
    people.spawn(load.clone().search_without_pause());
    people.spawn(load.ask_without_pause());

    let faults = Faults {
        cluster: Arc::clone(&cluster),
        ledger: ledger.clone(),
        sight,
        is_short: arguments.short,
    };
    make_faults(arguments, seed, &faults).await?;
    stop.send_replace(true);
    while people.join_next().await.is_some() {}
    say("--- nothing is broken any more");
    let verdict = verify::verify(&cluster, &ledger).await?;
    upkeep.shutdown().await;

    let book = ledger.open();
    if arguments.json {
        report::print_json(&book, &verdict, seed);
    } else {
        report::print(&book, &verdict);
    }
    let is_good = verdict.lost.is_empty() && verdict.doubled.is_empty() && book.violations.is_empty();
    drop((book, faults));
    if !is_good || arguments.keep {
        // The tasks that shared it have ended.
        if let Some(cluster) = Arc::into_inner(cluster) {
            say(&format!("the logs are in `{}`", cluster.keep_logs().display()));
        }
    }
    if is_good {
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("not as it must be; again with --seed {seed}"));
    Ok(ExitCode::FAILURE)
}

/// Every kind once a round, each round in another order, until the time is over.
async fn make_faults(arguments: &Arguments, seed: u64, faults: &Faults) -> Result<()> {
    let mut dice = Dice::new(seed, 0);
    let begun = Instant::now();
    let minutes = Duration::from_secs(arguments.minutes * 60);
    let quiet = Duration::from_millis(if arguments.short { 1_000 } else { 4_000 });
    tokio::time::sleep(quiet * 2).await;
    loop {
        let mut round = Fault::ALL.to_vec();
        if let Some(only) = &arguments.only {
            round.retain(|fault| fault.name() == only);
        }
        dice.shuffle(&mut round);
        for fault in round {
            faults.make(fault, &mut dice).await?;
            tokio::time::sleep(quiet).await;
        }
        if arguments.short || begun.elapsed() >= minutes {
            return Ok(());
        }
    }
}

async fn until_started(cluster: &Cluster) -> Result<()> {
    let begun = Instant::now();
    for api in &cluster.apis {
        loop {
            let health = http::send_json(&api.address, "GET", "/health", &json!({})).await;
            if health.is_ok_and(|answer| answer.body["status"] == "healthy") {
                break;
            }
            anyhow::ensure!(
                begun.elapsed() < STARTS_WITHIN,
                "`ids api` did not start at {}",
                api.address
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    say(&format!("started within {:.1} s", begun.elapsed().as_secs_f64()));
    Ok(())
}

/// As a supervisor does: a process that ended by itself is started again. That it ended is a violation: none of the faults is a reason to.
async fn look_after(cluster: Arc<Cluster>, ledger: Ledger) {
    loop {
        for process in cluster.processes() {
            match process.look_after() {
                Ok(None) => {}
                Ok(Some(how)) => ledger.violation(format!("`{}` ended by itself: {how}", process.name)),
                Err(error) => ledger.violation(format!("`{}` cannot be started: {error:#}", process.name)),
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
