//! How far a backup or a restore is.

use std::sync::{Arc, Mutex, PoisonError};

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Rows are written or read: how many so far.
    Rows(u64),
    /// Rows are put in: how many bytes of them so far.
    RowBytes(u64),
    /// The file of the library is written or read.
    Library,
    /// Bytes of documents: how many are done, of how many.
    Bytes(u64, u64),
    /// Files go to the bucket: how many are done, of how many.
    Copies(u64, u64),
    /// An archive is read from its beginning to its end.
    Reading,
    /// The restored library is counted and brought to the newest schema.
    Finishing,
}

type Show = dyn FnMut(&Step) + Send;

/// Told by the work, shown to a person.
#[derive(Clone)]
pub struct Progress(Arc<Mutex<Box<Show>>>);

impl Progress {
    /// Shows each step so.
    pub fn new(show: impl FnMut(&Step) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(show))))
    }

    /// This is being done now.
    pub fn show(&self, step: Step) {
        let mut show = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        show(&step);
    }
}
