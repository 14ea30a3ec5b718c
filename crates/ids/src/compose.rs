//! Which adapter for which port, from the configuration alone.

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use ids_blobs::{FolderBlobStore, SigningKey};
use ids_core::library::{Library, Ports};
use ids_core::ports::{BlobStore, ChatModel, Clock};
use ids_embed::{BuiltInEmbedder, Model};
use ids_extract::{ChildCommand, ChildLimits, ExtractorConfig, SandboxedExtractor, find_pdfium};
use ids_http::HealthProbe;
use ids_models::OpenAiChatModel;
use ids_sqlite::SqliteLibrary;

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::system::{RandomIds, SystemClock};

/// The built-in model, inside the program (assets.lock, MIT).
static MODEL: &[u8] = include_bytes!("../../../assets/e5-small-enpt-q4.bin");

/// The hidden first argument that makes this program the child that parses.
pub const EXTRACT_CHILD: &str = "__extract";

/// A library with what must be closed in order.
pub struct Composed {
    /// The library.
    pub library: Library,
    store: SqliteLibrary,
}

impl Composed {
    /// Opens everything that the embedded shape consists of. Does file I/O and loads the model on the calling thread.
    ///
    /// # Errors
    /// When a part cannot be opened; the text says which and why.
    pub fn embedded(config: &Config, data_dir: &DataDir) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = SqliteLibrary::open_in(data_dir.path(), Arc::clone(&clock))
            .context("the library in the data directory cannot be opened")?;
        let key = SigningKey::load_or_create(&data_dir.upload_key())
            .context("the key for upload addresses cannot be read or made")?;
        let blobs = FolderBlobStore::open(&data_dir.blobs(), key, Arc::clone(&clock))
            .context("the folder of uploads cannot be opened")?;
        let model = Model::load(MODEL).context("the built-in model is damaged; install `ids` again")?;
        let embedder =
            Arc::new(BuiltInEmbedder::new(model, None).context("the embedding threads cannot be started")?);
        let extractor = SandboxedExtractor::new(extractor_config()?);
        let ports = Ports {
            documents: Arc::new(store.clone()),
            chunks: Arc::new(store.clone()),
            jobs: Arc::new(store.clone()),
            queue: Arc::new(store.clone()),
            sessions: Arc::new(store.clone()),
            chat: chat_model(config)?,
            blobs: Arc::new(blobs),
            extractor: Arc::new(extractor),
            tokenizer: Arc::clone(&embedder) as _,
            embedder,
            clock,
            ids: Arc::new(RandomIds),
        };
        Ok(Self {
            library: Library::new(ports, config.library.clone()),
            store,
        })
    }

    /// Finishes what is being written and closes the database.
    pub async fn close(self) {
        self.store.close().await;
    }
}

/// Does something small where uploads lie.
pub struct BlobsProbe(pub Arc<dyn BlobStore>);

#[async_trait]
impl HealthProbe for BlobsProbe {
    fn name(&self) -> &'static str {
        "blobs"
    }

    async fn check(&self) -> Result<(), String> {
        self.0.ping().await.map_err(|error| error.to_string())
    }
}

/// The client of the model API that is set, if one is. Nothing is asked of it yet: a server that is down is no reason not to start.
fn chat_model(config: &Config) -> anyhow::Result<Option<Arc<dyn ChatModel>>> {
    let Some(model) = &config.model else {
        return Ok(None);
    };
    let client = OpenAiChatModel::new(model.client()).context("the model of answers cannot be used")?;
    Ok(Some(Arc::new(client)))
}

fn extractor_config() -> anyhow::Result<ExtractorConfig> {
    let program = std::env::current_exe().context("the system does not tell where this program lies")?;
    let pdfium = find_pdfium(&program).context(
        "`libpdfium.so` lies neither beside this program nor in `../lib/ids/`; put it back, or run `make run` in the source tree",
    )?;
    let mut child = ChildCommand::current_exe().context("the system does not tell which program this is")?;
    child.args = vec![EXTRACT_CHILD.to_owned()];
    Ok(ExtractorConfig {
        pdfium,
        child,
        limits: ChildLimits::default(),
    })
}
