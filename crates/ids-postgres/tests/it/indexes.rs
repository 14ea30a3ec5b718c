//! What is asked often is answered out of the intended index, however much there is, and under row level security, where only
//! conditions that leak nothing may use one. The server's own counters say which were read.

use std::collections::BTreeMap;
use std::sync::Arc;

use deadpool_postgres::tokio_postgres::Client;
use ids_core::access::KeyHash;
use ids_core::document::{BlobKey, SourcePath};
use ids_core::id::{DocumentId, JobId, OrganizationId};
use ids_core::job::JobRef;
use ids_core::ports::{Clock, DocumentStore, JobStore, OrganizationStore};
use ids_core::scope::{CollectionName, Scope};
use ids_core::time::Timestamp;
use ids_postgres::PostgresLibrary;
use ids_testkit::ManualClock;
use ids_testkit::services::postgres;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Library;
use crate::library::{Schema, connect_as};

const SCOPE: Scope = Scope::organization(OrganizationId::DEFAULT);

/// The id of the nth row, as `fill_library.sql` makes it.
fn id(letter: char, n: u32) -> Uuid {
    format!("{letter}{n:031x}").parse().unwrap()
}

/// How often each index, and each table from its beginning to its end, was read so far.
async fn counters(admin: &Client, schema: &Schema) -> BTreeMap<String, i64> {
    let sql = "select indexrelname::text, idx_scan from pg_stat_all_indexes where schemaname = $1
         union all select 'all of ' || relname, seq_scan from pg_stat_all_tables where schemaname = $1";
    let rows = admin.query(sql, &[&schema.name]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Waits until the library's connections are gone, with which their counters are written down.
async fn closed(admin: &Client, schema: &Schema) {
    let sql = "select 1 from pg_stat_activity where application_name = $1";
    let name = format!("ids {}", schema.name);
    while !admin.query(sql, &[&name]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

/// Runs `call` on a library of its own and checks that it read `index`, and no large table whole.
async fn check<F: Future<Output = ()>>(
    admin: &Client,
    schema: &Schema,
    index: &str,
    call: impl FnOnce(PostgresLibrary) -> F,
) {
    let before = counters(admin, schema).await;
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let library = PostgresLibrary::open(&schema.config(), clock).await.unwrap();
    call(library.clone()).await;
    library.close();
    drop(library);
    closed(admin, schema).await;
    let after = counters(admin, schema).await;
    let read: Vec<&String> = after
        .iter()
        .filter(|(name, count)| before.get(*name) != Some(*count))
        .map(|(name, _)| name)
        .collect();
    assert!(read.iter().any(|name| *name == index), "{index}: {read:?}");
    for table in ["documents", "versions", "jobs", "uploads", "api_keys"] {
        let whole = format!("all of {table}");
        assert!(!read.contains(&&whole), "{index}: {read:?}");
    }
}

#[tokio::test]
async fn frequent_questions_are_answered_out_of_their_indexes() {
    let library = Library::open().await;
    let server = postgres();
    let admin = connect_as(server, &server.superuser, &server.superuser_password).await;
    let path = format!("set search_path = {}, public", library.schema.name);
    admin.batch_execute(&path).await.unwrap();
    admin
        .batch_execute(include_str!("fill_library.sql"))
        .await
        .unwrap();
    library.library.close();
    closed(&admin, &library.schema).await;
    let (admin, schema) = (&admin, &library.schema);

    check(admin, schema, "jobs_key", async |library| {
        let job = JobRef {
            organization: OrganizationId::DEFAULT,
            job_id: JobId::from_uuid(id('a', 1_000)),
        };
        let claimed = library.claim(&job, "worker").await.unwrap().unwrap();
        library.renew(&claimed.lease).await.unwrap();
    })
    .await;
    check(admin, schema, "jobs_open", async |library| {
        let waiting = library.list_undelivered(&SCOPE, 100).await.unwrap();
        assert_eq!(waiting.len(), 19);
    })
    .await;
    check(admin, schema, "jobs_open", async |library| {
        assert!(library.oldest_waiting(&SCOPE).await.unwrap().is_some());
    })
    .await;
    check(admin, schema, "jobs_by_created_at", async |library| {
        assert_eq!(library.list_jobs(&SCOPE, None, 20, 0).await.unwrap().len(), 20);
    })
    .await;
    check(admin, schema, "documents_key", async |library| {
        let document_id = DocumentId::from_uuid(id('d', 7));
        assert!(library.find_status(&SCOPE, document_id).await.unwrap().is_some());
    })
    .await;
    check(admin, schema, "versions_by_text", async |library| {
        let job = JobRef {
            organization: OrganizationId::DEFAULT,
            job_id: JobId::from_uuid(id('a', 2_000)),
        };
        let claimed = library.claim(&job, "worker").await.unwrap().unwrap();
        assert_eq!(library.find_duplicate(&claimed.lease).await.unwrap(), None);
    })
    .await;
    check(admin, schema, "versions_key", async |library| {
        let document_id = DocumentId::from_uuid(id('d', 7));
        assert_eq!(library.find_page(&SCOPE, document_id, 1).await.unwrap(), None);
    })
    .await;
    check(admin, schema, "documents_source_unique", async |library| {
        let source = SourcePath("/7".to_owned());
        let found = library
            .find_source(&SCOPE, &CollectionName::default(), &source)
            .await;
        assert!(found.unwrap().is_some());
    })
    .await;
    check(
        admin,
        schema,
        "uploads_unprocessed_by_expires_at",
        async |library| {
            let expired = library
                .list_expired_uploads(&SCOPE, Timestamp::from_micros(15_000), 100)
                .await
                .unwrap();
            assert_eq!(expired.len(), 15);
        },
    )
    .await;
    for index in ["versions_by_blob", "uploads_by_blob"] {
        check(admin, schema, index, async |library| {
            let keys = ["originals/7", "temp/1000", "temp/8", "x"].map(|key| BlobKey(key.to_owned()));
            let unknown = library.list_unknown_blobs(&SCOPE, &keys).await.unwrap();
            assert_eq!(unknown, keys[2..]);
        })
        .await;
    }
    check(admin, schema, "api_keys_hash_unique", async |library| {
        let hash = KeyHash::from_bytes(Sha256::digest(7u32.to_be_bytes()).into());
        assert!(library.find_key(&hash).await.unwrap().is_some());
    })
    .await;
}
