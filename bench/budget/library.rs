//! A library of one document, whose meaning is computed in no time: what is measured is the money.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use ids_blobs::{FolderBlobStore, SigningKey};
use ids_core::embedding::EmbeddingModel;
use ids_core::id::DocumentId;
use ids_core::library::Ports;
use ids_core::ports::{Clock, CountedError, CountedVectors, EmbedTexts, Embedder, Ids, Tokenizer};
use ids_extract::{ChildCommand, ChildLimits, ExtractorConfig, SandboxedExtractor};
use ids_postgres::{PostgresConfig, PostgresLibrary, Secret, SslMode};
use ids_sqlite::SqliteLibrary;
use ids_testkit::services::postgres;
use ids_testkit::stores::{NewDocument, direction, model};
use ids_testkit::{ManualClock, SequentialIds, Stores};

/// An open library.
pub(crate) struct Opened {
    pub(crate) ports: Ports,
    /// Read by all handles, moved by a month after each trial.
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) document_id: DocumentId,
}

/// Every text means the same.
struct SameMeaning(EmbeddingModel);

#[async_trait]
impl Embedder for SameMeaning {
    fn model(&self) -> &EmbeddingModel {
        &self.0
    }

    async fn embed(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError> {
        Ok(vec![direction(0.0); texts.count()].into())
    }
}

/// A word is a token.
struct Words;

impl Tokenizer for Words {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

macro_rules! ports {
    ($store:expr, $clock:expr, $ids:expr, $folder:expr) => {{
        let all = Arc::new($store.clone());
        let clock: Arc<dyn Clock> = $clock.clone();
        let key = SigningKey::load_or_create(&$folder.join("key"))?;
        let extractor = SandboxedExtractor::new(ExtractorConfig {
            pdfium: "assets/libpdfium.so".into(),
            child: ChildCommand::current_exe()?,
            limits: ChildLimits::default(),
            ocr: None,
        });
        Ports {
            documents: all.clone(),
            chunks: all.clone(),
            jobs: all.clone(),
            queue: all.clone(),
            sessions: all.clone(),
            ledger: all.clone(),
            alarm: None,
            organizations: all.clone(),
            cleanups: all.clone(),
            backups: all.clone(),
            workers: all,
            chat: None,
            blobs: Arc::new(FolderBlobStore::open(
                &$folder.join("blobs"),
                key,
                Arc::clone(&clock),
            )?),
            extractor: Arc::new(extractor),
            tokenizer: Arc::new(Words),
            embedders: Arc::new(SameMeaning(model())).into(),
            clock,
            ids: $ids.clone() as Arc<dyn Ids>,
        }
    }};
}

macro_rules! stores {
    ($store:expr, $clock:expr, $ids:expr) => {{
        let all = Arc::new($store.clone());
        Stores {
            documents: all.clone(),
            chunks: all.clone(),
            jobs: all.clone(),
            queue: all.clone(),
            sessions: all.clone(),
            ledger: all.clone(),
            organizations: all.clone(),
            cleanups: all.clone(),
            backups: all.clone(),
            workers: all.clone(),
            archive: all,
            clock: $clock.clone(),
            ids: $ids.clone(),
            keep: Box::new(()),
        }
    }};
}

/// Texts of eight passages.
const TEXTS: [&str; 8] = [
    "O prazo para recurso é de cinco dias úteis.",
    "A multa por atraso é de dois por cento ao mês.",
    "As inscrições são gratuitas até o fim do mês.",
    "O contrato vale por doze meses.",
    "A entrega é feita na sede da câmara.",
    "O pagamento é feito em trinta dias.",
    "A garantia é de um ano.",
    "O foro é o da comarca de Lavras.",
];

async fn fill(stores: &Stores) -> Result<DocumentId> {
    let scope = Stores::scope();
    let prepared = stores
        .prepared(&scope, &NewDocument::named("edital.txt"), &TEXTS)
        .await;
    stores.embed(&prepared, &TEXTS.map(|_| direction(0.0))).await;
    stores.jobs.complete(&prepared.lease, None).await?;
    Ok(prepared.document_id)
}

/// A new library in SQLite.
pub(crate) async fn sqlite_handle(folder: &Path) -> Result<Opened> {
    let (clock, ids) = (
        Arc::new(ManualClock::default()),
        Arc::new(SequentialIds::default()),
    );
    let store = SqliteLibrary::open_in(folder, clock.clone())?;
    let document_id = fill(&stores!(store, clock, ids)).await?;
    Ok(Opened {
        ports: ports!(store, clock, ids, folder),
        clock,
        document_id,
    })
}

/// A new library in PostgreSQL, opened several times.
pub(crate) async fn postgres_handles(folder: &Path, count: usize) -> Result<Vec<Opened>> {
    let server = postgres();
    let (clock, ids) = (
        Arc::new(ManualClock::default()),
        Arc::new(SequentialIds::default()),
    );
    let config = PostgresConfig {
        port: server.port,
        password: Some(Secret::new(&server.password)),
        ssl_mode: SslMode::Disable,
        schema: Some(format!("bench_budget_{}", std::process::id())),
        ..PostgresConfig::new(&server.host, &server.user, &server.database)
    };
    let mut handles = Vec::new();
    let mut document_id = None;
    for _ in 0..count.max(1) {
        let store = PostgresLibrary::open(&config, clock.clone()).await?;
        let document_id = match document_id {
            Some(document_id) => document_id,
            None => *document_id.insert(fill(&stores!(store, clock, ids)).await?),
        };
        handles.push(Opened {
            ports: ports!(store, clock, ids, folder),
            clock: clock.clone(),
            document_id,
        });
    }
    Ok(handles)
}
