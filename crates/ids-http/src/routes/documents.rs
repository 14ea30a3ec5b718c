//! Documents: list, look at, change, remove.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ids_core::document::{DocumentChange, DocumentStatus};
use ids_core::error::{ErrorCode, Refusal};
use ids_core::id::DocumentId;
use ids_core::ports::{DocumentOrder, DocumentQuery};
use ids_core::scope::CollectionName;

use crate::access::{Administering, Granted, Ingesting, Reading, ReadingPages};
use crate::error::ApiResult;
use crate::extract::{Fields, JsonBody, PathOf, QueryOf, parse_id};
use crate::state::AppState;
use crate::wire::chunk::ChunkListBody;
use crate::wire::collection::{CollectionBody, CollectionListBody, CollectionNameBody, CollectionRequest};
use crate::wire::document::{
    AnalysisBody, ChangeRequest, DeletedBody, DocumentBody, DocumentListBody, DocumentsHealthBody, StatsBody,
    StatusBody,
};
use crate::wire::time::rfc3339;

/// Rows of a list when no limit is given.
pub(super) const DEFAULT_ROWS: usize = 50;

pub(super) fn document_id(text: &str) -> Result<DocumentId, Refusal> {
    parse_id(text, ErrorCode::DocumentNotFound, "document")
}

/// Lists documents.
#[utoipa::path(
    get, path = "/api/v1/documents", operation_id = "list_documents", tag = "documents",
    params(
        ("search" = Option<String>, Query, description = "Part of the title or file name; case and accents do not matter"),
        ("tags" = Option<Vec<String>>, Query, description = "All of these: repeated, or parted by commas"),
        ("status" = Option<String>, Query, description = "Only this status"),
        ("collection" = Option<String>, Query, description = "Only this collection"),
        ("parent_id" = Option<String>, Query, description = "Only what came in this document, an archive or a mail"),
        ("limit" = Option<u32>, Query, description = "Rows, 1 to 1000; 50 if not given"),
        ("offset" = Option<u32>, Query, description = "Rows to pass over"),
        ("sort_by" = Option<String>, Query, description = "created_at (if not given), updated_at, title, filename, file_size or status"),
        ("sort_order" = Option<String>, Query, description = "desc (if not given) or asc"),
    ),
    responses((status = 200, description = "A page of documents", body = DocumentListBody)),
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Granted<Reading>,
    QueryOf(fields): QueryOf,
) -> ApiResult<Json<DocumentListBody>> {
    let query = read_query(fields)?;
    let list = state
        .options
        .library
        .list_documents(caller.scope(), &query)
        .await?;
    Ok(Json(DocumentListBody::new(&list, query.offset)))
}

fn read_query(mut fields: Fields) -> Result<DocumentQuery, Refusal> {
    let statuses = DocumentStatus::ALL.map(DocumentStatus::as_str);
    let query = DocumentQuery {
        search: fields.text("search"),
        tags: fields.tags().unwrap_or_default(),
        status: fields.choice("status", &statuses, DocumentStatus::from_name),
        collection: fields.parsed("collection", CollectionName::parse),
        parent_id: fields.parsed("parent_id", |text| text.parse::<DocumentId>()),
        limit: fields.count("limit", DEFAULT_ROWS),
        offset: fields.count("offset", 0),
        order: fields
            .choice(
                "sort_by",
                &[
                    "created_at",
                    "updated_at",
                    "title",
                    "filename",
                    "file_size",
                    "status",
                ],
                order,
            )
            .unwrap_or(DocumentOrder::CreatedAt),
        descending: fields
            .choice("sort_order", &["asc", "desc"], |name| match name {
                "asc" => Some(false),
                "desc" => Some(true),
                _ => None,
            })
            .unwrap_or(true),
    };
    fields.finish()?;
    Ok(query)
}

fn order(name: &str) -> Option<DocumentOrder> {
    Some(match name {
        "created_at" => DocumentOrder::CreatedAt,
        "updated_at" => DocumentOrder::UpdatedAt,
        "title" => DocumentOrder::Title,
        "filename" => DocumentOrder::Filename,
        "file_size" => DocumentOrder::FileSize,
        "status" => DocumentOrder::Status,
        _ => return None,
    })
}

/// A document.
#[utoipa::path(
    get, path = "/api/v1/documents/{document_id}", operation_id = "get_document", tag = "documents",
    params(("document_id" = String, Path, description = "The document")),
    responses((status = 200, description = "The document", body = DocumentBody)),
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Granted<ReadingPages>,
    PathOf(id): PathOf<String>,
) -> ApiResult<Json<DocumentBody>> {
    let document = state
        .options
        .library
        .get_document(caller.scope(), document_id(&id)?)
        .await?;
    Ok(Json(DocumentBody::from(&document)))
}

/// Changes title, description or tags. The index keeps the title it was made with.
#[utoipa::path(
    patch, path = "/api/v1/documents/{document_id}", operation_id = "change_document", tag = "documents",
    params(("document_id" = String, Path, description = "The document")),
    request_body = ChangeRequest,
    responses((status = 200, description = "The document as it is now", body = DocumentBody)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Granted<Ingesting>,
    PathOf(id): PathOf<String>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Json<DocumentBody>> {
    let id = document_id(&id)?;
    let change = read_change(fields)?;
    let document = state
        .options
        .library
        .change_document(caller.scope(), id, &change)
        .await?;
    Ok(Json(DocumentBody::from(&document)))
}

pub(crate) fn read_change(mut fields: Fields) -> Result<DocumentChange, Refusal> {
    let change = DocumentChange {
        title: fields.text("title"),
        description: fields.text("description"),
        tags: fields.tags(),
    };
    fields.finish()?;
    Ok(change)
}

/// Removes a document with everything made of it, also while it is being processed.
#[utoipa::path(
    delete, path = "/api/v1/documents/{document_id}", operation_id = "delete_document", tag = "documents",
    params(("document_id" = String, Path, description = "The document")),
    responses((status = 200, description = "What was removed", body = DeletedBody)),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Granted<Ingesting>,
    PathOf(id): PathOf<String>,
) -> ApiResult<Json<DeletedBody>> {
    let removed = state
        .options
        .library
        .delete_document(caller.scope(), document_id(&id)?)
        .await?;
    state
        .options
        .library
        .record(caller.scope(), caller.key_id(), "document.deleted", &id)
        .await;
    Ok(Json(DeletedBody::from(&removed)))
}

/// Where a document stands.
#[utoipa::path(
    get, path = "/api/v1/documents/{document_id}/status", operation_id = "document_status", tag = "documents",
    params(("document_id" = String, Path, description = "The document")),
    responses((status = 200, description = "Where it stands now", body = StatusBody)),
)]
pub(crate) async fn status(
    State(state): State<AppState>,
    caller: Granted<Reading>,
    PathOf(id): PathOf<String>,
) -> ApiResult<Json<StatusBody>> {
    let view = state
        .options
        .library
        .document_status(caller.scope(), document_id(&id)?)
        .await?;
    Ok(Json(StatusBody::from(&view)))
}

/// The chunks of a document, in reading order.
#[utoipa::path(
    get, path = "/api/v1/documents/{document_id}/chunks", operation_id = "document_chunks", tag = "documents",
    params(
        ("document_id" = String, Path, description = "The document"),
        ("limit" = Option<u32>, Query, description = "Rows, 1 to 1000; 50 if not given"),
        ("offset" = Option<u32>, Query, description = "Rows to pass over"),
    ),
    responses((status = 200, description = "A page of chunks", body = ChunkListBody)),
)]
pub(crate) async fn chunks(
    State(state): State<AppState>,
    caller: Granted<Reading>,
    PathOf(id): PathOf<String>,
    QueryOf(mut fields): QueryOf,
) -> ApiResult<Json<ChunkListBody>> {
    let id = document_id(&id)?;
    let (limit, offset) = (fields.count("limit", DEFAULT_ROWS), fields.count("offset", 0));
    fields.finish()?;
    let page = state
        .options
        .library
        .document_chunks(caller.scope(), id, limit, offset)
        .await?;
    Ok(Json(ChunkListBody::new(&page, offset)))
}

/// What extraction had to say of a document.
#[utoipa::path(
    get, path = "/api/v1/documents/{document_id}/analysis", operation_id = "document_analysis", tag = "documents",
    params(("document_id" = String, Path, description = "The document")),
    responses((status = 200, description = "Its figures, and what did not go as it should", body = AnalysisBody)),
)]
pub(crate) async fn analysis(
    State(state): State<AppState>,
    caller: Granted<Reading>,
    PathOf(id): PathOf<String>,
) -> ApiResult<Json<AnalysisBody>> {
    let id = document_id(&id)?;
    let record = state
        .options
        .library
        .document_analysis(caller.scope(), id)
        .await?;
    Ok(Json(AnalysisBody::new(id, &record)))
}

/// How much there is.
#[utoipa::path(
    get, path = "/api/v1/documents/stats", operation_id = "document_stats", tag = "documents",
    responses((status = 200, description = "Counts", body = StatsBody)),
)]
pub(crate) async fn stats(
    State(state): State<AppState>,
    caller: Granted<Reading>,
) -> ApiResult<Json<StatsBody>> {
    let stats = state.options.library.stats(caller.scope()).await?;
    Ok(Json(StatsBody::from(&stats)))
}

/// Whether documents can be worked with.
#[utoipa::path(
    get, path = "/api/v1/documents/health", operation_id = "documents_health", tag = "documents",
    responses((status = 200, description = "They can; else 503", body = DocumentsHealthBody)),
)]
pub(crate) async fn health(
    State(state): State<AppState>,
    caller: Granted<Reading>,
) -> ApiResult<Json<DocumentsHealthBody>> {
    let stats = state.options.library.stats(caller.scope()).await?;
    let now = rfc3339(state.options.library.ports().clock.now());
    Ok(Json(DocumentsHealthBody::new(&stats, now)))
}

/// The collections that may be seen, by name.
#[utoipa::path(
    get, path = "/api/v1/collections", operation_id = "list_collections", tag = "collections",
    responses((status = 200, description = "All of them", body = CollectionListBody)),
)]
pub(crate) async fn collections(
    State(state): State<AppState>,
    caller: Granted<Reading>,
) -> ApiResult<Json<CollectionListBody>> {
    let collections = state.options.library.list_collections(caller.scope()).await?;
    Ok(Json(CollectionListBody {
        collections: collections.iter().map(CollectionBody::from).collect(),
    }))
}

/// Makes a collection; one that is there stays as it is.
#[utoipa::path(
    post, path = "/api/v1/collections", operation_id = "create_collection", tag = "collections",
    request_body = CollectionRequest,
    responses((status = 201, description = "It is there", body = CollectionNameBody)),
)]
pub(crate) async fn create_collection(
    State(state): State<AppState>,
    caller: Granted<Ingesting>,
    JsonBody(fields): JsonBody,
) -> ApiResult<(StatusCode, Json<CollectionNameBody>)> {
    let name = read_collection(fields)?;
    state
        .options
        .library
        .create_collection(caller.scope(), &name)
        .await?;
    Ok((StatusCode::CREATED, Json(CollectionNameBody::from(&name))))
}

pub(crate) fn read_collection(mut fields: Fields) -> Result<CollectionName, Refusal> {
    let name = fields.required_parsed("name", CollectionName::parse);
    fields.finish()?;
    // `finish` has refused what is missing.
    name.ok_or_else(|| Refusal::field("name", "is required"))
}

/// Removes a collection without documents.
#[utoipa::path(
    delete, path = "/api/v1/collections/{name}", operation_id = "delete_collection", tag = "collections",
    params(("name" = String, Path, description = "The collection")),
    responses((status = 200, description = "It is gone", body = CollectionNameBody)),
)]
pub(crate) async fn delete_collection(
    State(state): State<AppState>,
    caller: Granted<Administering>,
    PathOf(name): PathOf<String>,
) -> ApiResult<Json<CollectionNameBody>> {
    let name = CollectionName::parse(&name).map_err(|_| {
        Refusal::new(
            ErrorCode::CollectionNotFound,
            "there is no collection of that name",
        )
    })?;
    let library = &state.options.library;
    library.delete_collection(caller.scope(), &name).await?;
    library
        .record(
            caller.scope(),
            caller.key_id(),
            "collection.deleted",
            name.as_str(),
        )
        .await;
    Ok(Json(CollectionNameBody::from(&name)))
}

/// A document's id, as a field's parser.
pub(super) fn id_in_field(text: &str) -> Result<DocumentId, &'static str> {
    text.parse::<DocumentId>()
        .map_err(|_| "must be the id of a document")
}
