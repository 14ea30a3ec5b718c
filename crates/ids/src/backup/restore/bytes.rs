//! The bytes of documents on their way back into the library's store.

use std::io::Read;
use std::sync::Arc;

use anyhow::Context;
use ids_backup::{BackupError, OriginalEntry, Stop, open_original};
use ids_core::document::{BlobKey, ContentHash};
use ids_core::ports::{BlobErrorKind, BlobStore};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::backup::verify::VerifiedBackup;
use crate::backup::{BackupPlace, Progress, Step, blocking};

const BUFFER: usize = 256 * 1024;

/// Puts bytes under the keys that the restored rows will name.
pub(super) struct ByteRestorer {
    blobs: Arc<dyn BlobStore>,
    /// Written by this run, to be taken back should it fail.
    written: Vec<BlobKey>,
}

impl ByteRestorer {
    pub(super) fn new(blobs: Arc<dyn BlobStore>) -> Self {
        Self {
            blobs,
            written: Vec::new(),
        }
    }

    pub(super) async fn put_all(
        &mut self,
        place: &BackupPlace,
        verified: &VerifiedBackup,
        stop: &Stop,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        let total = verified.manifest.originals.len() as u64;
        for (done, entry) in verified.manifest.originals.iter().enumerate() {
            progress.show(Step::Bytes(done as u64, total));
            let name = verified.original_name(entry);
            self.put(place, verified, entry, &name, stop)
                .await
                .with_context(|| format!("`{name}` cannot be restored"))?;
        }
        Ok(())
    }

    async fn put(
        &mut self,
        place: &BackupPlace,
        verified: &VerifiedBackup,
        entry: &OriginalEntry,
        name: &str,
        stop: &Stop,
    ) -> anyhow::Result<()> {
        let key = BlobKey(entry.key.clone());
        if let Some(length) = self.blobs.find(&key).await? {
            if length == entry.bytes && self.hash_of(&key).await? == entry.sha256 {
                return Ok(());
            }
            // Under this key belong these bytes and no others: the key names the version, whose hash is known.
            self.blobs.delete(&key).await?;
        }
        let file = place
            .open(name)
            .await?
            .with_context(|| format!("`{name}` is missing"))?;
        let mut writer = self.blobs.create(&key).await?;
        let (sender, mut pieces) = mpsc::channel::<Vec<u8>>(2);
        let (path, of, asked, shown) = (
            file.path().to_owned(),
            verified.originals_key.clone(),
            stop.clone(),
            name.to_owned(),
        );
        let reading = blocking(move || -> Result<(), BackupError> {
            let mut bytes = open_original(&path, of.as_ref())?;
            loop {
                asked.check().map_err(|error| BackupError::at(&path, error))?;
                let mut piece = Vec::with_capacity(BUFFER);
                let read = bytes.by_ref().take(BUFFER as u64).read_to_end(&mut piece);
                read.map_err(|error| BackupError::Damaged {
                    file: shown.clone(),
                    what: error.to_string(),
                })?;
                if piece.is_empty() || sender.blocking_send(piece).is_err() {
                    return Ok(());
                }
            }
        });
        let writing = async {
            while let Some(piece) = pieces.recv().await {
                writer.write(&piece).await?;
            }
            drop(pieces);
            Ok::<_, anyhow::Error>(writer)
        };
        let (read, written) = tokio::join!(reading, writing);
        read?;
        self.written.push(key.clone());
        let info = written?.commit().await?;
        if info.hash != entry.sha256 {
            return Err(BackupError::Damaged {
                file: name.to_owned(),
                what: "it holds other bytes than it was named for".to_owned(),
            }
            .into());
        }
        Ok(())
    }

    async fn hash_of(&self, key: &BlobKey) -> anyhow::Result<ContentHash> {
        let file = self.blobs.open_local(key).await?;
        let path = file.path().to_owned();
        let hash = blocking(move || -> std::io::Result<_> {
            let mut hash = Sha256::new();
            let mut bytes = std::fs::File::open(&path)?;
            let mut buffer = vec![0; BUFFER];
            loop {
                let count = bytes.read(&mut buffer)?;
                if count == 0 {
                    return Ok(ContentHash::from_bytes(hash.finalize().into()));
                }
                hash.update(&buffer[..count]);
            }
        });
        let hash = hash.await?;
        drop(file);
        Ok(hash)
    }

    /// Removes what this run wrote: no row names it.
    pub(super) async fn take_back(&mut self) {
        for key in self.written.drain(..) {
            if let Err(error) = self.blobs.delete(&key).await
                && error.kind() != BlobErrorKind::NotFound
            {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "bytes of a restore that failed stay until the next cleanup"
                );
            }
        }
    }

    /// Removes the bytes of the library that was replaced, but for those that the restored one names, too.
    pub(super) async fn remove_old(&self, old: &[BlobKey], of_backup: &[&str]) -> Option<String> {
        let mut kept: Vec<&str> = of_backup.to_vec();
        kept.sort_unstable();
        let mut left = 0u64;
        for key in old {
            if kept.binary_search(&key.0.as_str()).is_err() && self.blobs.delete(key).await.is_err() {
                left += 1;
            }
        }
        (left > 0).then(|| format!("{left} originals of the library before could not be removed"))
    }
}
