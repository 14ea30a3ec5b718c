//! Bytes of uploads and kept originals.

use std::any::Any;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::document::{BlobKey, ContentHash, Upload};
use crate::id::OrganizationId;
use crate::time::Timestamp;

/// Keeps bytes by key.
///
/// Clauses: (1) a blob is there whole or not at all: a writer dropped before `commit` leaves nothing; (2) `commit`
/// reports length and SHA-256 of exactly the bytes written, and they survive a crash of the machine; (3) a second
/// `create` of a key fails with `Conflict` at commit and leaves the first bytes; (4) `delete` of what is not there is
/// no error; (5) `rename` moves a blob, whose age begins anew, and is no error when only the target is there; (6) `list` names keys under a
/// prefix with their age, those of one folder in the order of their bytes, and goes on behind a key that was listed before; (7) a key never leads outside the store;
/// (8) where another server receives uploads, `pin` takes what it received away from the signed address, whole, with length and SHA-256, and a second
/// `pin` to another key finds nothing left to take; where none does, it finds nothing.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Begins to write a blob.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    async fn create(&self, key: &BlobKey) -> Result<Box<dyn BlobWriter>, BlobError>;

    /// Length of a blob in bytes; `None` when it is not there.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find(&self, key: &BlobKey) -> Result<Option<u64>, BlobError>;

    /// A local file with the bytes, for a parser that needs one. It may be a temporary copy, removed on drop.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn open_local(&self, key: &BlobKey) -> Result<LocalBlob, BlobError>;

    /// Moves a blob.
    ///
    /// # Errors
    /// `NotFound` when neither is there; `Unavailable`.
    async fn rename(&self, from: &BlobKey, to: &BlobKey) -> Result<(), BlobError>;

    /// Removes a blob; not being there is no error.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError>;

    /// Keys under a prefix (`temp/`), each with the time of its last change: at most `limit`, those behind `after` where that is given. Which of
    /// `a/` and `a-b/` comes first is the store's own: S3 goes by bytes, SeaweedFS by folders.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<Vec<(BlobKey, Timestamp)>, BlobError>;

    /// The signed address where the bytes of `upload` go, relative (`/api/v1/uploads/...`) when this process receives
    /// them itself, absolute when another server does.
    ///
    /// # Errors
    /// `Internal` when the key for signing cannot be read.
    fn sign_upload(&self, organization: OrganizationId, upload: &Upload) -> Result<SignedUpload, BlobError>;

    /// Takes the bytes that another server received for the signed address of `from` to the key `to`, out of reach of that address. `None` when
    /// nothing came yet, and always when this process receives uploads itself.
    ///
    /// # Errors
    /// `Conflict` when the bytes were overwritten meanwhile (try again); `Unavailable`.
    async fn pin(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<BlobInfo>, BlobError>;

    /// The origin of signed addresses (`https://bucket.example.org`), for pages that send there; `None` when it is this process's own.
    fn upload_origin(&self) -> Option<String>;

    /// Does something small in the store, for /health.
    ///
    /// # Errors
    /// `Unavailable`, `Full`.
    async fn ping(&self) -> Result<(), BlobError>;

    /// Checks the query string of a signed address made by [`BlobStore::sign_upload`], in constant time; expiry is
    /// checked by the caller. `false` always, when another server receives the bytes.
    fn verify_upload(&self, organization: OrganizationId, upload: &Upload, signature: &str) -> bool;
}

/// Where and how the bytes of an announced upload are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedUpload {
    /// The address.
    pub url: String,
    /// Headers to be sent as given.
    pub headers: Vec<(String, String)>,
}

/// Takes the bytes of one blob. Dropped before `commit`, it leaves nothing.
#[async_trait]
pub trait BlobWriter: Send {
    /// Appends bytes.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError>;

    /// Makes the blob durable and visible.
    ///
    /// # Errors
    /// `Conflict` when the key is taken; `Full`, `Unavailable`.
    async fn commit(self: Box<Self>) -> Result<BlobInfo, BlobError>;
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobInfo {
    /// Bytes.
    pub size: u64,
    /// Their SHA-256.
    pub hash: ContentHash,
}

/// A blob as a local file. A temporary copy goes away with it.
#[derive(Debug)]
pub struct LocalBlob {
    path: PathBuf,
    /// Removes a temporary copy when it goes away.
    _copy: Option<Box<dyn Any + Send + Sync>>,
}

impl LocalBlob {
    /// The store's own file, which stays.
    pub fn kept(path: PathBuf) -> Self {
        Self { path, _copy: None }
    }

    /// A copy that stays as long as `copy` does, which removes it on drop.
    pub fn temporary(path: PathBuf, copy: impl Any + Send + Sync) -> Self {
        Self {
            path,
            _copy: Some(Box::new(copy)),
        }
    }

    /// Where the bytes are.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Why a blob store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("blob store: {kind:?}")]
pub struct BlobError {
    kind: BlobErrorKind,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Kinds of blob errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobErrorKind {
    /// No such blob.
    NotFound,
    /// The key is taken.
    Conflict,
    /// No space is left.
    Full,
    /// Cannot be reached, or refuses.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl BlobError {
    /// An error of a kind, without a cause.
    pub const fn new(kind: BlobErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// An error of a kind with its cause.
    pub fn with_source(
        kind: BlobErrorKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            source: Some(source.into()),
        }
    }

    /// What to do about it.
    pub const fn kind(&self) -> BlobErrorKind {
        self.kind
    }
}
