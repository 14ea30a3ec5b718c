//! `ids serve`: API, page and workers in one process.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use clap::Args;
use ids_http::{HttpOptions, Phase, Readiness};
use tokio::net::{TcpListener, UnixListener};

use super::exit::Failed;
use crate::compose::{BlobsProbe, Composed};
use crate::config::{Auth, Config, ServerConfig};
use crate::data_dir::{DataDir, address_path, socket_path};
use crate::lifecycle::{Lifecycle, Signal, Signals, Workers};
use crate::local::{build_info, listen};

/// Serve the page and the API, and process documents in the background.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The address to listen on; only loopback addresses until API keys exist
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8000)]
    port: u16,
}

/// Serves until a signal comes. Exit code 0 after SIGTERM, 130 after Ctrl-C.
pub async fn run(args: ServeArgs, config: &Config) -> Result<u8, Failed> {
    let host = checked_host(&args.host, &config.server)?;
    let mut signals = Signals::catch().context("signals cannot be caught")?;
    let data_dir = DataDir::own(&config.data_dir).map_err(anyhow::Error::from)?;
    let address = SocketAddr::new(host, args.port);
    let tcp = TcpListener::bind(address)
        .await
        .map_err(|error| bind_failed(address, &error))?;
    let address = tcp.local_addr().context("the address cannot be read back")?;
    tracing::info!("{config}");

    // While the library is being opened, and perhaps brought to a new schema, whoever asks is told so.
    let (tcp, meanwhile) = twice(tcp).context("the address cannot be listened on twice")?;
    let starting = Lifecycle::new();
    starting.spawn(serve_tcp(
        meanwhile,
        ids_http::starting_router(),
        starting.clone(),
    ));
    let composed = Composed::embedded(config, &data_dir)?;
    starting.stop().await;
    let lifecycle = Lifecycle::new();
    let readiness = Readiness::new(Phase::Ready);
    let workers = Workers::start(&composed.library, config.worker_concurrency)
        .context("the background workers cannot be started")?;
    let options = || HttpOptions {
        public_url: config.server.public_url.clone(),
        cors_origins: config.server.cors_origins.clone(),
        readiness: readiness.clone(),
        shutdown: lifecycle.stopping().clone(),
        health: vec![Arc::new(BlobsProbe(composed.library.ports().blobs.clone()))],
        ..HttpOptions::new(composed.library.clone(), build_info())
    };
    let unix = listen(&data_dir).context("the local socket cannot be made in the data directory")?;
    lifecycle.spawn(serve_tcp(tcp, ids_http::router(options()), lifecycle.clone()));
    lifecycle.spawn(serve_unix(
        unix,
        ids_http::local_router(options()),
        lifecycle.clone(),
    ));
    leave_address(data_dir.path(), address)?;
    announce(address);

    let first = signals.next().await;
    tracing::info!("stopping: finishing requests, giving back what is in hand; once more to stop at once");
    readiness.set(Phase::Draining);
    let orderly = async {
        let (all_ended, ()) = tokio::join!(lifecycle.stop(), workers.stop());
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

fn exit_code(signal: Signal) -> u8 {
    match signal {
        Signal::Interrupt => 130,
        Signal::Terminate => 0,
    }
}

/// Who may be listened to. Without keys only this machine: whoever reaches the port may read and delete everything.
fn checked_host(host: &str, server: &ServerConfig) -> Result<IpAddr, Failed> {
    let address: IpAddr = match host {
        "localhost" => IpAddr::from([127, 0, 0, 1]),
        other => other
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .map_err(|_| Failed::usage(format!("`--host {host}` is no IP address; use 127.0.0.1")))?,
    };
    let reason = if server.production {
        Some("ENVIRONMENT=production needs API keys")
    } else if server.auth == Some(Auth::Keys) {
        Some("IDS_AUTH=keys needs API keys")
    } else if !address.is_loopback() {
        Some("listening beyond this machine needs API keys")
    } else {
        None
    };
    match reason {
        None => Ok(address),
        Some(reason) => Err(Failed::usage(format!(
            "{reason}, which this version cannot make yet; run it on 127.0.0.1 without ENVIRONMENT=production and IDS_AUTH=keys"
        ))),
    }
}

fn bind_failed(address: SocketAddr, error: &std::io::Error) -> Failed {
    let port = address.port();
    Failed::because(match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("port {port} is in use by another program; stop it, or give another --port")
        }
        std::io::ErrorKind::PermissionDenied => {
            format!("port {port} may not be opened by this user; give a --port above 1023")
        }
        _ => format!("`{address}` cannot be listened on: {error}"),
    })
}

/// The same socket for two servers, one after the other: connections that come between them wait in its line.
fn twice(listener: TcpListener) -> std::io::Result<(TcpListener, TcpListener)> {
    let first = listener.into_std()?;
    let second = first.try_clone()?;
    Ok((TcpListener::from_std(first)?, TcpListener::from_std(second)?))
}

async fn serve_tcp(listener: TcpListener, router: Router, lifecycle: Lifecycle) {
    let stopping = lifecycle.stopping().clone();
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(stopping.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(error = &error as &dyn std::error::Error, "the server ended");
    }
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

#[expect(clippy::print_stdout, reason = "the address is the result of this command")]
fn announce(address: SocketAddr) {
    use std::io::Write;
    println!("ids is ready at http://{address}");
    // A pipe that nobody reads is no reason to stop.
    let _ = std::io::stdout().flush();
}
