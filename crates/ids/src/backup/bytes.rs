//! The bytes of documents on their way into a backup.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use ids_backup::{KeptBytes, OriginalEntry, Originals};
use ids_core::backup::NamedBytes;
use ids_core::document::BlobKey;
use ids_core::ports::{BlobErrorKind, BlobStore, LocalBlob};

use super::blocking;

/// Takes bytes out of the library's store into a folder of backups.
pub(super) struct ByteCopier {
    blobs: Arc<dyn BlobStore>,
    /// Where the original of a finished version lies, before the organization's id.
    originals_prefix: String,
    /// `None` while a thread has it.
    originals: Option<Originals>,
    entries: BTreeMap<String, OriginalEntry>,
    names: BTreeSet<String>,
    /// Bytes that are not those that were accepted.
    pub(super) differing: Vec<String>,
}

impl ByteCopier {
    pub(super) fn new(blobs: Arc<dyn BlobStore>, originals_prefix: &str, originals: Originals) -> Self {
        Self {
            blobs,
            originals_prefix: originals_prefix.to_owned(),
            originals: Some(originals),
            entries: BTreeMap::new(),
            names: BTreeSet::new(),
            differing: Vec::new(),
        }
    }

    /// Takes bytes in, unless the folder has them; `false` where they are not to be found.
    pub(super) async fn copy(&mut self, named: &NamedBytes) -> anyhow::Result<bool> {
        if self.entries.contains_key(&named.key.0) {
            return Ok(true);
        }
        let known = named.hash.filter(|hash| self.has(hash));
        if let Some(sha256) = known {
            let bytes = named.file_size;
            self.note(named, KeptBytes { sha256, bytes });
            return Ok(true);
        }
        let Some(local) = self.open(named).await? else {
            return Ok(false);
        };
        let mut originals = self.originals.take().ok_or_else(taken)?;
        let path = local.path().to_owned();
        let (originals, kept) = blocking(move || {
            let kept = match File::open(&path) {
                Ok(mut file) => Some(originals.keep(&mut file)?),
                // Moved away since it was looked up.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(ids_backup::BackupError::at(&path, error)),
            };
            Ok((originals, kept))
        })
        .await?;
        drop(local);
        self.originals = Some(originals);
        let Some(kept) = kept else {
            return Ok(false);
        };
        if named.hash.is_some_and(|hash| hash != kept.sha256) {
            self.differing.push(named.key.0.clone());
        }
        self.note(named, kept);
        Ok(true)
    }

    /// Where the bytes are now: a job may have ended since the snapshot, and moved them.
    async fn open(&self, named: &NamedBytes) -> anyhow::Result<Option<LocalBlob>> {
        let moved_to = named.version_id.map(|version| {
            BlobKey(format!(
                "{}{}/{version}",
                self.originals_prefix, named.organization
            ))
        });
        for key in std::iter::once(&named.key).chain(&moved_to) {
            match self.blobs.open_local(key).await {
                Ok(local) => return Ok(Some(local)),
                Err(error) if error.kind() == BlobErrorKind::NotFound => {}
                Err(error) => {
                    return Err(anyhow::Error::new(error)
                        .context("the store of uploads and originals cannot be read"));
                }
            }
        }
        Ok(None)
    }

    fn has(&self, hash: &ids_core::document::ContentHash) -> bool {
        self.originals
            .as_ref()
            .is_some_and(|originals| originals.has(hash))
    }

    fn note(&mut self, named: &NamedBytes, kept: KeptBytes) {
        if let Some(originals) = &self.originals {
            self.names.insert(originals.name(&kept.sha256));
        }
        let key = named.key.0.clone();
        self.entries.insert(
            key.clone(),
            OriginalEntry {
                key,
                sha256: kept.sha256,
                bytes: kept.bytes,
            },
        );
    }

    /// Forgets what another snapshot named; its bytes stay where they are.
    pub(super) fn forget_others(&mut self, named: &[NamedBytes]) {
        let keys: BTreeSet<&str> = named.iter().map(|it| it.key.0.as_str()).collect();
        self.entries.retain(|key, _| keys.contains(key.as_str()));
    }

    /// Makes all of it durable; gives what was taken in, and the names that it has in the folder.
    pub(super) async fn finish(mut self) -> anyhow::Result<(Vec<OriginalEntry>, BTreeSet<String>)> {
        let mut originals = self.originals.take().ok_or_else(taken)?;
        let originals = blocking(move || originals.settle().map(|()| originals))
            .await
            .context("the bytes of documents cannot be kept")?;
        drop(originals);
        Ok((self.entries.into_values().collect(), self.names))
    }
}

fn taken() -> anyhow::Error {
    anyhow!("the folder of originals is in use by a call that failed")
}
