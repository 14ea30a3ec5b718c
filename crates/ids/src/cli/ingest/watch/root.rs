//! A watched folder, which may go away and come back: a drive that is pulled out, a share that is not mounted.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A watched folder.
#[derive(Debug, Clone)]
pub struct Root {
    /// As it was named.
    pub shown: PathBuf,
    /// Where it lies, without links.
    pub real: PathBuf,
    /// The file system it lay on when it was first seen.
    device: Option<u64>,
    is_there: bool,
}

impl Root {
    /// Of a folder.
    ///
    /// # Errors
    /// When it is not there.
    pub fn new(shown: &Path) -> std::io::Result<Self> {
        Ok(Self {
            shown: shown.to_owned(),
            real: shown.canonicalize()?,
            device: None,
            is_there: false,
        })
    }

    /// Whether it was never looked at.
    pub const fn is_unseen(&self) -> bool {
        self.device.is_none()
    }

    /// Whether it was there at the last look.
    pub const fn is_there(&self) -> bool {
        self.is_there
    }

    /// Whether a path lies in it.
    pub fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.real)
    }

    /// A path in it as a person would write it.
    pub fn shown(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(&self.real) {
            Ok(rest) if rest.as_os_str().is_empty() => self.shown.clone(),
            Ok(rest) => self.shown.join(rest),
            Err(_) => path.to_owned(),
        }
    }

    /// Looks whether it is there: a folder on the file system it was first seen on. The empty folder on which a drive is mounted is
    /// another one. Says so when that is news.
    pub fn look(&mut self) -> Option<bool> {
        let device = fs::symlink_metadata(&self.real)
            .ok()
            .filter(fs::Metadata::is_dir)
            .map(|metadata| metadata.dev());
        let was_unseen = self.is_unseen();
        let was_there = self.is_there;
        self.device = self.device.or(device);
        self.is_there = device.is_some() && device == self.device;
        // That it is there at the first look is what everybody expects.
        let is_news = self.is_there != was_there && !(was_unseen && self.is_there);
        is_news.then_some(self.is_there)
    }
}
