//! The stores under test, with short ways to put documents into them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ids_core::access::OrganizationName;
use ids_core::chunk::NewChunk;
use ids_core::document::{
    Acceptance, AcceptedAs, BlobKey, ContentHash, ContentType, DocumentDetails, NewUpload, SourcePath,
};
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::id::{ChunkId, DocumentId, JobId, OrganizationId, UploadId, VersionId};
use ids_core::job::Lease;
use ids_core::page::{Block, BlockKind, ExtractedDocument, Page};
use ids_core::ports::{
    Accepted, BackupRegistry, ChunkIndex, ClaimedJob, CleanupStore, Clock, DocumentStore, Ids, JobQueue,
    JobStore, LibraryArchive, OrganizationStore, Replaced, SessionStore, UsageLedger, WeightedTerm,
    WorkerRegistry,
};
use ids_core::scope::{CollectionAccess, CollectionName, Scope, Tag};
use ids_core::span::{CharSpan, PageSpan};
use ids_text::Term;
use ids_text::term::Kind;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::ManualClock;
use crate::ids::SequentialIds;

/// Empty stores of one test, which belong together: what one writes the others see.
pub struct Stores {
    /// Documents.
    pub documents: Arc<dyn DocumentStore>,
    /// Chunks.
    pub chunks: Arc<dyn ChunkIndex>,
    /// Jobs.
    pub jobs: Arc<dyn JobStore>,
    /// Deliveries.
    pub queue: Arc<dyn JobQueue>,
    /// Conversations.
    pub sessions: Arc<dyn SessionStore>,
    /// What answers cost.
    pub ledger: Arc<dyn UsageLedger>,
    /// Organizations and keys.
    pub organizations: Arc<dyn OrganizationStore>,
    /// Cleanups.
    pub cleanups: Arc<dyn CleanupStore>,
    /// Who works.
    pub workers: Arc<dyn WorkerRegistry>,
    /// Which backups were made.
    pub backups: Arc<dyn BackupRegistry>,
    /// All of it, record by record.
    pub archive: Arc<dyn LibraryArchive>,
    /// The clock they read.
    pub clock: Arc<ManualClock>,
    /// Ids for what is put in.
    pub ids: Arc<SequentialIds>,
    /// What must live as long as the stores: a temporary folder, a container.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// What a document is made of, for [`Stores::accept`] and those built on it.
#[derive(Debug, Clone)]
pub struct NewDocument {
    /// The file's name; its bytes are said to be those of this text, unless `file_hash` is set.
    pub filename: String,
    /// The given title.
    pub title: Option<String>,
    /// Its collection.
    pub collection: CollectionName,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Its type.
    pub content_type: ContentType,
    /// Where it was ingested from.
    pub source: Option<SourcePath>,
    /// The hash of its bytes.
    pub file_hash: Option<ContentHash>,
}

impl NewDocument {
    /// A plain text file in the collection `default`.
    pub fn named(filename: &str) -> Self {
        Self {
            filename: filename.to_owned(),
            title: None,
            collection: CollectionName::default(),
            tags: Vec::new(),
            content_type: content_type(ContentType::TEXT),
            source: None,
            file_hash: None,
        }
    }

    /// The same in another collection.
    #[must_use]
    pub fn in_collection(mut self, name: &str) -> Self {
        self.collection = collection(name);
        self
    }

    /// The same with tags.
    #[must_use]
    pub fn tagged(mut self, tags: &[&str]) -> Self {
        self.tags = tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect();
        self
    }

    /// The same with another type.
    #[must_use]
    pub fn of_type(mut self, kind: &str) -> Self {
        self.content_type = content_type(kind);
        self
    }

    /// The same from a path.
    #[must_use]
    pub fn from_path(mut self, path: &str) -> Self {
        self.source = Some(SourcePath(path.to_owned()));
        self
    }

    /// The same with bytes of that hash: 32 times `byte`.
    #[must_use]
    pub fn with_hash(mut self, byte: u8) -> Self {
        self.file_hash = Some(ContentHash::from_bytes([byte; 32]));
        self
    }

    /// What is said of it.
    pub fn details(&self) -> DocumentDetails {
        DocumentDetails {
            title: self.title.clone(),
            description: None,
            tags: self.tags.clone(),
            collection: self.collection.clone(),
            filename: self.filename.clone(),
        }
    }
}

/// A document whose chunks are stored, with the lease its worker still holds.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The document.
    pub document_id: DocumentId,
    /// The right to go on.
    pub lease: Lease,
}

impl Stores {
    /// The whole default organization.
    pub fn scope() -> Scope {
        Scope::organization(OrganizationId::DEFAULT)
    }

    /// The whole of another organization, which [`Stores::other_organization`] makes.
    pub fn other_scope() -> Scope {
        Scope::organization(OrganizationId::from_uuid(Uuid::from_u128(0xBEEF)))
    }

    /// The whole of another organization, made where it is not there.
    pub async fn other_organization(&self) -> Scope {
        let scope = Self::other_scope();
        if self
            .organizations
            .find_organization(&scope)
            .await
            .unwrap()
            .is_none()
        {
            let name = OrganizationName::parse("Outra câmara").unwrap();
            self.organizations
                .create_organization(scope.organization, &name)
                .await
                .unwrap();
        }
        scope
    }

    /// Some collections of the default organization.
    pub fn scope_of(collections: &[&str]) -> Scope {
        let names = collections.iter().map(|name| collection(name)).collect();
        Scope {
            collections: CollectionAccess::Only(names),
            ..Self::scope()
        }
    }

    /// A new document id.
    pub fn document_id(&self) -> DocumentId {
        DocumentId::from_uuid(self.ids.next())
    }

    /// An acceptance with new ids.
    pub fn acceptance(
        &self,
        document: &NewDocument,
        document_id: DocumentId,
        accepted_as: AcceptedAs,
    ) -> Acceptance {
        let version_id = VersionId::from_uuid(self.ids.next());
        Acceptance {
            document_id,
            accepted_as,
            version_id,
            job_id: JobId::from_uuid(self.ids.next()),
            blob: BlobKey(format!("temp/{version_id}")),
            content_type: document.content_type.clone(),
            file_size: document.filename.len() as u64,
            file_hash: document.file_hash.unwrap_or_else(|| hash_of(&document.filename)),
            kept_hash: None,
        }
    }

    /// Accepts a new document.
    pub async fn accept(&self, scope: &Scope, document: &NewDocument) -> Accepted {
        let accepted_as = AcceptedAs::NewDocument {
            details: document.details(),
            source: document.source.clone(),
        };
        let acceptance = self.acceptance(document, self.document_id(), accepted_as);
        self.jobs
            .accept(scope, &acceptance)
            .await
            .expect("a new document is accepted")
    }

    /// Accepts a further version of a document.
    pub async fn accept_version(&self, scope: &Scope, document_id: DocumentId, filename: &str) -> Accepted {
        let accepted_as = AcceptedAs::FurtherVersion {
            filename: filename.to_owned(),
        };
        let acceptance = self.acceptance(&NewDocument::named(filename), document_id, accepted_as);
        self.jobs
            .accept(scope, &acceptance)
            .await
            .expect("a further version is accepted")
    }

    /// Claims the job, which must be free and due.
    pub async fn claim(&self, accepted: &Accepted) -> ClaimedJob {
        self.jobs
            .claim(&accepted.job, "worker")
            .await
            .unwrap()
            .expect("the job is free and due")
    }

    /// Announces an upload of a new document, open for an hour.
    pub fn upload(&self, document: &NewDocument) -> NewUpload {
        let upload_id = UploadId::from_uuid(self.ids.next());
        NewUpload {
            upload_id,
            document_id: self.document_id(),
            is_new_document: true,
            details: document.details(),
            content_type: document.content_type.clone(),
            file_size: document.filename.len() as u64,
            blob: BlobKey(format!("temp/{upload_id}")),
            expires_at: self.clock.now().plus(Duration::from_secs(3_600)),
        }
    }

    /// Takes a claimed job up to its stored chunks, one a text.
    pub async fn prepare(&self, claimed: &ClaimedJob, texts: &[&str]) -> Prepared {
        let chunks: Vec<NewChunk> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| chunk(index, text))
            .collect();
        self.prepare_chunks(claimed, &chunks).await
    }

    /// Takes a claimed job up to its stored chunks.
    pub async fn prepare_chunks(&self, claimed: &ClaimedJob, chunks: &[NewChunk]) -> Prepared {
        let lease = claimed.lease.clone();
        let text: String = chunks.iter().map(|chunk| chunk.content.as_str()).collect();
        // Equal chunks in two documents are no duplicates in these tests, unless a test says so itself.
        let text_hash = hash_of(&format!("{} {text}", lease.version_id));
        self.documents
            .save_extraction(&lease, &extracted(&["page one", "page two"]), text_hash)
            .await
            .unwrap();
        let replaced = self.chunks.replace(&lease, chunks).await.unwrap();
        assert_eq!(replaced, Replaced::Stored);
        Prepared {
            document_id: lease.document_id,
            lease,
        }
    }

    /// A new document found by its words, one chunk a text.
    pub async fn prepared(&self, scope: &Scope, document: &NewDocument, texts: &[&str]) -> Prepared {
        let accepted = self.accept(scope, document).await;
        let claimed = self.claim(&accepted).await;
        self.prepare(&claimed, texts).await
    }

    /// Stores vectors for the chunks from 0 on.
    pub async fn embed(&self, prepared: &Prepared, vectors: &[Embedding]) {
        let vectors: Vec<(u32, Embedding)> = (0..).zip(vectors.iter().cloned()).collect();
        self.chunks
            .store_embeddings(&prepared.lease, &model(), &vectors)
            .await
            .unwrap();
    }

    /// A new completed document without vectors.
    pub async fn completed(&self, scope: &Scope, document: &NewDocument, texts: &[&str]) -> DocumentId {
        let prepared = self.prepared(scope, document, texts).await;
        self.jobs.complete(&prepared.lease, None).await.unwrap();
        prepared.document_id
    }

    /// The contents of the chunks that hold a word, sorted.
    pub async fn found_by_word(&self, scope: &Scope, word: &str) -> Vec<String> {
        let terms = [weighted(word, 1)];
        let found = self
            .chunks
            .lexical_candidates(scope, &ids_core::chunk::Filter::default(), &terms)
            .await
            .unwrap();
        self.contents(scope, &found).await
    }

    /// The contents of chunks, sorted.
    pub async fn contents(&self, scope: &Scope, chunk_ids: &[ChunkId]) -> Vec<String> {
        let details = self.chunks.load_details(scope, chunk_ids).await.unwrap();
        let mut contents: Vec<String> = details.into_iter().map(|detail| detail.content).collect();
        contents.sort_unstable();
        contents
    }
}

/// A collection's name.
pub fn collection(name: &str) -> CollectionName {
    CollectionName::parse(name).unwrap()
}

/// A MIME type.
pub fn content_type(text: &str) -> ContentType {
    ContentType::parse(text).unwrap()
}

/// The SHA-256 of a text.
pub fn hash_of(text: &str) -> ContentHash {
    ContentHash::from_bytes(Sha256::digest(text.as_bytes()).into())
}

/// The index term of a word, taken as it is.
pub fn term(word: &str) -> Term {
    Term::encode(Kind::Exact, word)
}

/// A query term.
pub fn weighted(word: &str, weight: u64) -> WeightedTerm {
    WeightedTerm {
        term: term(word),
        weight,
    }
}

/// A chunk of a text: each of its words is a term.
pub fn chunk(index: usize, text: &str) -> NewChunk {
    let mut terms: BTreeMap<Term, u32> = BTreeMap::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        *terms.entry(term(word)).or_default() += 1;
        length += 1;
    }
    let end = text.chars().count() as u32;
    NewChunk {
        chunk_index: index as u32,
        content: text.to_owned(),
        heading: None,
        spans: vec![PageSpan {
            page_number: 1,
            span: CharSpan::new(0, end),
        }],
        terms: terms.into_iter().collect(),
        length,
    }
}

/// A document of these pages, each one paragraph.
pub fn extracted(pages: &[&str]) -> ExtractedDocument {
    let pages = (1..)
        .zip(pages)
        .map(|(number, text)| Page {
            number,
            text: (*text).to_owned(),
            blocks: vec![Block {
                kind: BlockKind::Paragraph,
                span: CharSpan::new(0, text.chars().count() as u32),
            }],
            ..Page::default()
        })
        .collect();
    ExtractedDocument {
        pages,
        ..ExtractedDocument::default()
    }
}

/// The model of the vectors made by [`direction`].
pub fn model() -> EmbeddingModel {
    EmbeddingModel {
        name: "test-2d".to_owned(),
        dimensions: 2,
    }
}

/// The unit vector of an angle in degrees: the inner product of two falls as their angle grows.
pub fn direction(degrees: f32) -> Embedding {
    let radians = degrees.to_radians();
    Embedding::from_f32(&[radians.cos(), radians.sin()])
}
