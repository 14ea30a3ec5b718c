//! Bodies as OpenAI's API has them: what its clients and chat front ends read. Fields of ours stand in `library`, which they pass over.

use ids_core::error::{ErrorCode, Refusal};
use serde::Serialize;
use utoipa::ToSchema;

use super::chat::{ClaimBody, ShieldBody, SourceBody, TokenUsageBody};

/// A conversation, the last question of which is to be answered.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes in OpenAPI what `routes::openai::read` reads")]
pub(crate) struct CompletionRequest {
    /// `ids`, or `ids/` and the name of a collection.
    #[schema(example = "ids")]
    model: String,
    /// The conversation; the last message of the role `user` is the question.
    messages: Vec<CompletionMessage>,
    /// Whether the answer is sent as it is made, as server-sent events.
    #[schema(default = false)]
    stream: Option<bool>,
    /// `include_usage`: whether a last piece tells the tokens.
    stream_options: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether question and answer are kept as a conversation of the library.
    #[schema(default = false)]
    store: Option<bool>,
    /// Texts: `session_id` (goes on with a kept conversation, in place of the messages sent), `collection`, `document_ids` and `tags` (parted by commas).
    metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A message.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes in OpenAPI what `routes::openai::read` reads")]
pub(crate) struct CompletionMessage {
    /// user, assistant, system, developer, tool or function.
    #[schema(example = "user")]
    role: String,
    /// Text, or a list of parts of the type `text`.
    #[schema(value_type = String, example = "Qual é a multa por atraso na entrega?")]
    content: serde_json::Value,
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompletionBody {
    pub(crate) id: String,
    #[schema(example = "chat.completion")]
    pub(crate) object: &'static str,
    /// Seconds since 1970.
    pub(crate) created: i64,
    pub(crate) model: String,
    /// One.
    pub(crate) choices: Vec<ChoiceBody>,
    /// What a model counted; zero without one.
    pub(crate) usage: TokenUsageBody,
    pub(crate) library: LibraryBody,
}

/// The one answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChoiceBody {
    pub(crate) index: u32,
    pub(crate) message: AssistantBody,
    #[schema(example = "stop")]
    pub(crate) finish_reason: &'static str,
    #[schema(value_type = Option<String>)]
    pub(crate) logprobs: (),
}

/// The answer's message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssistantBody {
    pub(crate) role: &'static str,
    /// The answer: each statement with the number of its sources, which are listed at the end.
    pub(crate) content: String,
    #[schema(value_type = Option<String>)]
    pub(crate) refusal: (),
    /// Which part of `content` rests on which page.
    pub(crate) annotations: Vec<AnnotationBody>,
}

/// A part of a text, and the page it rests on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AnnotationBody {
    #[schema(example = "url_citation")]
    pub(crate) r#type: &'static str,
    pub(crate) url_citation: UrlCitationBody,
}

/// A page of a document.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct UrlCitationBody {
    /// Where the statement begins in `content` (Unicode scalar values).
    pub(crate) start_index: usize,
    /// Where it ends, exclusive.
    pub(crate) end_index: usize,
    /// Title and page.
    pub(crate) title: String,
    /// Shows the page, the quote marked.
    pub(crate) url: String,
    pub(crate) document_id: String,
    /// From 1.
    pub(crate) page: u32,
    /// The page's own words.
    pub(crate) quote: String,
}

/// What the library knows of an answer beyond OpenAI's fields, as in /api/v1/chat/ask.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LibraryBody {
    /// The conversation, where it is kept.
    pub(crate) session_id: Option<String>,
    pub(crate) answered: bool,
    #[schema(example = "extractive")]
    pub(crate) mode: &'static str,
    pub(crate) fallback: Option<&'static str>,
    /// What was held back of personal data; null where no shield stood between the library and a model.
    pub(crate) shield: Option<ShieldBody>,
    pub(crate) sources: Vec<SourceBody>,
    pub(crate) claims: Vec<ClaimBody>,
}

/// A piece of an answer.
#[derive(Debug, Serialize)]
pub(crate) struct ChunkBody {
    pub(crate) id: String,
    pub(crate) object: &'static str,
    pub(crate) created: i64,
    pub(crate) model: String,
    pub(crate) choices: Vec<ChunkChoiceBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<TokenUsageBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) library: Option<LibraryBody>,
}

/// What is new of the one answer.
#[derive(Debug, Serialize)]
pub(crate) struct ChunkChoiceBody {
    pub(crate) index: u32,
    pub(crate) delta: DeltaBody,
    pub(crate) finish_reason: Option<&'static str>,
    pub(crate) logprobs: (),
}

/// What is new of its message.
#[derive(Debug, Default, Serialize)]
pub(crate) struct DeltaBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) annotations: Vec<AnnotationBody>,
}

/// The models there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelListBody {
    #[schema(example = "list")]
    pub(crate) object: &'static str,
    pub(crate) data: Vec<ModelBody>,
}

/// A model.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ModelBody {
    #[schema(example = "ids")]
    pub(crate) id: String,
    #[schema(example = "model")]
    pub(crate) object: &'static str,
    /// Seconds since 1970.
    pub(crate) created: i64,
    pub(crate) owned_by: &'static str,
}

/// Texts whose meaning is to be computed.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::openai::embeddings` reads"
)]
pub(crate) struct EmbeddingsRequest {
    /// The embedding model that `/v1/models` lists.
    model: String,
    /// A text, or up to 256 of them; together at most 32,768 tokens.
    #[schema(value_type = Vec<String>)]
    input: serde_json::Value,
    /// float or base64 (32-bit floats, little-endian).
    #[schema(default = "float")]
    encoding_format: Option<String>,
    /// passage (if not given), or query: the model embeds what is looked for and what is found differently.
    #[schema(default = "passage")]
    input_type: Option<String>,
}

/// Vectors.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EmbeddingsBody {
    #[schema(example = "list")]
    pub(crate) object: &'static str,
    /// One for each text, in their order.
    pub(crate) data: Vec<EmbeddingBody>,
    pub(crate) model: String,
    pub(crate) usage: EmbeddingUsageBody,
}

/// A vector.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EmbeddingBody {
    #[schema(example = "embedding")]
    pub(crate) object: &'static str,
    pub(crate) index: usize,
    /// Numbers, or their base64.
    #[schema(value_type = Vec<f32>)]
    pub(crate) embedding: VectorBody,
}

/// A vector's form.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum VectorBody {
    Floats(Vec<f32>),
    Base64(String),
}

/// Tokens that were read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EmbeddingUsageBody {
    pub(crate) prompt_tokens: usize,
    pub(crate) total_tokens: usize,
}

/// An error in the shape that OpenAI's clients read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpenAiErrorBody {
    pub(crate) error: OpenAiFaultBody,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpenAiFaultBody {
    /// For people.
    message: String,
    /// invalid_request_error, authentication_error, permission_error, rate_limit_error or server_error.
    r#type: &'static str,
    /// The bad field.
    param: Option<String>,
    /// For programs, in small letters: the codes of docs/api/errors.md, and OpenAI's own where it has one.
    code: String,
}

impl OpenAiErrorBody {
    pub(crate) fn new(refusal: &Refusal, request_id: &str) -> Self {
        let message = match refusal.code {
            // As in the other shape: what a fault of ours says is nobody's business.
            ErrorCode::Internal => {
                format!("internal error; the server's log has it under the request id `{request_id}`")
            }
            _ => refusal.message.clone(),
        };
        let kind = match crate::error::status(refusal.code).as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        let code = match refusal.code {
            ErrorCode::Unauthenticated => "invalid_api_key".to_owned(),
            ErrorCode::RateLimited => "rate_limit_exceeded".to_owned(),
            other => other.as_str().to_ascii_lowercase(),
        };
        Self {
            error: OpenAiFaultBody {
                message,
                r#type: kind,
                param: refusal.fields.first().map(|bad| bad.field.clone()),
                code,
            },
        }
    }
}
