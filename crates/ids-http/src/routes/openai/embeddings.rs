//! Vectors of texts, by the model that the library itself uses.

use axum::Json;
use axum::extract::State;
use ids_core::embedding::Embedding;
use ids_core::error::Refusal;
use ids_core::library::Library;
use ids_core::limits;
use ids_core::ports::{EmbedTexts, Embedder};
use ids_core::scope::Scope;
use serde_json::Value;

use super::models::not_found;
use crate::access::{Granted, Searching};
use crate::error::ApiResult;
use crate::extract::{Fields, JsonBody};
use crate::state::AppState;
use crate::wire::openai::{EmbeddingBody, EmbeddingUsageBody, EmbeddingsBody, EmbeddingsRequest, VectorBody};

/// Texts of one request.
const INPUTS: usize = 256;
/// Tokens of all of them: ten seconds of one core with the built-in model.
const TOKENS: usize = 32_768;
/// Tokens that somebody is kept waiting for at the priority of a search; more give way to searches.
const PROMPT_TOKENS: usize = 2_048;

/// What is asked.
struct Request {
    model: String,
    texts: Vec<String>,
    is_base64: bool,
    is_query: bool,
}

/// Computes the vectors of texts, with the model that the library's own passages are embedded by.
#[utoipa::path(
    post, path = "/v1/embeddings", operation_id = "openai_embeddings", tag = "openai",
    request_body = EmbeddingsRequest,
    responses((status = 200, description = "The vectors", body = EmbeddingsBody)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Granted<Searching>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Json<EmbeddingsBody>> {
    let ports = state.options.library.ports();
    // One and the same for the name and the vectors, though a library may change over meanwhile.
    let embedder = ports.embedders.current();
    let model = embedder.model();
    let request = read(fields, model.dimensions)?;
    if request.model != model.name {
        return Err(not_found(&request.model).into());
    }
    let tokens: usize = request.texts.iter().map(|text| ports.tokenizer.count(text)).sum();
    if tokens > TOKENS {
        let reason =
            format!("must have at most {TOKENS} tokens in all, and has {tokens}; send several requests");
        return Err(Refusal::field("input", reason).into());
    }
    let slot = state.searches.acquire().await?;
    let library = &state.options.library;
    let vectors = embed(library, caller.scope(), &*embedder, &request, tokens).await?;
    drop(slot);
    let data = vectors.iter().enumerate().map(|(index, vector)| EmbeddingBody {
        object: "embedding",
        index,
        embedding: in_form(vector, request.is_base64),
    });
    Ok(Json(EmbeddingsBody {
        object: "list",
        data: data.collect(),
        model: request.model.clone(),
        usage: EmbeddingUsageBody {
            prompt_tokens: tokens,
            total_tokens: tokens,
        },
    }))
}

fn read(mut fields: Fields, dimensions: usize) -> Result<Request, Refusal> {
    let model = fields.required_text("model");
    let texts = match texts(fields.raw("input")) {
        Ok(texts) => texts,
        Err(reason) => {
            fields.refuse("input", reason);
            Vec::new()
        }
    };
    let is_base64 = fields.choice("encoding_format", &["float", "base64"], |name| match name {
        "float" => Some(false),
        "base64" => Some(true),
        _ => None,
    });
    let is_query = fields.choice("input_type", &["passage", "query"], |name| match name {
        "passage" => Some(false),
        "query" => Some(true),
        _ => None,
    });
    let other = fields.whole_number("dimensions");
    if other.is_some_and(|wanted| usize::try_from(wanted) != Ok(dimensions)) {
        fields.refuse(
            "dimensions",
            format!("must be left out: this model's vectors have {dimensions}, and cannot be shortened"),
        );
    }
    fields.finish()?;
    Ok(Request {
        model,
        texts,
        is_base64: is_base64.unwrap_or(false),
        is_query: is_query.unwrap_or(false),
    })
}

fn texts(input: Option<&Value>) -> Result<Vec<String>, String> {
    let given: Vec<&Value> = match input {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(value @ Value::String(_)) => vec![value],
        None => return Err("is required".to_owned()),
        Some(_) => return Err("must be a text or a list of texts".to_owned()),
    };
    if given.is_empty() || given.len() > INPUTS {
        return Err(format!("must have 1 to {INPUTS} texts"));
    }
    let mut texts = Vec::with_capacity(given.len());
    for value in given {
        // Tokens of another tokenizer mean nothing here.
        let text = value.as_str().ok_or("must hold texts; tokens are not taken")?;
        if text.trim().is_empty() {
            return Err("must not hold an empty text".to_owned());
        }
        if text.chars().count() > limits::QUERY_CHARS {
            return Err(format!(
                "must hold texts of at most {} characters",
                limits::QUERY_CHARS
            ));
        }
        texts.push(text.to_owned());
    }
    Ok(texts)
}

/// Through the library: what a model is paid for counts in the budget, whoever asks.
async fn embed(
    library: &Library,
    scope: &Scope,
    embedder: &dyn Embedder,
    request: &Request,
    tokens: usize,
) -> Result<Vec<Embedding>, Refusal> {
    if request.is_query {
        let mut vectors = Vec::with_capacity(request.texts.len());
        for text in &request.texts {
            let found = library.embed_texts(scope, embedder, EmbedTexts::Query(text));
            vectors.extend(found.await?);
        }
        return Ok(vectors);
    }
    let texts = if tokens <= PROMPT_TOKENS {
        EmbedTexts::Sentences(&request.texts)
    } else {
        EmbedTexts::Passages(&request.texts)
    };
    library.embed_texts(scope, embedder, texts).await
}

fn in_form(vector: &Embedding, is_base64: bool) -> VectorBody {
    let values = vector.to_f32();
    if !is_base64 {
        return VectorBody::Floats(values);
    }
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    VectorBody::Base64(base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes))
}
