//! The one door through which front ends come in: HTTP, command line, and later MCP.
//!
//! Front ends translate; every rule (what is valid, what is accepted, what is said when it is not) stands here.

mod access;
mod budget;
mod cleanups;
mod details;
mod documents;
mod embedders;
mod embedding;
mod jobs;
mod originals;
mod page_image_cache;
mod page_images;
mod persons;
mod reindex;
mod sessions;
mod sources;
mod totals;
mod unlocking;
mod upload_refusals;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

pub use access::{CreatedKey, KeyRequest};
pub use budget::{BudgetStanding, LeftAnswer, MonthUsage, WholeEstimate};
pub use documents::{AnalysisView, LibraryStats, PageView, StatusView};
pub use embedders::{Embedders, Standing, watch_embedders};
pub(crate) use embedding::NoVectors;
pub use jobs::AnyJob;
pub use originals::Original;
pub use page_images::PageOriginal;
pub use persons::{Erased, PersonInDocument, PersonInDocuments, PersonOnPage};
pub use reindex::{ReindexCursor, ReindexState, ReindexTurn};
pub use totals::{QueueTotals, Totals, queue_totals};
pub(crate) use upload_refusals::refused_by_blobs;
pub use uploads::{
    AnnouncedUpload, IncomingFile, NewFile, Processing, SourceState, UploadAnnouncement, UploadReceiver,
};

use self::budget::LeftAnswers;
use self::page_images::PageImages;
use crate::budget::BudgetSettings;
use crate::document::ContentType;
use crate::error::Refusal;
use crate::limits;
use crate::ports::{
    BackupRegistry, BlobStore, BudgetAlarm, ChatModel, ChunkIndex, CleanupStore, Clock, DocumentStore,
    Extractor, Ids, JobQueue, JobStore, OrganizationStore, SessionStore, Tokenizer, UsageLedger,
    WorkerRegistry,
};
use crate::slots::{Line, Slots};

/// One adapter for each port.
#[derive(Clone)]
pub struct Ports {
    /// Documents, pages, uploads, collections.
    pub documents: Arc<dyn DocumentStore>,
    /// Chunks by word and vector.
    pub chunks: Arc<dyn ChunkIndex>,
    /// The truth about jobs.
    pub jobs: Arc<dyn JobStore>,
    /// Delivery of job ids.
    pub queue: Arc<dyn JobQueue>,
    /// Conversations.
    pub sessions: Arc<dyn SessionStore>,
    /// What answers cost.
    pub ledger: Arc<dyn UsageLedger>,
    /// Who is told that a budget is nearly used up; `None` where only the log is.
    pub alarm: Option<Arc<dyn BudgetAlarm>>,
    /// Organizations and keys.
    pub organizations: Arc<dyn OrganizationStore>,
    /// The truth about cleanups.
    pub cleanups: Arc<dyn CleanupStore>,
    /// Who works.
    pub workers: Arc<dyn WorkerRegistry>,
    /// Which backups were made.
    pub backups: Arc<dyn BackupRegistry>,
    /// Bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// Bytes to text.
    pub extractor: Arc<dyn Extractor>,
    /// Texts to vectors.
    pub embedders: Embedders,
    /// Texts to token counts.
    pub tokenizer: Arc<dyn Tokenizer>,
    /// Writes answers; without one they are put together from sentences of the documents.
    pub chat: Option<Arc<dyn ChatModel>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers.
    pub ids: Arc<dyn Ids>,
}

/// What an installation sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The largest file, in bytes (`MAX_FILE_SIZE_MB`).
    pub max_file_size: u64,
    /// The types that are taken (`ALLOWED_FILE_TYPES`); empty means every type that can be read.
    pub allowed_types: Vec<ContentType>,
    /// How long an upload address works (`UPLOAD_URL_TTL_SECONDS`).
    pub upload_ttl: Duration,
    /// Tokens of a chunk (`CHUNK_SIZE`).
    pub chunk_size: usize,
    /// Tokens that two chunks share where a paragraph is cut (`CHUNK_OVERLAP`).
    pub chunk_overlap: usize,
    /// Whether originals stay (`KEEP_ORIGINALS`).
    pub keep_originals: bool,
    /// The longest a document may take before its chunks are stored (`DOCUMENT_PROCESSING_JOB_TIMEOUT_SECONDS`);
    /// embedding, which saves as it goes, has no such end.
    pub job_timeout: Duration,
    /// How old a file without an owner must be before it is removed (`CLEANUP_ORPHANED_FILES_HOURS`).
    pub orphan_age: Duration,
    /// Prefix of what is being uploaded (`S3_TEMP_PREFIX`), with its slash.
    pub temp_prefix: String,
    /// Prefix of what is kept (`S3_ORIGINALS_PREFIX`), with its slash.
    pub originals_prefix: String,
    /// What answers may cost.
    pub budget: BudgetSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_file_size: 100 * 1024 * 1024,
            allowed_types: Vec::new(),
            upload_ttl: Duration::from_secs(3_600),
            chunk_size: 128,
            chunk_overlap: 32,
            keep_originals: true,
            job_timeout: Duration::from_secs(1_800),
            orphan_age: Duration::from_secs(24 * 3_600),
            temp_prefix: "temp/".to_owned(),
            originals_prefix: "originals/".to_owned(),
            budget: BudgetSettings::default(),
        }
    }
}

/// Who waits while others' evidence is being looked for.
const READING_LINE: Line = Line {
    places: limits::QUESTIONS_WAITING,
    patience: Duration::from_secs(20),
    refusal: "too many questions at once; try again in a few seconds",
};

/// A library: documents in, hits and answers out.
#[derive(Clone)]
pub struct Library {
    pub(crate) ports: Ports,
    pub(crate) settings: Arc<Settings>,
    /// Bounds the questions whose evidence is being looked for: each costs as much computing as a dozen searches.
    pub(crate) reading: Arc<Slots>,
    page_images: Arc<PageImages>,
    left: Arc<LeftAnswers>,
}

impl Library {
    /// A library over these adapters.
    pub fn new(ports: Ports, settings: Settings) -> Self {
        Self {
            ports,
            settings: Arc::new(settings),
            reading: Arc::new(Slots::new(limits::QUESTIONS_AT_ONCE, READING_LINE)),
            page_images: Arc::new(PageImages::default()),
            left: Arc::default(),
        }
    }

    /// Its adapters, for what runs beside the front ends (workers, `ids eval`).
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// Refuses a page of a list that is too long.
fn check_limit(limit: usize) -> Result<(), Refusal> {
    if limit == 0 || limit > limits::LIST_ROWS {
        return Err(Refusal::field(
            "limit",
            format!("must be 1 to {}", limits::LIST_ROWS),
        ));
    }
    Ok(())
}
