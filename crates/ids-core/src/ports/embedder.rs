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

    /// Under which name somebody is paid for its tokens, which are counted in the budget then; `None` where nobody is.
    fn billed_as(&self) -> Option<&str> {
        None
    }

    /// The vectors of texts, with the tokens that its server counted.
    ///
    /// # Errors
    /// See [`EmbedError`]; then none is returned.
    async fn embed(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError>;

    /// The vector of a query, where nobody counts.
    ///
    /// # Errors
    /// See [`EmbedError`].
    async fn embed_query(&self, text: &str) -> Result<Embedding, EmbedError> {
        let vectors = self.embed(EmbedTexts::Query(text)).await?.vectors;
        let none = || EmbedError::Unusable("the model gave no vector".into());
        vectors.into_iter().next().ok_or_else(none)
    }

    /// The vectors of passages, where nobody counts.
    ///
    /// # Errors
    /// See [`EmbedError`]; then none is returned.
    async fn embed_passages(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError> {
        Ok(self.embed(EmbedTexts::Passages(texts)).await?.vectors)
    }
}

/// What is embedded, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbedTexts<'a> {
    /// A query, as typed.
    Query(&'a str),
    /// A few sentences that somebody waits for, as passages.
    Sentences(&'a [String]),
    /// Passages.
    Passages(&'a [String]),
}

impl<'a> EmbedTexts<'a> {
    /// Each of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (query, texts): (_, &'a [String]) = match *self {
            Self::Query(text) => (Some(text), &[]),
            Self::Sentences(texts) | Self::Passages(texts) => (None, texts),
        };
        query.into_iter().chain(texts.iter().map(String::as_str))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.iter().count()
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> u64 {
        self.iter().map(|text| text.len() as u64).sum()
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

/// By a model whose tokens nobody counts.
impl From<Vec<Embedding>> for CountedVectors {
    fn from(vectors: Vec<Embedding>) -> Self {
        Self {
            vectors,
            tokens: None,
        }
    }
}

/// Why there are no vectors, and whether they cost something all the same.
#[derive(Debug)]
pub struct CountedError {
    /// Why.
    pub error: EmbedError,
    /// Whether the server counted nothing: it was not reached, or turned the texts away.
    pub is_free: bool,
}

/// From a model that costs nothing.
impl From<EmbedError> for CountedError {
    fn from(error: EmbedError) -> Self {
        Self { error, is_free: true }
    }
}

impl From<CountedError> for EmbedError {
    fn from(counted: CountedError) -> Self {
        counted.error
    }
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
