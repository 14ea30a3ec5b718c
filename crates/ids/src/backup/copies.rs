//! Copies of backups in the bucket: bytes of documents that are not there yet, and the archive last, so that a name there is a whole
//! backup as well.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use ids_backup::{BackupError, BackupName, Stop};
use ids_core::document::BlobKey;
use ids_core::ports::{BlobErrorKind, BlobStore};
use tokio::io::AsyncReadExt;

use super::place::keys_under;
use super::{Made, Progress, Step};

const BUFFER: usize = 1024 * 1024;

/// Copies a backup below `prefix`.
///
/// # Errors
/// When the bucket cannot be written to; the backup in the folder is whole all the same.
pub async fn copy_to_bucket(
    made: &Made,
    blobs: &dyn BlobStore,
    prefix: &str,
    stop: &Stop,
    progress: &Progress,
) -> anyhow::Result<()> {
    let name = BackupName::parse(&made.recorded.file_name).context("a name of our own")?;
    let originals = format!("{prefix}originals/");
    let there: BTreeSet<String> = keys_under(blobs, &originals)
        .await?
        .into_iter()
        .map(|key| key.0)
        .collect();
    let folder = made.folder.path();
    let mut files: Vec<String> = made
        .originals
        .iter()
        .map(|name| format!("originals/{name}"))
        .filter(|name| !there.contains(&format!("{prefix}{name}")))
        .collect();
    files.extend([name.originals_name(), name.sha256_name(), name.to_string()]);
    for (done, file) in files.iter().enumerate() {
        progress.show(Step::Copies(done as u64, files.len() as u64));
        let key = BlobKey(format!("{prefix}{file}"));
        copy(&folder.join(file), blobs, &key, stop)
            .await
            .with_context(|| format!("`{file}` cannot be copied to the bucket"))?;
    }
    Ok(())
}

async fn copy(path: &Path, blobs: &dyn BlobStore, key: &BlobKey, stop: &Stop) -> anyhow::Result<()> {
    let mut file = tokio::fs::File::open(path).await?;
    let mut writer = blobs.create(key).await?;
    let mut buffer = vec![0; BUFFER];
    loop {
        stop.check().map_err(|error| BackupError::at(path, error))?;
        let count = file.read(&mut buffer).await?;
        if count == 0 {
            break;
        }
        writer.write(&buffer[..count]).await?;
    }
    match writer.commit().await {
        Ok(_) => Ok(()),
        // Of the same name, and so the same: a copy that was broken off is done again.
        Err(error) if error.kind() == BlobErrorKind::Conflict => Ok(()),
        Err(error) => Err(error.into()),
    }
}
