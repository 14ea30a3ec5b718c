//! From an empty schema to that of this binary, by however many processes at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use deadpool_postgres::tokio_postgres::Client;
use futures_util::future::join_all;
use ids_core::ports::{Clock, DocumentStore};
use ids_postgres::{Capabilities, OpenError, PostgresLibrary};
use ids_testkit::ManualClock;
use ids_testkit::services::postgres;

use crate::Library;
use crate::library::{Schema, beside, connect};

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::default())
}

async fn opened(schema: &Schema) -> Result<PostgresLibrary, OpenError> {
    PostgresLibrary::open(&schema.config(), clock()).await
}

async fn versions(client: &Client, schema: &Schema) -> Vec<i32> {
    let sql = format!(
        "select version from {}.schema_migrations order by version",
        schema.name
    );
    let rows = client.query(&sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_four_who_open_a_new_library_at_once_one_migrates() {
    let schema = Schema::new();
    let config = schema.config();
    let opening = (0..4).map(|_| {
        let config = config.clone();
        beside(async move { PostgresLibrary::open(&config, clock()).await })
    });
    for library in join_all(opening).await {
        library.unwrap().expect("it opens").ping().await.unwrap();
    }
    let client = connect(postgres()).await;
    let versions = versions(&client, &schema).await;
    let expected: Vec<i32> = (1..).take(versions.len()).collect();
    assert_eq!(versions, expected);
    assert!(!versions.is_empty());
}

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let schema = Schema::new();
    PostgresLibrary::migrate(&schema.config(), clock()).await.unwrap();
    let client = connect(postgres()).await;
    let before = dump(&client, &schema.name).await;
    PostgresLibrary::migrate(&schema.config(), clock()).await.unwrap();
    assert_eq!(dump(&client, &schema.name).await, before);
}

#[tokio::test]
async fn a_library_of_a_newer_binary_is_refused_unless_it_says_that_this_one_may_go_on() {
    let library = Library::open().await;
    let client = library.connect().await;
    let known = *versions(&client, &library.schema).await.last().unwrap();
    let newer = async |oldest_binary: i32| {
        let sql = "insert into schema_migrations (version, name, checksum, oldest_binary, applied_at)
             values (9001, 'widen_something', '', $1, 0) on conflict (version) do update set oldest_binary = excluded.oldest_binary";
        client.execute(sql, &[&oldest_binary]).await.unwrap();
    };

    newer(known + 1).await;
    match opened(&library.schema).await {
        Err(OpenError::TooNew { found, known: ours }) => {
            assert_eq!((found, i64::from(ours)), (9001, i64::from(known)));
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it opens"),
    }
    newer(known).await;
    opened(&library.schema).await.unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn a_migration_that_is_not_ours_is_refused() {
    let library = Library::open().await;
    let client = library.connect().await;
    client
        .batch_execute("update schema_migrations set checksum = 'x' where version = 1")
        .await
        .unwrap();
    let refused = opened(&library.schema).await.err();
    assert!(
        matches!(refused, Some(OpenError::MigrationChanged { version: 1 })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn all_migrations_give_exactly_the_schema_that_is_written_down() {
    let library = Library::open().await;
    let client = library.connect().await;
    let migrated = dump(&client, &library.schema.name).await;

    let written = Schema::new();
    let path = format!("create schema {0}; set search_path = {0}, public", written.name);
    client.batch_execute(&path).await.unwrap();
    client
        .batch_execute(include_str!("../../schema.sql"))
        .await
        .unwrap();

    let written = dump(&client, &written.name).await;
    for (what, lines) in &migrated {
        assert_eq!(written.get(what), Some(lines), "{what}");
    }
    assert_eq!(written.len(), migrated.len());
}

#[tokio::test]
async fn what_the_server_can_do_is_read_and_may_be_said_to_be_less() {
    let library = Library::open().await;
    let found = library.library.capabilities();
    assert!(found.server_version >= 140_000);
    assert!(found.halfvec() && found.iterative_scan(), "{found:?}");

    let older = Capabilities {
        pgvector: (0, 7),
        ..found
    };
    let config = library.schema.config();
    let library = PostgresLibrary::open_with(&config, clock(), Some(older))
        .await
        .unwrap();
    assert_eq!(library.capabilities(), older);
}

#[tokio::test]
async fn a_schema_name_that_would_have_to_be_quoted_is_refused() {
    let config = ids_postgres::PostgresConfig {
        schema: Some("a\"; drop schema public".to_owned()),
        ..Schema::new().config()
    };
    let refused = PostgresLibrary::open(&config, clock()).await.err();
    assert!(
        matches!(refused, Some(OpenError::BadSchemaName { .. })),
        "{refused:?}"
    );
}

/// All that the catalog says of a schema, a list for each table, without its name and without the list of migrations.
pub async fn dump(client: &Client, schema: &str) -> BTreeMap<String, Vec<String>> {
    let sql = include_str!("dump_schema.sql");
    let rows = client.query(sql, &[&schema]).await.unwrap();
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        let (table, line): (String, String) = (row.get(0), row.get(1));
        if table != "schema_migrations" {
            let line = line.replace(&format!("{schema}."), "");
            tables.entry(table).or_default().push(line);
        }
    }
    tables
}
