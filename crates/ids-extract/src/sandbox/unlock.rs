//! What the parent lets in of an unprotected copy: bytes, which are kept in a file without a name until they are taken, and
//! are as foreign as the original.

use std::fs::File;
use std::io::{Read, Seek, Write};

use async_trait::async_trait;
use ids_core::error::Failure;
use ids_core::ports::UnlockedBytes;
use tokio::task::spawn_blocking;

use super::process::{Answer, Step};
use super::validate::BrokenPromise;
use super::wire::{COPY, Frame, Reason};
use crate::words;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 * 1_024;

/// The answer to `Task::Unlock`.
pub(super) struct Copy {
    file: File,
    is_empty: bool,
}

impl Copy {
    /// Nothing is said yet.
    pub(super) fn new() -> std::io::Result<Self> {
        let file = tempfile::tempfile()?;
        Ok(Self { file, is_empty: true })
    }
}

impl Answer for Copy {
    /// `None` where the child wrote no copy: the file needs no password.
    type Whole = Option<File>;

    fn take(&mut self, frame: &[u8]) -> Step {
        if let Some((&COPY, bytes)) = frame.split_first() {
            self.is_empty = false;
            return match self.file.write_all(bytes) {
                Ok(()) => Step::More,
                Err(error) => Step::Failed(Reason::Internal, error.kind().to_string()),
            };
        }
        match serde_json::from_slice(frame) {
            Ok(Frame::End) => Step::End,
            Ok(Frame::Failed { reason, text }) => Step::Failed(reason, text),
            Ok(_) | Err(_) => Step::Nonsense,
        }
    }

    fn finish(mut self) -> Result<Option<File>, BrokenPromise> {
        if self.is_empty {
            return Ok(None);
        }
        self.file.rewind().map_err(|_| BrokenPromise)?;
        Ok(Some(self.file))
    }
}

/// The copy, piece by piece.
pub(super) struct Pieces {
    pub(super) file: File,
    pub(super) filename: String,
}

#[async_trait]
impl UnlockedBytes for Pieces {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let unreadable = || words::unreadable(&self.filename);
        // Both share the place up to which it was read.
        let file = self.file.try_clone().map_err(|_| unreadable())?;
        let read = spawn_blocking(move || {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let read = file.take(PIECE_BYTES as u64).read_to_end(&mut piece);
            read.map(|_| piece)
        });
        let piece = read.await.map_err(|_| unreadable())?.map_err(|_| unreadable())?;
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}
