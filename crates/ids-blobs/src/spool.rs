//! Bytes on their way into an unfinished file, counted and hashed as they go.

use std::io::{self, Write};

use ids_core::document::ContentHash;
use ids_core::ports::{BlobError, BlobErrorKind, BlobInfo};
use sha2::{Digest, Sha256};

use crate::error::failed;
use crate::partial::PartialFile;
use crate::slots::IoSlots;

/// Bytes a writer holds before they go to disk, and all it ever holds: a network chunk (about 16 KiB) is not worth a
/// trip to another thread, sixteen are.
pub const WRITE_BUFFER_BYTES: usize = 256 * 1024;

/// Takes bytes from the runtime and writes them on threads for files.
pub(crate) struct Spooler {
    slots: IoSlots,
    /// The blob's, for error messages.
    name: String,
    /// `None` once a write failed, or was dropped half way (its thread then has it, and drops it): the bytes have a
    /// hole, so nothing more may come of them.
    spool: Option<Spool>,
}

/// Moves between the spooler and the threads that work for it.
pub(crate) struct Spool {
    pub(crate) partial: PartialFile,
    buffer: Vec<u8>,
    hasher: Sha256,
    size: u64,
}

impl Spooler {
    pub(crate) fn new(slots: IoSlots, name: &str, partial: PartialFile) -> Self {
        Self {
            slots,
            name: name.to_owned(),
            spool: Some(Spool {
                partial,
                buffer: Vec::with_capacity(WRITE_BUFFER_BYTES),
                hasher: Sha256::new(),
                size: 0,
            }),
        }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// `Full`, `Unavailable`; after one of them `Internal` for ever.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let spool = self.spool.as_mut().ok_or_else(broken)?;
            let room = WRITE_BUFFER_BYTES - spool.buffer.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            spool.buffer.extend_from_slice(now);
            rest = later;
            if spool.buffer.len() < WRITE_BUFFER_BYTES {
                continue;
            }
            let mut taken = self.take()?;
            let name = self.name.clone();
            let flushed = self
                .slots
                .run(move || {
                    taken.flush().map_err(failed("write", &name))?;
                    Ok(taken)
                })
                .await?;
            self.spool = Some(flushed);
        }
        Ok(())
    }

    /// What was written, its last bytes not yet flushed. Nothing can be written after it.
    ///
    /// # Errors
    /// `Internal` after a write that failed.
    pub(crate) fn take(&mut self) -> Result<Spool, BlobError> {
        self.spool.take().ok_or_else(broken)
    }
}

impl Spool {
    /// Hands to the system what is held. Does file I/O on the calling thread.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.partial.file.write_all(&self.buffer)?;
        self.hasher.update(&self.buffer);
        self.size += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// The unfinished file with length and hash of what was flushed.
    pub(crate) fn finish(self) -> (PartialFile, BlobInfo) {
        let hash = ContentHash::from_bytes(self.hasher.finalize().into());
        let size = self.size;
        (self.partial, BlobInfo { size, hash })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("an earlier write to this blob failed or was dropped half way; begin a new one")]
struct BrokenWriter;

fn broken() -> BlobError {
    BlobError::with_source(BlobErrorKind::Internal, BrokenWriter)
}
