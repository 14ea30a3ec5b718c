//! Clients of model servers that speak as OpenAI's API does: the hosted ones, and Ollama, vLLM, llama.cpp or LM Studio in
//! one's own network.
//!
//! Beside them [`BudgetWebhook`], which tells an address that a budget is nearly used up, over the same connections.
//!
//! Entry points: [`OpenAiChatModel`], [`OpenAiEmbedder`]. A call goes `chat` → `calls` (a slot, the circuit breaker, tries) → `call` (one
//! request: what is asked, what the reply says) → `http` (one connection a call) and back through `reply` (server-sent events or plain JSON,
//! by `sse`). Not reqwest: it would bring 44 crates where hyper, which is here already, and rustls need ten, and it runs
//! connections on tasks of its own, which outlive a shutdown; here a connection lives in its call and goes with it.

mod backoff;
mod breaker;
mod call;
mod calls;
mod chat;
mod config;
mod embeddings;
mod error;
mod examine;
mod http;
mod reply;
mod sse;
mod webhook;
mod wire;

pub use chat::OpenAiChatModel;
pub use config::{BaseUrl, BreakerPolicy, ChatModelConfig, ConfigError, Deadlines, RetryPolicy};
pub use embeddings::{EmbeddingModelConfig, OpenAiEmbedder, Prefixes, known_dimensions};
pub use examine::{ExamineError, ModelsState, examine};
pub use ids_net::{Secret, TrustedRoots};
pub use webhook::{BudgetWebhook, WebhookUrl};
