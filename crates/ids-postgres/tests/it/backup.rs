//! All rows of one moment out, and a library from them: nothing forgotten, whoever it belongs to, and nothing half done.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use deadpool_postgres::tokio_postgres::Client;
use ids_core::backup::BytesNeed;
use ids_core::ports::{BackupRegistry, Clock, RecordedBackup};
use ids_core::time::Timestamp;
use ids_postgres::{OpenError, PostgresLibrary, PostgresRestore, PostgresSnapshot, SequenceState};
use ids_testkit::belongings::fill;
use ids_testkit::services::postgres;
use ids_testkit::stores::NewDocument;
use ids_testkit::{ManualClock, Stores};

use crate::Library;
use crate::library::{Schema, connect_as};
use crate::migrate::dump;

/// A table, its columns and its rows.
type Copied = (String, Vec<String>, Vec<u8>);

/// A library of two organizations with something of everything.
async fn two_organizations() -> (Stores, Schema) {
    let library = Library::open().await;
    // The schema must outlive the stores, and be named meanwhile.
    let name = library.schema.name.clone();
    let stores = library.stores();
    fill(&stores, &Stores::scope()).await;
    let other = stores.other_organization().await;
    fill(&stores, &other).await;
    stores
        .prepared(&other, &NewDocument::named("d.txt"), &["mais um", "e outro"])
        .await;
    (stores, Schema { name })
}

async fn superuser() -> Client {
    let server = postgres();
    connect_as(server, &server.superuser, &server.superuser_password).await
}

/// The rows of every table as text, as somebody sees them before whom nothing is hidden.
async fn all_rows(schema: &str) -> BTreeMap<String, Vec<String>> {
    let client = superuser().await;
    let tables = client
        .query(
            "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = $1 and c.relkind in ('r', 'p')",
            &[&schema],
        )
        .await
        .unwrap();
    let mut all = BTreeMap::new();
    for table in tables {
        let table: String = table.get(0);
        let sql = format!("select t::text from {schema}.{table} t order by 1");
        let rows = client.query(&sql, &[]).await.unwrap();
        all.insert(table, rows.iter().map(|row| row.get(0)).collect());
    }
    all
}

async fn copied(snapshot: &PostgresSnapshot) -> Vec<Copied> {
    let mut copied = Vec::new();
    for table in snapshot.tables() {
        let mut bytes = Vec::new();
        for owner in snapshot.owners_of(table) {
            let mut rows = snapshot.rows(table, owner.as_ref()).await.unwrap();
            while let Some(rows) = rows.next().await.unwrap() {
                bytes.extend_from_slice(&rows);
            }
        }
        copied.push((table.name.clone(), table.columns.clone(), bytes));
    }
    copied
}

fn now() -> Timestamp {
    ManualClock::default().now()
}

fn record() -> RecordedBackup {
    RecordedBackup {
        file_name: "ids-20260131T031500Z.tar.gz".to_owned(),
        started_at: now(),
        finished_at: now(),
        size_bytes: 1,
        copied_to: None,
    }
}

async fn filled(target: &Schema, version: u32, copied: &[Copied]) -> PostgresRestore {
    let restore = PostgresRestore::begin(&target.config(), version, now())
        .await
        .unwrap();
    for (table, columns, bytes) in copied {
        if restore.takes(table) {
            let mut sink = restore.rows(table, columns).await.unwrap();
            sink.send(Bytes::from(bytes.clone())).await.unwrap();
            sink.finish().await.unwrap();
        }
    }
    restore
}

async fn taken(schema: &Schema) -> (u32, Vec<Copied>, Vec<SequenceState>) {
    let snapshot = PostgresSnapshot::begin(&schema.config()).await.unwrap();
    let copied = copied(&snapshot).await;
    let sequences = snapshot.sequences().await.unwrap();
    let version = snapshot.schema_version();
    snapshot.end().await;
    (version, copied, sequences)
}

async fn open(schema: &Schema) -> PostgresLibrary {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    PostgresLibrary::open(&schema.config(), clock).await.unwrap()
}

/// What is the same before and after: not who works on what, nor the list of migrations with its times.
fn lasting(mut rows: BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    for passing in [
        "workers",
        "leaderships",
        "deliveries",
        "backups",
        "schema_migrations",
        "jobs",
    ] {
        rows.remove(passing).unwrap();
    }
    rows
}

#[tokio::test]
async fn every_row_of_every_table_and_organization_is_in_the_snapshot() {
    let (_stores, schema) = two_organizations().await;
    let expected = all_rows(&schema.name).await;
    let client = superuser().await;

    let snapshot = PostgresSnapshot::begin(&schema.config()).await.unwrap();
    let copied = copied(&snapshot).await;

    let found: BTreeMap<String, usize> = copied
        .iter()
        .map(|(table, _, bytes)| (table.clone(), bytes.iter().filter(|byte| **byte == b'\n').count()))
        .collect();
    let counted: BTreeMap<String, usize> = expected
        .iter()
        .map(|(table, rows)| (table.clone(), rows.len()))
        .collect();
    assert_eq!(found, counted, "no table and no row is forgotten");
    for empty in [
        "documents",
        "chunks",
        "embeddings",
        "postings",
        "answer_usage",
        "api_keys",
        "messages",
    ] {
        assert!(found[empty] >= 2, "{empty}: nothing would be proven");
    }
    // Row by row for the table that is a tenant's in every sense.
    for organization in snapshot.organizations() {
        let documents = snapshot
            .tables()
            .iter()
            .find(|table| table.name == "documents")
            .unwrap();
        let mut rows = snapshot.rows(documents, Some(organization)).await.unwrap();
        let mut found = 0;
        while let Some(rows) = rows.next().await.unwrap() {
            let text = String::from_utf8(rows.to_vec()).unwrap();
            for row in text.lines() {
                assert!(row.contains(&organization.id.to_string()), "{row}");
                found += 1;
            }
        }
        let sql = format!(
            "select count(*) from {}.documents where organization_id = '{}'",
            schema.name, organization.id
        );
        let counted: i64 = client.query_one(&sql, &[]).await.unwrap().get(0);
        assert!(found > 0 && found == counted, "{found} of {counted}");
    }
    snapshot.end().await;
}

#[tokio::test]
async fn a_role_that_passes_by_row_security_gets_no_row_twice() {
    let (_stores, schema) = two_organizations().await;
    let server = postgres();
    let config = ids_postgres::PostgresConfig {
        user: server.superuser.clone(),
        password: Some(ids_postgres::Secret::new(server.superuser_password.as_str())),
        ..schema.config()
    };
    let snapshot = PostgresSnapshot::begin(&config).await.unwrap();
    let expected = all_rows(&schema.name).await;
    for (table, _, bytes) in copied(&snapshot).await {
        let found = bytes.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(found, expected[&table].len(), "{table}");
    }
    snapshot.end().await;
}

#[tokio::test]
async fn what_is_written_after_the_moment_is_not_in_the_snapshot() {
    let (stores, schema) = two_organizations().await;
    let snapshot = PostgresSnapshot::begin(&schema.config()).await.unwrap();
    let before = all_rows(&schema.name).await;

    stores
        .accept(&Stores::scope(), &NewDocument::named("late.txt"))
        .await;

    for (table, _, bytes) in copied(&snapshot).await {
        let found = bytes.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(found, before[&table].len(), "{table}");
    }
    snapshot.end().await;
    assert_eq!(
        all_rows(&schema.name).await["documents"].len(),
        before["documents"].len() + 1
    );
}

#[tokio::test]
async fn the_bytes_that_rows_name_are_known_with_what_they_are_for() {
    let (_stores, schema) = two_organizations().await;
    let snapshot = PostgresSnapshot::begin(&schema.config()).await.unwrap();
    let named = snapshot.named_bytes().await.unwrap();
    for organization in snapshot.organizations() {
        let needs: Vec<BytesNeed> = named
            .iter()
            .filter(|it| it.organization == organization.id)
            .map(|it| it.need)
            .collect();
        for need in [BytesNeed::Work, BytesNeed::Original, BytesNeed::Upload] {
            assert!(needs.contains(&need), "{need:?} in {needs:?}");
        }
    }
    let contents = snapshot.contents().await.unwrap();
    assert_eq!(
        (contents.organizations, contents.sessions, contents.keys),
        (2, 2, 2)
    );
    assert!(contents.documents > 4, "{contents:?}");
    snapshot.end().await;
}

#[tokio::test]
async fn a_restored_library_has_every_row_and_the_schema_of_the_one_before() {
    let (_stores, schema) = two_organizations().await;
    let (version, copied, sequences) = taken(&schema).await;
    let target = Schema::new();

    let restore = filled(&target, version, &copied).await;
    let counts = restore.count().await.unwrap();
    restore.finish(&sequences, &record()).await.unwrap();

    let (before, after) = (all_rows(&schema.name).await, all_rows(&target.name).await);
    assert_eq!(lasting(after.clone()), lasting(before.clone()));
    assert_eq!(after["jobs"].len(), before["jobs"].len());
    assert_eq!(counts["postings"].0, before["postings"].len() as u64);
    assert_eq!(counts["documents"].1.len(), 2, "{:?}", counts["documents"]);
    let client = superuser().await;
    let mut dumps = Vec::new();
    for schema in [&schema, &target] {
        let mut dump = dump(&client, &schema.name).await;
        for lines in dump.values_mut() {
            lines.sort_unstable();
        }
        dumps.push(dump);
    }
    assert_eq!(
        dumps[0], dumps[1],
        "indexes of vectors and row level security are there again"
    );
    let again = PostgresSnapshot::begin(&target.config()).await.unwrap();
    assert_eq!(again.sequences().await.unwrap(), sequences);
    again.end().await;
    let library = open(&target).await;
    assert_eq!(library.latest_backup().await.unwrap(), Some(record()));
    // A lease of then would keep its job from everybody for as long as it lasted.
    let sql = format!(
        "select count(*) from {}.jobs where lease_expires_at >= {}",
        target.name,
        now().as_micros()
    );
    let held: i64 = client.query_one(&sql, &[]).await.unwrap().get(0);
    assert_eq!(held, 0);
}

#[tokio::test]
async fn rows_of_an_older_schema_are_brought_to_the_newest() {
    let (_stores, schema) = two_organizations().await;
    let client = superuser().await;
    // What a version before left: it knew nothing of what comes in other documents, of signatures, of recognized words, of ratings, of kept copies or of what
    // models are paid for beside answers.
    const BEFORE: u32 = 7;
    let sql = format!(
        "delete from {0}.schema_migrations where version > {BEFORE};
         alter table {0}.pages drop column words;
         alter table {0}.versions drop column kept_hash;
         alter table {0}.answer_usage drop column kind;
         alter table {0}.reservations drop column kind;
         alter table {0}.sessions drop column filter;
         alter table {0}.messages drop column rating, drop column rating_reason, drop column rated_at;
         drop table {0}.signature_bands, {0}.text_signatures;
         alter table {0}.documents drop column parent_id, drop column parent_version_id, drop column path",
        schema.name
    );
    client.batch_execute(&sql).await.unwrap();
    let (version, copied, sequences) = taken(&schema).await;
    assert_eq!(version, BEFORE);
    let target = Schema::new();

    filled(&target, version, &copied)
        .await
        .finish(&sequences, &record())
        .await
        .unwrap();

    let library = open(&target).await;
    assert_eq!(library.latest_backup().await.unwrap(), Some(record()));
    let (before, after) = (all_rows(&schema.name).await, all_rows(&target.name).await);
    assert_eq!(before["chunks"], after["chunks"]);
}

#[tokio::test]
async fn rows_of_a_newer_schema_are_refused() {
    let target = Schema::new();
    let newer = PostgresRestore::newest_schema() + 1;
    let refused = PostgresRestore::begin(&target.config(), newer, now()).await.err();
    assert!(matches!(refused, Some(OpenError::TooNew { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_restore_that_fails_half_way_leaves_the_library_before_as_it_was() {
    let (_stores, schema) = two_organizations().await;
    let (version, copied, _) = taken(&schema).await;
    let (stores, target) = two_organizations().await;
    stores
        .accept(&Stores::scope(), &NewDocument::named("mine.txt"))
        .await;
    let before = all_rows(&target.name).await;

    let restore = filled(&target, version, &copied[..6]).await;
    let mut sink = restore
        .rows("documents", &["document_id".to_owned()])
        .await
        .unwrap();
    let sent = match sink.send(Bytes::from_static(b"no uuid\n")).await {
        Ok(()) => sink.finish().await.map(drop),
        Err(error) => Err(error),
    };
    assert!(sent.is_err());
    drop(restore);

    let client = superuser().await;
    let idle = "select count(*) from pg_locks l join pg_class c on c.oid = l.relation
                join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and l.mode = 'AccessExclusiveLock'";
    // The server notices that the connection is gone in its own time.
    while client
        .query_one(idle, &[&target.name])
        .await
        .unwrap()
        .get::<_, i64>(0)
        > 0
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(all_rows(&target.name).await, before);
}

#[tokio::test]
async fn a_table_of_somebody_else_in_the_schema_stays() {
    let (_stores, schema) = two_organizations().await;
    let (version, copied, sequences) = taken(&schema).await;
    let client = crate::library::connect(postgres()).await;
    let sql = format!(
        "create table {0}.recipes (name text); insert into {0}.recipes values ('cuca')",
        schema.name
    );
    client.batch_execute(&sql).await.unwrap();

    let restore = filled(&schema, version, &copied).await;
    assert!(!restore.takes("recipes"));
    restore.finish(&sequences, &record()).await.unwrap();

    let count: i64 = client
        .query_one(&format!("select count(*) from {}.recipes", schema.name), &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(count, 1);
}
