//! From one store to another, for a library that is moved.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use ids_core::document::BlobKey;
use ids_core::moving::{BytesCopied, CopyBytes};
use ids_core::ports::{BlobError, BlobErrorKind, BlobStore};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use crate::spool::WRITE_BUFFER_BYTES;

/// Two stores, which may be one.
pub struct StoreToStore {
    /// Where from.
    pub source: Arc<dyn BlobStore>,
    /// Where to.
    pub target: Arc<dyn BlobStore>,
}

#[async_trait]
impl CopyBytes for StoreToStore {
    async fn copy(&self, from: &BlobKey, to: &BlobKey, size: u64) -> Result<BytesCopied, BlobError> {
        let there = self.target.find(to).await?;
        if there == Some(size) {
            return Ok(BytesCopied::Present);
        }
        let local = match self.source.open_local(from).await {
            Err(error) if error.kind() == BlobErrorKind::NotFound => return Ok(BytesCopied::Missing),
            opened => opened?,
        };
        let mut file = File::open(local.path()).await.map_err(unreadable)?;
        if there.is_some() {
            let length = file.metadata().await.map_err(unreadable)?.len();
            if there == Some(length) {
                return Ok(BytesCopied::Present);
            }
            // A blob is whole, so these are other bytes; the key names the version whose bytes are here.
            self.target.delete(to).await?;
        }
        let mut writer = self.target.create(to).await?;
        let mut buffer = vec![0; WRITE_BUFFER_BYTES];
        loop {
            let length = file.read(&mut buffer).await.map_err(unreadable)?;
            if length == 0 {
                break;
            }
            writer.write(&buffer[..length]).await?;
        }
        writer.commit().await.map(BytesCopied::Copied)
    }
}

fn unreadable(error: io::Error) -> BlobError {
    BlobError::with_source(BlobErrorKind::Unavailable, error)
}
