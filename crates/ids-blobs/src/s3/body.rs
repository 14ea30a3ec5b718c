//! What is sent, in pieces, and how far that has come.

use std::fs::File;
use std::io::{self, Seek};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use ids_core::ports::{BlobError, BlobErrorKind};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use super::error::CallError;

/// Bytes of a file that are read at once: one trip to a thread for files.
pub(super) const PIECE_BYTES: usize = 256 * 1_024;

/// What goes with a request; it may be sent several times.
pub(super) enum Payload {
    Nothing,
    Bytes(Bytes),
    /// Sent from its beginning, so only by one request at a time: handles of a file share their place.
    File {
        file: File,
        size: u64,
    },
}

/// The body of one request.
pub(super) struct SentBody {
    source: Source,
    left: u64,
    progress: Progress,
}

enum Source {
    Bytes(Bytes),
    File { file: tokio::fs::File, piece: Vec<u8> },
}

/// How far the sending has come.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<(Instant, bool)>>);

impl Progress {
    /// When the last piece was taken, and whether it was the last of all.
    pub(super) fn state(&self) -> (Instant, bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, is_all: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), is_all);
    }
}

impl SentBody {
    pub(super) fn new(payload: &Payload) -> Result<Self, CallError> {
        let (source, left) = match payload {
            Payload::Nothing => (Source::Bytes(Bytes::new()), 0),
            Payload::Bytes(bytes) => (Source::Bytes(bytes.clone()), bytes.len() as u64),
            Payload::File { file, size } => {
                let mut file = file.try_clone().map_err(here)?;
                // Moves a number in the kernel, no disk.
                file.rewind().map_err(here)?;
                let source = Source::File {
                    file: tokio::fs::File::from_std(file),
                    piece: vec![0; PIECE_BYTES],
                };
                (source, *size)
            }
        };
        let progress = Progress(Arc::new(Mutex::new((Instant::now(), left == 0))));
        Ok(Self {
            source,
            left,
            progress,
        })
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let data = match &mut self.source {
            Source::Bytes(bytes) => std::mem::take(bytes),
            Source::File { file, piece } => {
                let mut into = ReadBuf::new(piece);
                ready!(Pin::new(file).poll_read(context, &mut into))?;
                Bytes::copy_from_slice(into.filled())
            }
        };
        let Some(left) = self.left.checked_sub(data.len() as u64) else {
            return Poll::Ready(Some(Err(io::Error::other("the file grew while it was sent"))));
        };
        if data.is_empty() {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        self.left = left;
        self.progress.set(left == 0);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

fn here(error: io::Error) -> CallError {
    CallError::Here(BlobError::with_source(BlobErrorKind::Unavailable, error))
}
