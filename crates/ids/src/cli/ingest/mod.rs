//! `ids ingest`: files and folders into the library, safe to run again.

mod members;
mod password;
mod progress;
mod report;
mod upload;
mod walk;
mod watch;
mod web;

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use futures_util::stream::{self, StreamExt};
use ids_core::password::Password;
use progress::IngestProgress;
use report::{FailedFile, IngestedFile, Outcome, Report, SkipReason, SkippedFile};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use upload::UploadError;
use walk::{FILE_UNREADABLE, FoundFile};
use web::Web;

use super::client::{CallError, Client, Reply, segment};
use super::exit::Failed;
use super::{output, values};
use crate::config::Config;
use crate::lifecycle::{Signal, Signals};
use crate::local::Work;

/// Files read and sent at the same time.
const UPLOADS_AT_ONCE: usize = 4;
/// Files sent and not yet at their end: enough to keep the workers busy, few enough to be asked after one by one.
const FILES_AT_ONCE: usize = 64;
/// How soon a document's status is asked for first, and how seldom at last.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK_LAST: Duration = Duration::from_secs(1);
/// After this, a person who waits is told that nobody works.
const WORKERS_AFTER: Duration = Duration::from_secs(10);

/// Ingest files and folders; what is unchanged is skipped.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Files, folders to be searched through, and addresses of web pages (https://…), each of which is fetched alone
    #[arg(required = true, value_name = "PATH|URL")]
    paths: Vec<PathBuf>,
    /// Put the documents into this collection; it is made where there is none
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = values::collection)]
    collection: String,
    /// Give the documents these tags
    #[arg(long, value_name = "TAG,...", value_delimiter = ',', value_parser = values::tag)]
    tags: Vec<String>,
    /// Give the document this title (one file only)
    #[arg(long)]
    title: Option<String>,
    /// Go on watching the folders: what is new, changed, renamed or deleted there is so in the library too, until Ctrl-C
    #[arg(long, conflicts_with = "title")]
    watch: bool,
    /// With --watch: take a file when it did not change for so long, and remove its document when it is gone for twice as long
    #[arg(long, value_name = "SECONDS", default_value_t = 2, requires = "watch", value_parser = clap::value_parser!(u64).range(0..=3_600))]
    settle: u64,
    /// Open protected PDF and Office files with this password, which is kept nowhere. Other users of this machine can see arguments: without
    /// `=PASSWORD` it is asked for, or read as a line of standard input
    #[arg(long, value_name = "PASSWORD", num_args = 0..=1, require_equals = true, default_missing_value = password::ASK, value_parser = password::parse)]
    password: Option<Password>,
    /// Fetch web pages from this machine and private networks too
    #[arg(long)]
    allow_private: bool,
    /// Leave the work to the running server; without one the work is done here and waited for
    #[arg(long)]
    no_wait: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Ingests. Exit code 1 when a file failed.
pub async fn run(mut args: IngestArgs, config: &Config) -> Result<u8, Failed> {
    let mut signals = Signals::catch().context("signals cannot be caught")?;
    if let Some(argument) = args.password.take() {
        args.password = Some(password::given(argument, &mut signals).await?);
    }
    if args.watch {
        return watch::run(&args, config, signals).await;
    }
    let (addresses, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        args.paths.iter().cloned().partition(|path| web::is_address(path));
    let found = tokio::task::spawn_blocking(move || walk::walk(&paths))
        .await
        .context("looking for files broke off")?;
    let mut found = found;
    // Holds the fetched files until they are sent.
    let web = tokio::select! {
        fetched = fetch(&addresses, &args, config, &mut found) => fetched?,
        signal = signals.next() => return Err(Stopped::Signal(signal).into_failed(false)),
    };
    if found.missing == args.paths.len() {
        let names: Vec<String> = args
            .paths
            .iter()
            .map(|path| format!("`{}`", path.display()))
            .collect();
        return Err(Failed::usage(format!(
            "there is no file or folder {}",
            names.join(", ")
        )));
    }
    if args.title.is_some() && found.files.len() > 1 {
        let files = output::count(found.files.len() as u64, "file");
        return Err(Failed::usage(format!(
            "--title is for one file, and here are {files}; leave it out"
        )));
    }
    let mut report = Report {
        skipped: found.skipped,
        failed: found.failed,
        ..Report::default()
    };
    let files = found.files;
    if !files.is_empty() {
        let client = Client::open(config, Work::Jobs).await?;
        let ingest = Ingest {
            client: &client,
            args: &args,
            progress: IngestProgress::new(files.iter().map(|file| file.size)),
            uploads: Semaphore::new(UPLOADS_AT_ONCE),
        };
        let ended = tokio::select! {
            // Dropped by a signal: what was accepted is in the library, what was being sent leaves nothing.
            ended = ingest.all(&files, &mut report) => ended.map_err(Stopped::Failed),
            signal = signals.next() => Err(Stopped::Signal(signal)),
            never = ingest.watch_workers() => match never {},
        };
        ingest.progress.clear();
        let is_server = client.is_server();
        tokio::select! {
            () = client.close() => {}
            // A second one: nothing that was accepted is lost.
            _ = signals.next() => {}
        }
        ended.map_err(|stopped| stopped.into_failed(is_server))?;
    }
    drop(web);
    report.sort();
    if args.json {
        output::print(&report.to_json().to_string())?;
    } else {
        output::print(&report.to_text())?;
    }
    Ok(u8::from(!report.failed.is_empty()))
}

/// Fetches web pages, one after the other, each into a file that lasts as long as what is returned.
async fn fetch(
    addresses: &[PathBuf],
    args: &IngestArgs,
    config: &Config,
    found: &mut walk::Found,
) -> Result<Option<Web>, Failed> {
    if addresses.is_empty() {
        return Ok(None);
    }
    let web = Web::new(config.library.max_file_size, args.allow_private)?;
    for (number, address) in addresses.iter().enumerate() {
        match web.fetch(number, address).await {
            Ok(file) => found.files.push(file),
            Err(failed) => found.failed.push(failed),
        }
    }
    Ok(Some(web))
}

/// Why an ingest did not come to its end.
enum Stopped {
    Signal(Signal),
    Failed(anyhow::Error),
}

impl Stopped {
    fn into_failed(self, is_server: bool) -> Failed {
        let signal = match self {
            Self::Failed(error) => return error.into(),
            Self::Signal(signal) => signal,
        };
        let goes_on = if is_server {
            "the server goes on with what it has accepted"
        } else {
            "what was accepted goes on with the next `ids ingest` or `ids serve`"
        };
        let message = format!("stopped; {goes_on}, and the same command does the rest");
        match signal {
            Signal::Interrupt => Failed {
                message,
                ..Failed::interrupted()
            },
            Signal::Terminate => Failed::because(message),
        }
    }
}

struct Ingest<'a> {
    client: &'a Client,
    args: &'a IngestArgs,
    progress: IngestProgress,
    uploads: Semaphore,
}

/// What is to be done with a file.
enum Plan {
    /// Send it, as a further version of a document that is there or as a new one.
    Send(Option<String>),
    /// It was accepted before and is not at its end.
    Wait(String),
    Skip(SkipReason),
}

impl Ingest<'_> {
    /// Takes every file to its end.
    ///
    /// # Errors
    /// When the library went away.
    async fn all(&self, files: &[FoundFile], report: &mut Report) -> anyhow::Result<()> {
        let mut outcomes = stream::iter(files.iter().enumerate())
            .map(async |(number, file)| {
                let outcomes = self.with_members(number, file).await;
                self.progress.finished(number, file.size);
                outcomes
            })
            .buffer_unordered(FILES_AT_ONCE);
        while let Some(outcome) = outcomes.next().await {
            for outcome in outcome? {
                report.add(outcome);
            }
        }
        Ok(())
    }

    /// Says once, when nobody works after a while, what the documents wait for. Never returns.
    async fn watch_workers(&self) -> Infallible {
        loop {
            tokio::time::sleep(WORKERS_AFTER).await;
            let health = self.client.get("/api/v1/queue/health").await;
            if health.is_ok_and(|health| health.body["workers"]["document_processing"] == 0) {
                self.progress
                    .say("no worker is alive; what was accepted waits until `ids worker --all` runs");
                std::future::pending::<()>().await;
            }
        }
    }

    /// Takes one file to its end, and what came in it.
    ///
    /// # Errors
    /// When the library went away.
    async fn with_members(&self, number: usize, file: &FoundFile) -> anyhow::Result<Vec<Outcome>> {
        let outcome = self.one(number, file).await?;
        let Outcome::Ingested(IngestedFile {
            document_id,
            pages: Some(_),
            ..
        }) = &outcome
        else {
            return Ok(vec![outcome]);
        };
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        let waiting = |done: usize, all: usize| {
            let step = format!("{done} of {all} files in it are done");
            self.progress.working(number, &name, file.size, 99, &step);
        };
        let members = members::to_their_end(self.client, &file.path, document_id, &waiting).await;
        match members {
            Ok(members) => Ok([vec![outcome], members].concat()),
            // Removed meanwhile, by somebody else.
            Err(CallError::Refused(_)) => Ok(vec![outcome]),
            Err(CallError::Gone(error)) => Err(error),
        }
    }

    /// Takes one file to its end.
    ///
    /// # Errors
    /// When the library went away; whatever is wrong with the file is an outcome.
    async fn one(&self, number: usize, file: &FoundFile) -> anyhow::Result<Outcome> {
        let outcome = match self.accept(number, file).await {
            Ok(Accepted::Skipped(reason)) => Ok(skipped(file, reason)),
            Ok(Accepted::Document(document_id)) => self.to_its_end(number, file, document_id).await,
            Err(UploadError::Unreadable(error)) => Ok(failed(
                file,
                FILE_UNREADABLE,
                format!("it cannot be read: {error}"),
            )),
            Err(UploadError::Call(error)) => Err(error),
        };
        match outcome {
            Ok(outcome) => Ok(outcome),
            Err(CallError::Refused(refused)) => Ok(refused_file(file, refused.code(), refused.detail())),
            Err(CallError::Gone(error)) => Err(error),
        }
    }

    /// Looks up what is known of a file, and sends it if it must be sent.
    async fn accept(&self, number: usize, file: &FoundFile) -> Result<Accepted, UploadError> {
        self.accept_bytes(number, file, None).await
    }

    /// The same for a file whose SHA-256 may be known already.
    async fn accept_bytes(
        &self,
        number: usize,
        file: &FoundFile,
        file_hash: Option<&str>,
    ) -> Result<Accepted, UploadError> {
        // Never closed: the error cannot come.
        let _permit = self.uploads.acquire().await;
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        self.progress.working(number, &name, file.size, 0, "reading");
        let plan = match &file.source {
            Some(source) => {
                let file_hash = match file_hash {
                    Some(file_hash) => file_hash.to_owned(),
                    None => upload::hash(file.path.clone())
                        .await
                        .map_err(UploadError::Unreadable)?,
                };
                self.plan(source, &file_hash).await?
            }
            None => Plan::Send(None),
        };
        let document_id = match plan {
            Plan::Skip(reason) => return Ok(Accepted::Skipped(reason)),
            Plan::Wait(document_id) => return Ok(Accepted::Document(document_id)),
            Plan::Send(document_id) => document_id,
        };
        self.progress.working(number, &name, file.size, 0, "sending");
        let reply = upload::upload(self.client, &file.path, &self.fields(file, document_id)).await?;
        Ok(Accepted::Document(text(&reply.body, "document_id")))
    }

    fn fields(&self, file: &FoundFile, document_id: Option<String>) -> Vec<(&'static str, String)> {
        let mut fields = vec![("collection", self.args.collection.clone())];
        fields.extend(self.args.tags.iter().map(|tag| ("tags", tag.clone())));
        let password = self.args.password.iter();
        fields.extend(password.map(|password| ("password", password.expose().to_owned())));
        fields.extend(self.args.title.iter().map(|title| ("title", title.clone())));
        match (document_id, &file.source) {
            (Some(document_id), _) => fields.push(("document_id", document_id)),
            (None, Some(source)) => fields.push(("source_path", source.clone())),
            (None, None) => {}
        }
        fields
    }

    async fn plan(&self, source: &str, file_hash: &str) -> Result<Plan, CallError> {
        let asked = json!({"collection": self.args.collection, "path": source, "file_hash": file_hash});
        let known = self.client.post("/local/source-state", &asked).await?.body;
        let document_id = text(&known, "document_id");
        match known["state"].as_str() {
            Some("unchanged") => self.plan_unchanged(document_id).await,
            Some("changed") => Ok(Plan::Send(Some(document_id))),
            _ => Ok(Plan::Send(None)),
        }
    }

    /// The same bytes were accepted before: they may still be on their way, or have lost the document they repeat.
    async fn plan_unchanged(&self, document_id: String) -> Result<Plan, CallError> {
        let status = self.status(&document_id).await?.body;
        match status["status"].as_str() {
            Some("completed") => Ok(Plan::Skip(SkipReason::Unchanged)),
            Some("duplicate") => {
                let original_is_there = match status["duplicate_of"].as_str() {
                    Some(original) => self.is_there(original).await?,
                    None => false,
                };
                Ok(if original_is_there {
                    Plan::Skip(SkipReason::Duplicate)
                } else {
                    Plan::Send(Some(document_id))
                })
            }
            _ => Ok(Plan::Wait(document_id)),
        }
    }

    async fn is_there(&self, document_id: &str) -> Result<bool, CallError> {
        match self
            .client
            .get(&format!("/api/v1/documents/{}", segment(document_id)))
            .await
        {
            Ok(_) => Ok(true),
            Err(CallError::Refused(refused)) if refused.code() == "DOCUMENT_NOT_FOUND" => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn status(&self, document_id: &str) -> Result<Reply, CallError> {
        self.client
            .get(&format!("/api/v1/documents/{}/status", segment(document_id)))
            .await
    }

    /// Waits for a document's end, unless that is left to the server.
    async fn to_its_end(
        &self,
        number: usize,
        file: &FoundFile,
        document_id: String,
    ) -> Result<Outcome, CallError> {
        if self.args.no_wait && self.client.is_server() {
            return Ok(Outcome::Ingested(IngestedFile {
                path: file.shown(),
                document_id,
                pages: None,
                chunks: None,
            }));
        }
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        let (mut pause, mut last_step) = (LOOK_FIRST, String::new());
        loop {
            let status = self.status(&document_id).await?.body;
            match status["status"].as_str() {
                Some("completed") => break,
                Some("duplicate") => return Ok(skipped(file, SkipReason::Duplicate)),
                Some("failed") => {
                    let error = &status["error"];
                    return Ok(refused_file(
                        file,
                        &text(error, "error_code"),
                        text(error, "error"),
                    ));
                }
                Some("cancelled") => {
                    return Ok(failed(file, "CANCELLED", "its job was cancelled".to_owned()));
                }
                _ => {}
            }
            let step = text(&status, "current_step");
            self.progress.working(
                number,
                &name,
                file.size,
                status["progress"].as_u64().unwrap_or(0),
                &step,
            );
            // What moves is looked at often, what waits seldom.
            pause = if step == last_step {
                (pause * 3 / 2).min(LOOK_LAST)
            } else {
                LOOK_FIRST
            };
            last_step = step;
            tokio::time::sleep(pause).await;
        }
        let document = self
            .client
            .get(&format!("/api/v1/documents/{}", segment(&document_id)))
            .await?
            .body;
        let (pages, chunks) = (document["page_count"].as_u64(), document["total_chunks"].as_u64());
        Ok(Outcome::Ingested(IngestedFile {
            path: file.shown(),
            document_id,
            pages,
            chunks,
        }))
    }
}

/// What the library said to a file.
enum Accepted {
    Document(String),
    Skipped(SkipReason),
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_default().to_owned()
}

fn skipped(file: &FoundFile, reason: SkipReason) -> Outcome {
    Outcome::Skipped(SkippedFile {
        path: file.shown(),
        reason,
    })
}

fn failed(file: &FoundFile, code: &str, error: String) -> Outcome {
    Outcome::Failed(FailedFile {
        path: file.shown(),
        error_code: code.to_owned(),
        error,
    })
}

/// A file of another type in a folder is passed over, as one is whose name says so; a file that was named itself failed.
fn refused_file(file: &FoundFile, code: &str, error: String) -> Outcome {
    if code == "UNSUPPORTED_TYPE" && !file.is_named {
        skipped(file, SkipReason::Unsupported)
    } else {
        failed(file, code, error)
    }
}
