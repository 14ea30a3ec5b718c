//! Makes a backup, in the order in which nothing that was accepted can slip through: the moment of the rows, the bytes that jobs need
//! (which may be gone a second later), the rows, the other bytes, and its name last.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ids_backup::{
    About, ArchiveWriter, BackupError, BackupFolder, BackupKey, FORMAT, Manifest, NewBackup, Originals, Stop,
    WrittenArchive,
};
use ids_core::backup::{BytesNeed, NamedBytes};
use ids_core::ports::{BlobStore, Clock, RecordedBackup};

use super::bytes::ByteCopier;
use super::library::{self, Moment};
use super::rows::write_rows;
use super::{Progress, Step, blocking};
use crate::compose::open_blobs;
use crate::config::Config;
use crate::system::SystemClock;

/// How often another moment is taken because bytes of a job were gone in between.
const MOMENTS: u32 = 5;

/// What is asked of a backup.
pub struct MakeOptions {
    /// Where it goes.
    pub folder: PathBuf,
    /// Whether the originals of finished documents come along.
    pub with_originals: bool,
    /// Further files.
    pub included: Vec<Included>,
}

/// A file that goes into the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name in the archive.
    pub name: String,
}

/// A backup that was made, and is in its place.
pub struct Made {
    /// The folder, still this process's alone.
    pub folder: BackupFolder,
    /// What the library will say of it.
    pub recorded: RecordedBackup,
    /// What it holds.
    pub manifest: Manifest,
    /// Its archive.
    pub written: WrittenArchive,
    /// The names of its bytes in the folder.
    pub originals: BTreeSet<String>,
    /// What a person should hear of.
    pub skipped: Skipped,
}

/// What is not as it should be in the library itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Keys of bytes that were not there.
    pub missing: Vec<String>,
    /// Keys of bytes that are not those that were accepted.
    pub differing: Vec<String>,
}

/// Makes a backup of the library that the configuration names.
///
/// # Errors
/// What happened, and what to do; nothing is left in the folder.
pub async fn make(
    config: &Config,
    options: MakeOptions,
    stop: &Stop,
    progress: &Progress,
) -> anyhow::Result<Made> {
    let clock = SystemClock;
    // Before the moment: what is accepted from now on may not be in it.
    let started_at = clock.now();
    // Before a folder is made: there may be nothing to back up.
    let moment = Moment::take(config).await?;
    let blobs = open_blobs(config, &(Arc::new(SystemClock) as Arc<dyn Clock>))?;
    let folder = options.folder.clone();
    let folder = blocking(move || BackupFolder::open(&folder)).await?;
    let copier = copier(config, &folder, blobs, stop).await?;

    let (moment, named, copier, missing_work) = bytes_in_work(config, moment, copier, stop).await?;
    let key = config.backup.key.clone();
    let new = folder.begin(started_at, key.is_some())?;
    let about = About {
        format: FORMAT,
        ids_version: env!("CARGO_PKG_VERSION").to_owned(),
        shape: moment.shape(),
        schema_version: moment.schema_version(),
        started_at,
        tables: moment.tables(),
    };
    let mut manifest = empty_manifest(&about);
    let writer = begin(&new, about, key.clone(), stop).await?;
    let writer = write_library(&folder, moment, writer, &mut manifest, progress).await?;
    let writer = include(options.included, writer).await?;

    let mut copier = copier;
    let mut missing = missing_work;
    let wanted: Vec<&NamedBytes> = named
        .iter()
        .filter(|it| it.need != BytesNeed::Work && options.with_originals)
        .collect();
    for (done, named) in wanted.iter().enumerate() {
        progress.show(Step::Bytes(done as u64, wanted.len() as u64));
        let is_there = copier.copy(named).await?;
        if !is_there && named.need == BytesNeed::Original {
            missing.push(named.key.0.clone());
        }
    }
    let differing = std::mem::take(&mut copier.differing);
    let (entries, originals) = copier.finish().await?;
    manifest.originals = entries;
    manifest.missing = missing.clone();
    manifest.without_originals = !options.with_originals;
    manifest.originals_key = originals_key(config).await?.map(|key| key.expose().to_owned());

    let (written, manifest) = blocking(move || writer.finish(manifest)).await?;
    stop.check()
        .map_err(|error| BackupError::at(folder.path(), error))?;
    let names = originals.clone();
    let result = written.clone();
    let (folder, file_name) = blocking(move || {
        folder.publish(&new, &written, &names)?;
        Ok::<_, BackupError>((folder, new.name.to_string()))
    })
    .await?;
    Ok(Made {
        recorded: RecordedBackup {
            file_name,
            started_at,
            finished_at: clock.now(),
            size_bytes: result.bytes,
            copied_to: None,
        },
        folder,
        manifest,
        written: result,
        originals,
        skipped: Skipped { missing, differing },
    })
}

/// Notes a made backup in the library; `false` where that has no list of them yet.
pub async fn record(config: &Config, backup: &RecordedBackup) -> anyhow::Result<bool> {
    library::record(config, backup).await
}

async fn originals_key(config: &Config) -> anyhow::Result<Option<ids_backup::OriginalsKey>> {
    let Some(key) = config.backup.key.clone() else {
        return Ok(None);
    };
    blocking(move || Ok::<_, BackupError>(Some(key.originals()))).await
}

async fn copier(
    config: &Config,
    folder: &BackupFolder,
    blobs: Arc<dyn BlobStore>,
    stop: &Stop,
) -> anyhow::Result<ByteCopier> {
    let key = originals_key(config).await?;
    let (path, stop) = (folder.path().to_owned(), stop.clone());
    let originals = blocking(move || Originals::open(&path, key, &stop)).await?;
    Ok(ByteCopier::new(
        blobs,
        &config.library.originals_prefix,
        originals,
    ))
}

/// The bytes of documents whose jobs are not done, of one moment: a job may end while they are looked for, and its bytes with it. Then the
/// moment is too old, and the next one says that the job is done. Bytes that two moments name and that are not there are lost.
async fn bytes_in_work(
    config: &Config,
    mut moment: Moment,
    mut copier: ByteCopier,
    stop: &Stop,
) -> anyhow::Result<(Moment, Vec<NamedBytes>, ByteCopier, Vec<String>)> {
    let mut gone_before: BTreeSet<String> = BTreeSet::new();
    for _ in 0..MOMENTS {
        let (same, named) = moment.named_bytes().await?;
        copier.forget_others(&named);
        let mut gone = BTreeSet::new();
        for work in named.iter().filter(|it| it.need == BytesNeed::Work) {
            stop.check()
                .map_err(|error| BackupError::at(Path::new("."), error))?;
            if !copier.copy(work).await? {
                gone.insert(work.key.0.clone());
            }
        }
        if gone.is_subset(&gone_before) {
            return Ok((same, named, copier, gone.into_iter().collect()));
        }
        gone_before = gone;
        same.end().await;
        moment = Moment::take(config).await?;
    }
    anyhow::bail!(
        "documents are done, and their bytes dropped, faster than those can be copied; try again when fewer are being processed"
    )
}

fn empty_manifest(about: &About) -> Manifest {
    Manifest {
        about: about.clone(),
        tables: std::collections::BTreeMap::new(),
        sequences: Vec::new(),
        originals: Vec::new(),
        missing: Vec::new(),
        without_originals: false,
        originals_key: None,
        members: Vec::new(),
    }
}

async fn begin(
    new: &NewBackup,
    about: About,
    key: Option<BackupKey>,
    stop: &Stop,
) -> anyhow::Result<ArchiveWriter> {
    let (path, stop) = (new.partial.clone(), stop.clone());
    blocking(move || ArchiveWriter::create(&path, about, key.as_ref(), &stop)).await
}

async fn write_library(
    folder: &BackupFolder,
    moment: Moment,
    mut writer: ArchiveWriter,
    manifest: &mut Manifest,
    progress: &Progress,
) -> anyhow::Result<ArchiveWriter> {
    match moment {
        Moment::Server(snapshot) => {
            let (writer, tables, sequences) = write_rows(&snapshot, writer, progress).await?;
            manifest.tables = tables;
            manifest.sequences = sequences;
            snapshot.end().await;
            Ok(writer)
        }
        Moment::Embedded(snapshot) => {
            progress.show(Step::Library);
            let copy = folder.partial_of("library.db");
            let (writer, tables) = blocking(move || -> anyhow::Result<_> {
                let guard = RemovedAtEnd(copy);
                let tables = library::copy_library(&snapshot, &guard.0)?;
                // The moment ends here: the log of a running server need not grow longer.
                drop(snapshot);
                let mut file = File::open(&guard.0)?;
                let bytes = file.metadata()?.len();
                writer.library(bytes, &mut file)?;
                Ok((writer, tables))
            })
            .await?;
            manifest.tables = tables;
            Ok(writer)
        }
    }
}

/// A file that nobody needs afterwards, whatever happens.
struct RemovedAtEnd(PathBuf);

impl Drop for RemovedAtEnd {
    fn drop(&mut self) {
        // What cannot be removed is removed before the next backup.
        let _ = fs::remove_file(&self.0);
    }
}

async fn include(included: Vec<Included>, mut writer: ArchiveWriter) -> anyhow::Result<ArchiveWriter> {
    blocking(move || -> anyhow::Result<_> {
        for included in included {
            let unread = || format!("`{}` cannot be included", included.path.display());
            let mut file = File::open(&included.path).with_context(unread)?;
            let bytes = file.metadata().with_context(unread)?.len();
            writer
                .included(&included.name, bytes, &mut file)
                .with_context(unread)?;
        }
        Ok(writer)
    })
    .await
}
