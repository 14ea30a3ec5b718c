//! Where the kept original of a document is, for reading it anew: with text recognition that was not there when it came.

use super::Library;
use super::upload_refusals::refused_by_blobs;
use crate::document::ContentHash;
use crate::error::{ErrorCode, Refusal};
use crate::id::DocumentId;
use crate::ports::{BlobErrorKind, LocalBlob};
use crate::scope::Scope;

/// The bytes of a document as they were kept.
pub struct Original {
    /// Where they can be read.
    pub file: LocalBlob,
    /// What they were called.
    pub filename: String,
    /// SHA-256 of the bytes that were sent, which are others where a copy without their password was kept.
    pub sent_hash: Option<ContentHash>,
}

impl Library {
    /// Opens the original of a document.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_FOUND`; `ORIGINAL_NOT_KEPT`; `DEPENDENCY_UNAVAILABLE`.
    pub async fn open_original(&self, scope: &Scope, document_id: DocumentId) -> Result<Original, Refusal> {
        let sent_hash = self.get_document(scope, document_id).await?.file_hash;
        let kept = self.ports.documents.find_original(scope, document_id).await?;
        let (blob, filename, _) = kept.ok_or_else(not_kept)?;
        match self.ports.blobs.open_local(&blob).await {
            Ok(file) => Ok(Original {
                file,
                filename,
                sent_hash,
            }),
            // Dropped since we looked.
            Err(error) if error.kind() == BlobErrorKind::NotFound => Err(not_kept()),
            Err(error) => Err(refused_by_blobs(error)),
        }
    }
}

fn not_kept() -> Refusal {
    Refusal::new(
        ErrorCode::OriginalNotKept,
        "the original of this document was not kept; upload the file again with this `document_id`",
    )
}
