//! One moment of a library of either shape.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ids_backup::{BackupError, Shape, Table, TableRows};
use ids_core::backup::NamedBytes;
use ids_core::error::StoreErrorKind;
use ids_core::ports::{BackupRegistry, RecordedBackup};
use ids_postgres::{PostgresLibrary, PostgresSnapshot};
use ids_sqlite::{SqliteLibrary, SqliteSnapshot, record_beside};

use super::blocking;
use crate::config::Config;
use crate::system::SystemClock;

/// A moment.
pub(super) enum Moment {
    /// Of SQLite, read beside whoever has it open. Between threads it is handed over whole.
    Embedded(Box<SqliteSnapshot>),
    /// Of PostgreSQL.
    Server(Box<PostgresSnapshot>),
}

impl Moment {
    /// Takes it. Nothing is made where there is no library.
    pub(super) async fn take(config: &Config) -> anyhow::Result<Self> {
        if let Some(settings) = &config.postgres {
            let taken = PostgresSnapshot::begin(settings).await;
            let where_it_is = || {
                format!(
                    "PostgreSQL at {}:{} cannot be backed up",
                    settings.host, settings.port
                )
            };
            return Ok(Self::Server(Box::new(taken.with_context(where_it_is)?)));
        }
        let path = library_path(config);
        anyhow::ensure!(
            path.is_file(),
            "there is no library in the data directory `{}`; give another --data-dir",
            config.data_dir.display()
        );
        let taken = blocking(move || SqliteSnapshot::begin(&path)).await?;
        Ok(Self::Embedded(Box::new(taken)))
    }

    /// Lets go of it.
    pub(super) async fn end(self) {
        match self {
            Self::Embedded(snapshot) => drop(snapshot),
            Self::Server(snapshot) => snapshot.end().await,
        }
    }

    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::Embedded(_) => Shape::Embedded,
            Self::Server(_) => Shape::Server,
        }
    }

    pub(super) fn schema_version(&self) -> u32 {
        match self {
            Self::Embedded(snapshot) => snapshot.schema_version(),
            Self::Server(snapshot) => snapshot.schema_version(),
        }
    }

    /// The tables whose rows go into the archive one by one.
    pub(super) fn tables(&self) -> Vec<Table> {
        match self {
            Self::Embedded(_) => Vec::new(),
            Self::Server(snapshot) => snapshot
                .tables()
                .iter()
                .map(|table| Table {
                    name: table.name.clone(),
                    columns: table.columns.clone(),
                })
                .collect(),
        }
    }

    /// Bytes that its rows name.
    pub(super) async fn named_bytes(self) -> anyhow::Result<(Self, Vec<NamedBytes>)> {
        let unread = "the library cannot be read";
        match self {
            Self::Server(snapshot) => {
                let named = snapshot.named_bytes().await.context(unread)?;
                Ok((Self::Server(snapshot), named))
            }
            Self::Embedded(snapshot) => {
                let (snapshot, named) =
                    blocking(move || snapshot.named_bytes().map(|named| (snapshot, named)))
                        .await
                        .context(unread)?;
                Ok((Self::Embedded(snapshot), named))
            }
        }
    }
}

/// The file of an embedded library.
pub(super) fn library_path(config: &Config) -> PathBuf {
    SqliteLibrary::path_in(&config.data_dir)
}

/// Counts in the words of a manifest.
pub(super) fn table_rows(
    counts: BTreeMap<String, (u64, BTreeMap<String, u64>)>,
) -> BTreeMap<String, TableRows> {
    let rows = counts.into_iter().map(|(table, (rows, by_organization))| {
        let rows = TableRows {
            rows,
            by_organization,
        };
        (table, rows)
    });
    rows.collect()
}

/// Notes a backup in the library; `false` where the library is of a version that has no list of them.
pub(super) async fn record(config: &Config, backup: &RecordedBackup) -> anyhow::Result<bool> {
    let backup = backup.clone();
    let Some(settings) = &config.postgres else {
        let path = library_path(config);
        return blocking(move || record_beside(&path, &backup)).await;
    };
    let library = PostgresLibrary::connect(settings, Arc::new(SystemClock)).await?;
    let recorded = library.record_backup(&backup).await;
    library.close();
    recorded?;
    Ok(true)
}

/// Copies the moment of an embedded library to `path` and looks at every page of the copy; gives its rows.
pub(super) fn copy_library(
    snapshot: &SqliteSnapshot,
    path: &Path,
) -> anyhow::Result<BTreeMap<String, TableRows>> {
    let damaged =
        "the library is damaged, and this backup would be: restore an earlier one, and look at the disk";
    snapshot.copy_to(path).map_err(|error| match error.kind() {
        StoreErrorKind::Full => BackupError::Full {
            path: path.to_owned(),
        }
        .into(),
        _ => anyhow::Error::new(error).context("the library cannot be copied"),
    })?;
    let copy = SqliteSnapshot::begin(path).context(damaged)?;
    copy.check().context(damaged)?;
    Ok(table_rows(copy.count().context(damaged)?))
}
