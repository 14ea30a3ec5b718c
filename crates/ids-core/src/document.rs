//! Documents, their versions and uploads: what the user gave and where it stands.

use std::fmt;

pub use crate::content_type::{ContentType, FILE_TYPES, FileType};
use crate::error::Failure;
use crate::id::{DocumentId, JobId, OrganizationId, UploadId, VersionId};
use crate::job::JobStep;
use crate::scope::{CollectionName, Tag};
use crate::time::Timestamp;

/// SHA-256 of bytes, or of a normalized text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Wraps the 32 bytes of a SHA-256.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From 64 hexadecimal digits, either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = (pair[0] as char).to_digit(16)?;
            let low = (pair[1] as char).to_digit(16)?;
            *byte = (high * 16 + low) as u8;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

/// Where a document stands, in the words of the status API (design.md 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentStatus {
    /// Announced; the bytes, or /process, are missing.
    AwaitingUpload,
    /// Accepted, waiting for a worker.
    Uploaded,
    /// Its text is being read.
    Extracting,
    /// Is it there already?
    CheckingDuplicates,
    /// Being cut into chunks.
    Chunking,
    /// Found by words (a first version); its meaning is being computed.
    Embedding,
    /// Found by words and meaning.
    Completed,
    /// Ended with an error.
    Failed,
    /// The same text is there already.
    Duplicate,
    /// Stopped by a person.
    Cancelled,
}

impl DocumentStatus {
    /// All, in the order a document takes.
    pub const ALL: [Self; 10] = [
        Self::AwaitingUpload,
        Self::Uploaded,
        Self::Extracting,
        Self::CheckingDuplicates,
        Self::Chunking,
        Self::Embedding,
        Self::Completed,
        Self::Failed,
        Self::Duplicate,
        Self::Cancelled,
    ];

    /// The word on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingUpload => "awaiting_upload",
            Self::Uploaded => "uploaded",
            Self::Extracting => "extracting",
            Self::CheckingDuplicates => "checking_duplicates",
            Self::Chunking => "chunking",
            Self::Embedding => "embedding",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Duplicate => "duplicate",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether nothing more will happen by itself.
    pub const fn is_end(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed | Self::Duplicate | Self::Cancelled
        )
    }
}

impl From<JobStep> for DocumentStatus {
    fn from(step: JobStep) -> Self {
        match step {
            JobStep::Extracting => Self::Extracting,
            JobStep::CheckingDuplicates => Self::CheckingDuplicates,
            JobStep::Chunking => Self::Chunking,
            JobStep::Embedding => Self::Embedding,
        }
    }
}

/// A document as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub document_id: DocumentId,
    /// Given, else the file's own, else its name without extension.
    pub title: String,
    /// Given with the upload.
    pub description: Option<String>,
    /// The file's name, without folders.
    pub filename: String,
    /// The type found in the content; before that the one announced.
    pub content_type: ContentType,
    /// Bytes.
    pub file_size: u64,
    /// SHA-256 of the bytes; `None` while they are missing.
    pub file_hash: Option<ContentHash>,
    /// In the order given, without repeats.
    pub tags: Vec<Tag>,
    /// Its collection.
    pub collection: CollectionName,
    /// Where it stands.
    pub status: DocumentStatus,
    /// The newest job; `None` while nothing was accepted.
    pub job_id: Option<JobId>,
    /// The document that has the same text, when the status is `duplicate`.
    pub duplicate_of: Option<DocumentId>,
    /// The document it came in; `None` for what a person gave.
    pub parent_id: Option<DocumentId>,
    /// Where it lies in that.
    pub path: Option<String>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Pages, once extracted.
    pub page_count: Option<u32>,
    /// Chunks of the visible version; of the one being made while none is visible.
    pub total_chunks: u32,
    /// When it was announced or accepted.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

/// What a person says of a document when it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentDetails {
    /// `None`: the file's own, else its name without extension.
    pub title: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Without repeats.
    pub tags: Vec<Tag>,
    /// Where it belongs; made where there is none.
    pub collection: CollectionName,
    /// The file's name, without folders.
    pub filename: String,
}

/// What PATCH changes; `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DocumentChange {
    /// A new title.
    pub title: Option<String>,
    /// A new description; an empty one removes it.
    pub description: Option<String>,
    /// New tags, replacing all.
    pub tags: Option<Vec<Tag>>,
}

/// Where a document's file came from on the machine that ingested it: what makes `ids ingest` safe to run again.
/// An absolute path, or the address of a web page; compared byte by byte inside one collection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourcePath(pub String);

impl SourcePath {
    /// The paths below this folder: from the first on, up to the second and without it.
    pub fn below(&self) -> (String, String) {
        let folder = self.0.trim_end_matches('/');
        // `0` is what comes after `/`.
        (format!("{folder}/"), format!("{folder}0"))
    }
}

/// Where bytes lie in a [`BlobStore`](crate::ports::BlobStore): `temp/<organization>/<upload or version id>` and the like.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlobKey(pub String);

impl BlobKey {
    /// Where bytes of an organization lie: under `prefix`, which ends in a slash, by the id of their version or upload.
    pub fn of(prefix: &str, organization: OrganizationId, id: impl fmt::Display) -> Self {
        Self(format!("{prefix}{organization}/{id}"))
    }

    /// The version whose bytes they are, where the key ends in its id. Between the move of bytes and the note of where they
    /// are now, a crash leaves nothing else that names them.
    pub fn version(&self) -> Option<VersionId> {
        self.0.rsplit('/').next()?.parse().ok()
    }
}

/// An announced upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub upload_id: UploadId,
    /// The document it is for.
    pub document_id: DocumentId,
    /// The type that was signed.
    pub content_type: ContentType,
    /// The length that was signed, in bytes.
    pub file_size: u64,
    /// What was said of it.
    pub filename: String,
    /// Where the bytes go.
    pub blob: BlobKey,
    /// When its address stops working.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: UploadState,
}

/// Where an upload stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadState {
    /// No bytes yet.
    Awaiting,
    /// The bytes are there, whole.
    Received {
        /// Their SHA-256.
        file_hash: ContentHash,
    },
    /// /process was called.
    Processed {
        /// The job that came of it.
        job_id: JobId,
    },
}

/// Announces an upload, for a new document or a further version of one.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// Its id.
    pub upload_id: UploadId,
    /// The document's id: a new one, or that of the document which gets a further version.
    pub document_id: DocumentId,
    /// Whether the document is there already.
    pub is_new_document: bool,
    /// What was said of it.
    pub details: DocumentDetails,
    /// The announced type.
    pub content_type: ContentType,
    /// The announced length in bytes.
    pub file_size: u64,
    /// Where the bytes go.
    pub blob: BlobKey,
    /// When its address stops working.
    pub expires_at: Timestamp,
}

/// Which document an accepted file becomes.
#[derive(Debug, Clone)]
pub enum AcceptedAs {
    /// A document that was not there.
    NewDocument {
        /// What was said of it.
        details: DocumentDetails,
        /// Where `ids ingest` found it.
        source: Option<SourcePath>,
    },
    /// A further version of a document that is there.
    FurtherVersion {
        /// The new file's name.
        filename: String,
    },
    /// The bytes of an announced upload.
    Upload(UploadId),
}

/// Everything that one transaction writes when a file is accepted: document, version and job.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// The document, new or there already.
    pub document_id: DocumentId,
    /// Which of the two.
    pub accepted_as: AcceptedAs,
    /// The version it becomes.
    pub version_id: VersionId,
    /// The job that will process it.
    pub job_id: JobId,
    /// Where its bytes lie.
    pub blob: BlobKey,
    /// The type found or announced.
    pub content_type: ContentType,
    /// Bytes that are kept.
    pub file_size: u64,
    /// SHA-256 of the bytes that were sent.
    pub file_hash: ContentHash,
    /// SHA-256 of the bytes that are kept, where these are others: the unprotected copy of a file with a password.
    pub kept_hash: Option<ContentHash>,
}

/// A version as a job sees it: what there is, and how far it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its id.
    pub version_id: VersionId,
    /// Its document.
    pub document_id: DocumentId,
    /// Where its bytes lie; `None` when they were not kept.
    pub blob: Option<BlobKey>,
    /// The file's name.
    pub filename: String,
    /// The type found or announced.
    pub content_type: ContentType,
    /// Bytes.
    pub file_size: u64,
    /// SHA-256 of the bytes that were sent.
    pub file_hash: ContentHash,
    /// The title given by a person, else the file's own once extracted.
    pub title: Option<String>,
    /// How far it got.
    pub stage: VersionStage,
    /// Pages, once extracted.
    pub page_count: Option<u32>,
    /// Chunks, once cut.
    pub chunk_count: u32,
    /// Chunks that have an embedding.
    pub embedded_count: u32,
}

/// How far a version got; each stage is committed as a whole, so a new try goes on after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VersionStage {
    /// Only the bytes are there.
    Accepted,
    /// Its pages are stored.
    Extracted,
    /// Its chunks are stored; embeddings may be missing.
    Chunked,
    /// All embeddings are stored and it is the document's visible version.
    Completed,
}

/// What was removed with a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removed {
    /// Chunks.
    pub chunks: u32,
    /// Embeddings.
    pub embeddings: u32,
    /// Documents that had come in it, at whatever depth.
    pub members: u32,
    /// Bytes to be removed from the blob store now.
    pub blobs: Vec<BlobKey>,
}

/// The title a document is shown with when nobody gave one and the file has none: its name without extension.
pub fn title_from_filename(filename: &str) -> String {
    match filename.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => filename.to_owned(),
    }
}
