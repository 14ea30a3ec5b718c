//! A library from a backup, whole or not at all. The archive is read to its end before anything is touched; then come the bytes of
//! documents, under keys that nobody asks for yet; then the library in one step. What fails before that step takes its bytes back.

mod bytes;
mod embedded;
mod included;
mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ids_backup::{BackupName, Manifest, Shape, Stop, TableRows};
use ids_core::ports::{Clock, RecordedBackup};
use ids_postgres::PostgresRestore;
use ids_sqlite::SqliteSnapshot;

use self::bytes::ByteRestorer;
pub use self::embedded::EmbeddedTarget;
pub use self::server::ServerTarget;
use super::verify::{VerifiedBackup, verify};
use super::{BackupPlace, Progress};
use crate::compose::open_blobs;
use crate::config::Config;
use crate::system::SystemClock;

/// What is asked of a restore.
pub struct RestoreOptions {
    /// Whether originals come along.
    pub with_originals: bool,
    /// Where included files are taken out to; they are left in the archive where it is not given.
    pub included_to: Option<PathBuf>,
}

/// A library that was restored.
pub struct Restored {
    /// What the backup holds.
    pub manifest: Manifest,
    /// Files that were taken out.
    pub included: Vec<PathBuf>,
    /// What is odd, and did not stop it.
    pub remarks: Vec<String>,
}

/// What is restored into.
pub enum Target {
    /// A data directory, which this process owns.
    Embedded(EmbeddedTarget),
    /// PostgreSQL.
    Server(ServerTarget),
}

/// What stands at the target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Documents.
    pub documents: u64,
    /// Conversations.
    pub sessions: u64,
    /// Keys.
    pub keys: u64,
    /// Organizations beside `default`.
    pub organizations: u64,
    /// There is something that cannot be read: nobody can say what would be lost.
    pub is_unreadable: bool,
}

impl Standing {
    /// Whether nothing would be lost.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Target {
    /// Finds it, and looks whether somebody uses it.
    ///
    /// # Errors
    /// When it is in use, or cannot be reached.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        if config.postgres.is_some() {
            return Ok(Self::Server(ServerTarget::open(config).await?));
        }
        Ok(Self::Embedded(EmbeddedTarget::open(config).await?))
    }

    fn shape(&self) -> Shape {
        match self {
            Self::Embedded(_) => Shape::Embedded,
            Self::Server(_) => Shape::Server,
        }
    }

    /// What would be replaced.
    pub fn standing(&self) -> Standing {
        match self {
            Self::Embedded(target) => target.standing(),
            Self::Server(target) => target.standing(),
        }
    }

    fn newest_schema(&self) -> u32 {
        match self {
            Self::Embedded(_) => SqliteSnapshot::newest_schema(),
            Self::Server(_) => PostgresRestore::newest_schema(),
        }
    }
}

/// Reads the backup to its end, and looks whether it can become a library here.
///
/// # Errors
/// What is damaged, missing, of the other shape, or of a version to come.
pub async fn check(
    config: &Config,
    place: &BackupPlace,
    name: &BackupName,
    options: &RestoreOptions,
    stop: &Stop,
    progress: &Progress,
) -> anyhow::Result<VerifiedBackup> {
    // Bytes of documents are compared when they are written.
    let verified = verify(place, name, config.backup.key.as_ref(), false, stop, progress).await?;
    if options.with_originals {
        let absent = verified.absent_originals(place).await?;
        anyhow::ensure!(
            absent.is_empty(),
            "{} of the documents in `{name}` are missing beside it, such as `{}`; bring the folder `originals` along, or give \
             --no-originals to restore the library without them",
            absent.len(),
            absent.first().map_or("", String::as_str)
        );
    }
    Ok(verified)
}

/// Makes the library of `target` that of the backup.
///
/// # Errors
/// What happened; the library that stood there stands there still.
pub async fn restore(
    config: &Config,
    target: Target,
    (place, name): (&BackupPlace, &BackupName),
    verified: VerifiedBackup,
    options: &RestoreOptions,
    stop: &Stop,
    progress: &Progress,
) -> anyhow::Result<Restored> {
    fits(&target, &verified.manifest, name)?;
    if config.s3.is_none() {
        // Of a server that is made anew, the shared folder may not be there yet.
        make_private(&config.data_dir)?;
    }
    let blobs = open_blobs(config, &(Arc::new(SystemClock) as Arc<dyn Clock>))?;
    let mut restorer = ByteRestorer::new(blobs);
    let done = async {
        if options.with_originals {
            restorer.put_all(place, &verified, stop, progress).await?;
        }
        let recorded = recorded(&verified, name);
        match &target {
            Target::Embedded(target) => target.put(&verified, config, &recorded, stop, progress).await,
            Target::Server(target) => target.put(&verified, &recorded, stop, progress).await,
        }
    };
    let mut remarks = match done.await {
        Ok(remarks) => remarks,
        Err(error) => {
            restorer.take_back().await;
            return Err(error);
        }
    };
    // From here on the library is the restored one: what fails is said, and undoes nothing.
    let old = match &target {
        Target::Embedded(target) => target.old_bytes(),
        Target::Server(target) => target.old_bytes(),
    };
    let of_backup: Vec<&str> = verified
        .manifest
        .originals
        .iter()
        .map(|it| it.key.as_str())
        .collect();
    remarks.extend(restorer.remove_old(old, &of_backup).await);
    let included = match &options.included_to {
        Some(folder) => included::take_out(&verified, config, folder, stop).await?,
        None => Vec::new(),
    };
    if !verified.manifest.missing.is_empty() {
        remarks.push(format!(
            "{} originals were missing when the backup was made, such as `{}`",
            verified.manifest.missing.len(),
            verified.manifest.missing[0]
        ));
    }
    Ok(Restored {
        manifest: verified.manifest,
        included,
        remarks,
    })
}

fn fits(target: &Target, manifest: &Manifest, name: &BackupName) -> anyhow::Result<()> {
    let about = &manifest.about;
    let (of, at) = (about.shape, target.shape());
    anyhow::ensure!(
        of == at,
        "`{name}` is of a library of the {of} shape, and this one is of the {at} shape; restore it where it belongs ({}), and move it \
         over with `ids migrate-data --to {at}`",
        match of {
            Shape::Embedded => "without POSTGRES_HOST",
            Shape::Server => "with POSTGRES_HOST set",
        }
    );
    let known = target.newest_schema();
    anyhow::ensure!(
        about.schema_version <= known,
        "`{name}` was made by ids {}, whose library has schema {}; this version knows {known}: use that version or a later one",
        about.ids_version,
        about.schema_version
    );
    Ok(())
}

/// The backup as the restored library knows it: it cannot have been in its own rows.
fn recorded(verified: &VerifiedBackup, name: &BackupName) -> RecordedBackup {
    RecordedBackup {
        file_name: name.to_string(),
        started_at: verified.manifest.about.started_at,
        finished_at: verified.manifest.about.started_at,
        size_bytes: verified.bytes,
        copied_to: None,
    }
}

/// What differs between what the backup holds and what is there, table by table.
fn differences(
    said: &std::collections::BTreeMap<String, TableRows>,
    found: &std::collections::BTreeMap<String, TableRows>,
) -> Vec<String> {
    let none = TableRows::default();
    let mut differences = Vec::new();
    for (table, found) in found {
        let said = said.get(table).unwrap_or(&none);
        if said.rows != found.rows {
            differences.push(format!(
                "`{table}` has {} rows instead of {}",
                found.rows, said.rows
            ));
        } else if said.by_organization != found.by_organization && !said.by_organization.is_empty() {
            differences.push(format!("rows of `{table}` belong to other organizations"));
        }
    }
    differences
}

/// Makes a folder that only its owner can look into.
fn make_private(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("`{}` cannot be made", path.display()))
}
