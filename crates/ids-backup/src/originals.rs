//! The bytes of documents beside the archives: each once for all backups, named by its hash.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ids_core::document::ContentHash;
use sha2::{Digest, Sha256};

use crate::age::{AgeError, DecryptReader, EncryptWriter, WORK_OF_KEYS};
use crate::error::{BackupError, at};
use crate::folder::{sync, sync_file_system};
use crate::key::OriginalsKey;
use crate::stop::Stop;

/// The folder's name beside the archives.
pub(crate) const FOLDER: &str = "originals";
/// Files that wait for one call that makes them durable.
const AT_ONCE: usize = 256;
/// Up to so many each is made durable alone: the call for all waits for what others write, too.
const FEW: usize = 16;
const BUFFER: usize = 64 * 1024;

/// The bytes of documents of a folder of backups, to be added to.
pub struct Originals {
    root: PathBuf,
    key: Option<OriginalsKey>,
    stop: Stop,
    written: u64,
    /// Written, and not named yet.
    waiting: Vec<(PathBuf, PathBuf)>,
}

/// Bytes that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptBytes {
    /// Their hash.
    pub sha256: ContentHash,
    /// How many.
    pub bytes: u64,
}

impl Originals {
    /// Those of the folder of backups `backups`, and removes what a killed backup left.
    ///
    /// # Errors
    /// `Full`, `Folder`.
    pub fn open(backups: &Path, key: Option<OriginalsKey>, stop: &Stop) -> Result<Self, BackupError> {
        let root = backups.join(FOLDER);
        make_folder(&root)?;
        for entry in fs::read_dir(&root).map_err(at(&root))? {
            let path = entry.map_err(at(&root))?.path();
            if is_partial(&path) {
                fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        Ok(Self {
            root,
            key,
            stop: stop.clone(),
            written: 0,
            waiting: Vec::new(),
        })
    }

    /// The name that bytes of that hash have below the folder.
    pub fn name_of(sha256: &ContentHash, key: Option<&OriginalsKey>) -> String {
        let hash = sha256.to_string();
        match key {
            None => format!("{}/{hash}", &hash[..2]),
            Some(key) => format!("{}/{hash}.{}.age", &hash[..2], key.id()),
        }
    }

    /// The same, with the key that these are written with.
    pub fn name(&self, sha256: &ContentHash) -> String {
        Self::name_of(sha256, self.key.as_ref())
    }

    /// Whether they are there.
    pub fn has(&self, sha256: &ContentHash) -> bool {
        let path = self.root.join(self.name(sha256));
        path.is_file() || self.waiting.iter().any(|(_, target)| *target == path)
    }

    /// Takes bytes in, unless they are there.
    ///
    /// # Errors
    /// `Full`, `Folder`, `Stopped`; a failing `from` is `Sink`.
    pub fn keep(&mut self, from: &mut dyn Read) -> Result<KeptBytes, BackupError> {
        self.written += 1;
        let partial = self.root.join(format!(".partial-{}", self.written));
        let kept = match self.write(&partial, from) {
            Ok(kept) => kept,
            Err(error) => {
                let _ = fs::remove_file(&partial);
                return Err(error);
            }
        };
        if self.has(&kept.sha256) {
            fs::remove_file(&partial).map_err(at(&partial))?;
            return Ok(kept);
        }
        self.waiting
            .push((partial, self.root.join(self.name(&kept.sha256))));
        if self.waiting.len() >= AT_ONCE {
            self.settle()?;
        }
        Ok(kept)
    }

    /// Makes durable what was taken in, and names it.
    ///
    /// # Errors
    /// `Full`, `Folder`.
    pub fn settle(&mut self) -> Result<(), BackupError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        // Bytes before names: a power cut must not leave an empty file under a hash that is taken for done.
        if self.waiting.len() <= FEW {
            for (partial, _) in &self.waiting {
                sync(partial)?;
            }
        } else {
            sync_file_system(&self.root)?;
        }
        let mut folders = BTreeSet::from([self.root.clone()]);
        for (partial, target) in self.waiting.drain(..) {
            if let Some(parent) = target.parent() {
                make_folder(parent)?;
                folders.insert(parent.to_owned());
            }
            fs::rename(&partial, &target).map_err(at(&target))?;
        }
        folders.iter().try_for_each(|folder| sync(folder))
    }

    fn write(&self, partial: &Path, from: &mut dyn Read) -> Result<KeptBytes, BackupError> {
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(partial)
            .map_err(at(partial))?;
        let file = BufWriter::with_capacity(BUFFER, file);
        match &self.key {
            None => {
                let mut file = file;
                let kept = self.copy(from, &mut file, partial)?;
                file.flush().map_err(at(partial))?;
                Ok(kept)
            }
            Some(key) => {
                let mut sealed =
                    EncryptWriter::new(file, key.passphrase(), WORK_OF_KEYS).map_err(at(partial))?;
                let kept = self.copy(from, &mut sealed, partial)?;
                let finished = sealed.finish().and_then(|mut file| file.flush());
                finished.map_err(at(partial))?;
                Ok(kept)
            }
        }
    }

    fn copy(
        &self,
        from: &mut dyn Read,
        to: &mut dyn Write,
        partial: &Path,
    ) -> Result<KeptBytes, BackupError> {
        let mut buffer = vec![0; BUFFER];
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        loop {
            self.stop.check().map_err(at(partial))?;
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(BackupError::Sink { source }),
            };
            hash.update(&buffer[..count]);
            bytes += count as u64;
            to.write_all(&buffer[..count]).map_err(at(partial))?;
        }
        Ok(KeptBytes {
            sha256: ContentHash::from_bytes(hash.finalize().into()),
            bytes,
        })
    }

    /// Removes all that is not in `needed`, and the folders that are empty then.
    pub(crate) fn remove_others(backups: &Path, needed: &BTreeSet<String>) -> Result<(), BackupError> {
        let root = backups.join(FOLDER);
        let Ok(folders) = fs::read_dir(&root) else {
            return Ok(());
        };
        for folder in folders {
            let folder = folder.map_err(at(&root))?;
            let prefix = folder.file_name().to_string_lossy().into_owned();
            if !folder.file_type().is_ok_and(|kind| kind.is_dir()) || prefix.len() != 2 {
                continue;
            }
            for file in fs::read_dir(folder.path()).map_err(at(&root))? {
                let file = file.map_err(at(&root))?;
                let name = format!("{prefix}/{}", file.file_name().to_string_lossy());
                if !needed.contains(&name) {
                    fs::remove_file(file.path()).map_err(at(&file.path()))?;
                }
            }
            // Fails where something is left, which is fine.
            let _ = fs::remove_dir(folder.path());
        }
        Ok(())
    }
}

impl Drop for Originals {
    fn drop(&mut self) {
        for (partial, _) in &self.waiting {
            let _ = fs::remove_file(partial);
        }
    }
}

/// Opens bytes of a document as they were taken in.
///
/// # Errors
/// `WrongKey`, `Damaged`, `Folder`.
pub fn open_original(path: &Path, key: Option<&OriginalsKey>) -> Result<Box<dyn Read + Send>, BackupError> {
    let file = BufReader::with_capacity(BUFFER, File::open(path).map_err(at(path))?);
    let Some(key) = key else {
        return Ok(Box::new(file));
    };
    let name = || {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    match DecryptReader::new(file, key.passphrase()) {
        Ok(reader) => Ok(Box::new(reader)),
        Err(AgeError::WrongPassphrase) => Err(BackupError::WrongKey { file: name() }),
        Err(AgeError::Unreadable(error)) => Err(at(path)(error)),
        Err(error) => Err(BackupError::Damaged {
            file: name(),
            what: error.to_string(),
        }),
    }
}

fn is_partial(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(".partial-"))
}

fn make_folder(path: &Path) -> Result<(), BackupError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(at(path))
}
