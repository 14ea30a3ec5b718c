//! Organizations, keys and cleanups, as far as the file goes: what is left after a deletion, a restart, a damaged row.

use std::sync::Arc;
use std::time::Duration;

use ids_core::error::StoreErrorKind;
use ids_core::id::OrganizationId;
use ids_core::job::{JobRef, Lane, QueueName};
use ids_core::limits::LEADERSHIP;
use ids_core::ports::OrganizationStore;
use ids_core::scope::Scope;
use ids_core::time::Timestamp;
use ids_sqlite::SqliteLibrary;
use ids_testkit::belongings::{Belongings, create_key, fill};
use ids_testkit::stores::NewDocument;
use rusqlite::Connection;

use crate::{Stores, library, open, stores_over};

/// The tables with rows of an organization, and how many.
fn rows_of(file: &Connection, organization: OrganizationId) -> Vec<(String, i64)> {
    let mut tables = file
        .prepare(
            "select t.name from sqlite_schema t join pragma_table_info(t.name) c
             where t.type = 'table' and c.name = 'organization_id' order by t.name",
        )
        .unwrap();
    let tables: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let count = |table: String| {
        let rows = file
            .query_row(
                &format!("select count(*) from {table} where organization_id = ?1"),
                [organization.as_uuid().into_bytes()],
                |row| row.get(0),
            )
            .unwrap();
        (table, rows)
    };
    tables
        .into_iter()
        .map(count)
        .filter(|(_, rows)| *rows > 0)
        .collect()
}

async fn deliver(stores: &Stores, scope: &Scope, belongings: &Belongings) {
    let job = JobRef {
        organization: scope.organization,
        job_id: belongings.cleanup,
    };
    stores
        .queue
        .deliver(QueueName::CleanupTasks, Lane::Prepare, job, 0, Duration::ZERO)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_deleted_organization_leaves_no_row_and_exact_statistics() {
    let (stores, library, folder) = library();
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let mut filled = Vec::new();
    for scope in [&scope, &other] {
        let belongings = fill(&stores, scope).await;
        deliver(&stores, scope, &belongings).await;
        // A further version in the making, with chunks beside those of the visible one.
        let accepted = stores
            .accept_version(scope, belongings.completed, "further.txt")
            .await;
        let claimed = stores.claim(&accepted).await;
        stores.prepare(&claimed, &["palavra nova", "outra"]).await;
        filled.push(belongings);
    }
    let reading = Connection::open(SqliteLibrary::path_in(folder.path())).unwrap();
    let before = rows_of(&reading, scope.organization);
    assert_eq!(before, rows_of(&reading, other.organization));
    assert!(before.len() >= 15, "{before:?}");

    stores.organizations.delete_organization(&other).await.unwrap();

    assert_eq!(rows_of(&reading, other.organization), []);
    assert_eq!(rows_of(&reading, scope.organization), before);
    assert_eq!(library.verify_statistics().await.unwrap(), []);
    assert_eq!(
        stores
            .queue
            .waiting(QueueName::CleanupTasks, Lane::Prepare)
            .await
            .unwrap(),
        1
    );
    let found = stores.found_by_word(&scope, "palavra").await;
    assert_eq!(found, ["palavra", "palavra dois", "palavra um"]);
    let broken: i64 = reading
        .query_row("select count(*) from pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(broken, 0);

    stores.organizations.delete_organization(&scope).await.unwrap();
    let left = rows_of(&reading, scope.organization);
    assert_eq!(left, [("organizations".to_owned(), 1)]);
    assert_eq!(library.verify_statistics().await.unwrap(), []);
}

#[tokio::test]
async fn a_restart_frees_cleanups_and_roles() {
    let (stores, library, folder) = library();
    let scope = Stores::scope();
    let belongings = fill(&stores, &scope).await;
    let job = JobRef {
        organization: scope.organization,
        job_id: belongings.cleanup,
    };
    let held = stores
        .cleanups
        .claim_cleanup(&job, "before")
        .await
        .unwrap()
        .unwrap();
    stores.workers.beat("before", &QueueName::ALL).await.unwrap();
    assert!(stores.workers.lead("role", "before", LEADERSHIP).await.unwrap());
    library.close().await;

    let reopened = open(folder.path(), &stores.clock);
    let after = stores_over(&reopened, &stores.clock, Arc::clone(&folder));

    let none = after
        .workers
        .list_workers(Timestamp::from_micros(0))
        .await
        .unwrap();
    assert_eq!(none, []);
    assert!(after.workers.lead("role", "after", LEADERSHIP).await.unwrap());
    let claimed = after
        .cleanups
        .claim_cleanup(&job, "after")
        .await
        .unwrap()
        .unwrap();
    assert!(claimed.lease.token > held.lease.token);
    let lost = after.cleanups.renew_cleanup(&held.lease).await.unwrap_err();
    assert_eq!(lost.kind(), StoreErrorKind::LeaseLost);
}

#[tokio::test]
async fn a_key_that_cannot_be_read_opens_nothing() {
    let (stores, library, folder) = library();
    let (_, hash) = create_key(&stores, &Stores::scope()).await;
    let file = Connection::open(SqliteLibrary::path_in(folder.path())).unwrap();
    for damage in [
        "permissions = 'search,fly'",
        "permissions = 'admin', collections = char(10)",
    ] {
        file.execute(&format!("update api_keys set {damage}"), [])
            .unwrap();
        let error = library.find_key(&hash).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{damage}");
    }
}

#[tokio::test]
async fn the_first_write_makes_no_organization() {
    let (stores, _library, folder) = library();
    let scope = Stores::other_scope();
    let document = NewDocument::named("a.txt");
    let upload = stores.upload(&document);
    let refused = stores.documents.create_upload(&scope, &upload).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::NotFound);
    let file = Connection::open(SqliteLibrary::path_in(folder.path())).unwrap();
    assert_eq!(rows_of(&file, scope.organization), []);
}
