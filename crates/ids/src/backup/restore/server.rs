//! Into PostgreSQL: one transaction, at whose end the library is another.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use ids_backup::{BackupKey, Part, Stop, read_archive};
use ids_core::document::BlobKey;
use ids_core::ports::{Clock, RecordedBackup};
use ids_postgres::{OpenError, PostgresConfig, PostgresRestore, PostgresSnapshot, RowSink, SequenceState};
use ids_redis::Redis;
use tokio::sync::mpsc;

use super::{Standing, differences};
use crate::backup::library::table_rows;
use crate::backup::verify::VerifiedBackup;
use crate::backup::{Progress, Step, blocking};
use crate::config::Config;
use crate::system::SystemClock;

const PIECE: usize = 256 * 1024;
/// Bytes between two reports.
const REPORT_EVERY: u64 = 16 * 1024 * 1024;

/// A library of a server that nobody uses.
pub struct ServerTarget {
    settings: PostgresConfig,
    key: Option<BackupKey>,
    redis: Option<Redis>,
    standing: Standing,
    old_bytes: Vec<BlobKey>,
}

impl ServerTarget {
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let settings = config.postgres.clone().context("POSTGRES_HOST is not set")?;
        let where_it_is = || {
            format!(
                "PostgreSQL at {}:{} cannot be restored into",
                settings.host, settings.port
            )
        };
        let others = PostgresRestore::others(&settings)
            .await
            .with_context(where_it_is)?;
        anyhow::ensure!(
            others == 0,
            "the library in the database `{}` is in use (connections: {others}); stop `ids api` and `ids worker` first, everywhere",
            settings.database
        );
        // Before anything is replaced: what it holds is of the library before.
        let redis = match &config.redis {
            None => None,
            Some(settings) => Some(Redis::connect(settings).await.context("Redis cannot be used")?),
        };
        let (standing, old_bytes) = look(&settings).await.with_context(where_it_is)?;
        Ok(Self {
            key: config.backup.key.clone(),
            settings,
            redis,
            standing,
            old_bytes,
        })
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    pub(super) fn old_bytes(&self) -> &[BlobKey] {
        &self.old_bytes
    }

    pub(super) async fn put(
        &self,
        verified: &VerifiedBackup,
        recorded: &RecordedBackup,
        stop: &Stop,
        progress: &Progress,
    ) -> anyhow::Result<Vec<String>> {
        let about = &verified.manifest.about;
        let begun = PostgresRestore::begin(&self.settings, about.schema_version, SystemClock.now()).await;
        let restore = begun.context("the tables cannot be made")?;
        let foreign = self.fill(&restore, verified, stop, progress).await?;
        progress.show(Step::Finishing);
        let counted = restore
            .count()
            .await
            .context("the restored rows cannot be counted")?;
        let differing = differences(&verified.manifest.tables, &table_rows(counted));
        anyhow::ensure!(
            differing.is_empty(),
            "what was restored is not what the backup says, and was undone: {}",
            differing.join("; ")
        );
        let numberings: Vec<SequenceState> = verified
            .manifest
            .sequences
            .iter()
            .map(|it| SequenceState {
                name: it.name.clone(),
                last_value: it.last_value,
                is_called: it.is_called,
            })
            .collect();
        stop.check()
            .map_err(|error| ids_backup::BackupError::at(std::path::Path::new("."), error))?;
        let finished = restore.finish(&numberings, recorded).await;
        finished.context("the restored library cannot be brought to this version, and was undone")?;
        let mut remarks: Vec<String> = foreign
            .iter()
            .map(|table| format!("the table `{table}` in the backup is none of ids, and was left out"))
            .collect();
        if let Some(redis) = &self.redis
            && redis.forget_library().await.is_err()
        {
            remarks.push(
                "Redis could not be emptied of what it knows of the library before; do it before `ids api` starts: \
                 `redis-cli --scan --pattern '*ids:*' | xargs redis-cli unlink`"
                    .to_owned(),
            );
        }
        Ok(remarks)
    }

    /// Fills the tables, one after the other, from a thread that reads the archive. Gives the tables that are none of ours.
    async fn fill(
        &self,
        restore: &PostgresRestore,
        verified: &VerifiedBackup,
        stop: &Stop,
        progress: &Progress,
    ) -> anyhow::Result<BTreeSet<String>> {
        let (sender, mut pieces) = mpsc::channel::<(String, Bytes)>(4);
        let (archive, key, stop) = (Arc::clone(&verified.archive), self.key.clone(), stop.clone());
        let reading = blocking(move || {
            read_archive(archive.path(), "the archive", key.as_ref(), &stop, &mut |part| {
                let Part::Rows { table, rows } = part else {
                    return Ok(());
                };
                loop {
                    let mut piece = vec![0; PIECE];
                    let count = rows.read(&mut piece)?;
                    if count == 0 {
                        return Ok(());
                    }
                    piece.truncate(count);
                    sender
                        .blocking_send((table.to_owned(), piece.into()))
                        .map_err(|_| std::io::Error::other("the database takes no more"))?;
                }
            })
        });
        // It has the line: when it fails, the reader ends.
        let filling = async move {
            let mut foreign = BTreeSet::new();
            let mut open: Option<(String, RowSink)> = None;
            let mut bytes = 0;
            let filled =
                |table: &str| format!("the rows of `{table}` cannot be restored, and nothing was changed");
            while let Some((table, piece)) = pieces.recv().await {
                if open.as_ref().is_none_or(|(current, _)| *current != table) {
                    if let Some((last, sink)) = open.take() {
                        sink.finish().await.with_context(|| filled(&last))?;
                    }
                    if !restore.takes(&table) {
                        if table != "schema_migrations" {
                            foreign.insert(table);
                        }
                        continue;
                    }
                    let columns = verified.manifest.about.tables.iter().find(|it| it.name == table);
                    let columns = columns.map(|it| it.columns.clone()).unwrap_or_default();
                    let sink = restore
                        .rows(&table, &columns)
                        .await
                        .with_context(|| filled(&table))?;
                    open = Some((table.clone(), sink));
                }
                let before = bytes;
                bytes += piece.len() as u64;
                if bytes / REPORT_EVERY != before / REPORT_EVERY {
                    progress.show(Step::RowBytes(bytes));
                }
                if let Some((table, sink)) = &mut open {
                    sink.send(piece).await.with_context(|| filled(table))?;
                }
            }
            if let Some((last, sink)) = open.take() {
                sink.finish().await.with_context(|| filled(&last))?;
            }
            Ok::<_, anyhow::Error>(foreign)
        };
        let (read, foreign) = tokio::join!(reading, filling);
        let foreign = foreign?;
        read?;
        Ok(foreign)
    }
}

/// What the library there holds, and which bytes it names.
async fn look(settings: &PostgresConfig) -> anyhow::Result<(Standing, Vec<BlobKey>)> {
    let snapshot = match PostgresSnapshot::begin(settings).await {
        Ok(snapshot) => snapshot,
        Err(OpenError::NoLibrary { .. } | OpenError::ExtensionMissing) => return Ok(<_>::default()),
        Err(error) => return Err(error.into()),
    };
    let contents = snapshot.contents().await?;
    let bytes = snapshot.named_bytes().await?;
    // It would keep the tables from being replaced.
    snapshot.end().await;
    let standing = Standing {
        documents: contents.documents,
        sessions: contents.sessions,
        keys: contents.keys,
        organizations: contents.organizations.saturating_sub(1),
        is_unreadable: false,
    };
    Ok((standing, bytes.into_iter().map(|named| named.key).collect()))
}
