//! Takes the bytes of one blob.

use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use ids_core::document::BlobKey;
use ids_core::ports::{BlobError, BlobErrorKind, BlobInfo, BlobWriter};
use ids_core::time::Timestamp;

use super::{Shared, durable, to_system_time};
use crate::error::failed;
use crate::partial::PartialFile;
use crate::spool::{Spool, Spooler};

/// Writes a blob of a [`FolderBlobStore`](super::FolderBlobStore).
pub(super) struct FolderBlobWriter {
    shared: Arc<Shared>,
    key: BlobKey,
    target: PathBuf,
    spooler: Spooler,
}

impl FolderBlobWriter {
    pub(super) fn new(shared: Arc<Shared>, key: BlobKey, target: PathBuf, partial: PartialFile) -> Self {
        let spooler = Spooler::new(shared.slots.clone(), &key.0, partial);
        Self {
            shared,
            key,
            target,
            spooler,
        }
    }
}

#[async_trait]
impl BlobWriter for FolderBlobWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.spooler.write(bytes).await
    }

    async fn commit(mut self: Box<Self>) -> Result<BlobInfo, BlobError> {
        let spool = self.spooler.take()?;
        let (shared, key) = (Arc::clone(&self.shared), self.key.0.clone());
        let target = mem::take(&mut self.target);
        self.shared
            .slots
            .run(move || {
                let now = shared.clock.now();
                place(spool, &shared.root, &target, now).map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => BlobError::new(BlobErrorKind::Conflict),
                    _ => failed("keep", &key)(error),
                })
            })
            .await
    }
}

/// Makes the bytes durable, then their name. Takes the unfinished file with it, whose own name goes at the end.
fn place(mut spool: Spool, root: &Path, target: &Path, now: Timestamp) -> io::Result<BlobInfo> {
    spool.flush()?;
    let (partial, info) = spool.finish();
    partial.file.set_modified(to_system_time(now))?;
    partial.file.sync_all()?;
    durable::ensure_parents(root, target)?;
    partial.link_to(target)?;
    if let Err(error) = durable::sync_parent(target) {
        // The caller hears of a failure and may try again, so the name must be free.
        let _ = std::fs::remove_file(target);
        return Err(error);
    }
    Ok(info)
}
