//! A file system of a few megabytes in memory, which is soon full.

use std::fs::{File, create_dir_all, remove_file};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

/// Unmounted when dropped.
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// `None` where mounting is not allowed.
    pub fn mount(folder: &Path, size: &str) -> Result<Option<Self>> {
        create_dir_all(folder)?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder)
            .output();
        Ok(mounted.is_ok_and(|output| output.status.success()).then(|| Self {
            folder: folder.to_owned(),
        }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Leaves no byte free.
    pub fn fill(&self) -> Result<()> {
        let mut filler = File::create(self.filler())?;
        for piece in [vec![7; 64 * 1024], vec![7; 512]] {
            while filler.write_all(&piece).is_ok() {}
        }
        Ok(())
    }

    /// Makes room again.
    pub fn empty(&self) -> Result<()> {
        Ok(remove_file(self.filler())?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.folder).output();
    }
}
