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

    /// Under which name somebody is paid for its tokens, which are counted in the budget then; `None` where nobody is.
    fn billed_as(&self) -> Option<&str> {
        None
    }

    /// The same as the three above, with the tokens that its server counted.
    ///
    /// # Errors
    /// As the one that is meant.
    async fn embed_counted(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError> {
        let vectors = match texts {
            EmbedTexts::Query(text) => self.embed_query(text).await.map(|vector| vec![vector]),
            EmbedTexts::Sentences(texts) => self.embed_sentences(texts).await,
            EmbedTexts::Passages(texts) => self.embed_passages(texts).await,
        };
        match vectors {
            Ok(vectors) => Ok(CountedVectors {
                vectors,
                tokens: None,
            }),
            Err(error) => Err(CountedError { error, is_free: true }),
        }
    }
}

/// What is embedded, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbedTexts<'a> {
    /// A query, as typed.
    Query(&'a str),
    /// Sentences that somebody waits for.
    Sentences(&'a [String]),
    /// Passages.
    Passages(&'a [String]),
}

impl EmbedTexts<'_> {
    /// How many there are.
    pub const fn count(&self) -> usize {
        match self {
            Self::Query(_) => 1,
            Self::Sentences(texts) | Self::Passages(texts) => texts.len(),
        }
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Query(text) => text.len() as u64,
            Self::Sentences(texts) | Self::Passages(texts) => {
                texts.iter().map(|text| text.len() as u64).sum()
            }
        }
    }
}

/// Vectors, and what they took.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedVectors {
    /// One a text, in their order.
    pub vectors: Vec<Embedding>,
    /// Tokens, as the server counted them; `None` where it does not tell.
    pub tokens: Option<u64>,
}

/// Why there are no vectors, and whether they cost something all the same.
#[derive(Debug)]
pub struct CountedError {
    /// Why.
    pub error: EmbedError,
    /// Whether the server counted nothing: it was not reached, or turned the texts away.
    pub is_free: bool,
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
