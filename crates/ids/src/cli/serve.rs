//! `ids serve`: API, page and workers in one process.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use axum::Router;
use clap::Args;
use tokio::net::UnixListener;

use super::exit::Failed;
use super::listen::{ListenArgs, Listening, exit_code};
use crate::compose::{Composed, Outage};
use crate::config::Config;
use crate::data_dir::{DataDir, address_path, socket_path};
use crate::lifecycle::{Lifecycle, Signals, WorkerOptions, Workers};
use crate::local::listen;

/// Serve the page and the API, and process documents in the background.
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    listen: ListenArgs,
}

/// Serves until a signal comes. Exit code 0 after SIGTERM, 130 after Ctrl-C.
pub async fn run(args: ServeArgs, config: &Config) -> Result<u8, Failed> {
    let mut signals = Signals::catch().context("signals cannot be caught")?;
    let data_dir = DataDir::own(&config.data_dir).map_err(anyhow::Error::from)?;
    let listening = Listening::bind(&args.listen, config).await?;
    let address = listening.address();
    tracing::info!("{config}");
    let composed = tokio::select! {
        composed = Composed::open(config, Outage::IsWaitedFor) => composed?,
        // Nothing has been begun yet.
        signal = signals.next() => return Ok(exit_code(signal)),
    };
    let workers = Workers::start(&composed.library, &WorkerOptions::all(config, "serve"))
        .context("the background workers cannot be started")?;
    let unix = listen(&data_dir).context("the local socket cannot be made in the data directory")?;
    let serving = listening.serve(config, &composed).await?;
    serving.lifecycle.spawn(serve_unix(
        unix,
        ids_http::local_router(serving.options.clone()),
        serving.lifecycle.clone(),
    ));
    leave_address(data_dir.path(), address)?;

    let first = signals.next().await;
    let orderly = async {
        let (all_ended, ()) = tokio::join!(serving.drain(first), workers.stop());
        composed.close().await;
        all_ended
    };
    // A second signal drops the orderly stop: everything accepted is safe in the database.
    tokio::select! {
        orderly = orderly => if !orderly {
            tracing::warn!("not everything ended in time; nothing that was accepted is lost");
        },
        _ = signals.next() => {
            tracing::warn!("stopped at once; nothing that was accepted is lost");
            std::process::exit(exit_code(first).into());
        }
    }
    for left in [socket_path(data_dir.path()), address_path(data_dir.path())] {
        // Only a trace for other commands; the next start replaces it.
        let _ = std::fs::remove_file(left);
    }
    Ok(exit_code(first))
}

async fn serve_unix(listener: UnixListener, router: Router, lifecycle: Lifecycle) {
    let stopping = lifecycle.stopping().clone();
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(stopping.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(error = &error as &dyn std::error::Error, "the local socket ended");
    }
}

/// Leaves the address for people and programs that look into the data directory.
fn leave_address(data_dir: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let text = serde_json::json!({ "address": format!("http://{address}"), "pid": std::process::id() });
    std::fs::write(address_path(data_dir), text.to_string()).context("the data directory cannot be written")
}
