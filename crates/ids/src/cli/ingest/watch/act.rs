//! Doing what the difference between folders and library asks for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use tokio::sync::Semaphore;

use super::plan::{Act, Done, KnownFile};
use super::tell::Event;
use crate::cli::client::{CallError, Client, segment};
use crate::cli::ingest::progress::IngestProgress;
use crate::cli::ingest::report::{FailedFile, IngestedFile, Outcome, SkipReason};
use crate::cli::ingest::upload::{self, UploadError};
use crate::cli::ingest::walk::{FILE_UNREADABLE, FoundFile};
use crate::cli::ingest::{Accepted, Ingest, IngestArgs, UPLOADS_AT_ONCE};

/// What came of an act.
pub struct Ended {
    /// Of what.
    pub of: Of,
    /// What the library is like now.
    pub done: Done,
    /// What is to be told, if anything.
    pub event: Option<Event>,
}

/// What an act was about.
pub enum Of {
    /// A file, by its real path, and the files it may have been.
    File { path: PathBuf, twins: Vec<String> },
    /// The removal of the document of a file.
    Removal { source: String },
}

/// Does it. `shown` gives a path as a person would write it.
pub async fn act(
    client: Arc<Client>,
    args: &IngestArgs,
    shown: impl Fn(&Path) -> PathBuf,
    act: Act,
) -> Ended {
    match act {
        Act::Ingest { file, twins, known } => {
            let path = file.path.clone();
            let names = twins.iter().map(|(source, _)| source.clone()).collect();
            let shown_file = FoundFile {
                path: shown(&path),
                ..file
            };
            let working = Working {
                client: &client,
                args,
                file: &shown_file,
            };
            let (done, event) = working.ingest(twins, known, &shown).await;
            let of = Of::File { path, twins: names };
            Ended { of, done, event }
        }
        Act::Remove { source, known } => {
            let (done, event) = match remove(&client, &known.document_id).await {
                Ok(was_there) => {
                    let path = shown(Path::new(&source));
                    let document_id = known.document_id;
                    let event = was_there.then_some(Event::Removed { path, document_id });
                    (Done::Removed, event)
                }
                Err(error) => (Done::Again, Some(trouble(&error))),
            };
            Ended {
                of: Of::Removal { source },
                done,
                event,
            }
        }
    }
}

struct Working<'a> {
    client: &'a Client,
    args: &'a IngestArgs,
    /// Its path is the one that is shown.
    file: &'a FoundFile,
}

impl Working<'_> {
    async fn ingest(
        &self,
        twins: Vec<(String, KnownFile)>,
        known: Option<KnownFile>,
        shown: &impl Fn(&Path) -> PathBuf,
    ) -> (Done, Option<Event>) {
        let file_hash = match upload::hash(self.file.path.clone()).await {
            Ok(file_hash) => file_hash,
            Err(error) => return self.unreadable(&error),
        };
        let is_changed = known.as_ref().is_none_or(|known| known.file_hash != file_hash);
        let twin = twins.into_iter().find(|(_, twin)| twin.file_hash == file_hash);
        if let Some((from, twin)) = twin.filter(|_| is_changed) {
            match self.rename(&twin, known.as_ref()).await {
                Ok(true) => {
                    let event = Event::Renamed {
                        from: shown(Path::new(&from)),
                        to: self.file.path.clone(),
                        document_id: twin.document_id.clone(),
                    };
                    return (Done::Moved { from, known: twin }, Some(event));
                }
                // It is no document any more: the file is a new one.
                Ok(false) => {}
                Err(error) => return self.refused(error),
            }
        }
        self.send(file_hash, known).await
    }

    /// Gives a document this file's path. The document that this file was before is gone with its bytes. `false` where it
    /// cannot be done.
    async fn rename(&self, twin: &KnownFile, replaced: Option<&KnownFile>) -> Result<bool, CallError> {
        if let Some(replaced) = replaced {
            remove(self.client, &replaced.document_id).await?;
        }
        let asked = json!({"document_id": twin.document_id, "path": self.file.source});
        match self.client.post("/local/source-move", &asked).await {
            Ok(_) => Ok(true),
            Err(CallError::Refused(refused))
                if matches!(refused.code(), "DOCUMENT_NOT_FOUND" | "VALIDATION_FAILED") =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn send(&self, file_hash: String, known: Option<KnownFile>) -> (Done, Option<Event>) {
        let ingest = Ingest {
            client: self.client,
            args: self.args,
            progress: IngestProgress::silent(),
            uploads: Semaphore::new(UPLOADS_AT_ONCE),
        };
        let accepted = match ingest.accept_bytes(0, self.file, Some(&file_hash)).await {
            Ok(accepted) => accepted,
            Err(UploadError::Unreadable(error)) => return self.unreadable(&error),
            Err(UploadError::Call(error)) => return self.refused(error),
        };
        let document_id = match accepted {
            Accepted::Document(document_id) => document_id,
            Accepted::Skipped(reason) => {
                return match known {
                    Some(known) if reason == SkipReason::Duplicate => (Done::Duplicate(known), None),
                    _ => (Done::Nothing, None),
                };
            }
        };
        let is_update = known.is_some();
        let now_known = KnownFile {
            document_id: document_id.clone(),
            file_hash,
            size: self.file.size,
        };
        match ingest.to_its_end(0, self.file, document_id).await {
            Ok(Outcome::Ingested(file)) => (Done::Document(now_known), Some(told(file, is_update))),
            Ok(Outcome::Skipped(file)) => {
                let event =
                    (file.reason == SkipReason::Duplicate).then_some(Event::Duplicate { path: file.path });
                (Done::Duplicate(now_known), event)
            }
            Ok(Outcome::Failed(file)) => (Done::Document(now_known), Some(Event::Failed(file))),
            // It was removed by somebody meanwhile; so it stays until its file changes.
            Err(CallError::Refused(refused)) if refused.code() == "DOCUMENT_NOT_FOUND" => {
                (Done::Nothing, None)
            }
            Err(error) => self.refused(error),
        }
    }

    fn unreadable(&self, error: &std::io::Error) -> (Done, Option<Event>) {
        if error.kind() == std::io::ErrorKind::NotFound {
            return (Done::Nothing, None);
        }
        self.failed(FILE_UNREADABLE, format!("it cannot be read: {error}"))
    }

    fn failed(&self, code: &str, error: String) -> (Done, Option<Event>) {
        let failed = FailedFile {
            path: self.file.path.clone(),
            error_code: code.to_owned(),
            error,
        };
        (Done::Nothing, Some(Event::Failed(failed)))
    }

    fn refused(&self, error: CallError) -> (Done, Option<Event>) {
        match error {
            CallError::Refused(refused) if is_final(refused.code()) => {
                if refused.code() == "UNSUPPORTED_TYPE" {
                    return (Done::Nothing, None);
                }
                self.failed(refused.code(), refused.detail())
            }
            error => (Done::Again, Some(trouble(&error))),
        }
    }
}

fn told(file: IngestedFile, is_update: bool) -> Event {
    if is_update {
        Event::Updated(file)
    } else {
        Event::Ingested(file)
    }
}

/// Removes a document; `false` when it was gone already.
async fn remove(client: &Client, document_id: &str) -> Result<bool, CallError> {
    let path = format!("/api/v1/documents/{}", segment(document_id));
    match client.delete(&path).await {
        Ok(_) => Ok(true),
        Err(CallError::Refused(refused)) if refused.code() == "DOCUMENT_NOT_FOUND" => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the same file would be refused again.
fn is_final(code: &str) -> bool {
    let passing = [
        "DEPENDENCY_UNAVAILABLE",
        "STORAGE_FULL",
        "BUSY",
        "RATE_LIMITED",
        "INTERNAL",
        "UPLOAD_INCOMPLETE",
    ];
    !passing.contains(&code)
}

fn trouble(error: &CallError) -> Event {
    let text = match error {
        CallError::Refused(refused) => refused.detail(),
        CallError::Gone(error) => format!("{error:#}"),
    };
    Event::Trouble {
        text: format!("{text}; it is tried again"),
    }
}
