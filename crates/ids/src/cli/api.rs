//! `ids api`: page and API of the server shape; `ids worker` processes the documents.

use anyhow::Context;
use clap::Args;

use super::exit::Failed;
use super::listen::{ListenArgs, Listening, exit_code};
use crate::compose::{Composed, Outage};
use crate::config::Config;
use crate::lifecycle::Signals;
use ids_core::library::watch_embedders;

/// Serve the page and the API over PostgreSQL; `ids worker` processes the documents.
#[derive(Debug, Args)]
pub struct ApiArgs {
    #[command(flatten)]
    listen: ListenArgs,
    /// Threads that answer requests [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
}

/// Serves until a signal comes. Exit code 0 after SIGTERM, 130 after Ctrl-C.
pub async fn run(args: ApiArgs, config: &Config) -> Result<u8, Failed> {
    config.needs_postgres("ids api")?;
    let mut signals = Signals::catch().context("signals cannot be caught")?;
    let listening = Listening::bind(&args.listen, config).await?;
    tracing::info!("{config}");
    let composed = tokio::select! {
        composed = Composed::open(config, Outage::IsWaitedFor) => composed?,
        // Nothing has been begun yet.
        signal = signals.next() => return Ok(exit_code(signal)),
    };
    let serving = listening.serve(config, &composed).await?;
    let (library, stopping) = (composed.library.clone(), serving.lifecycle.stopping().clone());
    serving
        .lifecycle
        .spawn(async move { watch_embedders(&library, &stopping).await });

    let first = signals.next().await;
    tokio::select! {
        all_ended = serving.drain(first) => if !all_ended {
            tracing::warn!("not every request ended in time");
        },
        // Everything accepted is safe in the database.
        _ = signals.next() => {
            tracing::warn!("stopped at once");
            std::process::exit(exit_code(first).into());
        }
    }
    composed.close().await;
    Ok(exit_code(first))
}
