//! Blobs as files of one folder: the key is the path.
//!
//! A blob is written under `.partial/`, synced, then linked to its place, so that it is there whole or not at all and
//! never replaces another. The folder must lie on a file system with hard links.

mod durable;
mod writer;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use ids_core::document::{BlobKey, Upload};
use ids_core::id::OrganizationId;
use ids_core::ports::{
    BlobError, BlobErrorKind, BlobInfo, BlobStore, BlobWriter, Clock, LocalBlob, SignedUpload,
};
use ids_core::time::Timestamp;

use self::writer::FolderBlobWriter;
use crate::error::{failed, is_absent};
use crate::key::{is_segment, path_of, split_prefix};
use crate::partial::PartialFolder;
use crate::signing::SigningKey;
use crate::slots::IoSlots;

/// Keeps blobs in a folder. Cheap to clone; clones share their slots for file operations.
#[derive(Clone)]
pub struct FolderBlobStore {
    shared: Arc<Shared>,
}

/// What store and writers share.
struct Shared {
    /// Absolute, since parsers run elsewhere.
    root: PathBuf,
    partial: PartialFolder,
    signing_key: SigningKey,
    clock: Arc<dyn Clock>,
    slots: IoSlots,
}

impl FolderBlobStore {
    /// Opens the store in `root`, made where there is none, and removes what writers left that were killed. Other
    /// processes may have the same folder open (server shape without S3): their unfinished writes are left alone.
    ///
    /// The time of a blob's last change is taken from `clock`. Does file I/O on the calling thread: for start-up.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    pub fn open(root: &Path, signing_key: SigningKey, clock: Arc<dyn Clock>) -> Result<Self, BlobError> {
        let name = root.display().to_string();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .map_err(failed("create", &name))?;
        let root = root.canonicalize().map_err(failed("open", &name))?;
        let partial = PartialFolder::open(&root).map_err(failed("open", &name))?;
        Ok(Self {
            shared: Arc::new(Shared {
                root,
                partial,
                signing_key,
                clock,
                slots: IoSlots::new(),
            }),
        })
    }

    fn path_of(&self, key: &BlobKey) -> Result<PathBuf, BlobError> {
        path_of(&self.shared.root, key)
    }
}

#[async_trait]
impl BlobStore for FolderBlobStore {
    async fn create(&self, key: &BlobKey) -> Result<Box<dyn BlobWriter>, BlobError> {
        let target = self.path_of(key)?;
        let (shared, name) = (Arc::clone(&self.shared), key.0.clone());
        let partial = self
            .shared
            .slots
            .run(move || shared.partial.create().map_err(failed("write", &name)))
            .await?;
        Ok(Box::new(FolderBlobWriter::new(
            Arc::clone(&self.shared),
            key.clone(),
            target,
            partial,
        )))
    }

    async fn find(&self, key: &BlobKey) -> Result<Option<u64>, BlobError> {
        let (path, name) = (self.path_of(key)?, key.0.clone());
        self.shared
            .slots
            .run(move || length_of(&path).map_err(failed("look for", &name)))
            .await
    }

    async fn open_local(&self, key: &BlobKey) -> Result<LocalBlob, BlobError> {
        match self.find(key).await? {
            Some(_) => Ok(LocalBlob::kept(self.path_of(key)?)),
            None => Err(BlobError::new(BlobErrorKind::NotFound)),
        }
    }

    /// Replaces what is at `to`: a version's original is named by its id, so both are the same bytes.
    async fn rename(&self, from: &BlobKey, to: &BlobKey) -> Result<(), BlobError> {
        let (source, target, name) = (self.path_of(from)?, self.path_of(to)?, from.0.clone());
        let shared = Arc::clone(&self.shared);
        let now = self.shared.clock.now();
        self.shared
            .slots
            .run(move || match move_blob(&shared.root, &source, &target) {
                // As in S3, where a move is a copy: its age begins anew, so that nobody takes bytes on their way for orphans.
                Ok(true) => set_changed(&target, now).map_err(failed("move", &name)),
                Ok(false) => Err(BlobError::new(BlobErrorKind::NotFound)),
                Err(error) => Err(failed("move", &name)(error)),
            })
            .await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let (path, name) = (self.path_of(key)?, key.0.clone());
        self.shared
            .slots
            .run(move || delete_blob(&path).map_err(failed("delete", &name)))
            .await
    }

    /// In the order of their bytes, as S3 does.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<Vec<(BlobKey, Timestamp)>, BlobError> {
        split_prefix(prefix)?;
        let (shared, prefix) = (Arc::clone(&self.shared), prefix.to_owned());
        let after = after.map(|key| key.0.clone()).unwrap_or_default();
        self.shared
            .slots
            .run(move || {
                let (folder, beginning) = split_prefix(&prefix)?;
                let mut listing = Listing {
                    root: &shared.root,
                    after: &after,
                    limit,
                    found: Vec::new(),
                };
                listing.walk(folder, beginning).map_err(failed("list", &prefix))?;
                Ok(listing.found)
            })
            .await
    }

    fn sign_upload(&self, organization: OrganizationId, upload: &Upload) -> Result<SignedUpload, BlobError> {
        let url = self.shared.signing_key.sign(organization, upload)?;
        let headers = vec![("content-type".to_owned(), upload.content_type.as_str().to_owned())];
        Ok(SignedUpload { url, headers })
    }

    /// Uploads come through this process, which writes them itself.
    async fn pin(&self, _from: &BlobKey, _to: &BlobKey) -> Result<Option<BlobInfo>, BlobError> {
        Ok(None)
    }

    fn upload_origin(&self) -> Option<String> {
        None
    }

    /// Writes an unfinished blob and removes it: a folder that is read-only or full shows, and nothing is left.
    async fn ping(&self) -> Result<(), BlobError> {
        let shared = Arc::clone(&self.shared);
        self.shared
            .slots
            .run(move || {
                let mut probe = shared.partial.create().map_err(failed("write", "a probe"))?;
                probe.file.write_all(b"?").map_err(failed("write", "a probe"))
            })
            .await
    }

    fn verify_upload(&self, organization: OrganizationId, upload: &Upload, signature: &str) -> bool {
        self.shared.signing_key.verify(organization, upload, signature)
    }
}

/// Length of a blob; `None` when nothing is there, or a folder.
fn length_of(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Moves a file for good. `false` when neither it nor the target is there.
fn move_blob(root: &Path, source: &Path, target: &Path) -> io::Result<bool> {
    // A key can also name a folder (`temp`), and those are not blobs.
    if length_of(source)?.is_some() {
        durable::ensure_parents(root, target)?;
        match fs::rename(source, target) {
            Ok(()) => {
                durable::sync_parent(target)?;
                durable::sync_parent(source)?;
                return Ok(true);
            }
            // Another call was faster: go on as if it had come first.
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    if length_of(target)?.is_none() {
        return Ok(false);
    }
    // Moved by an earlier call, which may have been killed before it synced.
    durable::sync_parent(target)?;
    Ok(true)
}

fn delete_blob(path: &Path) -> io::Result<()> {
    // A key can also name a folder, and those are not blobs.
    if length_of(path)?.is_none() {
        return Ok(());
    }
    match fs::remove_file(path) {
        Ok(()) => durable::sync_parent(path),
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Keys being listed.
struct Listing<'a> {
    root: &'a Path,
    /// Only those behind this one.
    after: &'a str,
    limit: usize,
    found: Vec<(BlobKey, Timestamp)>,
}

impl Listing<'_> {
    /// Adds the blobs below `folder` (empty, or ending in `/`) whose names there begin with `beginning`, until there are enough.
    /// Recursion ends with the key's length, which [`path_of`] bounds.
    fn walk(&mut self, folder: &str, beginning: &str) -> io::Result<()> {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if !is_segment(&name) || !name.starts_with(beginning) {
                continue; // not ours, such as `.partial`
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                // With its slash, a folder sorts where its keys sort.
                names.push(name + "/");
            } else if kind.is_file() {
                names.push(name);
            }
        }
        names.sort_unstable();
        for name in names {
            if self.found.len() >= self.limit {
                return Ok(());
            }
            let key = format!("{folder}{name}");
            if name.ends_with('/') {
                // Of a folder that sorts before `after`, only the one that `after` itself lies in has keys behind it.
                if key.as_str() > self.after || self.after.starts_with(&key) {
                    self.walk(&key, "")?;
                }
            } else if key.as_str() > self.after {
                self.add(key)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, key: String) -> io::Result<()> {
        match fs::metadata(self.root.join(&key)) {
            Ok(metadata) => {
                let changed_at = to_timestamp(metadata.modified()?);
                self.found.push((BlobKey(key), changed_at));
                Ok(())
            }
            Err(error) if is_absent(&error) => Ok(()), // deleted meanwhile
            Err(error) => Err(error),
        }
    }
}

/// Sets the time of a blob's last change.
fn set_changed(path: &Path, now: Timestamp) -> io::Result<()> {
    fs::File::options()
        .write(true)
        .open(path)?
        .set_modified(to_system_time(now))
}

fn to_timestamp(time: SystemTime) -> Timestamp {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since_epoch) => Timestamp::from_micros(0).plus(since_epoch),
        Err(before) => Timestamp::from_micros(0).minus(before.duration()),
    }
}

fn to_system_time(time: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(0))
}
