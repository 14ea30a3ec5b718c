//! A store in a temporary folder, at a fixed time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ids_blobs::{FolderBlobStore, SigningKey};
use ids_core::document::BlobKey;
use ids_core::ports::{BlobStore, Clock};
use ids_core::time::Timestamp;
use tempfile::TempDir;

/// 2025-01-01T00:00:00.5Z: the time of every blob in these tests.
pub const NOW: Timestamp = Timestamp::from_micros(1_735_689_600_500_000);

pub struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// A folder that may be opened again and again.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("blobs")
    }

    pub fn open(&self) -> FolderBlobStore {
        open(&self.path())
    }

    /// The unfinished blobs and their sizes.
    pub fn partial(&self) -> Vec<(PathBuf, u64)> {
        partial(&self.path())
    }
}

pub fn open(root: &Path) -> FolderBlobStore {
    FolderBlobStore::open(root, SigningKey::from_bytes([7; 32]), Arc::new(FixedClock)).unwrap()
}

pub fn partial(root: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(root.join(".partial")).unwrap();
    entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.path(), entry.metadata().unwrap().len()))
        .collect()
}

pub fn key(name: &str) -> BlobKey {
    BlobKey(name.to_owned())
}

pub async fn put(store: &dyn BlobStore, name: &str, bytes: &[u8]) {
    let mut writer = store.create(&key(name)).await.unwrap();
    writer.write(bytes).await.unwrap();
    writer.commit().await.unwrap();
}
