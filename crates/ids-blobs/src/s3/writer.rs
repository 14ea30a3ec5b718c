//! Takes the bytes of one blob.

use std::sync::Arc;

use async_trait::async_trait;
use ids_core::document::BlobKey;
use ids_core::ports::{BlobError, BlobErrorKind, BlobInfo, BlobWriter};

use super::Shared;
use super::body::Payload;
use super::error::failed;
use crate::error::failed as failed_here;
use crate::spool::Spooler;

/// The most that one PUT takes.
const LARGEST: u64 = 5 * 1_024 * 1_024 * 1_024;

/// Writes a blob of a [`S3BlobStore`](super::S3BlobStore). The file it is spooled into goes with it.
pub(super) struct S3BlobWriter {
    shared: Arc<Shared>,
    key: BlobKey,
    spooler: Spooler,
    size: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is larger than the {LARGEST} bytes that S3 takes at once")]
struct TooLarge(String);

impl S3BlobWriter {
    pub(super) fn new(shared: Arc<Shared>, key: BlobKey, spooler: Spooler) -> Self {
        Self {
            shared,
            key,
            spooler,
            size: 0,
        }
    }
}

#[async_trait]
impl BlobWriter for S3BlobWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.size += bytes.len() as u64;
        if self.size > LARGEST {
            // `MAX_FILE_SIZE_MB` ends well before it, so this is a fault of ours. Nothing may come of the rest.
            drop(self.spooler.take());
            return Err(BlobError::with_source(
                BlobErrorKind::Internal,
                TooLarge(self.key.0.clone()),
            ));
        }
        self.spooler.write(bytes).await
    }

    async fn commit(mut self: Box<Self>) -> Result<BlobInfo, BlobError> {
        let mut spool = self.spooler.take()?;
        let (shared, key) = (&self.shared, &self.key.0);
        let name = key.clone();
        let flushing = shared.slots.run(move || {
            spool.flush().map_err(failed_here("write", &name))?;
            Ok(spool.finish())
        });
        let (partial, info) = flushing.await?;
        // For servers that know no condition on PUT.
        if shared
            .calls
            .head(key)
            .await
            .map_err(failed("keep", key))?
            .is_some()
        {
            return Err(BlobError::new(BlobErrorKind::Conflict));
        }
        let file = partial.file.try_clone().map_err(failed_here("read", key))?;
        let payload = Payload::File {
            file,
            size: info.size,
        };
        let put = shared.calls.put_new(key, &payload, &info.hash).await;
        put.map_err(failed("keep", key))?;
        Ok(info)
    }
}
