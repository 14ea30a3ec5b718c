//! What every [`JobStore`](ids_core::ports::JobStore) promises, one function or more a clause of the port's doc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ids_core::document::{AcceptedAs, BlobKey, DocumentStatus, VersionStage};
use ids_core::error::{ErrorCode, Failure, StoreErrorKind};
use ids_core::id::JobId;
use ids_core::job::{JobRef, JobStatus, JobStep, Lane, Lease, Progress, QueueName};
use ids_core::limits::{JOB_ATTEMPTS, LEASE};
use ids_core::ports::Clock;
use uuid::Uuid;

pub use super::member_clauses::{
    a_member_is_a_document_of_its_own_beside_its_parent, a_member_is_accepted_once,
    a_member_needs_the_lease_of_its_parent, a_member_that_was_given_up_is_tried_again,
    cancel_ends_the_jobs_of_members_too,
};
use crate::stores::{NewDocument, Stores, chunk, direction, extracted, hash_of, model};

const SECOND: Duration = Duration::from_secs(1);

fn progress(step: JobStep, percent: u8) -> Progress {
    Progress {
        step,
        percent,
        detail: format!("{} {percent}", step.as_str()),
    }
}

fn passing() -> Failure {
    Failure::passing(
        ErrorCode::ParserCrashed,
        "the parser ended without an answer; the file may be damaged",
    )
}

/// Asserts that every method that takes a lease refuses this one.
async fn assert_lost(stores: &Stores, lease: &Lease) {
    let (jobs, documents, chunks) = (&stores.jobs, &stores.documents, &stores.chunks);
    let refused = [
        jobs.renew(lease).await.unwrap_err(),
        jobs.advance(lease, &progress(JobStep::Chunking, 40))
            .await
            .unwrap_err(),
        jobs.release(lease).await.unwrap_err(),
        jobs.fail(lease, &passing(), Some(SECOND)).await.unwrap_err(),
        jobs.fail(lease, &passing(), None).await.unwrap_err(),
        jobs.postpone(lease, &passing(), SECOND).await.unwrap_err(),
        jobs.end_as_duplicate(lease, stores.document_id())
            .await
            .unwrap_err(),
        jobs.complete(lease, None).await.unwrap_err(),
        documents
            .save_extraction(lease, &extracted(&["late"]), hash_of("late"))
            .await
            .unwrap_err(),
        documents.find_duplicate(lease).await.unwrap_err(),
        documents.load_pages(lease).await.unwrap_err(),
        chunks.replace(lease, &[chunk(0, "late")]).await.unwrap_err(),
        chunks.list_unembedded(lease, &model(), 1).await.unwrap_err(),
        chunks
            .store_embeddings(lease, &model(), &[(0, direction(0.0))])
            .await
            .unwrap_err(),
    ];
    for (number, error) in refused.iter().enumerate() {
        assert_eq!(error.kind(), StoreErrorKind::LeaseLost, "call {number}");
    }
}

/// JobStore, clause 1: `accept` writes document, version and job together, or nothing.
pub async fn accept_writes_document_version_and_job_together(stores: &Stores) {
    let scope = Stores::scope();
    let document = NewDocument::named("edital.txt").from_path("/a/edital.txt");
    let accepted = stores.accept(&scope, &document).await;
    assert!(accepted.is_new);

    let shown = stores
        .documents
        .find_document(&scope, accepted.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(shown.status, DocumentStatus::Uploaded);
    assert_eq!(shown.job_id, Some(accepted.job.job_id));
    assert_eq!(shown.title, "edital");
    assert_eq!(shown.file_hash, Some(hash_of("edital.txt")));
    let job = stores
        .jobs
        .find_job(&scope, accepted.job.job_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (job.status, job.attempts, job.progress),
        (JobStatus::Queued, 0, 0)
    );
    assert_eq!(job.document_id, accepted.document_id);
    assert_eq!(job.created_at, stores.clock.now());
    let claimed = stores.claim(&accepted).await;
    assert_eq!(claimed.version.stage, VersionStage::Accepted);
    assert_eq!(claimed.version.file_hash, hash_of("edital.txt"));

    let again = AcceptedAs::NewDocument {
        details: document.details(),
        source: document.source.clone(),
    };
    let taken = stores.acceptance(&document, stores.document_id(), again);
    let error = stores.jobs.accept(&scope, &taken).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert_eq!(
        stores
            .documents
            .find_document(&scope, taken.document_id)
            .await
            .unwrap(),
        None
    );
    assert_eq!(stores.jobs.find_job(&scope, taken.job_id).await.unwrap(), None);
}

/// JobStore, clause 2: an upload is accepted once.
pub async fn accepting_an_upload_again_returns_the_same_job(stores: &Stores) {
    let scope = Stores::scope();
    let document = NewDocument::named("ata.txt");
    let upload = stores.upload(&document);
    stores.documents.create_upload(&scope, &upload).await.unwrap();
    let acceptance = || {
        stores.acceptance(
            &document,
            upload.document_id,
            AcceptedAs::Upload(upload.upload_id),
        )
    };

    let too_early = stores.jobs.accept(&scope, &acceptance()).await.unwrap_err();
    assert_eq!(
        too_early.kind(),
        StoreErrorKind::Conflict,
        "the bytes are not there"
    );
    stores
        .documents
        .mark_received(&scope, upload.upload_id, &upload.blob, hash_of("ata.txt"))
        .await
        .unwrap();
    let first = stores.jobs.accept(&scope, &acceptance()).await.unwrap();
    let second = stores.jobs.accept(&scope, &acceptance()).await.unwrap();

    assert!(first.is_new && !second.is_new);
    assert_eq!((first.document_id, first.job), (second.document_id, second.job));
    assert_eq!(stores.jobs.list_jobs(&scope, None, 10, 0).await.unwrap().len(), 1);
}

/// JobStore, clause 3: one worker at a time, and not before the job is due.
pub async fn one_worker_at_a_time_claims_what_is_due(stores: &Stores) {
    let accepted = stores
        .accept(&Stores::scope(), &NewDocument::named("a.txt"))
        .await;
    let claimed = stores.claim(&accepted).await;
    assert_eq!(claimed.lease.attempt, 1);
    assert_eq!(stores.jobs.claim(&accepted.job, "other").await.unwrap(), None);

    stores
        .jobs
        .fail(&claimed.lease, &passing(), Some(SECOND * 10))
        .await
        .unwrap();
    assert_eq!(
        stores.jobs.claim(&accepted.job, "other").await.unwrap(),
        None,
        "not due yet"
    );
    stores.clock.advance(SECOND * 10);
    let second = stores.claim(&accepted).await;
    assert_eq!(second.lease.attempt, 2);
    assert!(second.lease.token > claimed.lease.token);

    stores.jobs.fail(&second.lease, &passing(), None).await.unwrap();
    assert_eq!(
        stores.jobs.claim(&accepted.job, "other").await.unwrap(),
        None,
        "it has ended"
    );
    let unknown = JobRef {
        job_id: JobId::from_uuid(Uuid::from_u128(7)),
        ..accepted.job
    };
    assert_eq!(stores.jobs.claim(&unknown, "other").await.unwrap(), None);
}

/// JobStore, clause 4: who lost the lease to another worker cannot write.
pub async fn a_lease_that_another_worker_took_is_refused(stores: &Stores) {
    let accepted = stores
        .accept(&Stores::scope(), &NewDocument::named("a.txt"))
        .await;
    let slow = stores.claim(&accepted).await;
    stores.clock.advance(LEASE + SECOND);
    let fast = stores.claim(&accepted).await;

    assert_lost(stores, &slow.lease).await;

    stores.jobs.renew(&fast.lease).await.unwrap();
    let prepared = stores.prepare(&fast, &["palavra"]).await;
    stores.jobs.complete(&prepared.lease, None).await.unwrap();
}

/// JobStore, clause 4: nor who holds a job that was cancelled, deleted or has ended.
pub async fn the_lease_of_a_job_that_is_over_is_refused(stores: &Stores) {
    let scope = Stores::scope();
    let cancelled = stores
        .prepared(&scope, &NewDocument::named("cancelled.txt"), &["um"])
        .await;
    stores
        .jobs
        .cancel(&scope, cancelled.lease.job.job_id)
        .await
        .unwrap();
    assert_lost(stores, &cancelled.lease).await;

    let deleted = stores
        .prepared(&scope, &NewDocument::named("deleted.txt"), &["dois"])
        .await;
    stores
        .documents
        .delete_document(&scope, deleted.document_id)
        .await
        .unwrap();
    assert_lost(stores, &deleted.lease).await;

    let ended = stores
        .prepared(&scope, &NewDocument::named("ended.txt"), &["tres"])
        .await;
    stores.jobs.complete(&ended.lease, None).await.unwrap();
    assert_lost(stores, &ended.lease).await;

    let released = stores
        .prepared(&scope, &NewDocument::named("released.txt"), &["quatro"])
        .await;
    stores.jobs.release(&released.lease).await.unwrap();
    assert_lost(stores, &released.lease).await;
}

/// JobStore, clause 5: `renew` keeps the lease.
pub async fn renew_keeps_the_lease(stores: &Stores) {
    let accepted = stores
        .accept(&Stores::scope(), &NewDocument::named("a.txt"))
        .await;
    let claimed = stores.claim(&accepted).await;
    for _ in 0..3 {
        stores.clock.advance(LEASE - SECOND);
        stores.jobs.renew(&claimed.lease).await.unwrap();
    }
    stores.clock.advance(LEASE - SECOND);
    assert_eq!(stores.jobs.claim(&accepted.job, "other").await.unwrap(), None);
    stores.clock.advance(SECOND);
    assert!(stores.jobs.claim(&accepted.job, "other").await.unwrap().is_some());
}

/// JobStore, clause 6: progress never falls within a try.
pub async fn progress_never_falls_within_a_try(stores: &Stores) {
    let scope = Stores::scope();
    let accepted = stores.accept(&scope, &NewDocument::named("a.txt")).await;
    let claimed = stores.claim(&accepted).await;
    let shown = || async {
        let job = stores
            .jobs
            .find_job(&scope, accepted.job.job_id)
            .await
            .unwrap()
            .unwrap();
        (job.progress, job.current_step)
    };
    stores
        .jobs
        .advance(&claimed.lease, &progress(JobStep::Extracting, 20))
        .await
        .unwrap();
    assert_eq!(shown().await, (20, "extracting 20".to_owned()));
    stores
        .jobs
        .advance(&claimed.lease, &progress(JobStep::Chunking, 10))
        .await
        .unwrap();
    assert_eq!(shown().await, (20, "chunking 10".to_owned()));
    let document = stores
        .documents
        .find_document(&scope, accepted.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(document.status, DocumentStatus::Chunking);

    stores.jobs.release(&claimed.lease).await.unwrap();
    let same_try = stores.claim(&accepted).await;
    assert_eq!((same_try.progress, same_try.lease.attempt), (20, 1));
}

/// JobStore, clause 7: `complete` shows the version and removes the one before.
pub async fn complete_shows_the_version_and_removes_the_one_before(stores: &Stores) {
    let scope = Stores::scope();
    let first = stores
        .prepared(
            &scope,
            &NewDocument::named("a.txt"),
            &["velho texto", "velho fim"],
        )
        .await;
    stores.embed(&first, &[direction(0.0), direction(1.0)]).await;
    let kept = BlobKey("originals/first".to_owned());
    assert_eq!(
        stores.jobs.complete(&first.lease, Some(&kept)).await.unwrap(),
        Default::default()
    );
    let original = stores
        .documents
        .find_original(&scope, first.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((original.0, original.1.as_str()), (kept.clone(), "a.txt"));

    let accepted = stores.accept_version(&scope, first.document_id, "b.txt").await;
    let claimed = stores.claim(&accepted).await;
    let second = stores.prepare(&claimed, &["novo texto"]).await;
    assert_eq!(
        stores.found_by_word(&scope, "velho").await,
        ["velho fim", "velho texto"]
    );
    assert_eq!(stores.found_by_word(&scope, "novo").await, [""; 0]);

    let removed = stores.jobs.complete(&second.lease, None).await.unwrap();

    assert_eq!(
        (removed.chunks, removed.embeddings, removed.blobs),
        (2, 2, vec![kept])
    );
    assert_eq!(stores.found_by_word(&scope, "velho").await, [""; 0]);
    assert_eq!(stores.found_by_word(&scope, "novo").await, ["novo texto"]);
    let document = stores
        .documents
        .find_document(&scope, first.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (document.status, document.total_chunks),
        (DocumentStatus::Completed, 1)
    );
    assert_eq!(document.filename, "b.txt");
    assert_eq!(
        stores
            .documents
            .find_original(&scope, first.document_id)
            .await
            .unwrap(),
        None
    );
    let job = stores
        .jobs
        .find_job(&scope, accepted.job.job_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (job.status, job.progress, job.ended_at),
        (JobStatus::Finished, 100, Some(stores.clock.now()))
    );
}

/// JobStore, clause 8: a failed try is counted, a postponed one is not, the last one ends the job.
pub async fn tries_are_counted_and_the_last_one_ends_the_job(stores: &Stores) {
    let scope = Stores::scope();
    let accepted = stores.accept(&scope, &NewDocument::named("a.txt")).await;
    let job = || async {
        stores
            .jobs
            .find_job(&scope, accepted.job.job_id)
            .await
            .unwrap()
            .unwrap()
    };

    let claimed = stores.claim(&accepted).await;
    let outage = Failure::of_dependency("the embedding model cannot be reached");
    stores
        .jobs
        .postpone(&claimed.lease, &outage, SECOND)
        .await
        .unwrap();
    let postponed = job().await;
    assert_eq!((postponed.status, postponed.attempts), (JobStatus::Deferred, 0));
    assert_eq!(postponed.failure, Some(outage));

    for attempt in 1..JOB_ATTEMPTS {
        stores.clock.advance(SECOND);
        let claimed = stores.claim(&accepted).await;
        assert_eq!(claimed.lease.attempt, attempt);
        stores
            .jobs
            .fail(&claimed.lease, &passing(), Some(SECOND))
            .await
            .unwrap();
        let deferred = job().await;
        assert_eq!(
            (deferred.status, deferred.attempts),
            (JobStatus::Deferred, attempt)
        );
    }
    stores.clock.advance(SECOND);
    let last = stores.claim(&accepted).await;
    stores
        .jobs
        .fail(&last.lease, &passing(), Some(SECOND))
        .await
        .unwrap();

    let failed = job().await;
    assert_eq!(
        (failed.status, failed.failure),
        (JobStatus::Failed, Some(passing()))
    );
    let document = stores
        .documents
        .find_document(&scope, accepted.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (document.status, document.failure),
        (DocumentStatus::Failed, Some(passing()))
    );
}

/// JobStore, clause 8: whoever gives a job back in order was not brought down by it.
pub async fn a_released_job_has_its_tries_forgiven(stores: &Stores) {
    let accepted = stores
        .accept(&Stores::scope(), &NewDocument::named("a.txt"))
        .await;
    for attempt in 1..JOB_ATTEMPTS {
        // Claimed, and its worker is gone.
        assert_eq!(stores.claim(&accepted).await.lease.attempt, attempt);
        stores.clock.advance(LEASE + SECOND);
    }
    let claimed = stores.claim(&accepted).await;
    assert_eq!(claimed.lease.attempt, JOB_ATTEMPTS);
    stores.jobs.release(&claimed.lease).await.unwrap();
    assert_eq!(stores.claim(&accepted).await.lease.attempt, 1);
}

/// JobStore, clause 8: a failure without a retry ends the job at once.
pub async fn a_failure_without_a_retry_ends_the_job(stores: &Stores) {
    let scope = Stores::scope();
    let accepted = stores.accept(&scope, &NewDocument::named("a.pdf")).await;
    let claimed = stores.claim(&accepted).await;
    let encrypted = Failure::of_input(ErrorCode::Encrypted, "`a.pdf` is password protected");
    stores.jobs.fail(&claimed.lease, &encrypted, None).await.unwrap();

    let status = stores
        .documents
        .find_status(&scope, accepted.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.document.status, DocumentStatus::Failed);
    assert_eq!(status.document.failure, Some(encrypted.clone()));
    let job = status.job.unwrap();
    assert_eq!((job.status, job.failure), (JobStatus::Failed, Some(encrypted)));
    assert_eq!(stores.jobs.list_undelivered(&scope, 10).await.unwrap(), []);
}

/// JobStore, clause 9: a version that fails, is a duplicate or is cancelled leaves no chunk behind.
pub async fn an_unwanted_version_leaves_no_chunk(stores: &Stores) {
    let scope = Stores::scope();
    let failed = stores
        .prepared(&scope, &NewDocument::named("failed.txt"), &["palavra um"])
        .await;
    stores.jobs.fail(&failed.lease, &passing(), None).await.unwrap();
    let cancelled = stores
        .prepared(&scope, &NewDocument::named("cancelled.txt"), &["palavra dois"])
        .await;
    stores.embed(&cancelled, &[direction(0.0)]).await;
    let removed = stores
        .jobs
        .cancel(&scope, cancelled.lease.job.job_id)
        .await
        .unwrap();
    assert_eq!((removed.chunks, removed.embeddings), (1, 1));
    let duplicate = stores
        .prepared(&scope, &NewDocument::named("duplicate.txt"), &["palavra tres"])
        .await;
    stores
        .jobs
        .end_as_duplicate(&duplicate.lease, failed.document_id)
        .await
        .unwrap();

    assert_eq!(stores.found_by_word(&scope, "palavra").await, [""; 0]);
    assert_eq!(stores.documents.library_counts(&scope).await.unwrap().chunks, 0);
    for prepared in [failed, cancelled, duplicate] {
        assert_eq!(
            stores
                .documents
                .find_page(&scope, prepared.document_id, 1)
                .await
                .unwrap(),
            None
        );
    }
}

/// JobStore, clause 9: a further version that goes wrong leaves the visible one as it was.
pub async fn a_further_version_that_fails_leaves_the_visible_one(stores: &Stores) {
    let scope = Stores::scope();
    let document_id = stores
        .completed(&scope, &NewDocument::named("a.txt"), &["velho"])
        .await;
    let accepted = stores.accept_version(&scope, document_id, "b.txt").await;
    let claimed = stores.claim(&accepted).await;
    let further = stores.prepare(&claimed, &["novo"]).await;
    let embedding = Failure::passing(
        ErrorCode::EmbeddingFailed,
        "the embedding model gave no usable vectors",
    );
    stores.jobs.fail(&further.lease, &embedding, None).await.unwrap();

    assert_eq!(stores.found_by_word(&scope, "velho").await, ["velho"]);
    let document = stores
        .documents
        .find_document(&scope, document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (document.status, document.total_chunks),
        (DocumentStatus::Failed, 1)
    );
    assert_eq!(document.filename, "a.txt");
}

/// JobStore, clause 9: a first version stays findable by words when embedding fails, and a retry goes on from there.
pub async fn a_first_version_stays_findable_when_embedding_fails(stores: &Stores) {
    let scope = Stores::scope();
    let prepared = stores
        .prepared(&scope, &NewDocument::named("a.txt"), &["palavra"])
        .await;
    let failure = Failure::passing(
        ErrorCode::EmbeddingFailed,
        "the embedding model gave no usable vectors",
    );
    stores.jobs.fail(&prepared.lease, &failure, None).await.unwrap();

    assert_eq!(stores.found_by_word(&scope, "palavra").await, ["palavra"]);
    let document = stores
        .documents
        .find_document(&scope, prepared.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (document.status, document.failure),
        (DocumentStatus::Failed, Some(failure))
    );

    stores
        .jobs
        .retry(&scope, prepared.lease.job.job_id)
        .await
        .unwrap();
    let claimed = stores
        .jobs
        .claim(&prepared.lease.job, "worker")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (claimed.version.stage, claimed.version.chunk_count),
        (VersionStage::Chunked, 1)
    );
    let waiting = stores
        .documents
        .find_document(&scope, prepared.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(waiting.failure, None);
}

/// JobStore, clause 10: `cancel` ends a waiting or a running job at once.
pub async fn cancel_ends_a_waiting_or_running_job_at_once(stores: &Stores) {
    let scope = Stores::scope();
    let waiting = stores.accept(&scope, &NewDocument::named("waiting.txt")).await;
    let running = stores.accept(&scope, &NewDocument::named("running.txt")).await;
    stores.claim(&running).await;
    for accepted in [waiting, running] {
        stores.jobs.cancel(&scope, accepted.job.job_id).await.unwrap();
        let status = stores
            .documents
            .find_status(&scope, accepted.document_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(status.document.status, DocumentStatus::Cancelled);
        let job = status.job.unwrap();
        assert_eq!(
            (job.status, job.ended_at),
            (JobStatus::Cancelled, Some(stores.clock.now()))
        );
        assert_eq!(stores.jobs.claim(&accepted.job, "worker").await.unwrap(), None);
        let again = stores.jobs.cancel(&scope, accepted.job.job_id).await.unwrap_err();
        assert_eq!(again.kind(), StoreErrorKind::Conflict);
    }
}

/// JobStore, clause 11: `retry` queues a failed or cancelled job under its id, and no other.
pub async fn retry_queues_a_failed_or_cancelled_job_again(stores: &Stores) {
    let scope = Stores::scope();
    let failed = stores.accept(&scope, &NewDocument::named("failed.txt")).await;
    let claimed = stores.claim(&failed).await;
    let too_early = stores.jobs.retry(&scope, failed.job.job_id).await.unwrap_err();
    assert_eq!(too_early.kind(), StoreErrorKind::Conflict, "it is running");
    stores.jobs.fail(&claimed.lease, &passing(), None).await.unwrap();
    let cancelled = stores.accept(&scope, &NewDocument::named("cancelled.txt")).await;
    stores.jobs.cancel(&scope, cancelled.job.job_id).await.unwrap();

    for accepted in [failed, cancelled] {
        assert_eq!(
            stores.jobs.retry(&scope, accepted.job.job_id).await.unwrap(),
            accepted.job
        );
        let status = stores
            .documents
            .find_status(&scope, accepted.document_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(status.document.status, DocumentStatus::Uploaded);
        assert_eq!(status.document.failure, None);
        let job = status.job.unwrap();
        assert_eq!(
            (job.status, job.attempts, job.ended_at),
            (JobStatus::Queued, 0, None)
        );
        let claimed = stores.claim(&accepted).await;
        assert_eq!(claimed.lease.attempt, 1);
        let prepared = stores.prepare(&claimed, &["palavra"]).await;
        stores.jobs.complete(&prepared.lease, None).await.unwrap();
        let ended = stores.jobs.retry(&scope, accepted.job.job_id).await.unwrap_err();
        assert_eq!(ended.kind(), StoreErrorKind::Conflict, "it is finished");
    }
}

/// JobStore, clause 12: `list_undelivered` names the jobs that wait, or whose worker is dead, with the delay left.
pub async fn list_undelivered_names_what_waits_or_lost_its_worker(stores: &Stores) {
    let scope = Stores::scope();
    let waiting = stores.accept(&scope, &NewDocument::named("waiting.txt")).await;
    let deferred = stores.accept(&scope, &NewDocument::named("deferred.txt")).await;
    let claimed = stores.claim(&deferred).await;
    stores
        .jobs
        .fail(&claimed.lease, &passing(), Some(LEASE * 2))
        .await
        .unwrap();
    let running = stores
        .prepared(&scope, &NewDocument::named("running.txt"), &["palavra"])
        .await;
    stores
        .completed(&scope, &NewDocument::named("ended.txt"), &["palavra"])
        .await;

    let named = |jobs: Vec<ids_core::ports::Reconciled>| {
        let mut named: Vec<_> = jobs
            .into_iter()
            .map(|job| (job.job.job_id, job.queue, job.lane, job.delay))
            .collect();
        named.sort();
        named
    };
    let queue = QueueName::DocumentProcessing;
    let first = (waiting.job.job_id, queue, Lane::Prepare, Duration::ZERO);
    let second = |delay| (deferred.job.job_id, queue, Lane::Prepare, delay);
    let now = stores.jobs.list_undelivered(&scope, 10).await.unwrap();
    assert_eq!(named(now), [first, second(LEASE * 2)]);
    stores.clock.advance(LEASE);
    let later = stores.jobs.list_undelivered(&scope, 10).await.unwrap();
    let dead = (running.lease.job.job_id, queue, Lane::Embed, Duration::ZERO);
    assert_eq!(named(later), [first, second(LEASE), dead]);
    assert_eq!(stores.jobs.list_undelivered(&scope, 1).await.unwrap().len(), 1);
    let lost = stores.jobs.list_undelivered(&scope, 10).await.unwrap();
    let of_waiting = lost.iter().find(|job| job.job == waiting.job).unwrap();
    assert_eq!(
        (of_waiting.rank, of_waiting.due, of_waiting.file_size),
        (None, crate::ManualClock::START, "waiting.txt".len() as u64),
        "what its place in line follows from"
    );
    let of_dead = lost.iter().find(|job| job.job == running.lease.job).unwrap();
    assert_eq!((of_waiting.chunks_left, of_dead.chunks_left), (0, 1));
    assert_eq!(
        stores.jobs.oldest_waiting(&scope).await.unwrap(),
        Some(crate::ManualClock::START)
    );
}

/// JobStore, clause 13: a job of another organization is not there.
pub async fn a_job_of_another_organization_is_not_found(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let accepted = stores.accept(&scope, &NewDocument::named("a.txt")).await;
    let job_id = accepted.job.job_id;
    assert_eq!(stores.jobs.find_job(&other, job_id).await.unwrap(), None);
    assert_eq!(
        stores.jobs.cancel(&other, job_id).await.unwrap_err().kind(),
        StoreErrorKind::NotFound
    );
    assert_eq!(
        stores.jobs.retry(&other, job_id).await.unwrap_err().kind(),
        StoreErrorKind::NotFound
    );
    let stolen = JobRef {
        organization: other.organization,
        job_id,
    };
    assert_eq!(stores.jobs.claim(&stolen, "worker").await.unwrap(), None);
    assert_eq!(stores.jobs.list_jobs(&other, None, 10, 0).await.unwrap(), []);
    assert_eq!(stores.jobs.list_undelivered(&other, 10).await.unwrap(), []);
    assert_eq!(stores.jobs.oldest_waiting(&other).await.unwrap(), None);
    let counts = stores.jobs.job_counts(&other).await.unwrap();
    assert_eq!(counts.iter().map(|count| count.queued).sum::<u64>(), 0);

    let claimed = stores.claim(&accepted).await;
    let mut forged = claimed.lease.clone();
    forged.job.organization = other.organization;
    assert_lost(stores, &forged).await;
    stores.jobs.renew(&claimed.lease).await.unwrap();
    let hidden = Stores::scope_of(&["segredo"]);
    assert_eq!(stores.jobs.find_job(&hidden, job_id).await.unwrap(), None);
}

/// JobStore, clause 13: jobs are counted and listed by status, newest first, a row a queue.
pub async fn jobs_are_counted_and_listed_by_status(stores: &Stores) {
    let scope = Stores::scope();
    let first = stores.accept(&scope, &NewDocument::named("first.txt")).await;
    stores.clock.advance(SECOND);
    let second = stores.accept(&scope, &NewDocument::named("second.txt")).await;
    stores.claim(&first).await;

    let ids = |jobs: Vec<ids_core::job::Job>| jobs.into_iter().map(|job| job.job_id).collect::<Vec<_>>();
    let all = stores.jobs.list_jobs(&scope, None, 10, 0).await.unwrap();
    assert_eq!(ids(all), [second.job.job_id, first.job.job_id]);
    let queued = stores
        .jobs
        .list_jobs(&scope, Some(JobStatus::Queued), 10, 0)
        .await
        .unwrap();
    assert_eq!(ids(queued), [second.job.job_id]);
    let page = stores.jobs.list_jobs(&scope, None, 1, 1).await.unwrap();
    assert_eq!(ids(page), [first.job.job_id]);
    let counts = stores.jobs.job_counts(&scope).await.unwrap();
    assert_eq!(
        counts.iter().map(|count| count.queue).collect::<Vec<_>>(),
        QueueName::ALL
    );
    assert_eq!(
        (counts[0].queued, counts[0].started, counts[0].finished),
        (1, 1, 0)
    );
}

/// JobStore, clause 14: a further version cancels the one that is being made.
pub async fn a_further_version_cancels_the_one_being_made(stores: &Stores) {
    let scope = Stores::scope();
    let first = stores
        .prepared(&scope, &NewDocument::named("a.txt"), &["primeiro"])
        .await;
    let accepted = stores.accept_version(&scope, first.document_id, "b.txt").await;

    assert_lost(stores, &first.lease).await;
    let overtaken = stores
        .jobs
        .find_job(&scope, first.lease.job.job_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(overtaken.status, JobStatus::Cancelled);
    assert_eq!(stores.found_by_word(&scope, "primeiro").await, [""; 0]);
    let document = stores
        .documents
        .find_document(&scope, first.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (document.status, document.job_id),
        (DocumentStatus::Uploaded, Some(accepted.job.job_id))
    );
    let overtaken = stores
        .jobs
        .retry(&scope, first.lease.job.job_id)
        .await
        .unwrap_err();
    assert_eq!(overtaken.kind(), StoreErrorKind::Conflict);

    let claimed = stores.claim(&accepted).await;
    let second = stores.prepare(&claimed, &["segundo"]).await;
    let removed = stores.jobs.complete(&second.lease, None).await.unwrap();
    assert_eq!(
        removed.blobs.len(),
        1,
        "the bytes of the version that was overtaken"
    );
    assert_eq!(stores.found_by_word(&scope, "segundo").await, ["segundo"]);
}

/// JobStore, clause 15: `end_as_duplicate` ends the job as finished, the document as `duplicate`.
pub async fn a_duplicate_ends_finished_and_names_the_original(stores: &Stores) {
    let scope = Stores::scope();
    let original = stores
        .completed(&scope, &NewDocument::named("a.txt"), &["palavra"])
        .await;
    let accepted = stores.accept(&scope, &NewDocument::named("b.txt")).await;
    let claimed = stores.claim(&accepted).await;
    stores
        .jobs
        .end_as_duplicate(&claimed.lease, original)
        .await
        .unwrap();

    let status = stores
        .documents
        .find_status(&scope, accepted.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.document.status, DocumentStatus::Duplicate);
    assert_eq!(status.document.duplicate_of, Some(original));
    assert!(status.temporary_removed);
    let job = status.job.unwrap();
    assert_eq!((job.status, job.progress), (JobStatus::Finished, 100));
    assert_eq!(
        stores
            .documents
            .find_original(&scope, accepted.document_id)
            .await
            .unwrap(),
        None
    );
}

/// Runs every clause against an adapter: `job_store_contract!(make);`, where `make` is an `async fn` without arguments
/// that returns new [`Stores`](crate::Stores).
#[macro_export]
macro_rules! job_store_contract {
    ($make:path) => {
        $crate::job_store_contract! { @clauses $make:
            accept_writes_document_version_and_job_together
            accepting_an_upload_again_returns_the_same_job
            one_worker_at_a_time_claims_what_is_due
            a_lease_that_another_worker_took_is_refused
            the_lease_of_a_job_that_is_over_is_refused
            renew_keeps_the_lease
            progress_never_falls_within_a_try
            complete_shows_the_version_and_removes_the_one_before
            tries_are_counted_and_the_last_one_ends_the_job
            a_released_job_has_its_tries_forgiven
            a_failure_without_a_retry_ends_the_job
            an_unwanted_version_leaves_no_chunk
            a_further_version_that_fails_leaves_the_visible_one
            a_first_version_stays_findable_when_embedding_fails
            cancel_ends_a_waiting_or_running_job_at_once
            retry_queues_a_failed_or_cancelled_job_again
            list_undelivered_names_what_waits_or_lost_its_worker
            a_job_of_another_organization_is_not_found
            jobs_are_counted_and_listed_by_status
            a_further_version_cancels_the_one_being_made
            a_duplicate_ends_finished_and_names_the_original
            a_member_is_a_document_of_its_own_beside_its_parent
            a_member_is_accepted_once
            a_member_that_was_given_up_is_tried_again
            a_member_needs_the_lease_of_its_parent
            cancel_ends_the_jobs_of_members_too
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let stores = $make().await;
                $crate::contracts::job_store_contract::$clause(&stores).await;
            }
        )+
    };
}
