//! Files with a password, at the door: what is kept and processed is an unprotected copy.

use super::upload_refusals::{refused_by_blobs, refused_by_detection};
use super::{IncomingFile, Library};
use crate::document::{BlobKey, ContentHash};
use crate::error::{ErrorCode, Refusal};
use crate::id::VersionId;
use crate::password::Password;
use crate::ports::{BlobInfo, UnlockRequest, UnlockedBytes};
use crate::scope::Scope;

/// The bytes that are kept of a file.
pub(super) struct KeptFile {
    pub(super) blob: BlobKey,
    pub(super) version_id: VersionId,
    /// Of what is kept.
    pub(super) info: BlobInfo,
    /// Of what was sent: the same, unless what is kept is a copy without its password.
    pub(super) sent_hash: ContentHash,
}

impl Library {
    /// Opens a file that came with a password. What needs none, and what no password opens, stays as it is.
    ///
    /// The copy has a key and a hash of its own; that of the bytes that were sent stays beside it, so that the same file is known again.
    ///
    /// # Errors
    /// `ENCRYPTED` when the password is wrong.
    pub(super) async fn unlock(
        &self,
        scope: &Scope,
        kept: KeptFile,
        filename: &str,
        password: &Password,
    ) -> Result<KeptFile, Refusal> {
        let Some(mut bytes) = self.open_with(&kept.blob, filename, password).await? else {
            return Ok(kept);
        };
        let mut copy = self.begin_file(scope).await?;
        let copied = copy_all(bytes.as_mut(), &mut copy).await;
        // Dropped before it is committed, the copy leaves nothing.
        copied?;
        let IncomingFile {
            writer,
            blob,
            version_id,
            ..
        } = copy;
        let info = writer.commit().await.map_err(refused_by_blobs)?;
        let _ = self.ports.blobs.delete(&kept.blob).await;
        Ok(KeptFile {
            blob,
            version_id,
            info,
            sent_hash: kept.sent_hash,
        })
    }

    async fn open_with(
        &self,
        blob: &BlobKey,
        filename: &str,
        password: &Password,
    ) -> Result<Option<Box<dyn UnlockedBytes>>, Refusal> {
        let local = self
            .ports
            .blobs
            .open_local(blob)
            .await
            .map_err(refused_by_blobs)?;
        let extractor = &self.ports.extractor;
        let content_type = match extractor.detect(local.path(), filename).await {
            Ok(content_type) if content_type.takes_a_password() => Some(content_type),
            // Whatever else there is to be said of it is said later.
            Ok(_) => return Ok(None),
            // An Office file that shows nothing but that it is encrypted.
            Err(failure) if failure.code == ErrorCode::Encrypted => None,
            Err(_) => return Ok(None),
        };
        let request = UnlockRequest {
            file: local.path(),
            filename,
            content_type: content_type.as_ref(),
            password,
        };
        extractor.unlock(request).await.map_err(refused_by_detection)
    }
}

async fn copy_all(bytes: &mut dyn UnlockedBytes, copy: &mut IncomingFile) -> Result<(), Refusal> {
    while let Some(piece) = bytes.next().await.map_err(refused_by_detection)? {
        copy.write(&piece).await?;
    }
    Ok(())
}
