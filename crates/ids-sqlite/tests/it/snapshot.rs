//! A library at one moment, read beside the process that has it open.

use std::path::Path;

use ids_core::backup::BytesNeed;
use ids_core::ports::{BackupRegistry, RecordedBackup};
use ids_sqlite::{OpenError, SqliteLibrary, SqliteSnapshot, record_beside};
use ids_testkit::belongings::fill;
use ids_testkit::stores::NewDocument;
use rusqlite::Connection;

use crate::{ManualClock, Stores, library, open};

fn record() -> RecordedBackup {
    RecordedBackup {
        file_name: "ids-20260131T031500Z.tar.gz".to_owned(),
        started_at: ManualClock::START,
        finished_at: ManualClock::START,
        size_bytes: 1,
        copied_to: None,
    }
}

#[tokio::test]
async fn a_copy_is_of_the_moment_whatever_is_written_meanwhile() {
    let (stores, _library, folder) = library();
    fill(&stores, &Stores::scope()).await;
    let other = stores.other_organization().await;
    fill(&stores, &other).await;
    let path = SqliteLibrary::path_in(folder.path());

    let snapshot = SqliteSnapshot::begin(&path).unwrap();
    let before = snapshot.count().unwrap();
    stores.accept(&other, &NewDocument::named("late.txt")).await;
    let target = tempfile::tempdir().unwrap();
    let copy = SqliteLibrary::path_in(target.path());
    snapshot.copy_to(&copy).unwrap();

    assert_eq!(snapshot.count().unwrap(), before);
    let copied = SqliteSnapshot::begin(&copy).unwrap();
    copied.check().unwrap();
    assert_eq!(copied.count().unwrap(), before);
    assert_eq!(copied.schema_version(), SqliteSnapshot::newest_schema());
    assert_eq!(
        before["documents"].1.len(),
        2,
        "of both organizations: {:?}",
        before["documents"]
    );
    let now = SqliteSnapshot::begin(&path).unwrap().count().unwrap();
    assert_eq!(now["documents"].0, before["documents"].0 + 1);
}

#[tokio::test]
async fn the_bytes_that_rows_name_are_known_with_what_they_are_for() {
    let (stores, _library, folder) = library();
    let belongings = fill(&stores, &Stores::scope()).await;
    let snapshot = SqliteSnapshot::begin(&SqliteLibrary::path_in(folder.path())).unwrap();

    let named = snapshot.named_bytes().unwrap();

    let keys: Vec<_> = named.iter().map(|it| it.key.clone()).collect();
    let mut expected = belongings.blobs.clone();
    expected.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(keys, expected);
    for need in [BytesNeed::Work, BytesNeed::Original, BytesNeed::Upload] {
        assert!(named.iter().any(|it| it.need == need), "{need:?} in {named:?}");
    }
    let work = named.iter().find(|it| it.need == BytesNeed::Work).unwrap();
    assert!(work.hash.is_some() && work.version_id.is_some());
}

#[tokio::test]
async fn a_backup_is_noted_beside_the_process_that_has_the_library_open() {
    let (_stores, library, folder) = library();
    let path = SqliteLibrary::path_in(folder.path());

    assert!(record_beside(&path, &record()).unwrap());

    assert_eq!(library.latest_backup().await.unwrap(), Some(record()));
}

#[tokio::test]
async fn a_library_of_a_version_without_the_list_is_left_as_it_is() {
    let (stores, library, folder) = library();
    library.close().await;
    let path = SqliteLibrary::path_in(folder.path());
    let file = Connection::open(&path).unwrap();
    // As it was at schema 3: without what later migrations add.
    file.execute_batch(
        "drop table backups; drop table usage_documents; drop table reservations; drop table budget_months;
         drop table organization_budgets; drop table budget_notices;
         alter table answer_usage drop column session_id; alter table answer_usage drop column month_from;
         alter table answer_usage drop column currency; alter table answer_usage drop column cost_micros;
         alter table answer_usage drop column is_price_known; alter table answer_usage drop column is_estimated;
         alter table answer_usage drop column kind; alter table versions drop column kept_hash;
         alter table messages drop column cost_micros; alter table messages drop column currency;
         alter table messages drop column is_price_known; alter table messages drop column fallback;
         drop table text_signatures; drop table signature_bands; drop index documents_member_unique;
         alter table documents drop column parent_id; alter table documents drop column parent_version_id;
         alter table documents drop column path;
         alter table pages drop column words;
         alter table sessions drop column filter; alter table messages drop column rating;
         alter table messages drop column rating_reason; alter table messages drop column rated_at;
         delete from schema_migrations where version > 3",
    )
    .unwrap();
    drop(file);

    assert!(!record_beside(&path, &record()).unwrap());
    assert_eq!(SqliteSnapshot::begin(&path).unwrap().schema_version(), 3);

    let again = open(folder.path(), &stores.clock);
    assert_eq!(again.latest_backup().await.unwrap(), None);
}

#[test]
fn what_is_no_library_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let refused = |path: &Path| SqliteSnapshot::begin(path).err().expect("it is refused");
    assert!(matches!(refused(&at("absent")), OpenError::Unavailable { .. }));
    assert!(!at("absent").exists(), "nothing is made");
    Connection::open(at("empty"))
        .unwrap()
        .execute_batch("create table a (b)")
        .unwrap();
    assert!(matches!(refused(&at("empty")), OpenError::NotALibrary { .. }));
}
