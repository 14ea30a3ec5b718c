//! What a caller is told when an upload is refused.

use std::time::Duration;

use crate::error::{ErrorCode, Failure, Refusal};
use crate::id::UploadId;
use crate::ports::{BlobError, BlobErrorKind};

/// A blob store's error as a caller reads it.
pub(crate) fn refused_by_blobs(error: BlobError) -> Refusal {
    match error.kind() {
        BlobErrorKind::Full => Refusal::new(
            ErrorCode::StorageFull,
            "the disk is full; free some space and try again",
        )
        .retry_after(Duration::from_secs(60)),
        BlobErrorKind::Unavailable | BlobErrorKind::NotFound => Refusal::new(
            ErrorCode::DependencyUnavailable,
            "uploads cannot be stored or read now; try again in a moment",
        )
        .retry_after(Duration::from_secs(5)),
        BlobErrorKind::Conflict => url_used(),
        BlobErrorKind::Internal => Refusal::new(ErrorCode::Internal, "internal error"),
    }
    .caused_by(error)
}

pub(super) fn refused_by_pinning(error: BlobError) -> Refusal {
    match error.kind() {
        BlobErrorKind::Conflict => Refusal::new(
            ErrorCode::UploadIncomplete,
            "the bytes are still being sent; call /process again when the PUT has ended",
        )
        .caused_by(error),
        _ => refused_by_blobs(error),
    }
}

pub(super) fn refused_by_detection(failure: Failure) -> Refusal {
    Refusal::new(failure.code, failure.message)
}

pub(super) fn too_large(max_file_size: u64) -> Refusal {
    Refusal::new(
        ErrorCode::FileTooLarge,
        format!(
            "the file is larger than the {} MB that are taken here",
            max_file_size / (1024 * 1024)
        ),
    )
}

pub(super) fn empty_file(filename: &str) -> Refusal {
    Refusal::new(
        ErrorCode::EmptyFile,
        format!("`{filename}` is empty; check the file and send it again"),
    )
}

pub(super) fn wrong_length(signed: u64) -> Refusal {
    Refusal::new(
        ErrorCode::UploadSignatureInvalid,
        format!(
            "the address was signed for exactly {signed} bytes; nothing was kept, send the whole file again"
        ),
    )
}

pub(super) fn expired() -> Refusal {
    Refusal::new(
        ErrorCode::UploadExpired,
        "the upload address is too old; ask for a new one",
    )
}

pub(super) fn url_used() -> Refusal {
    Refusal::new(
        ErrorCode::UploadUrlUsed,
        "the bytes are there already; go on with /process",
    )
}

pub(super) fn upload_not_found(upload_id: UploadId) -> Refusal {
    Refusal::new(
        ErrorCode::UploadNotFound,
        format!("there is no upload `{upload_id}` for this document"),
    )
}
