//! Texts to vectors, and texts to token counts.

use async_trait::async_trait;

use crate::embedding::{Embedding, EmbeddingModel};

/// Makes embeddings with one model.
///
/// Clauses: (1) equal texts give equal vectors, alone or beside others; (2) as many vectors come back as texts went
/// in, in their order, each of [`EmbeddingModel::dimensions`] values and of length 1 within f16; (3) a query is answered,
/// and so are sentences, while passages are being embedded; (4) sentences have the vectors they have as passages.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// The model.
    fn model(&self) -> &EmbeddingModel;

    /// The vector of a query, as typed.
    ///
    /// # Errors
    /// See [`EmbedError`].
    async fn embed_query(&self, text: &str) -> Result<Embedding, EmbedError>;

    /// The vectors of a few short texts that somebody waits for, as passages, in their order.
    ///
    /// # Errors
    /// See [`EmbedError`]; then none is returned.
    async fn embed_sentences(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError>;

    /// The vectors of passages, in their order.
    ///
    /// # Errors
    /// See [`EmbedError`]; then none is returned.
    async fn embed_passages(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError>;
}

/// Why there is no vector.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// Down, too slow or too busy; the same may succeed later.
    #[error("the embedding model cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered, but not with vectors that can be used.
    #[error("the embedding model gave no usable vector")]
    Unusable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Counts tokens as the built-in model does, whatever model embeds: chunk borders are the same in every shape.
pub trait Tokenizer: Send + Sync {
    /// Tokens of `text`, without prefix and control tokens.
    fn count(&self, text: &str) -> usize;
}
