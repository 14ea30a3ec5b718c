//! The file: its schema, whose it is, and what is refused.

use std::sync::Arc;

use ids_core::error::StoreErrorKind;
use ids_core::ports::{Clock, DocumentStore};
use ids_sqlite::{OpenError, SqliteLibrary};
use ids_testkit::ManualClock;
use ids_testkit::stores::NewDocument;
use rusqlite::Connection;

use crate::{Stores, library, open};

/// Every table, index and constraint, as SQLite keeps its text; not what FTS5 and the list of migrations add.
fn schema(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare(
            "select sql from sqlite_schema where sql is not null and name not like 'postings_%' and name not like 'sqlite_%'
             and tbl_name <> 'schema_migrations' order by type, name",
        )
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn reopened(folder: &std::path::Path) -> Result<SqliteLibrary, OpenError> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    SqliteLibrary::open_in(folder, clock)
}

#[tokio::test]
async fn the_migrations_give_exactly_the_written_schema() {
    let (_stores, library, folder) = library();
    library.close().await;
    let migrated = Connection::open(SqliteLibrary::path_in(folder.path())).unwrap();
    let written = Connection::open_in_memory().unwrap();
    written.execute_batch(include_str!("../../schema.sql")).unwrap();
    assert_eq!(schema(&migrated), schema(&written));
}

#[tokio::test]
async fn every_table_of_data_has_its_organization() {
    let written = Connection::open_in_memory().unwrap();
    written.execute_batch(include_str!("../../schema.sql")).unwrap();
    let mut statement = written
        .prepare(
            "select name from sqlite_schema t where type = 'table' and name not like 'postings%'
             and name not like 'sqlite_%'
             and not exists (select 1 from pragma_table_info(t.name) where name = 'organization_id')",
        )
        .unwrap();
    let without: Vec<String> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(without, ["embedding_models", "workers", "leaderships"]);
}

#[tokio::test]
async fn a_library_of_a_newer_binary_is_refused_and_left_alone() {
    let (_stores, library, folder) = library();
    library.close().await;
    let path = SqliteLibrary::path_in(folder.path());
    Connection::open(&path)
        .unwrap()
        .execute(
            "insert into schema_migrations (version, name, checksum, applied_at) values (99, 'future', x'00', 0)",
            [],
        )
        .unwrap();
    let before = std::fs::read(&path).unwrap();

    let error = reopened(folder.path()).err().expect("it is refused");

    assert!(
        matches!(
            error,
            OpenError::TooNew {
                found: 99,
                known: 3,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("made by a newer version of ids"),
        "{error}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_library_with_other_migrations_is_refused() {
    let (_stores, library, folder) = library();
    library.close().await;
    Connection::open(SqliteLibrary::path_in(folder.path()))
        .unwrap()
        .execute("update schema_migrations set checksum = x'00'", [])
        .unwrap();
    let error = reopened(folder.path()).err().expect("it is refused");
    assert!(
        matches!(error, OpenError::MigrationChanged { version: 1, .. }),
        "{error:?}"
    );
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = SqliteLibrary::path_in(folder.path());
    Connection::open(&path)
        .unwrap()
        .execute_batch("create table recipes (name text)")
        .unwrap();
    let database = std::fs::read(&path).unwrap();
    let error = reopened(folder.path()).err().expect("it is refused");
    assert!(matches!(error, OpenError::NotALibrary { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), database);

    std::fs::write(
        &path,
        "a text that is long enough to be looked at as a header of a database file".repeat(20),
    )
    .unwrap();
    let error = reopened(folder.path()).err().expect("it is refused");
    assert!(matches!(error, OpenError::NotALibrary { .. }), "{error:?}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = reopened(&folder.path().join("missing"))
        .err()
        .expect("it is refused");
    assert!(matches!(error, OpenError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test]
async fn a_closed_library_is_unavailable_and_one_file() {
    let (stores, library, folder) = library();
    stores
        .prepared(&Stores::scope(), &NewDocument::named("a.txt"), &["palavra"])
        .await;
    library.close().await;
    library.close().await;
    assert_eq!(
        library.ping().await.unwrap_err().kind(),
        StoreErrorKind::Unavailable
    );
    let files = std::fs::read_dir(folder.path()).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, [SqliteLibrary::FILE_NAME]);

    let again = open(folder.path(), &stores.clock);
    let counts = again.library_counts(&Stores::scope()).await.unwrap();
    assert_eq!(counts.chunks, 1);
}

#[tokio::test]
async fn a_copy_is_a_library_of_its_own() {
    let (stores, library, _folder) = library();
    stores
        .prepared(&Stores::scope(), &NewDocument::named("a.txt"), &["palavra"])
        .await;
    let target = tempfile::tempdir().unwrap();
    library
        .copy_to(SqliteLibrary::path_in(target.path()))
        .await
        .unwrap();
    let copy = open(target.path(), &stores.clock);
    assert_eq!(copy.library_counts(&Stores::scope()).await.unwrap().chunks, 1);
    assert_eq!(copy.verify_statistics().await.unwrap(), []);
}

/// The steps of a query's plan.
fn plan(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(&format!("explain query plan {sql}")).unwrap();
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get::<_, String>("detail").unwrap());
    }
    steps.join("\n")
}

#[test]
fn hot_queries_use_their_indexes() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(include_str!("../../schema.sql"))
        .unwrap();
    for (sql, index) in [
        (
            include_str!("../../queries/receive_delivery.sql"),
            "deliveries_in_line",
        ),
        (
            include_str!("../../queries/claim_job.sql"),
            "sqlite_autoindex_jobs_1",
        ),
        (
            include_str!("../../queries/held_version.sql"),
            "sqlite_autoindex_jobs_1",
        ),
        (
            "select job_id from jobs where organization_id = ?1
             and status in ('queued', 'started', 'deferred') and available_at <= ?2",
            "jobs_open",
        ),
        (
            "select vector from embeddings where chunk_id = ?1 and model_no = ?2",
            "sqlite_autoindex_embeddings_1",
        ),
    ] {
        let plan = plan(&connection, sql);
        assert!(plan.contains(index), "{sql}\nis planned as\n{plan}");
        assert!(
            !plan.contains("SCAN jobs") && !plan.contains("SCAN deliveries"),
            "{plan}"
        );
    }
}
