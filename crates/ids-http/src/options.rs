//! What the one who serves a library hands over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ids_core::library::Library;
use ids_core::ports::RateLimiter;
use ipnet::IpNet;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::process::WatchedFolder;

/// Everything the routes need. Clones share counters, readiness and the end.
#[derive(Clone)]
pub struct HttpOptions {
    /// The library.
    pub library: Library,
    /// What is running.
    pub build: BuildInfo,
    /// The address people reach this server by (`PUBLIC_URL`); without it each request's own is used.
    pub public_url: Option<String>,
    /// Origins of other sites whose pages may ask (`CORS_ORIGINS`), such as `https://intranet.example.org`.
    pub cors_origins: Vec<String>,
    /// Whether callers need keys.
    pub access: Access,
    /// Proxies in front, whose word on addresses and TLS is taken (`TRUSTED_PROXIES`).
    pub trusted_proxies: Vec<IpNet>,
    /// What /health asks beside the database.
    pub health: Vec<Arc<dyn HealthProbe>>,
    /// Counters.
    pub metrics: Metrics,
    /// Folders whose disks are shown in /metrics.
    pub folders: Vec<WatchedFolder>,
    /// What /ready says.
    pub readiness: Readiness,
    /// How long an answer of /health and /queue/health, which need no key, stands for all who ask; that of /metrics ten times as long.
    pub recent: Duration,
    /// Searches that run at the same time; more wait.
    pub search_slots: usize,
    /// Ends server-sent events, which would keep a shutdown waiting.
    pub shutdown: CancellationToken,
}

impl HttpOptions {
    /// Options for `library` with everything else plain: no public address, no other origins, ready.
    pub fn new(library: Library, build: BuildInfo) -> Self {
        let slots = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            library,
            build,
            public_url: None,
            cors_origins: Vec::new(),
            access: Access::Off,
            trusted_proxies: Vec::new(),
            health: Vec::new(),
            metrics: Metrics::new(),
            folders: Vec::new(),
            readiness: Readiness::new(Phase::Ready),
            recent: Duration::from_secs(1),
            search_slots: slots.max(2),
            shutdown: CancellationToken::new(),
        }
    }
}

impl HttpOptions {
    /// Scheme, host and port of the public address.
    pub(crate) fn public_origin(&self) -> Option<String> {
        origin_of(self.public_url.as_deref()?)
    }
}

/// Scheme, host and port of an address, as browsers write them into `Origin`; `None` for what is no address.
pub fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next().unwrap_or_default();
    Some(format!("{scheme}://{host}"))
}

/// Whether callers need keys (`IDS_AUTH`).
#[derive(Clone)]
pub enum Access {
    /// None: only this machine can reach the server, and whoever is on it may do everything.
    Off,
    /// Each call brings one.
    Keys(KeyOptions),
}

/// What callers with keys may ask for.
#[derive(Clone)]
pub struct KeyOptions {
    /// Counts requests.
    pub limiter: Arc<dyn RateLimiter>,
    /// Requests of one key in a minute (`RATE_LIMIT_PER_MINUTE`).
    pub per_key_and_minute: u32,
    /// Requests of one address in a minute (`RATE_LIMIT_PER_ADDRESS_PER_MINUTE`).
    pub per_address_and_minute: u32,
}

/// What is running.
#[derive(Debug, Clone)]
pub struct BuildInfo {
    /// The version, such as `0.1.0`.
    pub version: String,
    /// The commit it was built from.
    pub commit: Option<String>,
}

/// Something the server depends on, asked by /health.
#[async_trait]
pub trait HealthProbe: Send + Sync {
    /// Its name in `dependencies`: `queue`, `blobs`, `model`. Not `database`, which is always asked.
    fn name(&self) -> &'static str;

    /// Whether it can be reached. The answer is waited for two seconds.
    ///
    /// # Errors
    /// The reason, for the log only.
    async fn check(&self) -> Result<(), String>;
}

/// How far the server is between start and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not yet ready to work.
    Starting,
    /// Changing its database to a new version.
    Migrating,
    /// Works.
    Ready,
    /// Finishes what it has begun and takes nothing new.
    Draining,
}

impl Phase {
    const ALL: [Self; 4] = [Self::Starting, Self::Migrating, Self::Ready, Self::Draining];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Migrating => "migrating",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

/// The phase, shared between who steers the server and /ready.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<AtomicU8>);

impl Readiness {
    /// Begins in `phase`.
    pub fn new(phase: Phase) -> Self {
        Self(Arc::new(AtomicU8::new(phase as u8)))
    }

    /// Goes on to `phase`.
    pub fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Release);
    }

    /// The phase now.
    pub fn phase(&self) -> Phase {
        let number = usize::from(self.0.load(Ordering::Acquire));
        Phase::ALL.get(number).copied().unwrap_or(Phase::Starting)
    }
}
