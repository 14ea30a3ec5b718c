//! Where `ids serve` and `ids api` listen, and how they serve until they are asked to stop.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::serve::ListenerExt;
use clap::Args;
use ids_core::ports::RateLimiter;
use ids_http::{Access, HttpOptions, KeyOptions, Phase, Readiness, WatchedFolder};
use tokio::net::TcpListener;

use super::exit::Failed;
use crate::certificate;
use crate::compose::Composed;
use crate::config::Config;
use crate::http_client::Target;
use crate::lifecycle::{Lifecycle, Signal};
use crate::local::build_info;

/// How long a server that is to end goes on taking connections while /ready says that it drains, so that a proxy in front has
/// seen it before the first connection is refused.
const DRAIN_SEEN: Duration = Duration::from_secs(3);

/// Where to listen.
#[derive(Debug, Args)]
pub struct ListenArgs {
    /// The address to listen on; callers need API keys beyond loopback (`ids keys create`)
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8000)]
    port: u16,
}

/// A server that listens, and says that it is starting until there is a library.
pub struct Listening {
    tcp: TcpListener,
    address: SocketAddr,
    starting: Lifecycle,
    needs_keys: bool,
}

impl Listening {
    /// Binds the address.
    ///
    /// # Errors
    /// Bad addresses, ports in use, `IDS_AUTH=off` where strangers could come in.
    pub async fn bind(args: &ListenArgs, config: &Config) -> Result<Self, Failed> {
        let host = parse_host(&args.host)?;
        let is_loopback = host.is_loopback();
        let needs_keys = config.access.needs_keys(config.server.production, is_loopback)?;
        let address = SocketAddr::new(host, args.port);
        let tcp = TcpListener::bind(address)
            .await
            .map_err(|error| bind_failed(address, &error))?;
        let address = tcp.local_addr().context("the address cannot be read back")?;
        // While the library is being opened, and perhaps brought to a new schema, whoever asks is told so.
        let (tcp, meanwhile) = twice(tcp).context("the address cannot be listened on twice")?;
        let starting = Lifecycle::new();
        starting.spawn(serve_tcp(
            meanwhile,
            ids_http::starting_router(),
            starting.clone(),
        ));
        Ok(Self {
            tcp,
            address,
            starting,
            needs_keys,
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the library from now on.
    ///
    /// # Errors
    /// When the library cannot be asked whether it has keys.
    pub async fn serve(self, config: &Config, composed: &Composed) -> anyhow::Result<Serving> {
        self.starting.stop().await;
        let access = if self.needs_keys {
            tell_about_keys(composed).await;
            Access::Keys(KeyOptions {
                limiter: Arc::clone(&composed.limiter) as Arc<dyn RateLimiter>,
                per_key_and_minute: config.access.per_key_and_minute,
                per_address_and_minute: config.access.per_address_and_minute,
            })
        } else {
            Access::Off
        };
        let lifecycle = Lifecycle::new();
        let options = HttpOptions {
            public_url: config.server.public_url.clone(),
            cors_origins: config.server.cors_origins.clone(),
            access,
            trusted_proxies: config.access.trusted_proxies.clone(),
            readiness: Readiness::new(Phase::Ready),
            shutdown: lifecycle.stopping().clone(),
            health: composed.probes.clone(),
            folders: watched_folders(config),
            ..HttpOptions::new(composed.library.clone(), build_info())
        };
        lifecycle.spawn(serve_tcp(
            self.tcp,
            ids_http::router(options.clone()),
            lifecycle.clone(),
        ));
        let public = config.server.public_url.as_deref().and_then(Target::parse);
        if let Some(target) = public.filter(|target| target.is_encrypted) {
            let stopping = lifecycle.stopping().clone();
            lifecycle.spawn(certificate::watch(target, options.metrics.clone(), stopping));
        }
        let (library, stopping) = (composed.library.clone(), lifecycle.stopping().clone());
        lifecycle.spawn(async move { library.settle_left_answers(&stopping).await });
        announce(self.address);
        Ok(Serving { options, lifecycle })
    }
}

/// A server at work.
pub struct Serving {
    /// What it serves, for a second door to the same.
    pub options: HttpOptions,
    /// Its tasks.
    pub lifecycle: Lifecycle,
}

impl Serving {
    /// Says that it drains, goes on for as long as proxies take to see it, then finishes what was begun. Says whether all ended in time.
    pub async fn drain(&self, signal: Signal) -> bool {
        tracing::info!(
            "stopping: finishing requests, giving back what is in hand; once more to stop at once"
        );
        self.options.readiness.set(Phase::Draining);
        // A person who presses Ctrl-C has no proxy in front, and does not want to wait.
        if signal == Signal::Terminate {
            tokio::time::sleep(DRAIN_SEEN).await;
        }
        self.lifecycle.stop().await
    }
}

/// Exit code 0 after SIGTERM, 130 after Ctrl-C.
pub const fn exit_code(signal: Signal) -> u8 {
    match signal {
        Signal::Interrupt => 130,
        Signal::Terminate => 0,
    }
}

/// The folders of this process whose disks must not run full.
fn watched_folders(config: &Config) -> Vec<WatchedFolder> {
    let mut folders = Vec::new();
    if config.postgres.is_none() || config.s3.is_none() {
        folders.push(WatchedFolder {
            name: "data",
            path: config.data_dir.clone(),
        });
    }
    if let Some(s3) = &config.s3 {
        folders.push(WatchedFolder {
            name: "spool",
            path: s3.store.spool_folder.clone(),
        });
    }
    folders
}

/// A server that nobody can use yet says what to do about it.
async fn tell_about_keys(composed: &Composed) {
    match composed.library.has_keys().await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(
            "callers need a key, and there is none yet; make one: `ids keys create --organization default --scopes admin`"
        ),
        // The database went away just now: requests will say so.
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the keys cannot be looked at"
        ),
    }
}

fn parse_host(host: &str) -> Result<IpAddr, Failed> {
    match host {
        "localhost" => Ok(IpAddr::from([127, 0, 0, 1])),
        other => other
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .map_err(|_| Failed::usage(format!("`--host {host}` is no IP address; use 127.0.0.1"))),
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
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    // Each event of a stream goes out by itself: else the system holds a small one back until the one before is acknowledged, up to
    // 40 ms later (bench/doors).
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a connection cannot be told not to wait"
            );
        }
    });
    let served = axum::serve(listener, service)
        .with_graceful_shutdown(stopping.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(error = &error as &dyn std::error::Error, "the server ended");
    }
}

#[expect(clippy::print_stdout, reason = "the address is the result of this command")]
fn announce(address: SocketAddr) {
    use std::io::Write;
    println!("ids is ready at http://{address}");
    // A pipe that nobody reads is no reason to stop.
    let _ = std::io::stdout().flush();
}
