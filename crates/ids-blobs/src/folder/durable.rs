//! Names that survive a power cut: a file is durable once its bytes *and* the folder that names it are synced.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Syncs the folder that holds `path`.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Makes the folders between `root` and `path` that are missing, each durable before the next.
pub(super) fn ensure_parents(root: &Path, path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    if parent == root || parent.is_dir() {
        return Ok(());
    }
    ensure_parents(root, parent)?;
    match fs::DirBuilder::new().mode(0o700).create(parent) {
        Ok(()) => {}
        // Another writer was faster. If it is no folder, linking into it will say so.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    sync_parent(parent)
}
