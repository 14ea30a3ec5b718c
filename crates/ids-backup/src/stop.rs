//! The wish to stop, asked between two pieces of work.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by who wants an end; read by what works. Clones are the same wish.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

/// What a stopped writer or reader fails with.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
struct Stopped;

impl Stop {
    /// Wishes for an end.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody wishes for one.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error when somebody wishes for an end.
    ///
    /// # Errors
    /// One that [`BackupError`](crate::BackupError) knows as `Stopped`.
    pub fn check(&self) -> io::Result<()> {
        if self.is_asked() {
            // Not `Interrupted`, which `write_all` takes for a reason to try again.
            Err(io::Error::other(Stopped))
        } else {
            Ok(())
        }
    }
}

pub(crate) fn is_stop(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|source| source.is::<Stopped>())
}

/// The same error once more, for who must report it and pass it on.
pub(crate) fn same(error: &io::Error) -> io::Error {
    if is_stop(error) {
        io::Error::other(Stopped)
    } else {
        io::Error::new(error.kind(), error.to_string())
    }
}
