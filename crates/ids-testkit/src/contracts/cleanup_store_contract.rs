//! What every [`CleanupStore`](ids_core::ports::CleanupStore) promises, one function or more a clause of the port's doc.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use ids_core::cleanup::{ClaimedCleanup, CleanupEnd, CleanupJob, CleanupLease, CleanupTask, NewCleanup};
use ids_core::error::{ErrorCode, Failure, StoreErrorKind};
use ids_core::id::JobId;
use ids_core::job::{JobRef, JobStatus, Lane, QueueName};
use ids_core::limits::LEASE;
use ids_core::ports::{Clock, Ids, Reconciled};
use ids_core::scope::Scope;

use crate::ManualClock;
use crate::stores::Stores;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DONE: CleanupEnd = CleanupEnd::Done { removed: 3 };

fn failure() -> Failure {
    Failure::passing(
        ErrorCode::DependencyUnavailable,
        "the object store cannot be reached",
    )
}

fn again(pause: Duration) -> CleanupEnd {
    CleanupEnd::Again {
        failure: failure(),
        pause,
    }
}

fn failed() -> CleanupEnd {
    CleanupEnd::Failed { failure: failure() }
}

fn cleanup(stores: &Stores, task: CleanupTask, slot: Option<i64>) -> NewCleanup {
    NewCleanup {
        job_id: JobId::from_uuid(stores.ids.next()),
        task,
        older_than: HOUR * 24,
        slot,
    }
}

/// A cleanup that a person asked for.
async fn accepted(stores: &Stores, scope: &Scope) -> JobRef {
    let cleanup = cleanup(stores, CleanupTask::S3Cleanup, None);
    stores
        .cleanups
        .accept_cleanup(scope, &cleanup)
        .await
        .unwrap()
        .expect("without a slot each is accepted")
}

async fn claim(stores: &Stores, job: &JobRef) -> ClaimedCleanup {
    stores
        .cleanups
        .claim_cleanup(job, "worker")
        .await
        .unwrap()
        .expect("the cleanup is free and due")
}

/// Whether another worker may have it.
async fn is_free(stores: &Stores, job: &JobRef) -> bool {
    stores
        .cleanups
        .claim_cleanup(job, "other")
        .await
        .unwrap()
        .is_some()
}

async fn get(stores: &Stores, job: &JobRef) -> CleanupJob {
    let scope = Scope::organization(job.organization);
    stores
        .cleanups
        .find_cleanup(&scope, job.job_id)
        .await
        .unwrap()
        .unwrap()
}

/// Asserts that every method that takes a lease refuses this one, and changes nothing.
async fn assert_lost(stores: &Stores, lease: &CleanupLease) {
    let before = get(stores, &lease.job).await;
    let cleanups = &stores.cleanups;
    let refused = [
        cleanups.renew_cleanup(lease).await.unwrap_err(),
        cleanups.end_cleanup(lease, &DONE).await.unwrap_err(),
        cleanups.end_cleanup(lease, &again(SECOND)).await.unwrap_err(),
        cleanups.end_cleanup(lease, &failed()).await.unwrap_err(),
    ];
    for (number, error) in refused.iter().enumerate() {
        assert_eq!(error.kind(), StoreErrorKind::LeaseLost, "call {number}");
    }
    assert_eq!(get(stores, &lease.job).await, before);
}

/// CleanupStore, clause 1: `accept_cleanup` writes a queued job.
pub async fn an_accepted_cleanup_is_queued_as_it_was_asked_for(stores: &Stores) {
    let scope = Stores::scope();
    for (slot, task) in [Some(490_000), None, Some(-1)].into_iter().zip(CleanupTask::ALL) {
        let new = cleanup(stores, task, slot);
        let job = stores
            .cleanups
            .accept_cleanup(&scope, &new)
            .await
            .unwrap()
            .unwrap();

        assert_eq!((job.organization, job.job_id), (scope.organization, new.job_id));
        let expected = CleanupJob {
            job_id: new.job_id,
            task,
            older_than: HOUR * 24,
            status: JobStatus::Queued,
            attempts: 0,
            removed: 0,
            failure: None,
            created_at: stores.clock.now(),
            started_at: None,
            ended_at: None,
        };
        assert_eq!(get(stores, &job).await, expected);
    }
    let nobody = JobId::from_uuid(stores.ids.next());
    assert_eq!(stores.cleanups.find_cleanup(&scope, nobody).await.unwrap(), None);
}

/// CleanupStore, clause 1: of one task and slot there is one per organization, whoever else asks.
pub async fn a_task_runs_once_in_its_slot(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let new = |task, slot| cleanup(stores, task, slot);
    let (one, two, three) = (
        new(CleanupTask::S3Cleanup, Some(7)),
        new(CleanupTask::S3Cleanup, Some(7)),
        new(CleanupTask::S3Cleanup, Some(7)),
    );
    let asked = tokio::join!(
        stores.cleanups.accept_cleanup(&scope, &one),
        stores.cleanups.accept_cleanup(&scope, &two),
        stores.cleanups.accept_cleanup(&scope, &three),
    );
    let accepted: Vec<JobRef> = [asked.0, asked.1, asked.2]
        .into_iter()
        .filter_map(Result::unwrap)
        .collect();
    assert_eq!(accepted.len(), 1);

    let claimed = claim(stores, &accepted[0]).await;
    stores.cleanups.end_cleanup(&claimed.lease, &DONE).await.unwrap();
    let check = async |scope: &Scope, task, slot, is_accepted: bool| {
        let new = cleanup(stores, task, slot);
        let job = stores.cleanups.accept_cleanup(scope, &new).await.unwrap();
        assert_eq!(job.is_some(), is_accepted, "{task:?} {slot:?}");
    };
    check(&scope, CleanupTask::S3Cleanup, Some(7), false).await;
    check(&scope, CleanupTask::S3Cleanup, Some(8), true).await;
    check(&scope, CleanupTask::OrphanedFiles, Some(7), true).await;
    check(&other, CleanupTask::S3Cleanup, Some(7), true).await;
    check(&scope, CleanupTask::S3Cleanup, None, true).await;
    check(&scope, CleanupTask::S3Cleanup, None, true).await;
    let all = stores.cleanups.list_cleanups(&scope, None, 10, 0).await.unwrap();
    assert_eq!(all.len(), 5);
}

/// CleanupStore, clause 2: one worker at a time, not before the pause has passed, and not what has ended.
pub async fn one_worker_at_a_time_claims_a_cleanup_that_is_due(stores: &Stores) {
    let job = accepted(stores, &Stores::scope()).await;
    let first = claim(stores, &job).await;
    assert_eq!((first.lease.job, first.lease.attempt), (job, 1));
    assert_eq!(
        (first.task, first.older_than),
        (CleanupTask::S3Cleanup, HOUR * 24)
    );
    assert!(!is_free(stores, &job).await, "another has it");
    let running = get(stores, &job).await;
    assert_eq!((running.status, running.attempts), (JobStatus::Started, 1));
    assert_eq!(running.started_at, Some(ManualClock::START));

    stores
        .cleanups
        .end_cleanup(&first.lease, &again(SECOND * 10))
        .await
        .unwrap();
    assert!(!is_free(stores, &job).await, "its pause has not passed");
    stores.clock.advance(SECOND * 10);
    let second = claim(stores, &job).await;
    assert_eq!(second.lease.attempt, 2);
    assert!(second.lease.token > first.lease.token);
    assert_eq!(
        get(stores, &job).await.started_at,
        Some(ManualClock::START),
        "when it was taken first"
    );

    stores.clock.advance(LEASE);
    let third = claim(stores, &job).await;
    assert_eq!(third.lease.attempt, 3, "a try that killed its worker counts");
    stores.cleanups.end_cleanup(&third.lease, &DONE).await.unwrap();
    assert!(!is_free(stores, &job).await, "it has ended");
    let unknown = JobRef {
        job_id: JobId::from_uuid(stores.ids.next()),
        ..job
    };
    assert!(!is_free(stores, &unknown).await);
}

/// CleanupStore, clause 3: who lost the lease to another worker, or has ended the cleanup, cannot write.
pub async fn who_lost_a_cleanup_cannot_write(stores: &Stores) {
    let job = accepted(stores, &Stores::scope()).await;
    let slow = claim(stores, &job).await;
    stores.clock.advance(LEASE + SECOND);
    let fast = claim(stores, &job).await;

    assert_lost(stores, &slow.lease).await;

    stores
        .cleanups
        .end_cleanup(&fast.lease, &again(SECOND))
        .await
        .unwrap();
    assert_lost(stores, &fast.lease).await;
    stores.clock.advance(SECOND);
    let last = claim(stores, &job).await;
    stores.cleanups.end_cleanup(&last.lease, &DONE).await.unwrap();
    assert_lost(stores, &last.lease).await;
}

/// CleanupStore, clause 3: `renew_cleanup` keeps the lease.
pub async fn renewing_keeps_a_cleanup(stores: &Stores) {
    let job = accepted(stores, &Stores::scope()).await;
    let claimed = claim(stores, &job).await;
    for _ in 0..3 {
        stores.clock.advance(LEASE - SECOND);
        stores.cleanups.renew_cleanup(&claimed.lease).await.unwrap();
    }
    stores.clock.advance(LEASE - SECOND);
    assert!(!is_free(stores, &job).await);
    stores.clock.advance(SECOND);
    assert!(is_free(stores, &job).await);
}

/// CleanupStore, clause 4: a try ends as finished, failed, or deferred for another one.
pub async fn a_cleanup_ends_as_its_worker_says(stores: &Stores) {
    let scope = Stores::scope();
    let job = accepted(stores, &scope).await;
    let end = async |end: CleanupEnd| {
        let claimed = claim(stores, &job).await;
        stores.cleanups.end_cleanup(&claimed.lease, &end).await.unwrap();
        get(stores, &job).await
    };

    let deferred = end(again(SECOND)).await;
    assert_eq!((deferred.status, deferred.attempts), (JobStatus::Deferred, 1));
    assert_eq!((deferred.failure, deferred.ended_at), (Some(failure()), None));

    stores.clock.advance(SECOND);
    let failed = end(failed()).await;
    assert_eq!((failed.status, failed.attempts), (JobStatus::Failed, 2));
    assert_eq!(
        (failed.failure, failed.ended_at, failed.removed),
        (Some(failure()), Some(stores.clock.now()), 0)
    );

    stores.cleanups.retry_cleanup(&scope, job.job_id).await.unwrap();
    stores.clock.advance(SECOND);
    let done = end(DONE).await;
    assert_eq!((done.status, done.removed), (JobStatus::Finished, 3));
    assert_eq!((done.failure, done.ended_at), (None, Some(stores.clock.now())));
}

/// CleanupStore, clause 5: a cancelled cleanup is refused to its worker.
pub async fn a_cancelled_cleanup_is_refused_to_its_worker(stores: &Stores) {
    let scope = Stores::scope();
    let (waiting, running, deferred) = (
        accepted(stores, &scope).await,
        accepted(stores, &scope).await,
        accepted(stores, &scope).await,
    );
    let of_running = claim(stores, &running).await;
    let of_deferred = claim(stores, &deferred).await;
    stores
        .cleanups
        .end_cleanup(&of_deferred.lease, &again(SECOND))
        .await
        .unwrap();

    for job in [waiting, running, deferred] {
        stores.cleanups.cancel_cleanup(&scope, job.job_id).await.unwrap();
        let cancelled = get(stores, &job).await;
        assert_eq!(
            (cancelled.status, cancelled.ended_at),
            (JobStatus::Cancelled, Some(stores.clock.now()))
        );
        let twice = stores
            .cleanups
            .cancel_cleanup(&scope, job.job_id)
            .await
            .unwrap_err();
        assert_eq!(twice.kind(), StoreErrorKind::Conflict);
    }
    assert_lost(stores, &of_running.lease).await;
    stores.clock.advance(LEASE);
    for job in [waiting, running, deferred] {
        assert!(!is_free(stores, &job).await);
    }
}

/// CleanupStore, clause 5: only a failed or cancelled cleanup is queued again, its tries forgiven.
pub async fn only_a_failed_or_cancelled_cleanup_is_queued_again(stores: &Stores) {
    let scope = Stores::scope();
    let refused = async |job: JobRef| {
        let error = stores
            .cleanups
            .retry_cleanup(&scope, job.job_id)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
    };
    let (first, second) = (accepted(stores, &scope).await, accepted(stores, &scope).await);
    refused(first).await;
    let claimed = claim(stores, &first).await;
    refused(first).await;
    stores
        .cleanups
        .end_cleanup(&claimed.lease, &failed())
        .await
        .unwrap();
    stores
        .cleanups
        .cancel_cleanup(&scope, second.job_id)
        .await
        .unwrap();

    for job in [first, second] {
        let queued = stores.cleanups.retry_cleanup(&scope, job.job_id).await.unwrap();
        assert_eq!(queued, job);
        let waiting = get(stores, &job).await;
        assert_eq!((waiting.status, waiting.attempts), (JobStatus::Queued, 0));
        assert_eq!((waiting.failure, waiting.ended_at), (None, None));
        let claimed = claim(stores, &job).await;
        assert_eq!(claimed.lease.attempt, 1);
        stores.cleanups.end_cleanup(&claimed.lease, &DONE).await.unwrap();
        refused(job).await;
    }
    assert_lost(stores, &claimed.lease).await;
}

/// CleanupStore, clause 6: a cleanup of another organization is not found.
pub async fn a_cleanup_of_another_organization_is_not_found(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let job = accepted(stores, &scope).await;
    let theirs = accepted(stores, &other).await;
    let cleanups = &stores.cleanups;

    assert_eq!(cleanups.find_cleanup(&other, job.job_id).await.unwrap(), None);
    let listed = cleanups.list_cleanups(&other, None, 10, 0).await.unwrap();
    assert_eq!(listed, [get(stores, &theirs).await]);
    assert_eq!(cleanups.cleanup_counts(&other).await.unwrap().queued, 1);
    let waiting = cleanups.list_undelivered_cleanups(&other, 10).await.unwrap();
    assert_eq!(waiting.iter().map(|it| it.job).collect::<Vec<_>>(), [theirs]);
    let stolen = JobRef {
        organization: other.organization,
        job_id: job.job_id,
    };
    assert!(!is_free(stores, &stolen).await);
    let claimed = claim(stores, &job).await;
    let forged = CleanupLease {
        job: stolen,
        ..claimed.lease.clone()
    };
    let lost = [
        cleanups.renew_cleanup(&forged).await.unwrap_err().kind(),
        cleanups.end_cleanup(&forged, &DONE).await.unwrap_err().kind(),
    ];
    assert_eq!(lost, [StoreErrorKind::LeaseLost; 2]);
    let unknown = JobId::from_uuid(stores.ids.next());
    for (scope, job_id) in [(&other, job.job_id), (&scope, unknown)] {
        let missing = [
            cleanups.cancel_cleanup(scope, job_id).await.unwrap_err().kind(),
            cleanups.retry_cleanup(scope, job_id).await.unwrap_err().kind(),
        ];
        assert_eq!(missing, [StoreErrorKind::NotFound; 2]);
    }
    cleanups.end_cleanup(&claimed.lease, &DONE).await.unwrap();
    stores.clock.advance(SECOND);
    assert_eq!(
        cleanups.prune_cleanups(&other, stores.clock.now()).await.unwrap(),
        0
    );
    assert_eq!(get(stores, &job).await.status, JobStatus::Finished);
}

/// CleanupStore, clause 7: cleanups are counted, and listed by status, newest first.
pub async fn cleanups_are_counted_and_listed_newest_first(stores: &Stores) {
    let scope = Stores::scope();
    let mut jobs = Vec::new();
    for _ in 0..6 {
        jobs.push(accepted(stores, &scope).await);
        stores.clock.advance(SECOND);
    }
    for (job, end) in jobs[1..].iter().zip([DONE, failed(), again(HOUR)]) {
        let claimed = claim(stores, job).await;
        stores.cleanups.end_cleanup(&claimed.lease, &end).await.unwrap();
    }
    stores
        .cleanups
        .cancel_cleanup(&scope, jobs[4].job_id)
        .await
        .unwrap();
    claim(stores, &jobs[5]).await;

    let counts = stores.cleanups.cleanup_counts(&scope).await.unwrap();
    assert_eq!(counts.queue, QueueName::CleanupTasks);
    assert_eq!(
        (counts.queued, counts.started, counts.deferred),
        (1, 1, 1),
        "{counts:?}"
    );
    assert_eq!(
        (counts.finished, counts.failed, counts.cancelled),
        (1, 1, 1),
        "{counts:?}"
    );
    let check = async |status, limit, offset, expected: &[usize]| {
        let listed = stores
            .cleanups
            .list_cleanups(&scope, status, limit, offset)
            .await
            .unwrap();
        let ids: Vec<JobId> = listed.iter().map(|job| job.job_id).collect();
        let expected: Vec<JobId> = expected.iter().map(|&at| jobs[at].job_id).collect();
        assert_eq!(ids, expected, "{status:?}");
    };
    check(None, 10, 0, &[5, 4, 3, 2, 1, 0]).await;
    check(None, 2, 1, &[4, 3]).await;
    check(Some(JobStatus::Failed), 10, 0, &[2]).await;
    check(Some(JobStatus::Queued), 10, 1, &[]).await;
}

/// CleanupStore, clause 7: what waits, or has lost its worker, is named with the delay left.
pub async fn cleanups_that_wait_for_delivery_are_named(stores: &Stores) {
    let scope = Stores::scope();
    let waiting = accepted(stores, &scope).await;
    let (deferred, running, ended) = (
        accepted(stores, &scope).await,
        accepted(stores, &scope).await,
        accepted(stores, &scope).await,
    );
    let end = async |job: &JobRef, end: CleanupEnd| {
        let claimed = claim(stores, job).await;
        stores.cleanups.end_cleanup(&claimed.lease, &end).await.unwrap();
    };
    end(&deferred, again(LEASE * 2)).await;
    end(&ended, DONE).await;
    claim(stores, &running).await;

    let named = async || {
        let mut named = stores
            .cleanups
            .list_undelivered_cleanups(&scope, 10)
            .await
            .unwrap();
        named.sort_by_key(|it: &Reconciled| it.job.job_id);
        assert!(
            named
                .iter()
                .all(|it| it.queue == QueueName::CleanupTasks && it.lane == Lane::Prepare)
        );
        named.iter().map(|it| (it.job, it.delay)).collect::<Vec<_>>()
    };
    assert_eq!(named().await, [(waiting, Duration::ZERO), (deferred, LEASE * 2)]);
    stores.clock.advance(LEASE);
    assert_eq!(
        named().await,
        [
            (waiting, Duration::ZERO),
            (deferred, LEASE),
            (running, Duration::ZERO)
        ]
    );
    let one = stores
        .cleanups
        .list_undelivered_cleanups(&scope, 1)
        .await
        .unwrap();
    assert_eq!(one.len(), 1);
    let all = stores
        .cleanups
        .list_undelivered_cleanups(&scope, 10)
        .await
        .unwrap();
    let of_waiting = all.iter().find(|it| it.job == waiting).unwrap();
    assert_eq!(
        (of_waiting.rank, of_waiting.due),
        (None, ManualClock::START),
        "what its place in line follows from"
    );
}

/// CleanupStore, clause 8: pruning removes only what ended before a moment.
pub async fn pruning_removes_only_what_ended_before_a_moment(stores: &Stores) {
    let scope = Stores::scope();
    let (old, open, fresh) = (
        accepted(stores, &scope).await,
        accepted(stores, &scope).await,
        accepted(stores, &scope).await,
    );
    let deferred = accepted(stores, &scope).await;
    for (job, end) in [(old, DONE), (deferred, again(SECOND))] {
        let claimed = claim(stores, &job).await;
        stores.cleanups.end_cleanup(&claimed.lease, &end).await.unwrap();
    }
    stores.clock.advance(SECOND);
    let moment = stores.clock.now();
    stores
        .cleanups
        .cancel_cleanup(&scope, fresh.job_id)
        .await
        .unwrap();

    let prune = |before| stores.cleanups.prune_cleanups(&scope, before);
    assert_eq!(prune(ManualClock::START).await.unwrap(), 0);
    assert_eq!(prune(moment).await.unwrap(), 1);
    assert_eq!(prune(moment).await.unwrap(), 0);
    let left = stores.cleanups.list_cleanups(&scope, None, 10, 0).await.unwrap();
    let mut left: Vec<JobId> = left.iter().map(|job| job.job_id).collect();
    left.sort();
    let mut expected = [open.job_id, fresh.job_id, deferred.job_id];
    expected.sort();
    assert_eq!(left, expected);
}

/// Runs every clause against an adapter: `cleanup_store_contract!(make);`, where `make` is an `async fn` without arguments
/// that returns new [`Stores`](crate::Stores).
#[macro_export]
macro_rules! cleanup_store_contract {
    ($make:path) => {
        $crate::cleanup_store_contract! { @clauses $make:
            an_accepted_cleanup_is_queued_as_it_was_asked_for
            a_task_runs_once_in_its_slot
            one_worker_at_a_time_claims_a_cleanup_that_is_due
            who_lost_a_cleanup_cannot_write
            renewing_keeps_a_cleanup
            a_cleanup_ends_as_its_worker_says
            a_cancelled_cleanup_is_refused_to_its_worker
            only_a_failed_or_cancelled_cleanup_is_queued_again
            a_cleanup_of_another_organization_is_not_found
            cleanups_are_counted_and_listed_newest_first
            cleanups_that_wait_for_delivery_are_named
            pruning_removes_only_what_ended_before_a_moment
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let stores = $make().await;
                $crate::contracts::cleanup_store_contract::$clause(&stores).await;
            }
        )+
    };
}
