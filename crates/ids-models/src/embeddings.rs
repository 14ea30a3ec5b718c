//! The port of embeddings: `POST {base}/embeddings`, texts in bounded calls, vectors checked, ordered and made of length 1.

mod known;
mod wire;

use std::time::Duration;

use async_trait::async_trait;
use ids_core::embedding::EmbeddingModel;
use ids_core::ports::{CountedError, CountedVectors, EmbedTexts, Embedder};
use ids_core::slots::Line;
use ids_net::{Secret, TrustedRoots};

pub use self::known::{Prefixes, known_dimensions};
use crate::calls::{Calls, Failed, Try};
use crate::config::{BaseUrl, BreakerPolicy, ConfigError, Deadlines, RetryPolicy};
use crate::error::CallError;
use crate::http::{Reply, Server};

/// Texts of one call: hosted servers take 2,048, small ones fewer at once than fit their memory.
const TEXTS_OF_A_CALL: usize = 64;
/// Characters of a text that are sent: some 2,000 tokens. Models read 512 to 8,192; chunks are far shorter.
const CHARACTERS: usize = 8_000;

/// Passages wait for each other: whoever indexes has time.
const PASSAGES: Line = Line {
    places: 64,
    patience: Duration::from_secs(600),
    refusal: "too many passages wait for the embedding model",
};
/// Somebody waits for a query.
const QUERIES: Line = Line {
    places: 64,
    patience: Duration::from_secs(10),
    refusal: "too many queries wait for the embedding model; try again in a few seconds",
};

/// Everything an embedding model is made of. [`EmbeddingModelConfig::new`] has the usual values.
#[derive(Debug, Clone)]
pub struct EmbeddingModelConfig {
    /// Where the API is (`OPENAI_BASE_URL`).
    pub base_url: BaseUrl,
    /// The key (`OPENAI_API_KEY`); servers of one's own network often need none.
    pub api_key: Option<Secret>,
    /// The model's name as the server knows it (`OPENAI_EMBEDDING_MODEL`).
    pub model: String,
    /// Values of its vectors.
    pub dimensions: usize,
    /// Whether the server is told so: models that can shorten their vectors are asked to, others refuse the field.
    pub asks_for_dimensions: bool,
    /// What stands in front of queries and passages.
    pub prefixes: Prefixes,
    /// How long to wait.
    pub deadlines: Deadlines,
    /// How often to try.
    pub retry: RetryPolicy,
    /// When to stop trying for a while.
    pub breaker: BreakerPolicy,
    /// Calls with passages at the same time, and as many with queries.
    pub calls_at_once: usize,
    /// Whom to trust with `https://`.
    pub roots: TrustedRoots,
}

impl EmbeddingModelConfig {
    /// A model with the usual deadlines and tries, and the prefixes that its name asks for.
    pub fn new(
        base_url: BaseUrl,
        api_key: Option<Secret>,
        model: impl Into<String>,
        dimensions: usize,
        asks_for_dimensions: bool,
    ) -> Self {
        let model = model.into();
        Self {
            base_url,
            api_key,
            prefixes: Prefixes::of(&model),
            model,
            dimensions,
            asks_for_dimensions,
            deadlines: Deadlines::default(),
            retry: RetryPolicy::default(),
            breaker: BreakerPolicy::default(),
            calls_at_once: 4,
            roots: TrustedRoots::System,
        }
    }
}

/// An [`Embedder`] behind `POST {base}/embeddings`.
pub struct OpenAiEmbedder {
    server: Server,
    model: EmbeddingModel,
    asks_for_dimensions: bool,
    prefixes: Prefixes,
    passages: Calls,
    queries: Calls,
}

impl OpenAiEmbedder {
    /// A client; nothing is asked yet. With `https://` the machine's certificates are read.
    ///
    /// # Errors
    /// A key that cannot be sent, certificates that are none.
    pub fn new(config: EmbeddingModelConfig) -> Result<Self, ConfigError> {
        let server = Server::new(
            config.base_url,
            config.api_key.as_ref(),
            &config.roots,
            config.deadlines,
        )?;
        let calls = |line| {
            Calls::new(
                (config.calls_at_once, line),
                config.retry,
                config.breaker,
                config.deadlines.whole,
            )
        };
        Ok(Self {
            server,
            passages: calls(PASSAGES),
            queries: calls(QUERIES),
            model: EmbeddingModel {
                name: config.model,
                dimensions: config.dimensions,
            },
            asks_for_dimensions: config.asks_for_dimensions,
            prefixes: config.prefixes,
        })
    }

    /// The vectors of any number of texts, in bounded calls.
    async fn ask_all(
        &self,
        calls: &Calls,
        prefix: &str,
        texts: &[String],
    ) -> Result<CountedVectors, CountedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        // Told of all calls, or of none.
        let mut tokens = Some(0);
        for texts in texts.chunks(TEXTS_OF_A_CALL) {
            let texts: Vec<String> = texts.iter().map(|text| input(prefix, text)).collect();
            let call = Texts {
                embedder: self,
                texts,
            };
            let more = calls.make(call).await.map_err(|error| CountedError {
                is_free: vectors.is_empty() && error.is_free(),
                error: error.into(),
            })?;
            vectors.extend(more.vectors);
            tokens = tokens.zip(more.tokens).map(|(sum, more)| sum + more);
        }
        Ok(CountedVectors { vectors, tokens })
    }

    async fn ask(&self, texts: &[String]) -> Result<CountedVectors, CallError> {
        let dimensions = self.asks_for_dimensions.then_some(self.model.dimensions);
        let json = wire::request(&self.model.name, texts, dimensions)
            .map_err(|_| CallError::Unusable("the texts cannot be put into JSON"))?;
        let (count, dimensions) = (texts.len(), self.model.dimensions);
        self.server
            .post("embeddings", json, |reply| async move {
                let json = whole(reply).await?;
                wire::read(&json, count, dimensions).map_err(CallError::Unusable)
            })
            .await
    }
}

/// Texts that are being embedded.
struct Texts<'a> {
    embedder: &'a OpenAiEmbedder,
    texts: Vec<String>,
}

#[async_trait]
impl Try for Texts<'_> {
    type Reply = CountedVectors;
    const WHAT: &'static str = "to embed";

    async fn once(&mut self) -> Result<CountedVectors, Failed> {
        self.embedder.ask(&self.texts).await.map_err(|error| Failed {
            error,
            is_unheard: true,
        })
    }
}

/// What is sent for a text: none may be empty, and none longer than models read.
fn input(prefix: &str, text: &str) -> String {
    let mut input = prefix.to_owned();
    let text = text.trim();
    if text.is_empty() && prefix.is_empty() {
        input.push('.');
    }
    input.extend(text.chars().take(CHARACTERS));
    input
}

async fn whole(mut reply: Reply) -> Result<Vec<u8>, CallError> {
    reply.check_status()?;
    let mut json = Vec::new();
    while let Some(bytes) = reply.next().await? {
        json.extend_from_slice(&bytes);
    }
    Ok(json)
}

#[async_trait]
impl Embedder for OpenAiEmbedder {
    fn model(&self) -> &EmbeddingModel {
        &self.model
    }

    fn billed_as(&self) -> Option<&str> {
        Some(&self.model.name)
    }

    async fn embed(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError> {
        let Prefixes { query, passage } = self.prefixes;
        match texts {
            EmbedTexts::Query(text) => self.ask_all(&self.queries, query, &[text.to_owned()]).await,
            EmbedTexts::Sentences(texts) => self.ask_all(&self.queries, passage, texts).await,
            EmbedTexts::Passages(texts) => self.ask_all(&self.passages, passage, texts).await,
        }
    }
}
