//! Takes the bytes of one blob.

use std::io::{self, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use ids_core::document::{BlobKey, ContentHash};
use ids_core::ports::{BlobError, BlobErrorKind, BlobInfo, BlobWriter};
use ids_core::time::Timestamp;
use sha2::{Digest, Sha256};

use super::partial::PartialFile;
use super::{Shared, durable, to_system_time};
use crate::error::failed;

/// Bytes a writer holds before they go to disk, and all it ever holds: a network chunk (about 16 KiB) is not worth a
/// trip to another thread, sixteen are.
pub const WRITE_BUFFER_BYTES: usize = 256 * 1024;

/// Writes a blob of a [`FolderBlobStore`](super::FolderBlobStore).
pub(super) struct FolderBlobWriter {
    shared: Arc<Shared>,
    key: BlobKey,
    target: PathBuf,
    /// `None` once a write failed, or was dropped half way (its thread then has it, and drops it): the bytes have a
    /// hole, so nothing more may come of them.
    progress: Option<Progress>,
}

/// Moves between the writer and the threads that work for it.
struct Progress {
    partial: PartialFile,
    buffer: Vec<u8>,
    hasher: Sha256,
    size: u64,
}

impl FolderBlobWriter {
    pub(super) fn new(shared: Arc<Shared>, key: BlobKey, target: PathBuf, partial: PartialFile) -> Self {
        let buffer = Vec::with_capacity(WRITE_BUFFER_BYTES);
        let progress = Some(Progress {
            partial,
            buffer,
            hasher: Sha256::new(),
            size: 0,
        });
        Self {
            shared,
            key,
            target,
            progress,
        }
    }
}

#[async_trait]
impl BlobWriter for FolderBlobWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let progress = self.progress.as_mut().ok_or_else(broken)?;
            let room = WRITE_BUFFER_BYTES - progress.buffer.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            progress.buffer.extend_from_slice(now);
            rest = later;
            if progress.buffer.len() < WRITE_BUFFER_BYTES {
                continue;
            }
            let mut taken = self.progress.take().ok_or_else(broken)?;
            let name = self.key.0.clone();
            let flushed = self
                .shared
                .run_blocking(move || {
                    taken.flush().map_err(failed("write", &name))?;
                    Ok(taken)
                })
                .await?;
            self.progress = Some(flushed);
        }
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<BlobInfo, BlobError> {
        let progress = self.progress.take().ok_or_else(broken)?;
        let (shared, key) = (Arc::clone(&self.shared), self.key.0.clone());
        let target = mem::take(&mut self.target);
        self.shared
            .run_blocking(move || {
                let now = shared.clock.now();
                progress
                    .place(&shared.root, &target, now)
                    .map_err(|error| match error.kind() {
                        io::ErrorKind::AlreadyExists => BlobError::new(BlobErrorKind::Conflict),
                        _ => failed("keep", &key)(error),
                    })
            })
            .await
    }
}

impl Progress {
    fn flush(&mut self) -> io::Result<()> {
        self.partial.file.write_all(&self.buffer)?;
        self.hasher.update(&self.buffer);
        self.size += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Makes the bytes durable, then their name. Takes the partial file with it, whose own name goes at the end.
    fn place(mut self, root: &Path, target: &Path, now: Timestamp) -> io::Result<BlobInfo> {
        self.flush()?;
        self.partial.file.set_modified(to_system_time(now))?;
        self.partial.file.sync_all()?;
        durable::ensure_parents(root, target)?;
        self.partial.link_to(target)?;
        if let Err(error) = durable::sync_parent(target) {
            // The caller hears of a failure and may try again, so the name must be free.
            let _ = std::fs::remove_file(target);
            return Err(error);
        }
        let hash = ContentHash::from_bytes(self.hasher.finalize().into());
        Ok(BlobInfo {
            size: self.size,
            hash,
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("an earlier write to this blob failed or was dropped half way; begin a new one")]
struct BrokenWriter;

fn broken() -> BlobError {
    BlobError::with_source(BlobErrorKind::Internal, BrokenWriter)
}
