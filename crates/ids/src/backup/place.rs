//! Where backups lie: a folder, or the bucket.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ids_backup::{BackupError, BackupName, ListedBackup, list_backups};
use ids_core::document::BlobKey;
use ids_core::ports::{BlobErrorKind, BlobStore, LocalBlob};

use super::blocking;

/// Keys of one page of a list.
const PAGE: usize = 1_000;

/// Where backups are read from.
#[derive(Clone)]
pub enum BackupPlace {
    /// A folder of this machine.
    Folder(PathBuf),
    /// Below a prefix of the bucket.
    Bucket {
        /// The bucket.
        blobs: Arc<dyn BlobStore>,
        /// The prefix, with its slash.
        prefix: String,
        /// What to call it.
        name: String,
    },
}

impl BackupPlace {
    /// For people.
    pub fn name(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::Bucket { name, .. } => name.clone(),
        }
    }

    /// All backups, newest first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn list(&self) -> anyhow::Result<Vec<ListedBackup>> {
        match self {
            Self::Folder(path) => {
                let path = path.clone();
                blocking(move || list_backups(&path)).await
            }
            Self::Bucket { blobs, prefix, .. } => {
                let mut listed = Vec::new();
                for key in keys_under(blobs.as_ref(), &format!("{prefix}ids-")).await? {
                    let Some(name) = key.0.strip_prefix(prefix.as_str()).and_then(BackupName::parse) else {
                        continue;
                    };
                    let bytes = blobs.find(&key).await.context("the bucket cannot be read")?;
                    listed.extend(bytes.map(|bytes| ListedBackup { name, bytes }));
                }
                listed.sort_unstable_by_key(|backup| Reverse(backup.name));
                Ok(listed)
            }
        }
    }

    /// The newest backup.
    ///
    /// # Errors
    /// `BackupError::None` where there is none.
    pub async fn newest(&self) -> anyhow::Result<BackupName> {
        let newest = self.list().await?.into_iter().next();
        Ok(newest
            .ok_or_else(|| BackupError::None { place: self.name() })?
            .name)
    }

    /// A file below the place, as one of this machine; one of the bucket is a copy, which goes when this is dropped. `None` where it is not
    /// there.
    ///
    /// # Errors
    /// When the place cannot be read.
    pub async fn open(&self, name: &str) -> anyhow::Result<Option<LocalBlob>> {
        match self {
            Self::Folder(path) => {
                let path = path.join(name);
                Ok(path.is_file().then(|| LocalBlob::kept(path)))
            }
            Self::Bucket { blobs, prefix, .. } => {
                match blobs.open_local(&BlobKey(format!("{prefix}{name}"))).await {
                    Ok(local) => Ok(Some(local)),
                    Err(error) if error.kind() == BlobErrorKind::NotFound => Ok(None),
                    Err(error) => Err(anyhow::Error::new(error).context("the bucket cannot be read")),
                }
            }
        }
    }

    /// Whether a file is there.
    ///
    /// # Errors
    /// When the place cannot be read.
    pub async fn has(&self, name: &str) -> anyhow::Result<bool> {
        match self {
            Self::Folder(path) => Ok(path.join(name).is_file()),
            Self::Bucket { blobs, prefix, .. } => {
                let found = blobs.find(&BlobKey(format!("{prefix}{name}"))).await;
                Ok(found.context("the bucket cannot be read")?.is_some())
            }
        }
    }
}

/// All keys below a prefix.
pub(super) async fn keys_under(blobs: &dyn BlobStore, prefix: &str) -> anyhow::Result<Vec<BlobKey>> {
    let mut keys: Vec<BlobKey> = Vec::new();
    loop {
        let page = blobs
            .list(prefix, keys.last(), PAGE)
            .await
            .context("the bucket cannot be listed")?;
        if page.is_empty() {
            return Ok(keys);
        }
        keys.extend(page.into_iter().map(|(key, _)| key));
    }
}

/// The folder and the name of a backup that was given as a path.
pub(super) fn split(path: &Path) -> Option<(PathBuf, BackupName)> {
    let name = BackupName::parse(path.file_name()?.to_str()?)?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Some((folder.unwrap_or(Path::new(".")).to_owned(), name))
}

impl BackupPlace {
    /// What is meant by `latest`, the name of a backup of this place, or a path to one anywhere.
    ///
    /// # Errors
    /// When there is no such backup.
    pub async fn find(self, what: &str) -> anyhow::Result<(Self, BackupName)> {
        if what == "latest" {
            let name = self.newest().await?;
            return Ok((self, name));
        }
        let file = || what.to_owned();
        let Some((folder, name)) = split(Path::new(what)) else {
            return Err(BackupError::NotAName { file: file() }.into());
        };
        if what.contains('/') || Path::new(what).is_file() {
            let place = Self::Folder(folder);
            return match place.has(&name.to_string()).await? {
                true => Ok((place, name)),
                false => Err(BackupError::None {
                    place: what.to_owned(),
                }
                .into()),
            };
        }
        if self.has(&name.to_string()).await? {
            return Ok((self, name));
        }
        Err(BackupError::None {
            place: format!("{}/{name}", self.name()),
        }
        .into())
    }
}
