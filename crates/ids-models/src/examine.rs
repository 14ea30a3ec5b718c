//! What `ids doctor` asks of a model's server: whether it takes the key and knows the model. It costs nothing.

use std::time::Duration;

use serde_json::Value;

use crate::config::{ChatModelConfig, ConfigError, Deadlines};
use crate::error::CallError;
use crate::http::{Reply, Server};

/// The most of a list of models that is read; hosted servers name some hundred.
const LIST_BYTES: usize = 1_024 * 1_024;
const PATIENCE: Duration = Duration::from_secs(5);

/// What a server says of its models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelsState {
    /// It takes the key and has the model.
    HasModel,
    /// It takes the key; the model is not among those it names.
    LacksModel,
    /// It takes the key, and does not name its models in a way that is known here.
    NamesNone,
    /// It refuses the key: 401 or 403.
    RefusesKey(u16),
    /// It does not say: no such call (404), or not now. Whether it takes the key is unknown.
    DoesNotSay(u16),
}

/// Why a server cannot be asked. No text holds the key or what the server said.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// The configuration.
    #[error("the client of the model cannot be made")]
    Config(#[from] ConfigError),
    /// The call.
    #[error("the model's server cannot be asked")]
    Call(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Asks `GET {base}/models`.
///
/// # Errors
/// When it cannot be reached, or answers something else than HTTP.
pub async fn examine(config: ChatModelConfig) -> Result<ModelsState, ExamineError> {
    let deadlines = Deadlines {
        connect: PATIENCE,
        first_byte: PATIENCE,
        between_pieces: PATIENCE,
        whole: PATIENCE,
    };
    let server = Server::new(config.base_url, config.api_key.as_ref(), &config.roots, deadlines)?;
    let model = config.model;
    let asked = server.get("models", |reply| read(reply, &model)).await;
    asked.map_err(|error| ExamineError::Call(error.into()))
}

async fn read(mut reply: Reply, model: &str) -> Result<ModelsState, CallError> {
    match reply.status() {
        200..=299 => {}
        status @ (401 | 403) => return Ok(ModelsState::RefusesKey(status)),
        status => return Ok(ModelsState::DoesNotSay(status)),
    }
    let mut list = Vec::new();
    while let Some(bytes) = reply.next().await? {
        list.extend_from_slice(&bytes);
        if list.len() > LIST_BYTES {
            return Ok(ModelsState::NamesNone);
        }
    }
    let list: Value = serde_json::from_slice(&list).unwrap_or(Value::Null);
    let Some(models) = list["data"].as_array().filter(|models| !models.is_empty()) else {
        return Ok(ModelsState::NamesNone);
    };
    // Ollama calls `qwen3` what it lists as `qwen3:latest`.
    let is_it = |id: &str| id == model || id.strip_suffix(":latest") == Some(model);
    let has_it = models.iter().filter_map(|it| it["id"].as_str()).any(is_it);
    Ok(if has_it {
        ModelsState::HasModel
    } else {
        ModelsState::LacksModel
    })
}
