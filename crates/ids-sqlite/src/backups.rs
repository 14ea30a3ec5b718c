//! The port `BackupRegistry`: which backups were made.

use async_trait::async_trait;
use ids_core::error::StoreError;
use ids_core::ports::{BackupRegistry, RecordedBackup};
use rusqlite::{Connection, params};

use crate::database::Durability;
use crate::error::{DbError, DbResult};
use crate::library::SqliteLibrary;
use crate::rows::Columns;

pub(crate) fn record(tx: &Connection, backup: &RecordedBackup) -> DbResult<()> {
    let size = i64::try_from(backup.size_bytes).unwrap_or(i64::MAX);
    tx.prepare_cached(
        "insert into backups (file_name, started_at, finished_at, size_bytes, copied_to) values (?1, ?2, ?3, ?4, ?5)
         on conflict (file_name) do update set started_at = excluded.started_at, finished_at = excluded.finished_at,
             size_bytes = excluded.size_bytes, copied_to = excluded.copied_to",
    )?
    .execute(params![
        backup.file_name,
        backup.started_at.as_micros(),
        backup.finished_at.as_micros(),
        size,
        backup.copied_to
    ])?;
    Ok(())
}

pub(crate) fn latest(tx: &Connection) -> DbResult<Option<RecordedBackup>> {
    let mut statement = tx.prepare_cached(
        "select file_name, started_at, finished_at, size_bytes, copied_to from backups
         order by finished_at desc, file_name desc limit 1",
    )?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let mut columns = Columns::new(row, "backups");
    let file_name: String = columns.get()?;
    let (started_at, finished_at) = (columns.time()?, columns.time()?);
    let size: i64 = columns.get()?;
    Ok(Some(RecordedBackup {
        size_bytes: u64::try_from(size).map_err(|_| DbError::row("backups", &file_name))?,
        file_name,
        started_at,
        finished_at,
        copied_to: columns.get()?,
    }))
}

#[async_trait]
impl BackupRegistry for SqliteLibrary {
    async fn record_backup(&self, backup: &RecordedBackup) -> Result<(), StoreError> {
        let backup = backup.clone();
        self.database
            .write(Durability::Machine, move |tx| record(tx, &backup))
            .await
    }

    async fn latest_backup(&self) -> Result<Option<RecordedBackup>, StoreError> {
        self.database.read(|tx| latest(tx)).await
    }
}
