//! How many documents are read at once: as many as the memory holds, not only as many as there are workers.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory that reading any document takes, in MB: the child with its PDF library, and the document's text here.
const BASE_MEGABYTES: u64 = 96;
/// Megabytes of memory for each megabyte of file, rounded up from bench/pipeline: a 1,000-page PDF of 6 MB peaks at 190 MB in all.
const PER_FILE_MEGABYTE: u64 = 8;
/// The most that one document is counted for, in MB: the child's own limit ends it there.
const MOST_MEGABYTES: u64 = 1_024;

/// Memory shared by the workers of a process.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    /// One permit a megabyte; `None` for no bound.
    megabytes: Option<(Arc<Semaphore>, u32)>,
}

impl MemoryBudget {
    /// So many megabytes; a document that needs more than all of them runs alone.
    pub fn megabytes(megabytes: u32) -> Self {
        Self {
            megabytes: Some((
                Arc::new(Semaphore::new(megabytes.max(1) as usize)),
                megabytes.max(1),
            )),
        }
    }

    /// No bound but the number of workers.
    pub const fn unlimited() -> Self {
        Self { megabytes: None }
    }

    /// Waits until a file of `file_size` bytes may be read; the memory is given back on drop.
    pub(super) async fn reserve(&self, file_size: u64) -> Option<OwnedSemaphorePermit> {
        let (semaphore, all) = self.megabytes.as_ref()?;
        let needed = u32::try_from(megabytes_for(file_size))
            .unwrap_or(u32::MAX)
            .min(*all);
        // Only a closed semaphore fails, and this one is never closed.
        Arc::clone(semaphore).acquire_many_owned(needed).await.ok()
    }
}

fn megabytes_for(file_size: u64) -> u64 {
    let file = file_size.div_ceil(1024 * 1024);
    (BASE_MEGABYTES + file.saturating_mul(PER_FILE_MEGABYTE)).min(MOST_MEGABYTES)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::MemoryBudget;

    const MEGABYTE: u64 = 1024 * 1024;

    #[tokio::test]
    async fn small_documents_share_the_memory_and_a_large_one_has_it_alone() {
        let memory = MemoryBudget::megabytes(256);
        let first = memory.reserve(MEGABYTE).await;
        let second = memory.reserve(MEGABYTE).await;
        assert!(first.is_some() && second.is_some());
        assert!(
            memory.reserve(MEGABYTE).now_or_never().is_none(),
            "a third does not fit"
        );
        drop(first);
        assert!(
            memory.reserve(5_000 * MEGABYTE).now_or_never().is_none(),
            "one larger than all waits for all"
        );
        drop(second);
        let alone = memory.reserve(5_000 * MEGABYTE).now_or_never();
        assert!(alone.is_some());
    }

    #[tokio::test]
    async fn without_a_bound_nobody_waits() {
        let memory = MemoryBudget::unlimited();
        for _ in 0..100 {
            assert!(memory.reserve(MEGABYTE).now_or_never().is_some());
        }
    }
}
