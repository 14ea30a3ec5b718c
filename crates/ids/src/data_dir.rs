//! The data directory: one process owns it at a time (SQLite has one owner), and others find that one through it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A data directory that this process owns until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why the directory cannot be owned.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process owns it.
    #[error("the data directory `{0}` is in use by another `ids`; stop it, or give another --data-dir")]
    Locked(PathBuf),
    /// It cannot be made or written.
    #[error(
        "the data directory `{path}` cannot be written: {reason}; check its owner and its disk, or give another --data-dir"
    )]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why: in the text, so not a source, which would be printed once more.
        reason: io::Error,
    },
}

impl DataDir {
    /// Makes the directory where there is none, and takes it.
    ///
    /// # Errors
    /// See [`DataDirError`].
    pub fn own(path: &Path) -> Result<Self, DataDirError> {
        let unwritable = |reason| DataDirError::Unwritable {
            path: path.to_owned(),
            reason,
        };
        // Documents are people's data: nobody else on the machine may read them.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(unwritable)?;
        let path = path.canonicalize().map_err(unwritable)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::Locked(path)),
            Err(TryLockError::Error(source)) => Err(unwritable(source)),
        }
    }

    /// The directory, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The key that signs upload addresses.
pub fn upload_key_path(data_dir: &Path) -> PathBuf {
    data_dir.join("upload.key")
}

/// The socket through which other commands reach the owner.
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("ids.sock")
}

/// Where the running server leaves its address.
pub fn address_path(data_dir: &Path) -> PathBuf {
    data_dir.join("server.json")
}

#[cfg(test)]
mod tests {
    use super::{DataDir, DataDirError};

    #[test]
    fn a_directory_has_one_owner_until_it_is_given_back() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("new/library");
        let owner = DataDir::own(&path).unwrap();
        assert!(matches!(DataDir::own(&path), Err(DataDirError::Locked(_))));
        drop(owner);
        DataDir::own(&path).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let temporary = tempfile::tempdir().unwrap();
        let file = temporary.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let error = DataDir::own(&file.join("below")).unwrap_err().to_string();
        assert!(
            error.contains("cannot be written") && error.contains("--data-dir"),
            "{error}"
        );
    }
}
