//! The one shape of errors.

use ids_core::error::{ErrorCode, Failure, Refusal};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was not done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// A few words, the same for each code.
    #[schema(example = "document not found")]
    error: String,
    /// What happened, to which thing, and what to do; for people.
    #[schema(example = "there is no document `0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e`")]
    pub(crate) detail: String,
    /// For programs; all codes are listed in docs/api/errors.md.
    #[schema(example = "DOCUMENT_NOT_FOUND")]
    error_code: String,
    /// Names this request in the server's log.
    request_id: String,
    /// With VALIDATION_FAILED: each bad field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldBody>,
}

/// A bad field of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldBody {
    /// Its name.
    field: String,
    /// What is wrong with it.
    reason: String,
}

impl ErrorBody {
    pub(crate) fn new(title: &str, refusal: &Refusal, request_id: &str) -> Self {
        // The message of a fault of ours may name what is nobody's business; the log has it.
        let detail = match refusal.code {
            ErrorCode::Internal => {
                format!("internal error; the server's log has it under the request id `{request_id}`")
            }
            _ => refusal.message.clone(),
        };
        let fields = refusal
            .fields
            .iter()
            .map(|bad| FieldBody {
                field: bad.field.clone(),
                reason: bad.reason.clone(),
            })
            .collect();
        Self {
            error: title.to_owned(),
            detail,
            error_code: refusal.code.as_str().to_owned(),
            request_id: request_id.to_owned(),
            fields,
        }
    }
}

/// Why a document or job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FailureBody {
    /// For programs.
    #[schema(example = "ENCRYPTED")]
    error_code: String,
    /// For people.
    error: String,
}

impl From<&Failure> for FailureBody {
    fn from(failure: &Failure) -> Self {
        Self {
            error_code: failure.code.as_str().to_owned(),
            error: failure.message.clone(),
        }
    }
}
