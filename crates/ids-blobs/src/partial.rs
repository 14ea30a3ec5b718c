//! Unfinished blobs. Each is locked by its writer; the lock ends with the process, so one that can be locked by
//! another was left behind, whatever its age and whichever process or machine wrote it.
//!
//! The folder store links them to their place; the bucket's store sends them, and keeps its local copies among them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The folder's name; no key can begin with a dot.
const NAME: &str = ".partial";
/// Names tried for one blob. The second is needed only when a start-up cleans in the instant before the lock.
const TRIES: usize = 8;

/// Where unfinished blobs lie.
pub(crate) struct PartialFolder {
    path: PathBuf,
    /// Random, so that processes which share the folder do not meet.
    prefix: u64,
    next: AtomicU64,
}

impl PartialFolder {
    /// Opens the folder below `root` and removes what was left behind.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let path = root.join(NAME);
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        for entry in fs::read_dir(&path)? {
            remove_if_left_behind(&entry?.path());
        }
        let mut prefix = [0u8; 8];
        getrandom::fill(&mut prefix).map_err(io::Error::other)?;
        Ok(Self {
            path,
            prefix: u64::from_le_bytes(prefix),
            next: AtomicU64::new(0),
        })
    }

    /// Makes the folder anew when a cleaner of temporary folders came by. Not for a folder that keeps blobs: where that
    /// one is gone, a disk is not mounted, and what was written would go to another.
    pub(crate) fn restore(&self) -> io::Result<()> {
        fs::create_dir_all(&self.path)
    }

    /// Makes an empty file that only this process can read, and that goes away on drop.
    pub(crate) fn create(&self) -> io::Result<PartialFile> {
        for _ in 0..TRIES {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.path.join(format!("{:016x}-{number}", self.prefix));
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            let partial = PartialFile { file, path };
            match partial.file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue, // someone is about to remove it
                // No locks on this file system: then nobody can lock it to remove it either.
                Err(TryLockError::Error(_)) => {}
            }
            if partial.file.metadata()?.nlink() > 0 {
                return Ok(partial);
            }
        }
        Err(io::Error::other("other processes keep removing new files"))
    }
}

/// An unfinished blob. Removed on drop, which after a commit takes away only its second name.
pub(crate) struct PartialFile {
    pub(crate) file: File,
    path: PathBuf,
}

impl PartialFile {
    /// Where it lies until then.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the bytes a second name, `target`.
    ///
    /// # Errors
    /// `AlreadyExists` when it is taken: unlike a rename, a link never replaces.
    pub(crate) fn link_to(&self, target: &Path) -> io::Result<()> {
        fs::hard_link(&self.path, target)
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // On the calling thread, though it may be one of the runtime: it is one operation on a name (the bytes go when
        // the file is closed), and work handed to another thread may never run at shutdown. What cannot be
        // removed is removed at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

fn remove_if_left_behind(path: &Path) {
    let removed = File::open(path).and_then(|file| match file.try_lock() {
        Ok(()) => fs::remove_file(path),
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    });
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            // It only takes space; a start is not refused for it.
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            tracing::warn!(blob.partial = %name, error = &error as &dyn std::error::Error,
                "could not remove the unfinished upload `{name}` of an earlier run");
        }
        _ => {}
    }
}
