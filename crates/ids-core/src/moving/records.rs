//! What is moved, as it is stored: nothing is derived, nothing is left to be made again.

use crate::access::{ApiKey, KeyHash};
use crate::budget::{Currency, Money, UsageKind};
use crate::chunk::NewChunk;
use crate::document::{BlobKey, ContentHash, ContentType, Document, SourcePath, VersionStage};
use crate::embedding::{Embedding, EmbeddingModel};
use crate::id::{ChunkId, DocumentId, KeyId, SessionId, VersionId};
use crate::job::Job;
use crate::page::{ExtractionNote, Page};
use crate::scope::CollectionAccess;
use crate::session::{Message, Session};
use crate::time::Timestamp;
use ids_text::minhash::Signature;

/// A document as a list of all of them names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedDocument {
    /// The document.
    pub document_id: DocumentId,
    /// Whether it can be moved.
    pub state: StoredState,
    /// When anything of it changed last: by it a list tells that a library was used meanwhile.
    pub updated_at: Timestamp,
}

/// Whether a document can be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredState {
    /// Nothing more will happen to it by itself.
    Settled,
    /// A job of it waits or runs.
    Unfinished,
    /// Its bytes, or the word to process them, never came.
    Announced,
}

/// A document with everything that hangs on it.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentRecord {
    /// As it is shown.
    pub document: Document,
    /// Where `ids ingest` found it.
    pub source: Option<SourcePath>,
    /// The version of its parent that it came in last; `None` for what a person gave.
    pub parent_version: Option<VersionId>,
    /// The title that a person gave; `None` when the one shown is the file's own.
    pub title_given: Option<String>,
    /// Its versions, oldest first.
    pub versions: Vec<VersionRecord>,
    /// The one that is searched.
    pub visible: Option<VersionId>,
    /// The one accepted last.
    pub newest: Option<VersionId>,
    /// Its jobs that have ended, oldest first.
    pub jobs: Vec<Job>,
}

/// One state of a document's content.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionRecord {
    /// Its id.
    pub version_id: VersionId,
    /// Where its bytes lie; `None` when they were not kept.
    pub blob: Option<BlobKey>,
    /// The file's name.
    pub filename: String,
    /// The type found or announced.
    pub content_type: ContentType,
    /// Bytes that are kept.
    pub file_size: u64,
    /// SHA-256 of the bytes that were sent.
    pub file_hash: ContentHash,
    /// SHA-256 of the bytes that are kept, where these are others: the unprotected copy of a file with a password.
    pub kept_hash: Option<ContentHash>,
    /// The file's own title.
    pub title_own: Option<String>,
    /// Its author, as the file says.
    pub author: Option<String>,
    /// Hash of its normalized text.
    pub text_hash: Option<ContentHash>,
    /// By what nearly equal texts are found.
    pub signature: Option<Signature>,
    /// How far it got.
    pub stage: VersionStage,
    /// Pages, once extracted.
    pub page_count: Option<u32>,
    /// Characters of all pages, once extracted.
    pub characters: Option<u64>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// Its pages, in order.
    pub pages: Vec<Page>,
    /// What extraction had to say.
    pub notes: Vec<ExtractionNote>,
    /// The id of its first chunk in the store it was read from; the others follow. Storing it elsewhere gives others.
    pub first_chunk: Option<ChunkId>,
    /// Its chunks, by index, without gaps.
    pub chunks: Vec<NewChunk>,
    /// Their embeddings, by model's name and dimensions.
    pub embeddings: Vec<ModelEmbeddings>,
}

/// The embeddings of a version's chunks by one model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelEmbeddings {
    /// The model.
    pub model: EmbeddingModel,
    /// By chunk index.
    pub vectors: Vec<(u32, Embedding)>,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRecord {
    /// As it is shown.
    pub session: Session,
    /// What it is of.
    pub collections: CollectionAccess,
    /// All its messages, in order.
    pub messages: Vec<Message>,
}

/// A key, which goes on opening what it opened: the secret itself is stored nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// As it is shown.
    pub key: ApiKey,
    /// The hash of its secret.
    pub hash: KeyHash,
}

/// One question that was answered, or one other call of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRecord {
    /// What it was for.
    pub kind: UsageKind,
    /// The key it was asked with.
    pub key_id: Option<KeyId>,
    /// The model; `None` for an extractive answer.
    pub model: Option<String>,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// When.
    pub answered_at: Timestamp,
    /// The conversation.
    pub session_id: Option<SessionId>,
    /// What it cost, and the first moment of the month it counts in; `None` for what cost nothing, and of before there were prices.
    pub cost: Option<CostRecord>,
    /// The documents whose passages a model read, in the order in which they share what it used.
    pub documents: Vec<DocumentId>,
}

/// What one answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostRecord {
    /// The amount.
    pub amount: Money,
    /// Of what.
    pub currency: Currency,
    /// The first moment of the month it counts in.
    pub month_from: Timestamp,
    /// Whether the model's price was known.
    pub is_price_known: bool,
    /// Whether the model did not tell its tokens.
    pub is_estimated: bool,
}

impl VersionRecord {
    /// SHA-256 of the bytes that lie at `blob`.
    pub fn bytes_hash(&self) -> ContentHash {
        self.kept_hash.unwrap_or(self.file_hash)
    }

    /// Chunks that have an embedding, by whichever model.
    pub fn embedded_count(&self) -> u32 {
        let mut embedded: Vec<u32> = self
            .embeddings
            .iter()
            .flat_map(|by_model| by_model.vectors.iter().map(|(index, _)| *index))
            .collect();
        embedded.sort_unstable();
        embedded.dedup();
        u32::try_from(embedded.len()).unwrap_or(u32::MAX)
    }

    /// Whether it is what a store can hold: chunks numbered from 0, embeddings of these and as long as their model says.
    pub fn is_sound(&self) -> bool {
        let chunks = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
        let in_order = (0..).zip(&self.chunks).all(|(at, chunk)| chunk.chunk_index == at);
        in_order
            && self.embeddings.iter().all(|by_model| {
                let fits = |(index, vector): &(u32, Embedding)| {
                    *index < chunks && vector.dimensions() == by_model.model.dimensions
                };
                by_model.vectors.iter().all(fits)
            })
    }
}
