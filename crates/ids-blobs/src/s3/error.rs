//! What a server's answers mean in the words of the port. No text holds an address, a key or a secret.

use std::io;
use std::time::Duration;

use ids_core::ports::{BlobError, BlobErrorKind};

/// The most of a server's own message that is told on.
const MESSAGE_CHARS: usize = 200;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("the S3 server cannot be reached")]
    Connect(#[source] io::Error),
    #[error("the connection to the S3 server broke")]
    Broken(#[source] hyper::Error),
    #[error("the S3 server took longer than {limit:?} {what}")]
    TooSlow { what: &'static str, limit: Duration },
    #[error("the S3 server's reply is of no use: {0}")]
    Unusable(&'static str),
    #[error("the S3 server answered {status} `{code}`: {message}")]
    Refused {
        status: u16,
        code: String,
        message: String,
    },
    /// A fault of this machine on the way.
    #[error("this machine could not go on")]
    Here(#[source] BlobError),
}

/// What could not be done to what.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} `{name}` in the bucket")]
struct S3Failure {
    action: &'static str,
    name: String,
    #[source]
    source: CallError,
}

impl CallError {
    /// A refusal, from the server's reply. Without one (replies to HEAD have none), the status says it.
    pub(super) fn refused(status: u16, code: Option<String>, message: Option<String>) -> Self {
        Self::Refused {
            status,
            code: code.unwrap_or_else(|| code_of(status).to_owned()),
            message: message.unwrap_or_default().chars().take(MESSAGE_CHARS).collect(),
        }
    }

    /// Whether the same request may well succeed in a moment.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Broken(_) => true,
            // The wait was long enough already.
            Self::TooSlow { .. } | Self::Unusable(_) | Self::Here(_) => false,
            Self::Refused { status, code, .. } => {
                matches!(status, 429 | 500 | 502 | 503 | 504)
                    || matches!(
                        code.as_str(),
                        // The last: bytes were changed on the way.
                        "InternalError" | "SlowDown" | "ServiceUnavailable" | "RequestTimeout" | "BadDigest"
                    )
            }
        }
    }

    /// The S3 error code.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    fn kind(&self) -> BlobErrorKind {
        match self {
            Self::Connect(_) | Self::Broken(_) | Self::TooSlow { .. } | Self::Unusable(_) => {
                BlobErrorKind::Unavailable
            }
            Self::Here(error) => error.kind(),
            Self::Refused { status, code, .. } => match (code.as_str(), status) {
                ("NoSuchKey", _) => BlobErrorKind::NotFound,
                (
                    "InsufficientStorage"
                    | "XMinioStorageFull"
                    | "QuotaExceeded"
                    | "XMinioAdminBucketQuotaExceeded",
                    _,
                )
                | (_, 507) => BlobErrorKind::Full,
                (_, 409 | 412) => BlobErrorKind::Conflict,
                _ => BlobErrorKind::Unavailable,
            },
        }
    }
}

/// The code of a refusal without a text.
fn code_of(status: u16) -> &'static str {
    match status {
        403 => "AccessDenied",
        404 => "NoSuchKey",
        412 => "PreconditionFailed",
        501 => "NotImplemented",
        503 => "ServiceUnavailable",
        _ => "Unknown",
    }
}

/// Says in the words of the port what could not be done to the blob, or prefix, `name`.
pub(super) fn failed(action: &'static str, name: &str) -> impl FnOnce(CallError) -> BlobError {
    let name = name.to_owned();
    move |source| match source {
        CallError::Here(error) => error,
        source => BlobError::with_source(source.kind(), S3Failure { action, name, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_becomes_what_can_be_done_about_it() {
        for (status, code, expected, is_passing) in [
            (404, Some("NoSuchKey"), BlobErrorKind::NotFound, false),
            (404, None, BlobErrorKind::NotFound, false),
            (404, Some("NoSuchBucket"), BlobErrorKind::Unavailable, false),
            (403, Some("AccessDenied"), BlobErrorKind::Unavailable, false),
            (
                403,
                Some("SignatureDoesNotMatch"),
                BlobErrorKind::Unavailable,
                false,
            ),
            (403, Some("QuotaExceeded"), BlobErrorKind::Full, false),
            (
                409,
                Some("ConditionalRequestConflict"),
                BlobErrorKind::Conflict,
                false,
            ),
            (412, None, BlobErrorKind::Conflict, false),
            (507, None, BlobErrorKind::Full, false),
            (507, Some("XMinioStorageFull"), BlobErrorKind::Full, false),
            (500, Some("InternalError"), BlobErrorKind::Unavailable, true),
            // A copy's refusal comes in a reply that began well.
            (200, Some("SlowDown"), BlobErrorKind::Unavailable, true),
            (503, None, BlobErrorKind::Unavailable, true),
            (400, Some("BadDigest"), BlobErrorKind::Unavailable, true),
            (418, None, BlobErrorKind::Unavailable, false),
        ] {
            let error = CallError::refused(status, code.map(str::to_owned), None);
            assert_eq!(error.is_passing(), is_passing, "{status} {code:?}");
            assert_eq!(
                failed("read", "temp/a")(error).kind(),
                expected,
                "{status} {code:?}"
            );
        }
    }
}
