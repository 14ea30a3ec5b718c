//! What only this machine's own command line may ask, through the socket in the data directory. Not part of the API.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use ids_core::document::{ContentHash, SourcePath};
use ids_core::error::Refusal;
use ids_core::library::SourceState;
use ids_core::scope::CollectionName;
use serde::Serialize;

use crate::access::scope;
use crate::error::ApiResult;
use crate::extract::{Fields, JsonBody};
use crate::state::AppState;

/// Whether a file must be sent again.
#[derive(Debug, Serialize)]
pub(crate) struct SourceStateBody {
    /// new, unchanged or changed.
    state: &'static str,
    /// The document made of that file before.
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<String>,
}

/// What `ids ingest` should do with a file of that path and hash.
pub(crate) async fn source_state(
    State(state): State<AppState>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Json<SourceStateBody>> {
    let (collection, source, file_hash) = read(fields)?;
    let known = state
        .options
        .library
        .source_state(&scope(), &collection, &source, file_hash)
        .await?;
    let (word, document_id) = match known {
        SourceState::New => ("new", None),
        SourceState::Unchanged(id) => ("unchanged", Some(id)),
        SourceState::Changed(id) => ("changed", Some(id)),
    };
    Ok(Json(SourceStateBody {
        state: word,
        document_id: document_id.map(|id| id.to_string()),
    }))
}

fn read(mut fields: Fields) -> Result<(CollectionName, SourcePath, ContentHash), Refusal> {
    let collection = fields
        .parsed("collection", CollectionName::parse)
        .unwrap_or_default();
    let path = fields.required_parsed("path", absolute_path);
    let file_hash = fields.required_parsed("file_hash", file_hash);
    fields.finish()?;
    match (path, file_hash) {
        (Some(path), Some(file_hash)) => Ok((collection, path, file_hash)),
        // `finish` has refused what is missing.
        _ => Err(Refusal::field("body", "is incomplete")),
    }
}

/// A path as `ids ingest` keeps it, as a field's parser.
pub(super) fn absolute_path(text: &str) -> Result<SourcePath, &'static str> {
    if Path::new(text).is_absolute() {
        Ok(SourcePath(text.to_owned()))
    } else {
        Err("must be an absolute path")
    }
}

/// A SHA-256, as a field's parser.
pub(super) fn file_hash(text: &str) -> Result<ContentHash, &'static str> {
    ContentHash::from_hex(text).ok_or("must be a SHA-256 of 64 hexadecimal digits")
}
