//! Which adapter for which port, from the configuration alone.

mod blobs;
mod moving;
mod probes;
mod stores;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use ids_core::library::{Embedders, Library, Ports};
use ids_core::ports::{BudgetAlarm, ChatModel, Clock, Embedder, JobQueue, RateLimiter, SessionStore};
use ids_core::rate_limit::LocalRateLimiter;
use ids_core::shield::{ShieldedChatModel, ShieldedEmbedder};
use ids_embed::{BuiltInEmbedder, Model};
use ids_extract::{ChildCommand, ChildLimits, ExtractorConfig, OcrSource, SandboxedExtractor, find_pdfium};
use ids_http::HealthProbe;
use ids_models::{BudgetWebhook, OpenAiChatModel, OpenAiEmbedder};
use ids_redis::{CachedSessions, FallbackRateLimiter, Redis, RedisJobQueue, RedisRateLimiter};

pub use self::blobs::open as open_blobs;
pub use self::moving::MovingEnd;
use self::probes::{BlobsProbe, QueueProbe};
pub use self::stores::Outage;
use self::stores::Stores;
use crate::config::{Config, ModelConfig};
use crate::ocr::Ocr;
use crate::system::{RandomIds, SystemClock};

/// The built-in model, inside the program (assets.lock, MIT).
static MODEL: &[u8] = include_bytes!("../../../assets/e5-small-enpt-q4.bin");

/// The hidden first argument that makes this program the child that parses.
pub const EXTRACT_CHILD: &str = "__extract";

/// A library with what belongs to it: what counts requests, what is asked of its health, what must be closed in order.
pub struct Composed {
    /// The library.
    pub library: Library,
    /// Counts requests: for all processes together where there is Redis.
    pub limiter: Arc<dyn RateLimiter>,
    /// What /health asks beside the database.
    pub probes: Vec<Arc<dyn HealthProbe>>,
    stores: Stores,
    redis: Option<Redis>,
}

impl Composed {
    /// Opens everything that the configuration names. Without PostgreSQL, and for uploads without S3, it uses the data directory, which
    /// the caller owns where nobody else may. Does file I/O and loads the model on the calling thread.
    ///
    /// # Errors
    /// When a part cannot be opened; the text says which and why.
    pub async fn open(config: &Config, outage: Outage) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let stores = Stores::open(config, &clock, outage).await?;
        let redis = match (&config.redis, outage) {
            (None, _) => None,
            (Some(settings), Outage::Fails) => Some(Redis::connect(settings).await),
            (Some(settings), Outage::IsWaitedFor) => Some(Redis::connect_when_there(settings).await),
        };
        let redis = redis.transpose().context("Redis cannot be used")?;
        let blobs = blobs::open(config, &clock)?;
        let model = Model::load(MODEL).context("the built-in model is damaged; install `ids` again")?;
        let embedder =
            Arc::new(BuiltInEmbedder::new(model, None).context("the embedding threads cannot be started")?);
        let extractor = extractor(config)?;

        let mut queue: Arc<dyn JobQueue> = stores.queue();
        let mut sessions: Arc<dyn SessionStore> = stores.sessions();
        let local = || LocalRateLimiter::new(Arc::clone(&clock));
        let mut limiter: Arc<dyn RateLimiter> = Arc::new(local());
        let mut probes: Vec<Arc<dyn HealthProbe>> = vec![Arc::new(BlobsProbe(Arc::clone(&blobs)))];
        if let Some(redis) = &redis {
            queue = Arc::new(RedisJobQueue::new(redis.clone(), Arc::clone(&clock)));
            sessions = Arc::new(CachedSessions::new(sessions, redis.clone()));
            let shared = RedisRateLimiter::new(redis.clone(), Arc::clone(&clock));
            limiter = Arc::new(FallbackRateLimiter::new(Arc::new(shared), local()));
            probes.push(Arc::new(QueueProbe(redis.clone())));
        }
        let ports = Ports {
            documents: stores.documents(),
            chunks: stores.chunks(),
            jobs: stores.jobs(),
            queue,
            sessions,
            ledger: stores.ledger(),
            alarm: alarm(config)?,
            organizations: stores.organizations(),
            cleanups: stores.cleanups(),
            workers: stores.workers(),
            backups: stores.backups(),
            chat: chat_model(config)?,
            blobs,
            extractor: Arc::new(extractor),
            tokenizer: Arc::clone(&embedder) as _,
            embedders: embedders(config, embedder)?,
            clock,
            ids: Arc::new(RandomIds),
        };
        let library = Library::new(ports, config.library.clone());
        if library.ports().embedders.is_choice()
            && let Err(refusal) = library.settle_embedders().await
        {
            // The service looks again; a command that needs the store says so itself.
            let error: &dyn std::error::Error = &refusal;
            tracing::debug!(error, "the vectors cannot be looked at now");
        }
        Ok(Self {
            library,
            limiter,
            probes,
            stores,
            redis,
        })
    }

    /// Finishes what is being written and closes the database.
    pub async fn close(self) {
        self.stores.close().await;
    }

    /// Removes what a throw-away library left in Redis and PostgreSQL, and closes it.
    ///
    /// # Errors
    /// When one of them cannot be reached.
    pub async fn remove(self, config: &Config) -> anyhow::Result<()> {
        if let Some(redis) = &self.redis {
            redis
                .remove_keys()
                .await
                .context("keys in Redis are left behind")?;
        }
        self.stores.remove(config).await
    }
}

/// Where uploads lie without S3.
pub fn blobs_folder(config: &Config) -> PathBuf {
    config.data_dir.join("blobs")
}

/// The client of the model API that is set, if one is. Nothing is asked of it yet: a server that is down is no reason not to start.
fn chat_model(config: &Config) -> anyhow::Result<Option<Arc<dyn ChatModel>>> {
    let Some(model) = &config.model else {
        return Ok(None);
    };
    let client = OpenAiChatModel::new(model.client()).context("the model of answers cannot be used")?;
    let client: Arc<dyn ChatModel> = Arc::new(client);
    Ok(Some(if model.is_shielded {
        Arc::new(ShieldedChatModel::new(client))
    } else {
        client
    }))
}

/// The model that embeds: the built-in one, or the one that is set, beside which the built-in one serves a library that is its.
fn embedders(config: &Config, built_in: Arc<BuiltInEmbedder>) -> anyhow::Result<Embedders> {
    let Some(settings) = config.model.as_ref().and_then(ModelConfig::embedding_client) else {
        return Ok(built_in.into());
    };
    let client = OpenAiEmbedder::new(settings).context("the model of embeddings cannot be used")?;
    let client: Arc<dyn Embedder> = if config.model.as_ref().is_some_and(|model| model.is_shielded) {
        Arc::new(ShieldedEmbedder::new(client))
    } else {
        Arc::new(client)
    };
    Ok(Embedders::new(client, [built_in as Arc<dyn Embedder>]))
}

/// What reads documents, in a child of this program.
///
/// # Errors
/// When this program or the library that reads PDF cannot be found.
pub fn extractor(config: &Config) -> anyhow::Result<SandboxedExtractor> {
    Ok(SandboxedExtractor::new(extractor_config(config)?))
}

/// Whoever is told that the budget is nearly used up; nothing is sent yet.
fn alarm(config: &Config) -> anyhow::Result<Option<Arc<dyn BudgetAlarm>>> {
    let Some(url) = &config.budget_webhook else {
        return Ok(None);
    };
    let webhook = BudgetWebhook::new(url.clone()).context("`AI_BUDGET_WEBHOOK_URL` cannot be used")?;
    Ok(Some(Arc::new(webhook)))
}

fn extractor_config(config: &Config) -> anyhow::Result<ExtractorConfig> {
    let program = std::env::current_exe().context("the system does not tell where this program lies")?;
    let pdfium = find_pdfium(&program).context(
        "`libpdfium.so` lies neither beside this program nor in `../lib/ids/`; put it back, or run `make run` in the source tree",
    )?;
    let mut child = ChildCommand::current_exe().context("the system does not tell which program this is")?;
    child.args = vec![EXTRACT_CHILD.to_owned()];
    // Where it is missing, pages that need it say so; `ids doctor` says what to do.
    let languages = config.ocr_languages.clone();
    let ocr = OcrSource::new(move || match Ocr::find(&languages) {
        Ok(Ocr::Ready { config, .. }) => Some(*config),
        Ok(Ocr::Off | Ocr::Missing(_) | Ocr::NoLanguage) | Err(_) => None,
    });
    Ok(ExtractorConfig {
        pdfium,
        child,
        limits: ChildLimits::default(),
        ocr: Some(ocr),
    })
}
