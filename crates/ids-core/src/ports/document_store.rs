//! Documents, their pages, uploads and collections.

use async_trait::async_trait;

use crate::document::{
    BlobKey, ContentHash, ContentType, Document, DocumentChange, DocumentStatus, NewUpload, Removed,
    SourcePath, Upload,
};
use crate::error::{Failure, StoreError};
use crate::id::{DocumentId, OrganizationId, UploadId};
use crate::job::{Job, Lease};
use crate::member::Family;
use crate::page::{ExtractedDocument, ExtractionNote, NoteKind, Page, Signature};
use crate::scope::{CollectionName, Scope, Tag};
use crate::time::Timestamp;

/// Keeps documents.
///
/// Clauses: (1) what is announced or accepted is found by its id, in its scope only: another organization's or a
/// collection that may not be seen is as if it were not there; (2) `list_documents` pages through everything once, in
/// the order asked, ties by id; (3) `change_document` changes only what is given; (4) `delete_document` removes document,
/// versions, pages, chunks, embeddings and jobs together and names the bytes left; a second call is `NotFound`;
/// (5) `save_extraction` is idempotent and takes the lease; (6) pages are those of the visible version, before there is one
/// those of the version being made; (7) an upload's bytes are received once; (8) `list_expired_uploads` names uploads whose
/// time ended before a moment and that were never processed; `delete_upload` removes them with the document they announced, if nothing else made it;
/// (9) a source path names at most one document of a collection; (10) `list_unknown_blobs` names only what nothing refers to, and no bytes of a version
/// that is being made ([`BlobKey::version`]);
/// (11) a collection is made once, listed empty too, and removed only when it is empty; (12) `list_sources` names what came from below a folder, each
/// once, in the order of the paths' bytes, and `move_source` gives a document another path and file name and touches nothing else of it;
/// (13) what came in a document is listed by it, goes
/// with it, however deep it lies, and `find_family` counts it; what no longer comes in a further version goes when that one's extraction is saved;
/// (14) `list_near_duplicates` names the documents in scope whose visible text is nearly that of a document, best first, itself never.
#[async_trait]
pub trait DocumentStore: Send + Sync {
    /// Announces an upload, and its document when that is new; makes the collection where there is none.
    ///
    /// # Errors
    /// `NotFound` for a further version of what is not there, or when the organization is gone; `Full`, `Unavailable`.
    async fn create_upload(&self, scope: &Scope, upload: &NewUpload) -> Result<Document, StoreError>;

    /// An upload, by its id.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find_upload(&self, scope: &Scope, upload_id: UploadId) -> Result<Option<Upload>, StoreError>;

    /// Notes that an upload's bytes are there, whole, at `blob`, which becomes the upload's from then on. Each try to send them has a
    /// key of its own, so that one that was cut short between bytes and note stands in nobody's way.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when they were there already; `Unavailable`.
    async fn mark_received(
        &self,
        scope: &Scope,
        upload_id: UploadId,
        blob: &BlobKey,
        file_hash: ContentHash,
    ) -> Result<(), StoreError>;

    /// Uploads whose time ended at `before` or earlier and that were never processed, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_expired_uploads(
        &self,
        scope: &Scope,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError>;

    /// Removes an upload that was never processed, and the document it announced if nothing else made it.
    ///
    /// # Errors
    /// `Conflict` when it was processed meanwhile; `Unavailable`. Not being there is no error.
    async fn delete_upload(&self, scope: &Scope, upload_id: UploadId) -> Result<(), StoreError>;

    /// A document.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find_document(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<Document>, StoreError>;

    /// The document that came from a path, with the hash of its newest accepted version.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find_source(
        &self,
        scope: &Scope,
        collection: &CollectionName,
        source: &SourcePath,
    ) -> Result<Option<SourceRecord>, StoreError>;

    /// The documents of a collection that came from below a folder, in the order of the bytes of their paths: at most `limit` after `after`.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_sources(
        &self,
        scope: &Scope,
        collection: &CollectionName,
        folder: &SourcePath,
        after: Option<&SourcePath>,
        limit: usize,
    ) -> Result<Vec<SourceFile>, StoreError>;

    /// Notes that the file a document came from has another path and name now.
    ///
    /// # Errors
    /// `NotFound` also where the document came from no path; `Conflict` where another of the collection came from that path; `Unavailable`.
    async fn move_source(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        source: &SourcePath,
        filename: &str,
    ) -> Result<(), StoreError>;

    /// Everything the status API shows.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find_status(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<StatusRecord>, StoreError>;

    /// A page of documents.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_documents(&self, scope: &Scope, query: &DocumentQuery) -> Result<DocumentList, StoreError>;

    /// Changes what is given.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn change_document(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        change: &DocumentChange,
    ) -> Result<Document, StoreError>;

    /// Removes a document and all that hangs on it.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn delete_document(&self, scope: &Scope, document_id: DocumentId) -> Result<Removed, StoreError>;

    /// Stores pages and notes of the version being made, its own title, type, the hash of its normalized text and its signature. Documents that
    /// had come in an older version and did not come in this one are removed.
    ///
    /// # Errors
    /// `LeaseLost`, `Full`, `Unavailable`.
    async fn save_extraction(
        &self,
        lease: &Lease,
        extracted: &ExtractedDocument,
        text_hash: ContentHash,
    ) -> Result<Removed, StoreError>;

    /// Another document of the same collection whose visible version has the same text.
    ///
    /// # Errors
    /// `LeaseLost`, `Unavailable`.
    async fn find_duplicate(&self, lease: &Lease) -> Result<Option<DocumentId>, StoreError>;

    /// Where the document being made stands among those it came in.
    ///
    /// # Errors
    /// `LeaseLost`, `Unavailable`.
    async fn find_family(&self, lease: &Lease) -> Result<Family, StoreError>;

    /// The documents in scope whose visible text is nearly that of a document's (as shown), at most
    /// [`NEAR_DUPLICATES`](crate::limits::NEAR_DUPLICATES), the nearest first. Empty for what has no signature.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn list_near_duplicates(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Vec<NearDuplicate>, StoreError>;

    /// All pages of the version being made, in order.
    ///
    /// # Errors
    /// `LeaseLost`, `Corrupt`, `Unavailable`.
    async fn load_pages(&self, lease: &Lease) -> Result<Vec<Page>, StoreError>;

    /// One page of a document, and how many there are.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn find_page(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        page_number: u32,
    ) -> Result<Option<(Page, u32)>, StoreError>;

    /// The chunks of a document's visible version, in order.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt`, `Unavailable`.
    async fn list_chunks(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        limit: usize,
        offset: usize,
    ) -> Result<ChunkPage, StoreError>;

    /// What extraction had to say of a document; `None` when there is no such document.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn find_analysis(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<AnalysisRecord>, StoreError>;

    /// Where the bytes of a document's visible version lie (of the one being made, before there is one), with the file's
    /// name and type; `None` when there is no such document or its bytes were not kept.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find_original(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<(BlobKey, String, ContentType)>, StoreError>;

    /// Those of `keys` that no upload and no version of the organization names: left behind by a crash.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_unknown_blobs(&self, scope: &Scope, keys: &[BlobKey]) -> Result<Vec<BlobKey>, StoreError>;

    /// The collections that may be seen, by name.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_collections(&self, scope: &Scope) -> Result<Vec<CollectionSummary>, StoreError>;

    /// Makes a collection; being there already is no error.
    ///
    /// # Errors
    /// `NotFound` when a collection of that name may not be seen, or the organization is gone; `Full`, `Unavailable`.
    async fn ensure_collection(&self, scope: &Scope, name: &CollectionName) -> Result<(), StoreError>;

    /// Removes a collection without documents.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when documents are in it; `Unavailable`.
    async fn delete_collection(&self, scope: &Scope, name: &CollectionName) -> Result<(), StoreError>;

    /// How much there is in scope.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn library_counts(&self, scope: &Scope) -> Result<LibraryCounts, StoreError>;

    /// All organizations: one of the two reads that come before an organization is known (design.md 2).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_organizations(&self) -> Result<Vec<OrganizationId>, StoreError>;

    /// Does something small in the store, for /health.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// Which documents, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentQuery {
    /// Part of the title or file name, case and accents ignored.
    pub search: Option<String>,
    /// All of these.
    pub tags: Vec<Tag>,
    /// Only this status.
    pub status: Option<DocumentStatus>,
    /// Only this collection.
    pub collection: Option<CollectionName>,
    /// Only what came in this document.
    pub parent_id: Option<DocumentId>,
    /// Rows at most.
    pub limit: usize,
    /// Rows to pass over.
    pub offset: usize,
    /// By what.
    pub order: DocumentOrder,
    /// The other way round.
    pub descending: bool,
}

impl DocumentQuery {
    /// The first `limit` of all documents, in that order.
    pub const fn first(limit: usize, order: DocumentOrder) -> Self {
        Self {
            search: None,
            tags: Vec::new(),
            status: None,
            collection: None,
            parent_id: None,
            limit,
            offset: 0,
            order,
            descending: false,
        }
    }
}

/// What a list of documents is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentOrder {
    /// When it came.
    CreatedAt,
    /// When it changed last.
    UpdatedAt,
    /// Its title.
    Title,
    /// Its file's name.
    Filename,
    /// Its bytes.
    FileSize,
    /// Where it stands.
    Status,
}

/// A page of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentList {
    /// The rows asked for.
    pub documents: Vec<Document>,
    /// How many there are without limit and offset.
    pub total: u64,
}

/// A document known by where its file came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRecord {
    /// The document.
    pub document_id: DocumentId,
    /// The bytes last accepted.
    pub file_hash: ContentHash,
    /// Where it stands.
    pub status: DocumentStatus,
}

/// A file that is a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it lies.
    pub source: SourcePath,
    /// The document.
    pub document_id: DocumentId,
    /// The bytes last accepted.
    pub file_hash: ContentHash,
    /// How many they are.
    pub file_size: u64,
}

/// What the status API shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRecord {
    /// The document.
    pub document: Document,
    /// Its newest job.
    pub job: Option<Job>,
    /// Chunks whose embeddings are stored, of the version being made or else the visible one.
    pub chunks_processed: u32,
    /// Chunks of that version.
    pub total_chunks: u32,
    /// Whether the temporary object is gone.
    pub temporary_removed: bool,
}

/// A page of chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkPage {
    /// The chunks asked for.
    pub chunks: Vec<crate::chunk::ChunkDetail>,
    /// How many there are.
    pub total: u64,
}

/// What extraction had to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalysisRecord {
    /// Its author, as the file says.
    pub author: Option<String>,
    /// Pages.
    pub page_count: Option<u32>,
    /// Chunks.
    pub total_chunks: u32,
    /// Characters of all pages.
    pub characters: u64,
    /// What did not go as it should, and the facts that extraction found.
    pub notes: Vec<ExtractionNote>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

impl AnalysisRecord {
    /// A fact of the document, where it is known.
    pub fn fact(&self, kind: NoteKind) -> Option<&str> {
        self.notes
            .iter()
            .find(|note| note.kind == kind)
            .map(|note| note.text.as_str())
    }

    /// What did not go as it should.
    pub fn remarks(&self) -> impl Iterator<Item = &ExtractionNote> {
        self.notes.iter().filter(|note| !note.kind.is_fact())
    }
}

/// A document whose text is nearly that of another.
#[derive(Debug, Clone, PartialEq)]
pub struct NearDuplicate {
    /// The document.
    pub document_id: DocumentId,
    /// Its title.
    pub title: String,
    /// The estimated resemblance, up to 1.
    pub similarity: f32,
}

impl NearDuplicate {
    /// Those of `candidates` (document, title, signature) that are near enough to `signature`, the nearest first, at most
    /// [`NEAR_DUPLICATES`](crate::limits::NEAR_DUPLICATES). The same in every store.
    pub fn nearest(signature: &Signature, candidates: Vec<(DocumentId, String, Signature)>) -> Vec<Self> {
        let mut near: Vec<Self> = candidates
            .into_iter()
            .map(|(document_id, title, own)| Self {
                document_id,
                title,
                similarity: signature.similarity(&own),
            })
            .filter(|it| it.similarity >= crate::limits::NEAR_DUPLICATE_SIMILARITY)
            .collect();
        near.sort_by(|a, b| {
            let by_title = || (&a.title, a.document_id.as_uuid()).cmp(&(&b.title, b.document_id.as_uuid()));
            b.similarity.total_cmp(&a.similarity).then_with(by_title)
        });
        near.truncate(crate::limits::NEAR_DUPLICATES);
        near
    }
}

/// A collection and how much is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionSummary {
    /// Its name.
    pub name: CollectionName,
    /// Documents in it.
    pub documents: u64,
}

/// How much there is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LibraryCounts {
    /// Documents by status; statuses without any are left out.
    pub documents: Vec<(DocumentStatus, u64)>,
    /// Pages of visible versions.
    pub pages: u64,
    /// Visible chunks.
    pub chunks: u64,
    /// Embeddings of visible chunks.
    pub embeddings: u64,
    /// Bytes of visible versions.
    pub bytes: u64,
}
