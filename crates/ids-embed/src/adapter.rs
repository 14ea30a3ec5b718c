//! The model behind the ports of `ids-core`.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::ports::{CountedError, CountedVectors, EmbedError, EmbedTexts, Embedder, Tokenizer};
use tokio::sync::Semaphore;

use crate::model::{Model, TextEmbedding, TextKind, Workspace};
use crate::pool::EmbeddingPool;

/// Queries computed at once, per core; more wait. Two, so that one thread's memory accesses hide another's.
const QUERIES_PER_CORE: usize = 2;

/// The built-in model as an [`Embedder`] and a [`Tokenizer`].
///
/// Passages go to an [`EmbeddingPool`]; a query, and sentences that somebody waits for, run at once on blocking threads of the caller's
/// tokio runtime, at full priority, so they never wait behind passages.
pub struct BuiltInEmbedder {
    name: EmbeddingModel,
    model: Model,
    pool: EmbeddingPool,
    queries: Arc<Semaphore>,
}

impl BuiltInEmbedder {
    /// Starts `threads` embedding threads for `model`, one a core where `None`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(model: Model, threads: Option<NonZeroUsize>) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Self {
            name: EmbeddingModel {
                name: model.model_name().to_owned(),
                dimensions: model.dimensions(),
            },
            pool: EmbeddingPool::new(model.clone(), threads)?,
            model,
            queries: Arc::new(Semaphore::new(cores * QUERIES_PER_CORE)),
        })
    }
}

#[async_trait]
impl Embedder for BuiltInEmbedder {
    fn model(&self) -> &EmbeddingModel {
        &self.name
    }

    async fn embed(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError> {
        let vectors = match texts {
            EmbedTexts::Query(text) => vec![self.query(text).await?],
            EmbedTexts::Sentences(texts) => self.sentences(texts).await?,
            EmbedTexts::Passages(texts) => self.passages(texts).await?,
        };
        Ok(vectors.into())
    }
}

impl BuiltInEmbedder {
    async fn query(&self, text: &str) -> Result<Embedding, EmbedError> {
        let permit = Arc::clone(&self.queries)
            .acquire_owned()
            .await
            .map_err(unavailable)?;
        let model = self.model.clone();
        let text = text.to_owned();
        let vector = tokio::task::spawn_blocking(move || {
            let _permit = permit; // travels with the work: a dropped future does not stop the thread
            model.embed_query(&text)
        });
        to_embedding(&vector.await.map_err(unavailable)?)
    }

    async fn sentences(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError> {
        let share = texts.len().div_ceil(self.pool.threads().max(1)).max(1);
        let mut parts = Vec::new();
        for part in texts.chunks(share) {
            let permit = Arc::clone(&self.queries)
                .acquire_owned()
                .await
                .map_err(unavailable)?;
            let (model, part) = (self.model.clone(), part.to_vec());
            parts.push(tokio::task::spawn_blocking(move || {
                let _permit = permit; // as above
                let mut workspace = Workspace::new();
                let embed = |text| model.embed_with(&mut workspace, TextKind::Passage, text).vector;
                part.iter().map(String::as_str).map(embed).collect::<Vec<_>>()
            }));
        }
        let mut embeddings = Vec::with_capacity(texts.len());
        for part in parts {
            for vector in part.await.map_err(unavailable)? {
                embeddings.push(to_embedding(&vector)?);
            }
        }
        Ok(embeddings)
    }

    async fn passages(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError> {
        let embedded = self.pool.embed_passages(texts).await.map_err(unavailable)?;
        embedded
            .iter()
            .map(|TextEmbedding { vector, .. }| to_embedding(vector))
            .collect()
    }
}

impl Tokenizer for BuiltInEmbedder {
    fn count(&self, text: &str) -> usize {
        self.model.token_count(text)
    }
}

impl Tokenizer for Model {
    fn count(&self, text: &str) -> usize {
        self.token_count(text)
    }
}

/// A file with finite but absurd weights passes the checks at load and overflows here.
fn to_embedding(vector: &[f32]) -> Result<Embedding, EmbedError> {
    if vector.iter().all(|value| value.is_finite()) {
        Ok(Embedding::from_f32(vector))
    } else {
        Err(EmbedError::Unusable(
            "the built-in model's vector is not finite; its file is damaged".into(),
        ))
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> EmbedError {
    EmbedError::Unavailable(Box::new(error))
}
