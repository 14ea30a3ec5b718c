//! What `ids ingest --watch` asks of the files that are documents, through the socket in the data directory. Not part of the API.

use axum::Json;
use axum::extract::State;
use ids_core::error::Refusal;
use ids_core::ports::SourceFile;
use ids_core::scope::CollectionName;
use serde::Serialize;

use super::documents::id_in_field;
use super::local::absolute_path;
use crate::access::{Granted, Ingesting};
use crate::error::ApiResult;
use crate::extract::JsonBody;
use crate::state::AppState;

/// Files that are documents.
#[derive(Debug, Serialize)]
pub(crate) struct SourcesBody {
    sources: Vec<SourceBody>,
}

/// A file that is a document.
#[derive(Debug, Serialize)]
struct SourceBody {
    path: String,
    document_id: String,
    file_hash: String,
    file_size: u64,
}

impl From<SourceFile> for SourceBody {
    fn from(file: SourceFile) -> Self {
        Self {
            path: file.source.0,
            document_id: file.document_id.to_string(),
            file_hash: file.file_hash.to_string(),
            file_size: file.file_size,
        }
    }
}

/// The documents of a collection that came from below a folder, page by page: those after the path `after`.
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Granted<Ingesting>,
    JsonBody(mut fields): JsonBody,
) -> ApiResult<Json<SourcesBody>> {
    let collection = fields
        .parsed("collection", CollectionName::parse)
        .unwrap_or_default();
    let folder = fields.required_parsed("folder", absolute_path);
    let after = fields.parsed("after", absolute_path);
    fields.finish()?;
    // `finish` has refused what is missing.
    let folder = folder.ok_or_else(|| Refusal::field("folder", "is required"))?;
    let library = &state.options.library;
    let listed = library
        .list_sources(caller.scope(), &collection, &folder, after.as_ref())
        .await?;
    Ok(Json(SourcesBody {
        sources: listed.into_iter().map(SourceBody::from).collect(),
    }))
}

/// What was moved.
#[derive(Debug, Serialize)]
pub(crate) struct MovedBody {
    document_id: String,
    path: String,
}

/// Notes that a document's file has another path now.
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Granted<Ingesting>,
    JsonBody(mut fields): JsonBody,
) -> ApiResult<Json<MovedBody>> {
    let document_id = fields.required_parsed("document_id", id_in_field);
    let path = fields.required_parsed("path", absolute_path);
    fields.finish()?;
    let (Some(document_id), Some(path)) = (document_id, path) else {
        // `finish` has refused what is missing.
        return Err(Refusal::field("body", "is incomplete").into());
    };
    let library = &state.options.library;
    library.move_source(caller.scope(), document_id, &path).await?;
    Ok(Json(MovedBody {
        document_id: document_id.to_string(),
        path: path.0,
    }))
}
