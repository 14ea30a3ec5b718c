//! The ends of a job: the version shown, or recognized as a duplicate.

use super::StepError;
use crate::document::BlobKey;
use crate::id::DocumentId;
use crate::library::Library;
use crate::ports::{BlobErrorKind, ClaimedJob};

/// Shows the version and moves its bytes out of the temporary prefix, or drops them.
///
/// The bytes are moved first, which may be repeated; then one transaction says where they are. A crash between the two leads to a
/// retry that finds them moved.
pub(super) async fn run(library: &Library, claimed: &ClaimedJob) -> Result<(), StepError> {
    let version = &claimed.version;
    let keep = library.settings.keep_originals;
    let original = match &version.blob {
        Some(blob) if keep => {
            let kept = BlobKey::of(
                &library.settings.originals_prefix,
                claimed.lease.job.organization,
                version.version_id,
            );
            if *blob == kept || was_moved(library, claimed, blob, &kept).await? {
                Some(kept)
            } else {
                None
            }
        }
        _ => None,
    };
    let removed = library
        .ports
        .jobs
        .complete(&claimed.lease, original.as_ref())
        .await?;
    library.remove_blobs(&removed).await;
    if let (Some(blob), None) = (&version.blob, &original) {
        drop_blob(library, blob).await;
    }
    Ok(())
}

/// Moves the bytes; `false` when they are nowhere, as after a backlog that was longer than the bucket keeps uploads. The document is
/// searchable by then: it stays so, without its original.
async fn was_moved(
    library: &Library,
    claimed: &ClaimedJob,
    blob: &BlobKey,
    kept: &BlobKey,
) -> Result<bool, StepError> {
    match library.ports.blobs.rename(blob, kept).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == BlobErrorKind::NotFound => {
            tracing::warn!(
                document.id = %claimed.lease.document_id,
                "the original of document `{}` is gone; its text stays",
                claimed.lease.document_id
            );
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// Ends the job because `original` shows the same text.
pub(super) async fn end_as_duplicate(
    library: &Library,
    claimed: &ClaimedJob,
    original: DocumentId,
) -> Result<(), StepError> {
    library
        .ports
        .jobs
        .end_as_duplicate(&claimed.lease, original)
        .await?;
    if let Some(blob) = &claimed.version.blob {
        drop_blob(library, blob).await;
    }
    Ok(())
}

/// Removes bytes that are no longer named anywhere; if that fails the cleanup of orphaned files removes them.
async fn drop_blob(library: &Library, blob: &BlobKey) {
    if let Err(error) = library.ports.blobs.delete(blob).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "temporary bytes stay until the next cleanup"
        );
    }
}
