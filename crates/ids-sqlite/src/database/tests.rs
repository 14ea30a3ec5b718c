//! A full disk, a panic, a reader that writes.

use ids_core::time::Timestamp;
use rusqlite::params;

use super::*;

struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }
}

/// A database of one table, whose file may not grow past 100 pages.
fn small_database(folder: &Path) -> Database {
    let path = folder.join("small.db");
    let connection = connect(&path).unwrap();
    prepare_writer(&connection).unwrap();
    connection
        .execute_batch("create table notes (text text); pragma max_page_count = 100")
        .unwrap();
    Database::start(&path, connection, Arc::new(Shared::new(Arc::new(StillClock))), 2).unwrap()
}

async fn write_note(database: &Database, length: usize) -> Result<(), StoreError> {
    database
        .write(Durability::Machine, move |tx| {
            tx.execute(
                "insert into notes (text) values (?1)",
                params!["x".repeat(length)],
            )?;
            Ok(())
        })
        .await
}

async fn count_notes(database: &Database) -> i64 {
    database
        .read(|tx| Ok(tx.query_row("select count(*) from notes", [], |row| row.get(0))?))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_full_disk_says_so_and_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let database = small_database(folder.path());
    write_note(&database, 10).await.unwrap();
    let error = write_note(&database, 1_000_000).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full);
    assert_eq!(count_notes(&database).await, 1);
    write_note(&database, 10).await.unwrap();
    assert_eq!(count_notes(&database).await, 2);
}

#[tokio::test]
async fn a_panic_rolls_back_and_the_thread_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    let database = small_database(folder.path());
    let panicked: Result<(), StoreError> = database
        .write(Durability::Machine, |tx| {
            tx.execute("insert into notes (text) values ('lost')", [])?;
            panic!("in a unit of work");
        })
        .await;
    assert_eq!(panicked.unwrap_err().kind(), StoreErrorKind::Internal);
    let panicked: Result<(), StoreError> = database.read(|_| panic!("in a read")).await;
    assert_eq!(panicked.unwrap_err().kind(), StoreErrorKind::Internal);
    write_note(&database, 10).await.unwrap();
    for _ in 0..4 {
        assert_eq!(count_notes(&database).await, 1);
    }
}

#[tokio::test]
async fn readers_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let database = small_database(folder.path());
    let refused = database
        .read(|tx| Ok(tx.execute("insert into notes (text) values ('no')", [])?))
        .await;
    assert!(refused.is_err());
    assert_eq!(count_notes(&database).await, 0);
}
