//! The file: its schema, whose it is, and what is refused.

use std::sync::Arc;

use ids_core::budget::UsageBy;
use ids_core::error::StoreErrorKind;
use ids_core::ports::{Clock, DocumentStore};
use ids_sqlite::{OpenError, SqliteLibrary};
use ids_testkit::ManualClock;
use ids_testkit::belongings::{create_key, exchange};
use ids_testkit::stores::NewDocument;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

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

/// A file of schema 2 with what a newer library holds, as far as that schema knows it.
fn of_schema_2(newer: &std::path::Path, path: &std::path::Path) {
    let file = Connection::open(path).unwrap();
    file.execute_batch(
        "pragma foreign_keys = off; pragma application_id = 0x6964734c;
         create table schema_migrations (
             version integer not null constraint schema_migrations_key primary key, name text not null,
             checksum blob not null, applied_at integer not null
         ) strict;",
    )
    .unwrap();
    for (version, sql) in [
        (1, include_str!("../../migrations/0001_create_library.sql")),
        (2, include_str!("../../migrations/0002_create_sessions.sql")),
    ] {
        file.execute_batch(sql).unwrap();
        file.execute(
            "insert into schema_migrations (version, name, checksum, applied_at) values (?1, 'released', ?2, 0)",
            rusqlite::params![version, Sha256::digest(sql.as_bytes()).as_slice()],
        )
        .unwrap();
    }
    file.execute("attach ?1 as newer", [newer.to_str().unwrap()])
        .unwrap();
    for table in [
        "organizations",
        "collections",
        "documents",
        "document_tags",
        "versions",
        "uploads",
        "jobs",
        "sessions",
        "messages",
        "answer_usage",
    ] {
        let columns: String = file
            .query_row(
                "select group_concat(name, ', ') from pragma_table_info(?1, 'main')",
                [table],
                |row| row.get(0),
            )
            .unwrap();
        let copied = file
            .execute(
                &format!("insert into main.{table} ({columns}) select {columns} from newer.{table}"),
                [],
            )
            .unwrap();
        assert!(copied > 0, "{table} was empty: nothing would be proven");
    }
}

#[tokio::test]
async fn a_library_of_before_there_were_keys_is_brought_up_with_its_rows() {
    let (stores, library, folder) = library();
    let scope = Stores::scope();
    let document = NewDocument::named("ata.txt").tagged(&["2026"]);
    let upload = stores.upload(&document);
    stores.documents.create_upload(&scope, &upload).await.unwrap();
    let accepted = stores.accept(&scope, &document).await;
    let asked = exchange(&stores, None);
    stores.sessions.append(&scope, &asked).await.unwrap();
    library.close().await;
    let old = Arc::new(tempfile::tempdir().unwrap());
    let path = SqliteLibrary::path_in(old.path());
    of_schema_2(&SqliteLibrary::path_in(folder.path()), &path);

    let library = open(old.path(), &stores.clock);
    let after = crate::stores_over(&library, &stores.clock, Arc::clone(&old));

    let messages = after
        .sessions
        .list_messages(&scope, asked.session_id, 10)
        .await
        .unwrap();
    assert_eq!(messages.len(), 2);
    let now = stores.clock.now();
    let used = after
        .ledger
        .count_usage(
            &scope,
            now,
            now.plus(std::time::Duration::from_secs(1)),
            UsageBy::Key,
        )
        .await
        .unwrap();
    assert_eq!(used.len(), 1);
    assert_eq!((used[0].key_id, used[0].questions), (None, 1));
    assert!(after.jobs.claim(&accepted.job, "worker").await.unwrap().is_some());
    let (key, hash) = create_key(&after, &scope).await;
    assert_eq!(after.organizations.find_key(&hash).await.unwrap(), Some(key));
    assert_eq!(
        after
            .organizations
            .delete_organization(&scope)
            .await
            .unwrap()
            .len(),
        2
    );
    library.close().await;

    let copy = old.path().join("library.db.before-3");
    let copied: (u32, i64) = Connection::open(copy)
        .unwrap()
        .query_row(
            "select (select max(version) from schema_migrations), (select count(*) from answer_usage)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(copied, (2, 1), "as it was before");
    let written = Connection::open_in_memory().unwrap();
    written.execute_batch(include_str!("../../schema.sql")).unwrap();
    assert_eq!(schema(&Connection::open(path).unwrap()), schema(&written));
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
    assert_eq!(without, ["embedding_models", "workers", "leaderships", "backups"]);
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
                known: 10,
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
            include_str!("../../queries/claim_cleanup.sql"),
            "sqlite_autoindex_cleanup_jobs_1",
        ),
        (
            "select key_id from api_keys where hash = ?1",
            "sqlite_autoindex_api_keys_2",
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
            !plan.contains("SCAN jobs")
                && !plan.contains("SCAN cleanup_jobs")
                && !plan.contains("SCAN deliveries"),
            "{plan}"
        );
    }
}
