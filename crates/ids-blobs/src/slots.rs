//! File operations leave the runtime, a bounded number at once.

use std::sync::Arc;

use ids_core::ports::{BlobError, BlobErrorKind};
use tokio::sync::Semaphore;

/// File operations at once. More threads make no disk faster, and the runtime's blocking threads are for others too.
const IO_SLOTS: usize = 8;

/// The slots of one store. Clones share them.
#[derive(Clone)]
pub(crate) struct IoSlots(Arc<Semaphore>);

impl IoSlots {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(IO_SLOTS)))
    }

    /// Runs file operations on a thread for them. The permit travels with the work, since a dropped future does not
    /// stop the thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let slot = Arc::clone(&self.0).acquire_owned().await;
        let permit = slot.map_err(|error| BlobError::with_source(BlobErrorKind::Internal, error))?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await
            .map_err(|error| BlobError::with_source(BlobErrorKind::Internal, error))?
    }
}
