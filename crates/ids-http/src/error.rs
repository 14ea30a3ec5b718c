//! The error table: what each [`ErrorCode`] means on the wire, and the one shape all errors have.
//!
//! `docs/api/errors.md` is generated from this file. The matches have no `_` arm: a new code does not compile until
//! someone decides what it means here.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ids_core::error::{ErrorCode, Refusal};

/// The HTTP status a code is sent with.
pub const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidJson => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden | ErrorCode::OriginRefused | ErrorCode::UploadSignatureInvalid => {
            StatusCode::FORBIDDEN
        }
        ErrorCode::DocumentNotFound
        | ErrorCode::CollectionNotFound
        | ErrorCode::PageNotFound
        | ErrorCode::PageImageUnavailable
        | ErrorCode::JobNotFound
        | ErrorCode::SessionNotFound
        | ErrorCode::MessageNotFound
        | ErrorCode::UploadNotFound
        | ErrorCode::KeyNotFound
        | ErrorCode::OrganizationNotFound
        | ErrorCode::ModelNotFound
        | ErrorCode::RouteNotFound => StatusCode::NOT_FOUND,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        // The bytes are there already, or not yet, or the work is over: the request is right, its time is not.
        ErrorCode::UploadUrlUsed
        | ErrorCode::UploadIncomplete
        | ErrorCode::CollectionNotEmpty
        | ErrorCode::OriginalNotKept
        | ErrorCode::JobAlreadyEnded => StatusCode::CONFLICT,
        ErrorCode::UploadExpired => StatusCode::GONE,
        ErrorCode::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        // The bytes or fields themselves are at fault.
        ErrorCode::ValidationFailed
        | ErrorCode::EmptyFile
        | ErrorCode::HashMismatch
        | ErrorCode::Encrypted
        | ErrorCode::Corrupt
        | ErrorCode::ExpandsTooFar
        | ErrorCode::Timeout
        | ErrorCode::OutOfMemory
        | ErrorCode::ParserCrashed
        | ErrorCode::NoText => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::DependencyUnavailable | ErrorCode::Busy | ErrorCode::EmbeddingFailed => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorCode::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
    }
}

/// A few words for a code: the `error` of the body, the same each time.
pub const fn title(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidJson => "the body is not JSON",
        ErrorCode::Unauthenticated => "no valid key",
        ErrorCode::Forbidden => "not allowed",
        ErrorCode::OriginRefused => "another site asked",
        ErrorCode::UploadSignatureInvalid => "not the upload that was signed",
        ErrorCode::DocumentNotFound => "document not found",
        ErrorCode::CollectionNotFound => "collection not found",
        ErrorCode::PageNotFound => "page not found",
        ErrorCode::PageImageUnavailable => "no picture of this page",
        ErrorCode::JobNotFound => "job not found",
        ErrorCode::SessionNotFound => "session not found",
        ErrorCode::MessageNotFound => "answer not found",
        ErrorCode::UploadNotFound => "upload not found",
        ErrorCode::KeyNotFound => "key not found",
        ErrorCode::OrganizationNotFound => "organization not found",
        ErrorCode::ModelNotFound => "model not found",
        ErrorCode::RouteNotFound => "no such address",
        ErrorCode::MethodNotAllowed => "method not allowed",
        ErrorCode::UploadUrlUsed => "upload address used already",
        ErrorCode::UploadIncomplete => "upload incomplete",
        ErrorCode::CollectionNotEmpty => "collection not empty",
        ErrorCode::OriginalNotKept => "original not kept",
        ErrorCode::JobAlreadyEnded => "job ended already",
        ErrorCode::UploadExpired => "upload address expired",
        ErrorCode::FileTooLarge => "too large",
        ErrorCode::UnsupportedType => "type not supported",
        ErrorCode::ValidationFailed => "validation failed",
        ErrorCode::EmptyFile => "empty file",
        ErrorCode::HashMismatch => "hash mismatch",
        ErrorCode::RateLimited => "too many requests",
        ErrorCode::Internal => "internal error",
        ErrorCode::DependencyUnavailable => "temporarily unavailable",
        ErrorCode::Busy => "busy",
        ErrorCode::StorageFull => "disk full",
        ErrorCode::Encrypted => "password protected",
        ErrorCode::Corrupt => "damaged file",
        ErrorCode::ExpandsTooFar => "file unpacks to too much",
        ErrorCode::Timeout => "reading took too long",
        ErrorCode::OutOfMemory => "reading took too much memory",
        ErrorCode::ParserCrashed => "reading broke off",
        ErrorCode::NoText => "no text found",
        ErrorCode::EmbeddingFailed => "meaning could not be computed",
    }
}

/// What a caller can do about a code.
pub const fn advice(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidJson => "Send a JSON object; `detail` says where it breaks off.",
        ErrorCode::Unauthenticated => {
            "Send `Authorization: Bearer ids_…` with a key that is neither revoked nor expired."
        }
        ErrorCode::Forbidden => "Ask for a key with the scope, or the collection, that is needed.",
        ErrorCode::OriginRefused => {
            "Without keys only pages of this machine may ask: use `localhost`, or list the page's origin in `CORS_ORIGINS`."
        }
        ErrorCode::UploadSignatureInvalid => {
            "Use `upload_url` and `headers` exactly as given, with as many bytes as announced."
        }
        ErrorCode::DocumentNotFound => {
            "Check the id; the document may have been deleted, or belong to someone else."
        }
        ErrorCode::CollectionNotFound => "Check the name; an upload makes a collection, a search does not.",
        ErrorCode::PageNotFound => "Pages count from 1 to `page_count`, once the document is extracted.",
        ErrorCode::PageImageUnavailable => {
            "Show the page's text: only PDFs and pictures whose original is kept have pictures of their pages."
        }
        ErrorCode::JobNotFound => "Check the id; the job goes with its document.",
        ErrorCode::SessionNotFound => "Begin a new session.",
        ErrorCode::MessageNotFound => "Load the session again: the answer may have been replaced.",
        ErrorCode::UploadNotFound => {
            "Check both ids; an upload that nobody finished is removed after its time."
        }
        ErrorCode::KeyNotFound => "Check the id; the key may belong to another organization.",
        ErrorCode::OrganizationNotFound => "Check the name against `ids organizations list`.",
        ErrorCode::ModelNotFound => "Use one of the names that `/v1/models` lists.",
        ErrorCode::RouteNotFound => "Check the address against `/docs`.",
        ErrorCode::MethodNotAllowed => "Use one of the methods in the `Allow` header.",
        ErrorCode::UploadUrlUsed => "The bytes are there already: go on with /process.",
        ErrorCode::UploadIncomplete => "Send the bytes to `upload_url` first, whole.",
        ErrorCode::CollectionNotEmpty => "Delete its documents first.",
        ErrorCode::OriginalNotKept => "Upload the file again, with this `document_id`.",
        ErrorCode::JobAlreadyEnded => "Nothing to do: look at the job's state.",
        ErrorCode::UploadExpired => "Ask for a new upload address.",
        ErrorCode::FileTooLarge => "Send a smaller file, or raise `MAX_FILE_SIZE_MB`.",
        ErrorCode::UnsupportedType => {
            "Send one of the supported types, and requests as the content type they need."
        }
        ErrorCode::ValidationFailed => "`fields` names each bad field and what it must be.",
        ErrorCode::EmptyFile => "Check the file and send it again.",
        ErrorCode::HashMismatch => "The bytes were changed on their way: send the file again.",
        ErrorCode::RateLimited => "Wait as long as `Retry-After` says.",
        ErrorCode::Internal => "A fault of ours: report it with its `request_id`.",
        ErrorCode::DependencyUnavailable => {
            "Try again after `Retry-After`; nothing that was accepted is lost."
        }
        ErrorCode::Busy => "Try again after `Retry-After`.",
        ErrorCode::StorageFull => "Free some space on the server, then send the file again.",
        ErrorCode::Encrypted => {
            "Give the password (field `password`; `ids ingest --password`; the page asks for it), or remove it and send the file again: of archives, and of Office files from before 2007, it has to be removed."
        }
        ErrorCode::Corrupt => "Open the file in its program, save it anew and send that.",
        ErrorCode::ExpandsTooFar => "Split the file: it unpacks to far more than it is.",
        ErrorCode::Timeout => "Split the file, or raise `DOCUMENT_PROCESSING_JOB_TIMEOUT_SECONDS`.",
        ErrorCode::OutOfMemory => "Split the file.",
        ErrorCode::ParserCrashed => {
            "Save the file anew in its program and send that; report it if it happens again."
        }
        ErrorCode::NoText => "Scan it with text recognition (OCR) first.",
        ErrorCode::EmbeddingFailed => {
            "The document is found by its words; retry the job once the model is back."
        }
    }
}

/// Whether a code is met in a job's `error`, beside or instead of a reply's.
const fn ends_jobs(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Encrypted
            | ErrorCode::Corrupt
            | ErrorCode::EmptyFile
            | ErrorCode::UnsupportedType
            | ErrorCode::FileTooLarge
            | ErrorCode::ExpandsTooFar
            | ErrorCode::Timeout
            | ErrorCode::OutOfMemory
            | ErrorCode::ParserCrashed
            | ErrorCode::NoText
            | ErrorCode::HashMismatch
            | ErrorCode::EmbeddingFailed
            | ErrorCode::Internal
    )
}

/// The table as the page docs/api/errors.md, in Markdown.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Errors\n\n\
         Generated from `crates/ids-http/src/error.rs`; do not edit. Rewrite it with\n\
         `UPDATE_SNAPSHOTS=1 cargo nextest run -p ids-http`.\n\n\
         Every error, whatever refuses the request, is a JSON body of this shape, with the request's id in the header\n\
         `X-Request-Id` too:\n\n\
         ```json\n\
         {\"error\": \"a few words\", \"detail\": \"what happened, to which thing, what to do\",\n \
         \"error_code\": \"UPPER_SNAKE\", \"request_id\": \"…\"}\n\
         ```\n\n\
         422 VALIDATION_FAILED adds `\"fields\": [{\"field\", \"reason\"}]`. Codes may be added, never renamed: branch on\n\
         `error_code`, show `detail`. The last column says whether a job may end with the code (`error` in the status of a\n\
         document).\n\n\
         | code | status | meaning | what to do | ends jobs |\n|---|---|---|---|---|\n",
    );
    for &code in ErrorCode::ALL {
        let ends = if ends_jobs(code) { "yes" } else { "" };
        // Writing to a String never fails.
        let _ = writeln!(
            page,
            "| `{code}` | {} | {} | {} | {ends} |",
            status(code).as_u16(),
            title(code),
            advice(code)
        );
    }
    page
}

/// A refusal on its way out. It becomes a response without a body that carries the refusal; [`crate::observe`] knows the
/// request's id and renders it.
#[derive(Debug, Clone)]
pub(crate) struct ApiError(pub(crate) Arc<Refusal>);

/// What every handler returns.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Refusal::new(code, message).into()
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self(Arc::new(refusal))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = status(self.0.code).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use ids_core::error::ErrorCode;

    use super::{advice, status, title};

    #[test]
    fn every_code_is_an_error_status_with_a_title_and_advice() {
        for &code in ErrorCode::ALL {
            assert!(
                status(code).is_client_error() || status(code).is_server_error(),
                "{code}"
            );
            assert!(
                title(code).starts_with(char::is_lowercase) && !title(code).ends_with('.'),
                "{code}"
            );
            assert!(advice(code).ends_with('.'), "{code}");
        }
    }
}
