//! Which keys there can be, and where a folder has them: what keeps a key from leading outside (port clause 7).

use std::path::{Path, PathBuf};

use ids_core::document::BlobKey;
use ids_core::ports::BlobError;

use crate::error::invalid_key;

/// Bytes of a whole key. S3 stops here, so no shape can make a key that another cannot hold.
const KEY_BYTES: usize = 1024;
/// Bytes of one segment: where Linux file systems stop.
const SEGMENT_BYTES: usize = 255;

/// The file of a blob under `root`.
///
/// # Errors
/// `Internal` for anything but segments of `[A-Za-z0-9._-]` joined by `/`. A segment starts with no dot: that refuses
/// `.` and `..`, and keeps names like `.partial` for the store.
pub(crate) fn path_of(root: &Path, key: &BlobKey) -> Result<PathBuf, BlobError> {
    if !is_key(&key.0) {
        return Err(invalid_key(&key.0));
    }
    Ok(root.join(&key.0))
}

/// Whether a name can be a key.
pub(crate) fn is_key(name: &str) -> bool {
    name.len() <= KEY_BYTES && name.split('/').all(is_segment)
}

/// Cuts a prefix of keys into the folder it names (empty, or ending in `/`) and the beginning of the names in it.
///
/// # Errors
/// `Internal` when no key can begin so.
pub(crate) fn split_prefix(prefix: &str) -> Result<(&str, &str), BlobError> {
    let (folder, name) = prefix.split_at(prefix.rfind('/').map_or(0, |slash| slash + 1));
    let folder_is_valid = folder
        .strip_suffix('/')
        .is_none_or(|path| path.split('/').all(is_segment));
    let name_is_valid = name.is_empty() || is_segment(name);
    if prefix.len() > KEY_BYTES || !folder_is_valid || !name_is_valid {
        return Err(invalid_key(prefix));
    }
    Ok((folder, name))
}

/// Whether a name can be one segment of a key.
pub(crate) fn is_segment(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= SEGMENT_BYTES
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
