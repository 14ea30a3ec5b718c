//! Into a data directory: the file is made beside the old one, brought to the newest schema there, and takes its name in one rename.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ids_backup::{Part, Stop, read_archive};
use ids_core::document::BlobKey;
use ids_core::ports::{BackupRegistry, RecordedBackup};
use ids_sqlite::{SqliteLibrary, SqliteSnapshot, fold_log};

use super::{Standing, differences, make_private};
use crate::backup::library::table_rows;
use crate::backup::verify::VerifiedBackup;
use crate::backup::{Progress, Step, blocking};
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};
use crate::system::SystemClock;

/// Where the new file is made, in the data directory: renames do not cross file systems.
const STAGING: &str = ".restore";

/// A data directory that this process owns.
pub struct EmbeddedTarget {
    data_dir: DataDir,
    standing: Standing,
    old_bytes: Vec<BlobKey>,
}

impl EmbeddedTarget {
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let path = config.data_dir.clone();
        blocking(move || -> anyhow::Result<_> {
            let data_dir = DataDir::own(&path).map_err(|error| match error {
                DataDirError::Locked(path) => anyhow::anyhow!(
                    "the data directory `{}` is in use; stop `ids serve` before its library is replaced",
                    path.display()
                ),
                other => other.into(),
            })?;
            // What a killed restore left.
            let staging = data_dir.path().join(STAGING);
            match fs::remove_dir_all(&staging) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(anyhow::Error::new(error)
                        .context(format!("`{}` cannot be removed", staging.display())));
                }
                _ => {}
            }
            let (standing, old_bytes) = look(&SqliteLibrary::path_in(data_dir.path()));
            Ok(Self {
                data_dir,
                standing,
                old_bytes,
            })
        })
        .await
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
        config: &Config,
        recorded: &RecordedBackup,
        stop: &Stop,
        progress: &Progress,
    ) -> anyhow::Result<Vec<String>> {
        progress.show(Step::Library);
        let staging = Staging::make(&self.data_dir.path().join(STAGING))?;
        let file = SqliteLibrary::path_in(&staging.0);
        let (archive, key, asked) = (
            Arc::clone(&verified.archive),
            config.backup.key.clone(),
            stop.clone(),
        );
        let target = file.clone();
        blocking(move || -> anyhow::Result<()> {
            let mut out = File::options().write(true).create_new(true).open(&target)?;
            read_archive(
                archive.path(),
                "the archive",
                key.as_ref(),
                &asked,
                &mut |part| match part {
                    Part::Library(bytes) => io::copy(bytes, &mut out).map(drop),
                    _ => Ok(()),
                },
            )?;
            out.sync_all()?;
            Ok(())
        })
        .await
        .context("the library cannot be taken out of the backup")?;
        progress.show(Step::Finishing);
        let (said, path) = (verified.manifest.tables.clone(), file.clone());
        blocking(move || -> anyhow::Result<()> {
            let restored = SqliteSnapshot::begin(&path)?;
            restored.check().context("the library in the backup is damaged")?;
            let differing = differences(&said, &table_rows(restored.count()?));
            anyhow::ensure!(
                differing.is_empty(),
                "the library in the backup is not what its manifest says: {}",
                differing.join("; ")
            );
            Ok(())
        })
        .await?;
        let folder = staging.0.clone();
        let library = blocking(move || SqliteLibrary::open_in(&folder, Arc::new(SystemClock)))
            .await
            .context("the library of the backup cannot be brought to this version")?;
        let noted = library.record_backup(recorded).await;
        library.close().await;
        noted.context("the library of the backup cannot be written to")?;
        let target = SqliteLibrary::path_in(self.data_dir.path());
        let asked = stop.clone();
        blocking(move || -> anyhow::Result<()> {
            asked
                .check()
                .map_err(|error| ids_backup::BackupError::at(&target, error))?;
            replace(&file, &target).with_context(|| format!("`{}` cannot be replaced", target.display()))
        })
        .await?;
        drop(staging);
        Ok(Vec::new())
    }
}

/// What a file holds, and which bytes it names.
fn look(path: &Path) -> (Standing, Vec<BlobKey>) {
    if !path.exists() {
        return (Standing::default(), Vec::new());
    }
    let read = || -> anyhow::Result<_> {
        let snapshot = SqliteSnapshot::begin(path)?;
        let counts = snapshot.count()?;
        let rows = |table: &str| counts.get(table).map_or(0, |(rows, _)| *rows);
        let standing = Standing {
            documents: rows("documents"),
            sessions: rows("sessions"),
            keys: rows("api_keys"),
            organizations: rows("organizations").saturating_sub(1),
            is_unreadable: false,
        };
        let bytes = snapshot.named_bytes()?.into_iter().map(|named| named.key);
        Ok((standing, bytes.collect()))
    };
    read().unwrap_or_else(|_| {
        let standing = Standing {
            is_unreadable: true,
            ..Standing::default()
        };
        (standing, Vec::new())
    })
}

/// Puts `new` in the place of `old`. The log of the old one goes first, folded into it where that can be done: it would be taken for the new
/// one's.
fn replace(new: &Path, old: &Path) -> anyhow::Result<()> {
    if old.exists() && fold_log(old).is_err() {
        tracing::warn!("the library before could not be read, so that what its log held is gone with it");
    }
    for suffix in ["-wal", "-shm"] {
        let mut name = old.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    File::open(new)?.sync_all()?;
    fs::rename(new, old)?;
    if let Some(folder) = old.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Removed with all in it when dropped.
struct Staging(PathBuf);

impl Staging {
    fn make(path: &Path) -> anyhow::Result<Self> {
        make_private(path)?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed is removed before the next restore.
        let _ = fs::remove_dir_all(&self.0);
    }
}
