//! The way of a document: accept (see [`crate::library`]) → extract → deduplicate → chunk (found by words) → embed →
//! complete (found by meaning).
//!
//! Each step commits as a whole and is skipped when it is done already, so a job goes on where it was killed.

mod allowance;
mod chunk;
mod complete;
mod deduplicate;
mod embed;
mod extract;
mod members;
mod progress;

use std::time::Duration;

pub(crate) use allowance::Allowance;
pub use chunk::{ChunkSettings, chunk_pages};
pub(crate) use embed::Embedded;
pub use embed::passage_text;

use crate::document::VersionStage;
use crate::error::{Failure, StoreError};
use crate::job::JobStep;
use crate::library::Library;
use crate::ports::{BlobError, BlobErrorKind, ClaimedJob, Replaced};
use crate::time::Timestamp;
use crate::trace::TARGET;
use tracing::Instrument;

/// What came of one turn of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The document can be found by its words; its meaning comes next.
    Prepared {
        /// Chunks to be embedded.
        chunks: u32,
    },
    /// Some chunks were embedded, others are left: another document gets its turn.
    MoreToEmbed {
        /// Chunks still to be embedded.
        left: u32,
    },
    /// The job has ended well.
    Ended,
}

/// Why a step stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// The store, or the lease.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bytes.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The document, or the embedding model.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Everything up to the commit of the chunks, as far as it is not done: extract → deduplicate → chunk.
/// Pages that OCR reads are told to `allowance`.
pub(crate) async fn prepare(
    library: &Library,
    claimed: &ClaimedJob,
    allowance: &Allowance,
) -> Result<Turn, StepError> {
    let lease = &claimed.lease;
    if claimed.version.stage < VersionStage::Extracted {
        let step = tracing::info_span!(target: TARGET, "extract");
        extract::run(library, claimed, allowance).instrument(step).await?;
    }
    progress::note(library, lease, JobStep::CheckingDuplicates, progress::CHECKING).await?;
    let step = tracing::info_span!(target: TARGET, "check_duplicates");
    if let Some(original) = deduplicate::find(library, claimed).instrument(step).await? {
        complete::end_as_duplicate(library, claimed, original).await?;
        return Ok(Turn::Ended);
    }
    progress::note(library, lease, JobStep::Chunking, progress::CHUNKING).await?;
    let step = tracing::info_span!(target: TARGET, "chunk");
    match chunk::run(library, claimed).instrument(step).await? {
        (Replaced::DuplicateOf(original), _) => {
            complete::end_as_duplicate(library, claimed, original).await?;
            Ok(Turn::Ended)
        }
        (Replaced::Stored, chunks) => {
            progress::note(library, lease, JobStep::Embedding, progress::EMBEDDING).await?;
            Ok(Turn::Prepared { chunks })
        }
    }
}

/// One turn of embedding, and the end when nothing is left.
pub(crate) async fn embed(
    library: &Library,
    claimed: &ClaimedJob,
    stop: &tokio_util::sync::CancellationToken,
) -> Result<Turn, StepError> {
    let step = tracing::info_span!(target: TARGET, "embed");
    match embed::run(library, claimed, stop).instrument(step).await? {
        Embedded::Some { left } => Ok(Turn::MoreToEmbed { left }),
        Embedded::All => {
            let step = tracing::info_span!(target: TARGET, "complete");
            complete::run(library, claimed).instrument(step).await?;
            Ok(Turn::Ended)
        }
    }
}

/// A guess at how long a file takes, by its size, for the reply that accepts it. By `bench/pipeline`, a megabyte of ordinary PDF
/// takes about ten seconds on two cores, nearly all of it embedding.
pub fn estimated_time(file_size: u64) -> Duration {
    Duration::from_secs(1 + file_size / 100_000)
}

/// The place in line of a file accepted `now`: as if it had come later by a second for each 50 kB, at most ten
/// minutes, so that small documents pass large ones and no large one waits forever.
pub(crate) fn rank_by_size(now: Timestamp, file_size: u64) -> i64 {
    rank(now, file_size / 50_000)
}

/// The place in line of a document with `left` chunks to embed.
pub(crate) fn rank_by_chunks(now: Timestamp, left: u32) -> i64 {
    rank(now, u64::from(left) / 10)
}

fn rank(now: Timestamp, handicap_seconds: u64) -> i64 {
    now.as_unix_seconds() + handicap_seconds.min(600) as i64
}

/// A step's error as a failure, when it is one that the job should carry; `None` when the lease is lost and nothing
/// may be written any more.
pub(crate) fn failure_of(error: &StepError) -> Option<Failure> {
    use crate::error::ErrorCode::{Internal, StorageFull};
    use crate::error::{Retry, StoreErrorKind};
    let full = || Failure {
        code: StorageFull,
        message: "the disk is full; free some space, processing goes on by itself".to_owned(),
        retry: Retry::Postpone,
    };
    match error {
        StepError::Failed(failure) => Some(failure.clone()),
        StepError::Store(error) => match error.kind() {
            StoreErrorKind::LeaseLost | StoreErrorKind::NotFound => None,
            StoreErrorKind::Unavailable => Some(Failure::of_dependency("the store cannot be reached")),
            StoreErrorKind::Full => Some(full()),
            StoreErrorKind::Conflict | StoreErrorKind::Corrupt | StoreErrorKind::Internal => Some(
                Failure::passing(Internal, "internal error; the log has the cause"),
            ),
        },
        StepError::Blob(error) => match error.kind() {
            BlobErrorKind::NotFound => Some(Failure::of_input(
                Internal,
                "the bytes of this document are gone from the upload store; upload it again",
            )),
            BlobErrorKind::Unavailable => Some(Failure::of_dependency("the upload store cannot be reached")),
            BlobErrorKind::Full => Some(full()),
            BlobErrorKind::Conflict | BlobErrorKind::Internal => Some(Failure::passing(
                Internal,
                "internal error; the log has the cause",
            )),
        },
    }
}
