//! What happens when the server, or the way to it, is not as it should be.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use ids_core::error::StoreErrorKind;
use ids_core::id::OrganizationId;
use ids_core::ports::{Clock, DocumentStore, OrganizationStore};
use ids_core::scope::{CollectionName, Scope};
use ids_postgres::{OpenError, PostgresConfig, PostgresLibrary, Secret};
use ids_testkit::ManualClock;
use ids_testkit::services::{PrivatePostgres, postgres, unique_name};
use tokio::time::timeout;

use crate::Library;
use crate::library::{Schema, beside, config_of, connect, connect_as};

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::default())
}

/// All texts of an error and its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

async fn refused(config: &PostgresConfig) -> OpenError {
    match PostgresLibrary::open(config, clock()).await {
        Ok(_) => panic!("it opens"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn after_the_server_ended_the_connections_the_next_call_works() {
    let library = Library::open().await;
    library.library.ping().await.unwrap();
    // As many as the pool may hold, all of which are idle now.
    let (a, b, c) = tokio::join!(
        library.library.ping(),
        library.library.ping(),
        library.library.ping()
    );
    for pinged in [a, b, c] {
        pinged.unwrap();
    }
    let client = library.connect().await;
    let ended = client
        .query(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1",
            &[&format!("ids {}", library.schema.name)],
        )
        .await
        .unwrap();
    assert!(!ended.is_empty());

    for _ in 0..4 {
        library.library.ping().await.unwrap();
    }
    library
        .library
        .ensure_collection(
            &Scope::organization(OrganizationId::DEFAULT),
            &CollectionName::default(),
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn a_call_whose_connection_is_ended_half_way_is_unavailable() {
    let library = Library::open().await;
    let client = library.connect().await;
    client
        .batch_execute("begin; lock table organizations in access exclusive mode")
        .await
        .unwrap();
    let call = beside({
        let library = library.library.clone();
        async move { library.ping().await }
    });
    let other = library.connect().await;
    let waiting = "select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where application_name = $1 and wait_event_type = 'Lock'";
    let name = format!("ids {}", library.schema.name);
    while other.query(waiting, &[&name]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{}", chain(&error));
    client.batch_execute("rollback").await.unwrap();
    library.library.ping().await.unwrap();
}

#[tokio::test]
async fn who_finds_no_free_connection_hears_it_in_time() {
    let schema = Schema::new();
    let config = PostgresConfig {
        pool_size: 1,
        pool_wait: Duration::from_millis(100),
        ..schema.config()
    };
    let library = PostgresLibrary::open(&config, clock()).await.unwrap();
    let client = connect(postgres()).await;
    client
        .batch_execute(&format!(
            "begin; lock table {}.organizations in access exclusive mode",
            schema.name
        ))
        .await
        .unwrap();
    // The first holds the only connection, the second waits for it.
    let (first, second) = tokio::join!(timeout(Duration::from_secs(2), library.ping()), async {
        let error = library.ping().await.unwrap_err();
        client.batch_execute("rollback").await.unwrap();
        error
    });
    assert_eq!(second.kind(), StoreErrorKind::Unavailable);
    first.expect("the lock is gone").unwrap();
}

#[tokio::test]
async fn a_call_that_is_dropped_half_way_leaves_no_transaction_open() {
    let library = Library::open().await;
    let name = CollectionName::parse("a").unwrap();
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let client = library.connect().await;
    client
        .batch_execute("begin; lock table collections in access exclusive mode")
        .await
        .unwrap();
    let dropped = timeout(
        Duration::from_millis(50),
        library.library.ensure_collection(&scope, &name),
    )
    .await;
    assert!(dropped.is_err());
    client.batch_execute("rollback").await.unwrap();

    // It held a share of the organization's row, which nobody could take whole while it was open.
    timeout(
        Duration::from_secs(5),
        client.batch_execute("begin; select 1 from organizations for update; rollback"),
    )
    .await
    .expect("the row is free")
    .unwrap();
    assert_eq!(library.library.list_collections(&scope).await.unwrap(), []);
}

#[tokio::test]
async fn a_transaction_that_was_in_anothers_way_is_tried_again() {
    let library = Library::open().await;
    let stores = library.library.clone();
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let server = postgres();
    let admin = connect_as(server, &server.superuser, &server.superuser_password).await;
    let setup = format!(
        // Only a superuser may wait so long with looking for deadlocks: the library's side is the one to give way.
        "set deadlock_timeout = '1min'; set search_path = {}; begin; lock table collections in access exclusive mode",
        library.schema.name
    );
    admin.batch_execute(&setup).await.unwrap();
    let deleted = beside(async move { stores.delete_organization(&scope).await });
    let waiting = library.connect().await;
    let sql = "select 1 from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'";
    let name = format!("ids {}", library.schema.name);
    while waiting.query(sql, &[&name]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    // It has the organization and wants the collections; now the other way round.
    admin
        .batch_execute("select 1 from organizations for update; commit")
        .await
        .unwrap();
    deleted.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_named_without_showing_it() {
    let config = PostgresConfig {
        password: Some(Secret::new("not the password")),
        ..Schema::new().config()
    };
    let error = refused(&config).await;
    assert!(matches!(error, OpenError::Refused { .. }), "{}", chain(&error));
    assert!(error.to_string().contains("POSTGRES_PASSWORD"));
    assert!(!chain(&error).contains("not the password"));
}

#[tokio::test]
async fn a_server_or_database_that_is_not_there_is_named() {
    let schema = Schema::new();
    let missing = PostgresConfig {
        database: "no_such_database".to_owned(),
        ..schema.config()
    };
    let error = refused(&missing).await;
    assert!(matches!(error, OpenError::NoDatabase { .. }), "{}", chain(&error));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = PostgresConfig {
        port: nobody.local_addr().unwrap().port(),
        ..schema.config()
    };
    drop(nobody);
    let error = refused(&elsewhere).await;
    assert!(
        matches!(error, OpenError::Unavailable { .. }),
        "{}",
        chain(&error)
    );
}

#[tokio::test]
async fn a_database_without_pgvector_says_what_to_do() {
    let server = postgres();
    let admin = connect_as(server, &server.superuser, &server.superuser_password).await;
    let database = unique_name("t_");
    admin
        .batch_execute(&format!(
            "create database {database} owner {} template template0",
            server.user
        ))
        .await
        .unwrap();
    let config = PostgresConfig {
        database: database.clone(),
        schema: None,
        ..Schema::new().config()
    };
    let error = refused(&config).await;
    admin
        .batch_execute(&format!("drop database {database} with (force)"))
        .await
        .unwrap();
    assert!(
        matches!(error, OpenError::ExtensionNotPermitted { .. }),
        "{}",
        chain(&error)
    );
    assert!(error.to_string().contains("create extension vector"));
}

#[tokio::test]
async fn a_refused_value_is_not_in_the_error() {
    let library = Library::open().await;
    let name = ids_core::access::OrganizationName::parse("Segredo").unwrap();
    let create = async |id: u128| {
        let organization = OrganizationId::from_uuid(uuid::Uuid::from_u128(id));
        library.library.create_organization(organization, &name).await
    };
    create(7).await.unwrap();
    let error = create(8).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    let text = format!("{} {error:?}", chain(&error));
    assert!(text.contains("organizations_name_unique"), "{text}");
    assert!(!text.contains("Segredo"), "{text}");
}

#[tokio::test]
async fn a_closed_library_is_unavailable() {
    let library = Library::open().await;
    library.library.close();
    let error = library.library.ping().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn after_the_server_was_killed_and_came_back_the_next_call_works() {
    let mut server = tokio::task::spawn_blocking(PrivatePostgres::start).await.unwrap();
    let library = PostgresLibrary::open(&config_of(&server), clock()).await.unwrap();
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let name = CollectionName::default();
    library.ensure_collection(&scope, &name).await.unwrap();
    // The servers of the tests write their log late; this one is to keep what was committed.
    let admin = connect_as(&server, &server.superuser, &server.superuser_password).await;
    admin.batch_execute("checkpoint").await.unwrap();

    server.kill();
    let error = library.ping().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{}", chain(&error));
    let server = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    })
    .await
    .unwrap();

    let kept = library.list_collections(&scope).await.unwrap();
    assert_eq!(kept.len(), 1);
    drop(server);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let server = tokio::task::spawn_blocking(PrivatePostgres::start).await.unwrap();
    let config = PostgresConfig {
        statement_timeout: Duration::from_millis(200),
        ..config_of(&server)
    };
    let library = PostgresLibrary::open(&config, clock()).await.unwrap();
    library.ping().await.unwrap();
    server.freeze();
    let error = library.ping().await.unwrap_err();
    server.thaw();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{}", chain(&error));
    library.ping().await.unwrap();
}

#[tokio::test]
async fn what_was_prepared_before_a_migration_is_prepared_again() {
    let library = Library::open().await;
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let client = library.connect().await;
    for length in [100, 200] {
        let found = library.library.find_organization(&scope).await.unwrap();
        assert!(found.is_some());
        client
            .batch_execute(&format!(
                "alter table organizations alter column name type varchar({length}) collate \"C\""
            ))
            .await
            .unwrap();
    }
    let (one, other) = tokio::join!(
        library.library.find_organization(&scope),
        library.library.find_organization(&scope)
    );
    assert!(one.unwrap().is_some() && other.unwrap().is_some());
}

/// The server's processes for a library's connections.
async fn server_processes(library: &Library) -> Vec<i32> {
    let sql = "select pid from pg_stat_activity where application_name = $1 order by pid";
    let name = format!("ids {}", library.schema.name);
    let rows = library.connect().await.query(sql, &[&name]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_a_worker_made_outlives_its_thread() {
    let library = Library::open().await;
    let store = library.library.clone();
    // As workers are: a thread with a runtime of its own, which ends.
    let worker = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(store.ping()).unwrap();
    });
    tokio::task::spawn_blocking(move || worker.join().unwrap())
        .await
        .unwrap();
    let before = server_processes(&library).await;
    assert_eq!(before.len(), 1);
    library.library.ping().await.unwrap();
    assert_eq!(server_processes(&library).await, before);
}
