//! JSON bodies.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;
use ids_core::error::{ErrorCode, Refusal};
use serde_json::Value;

use super::Fields;
use crate::error::ApiError;

/// Bytes of a JSON body: the longest query, a thousand ids in the filter, and room.
const JSON_BYTES: usize = 1024 * 1024;

/// The fields of a JSON object.
pub(crate) struct JsonBody(pub(crate) Fields);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        if !has_content_type(request.headers(), "application/json") {
            let message = "the body must be JSON; send it with `content-type: application/json`";
            return Err(ApiError::new(ErrorCode::UnsupportedType, message));
        }
        let bytes = read_all(request.into_body(), JSON_BYTES).await?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            // The parser's own words name no content of the body, only what it expected.
            Refusal::new(
                ErrorCode::InvalidJson,
                format!("the body is not JSON: line {line}, column {column}"),
            )
            .caused_by(error)
        })?;
        match value {
            Value::Object(object) => Ok(Self(Fields::of_json(object))),
            _ => Err(Refusal::field("body", "must be a JSON object").into()),
        }
    }
}

/// Whether the request's content type is `wanted`, whatever its parameters.
pub(crate) fn has_content_type(headers: &HeaderMap, wanted: &str) -> bool {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    given
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case(wanted)
}

/// A whole body of at most `limit` bytes.
///
/// # Errors
/// `FILE_TOO_LARGE`; `INVALID_JSON` when it breaks off.
pub(crate) async fn read_all(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let mut stream = body.into_data_stream();
    let mut whole = Vec::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| {
            Refusal::new(ErrorCode::InvalidJson, "the body broke off; send it again").caused_by(error)
        })?;
        if whole.len() + piece.len() > limit {
            return Err(Refusal::new(
                ErrorCode::FileTooLarge,
                format!(
                    "the body is larger than the {} KB that are taken here",
                    limit / 1024
                ),
            ));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}
