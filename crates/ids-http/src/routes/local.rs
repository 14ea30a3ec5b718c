//! What only this machine's own command line may ask, through the socket in the data directory. Not part of the API.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use ids_core::access::{Organization, OrganizationName};
use ids_core::document::{ContentHash, SourcePath};
use ids_core::error::{ErrorCode, Refusal};
use ids_core::id::{ChunkId, OrganizationId};
use ids_core::library::{ReindexCursor, SourceState};
use ids_core::scope::{CollectionName, Scope};
use serde::Serialize;

use crate::access::{Administering, Granted, Ingesting};
use crate::error::ApiResult;
use crate::extract::{Fields, JsonBody, PathOf};
use crate::state::AppState;
use crate::wire::time::rfc3339;

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
    caller: Granted<Ingesting>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Json<SourceStateBody>> {
    let (collection, source, file_hash) = read(fields)?;
    let known = state
        .options
        .library
        .source_state(caller.scope(), &collection, &source, file_hash)
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

/// The organizations of this installation, by name.
pub(crate) async fn organizations(
    State(state): State<AppState>,
    _operator: Granted<Administering>,
) -> ApiResult<Json<OrganizationListBody>> {
    let organizations = state.options.library.list_organizations().await?;
    Ok(Json(OrganizationListBody {
        organizations: organizations.iter().map(OrganizationBody::from).collect(),
    }))
}

/// Makes an organization where there is none of that name.
pub(crate) async fn ensure_organization(
    State(state): State<AppState>,
    _operator: Granted<Administering>,
    JsonBody(mut fields): JsonBody,
) -> ApiResult<Json<OrganizationBody>> {
    let name = fields.required_parsed("name", OrganizationName::parse);
    fields.finish()?;
    // `finish` has refused what is missing.
    let name = name.ok_or_else(|| Refusal::field("name", "is required"))?;
    let organization = state.options.library.ensure_organization(&name).await?;
    Ok(Json(OrganizationBody::from(&organization)))
}

/// Removes an organization with everything in it.
pub(crate) async fn delete_organization(
    State(state): State<AppState>,
    _operator: Granted<Administering>,
    PathOf(name): PathOf<String>,
) -> ApiResult<Json<OrganizationBody>> {
    let name = OrganizationName::parse(&name).map_err(|_| {
        Refusal::new(
            ErrorCode::OrganizationNotFound,
            "there is no organization of that name",
        )
    })?;
    let library = &state.options.library;
    let organization = library.get_organization(&name).await?;
    library.delete_organization(&organization).await?;
    let operator = Scope::organization(OrganizationId::DEFAULT);
    library
        .record(&operator, None, "organization.deleted", name.as_str())
        .await;
    Ok(Json(OrganizationBody::from(&organization)))
}

/// An organization.
#[derive(Debug, Serialize)]
pub(crate) struct OrganizationBody {
    organization_id: String,
    name: String,
    created_at: String,
}

impl From<&Organization> for OrganizationBody {
    fn from(organization: &Organization) -> Self {
        Self {
            organization_id: organization.organization_id.to_string(),
            name: organization.name.to_string(),
            created_at: rfc3339(organization.created_at),
        }
    }
}

/// The organizations of an installation.
#[derive(Debug, Serialize)]
pub(crate) struct OrganizationListBody {
    organizations: Vec<OrganizationBody>,
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

/// A path or the address of a page, as `ids ingest` keeps it, as a field's parser.
pub(super) fn absolute_path(text: &str) -> Result<SourcePath, &'static str> {
    let is_address = text.starts_with("https://") || text.starts_with("http://");
    if is_address || Path::new(text).is_absolute() {
        Ok(SourcePath(text.to_owned()))
    } else {
        Err("must be an absolute path")
    }
}

/// A SHA-256, as a field's parser.
pub(super) fn file_hash(text: &str) -> Result<ContentHash, &'static str> {
    ContentHash::from_hex(text).ok_or("must be a SHA-256 of 64 hexadecimal digits")
}

/// How far changing over to another embedding model is.
#[derive(Debug, Serialize)]
pub(crate) struct ReindexStateBody {
    model: String,
    dimensions: usize,
    chunks: u64,
    done: u64,
}

/// How far it is, in every organization.
pub(crate) async fn reindex_state(
    State(state): State<AppState>,
    _operator: Granted<Administering>,
) -> ApiResult<Json<ReindexStateBody>> {
    let found = state.options.library.reindex_state().await?;
    Ok(Json(ReindexStateBody {
        model: found.model.name,
        dimensions: found.model.dimensions,
        chunks: found.chunks,
        done: found.done,
    }))
}

/// What came of a turn; `next` is to be sent with the next one.
#[derive(Debug, Serialize)]
pub(crate) struct ReindexTurnBody {
    embedded: u64,
    next: Option<ReindexCursorBody>,
}

/// Where to go on.
#[derive(Debug, Serialize)]
pub(crate) struct ReindexCursorBody {
    organization_id: String,
    after: i64,
}

/// A turn of making vectors of the model that is set, in every organization.
pub(crate) async fn embed_what_lacks(
    State(state): State<AppState>,
    _operator: Granted<Administering>,
    JsonBody(mut fields): JsonBody,
) -> ApiResult<Json<ReindexTurnBody>> {
    let organization = fields.parsed("organization_id", str::parse::<OrganizationId>);
    let after = fields.whole_number("after");
    fields.finish()?;
    let from = organization
        .zip(after)
        .map(|(organization, after)| ReindexCursor {
            organization,
            after: ChunkId(i64::try_from(after).unwrap_or(i64::MAX)),
        });
    let turn = state.options.library.embed_what_lacks(from).await?;
    Ok(Json(ReindexTurnBody {
        embedded: turn.embedded,
        next: turn.next.map(|next| ReindexCursorBody {
            organization_id: next.organization.to_string(),
            after: next.after.0,
        }),
    }))
}

/// How many old vectors went.
#[derive(Debug, Serialize)]
pub(crate) struct RemovedEmbeddingsBody {
    removed: u64,
}

/// A turn of removing vectors of other models.
pub(crate) async fn remove_other_embeddings(
    State(state): State<AppState>,
    _operator: Granted<Administering>,
) -> ApiResult<Json<RemovedEmbeddingsBody>> {
    let removed = state.options.library.remove_other_embeddings().await?;
    Ok(Json(RemovedEmbeddingsBody { removed }))
}
