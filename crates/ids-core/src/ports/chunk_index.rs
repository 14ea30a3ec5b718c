//! Chunks by word and by vector. Adapters fetch candidates; all scoring is the domain's.

use async_trait::async_trait;
use ids_text::Term;

use crate::chunk::{Candidate, ChunkDetail, Filter, NewChunk, UnembeddedChunk};
use crate::embedding::{Embedding, EmbeddingModel};
use crate::error::StoreError;
use crate::id::{ChunkId, DocumentId};
use crate::job::Lease;
use crate::scope::Scope;

/// Keeps chunks and finds candidates.
///
/// A chunk is *visible* when its version is the document's visible one; a first version becomes visible with `replace`,
/// a further one with [`JobStore::complete`](super::JobStore::complete). Only visible chunks are found or counted.
///
/// Clauses: (1) `replace` stores all chunks of the version or none, and running it twice changes nothing; a first version is found by words
/// from then on, a further one only after `complete`; (2) `replace` stores nothing and names the original when the same text became visible in the
/// collection meanwhile; (3) `statistics` are exact, per organization, and the same under any filter: they count visible chunks; (4) `lexical_candidates` follows the
/// rule of design.md 4 (lists by the order of the terms given, [`POSTINGS_ENOUGH`](crate::limits::POSTINGS_ENOUGH),
/// [`POSTINGS_PER_TERM`](crate::limits::POSTINGS_PER_TERM), best [`LEXICAL_CANDIDATES`](crate::limits::LEXICAL_CANDIDATES) by
/// sum of weights and all ties up to [`LEXICAL_CANDIDATES_WITH_TIES`](crate::limits::LEXICAL_CANDIDATES_WITH_TIES) by `TieKey`; filters
/// first); (5) `nearest` is exact up to [`EXACT_VECTORS`](crate::limits::EXACT_VECTORS) in scope and returns `limit` and all within
/// [`SIMILARITY_MARGIN`](crate::limits::SIMILARITY_MARGIN) of the last; (6) vectors of another model are never returned;
/// (7) `store_embeddings` skips what is there and takes the lease; (8) filters: all of the tags, any of the ids, any of the types, one collection;
/// (9) nothing of another organization, or of a collection that may not be seen; (10) what `list_unembedded` names gets fewer with each
/// `store_embeddings` and ends empty; (11) `load_candidates` and `load_details` leave out what is gone or not in scope, and keep the order asked for the rest;
/// (12) `list_visible_unembedded` names, by rising id, just the visible chunks in scope without a vector of the model, and `store_visible_embeddings`
/// leaves out what is gone, not in scope, or has one; (13) `remove_other_embeddings` takes vectors only of chunks that have one of the model;
/// (14) the title of what came in another document stands behind that of this one, parted by ` › `.
#[async_trait]
pub trait ChunkIndex: Send + Sync {
    /// Stores the chunks of the version being made, in one transaction.
    ///
    /// # Errors
    /// `LeaseLost`, `Full`, `Unavailable`.
    async fn replace(&self, lease: &Lease, chunks: &[NewChunk]) -> Result<Replaced, StoreError>;

    /// The first `limit` chunks, by index, of the version being made that have no embedding by `model`.
    ///
    /// # Errors
    /// `LeaseLost`, `Unavailable`.
    async fn list_unembedded(
        &self,
        lease: &Lease,
        model: &EmbeddingModel,
        limit: usize,
    ) -> Result<Vec<UnembeddedChunk>, StoreError>;

    /// Stores embeddings by chunk index, in one transaction.
    ///
    /// # Errors
    /// `LeaseLost`, `Full`, `Unavailable`.
    async fn store_embeddings(
        &self,
        lease: &Lease,
        model: &EmbeddingModel,
        embeddings: &[(u32, Embedding)],
    ) -> Result<(), StoreError>;

    /// N, summed length, and the document frequency of each term, of the organization's visible chunks.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn statistics(&self, scope: &Scope, terms: &[Term]) -> Result<CorpusStatistics, StoreError>;

    /// How many visible chunks a search goes over.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn count_chunks(&self, scope: &Scope, filter: &Filter) -> Result<u64, StoreError>;

    /// Candidates by words, in no order. `terms` come by rising document frequency, then by term.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn lexical_candidates(
        &self,
        scope: &Scope,
        filter: &Filter,
        terms: &[WeightedTerm],
    ) -> Result<Vec<ChunkId>, StoreError>;

    /// Candidates by meaning, in no order: the `limit` of the highest inner product with `query`, and near ties.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn nearest(
        &self,
        scope: &Scope,
        filter: &Filter,
        model: &EmbeddingModel,
        query: &Embedding,
        limit: usize,
    ) -> Result<Vec<ChunkId>, StoreError>;

    /// What fusion needs of each chunk: its frequencies of `terms` and its embedding by `model`, if asked for.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn load_candidates(
        &self,
        scope: &Scope,
        chunk_ids: &[ChunkId],
        terms: &[Term],
        model: Option<&EmbeddingModel>,
    ) -> Result<Vec<Candidate>, StoreError>;

    /// What a hit shows of each chunk.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn load_details(
        &self,
        scope: &Scope,
        chunk_ids: &[ChunkId],
    ) -> Result<Vec<ChunkDetail>, StoreError>;

    /// Which models the organization's visible chunks have vectors of, with how many, most first.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn embedding_models(&self, scope: &Scope) -> Result<Vec<(EmbeddingModel, u64)>, StoreError>;

    /// The first `limit` visible chunks with an id above `after` that have no embedding by `model`.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_visible_unembedded(
        &self,
        scope: &Scope,
        model: &EmbeddingModel,
        after: ChunkId,
        limit: usize,
    ) -> Result<Vec<ChunkId>, StoreError>;

    /// Stores embeddings of visible chunks, beside those by other models, in one transaction. How many were stored.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    async fn store_visible_embeddings(
        &self,
        scope: &Scope,
        model: &EmbeddingModel,
        embeddings: &[(ChunkId, Embedding)],
    ) -> Result<u64, StoreError>;

    /// Removes up to `limit` embeddings by other models than `model`, of visible chunks that have one by `model`. How many were removed.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn remove_other_embeddings(
        &self,
        scope: &Scope,
        model: &EmbeddingModel,
        limit: usize,
    ) -> Result<u64, StoreError>;
}

/// What came of `replace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// The chunks are stored.
    Stored,
    /// The same text became visible meanwhile; nothing was stored.
    DuplicateOf(DocumentId),
}

/// A query term with its weight for the pre-score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightedTerm {
    /// The term.
    pub term: Term,
    /// Its idf in units of 1e-6, rounded by the domain.
    pub weight: u64,
}

/// What BM25 needs to know of a corpus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CorpusStatistics {
    /// Visible chunks (N).
    pub chunks: u64,
    /// The sum of their lengths in terms.
    pub total_length: u64,
    /// How many of them hold each asked term, in the order asked.
    pub document_frequencies: Vec<u64>,
}
