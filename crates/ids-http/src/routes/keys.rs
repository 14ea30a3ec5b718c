//! Keys: making, listing and revoking them, the page's own, and the record of what was done.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ids_core::access::{KeySecret, Permission, Permissions};
use ids_core::error::{ErrorCode, Refusal};
use ids_core::library::KeyRequest;
use ids_core::scope::{CollectionAccess, CollectionName};

use super::documents::DEFAULT_ROWS;
use crate::access::{Administering, Granted, IsEncrypted, cookie};
use crate::error::ApiResult;
use crate::extract::{Fields, JsonBody, PathOf, QueryOf, parse_id};
use crate::state::AppState;
use crate::wire;
use crate::wire::key::{AuditEntryBody, AuditListBody, CreatedKeyBody, KeyBody, KeyListBody};

/// Makes a key of this organization. Its secret is in this reply only.
#[utoipa::path(
    post, path = "/api/v1/keys", operation_id = "create_key", tag = "keys",
    request_body = wire::key::KeyRequest,
    responses((status = 201, description = "The key with its secret", body = CreatedKeyBody)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Granted<Administering>,
    JsonBody(fields): JsonBody,
) -> ApiResult<(StatusCode, Json<CreatedKeyBody>)> {
    let request = read_key(fields)?;
    let library = &state.options.library;
    // Asked for before the secret is made, which would be lost with an error after it.
    let found = library
        .ports()
        .organizations
        .find_organization(caller.scope())
        .await;
    let organization = found.map_err(Refusal::from)?;
    let name = organization.map_or_else(String::new, |found| found.name.to_string());
    let created = library.create_key(caller.scope(), request).await?;
    let key_id = created.key.key_id.to_string();
    library
        .record(caller.scope(), caller.key_id(), "key.created", &key_id)
        .await;
    Ok((StatusCode::CREATED, Json(CreatedKeyBody::new(&created, name))))
}

pub(crate) fn read_key(mut fields: Fields) -> Result<KeyRequest, Refusal> {
    let name = fields.text("name");
    let permissions: Option<Vec<Permission>> = fields.list("scopes", |word| {
        Permission::from_name(word).ok_or("must be of search, ask, ingest and admin")
    });
    if permissions.is_none() {
        fields.refuse("scopes", "is required");
    }
    let collections = fields.list("collections", CollectionName::parse);
    let lifetime = fields.whole_number("expires_in").map(Duration::from_secs);
    fields.finish()?;
    Ok(KeyRequest {
        name,
        permissions: permissions
            .unwrap_or_default()
            .into_iter()
            .collect::<Permissions>(),
        collections: collections.map_or(CollectionAccess::All, CollectionAccess::Only),
        lifetime,
    })
}

/// The keys of this organization, newest first, revoked ones too.
#[utoipa::path(
    get, path = "/api/v1/keys", operation_id = "list_keys", tag = "keys",
    responses((status = 200, description = "All of them", body = KeyListBody)),
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Granted<Administering>,
) -> ApiResult<Json<KeyListBody>> {
    let keys = state.options.library.list_keys(caller.scope()).await?;
    Ok(Json(KeyListBody {
        keys: keys.iter().map(KeyBody::from).collect(),
    }))
}

/// Takes a key out of use, for ever and at once.
#[utoipa::path(
    delete, path = "/api/v1/keys/{key_id}", operation_id = "revoke_key", tag = "keys",
    params(("key_id" = String, Path, description = "The key")),
    responses((status = 200, description = "The key as it is now", body = KeyBody)),
)]
pub(crate) async fn revoke(
    State(state): State<AppState>,
    caller: Granted<Administering>,
    PathOf(id): PathOf<String>,
) -> ApiResult<Json<KeyBody>> {
    let key_id = parse_id(&id, ErrorCode::KeyNotFound, "key")?;
    let library = &state.options.library;
    let key = library.revoke_key(caller.scope(), key_id).await?;
    library
        .record(
            caller.scope(),
            caller.key_id(),
            "key.revoked",
            &key_id.to_string(),
        )
        .await;
    Ok(Json(KeyBody::from(&key)))
}

/// What was done, newest first.
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "audit", tag = "keys",
    params(
        ("before" = Option<i64>, Query, description = "Entries before this one"),
        ("limit" = Option<u32>, Query, description = "Rows, 1 to 1000; 50 if not given"),
    ),
    responses((status = 200, description = "A page of the record", body = AuditListBody)),
)]
pub(crate) async fn audit(
    State(state): State<AppState>,
    caller: Granted<Administering>,
    QueryOf(mut fields): QueryOf,
) -> ApiResult<Json<AuditListBody>> {
    let before = fields
        .whole_number("before")
        .map(|entry| i64::try_from(entry).unwrap_or(i64::MAX));
    let limit = fields.count("limit", DEFAULT_ROWS);
    fields.finish()?;
    let entries = state
        .options
        .library
        .list_record(caller.scope(), before, limit)
        .await?;
    Ok(Json(AuditListBody {
        entries: entries.iter().map(AuditEntryBody::from).collect(),
    }))
}

/// Keeps a key for the page, in a cookie that no script reads.
#[utoipa::path(
    post, path = "/api/v1/login", operation_id = "login", tag = "keys",
    request_body = wire::key::LoginRequest,
    responses((status = 204, description = "The key works, and is kept")),
)]
pub(crate) async fn login(
    State(state): State<AppState>,
    IsEncrypted(is_encrypted): IsEncrypted,
    JsonBody(fields): JsonBody,
) -> ApiResult<Response> {
    let secret = read_login(fields)?;
    state.options.library.authenticate(&secret).await?;
    Ok(no_content(cookie::keep(&secret, is_encrypted)))
}

pub(crate) fn read_login(mut fields: Fields) -> Result<KeySecret, Refusal> {
    let secret = fields.required_parsed("key", str::parse::<KeySecret>);
    fields.finish()?;
    // `finish` has refused what is missing.
    secret.ok_or_else(|| Refusal::field("key", "is required"))
}

/// Forgets the page's key.
#[utoipa::path(
    post, path = "/api/v1/logout", operation_id = "logout", tag = "keys",
    responses((status = 204, description = "It is forgotten here; it still works elsewhere")),
)]
pub(crate) async fn logout(IsEncrypted(is_encrypted): IsEncrypted) -> Response {
    no_content(cookie::forget(is_encrypted))
}

fn no_content(cookie: Option<HeaderValue>) -> Response {
    let mut headers = HeaderMap::new();
    if let Some(cookie) = cookie {
        headers.insert(header::SET_COOKIE, cookie);
    }
    (StatusCode::NO_CONTENT, headers).into_response()
}
