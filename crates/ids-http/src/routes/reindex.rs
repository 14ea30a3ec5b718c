//! POST /documents/{id}/reindex: the document is read anew from its kept original, which a password may open.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use ids_core::document::DocumentDetails;
use ids_core::error::{ErrorCode, Refusal};
use ids_core::library::{NewFile, Original};
use ids_core::password::Password;
use tokio::io::AsyncReadExt;

use super::documents::document_id;
use super::uploads::status_of;
use crate::access::{Granted, Ingesting};
use crate::error::ApiResult;
use crate::extract::{Fields, JsonBody, PathOf, has_content_type};
use crate::state::AppState;
use crate::wire::upload::{ReindexRequest, UploadedBody};

/// Bytes that are copied at once.
const BUFFER_BYTES: usize = 256 * 1_024;

/// Reads a document anew, as a further version that takes the place of the one that is there when it is whole. For scans that came before
/// text recognition was set up, and for protected files that came without their password.
#[utoipa::path(
    post, path = "/api/v1/documents/{document_id}/reindex", operation_id = "reindex_document", tag = "documents",
    params(("document_id" = String, Path, description = "The document")),
    request_body = Option<ReindexRequest>,
    responses((status = 202, description = "Accepted: it will not be lost", body = UploadedBody)),
)]
pub(crate) async fn reindex(
    State(state): State<AppState>,
    caller: Granted<Ingesting>,
    PathOf(id): PathOf<String>,
    request: Request,
) -> ApiResult<(StatusCode, Json<UploadedBody>)> {
    let id = document_id(&id)?;
    // There is nothing that must be said.
    let password = if has_content_type(request.headers(), "application/json") {
        let JsonBody(fields) = JsonBody::from_request(request, &()).await?;
        read_password(fields)?
    } else {
        None
    };
    let library = &state.options.library;
    let scope = caller.scope();
    let Original {
        file,
        filename,
        sent_hash,
    } = library.open_original(scope, id).await?;
    let mut source = tokio::fs::File::open(file.path()).await.map_err(unreadable)?;
    let mut incoming = library.begin_file(scope).await?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = source.read(&mut buffer).await.map_err(unreadable)?;
        if read == 0 {
            break;
        }
        incoming.write(&buffer[..read]).await?;
    }
    let further = NewFile {
        password,
        sent_hash,
        details: DocumentDetails {
            filename,
            title: None,
            description: None,
            tags: Vec::new(),
            collection: Default::default(),
        },
        document_id: Some(id),
        source: None,
    };
    let processing = library.accept_file(scope, incoming, further).await?;
    let status = status_of(&state, scope, &processing).await;
    Ok((StatusCode::ACCEPTED, Json(UploadedBody::new(&processing, status))))
}

pub(crate) fn read_password(mut fields: Fields) -> Result<Option<Password>, Refusal> {
    let password = fields.text("password").and_then(Password::new);
    fields.finish()?;
    Ok(password)
}

fn unreadable(error: std::io::Error) -> Refusal {
    Refusal::new(ErrorCode::Internal, "internal error").caused_by(error)
}
