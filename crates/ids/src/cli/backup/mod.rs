//! `ids backup`: makes backups, lists them, and reads them through.

mod include;
mod list;
mod progress;
mod report;
mod verify;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use ids_backup::{BackupError, Stop};
use ids_core::ports::Clock;

pub use self::progress::show_progress;
use self::report::Report;
use super::exit::Failed;
use super::output;
use crate::backup::{self, BackupPlace, Made, MakeOptions, Progress};
use crate::compose::open_blobs;
use crate::config::Config;
use crate::lifecycle::{Signal, Signals};
use crate::system::SystemClock;

const DAY: Duration = Duration::from_secs(86_400);
/// How long a stopped command may take to put things in order.
const ORDERLY: Duration = Duration::from_secs(20);

/// Back the library up while it is in use: all rows of one moment, and the originals of documents, each once for all backups. Encrypted
/// where `BACKUP_KEY` is set, copied to the bucket where `BACKUP_S3_PREFIX` is. `ids restore` makes a library of it again.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BackupArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    make: MakeArgs,
}

#[derive(Debug, Args)]
struct MakeArgs {
    /// The folder of backups [default: `backups` in the data directory; with PostgreSQL, in the working directory]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Remove backups of this folder that are older, but never the newest
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    keep_days: u32,
    /// Leave out the originals of finished documents; their text stays searchable after a restore
    #[arg(long)]
    no_originals: bool,
    /// Put a further file, or all files of a folder, into the archive; may be repeated
    #[arg(long, value_name = "PATH")]
    include: Vec<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the backups there are, newest first
    List(list::ListArgs),
    /// Read a backup from its first to its last byte, and the originals it needs; no library is needed
    Verify(verify::VerifyArgs),
}

/// Makes, lists or reads.
pub async fn run(args: BackupArgs, config: &Config) -> Result<u8, Failed> {
    match args.action {
        None => make(args.make, config).await,
        Some(Action::List(args)) => list::run(args, config).await,
        Some(Action::Verify(args)) => verify::run(args, config).await,
    }
}

async fn make(args: MakeArgs, config: &Config) -> Result<u8, Failed> {
    let begin = Instant::now();
    let options = MakeOptions {
        folder: args.to.clone().unwrap_or_else(|| default_folder(config)),
        with_originals: !args.no_originals,
        included: include::files(&args.include)?,
    };
    let stop = Stop::default();
    let (progress, clear) = show_progress();
    let work = made_and_copied(config, options, &stop, &progress);
    let outcome = until_stopped(work, &stop).await;
    clear();
    let (made, copied) = outcome?;
    let recorded = record(config, &made).await;
    for remark in remarks(config, &made) {
        output::remark(&remark);
    }
    if let Err(error) = recorded {
        output::remark(&format!("{error:#}"));
    }
    // A failed copy is no time to remove what lies here.
    let removed = match &copied {
        Ok(()) => made
            .folder
            .prune(DAY * args.keep_days, SystemClock.now())
            .map_err(|error| {
                Failed::because(format!(
                    "the backup is made, and old ones cannot be removed: {error}"
                ))
            })?,
        Err(_) => Vec::new(),
    };
    let report = Report {
        made: &made,
        removed,
        seconds: begin.elapsed().as_secs_f64(),
    };
    if args.json {
        output::print(&report.to_json().to_string())?;
    } else {
        output::print(&report.to_text())?;
    }
    match copied {
        Ok(()) => Ok(0),
        Err(error) => {
            let failed = Failed::because(format!(
                "the backup is whole in `{}`, and its copy in the bucket is not: {error:#}",
                made.folder.path().display()
            ));
            Err(if args.json { failed.told() } else { failed })
        }
    }
}

async fn made_and_copied(
    config: &Config,
    options: MakeOptions,
    stop: &Stop,
    progress: &Progress,
) -> anyhow::Result<(Made, anyhow::Result<()>)> {
    let mut made = backup::make(config, options, stop, progress).await?;
    let (Some(settings), Some(prefix)) = (&config.s3, &config.backup.s3_prefix) else {
        return Ok((made, Ok(())));
    };
    let copied = async {
        let blobs = open_blobs(config, &(Arc::new(SystemClock) as Arc<dyn Clock>))?;
        backup::copy_to_bucket(&made, blobs.as_ref(), prefix, stop, progress).await
    };
    let copied = copied.await;
    if copied.is_ok() {
        made.recorded.copied_to = Some(format!("s3://{}/{prefix}", settings.store.bucket));
        made.recorded.finished_at = SystemClock.now();
    }
    Ok((made, copied))
}

/// A backup that is made is one, whatever becomes of its entry in the list.
async fn record(config: &Config, made: &Made) -> anyhow::Result<()> {
    let unrecorded =
        "the backup is made; the library could not note it, so that `ids doctor` does not know of it";
    match backup::record(config, &made.recorded).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(anyhow::anyhow!(
            "{unrecorded}: the library is of an older version; start this version of ids once"
        )),
        Err(error) => Err(error.context(unrecorded)),
    }
}

fn remarks(config: &Config, made: &Made) -> Vec<String> {
    let mut remarks = Vec::new();
    let such_as = |keys: &[String]| output::clean(keys.first().map_or("", String::as_str));
    let (missing, differing) = (&made.skipped.missing, &made.skipped.differing);
    if !missing.is_empty() {
        remarks.push(format!(
            "{} that the library names are not there, such as `{}`; all else of their documents is in the backup",
            output::count(missing.len() as u64, "original"),
            such_as(missing)
        ));
    }
    if !differing.is_empty() {
        remarks.push(format!(
            "{} hold other bytes than were accepted, such as `{}`; they are in the backup as they are",
            output::count(differing.len() as u64, "original"),
            such_as(differing)
        ));
    }
    if config.backup.key.is_none() {
        remarks.push("the backup is not encrypted; set BACKUP_KEY to encrypt the next one".to_owned());
    }
    remarks
}

/// Where backups lie if nothing else is said.
pub fn default_folder(config: &Config) -> PathBuf {
    if config.postgres.is_some() {
        PathBuf::from("backups")
    } else {
        config.data_dir.join("backups")
    }
}

/// The place that `--from` names.
///
/// # Errors
/// `s3` without a bucket, or without a prefix.
pub fn place_of(from: Option<&str>, config: &Config) -> Result<BackupPlace, Failed> {
    let Some(from) = from else {
        return Ok(BackupPlace::Folder(default_folder(config)));
    };
    if from != "s3" {
        return Ok(BackupPlace::Folder(PathBuf::from(from)));
    }
    let (Some(settings), Some(prefix)) = (&config.s3, &config.backup.s3_prefix) else {
        return Err(Failed::usage(
            "`--from s3` needs S3_BUCKET and BACKUP_S3_PREFIX; set both, or name a folder (`./s3` for one of that name)",
        ));
    };
    let blobs = open_blobs(config, &(Arc::new(SystemClock) as Arc<dyn Clock>))?;
    Ok(BackupPlace::Bucket {
        blobs,
        prefix: prefix.clone(),
        name: format!("s3://{}/{}", settings.store.bucket, prefix.trim_end_matches('/')),
    })
}

/// Runs work that puts things in order when it is asked to stop, and asks it at the first signal; a second one, or too long a time, leaves it
/// where it is.
pub async fn until_stopped<T>(
    work: impl Future<Output = anyhow::Result<T>>,
    stop: &Stop,
) -> Result<T, Failed> {
    let mut signals =
        Signals::catch().map_err(|error| Failed::because(format!("signals cannot be caught: {error}")))?;
    let mut work = std::pin::pin!(work);
    // The work is not dropped by the first of these; the wait for a signal may be.
    let signal = tokio::select! {
        done = &mut work => return done.map_err(Failed::from),
        signal = signals.next() => signal,
    };
    stop.ask();
    // Work that is dropped removes its files; the one before it had an end already.
    let done = tokio::select! {
        done = &mut work => Some(done),
        _ = signals.next() => None,
        () = tokio::time::sleep(ORDERLY) => None,
    };
    match done {
        // It was over already.
        Some(Ok(done)) => Ok(done),
        Some(Err(error)) if !is_stopped(&error) => Err(error.into()),
        Some(Err(_)) | None => Err(match signal {
            Signal::Interrupt => Failed {
                message: "stopped; nothing was changed".to_owned(),
                ..Failed::interrupted()
            },
            Signal::Terminate => Failed::because("stopped; nothing was changed"),
        }),
    }
}

fn is_stopped(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| matches!(cause.downcast_ref::<BackupError>(), Some(BackupError::Stopped)))
}
