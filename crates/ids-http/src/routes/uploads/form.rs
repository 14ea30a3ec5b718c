//! POST /documents: a file and what is said of it, as one form. The file is streamed to where it will lie, whatever the
//! order of the parts; a form that is refused leaves nothing.

use std::time::Duration;

use axum::Json;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{StatusCode, header};
use ids_core::error::{ErrorCode, Refusal};
use ids_core::library::{IncomingFile, NewFile};
use ids_core::password::Password;
use ids_core::scope::Scope;

use super::{read_details, status_of};
use crate::access::{Granted, Ingesting};
use crate::error::ApiResult;
use crate::extract::{Fields, has_content_type};
use crate::routes::documents::id_in_field;
use crate::routes::drain;
use crate::routes::local::absolute_path;
use crate::state::AppState;
use crate::wire::upload::{UploadForm, UploadedBody};

/// Parts that are read; others are passed over.
const TEXTS: [&str; 6] = [
    "title",
    "description",
    "tags",
    "collection",
    "document_id",
    "password",
];
/// Only from this machine's own command line.
const SOURCE_PATH: &str = "source_path";
/// Bytes of one text part: ten times the longest description.
const TEXT_BYTES: usize = 64 * 1024;
/// Parts of one form: every tag on its own, and room.
const PARTS: usize = 200;
/// How long the rest of a refused form is read; see [`drain`].
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Takes a file in one step.
#[utoipa::path(
    post, path = "/api/v1/documents", operation_id = "upload_document", tag = "uploads",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 202, description = "Accepted: it will not be lost", body = UploadedBody)),
)]
pub(crate) async fn upload(
    State(state): State<AppState>,
    caller: Granted<Ingesting>,
    request: Request,
) -> ApiResult<(StatusCode, Json<UploadedBody>)> {
    if !has_content_type(request.headers(), "multipart/form-data") {
        let message = "the body must be a form; send it as `multipart/form-data` with a part `file`";
        drain(request).await;
        return Err(Refusal::new(ErrorCode::UnsupportedType, message).into());
    }
    if announced_length(&request).is_some_and(|length| length > state.max_multipart()) {
        drain(request).await;
        return Err(too_large(&state).into());
    }
    let mut multipart = Multipart::from_request(request, &state)
        .await
        .map_err(|rejection| {
            Refusal::field("body", "has no boundary in its content type").caused_by(rejection)
        })?;
    let scope = caller.scope();
    let form = match read_form(&state, scope, &mut multipart).await {
        Ok(form) => form,
        Err(refusal) => {
            drain_form(multipart).await;
            return Err(refusal.into());
        }
    };
    let (incoming, file) = form.finish()?;
    let processing = state.options.library.accept_file(scope, incoming, file).await?;
    let status = status_of(&state, scope, &processing).await;
    Ok((StatusCode::ACCEPTED, Json(UploadedBody::new(&processing, status))))
}

/// What was read of a form so far.
#[derive(Default)]
struct Form {
    texts: Vec<(String, String)>,
    file: Option<(String, IncomingFile)>,
}

impl Form {
    /// What the form says, once it is whole.
    fn finish(self) -> Result<(IncomingFile, NewFile), Refusal> {
        let mut fields = Fields::of_texts(self.texts);
        let password = fields.text("password").and_then(Password::new);
        let (filename, incoming) = match self.file {
            Some((filename, incoming)) => (filename, Some(incoming)),
            None => {
                fields.refuse("file", "is required");
                (String::new(), None)
            }
        };
        let document_id = fields.parsed("document_id", id_in_field);
        let source = fields.parsed(SOURCE_PATH, absolute_path);
        let details = read_details(&mut fields, filename);
        fields.finish()?;
        match incoming {
            Some(incoming) => Ok((
                incoming,
                NewFile {
                    details,
                    document_id,
                    source,
                    password,
                    sent_hash: None,
                },
            )),
            // `finish` has refused what is missing.
            None => Err(Refusal::field("file", "is required")),
        }
    }
}

async fn read_form(state: &AppState, scope: &Scope, multipart: &mut Multipart) -> Result<Form, Refusal> {
    let mut form = Form::default();
    let mut parts = 0;
    while let Some(field) = multipart
        .next_field()
        .await
        .map_err(|error| broken(state, error))?
    {
        parts += 1;
        if parts > PARTS {
            return Err(Refusal::field("body", format!("must have at most {PARTS} parts")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            if form.file.is_some() {
                return Err(Refusal::field("file", "must be given once"));
            }
            form.file = Some(read_file(state, scope, field).await?);
        } else if TEXTS.contains(&name.as_str()) || (state.local && name == SOURCE_PATH) {
            let text = read_text(state, &name, field).await?;
            form.texts.push((name, text));
        }
    }
    Ok(form)
}

async fn read_file(
    state: &AppState,
    scope: &Scope,
    mut field: Field<'_>,
) -> Result<(String, IncomingFile), Refusal> {
    // Some browsers send the path: what counts is the name.
    let sent = field.file_name().unwrap_or_default();
    let filename = sent.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    if filename.is_empty() {
        return Err(Refusal::field("file", "must come with its file name"));
    }
    let mut incoming = state.options.library.begin_file(scope).await?;
    while let Some(piece) = field.chunk().await.map_err(|error| broken(state, error))? {
        incoming.write(&piece).await?;
    }
    Ok((filename, incoming))
}

async fn read_text(state: &AppState, name: &str, mut field: Field<'_>) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|error| broken(state, error))? {
        if bytes.len() + piece.len() > TEXT_BYTES {
            return Err(Refusal::field(
                name,
                format!("must have at most {TEXT_BYTES} bytes"),
            ));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| Refusal::field(name, "must be text in UTF-8"))
}

fn announced_length(request: &Request) -> Option<u64> {
    request
        .headers()
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn broken(state: &AppState, error: MultipartError) -> Refusal {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large(state);
    }
    Refusal::field("body", "is no whole form; send it again").caused_by(error)
}

fn too_large(state: &AppState) -> Refusal {
    let megabytes = state.options.library.settings().max_file_size / (1024 * 1024);
    Refusal::new(
        ErrorCode::FileTooLarge,
        format!("the file is larger than the {megabytes} MB that are taken here"),
    )
}

async fn drain_form(mut multipart: Multipart) {
    let reading = async {
        while let Ok(Some(mut field)) = multipart.next_field().await {
            while let Ok(Some(_)) = field.chunk().await {}
        }
    };
    // The form's own limit ends it too.
    let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
}
