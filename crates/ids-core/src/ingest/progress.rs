//! Steps to percent (design.md 2): extracting 5-25, checking_duplicates 25-35, chunking 35-55, embedding 55-99.

use crate::error::StoreError;
use crate::job::{JobStep, Lease, Progress};
use crate::library::Library;

pub(super) const EXTRACTING: u8 = 5;
pub(super) const CHECKING: u8 = 25;
pub(super) const CHUNKING: u8 = 35;
pub(super) const EMBEDDING: u8 = 55;
const ALMOST: u8 = 99;

/// Notes that a step has begun.
pub(super) async fn note(
    library: &Library,
    lease: &Lease,
    step: JobStep,
    percent: u8,
) -> Result<(), StoreError> {
    let progress = Progress {
        step,
        percent,
        detail: step.as_str().to_owned(),
    };
    library.ports.jobs.advance(lease, &progress).await
}

/// Progress inside extraction: `done` pages of `total`.
pub(super) fn of_pages(done: u32, total: Option<u32>) -> Progress {
    let step = JobStep::Extracting;
    match total.filter(|&total| total > 0) {
        Some(total) => Progress {
            step,
            percent: between(EXTRACTING, CHECKING, done, total),
            detail: format!("extracting page {done} of {total}"),
        },
        None => Progress {
            step,
            percent: EXTRACTING,
            detail: format!("extracting page {done}"),
        },
    }
}

/// Progress inside embedding: `done` chunks of `total`.
pub(super) fn of_chunks(done: u32, total: u32) -> Progress {
    Progress {
        step: JobStep::Embedding,
        percent: between(EMBEDDING, ALMOST, done, total),
        detail: format!("embedding chunk {done} of {total}"),
    }
}

fn between(from: u8, to: u8, done: u32, total: u32) -> u8 {
    let share = f64::from(done.min(total)) / f64::from(total.max(1));
    from + (f64::from(to - from) * share) as u8
}

#[cfg(test)]
mod tests {
    use super::{of_chunks, of_pages};

    #[test]
    fn progress_stays_inside_its_step() {
        assert_eq!(of_pages(0, Some(40)).percent, 5);
        assert_eq!(of_pages(40, Some(40)).percent, 25);
        assert_eq!(of_pages(99, Some(40)).percent, 25);
        assert_eq!(of_pages(7, None).percent, 5);
        assert_eq!(of_pages(7, Some(0)).percent, 5);
        assert_eq!(of_chunks(0, 10).percent, 55);
        assert_eq!(of_chunks(10, 10).percent, 99);
        assert_eq!(of_chunks(0, 0).percent, 55);
    }
}
