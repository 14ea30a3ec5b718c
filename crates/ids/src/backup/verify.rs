//! Reads a whole backup without a library: every byte of its archive, and of the documents beside it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use ids_backup::{
    BackupError, BackupKey, BackupName, Manifest, OriginalEntry, Originals, OriginalsKey, Stop,
    open_original, read_archive,
};
use ids_core::document::ContentHash;
use ids_core::ports::LocalBlob;
use sha2::{Digest, Sha256};

use super::{BackupPlace, Progress, Step, blocking};

/// A backup that is whole.
pub struct VerifiedBackup {
    /// What it holds.
    pub manifest: Manifest,
    /// Its archive on this machine; a copy from the bucket goes with it.
    pub archive: Arc<LocalBlob>,
    /// Bytes of the archive.
    pub bytes: u64,
    /// Of the archive.
    pub sha256: ContentHash,
    /// What opens the bytes of its documents.
    pub originals_key: Option<OriginalsKey>,
}

/// Reads the archive `name` of `place` from end to end, and the bytes it names where `with_originals` says so.
///
/// # Errors
/// What is damaged or missing.
pub async fn verify(
    place: &BackupPlace,
    name: &BackupName,
    key: Option<&BackupKey>,
    with_originals: bool,
    stop: &Stop,
    progress: &Progress,
) -> anyhow::Result<VerifiedBackup> {
    progress.show(Step::Reading);
    let file = name.to_string();
    let archive = place.open(&file).await?.ok_or_else(|| BackupError::None {
        place: format!("{}/{file}", place.name()),
    })?;
    let archive = Arc::new(archive);
    let (path, key, asked, shown) = (
        archive.path().to_owned(),
        key.cloned(),
        stop.clone(),
        file.clone(),
    );
    let read = blocking(move || read_archive(&path, &shown, key.as_ref(), &asked, &mut |_| Ok(()))).await?;
    check_sum(place, name, &read.sha256).await?;
    let verified = VerifiedBackup {
        originals_key: read
            .manifest
            .originals_key
            .as_deref()
            .map(OriginalsKey::from_text),
        manifest: read.manifest,
        archive,
        bytes: read.bytes,
        sha256: read.sha256,
    };
    if with_originals {
        let total = verified.manifest.originals.len() as u64;
        for (done, entry) in verified.manifest.originals.iter().enumerate() {
            progress.show(Step::Bytes(done as u64, total));
            verified.check_original(place, entry, stop).await?;
        }
    }
    Ok(verified)
}

impl VerifiedBackup {
    /// The name of bytes below the place.
    pub(super) fn original_name(&self, entry: &OriginalEntry) -> String {
        let name = Originals::name_of(&entry.sha256, self.originals_key.as_ref());
        format!("originals/{name}")
    }

    /// Names the bytes of documents that are not in the place.
    pub(super) async fn absent_originals(&self, place: &BackupPlace) -> anyhow::Result<Vec<String>> {
        let mut absent = Vec::new();
        for entry in &self.manifest.originals {
            let name = self.original_name(entry);
            if !place.has(&name).await? {
                absent.push(name);
            }
        }
        Ok(absent)
    }

    async fn check_original(
        &self,
        place: &BackupPlace,
        entry: &OriginalEntry,
        stop: &Stop,
    ) -> anyhow::Result<()> {
        let name = self.original_name(entry);
        let file = place.open(&name).await?.ok_or_else(|| BackupError::Damaged {
            file: name.clone(),
            what: "it is missing".to_owned(),
        })?;
        let (path, key, stop): (PathBuf, _, _) =
            (file.path().to_owned(), self.originals_key.clone(), stop.clone());
        let shown = name.clone();
        let hash = blocking(move || -> Result<_, BackupError> {
            let mut bytes = open_original(&path, key.as_ref())?;
            let mut hash = Sha256::new();
            let mut buffer = vec![0; 256 * 1024];
            loop {
                stop.check().map_err(|error| BackupError::at(&path, error))?;
                match bytes.read(&mut buffer) {
                    Ok(0) => return Ok(ContentHash::from_bytes(hash.finalize().into())),
                    Ok(count) => hash.update(&buffer[..count]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        return Err(BackupError::Damaged {
                            file: shown,
                            what: error.to_string(),
                        });
                    }
                }
            }
        })
        .await?;
        if hash != entry.sha256 {
            return Err(BackupError::Damaged {
                file: name,
                what: "it holds other bytes than it was named for".to_owned(),
            }
            .into());
        }
        Ok(())
    }
}

/// Compares with the list beside the archive, where that is there: it tells of a file that was swapped for another whole one.
async fn check_sum(place: &BackupPlace, name: &BackupName, sha256: &ContentHash) -> anyhow::Result<()> {
    let Some(list) = place.open(&name.sha256_name()).await? else {
        return Ok(());
    };
    let text = tokio::fs::read_to_string(list.path())
        .await
        .with_context(|| format!("`{}` cannot be read", name.sha256_name()))?;
    if text.split_whitespace().next() == Some(sha256.to_string().as_str()) {
        return Ok(());
    }
    Err(BackupError::Damaged {
        file: name.to_string(),
        what: format!("its hash is not the one in `{}`", name.sha256_name()),
    }
    .into())
}
