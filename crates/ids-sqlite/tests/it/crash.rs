//! kill -9: whatever part of the log was written, the library opens, and each unit of work is there whole or not at all.

use std::path::Path;
use std::sync::Arc;

use ids_core::chunk::Filter;
use ids_core::job::JobStatus;
use ids_core::ports::{DocumentStore, JobStore};
use ids_sqlite::SqliteLibrary;
use ids_testkit::stores::{NewDocument, direction, model};

use crate::{Stores, library, open, stores_over};

/// The files of a running library as a kill would leave them, with only `log_bytes` of the log.
fn copy_files(from: &Path, to: &Path, log_bytes: usize) {
    let file = SqliteLibrary::path_in(from);
    std::fs::copy(&file, SqliteLibrary::path_in(to)).unwrap();
    let log = std::fs::read(file.with_extension("db-wal")).unwrap();
    let kept = &log[..log_bytes.min(log.len())];
    std::fs::write(SqliteLibrary::path_in(to).with_extension("db-wal"), kept).unwrap();
}

#[tokio::test]
async fn a_killed_library_goes_on_where_it_was() {
    let (stores, _library, folder) = library();
    let scope = Stores::scope();
    let prepared = stores
        .prepared(&scope, &NewDocument::named("a.txt"), &["um comum", "dois comum"])
        .await;
    stores.embed(&prepared, &[direction(10.0)]).await;
    let copy = Arc::new(tempfile::tempdir().unwrap());
    copy_files(folder.path(), copy.path(), usize::MAX);

    let library = open(copy.path(), &stores.clock);
    let after = stores_over(&library, &stores.clock, copy);

    assert_eq!(
        after.found_by_word(&scope, "comum").await,
        ["dois comum", "um comum"]
    );
    let found = after
        .chunks
        .nearest(&scope, &Filter::default(), &model(), &direction(0.0), 9)
        .await
        .unwrap();
    assert_eq!(after.contents(&scope, &found).await, ["um comum"]);
    assert_eq!(library.verify_statistics().await.unwrap(), []);
    // One process has a library open at a time, so who held a lease is gone: nobody waits for it to run out.
    let job = prepared.lease.job;
    let undelivered = after.jobs.list_undelivered(&scope, 10).await.unwrap();
    assert_eq!(undelivered[0].job, job);
    let claimed = after.jobs.claim(&job, "next").await.unwrap().unwrap();
    assert_ne!(claimed.lease.token, prepared.lease.token);
    assert_eq!(
        (claimed.version.chunk_count, claimed.version.embedded_count),
        (2, 1)
    );
    let left = after
        .chunks
        .list_unembedded(&claimed.lease, &model(), 9)
        .await
        .unwrap();
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn a_torn_log_leaves_each_unit_of_work_whole_or_not_at_all() {
    let (stores, library, folder) = library();
    let scope = Stores::scope();
    for number in 0..4 {
        let texts: Vec<String> = (0..30)
            .map(|at| format!("comum palavra{number} outra{at}"))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        stores
            .completed(&scope, &NewDocument::named(&format!("{number}.txt")), &texts)
            .await;
    }
    let log = SqliteLibrary::path_in(folder.path()).with_extension("db-wal");
    let length = std::fs::metadata(log).unwrap().len() as usize;
    let mut seen = std::collections::BTreeSet::new();
    for cut in 0..24 {
        let copy = Arc::new(tempfile::tempdir().unwrap());
        copy_files(folder.path(), copy.path(), length * cut / 24 + cut * 7);

        let after = open(copy.path(), &stores.clock);

        assert_eq!(after.verify_statistics().await.unwrap(), [], "cut {cut}");
        let counts = after.library_counts(&scope).await.unwrap();
        assert_eq!(counts.chunks % 30, 0, "cut {cut}: half a document is visible");
        seen.insert(counts.chunks);
        for job in after.list_jobs(&scope, None, 10, 0).await.unwrap() {
            let whole = after
                .list_chunks(&scope, job.document_id, 100, 0)
                .await
                .unwrap()
                .total;
            assert!(
                whole == 30 || job.status != JobStatus::Finished,
                "cut {cut}: finished without its chunks"
            );
        }
    }
    assert!(seen.len() > 2, "the cuts hit different moments: {seen:?}");
    library.close().await;
}
