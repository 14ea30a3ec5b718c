//! Whether somebody makes backups, by the list that `ids backup` keeps.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use ids_core::error::StoreError;
use ids_core::ports::RecordedBackup;
use ids_core::time::Timestamp;
use ids_sqlite::{SqliteLibrary, SqliteSnapshot};
use tokio::task::spawn_blocking;

use super::chain;
use super::finding::Finding;
use super::queues::words;

const WHAT: &str = "backup";
/// A day and two hours, as one that is made each night takes its time.
const WARN: Duration = Duration::from_secs(26 * 3_600);
const FAIL: Duration = Duration::from_secs(7 * 86_400);
const HINT: &str = "run `ids backup` every night: deploy/systemd/ids-backup.timer, or scripts/backup.sh";

/// By the list itself.
pub(super) fn of_list(newest: &Result<Option<RecordedBackup>, StoreError>, now: Timestamp) -> Finding {
    match newest {
        Ok(newest) => {
            let copied_to = newest.as_ref().and_then(|it| it.copied_to.as_deref());
            judge(newest.as_ref().map(|it| it.finished_at), copied_to, now)
        }
        Err(error) => Finding::fail(WHAT, chain(error), "run `ids migrate`, and check the database"),
    }
}

/// Of a library that no server uses; nothing is said where there is none yet.
pub(super) async fn of_resting(data_dir: &Path, now: Timestamp) -> Option<Finding> {
    let path = SqliteLibrary::path_in(data_dir);
    if !path.exists() {
        return None;
    }
    let read = move || -> Result<_, Box<dyn Error + Send + Sync>> {
        Ok(SqliteSnapshot::begin(&path)?.latest_backup()?)
    };
    Some(match spawn_blocking(read).await {
        Ok(Ok(newest)) => of_list(&Ok(newest), now),
        Ok(Err(error)) => Finding::fail(
            WHAT,
            chain(error.as_ref()),
            "is the data directory of this version?",
        ),
        Err(error) => Finding::fail(WHAT, chain(&error), HINT),
    })
}

/// By when the newest was whole.
pub(super) fn judge(newest: Option<Timestamp>, copied_to: Option<&str>, now: Timestamp) -> Finding {
    let Some(newest) = newest else {
        return Finding::warn(WHAT, "none was ever made", HINT);
    };
    let age = now.since(newest);
    let mut found = format!("the newest is {} old", words(age));
    if let Some(place) = copied_to {
        found.push_str(&format!(", copied to `{place}`"));
    }
    if age > FAIL {
        Finding::fail(WHAT, found, HINT)
    } else if age > WARN {
        Finding::warn(WHAT, found, HINT)
    } else {
        Finding::ok(WHAT, found)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ids_core::time::Timestamp;

    use super::super::finding::State;
    use super::judge;

    #[test]
    fn a_backup_gets_old() {
        let now = Timestamp::from_micros(1_000_000_000_000_000);
        let check = |hours: u64, state: State| {
            let found = judge(
                Some(now.minus(Duration::from_secs(hours * 3_600))),
                Some("s3://b/"),
                now,
            );
            assert_eq!(found.state, state, "{found}");
            assert!(found.detail.contains("s3://b/"), "{found}");
        };
        check(25, State::Ok);
        check(27, State::Warn);
        check(7 * 24 + 1, State::Fail);
        assert_eq!(judge(None, None, now).state, State::Warn);
    }
}
