//! Errors in two halves: a small code (what to do about it) and a text (what a person reads).

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident => $text:literal,)*) => {
        /// Every error code on the wire (design.md 3.3). Codes may be added, never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// All codes, in the order of the table in docs/api/errors.md.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it stands on the wire, `UPPER_SNAKE`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The code of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

error_codes! {
    /// The body is not JSON.
    InvalidJson => "INVALID_JSON",
    /// No valid key.
    Unauthenticated => "UNAUTHENTICATED",
    /// The key lacks the scope.
    Forbidden => "FORBIDDEN",
    /// A page of another site asked, or the Host is not ours.
    OriginRefused => "ORIGIN_REFUSED",
    /// The upload address, the type or the length is not the signed one.
    UploadSignatureInvalid => "UPLOAD_SIGNATURE_INVALID",
    /// No such document here.
    DocumentNotFound => "DOCUMENT_NOT_FOUND",
    /// No such collection here.
    CollectionNotFound => "COLLECTION_NOT_FOUND",
    /// The document has no such page.
    PageNotFound => "PAGE_NOT_FOUND",
    /// There is no picture of that page.
    PageImageUnavailable => "PAGE_IMAGE_UNAVAILABLE",
    /// No such job here.
    JobNotFound => "JOB_NOT_FOUND",
    /// No such session here.
    SessionNotFound => "SESSION_NOT_FOUND",
    /// There is no such answer in the session.
    MessageNotFound => "MESSAGE_NOT_FOUND",
    /// No such upload here.
    UploadNotFound => "UPLOAD_NOT_FOUND",
    /// No such key here.
    KeyNotFound => "KEY_NOT_FOUND",
    /// No such organization.
    OrganizationNotFound => "ORGANIZATION_NOT_FOUND",
    /// No model of that name.
    ModelNotFound => "MODEL_NOT_FOUND",
    /// No such address.
    RouteNotFound => "ROUTE_NOT_FOUND",
    /// The address does not take that method.
    MethodNotAllowed => "METHOD_NOT_ALLOWED",
    /// The upload address was used already.
    UploadUrlUsed => "UPLOAD_URL_USED",
    /// The bytes are not there yet.
    UploadIncomplete => "UPLOAD_INCOMPLETE",
    /// Documents are in the collection.
    CollectionNotEmpty => "COLLECTION_NOT_EMPTY",
    /// The bytes of the document are not there any more.
    OriginalNotKept => "ORIGINAL_NOT_KEPT",
    /// The job has ended.
    JobAlreadyEnded => "JOB_ALREADY_ENDED",
    /// The upload address is too old.
    UploadExpired => "UPLOAD_EXPIRED",
    /// Larger than `MAX_FILE_SIZE_MB`, or a part of it larger than the parser's limits.
    FileTooLarge => "FILE_TOO_LARGE",
    /// A kind of file that is not read, or not allowed here.
    UnsupportedType => "UNSUPPORTED_TYPE",
    /// A field is missing or wrong.
    ValidationFailed => "VALIDATION_FAILED",
    /// A file of no bytes.
    EmptyFile => "EMPTY_FILE",
    /// The bytes are not those that were announced.
    HashMismatch => "HASH_MISMATCH",
    /// Too many requests.
    RateLimited => "RATE_LIMITED",
    /// A fault of ours.
    Internal => "INTERNAL",
    /// Something we need is down.
    DependencyUnavailable => "DEPENDENCY_UNAVAILABLE",
    /// Too much at once.
    Busy => "BUSY",
    /// The disk is full.
    StorageFull => "STORAGE_FULL",
    /// Needs a password.
    Encrypted => "ENCRYPTED",
    /// Cannot be read.
    Corrupt => "CORRUPT",
    /// Unpacks to far more than it is.
    ExpandsTooFar => "EXPANDS_TOO_FAR",
    /// Took too long.
    Timeout => "TIMEOUT",
    /// Took too much memory.
    OutOfMemory => "OUT_OF_MEMORY",
    /// The parser ended without an answer.
    ParserCrashed => "PARSER_CRASHED",
    /// No text was found in it.
    NoText => "NO_TEXT",
    /// Its meaning could not be computed; its words are searchable.
    EmbeddingFailed => "EMBEDDING_FAILED",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One field that was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name on the wire.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a request was not done: what a caller is told, and (for the log only) the cause.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What to do about it.
    pub code: ErrorCode,
    /// What a person reads: what happened, to which thing, what to do.
    pub message: String,
    /// The refused fields, for [`ErrorCode::ValidationFailed`].
    pub fields: Vec<FieldError>,
    /// When to try again, where that helps.
    pub retry_after: Option<Duration>,
    /// The cause: logged once, never sent.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Refusal {
    /// A refusal with a code and a text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fields: Vec::new(),
            retry_after: None,
            source: None,
        }
    }

    /// One bad field.
    pub fn field(field: &str, reason: impl Into<String>) -> Self {
        Self::fields(vec![FieldError {
            field: field.to_owned(),
            reason: reason.into(),
        }])
    }

    /// Several bad fields.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let list: Vec<String> = fields
            .iter()
            .map(|bad| format!("`{}` {}", bad.field, bad.reason))
            .collect();
        Self {
            fields,
            ..Self::new(ErrorCode::ValidationFailed, list.join("; "))
        }
    }

    /// The same with a time to try again after.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The same with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error.kind {
            StoreErrorKind::Unavailable => Self::new(
                ErrorCode::DependencyUnavailable,
                "the store cannot be reached; try again in a moment",
            )
            .retry_after(Duration::from_secs(5)),
            StoreErrorKind::Full => Self::new(
                ErrorCode::StorageFull,
                "the disk is full; free some space and try again",
            )
            .retry_after(Duration::from_secs(60)),
            StoreErrorKind::NotFound
            | StoreErrorKind::Conflict
            | StoreErrorKind::LeaseLost
            | StoreErrorKind::Corrupt
            | StoreErrorKind::Internal => Self::new(ErrorCode::Internal, "internal error"),
        }
        .caused_by(error)
    }
}

/// What went wrong in a store, in the domain's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// What was asked for is not there, or belongs to someone else.
    NotFound,
    /// Someone else was first.
    Conflict,
    /// The job is no longer this worker's: cancelled, deleted, or given to another.
    LeaseLost,
    /// The store cannot be reached or is busy; the same call may succeed later.
    Unavailable,
    /// No space is left.
    Full,
    /// A stored value cannot be what was written.
    Corrupt,
    /// A fault of ours.
    Internal,
}

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("store: {kind:?}")]
pub struct StoreError {
    kind: StoreErrorKind,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl StoreError {
    /// An error of a kind, without a cause.
    pub const fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// An error of a kind with its cause.
    pub fn with_source(kind: StoreErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            kind,
            source: Some(source.into()),
        }
    }

    /// What to do about it.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

/// Whether trying the same again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The input is bad: it fails at once.
    Never,
    /// It may pass: with a growing pause, a bounded number of times.
    Backoff,
    /// A dependency is down: later, and not counted as a try.
    Postpone,
    /// No money is left: in some minutes, and not counted as a try.
    WaitForBudget,
}

/// What a job ends with, or a try of it: a code for programs, a text for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What to do about it.
    pub code: ErrorCode,
    /// What a person reads. Never document text, paths of the server, or secrets.
    pub message: String,
    /// Whether trying again can help.
    pub retry: Retry,
}

impl Failure {
    /// Bad input: trying again cannot help.
    pub fn of_input(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry: Retry::Never,
        }
    }

    /// A fault that may pass.
    pub fn passing(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry: Retry::Backoff,
        }
    }

    /// A limit of the month is used up.
    pub fn of_budget(message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::DependencyUnavailable,
            message: message.into(),
            retry: Retry::WaitForBudget,
        }
    }

    /// A dependency is down.
    pub fn of_dependency(message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::DependencyUnavailable,
            message: message.into(),
            retry: Retry::Postpone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    #[test]
    fn every_code_has_one_upper_snake_name_and_is_found_by_it() {
        for &code in ErrorCode::ALL {
            assert!(
                code.as_str().bytes().all(|b| b.is_ascii_uppercase() || b == b'_'),
                "{code}"
            );
            assert_eq!(ErrorCode::from_name(code.as_str()), Some(code));
        }
        assert_eq!(ErrorCode::from_name("NO_SUCH_CODE"), None);
    }
}
