//! Where bytes lie: a folder, or a bucket.

use std::sync::Arc;

use anyhow::Context;
use ids_blobs::{FolderBlobStore, S3BlobStore, SigningKey};
use ids_core::ports::{BlobStore, Clock};

use super::blobs_folder;
use crate::config::Config;
use crate::data_dir::upload_key_path;

/// The store of uploads and originals that the configuration names. Does file I/O on the calling thread.
///
/// # Errors
/// When it cannot be used.
pub fn open(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<dyn BlobStore>> {
    if let Some(settings) = &config.s3 {
        let store = S3BlobStore::new(&settings.store, Arc::clone(clock));
        return Ok(Arc::new(store.context("the bucket cannot be used")?));
    }
    let key = SigningKey::load_or_create(&upload_key_path(&config.data_dir))
        .context("the key for upload addresses cannot be read or made")?;
    let store = FolderBlobStore::open(&blobs_folder(config), key, Arc::clone(clock))
        .context("the folder of uploads cannot be opened")?;
    Ok(Arc::new(store))
}
