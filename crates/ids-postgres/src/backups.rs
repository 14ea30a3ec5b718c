//! The port `BackupRegistry`: which backups were made.

use async_trait::async_trait;
use ids_core::error::StoreError;
use ids_core::ports::{BackupRegistry, RecordedBackup};

use crate::error::DbResult;
use crate::library::PostgresLibrary;
use crate::rows::Columns;
use crate::transaction::Tx;

async fn record(tx: &Tx<'_>, backup: &RecordedBackup) -> DbResult<()> {
    let size = i64::try_from(backup.size_bytes).unwrap_or(i64::MAX);
    tx.execute(
        "insert into backups (file_name, started_at, finished_at, size_bytes, copied_to) values ($1, $2, $3, $4, $5)
         on conflict (file_name) do update set started_at = excluded.started_at, finished_at = excluded.finished_at,
             size_bytes = excluded.size_bytes, copied_to = excluded.copied_to",
        &[
            &backup.file_name,
            &backup.started_at.as_micros(),
            &backup.finished_at.as_micros(),
            &size,
            &backup.copied_to,
        ],
    )
    .await?;
    Ok(())
}

async fn latest(tx: &Tx<'_>) -> DbResult<Option<RecordedBackup>> {
    let row = tx
        .query_opt(
            "select file_name, started_at, finished_at, size_bytes, copied_to from backups
             order by finished_at desc, file_name desc limit 1",
            &[],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(&row, "backups");
    Ok(Some(RecordedBackup {
        file_name: columns.get()?,
        started_at: columns.time()?,
        finished_at: columns.time()?,
        size_bytes: columns.count()?,
        copied_to: columns.get()?,
    }))
}

#[async_trait]
impl BackupRegistry for PostgresLibrary {
    async fn record_backup(&self, backup: &RecordedBackup) -> Result<(), StoreError> {
        self.database
            .write_shared(move |tx| Box::pin(record(tx, backup)))
            .await
    }

    async fn latest_backup(&self) -> Result<Option<RecordedBackup>, StoreError> {
        self.database.read_shared(|tx| Box::pin(latest(tx))).await
    }
}
