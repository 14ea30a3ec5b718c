//! What the domain needs of the world, in its own words. Adapters implement these; contract suites in `ids-testkit`
//! hold each promise (clause) against every adapter.

mod backup_registry;
mod blob_store;
mod budget_alarm;
mod chat_model;
mod chunk_index;
mod cleanup_store;
mod clock;
mod document_store;
mod embedder;
mod extractor;
mod job_queue;
mod job_store;
mod library_archive;
mod organization_store;
mod rate_limiter;
mod session_store;
mod usage_ledger;
mod worker_registry;

pub use backup_registry::{BackupRegistry, RecordedBackup};
pub use blob_store::{BlobError, BlobErrorKind, BlobInfo, BlobStore, BlobWriter, LocalBlob, SignedUpload};
pub use budget_alarm::{AlarmError, BudgetAlarm};
pub use chat_model::{ChatError, ChatModel, ChatPrompt, ChatRole, ChatTurn, Outgoing};
pub use chunk_index::{ChunkIndex, CorpusStatistics, Replaced, WeightedTerm};
pub use cleanup_store::CleanupStore;
pub use clock::{Clock, Ids};
pub use document_store::{
    AnalysisRecord, ChunkPage, CollectionSummary, DocumentList, DocumentOrder, DocumentQuery, DocumentStore,
    LibraryCounts, NearDuplicate, SourceFile, SourceRecord, StatusRecord,
};
pub use embedder::{CountedError, CountedVectors, EmbedError, EmbedTexts, Embedder, Tokenizer};
pub use extractor::{
    ExtractProgress, ExtractRequest, Extractor, MemberPart, MemberSink, RenderRequest, SinkClosed,
    UnlockRequest, UnlockedBytes,
};
pub use job_queue::{Delivery, JobQueue};
pub use job_store::{Accepted, ClaimedJob, JobStore, Reconciled};
pub use library_archive::LibraryArchive;
pub use organization_store::OrganizationStore;
pub use rate_limiter::RateLimiter;
pub use session_store::{SessionList, SessionQuery, SessionStore};
pub use usage_ledger::UsageLedger;
pub use worker_registry::{RegisteredWorker, WorkerRegistry};
