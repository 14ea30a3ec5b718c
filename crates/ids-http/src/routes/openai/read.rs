//! A conversation as OpenAI's clients send it, to a question of ours.

use ids_core::answer::AskRequest;
use ids_core::error::Refusal;
use ids_core::id::SessionId;
use ids_core::ports::{ChatRole, ChatTurn};
use ids_core::scope::CollectionName;
use serde_json::{Map, Value};

use super::models::filter_of;
use super::text::without_sources;
use crate::extract::Fields;
use crate::routes::documents::id_in_field;

/// What is asked.
pub(super) struct Completion {
    pub(super) model: String,
    pub(super) request: AskRequest,
    /// What was said before, oldest first.
    pub(super) before: Vec<ChatTurn>,
    /// Whether question and answer are kept here.
    pub(super) is_kept: bool,
    pub(super) is_streamed: bool,
    /// Whether a stream tells the tokens.
    pub(super) with_usage: bool,
}

/// Reads a request. What only steers how a model writes (`temperature`, `max_tokens`, `stop`, `tools`, ...) is passed over: what is
/// said here stands in documents. What would change the reply's shape is refused.
///
/// # Errors
/// `VALIDATION_FAILED`, `MODEL_NOT_FOUND`.
pub(super) fn completion(mut fields: Fields) -> Result<Completion, Refusal> {
    let model = fields.required_text("model");
    let messages = fields.raw("messages").cloned();
    let (question, before) = conversation(&mut fields, messages);
    let is_streamed = fields.flag("stream");
    let is_kept = fields.flag("store");
    let with_usage = fields
        .raw("stream_options")
        .is_some_and(|options| options["include_usage"] == Value::Bool(true));
    refuse_other_shapes(&mut fields);
    fields.object("metadata");
    let said = texts_of(&mut fields);
    fields.finish()?;

    let mut filter = filter_of(&model)?;
    let mut said = Fields::of_texts(said);
    let collection = said.parsed("collection", CollectionName::parse);
    if collection.is_some() {
        if filter.collection.is_some() && filter.collection != collection {
            said.refuse("collection", "is another than that of the model's name");
        }
        filter.collection = collection;
    }
    filter.document_ids = said.list("document_ids", id_in_field).unwrap_or_default();
    filter.tags = said.tags().unwrap_or_default();
    let session_id = said.parsed("session_id", |text: &str| text.parse::<SessionId>());
    said.finish()?;
    Ok(Completion {
        model,
        is_kept: is_kept || session_id.is_some(),
        request: AskRequest {
            question,
            session_id,
            filter,
            key_id: None,
        },
        before,
        is_streamed,
        with_usage,
    })
}

/// The question, and what was said before it.
fn conversation(fields: &mut Fields, messages: Option<Value>) -> (String, Vec<ChatTurn>) {
    let nothing = (String::new(), Vec::new());
    let Some(Value::Array(messages)) = messages else {
        fields.refuse("messages", "must be a list of messages");
        return nothing;
    };
    let mut turns = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        match turn(message) {
            Ok(Some(turn)) => turns.push(turn),
            // Who says how to answer says it to a model that writes freely; here the rules are fixed.
            Ok(None) => {}
            Err((field, reason)) => fields.refuse(&format!("messages[{at}].{field}"), reason),
        }
    }
    let Some(last) = turns.iter().rposition(|turn| turn.role == ChatRole::User) else {
        fields.refuse("messages", "must hold a message of the role `user`: the question");
        return nothing;
    };
    let question = turns.swap_remove(last).content;
    turns.truncate(last);
    (question, turns)
}

type Fault = (&'static str, &'static str);

fn turn(message: &Value) -> Result<Option<ChatTurn>, Fault> {
    let role = match message["role"].as_str() {
        Some("user") => ChatRole::User,
        Some("assistant") => ChatRole::Assistant,
        Some("system" | "developer" | "tool" | "function") => return Ok(None),
        Some(_) | None => {
            return Err((
                "role",
                "must be user, assistant, system, developer, tool or function",
            ));
        }
    };
    let content = match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => text_of_parts(parts)?,
        // An assistant that only called tools said nothing.
        Value::Null if role == ChatRole::Assistant => String::new(),
        _ => return Err(("content", "must be text, or a list of parts")),
    };
    let content = match role {
        ChatRole::User => content,
        ChatRole::Assistant => without_sources(&content).to_owned(),
    };
    let says_nothing = role == ChatRole::Assistant && content.trim().is_empty();
    Ok((!says_nothing).then_some(ChatTurn { role, content }))
}

fn text_of_parts(parts: &[Value]) -> Result<String, Fault> {
    let mut texts = Vec::new();
    for part in parts {
        match (
            part["type"].as_str(),
            part["text"].as_str(),
            part["refusal"].as_str(),
        ) {
            (Some("text"), Some(text), _) => texts.push(text),
            (Some("refusal"), _, Some(_)) => {}
            _ => {
                return Err((
                    "content",
                    "must be made of parts of the type `text`: the library reads no pictures or sounds",
                ));
            }
        }
    }
    Ok(texts.join("\n"))
}

fn refuse_other_shapes(fields: &mut Fields) {
    let is = |fields: &Fields, name: &str, wrong: fn(&Value) -> bool| fields.raw(name).is_some_and(wrong);
    if is(fields, "n", |n| n.as_u64() != Some(1)) {
        fields.refuse("n", "must be 1: the library has one answer");
    }
    if is(fields, "response_format", |it| {
        it["type"].as_str() != Some("text")
    }) {
        fields.refuse(
            "response_format",
            "must be of the type `text`: answers are quotes, not objects",
        );
    }
    if is(fields, "tool_choice", |it| {
        !matches!(it.as_str(), Some("none" | "auto"))
    }) {
        fields.refuse("tool_choice", "must be none or auto: the library calls no tools");
    }
    if is(fields, "logprobs", |it| it == &Value::Bool(true)) {
        fields.refuse("logprobs", "must be false: there are none");
    }
    if is(fields, "modalities", |it| it != &serde_json::json!(["text"])) {
        fields.refuse("modalities", "must be [\"text\"]");
    }
}

/// `metadata` as texts, which is all that OpenAI's may hold.
fn texts_of(fields: &mut Fields) -> Vec<(String, String)> {
    let object: Map<String, Value> = match fields.raw("metadata") {
        Some(Value::Object(object)) => object.clone(),
        _ => return Vec::new(),
    };
    let mut texts = Vec::new();
    for (name, value) in object {
        match value {
            Value::String(text) => texts.push((name, text)),
            Value::Null => {}
            _ => fields.refuse(&format!("metadata.{name}"), "must be text"),
        }
    }
    texts
}
