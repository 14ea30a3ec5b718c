//! Taking files in: announced uploads (presigned → PUT → process), and in one step (see [`form`]).

mod form;

use axum::Json;
use axum::body::BodyDataStream;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use ids_core::document::{ContentHash, ContentType, DocumentDetails, DocumentStatus};
use ids_core::error::{ErrorCode, Refusal};
use ids_core::id::{OrganizationId, UploadId};
use ids_core::library::{Processing, UploadAnnouncement, UploadReceiver};
use ids_core::scope::{CollectionName, Scope};

pub(crate) use form::{__path_upload, upload};

use super::documents::{document_id, id_in_field};
use super::local::file_hash;
use super::{drain, drain_stream};
use crate::access::{Granted, Ingesting, host};
use crate::error::ApiResult;
use crate::extract::{Fields, JsonBody, PathOf, content_type, parse_id};
use crate::state::AppState;
use crate::wire::upload::{PresignedBody, PresignedRequest, ProcessBody, ProcessRequest};

/// Announces an upload, and gives the address for its bytes.
#[utoipa::path(
    post, path = "/api/v1/documents/upload/presigned", operation_id = "announce_upload", tag = "uploads",
    request_body = PresignedRequest,
    responses((status = 200, description = "Where the bytes go", body = PresignedBody)),
)]
pub(crate) async fn presigned(
    State(state): State<AppState>,
    caller: Granted<Ingesting>,
    headers: HeaderMap,
    JsonBody(fields): JsonBody,
) -> ApiResult<Json<PresignedBody>> {
    let announcement = read_announcement(fields)?;
    let upload = state
        .options
        .library
        .announce_upload(caller.scope(), announcement)
        .await?;
    let address = absolute(&upload.signed.url, state.options.public_url.as_deref(), &headers);
    Ok(Json(PresignedBody::new(&upload, address)))
}

pub(crate) fn read_announcement(mut fields: Fields) -> Result<UploadAnnouncement, Refusal> {
    let filename = fields.required_text("filename");
    let file_size = fields.required_whole_number("file_size");
    let content_type = fields.required_parsed("content_type", content_type);
    let document_id = fields.parsed("document_id", id_in_field);
    let details = read_details(&mut fields, filename);
    fields.finish()?;
    match content_type {
        Some(content_type) => Ok(UploadAnnouncement {
            details,
            file_size,
            content_type,
            document_id,
        }),
        // `finish` has refused what is missing.
        None => Err(Refusal::field("content_type", "is required")),
    }
}

/// What a request says of a document.
fn read_details(fields: &mut Fields, filename: String) -> DocumentDetails {
    DocumentDetails {
        title: fields.text("title"),
        description: fields.text("description"),
        tags: fields.tags().unwrap_or_default(),
        collection: fields
            .parsed("collection", CollectionName::parse)
            .unwrap_or_default(),
        filename,
    }
}

/// The address as a client elsewhere can use it: `PUBLIC_URL`, else the way this request came.
fn absolute(url: &str, public_url: Option<&str>, headers: &HeaderMap) -> String {
    if url.contains("://") {
        return url.to_owned();
    }
    match public_url {
        Some(public_url) => format!("{}{url}", public_url.trim_end_matches('/')),
        None => format!("http://{}{url}", host(headers).unwrap_or("localhost")),
    }
}

/// Takes the bytes of an announced upload. The address is signed: no key is needed, and no other type or length is taken.
#[utoipa::path(
    put, path = "/api/v1/uploads/{organization}/{upload_id}", operation_id = "send_upload", tag = "uploads",
    params(
        ("organization" = String, Path, description = "As in `upload_url`"),
        ("upload_id" = String, Path, description = "As in `upload_url`"),
    ),
    request_body(content = String, content_type = "application/octet-stream", description = "The bytes"),
    responses((status = 200, description = "The bytes are there")),
)]
pub(crate) async fn receive(
    State(state): State<AppState>,
    PathOf((organization, upload_id)): PathOf<(String, String)>,
    RawQuery(query): RawQuery,
    request: Request,
) -> ApiResult<StatusCode> {
    let signature = query.unwrap_or_default();
    match open(&state, &organization, &upload_id, &signature, request.headers()).await {
        Ok(receiver) => {
            let mut body = request.into_body().into_data_stream();
            let copied = copy(&mut body, receiver).await;
            if copied.is_err() {
                drain_stream(body).await;
            }
            Ok(copied?)
        }
        Err(refusal) => {
            drain(request).await;
            Err(refusal.into())
        }
    }
}

async fn open(
    state: &AppState,
    organization: &str,
    upload_id: &str,
    signature: &str,
    headers: &HeaderMap,
) -> Result<UploadReceiver, Refusal> {
    let organization: OrganizationId = parse_id(organization, ErrorCode::UploadNotFound, "upload")?;
    let upload_id: UploadId = parse_id(upload_id, ErrorCode::UploadNotFound, "upload")?;
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &axum::http::HeaderValue| value.to_str().ok())
    };
    let content_type = text(header::CONTENT_TYPE).and_then(ContentType::parse);
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    state
        .options
        .library
        .receive_upload(organization, upload_id, signature, content_type.as_ref(), length)
        .await
}

async fn copy(body: &mut BodyDataStream, mut receiver: UploadReceiver) -> Result<StatusCode, Refusal> {
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| {
            Refusal::new(
                ErrorCode::UploadIncomplete,
                "the bytes broke off and nothing was kept; send them again",
            )
            .caused_by(error)
        })?;
        receiver.write(&piece).await?;
    }
    receiver.finish().await?;
    Ok(StatusCode::OK)
}

/// Accepts an announced upload for processing. Called again, it gives the same job.
#[utoipa::path(
    post, path = "/api/v1/documents/{document_id}/process", operation_id = "process_upload", tag = "uploads",
    params(("document_id" = String, Path, description = "The document")),
    request_body = ProcessRequest,
    responses((status = 202, description = "Accepted: it will not be lost", body = ProcessBody)),
)]
pub(crate) async fn process(
    State(state): State<AppState>,
    caller: Granted<Ingesting>,
    PathOf(id): PathOf<String>,
    JsonBody(fields): JsonBody,
) -> ApiResult<(StatusCode, Json<ProcessBody>)> {
    let id = document_id(&id)?;
    let (upload_id, announced_hash) = read_process(fields)?;
    let processing = state
        .options
        .library
        .process_upload(caller.scope(), id, upload_id, announced_hash)
        .await?;
    let status = status_of(&state, caller.scope(), &processing).await;
    Ok((StatusCode::ACCEPTED, Json(ProcessBody::new(&processing, status))))
}

pub(crate) fn read_process(mut fields: Fields) -> Result<(UploadId, Option<ContentHash>), Refusal> {
    let upload_id = fields.required_parsed("upload_id", |text| {
        text.parse::<UploadId>()
            .map_err(|_| "must be the id that came with the upload address")
    });
    let announced_hash = fields.parsed("file_hash", file_hash);
    fields.finish()?;
    match upload_id {
        Some(upload_id) => Ok((upload_id, announced_hash)),
        // `finish` has refused what is missing.
        None => Err(Refusal::field("upload_id", "is required")),
    }
}

/// Where an accepted document stands by now: a worker may have it already, or this is the second call.
pub(super) async fn status_of(state: &AppState, scope: &Scope, processing: &Processing) -> DocumentStatus {
    let document: Result<_, Refusal> = state
        .options
        .library
        .get_document(scope, processing.document_id)
        .await;
    // What was accepted stays accepted, whatever this look at it gave.
    document.map_or(DocumentStatus::Uploaded, |document| document.status)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::absolute;

    #[test]
    fn an_upload_address_is_absolute() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost:8000"));
        let check = |url, public_url, wanted: &str| assert_eq!(absolute(url, public_url, &headers), wanted);

        check(
            "/api/v1/uploads/o/u?s=1",
            None,
            "http://localhost:8000/api/v1/uploads/o/u?s=1",
        );
        check(
            "/api/v1/uploads/o/u",
            Some("https://ids.example.org/"),
            "https://ids.example.org/api/v1/uploads/o/u",
        );
        check(
            "https://bucket.example.org/u",
            Some("https://ids.example.org"),
            "https://bucket.example.org/u",
        );
    }
}
