//! Documents, their status and analysis.

use std::collections::BTreeMap;

use ids_core::document::{Document, Removed};
use ids_core::id::DocumentId;
use ids_core::library::{AnalysisView, LibraryStats, StatusView};
use ids_core::member::Skipped;
use ids_core::page::NoteKind;
use ids_core::ports::{DocumentList, NearDuplicate};
use serde::Serialize;
use utoipa::ToSchema;

use super::collection::CollectionBody;
use super::error::FailureBody;
use super::time::rfc3339;
use super::{rounded, seconds};

/// A document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentBody {
    /// Its id.
    document_id: String,
    /// Given, else the file's own, else its name without extension.
    title: String,
    /// Given with the upload.
    description: Option<String>,
    /// The file's name, without folders.
    filename: String,
    /// The MIME type found in the content; before that the one announced.
    content_type: String,
    /// Bytes.
    file_size: u64,
    /// SHA-256 of the bytes, in hexadecimal digits; null while they are missing.
    file_hash: Option<String>,
    /// In the order given.
    tags: Vec<String>,
    /// Its collection.
    collection: String,
    /// awaiting_upload, uploaded, extracting, checking_duplicates, chunking, embedding, completed, failed, duplicate or
    /// cancelled.
    #[schema(example = "completed")]
    status: String,
    /// The newest job.
    job_id: Option<String>,
    /// The document with the same text, when the status is duplicate.
    duplicate_of: Option<String>,
    /// The document it came in, an archive or a mail; null for what a person gave.
    parent_id: Option<String>,
    /// Where it lies in that, such as `anexos/contrato.pdf`.
    path: Option<String>,
    /// Why it failed.
    error: Option<FailureBody>,
    /// Pages, once extracted.
    page_count: Option<u32>,
    /// Chunks.
    total_chunks: u32,
    /// When it was announced or accepted (RFC 3339, UTC).
    created_at: String,
    /// When anything of it changed last.
    updated_at: String,
}

impl From<&Document> for DocumentBody {
    fn from(document: &Document) -> Self {
        Self {
            document_id: document.document_id.to_string(),
            title: document.title.clone(),
            description: document.description.clone(),
            filename: document.filename.clone(),
            content_type: document.content_type.to_string(),
            file_size: document.file_size,
            file_hash: document.file_hash.map(|hash| hash.to_string()),
            tags: document.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
            collection: document.collection.to_string(),
            status: document.status.as_str().to_owned(),
            job_id: document.job_id.map(|id| id.to_string()),
            duplicate_of: document.duplicate_of.map(|id| id.to_string()),
            parent_id: document.parent_id.map(|id| id.to_string()),
            path: document.path.clone(),
            error: document.failure.as_ref().map(FailureBody::from),
            page_count: document.page_count,
            total_chunks: document.total_chunks,
            created_at: rfc3339(document.created_at),
            updated_at: rfc3339(document.updated_at),
        }
    }
}

/// A page of documents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentListBody {
    /// The documents asked for.
    documents: Vec<DocumentBody>,
    /// How many there are without limit and offset.
    total: u64,
    /// Whether more come after these.
    has_more: bool,
}

impl DocumentListBody {
    pub(crate) fn new(list: &DocumentList, offset: usize) -> Self {
        let seen = offset as u64 + list.documents.len() as u64;
        Self {
            documents: list.documents.iter().map(DocumentBody::from).collect(),
            total: list.total,
            has_more: seen < list.total,
        }
    }
}

/// Changes what is said of a document; what is absent stays.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::documents::change` reads; a test holds both together"
)]
pub(crate) struct ChangeRequest {
    /// A new title, on one line.
    title: Option<String>,
    /// A new description; an empty one removes it.
    description: Option<String>,
    /// New tags, replacing all.
    tags: Option<Vec<String>>,
}

/// What was removed with a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedBody {
    /// Always true.
    deleted: bool,
    /// Chunks.
    chunks_removed: u32,
    /// Embeddings.
    embeddings_removed: u32,
    /// Documents that had come in it, at whatever depth.
    children_removed: u32,
}

impl From<&Removed> for DeletedBody {
    fn from(removed: &Removed) -> Self {
        Self {
            deleted: true,
            chunks_removed: removed.chunks,
            embeddings_removed: removed.embeddings,
            children_removed: removed.members,
        }
    }
}

/// Where a document stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct StatusBody {
    /// The document's newest job; null while nothing was accepted.
    job_id: Option<String>,
    /// As in a document.
    #[schema(example = "embedding")]
    status: String,
    /// 0 to 100; never falls within an attempt.
    progress: u8,
    /// The status' word with detail.
    current_step: String,
    /// Chunks that are found by meaning.
    chunks_processed: u32,
    /// Chunks.
    total_chunks: u32,
    /// Seconds from acceptance to the end, or to now.
    processing_time: f64,
    /// Whether the temporary object is gone.
    s3_file_deleted: bool,
    /// The document with the same text, when the status is duplicate.
    duplicate_of: Option<String>,
    /// Why it failed.
    error: Option<FailureBody>,
}

impl From<&StatusView> for StatusBody {
    fn from(view: &StatusView) -> Self {
        let document = &view.document;
        Self {
            job_id: view
                .job
                .as_ref()
                .map(|job| job.job_id)
                .or(document.job_id)
                .map(|id| id.to_string()),
            status: document.status.as_str().to_owned(),
            progress: view.progress,
            current_step: view.current_step.clone(),
            chunks_processed: view.chunks_processed,
            total_chunks: view.total_chunks,
            processing_time: seconds(view.processing_time),
            s3_file_deleted: view.temporary_removed,
            duplicate_of: document.duplicate_of.map(|id| id.to_string()),
            error: document.failure.as_ref().map(FailureBody::from),
        }
    }
}

impl StatusBody {
    /// Whether something happened between `earlier` and this; that time went by is nothing.
    pub(crate) fn differs_from(&self, earlier: &Self) -> bool {
        Self {
            processing_time: 0.0,
            ..self.clone()
        } != Self {
            processing_time: 0.0,
            ..earlier.clone()
        }
    }
}

/// What extraction had to say of a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnalysisBody {
    /// The document.
    document_id: String,
    /// Its author, as the file says.
    author: Option<String>,
    /// What its text is written in: pt, en, other or mixed (both); null where too little says so.
    #[schema(example = "pt")]
    language: Option<String>,
    /// When it was made, as the file says: RFC 3339, or without the parts that the file does not tell.
    #[schema(example = "2021-04-01T09:30:00-03:00")]
    file_created_at: Option<String>,
    /// When it was changed last, as the file says.
    file_modified_at: Option<String>,
    /// Pages, once extracted.
    page_count: Option<u32>,
    /// Chunks.
    total_chunks: u32,
    /// Characters of all pages.
    characters: u64,
    /// Whether a page has no text of its own and could not be read as a picture.
    needs_ocr: bool,
    /// What did not go as it should.
    notes: Vec<NoteBody>,
    /// The documents that came in it (files of an archive, attachments of a mail), by file name; the first 1000.
    children: Vec<ChildBody>,
    /// How many came in it.
    total_children: u64,
    /// What lies in it and is no document, with the reason.
    skipped: Vec<SkippedBody>,
    /// Documents with nearly the same text, the nearest first; at most 20.
    near_duplicates: Vec<NearDuplicateBody>,
    /// Why it failed.
    error: Option<FailureBody>,
}

/// A document that came in another one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChildBody {
    /// The document.
    document_id: String,
    /// Where it lies in the other.
    path: String,
    /// Its title.
    title: String,
    /// As in a document.
    status: String,
    /// Why it failed.
    error: Option<FailureBody>,
}

/// What lies in a document and is none of its own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SkippedBody {
    /// Where it lies.
    path: String,
    /// encrypted, corrupt, empty, too_large, expands_too_far, too_many, too_deep, unsupported_type or ignored.
    #[schema(example = "encrypted")]
    reason: String,
    /// For people.
    text: String,
}

/// A document with nearly the same text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NearDuplicateBody {
    /// The document.
    document_id: String,
    /// Its title.
    title: String,
    /// The estimated share of what both texts say that both say alike, 0.5 to 1.
    similarity: f64,
}

/// Something that did not go as it should.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoteBody {
    /// The page, from 1; null for the whole document.
    page: Option<u32>,
    /// needs_ocr, broken_page, truncated or other.
    kind: String,
    /// For people.
    text: String,
}

impl AnalysisBody {
    pub(crate) fn new(document_id: DocumentId, view: &AnalysisView) -> Self {
        let record = &view.analysis;
        let fact = |kind| record.fact(kind).map(str::to_owned);
        let skipped = record.notes.iter().filter_map(Skipped::from_note);
        let others = record.remarks().filter(|note| note.kind != NoteKind::Skipped);
        let notes = others.map(|note| NoteBody {
            page: note.page_number,
            kind: note.kind.as_str().to_owned(),
            text: note.text.clone(),
        });
        Self {
            document_id: document_id.to_string(),
            author: record.author.clone(),
            language: fact(NoteKind::Language),
            file_created_at: fact(NoteKind::Created),
            file_modified_at: fact(NoteKind::Modified),
            page_count: record.page_count,
            total_chunks: record.total_chunks,
            characters: record.characters,
            needs_ocr: record.notes.iter().any(|note| note.kind == NoteKind::NeedsOcr),
            notes: notes.collect(),
            children: view.children.documents.iter().map(ChildBody::from).collect(),
            total_children: view.children.total,
            skipped: skipped.map(SkippedBody::from).collect(),
            near_duplicates: view.near_duplicates.iter().map(NearDuplicateBody::from).collect(),
            error: record.failure.as_ref().map(FailureBody::from),
        }
    }
}

impl From<&Document> for ChildBody {
    fn from(document: &Document) -> Self {
        Self {
            document_id: document.document_id.to_string(),
            path: document.path.clone().unwrap_or_default(),
            title: document.title.clone(),
            status: document.status.as_str().to_owned(),
            error: document.failure.as_ref().map(FailureBody::from),
        }
    }
}

impl From<Skipped> for SkippedBody {
    fn from(skipped: Skipped) -> Self {
        Self {
            text: format!("`{}` was {}", skipped.path, skipped.reason.explained()),
            reason: skipped.reason.as_str().to_owned(),
            path: skipped.path,
        }
    }
}

impl From<&NearDuplicate> for NearDuplicateBody {
    fn from(near: &NearDuplicate) -> Self {
        Self {
            document_id: near.document_id.to_string(),
            title: near.title.clone(),
            similarity: rounded(near.similarity),
        }
    }
}

/// How much there is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsBody {
    /// Documents, whatever their status.
    total_documents: u64,
    /// Documents by status; those without any are left out.
    documents: BTreeMap<String, u64>,
    /// Pages that can be searched.
    total_pages: u64,
    /// Chunks that can be searched.
    total_chunks: u64,
    /// Chunks that are found by meaning.
    total_embeddings: u64,
    /// Bytes of the files.
    total_bytes: u64,
    /// The collections.
    collections: Vec<CollectionBody>,
}

impl From<&LibraryStats> for StatsBody {
    fn from(stats: &LibraryStats) -> Self {
        let counts = &stats.counts;
        Self {
            total_documents: counts.documents.iter().map(|(_, number)| number).sum(),
            documents: counts
                .documents
                .iter()
                .map(|(status, n)| (status.as_str().to_owned(), *n))
                .collect(),
            total_pages: counts.pages,
            total_chunks: counts.chunks,
            total_embeddings: counts.embeddings,
            total_bytes: counts.bytes,
            collections: stats.collections.iter().map(CollectionBody::from).collect(),
        }
    }
}

/// Whether documents can be worked with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentsHealthBody {
    /// healthy; else the reply is an error.
    #[schema(example = "healthy")]
    status: &'static str,
    /// Documents.
    total_documents: u64,
    /// Chunks that can be searched.
    total_chunks: u64,
    /// When it was asked.
    timestamp: String,
}

impl DocumentsHealthBody {
    pub(crate) fn new(stats: &LibraryStats, timestamp: String) -> Self {
        Self {
            status: "healthy",
            total_documents: stats.counts.documents.iter().map(|(_, number)| number).sum(),
            total_chunks: stats.counts.chunks,
            timestamp,
        }
    }
}
