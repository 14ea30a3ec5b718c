//! What every [`BackupRegistry`](ids_core::ports::BackupRegistry) promises, one function or more a clause of the port's doc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ids_core::ports::RecordedBackup;

use crate::ManualClock;
use crate::stores::Stores;

/// A backup that took a minute and ended `end_seconds` after the clock's start.
fn backup(file_name: &str, end_seconds: u64) -> RecordedBackup {
    let finished_at = ManualClock::START.plus(Duration::from_secs(end_seconds));
    RecordedBackup {
        file_name: file_name.to_owned(),
        started_at: finished_at.minus(Duration::from_secs(60)),
        finished_at,
        size_bytes: 5_000_000_000,
        copied_to: None,
    }
}

async fn latest(stores: &Stores) -> Option<RecordedBackup> {
    stores.backups.latest_backup().await.unwrap()
}

/// BackupRegistry, clause 1: a backup comes back as it was recorded.
pub async fn a_backup_comes_back_as_it_was_recorded(stores: &Stores) {
    assert_eq!(latest(stores).await, None);
    let here = backup("ids-20250101T000000Z.tar.gz", 100);
    stores.backups.record_backup(&here).await.unwrap();
    assert_eq!(latest(stores).await, Some(here));

    let copied = RecordedBackup {
        copied_to: Some("s3://documentos/cópias/".to_owned()),
        ..backup("ids-20250102T000000Z.tar.gz.age", 200)
    };
    stores.backups.record_backup(&copied).await.unwrap();
    assert_eq!(latest(stores).await, Some(copied));
}

/// BackupRegistry, clause 2: the latest is the one that ended last, whichever was recorded last.
pub async fn the_latest_backup_is_the_one_that_ended_last(stores: &Stores) {
    for (name, end) in [("b", 200), ("c", 300), ("a", 100)] {
        stores.backups.record_backup(&backup(name, end)).await.unwrap();
    }
    assert_eq!(latest(stores).await, Some(backup("c", 300)));
}

/// BackupRegistry, clause 3: who records a backup again replaces what was said of it.
pub async fn a_backup_that_is_recorded_again_is_replaced(stores: &Stores) {
    stores.backups.record_backup(&backup("a", 300)).await.unwrap();
    let again = backup("a", 100);
    stores.backups.record_backup(&again).await.unwrap();
    assert_eq!(latest(stores).await, Some(again));
}

/// Runs every clause against an adapter: `backup_registry_contract!(make);`, where `make` is an `async fn` without
/// arguments that returns new [`Stores`](crate::Stores).
#[macro_export]
macro_rules! backup_registry_contract {
    ($make:path) => {
        $crate::backup_registry_contract! { @clauses $make:
            a_backup_comes_back_as_it_was_recorded
            the_latest_backup_is_the_one_that_ended_last
            a_backup_that_is_recorded_again_is_replaced
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let stores = $make().await;
                $crate::contracts::backup_registry_contract::$clause(&stores).await;
            }
        )+
    };
}
