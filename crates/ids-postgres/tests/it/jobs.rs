//! What row locks give: of those who come at once, one is first.

use std::sync::Arc;

use futures_util::future::join_all;
use ids_core::document::{AcceptedAs, BlobKey, DocumentStatus};
use ids_core::error::StoreErrorKind;
use ids_core::job::JobStatus;
use ids_core::ports::Replaced;
use ids_testkit::Stores;
use ids_testkit::stores::{NewDocument, chunk, extracted, hash_of};

use crate::Library;
use crate::library::beside;

/// Runs `count` of them at once, on threads of their own.
async fn at_once<T, F>(count: usize, work: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|number| beside(work(number))).collect();
    let done = join_all(tasks).await;
    done.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_who_claim_at_once_one_gets_the_job() {
    let stores = Library::with_pool(16).await.stores();
    for number in 0..5 {
        let accepted = stores
            .accept(&Stores::scope(), &NewDocument::named(&format!("{number}.txt")))
            .await;
        let jobs = Arc::clone(&stores.jobs);
        let claimed = at_once(16, |number| {
            let (jobs, job) = (Arc::clone(&jobs), accepted.job);
            async move { jobs.claim(&job, &format!("worker {number}")).await.unwrap() }
        })
        .await;
        let leases: Vec<_> = claimed
            .into_iter()
            .flatten()
            .map(|claimed| claimed.lease)
            .collect();
        assert_eq!(leases.len(), 1, "{leases:?}");
        stores.jobs.renew(&leases[0]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upload_processed_by_several_at_once_has_one_job() {
    let stores = Library::with_pool(8).await.stores();
    let document = NewDocument::named("a.txt");
    let upload = stores.upload(&document);
    let scope = Stores::scope();
    stores.documents.create_upload(&scope, &upload).await.unwrap();
    let blob = BlobKey("temp/a".to_owned());
    stores
        .documents
        .mark_received(&scope, upload.upload_id, &blob, hash_of("a"))
        .await
        .unwrap();
    let acceptances: Vec<_> = (0..8)
        .map(|_| {
            stores.acceptance(
                &document,
                upload.document_id,
                AcceptedAs::Upload(upload.upload_id),
            )
        })
        .collect();

    let accepted = at_once(8, |number| {
        let (jobs, acceptance) = (Arc::clone(&stores.jobs), acceptances[number].clone());
        async move { jobs.accept(&Stores::scope(), &acceptance).await.unwrap() }
    })
    .await;

    assert_eq!(accepted.iter().filter(|it| it.is_new).count(), 1);
    assert!(accepted.iter().all(|it| it.job == accepted[0].job));
    assert_eq!(
        stores.jobs.list_jobs(&scope, None, 100, 0).await.unwrap().len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_versions_accepted_at_once_the_last_is_made_and_the_others_are_cancelled() {
    let stores = Library::with_pool(8).await.stores();
    let scope = Stores::scope();
    let first = stores.accept(&scope, &NewDocument::named("a.txt")).await;
    let acceptances: Vec<_> = (0..8)
        .map(|number| {
            let filename = format!("{number}.txt");
            let document = NewDocument::named(&filename);
            stores.acceptance(
                &document,
                first.document_id,
                AcceptedAs::FurtherVersion { filename },
            )
        })
        .collect();

    at_once(8, |number| {
        let (jobs, acceptance) = (Arc::clone(&stores.jobs), acceptances[number].clone());
        async move { jobs.accept(&Stores::scope(), &acceptance).await.unwrap() }
    })
    .await;

    let jobs = stores.jobs.list_jobs(&scope, None, 100, 0).await.unwrap();
    let open: Vec<_> = jobs.iter().filter(|job| !job.status.is_end()).collect();
    assert_eq!(jobs.len(), 9);
    assert_eq!(open.len(), 1);
    let document = stores
        .documents
        .find_document(&scope, first.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(document.job_id, Some(open[0].job_id));
    assert_eq!(document.status, DocumentStatus::Uploaded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_is_completed_and_cancelled_at_once_ends_once() {
    let stores = Library::with_pool(8).await.stores();
    let scope = Stores::scope();
    for number in 0..5 {
        let prepared = stores
            .prepared(
                &scope,
                &NewDocument::named(&format!("{number}.txt")),
                &["palavra"],
            )
            .await;
        let lease = prepared.lease.clone();
        let (completed, cancelled) = tokio::join!(
            beside({
                let (jobs, lease) = (Arc::clone(&stores.jobs), lease.clone());
                async move { jobs.complete(&lease, None).await }
            }),
            beside({
                let (jobs, job_id) = (Arc::clone(&stores.jobs), lease.job.job_id);
                async move { jobs.cancel(&Stores::scope(), job_id).await }
            })
        );
        let kinds = (
            completed.unwrap().map(drop).map_err(|error| error.kind()),
            cancelled.unwrap().map(drop).map_err(|error| error.kind()),
        );
        let job = stores
            .jobs
            .find_job(&scope, lease.job.job_id)
            .await
            .unwrap()
            .unwrap();
        match kinds {
            (Ok(()), Err(StoreErrorKind::Conflict)) => assert_eq!(job.status, JobStatus::Finished),
            (Err(StoreErrorKind::LeaseLost), Ok(())) => assert_eq!(job.status, JobStatus::Cancelled),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_source_ingested_by_several_at_once_is_one_document() {
    let stores = Library::with_pool(8).await.stores();
    let document = NewDocument::named("a.txt")
        .from_path("/a.txt")
        .in_collection("nova");
    let acceptances: Vec<_> = (0..8)
        .map(|_| {
            let accepted_as = AcceptedAs::NewDocument {
                details: document.details(),
                source: document.source.clone(),
            };
            stores.acceptance(&document, stores.document_id(), accepted_as)
        })
        .collect();

    let accepted = at_once(8, |number| {
        let (jobs, acceptance) = (Arc::clone(&stores.jobs), acceptances[number].clone());
        async move { jobs.accept(&Stores::scope(), &acceptance).await }
    })
    .await;

    let (made, refused): (Vec<_>, Vec<_>) = accepted.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    assert!(
        refused
            .into_iter()
            .all(|it| it.unwrap_err().kind() == StoreErrorKind::Conflict)
    );
    let collections = stores.documents.list_collections(&Stores::scope()).await.unwrap();
    assert_eq!(collections.len(), 1);
    assert_eq!(collections[0].documents, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_documents_of_the_same_text_stored_at_once_one_is_the_duplicate() {
    let stores = Library::with_pool(8).await.stores();
    let scope = Stores::scope();
    for round in 0..5 {
        let mut leases = Vec::new();
        for number in 0..4 {
            let document = NewDocument::named(&format!("{round} {number}.txt"));
            let lease = stores.claim(&stores.accept(&scope, &document).await).await.lease;
            stores
                .documents
                .save_extraction(&lease, &extracted(&["palavra"]), hash_of(&format!("{round}")))
                .await
                .unwrap();
            leases.push(lease);
        }
        let replaced = at_once(4, |number| {
            let (chunks, lease) = (Arc::clone(&stores.chunks), leases[number].clone());
            async move { chunks.replace(&lease, &[chunk(0, "palavra")]).await.unwrap() }
        })
        .await;
        let stored = replaced.iter().filter(|it| **it == Replaced::Stored).count();
        assert_eq!(stored, 1, "{replaced:?}");
    }
}
