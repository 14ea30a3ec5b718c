//! What is told while folders are watched: a line an event, for people on stderr, as JSON on stdout.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::exit::Failed;
use crate::cli::ingest::report::{FailedFile, IngestedFile};
use crate::cli::output::{self, clean, count};

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// The folders are watched.
    Watching { folders: Vec<PathBuf>, files: usize },
    /// Nothing is left to be done for now.
    CaughtUp { documents: usize },
    /// A file became a document.
    Ingested(IngestedFile),
    /// A document got a further version.
    Updated(IngestedFile),
    /// A document's file has another path.
    Renamed {
        from: PathBuf,
        to: PathBuf,
        document_id: String,
    },
    /// A document went with its file.
    Removed { path: PathBuf, document_id: String },
    /// Its text is in the collection already.
    Duplicate { path: PathBuf },
    /// A file could not be ingested.
    Failed(FailedFile),
    /// Files are not there, and their documents are kept.
    Kept { folder: PathBuf, documents: usize },
    /// A watched folder is not there.
    FolderLost { path: PathBuf },
    /// A watched folder is back.
    FolderFound { path: PathBuf },
    /// Something that a person should know, and goes on.
    Trouble { text: String },
}

/// Tells it.
#[derive(Debug, Clone, Copy)]
pub struct Teller {
    /// As JSON.
    pub is_json: bool,
}

impl Teller {
    /// Tells what happened.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn tell(self, event: &Event) -> Result<(), Failed> {
        if self.is_json {
            return output::print(&event.to_json().to_string());
        }
        output::remark(&event.to_text());
        Ok(())
    }
}

impl Event {
    fn to_json(&self) -> Value {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let document = |event: &str, file: &IngestedFile| {
            json!({
                "event": event, "path": path(&file.path), "document_id": file.document_id, "pages": file.pages,
                "chunks": file.chunks,
            })
        };
        match self {
            Self::Watching { folders, files } => {
                let folders: Vec<String> = folders.iter().map(|folder| path(folder)).collect();
                json!({"event": "watching", "folders": folders, "files": files})
            }
            Self::CaughtUp { documents } => json!({"event": "caught_up", "documents": documents}),
            Self::Ingested(file) => document("ingested", file),
            Self::Updated(file) => document("updated", file),
            Self::Renamed {
                from,
                to,
                document_id,
            } => {
                json!({"event": "renamed", "from": path(from), "path": path(to), "document_id": document_id})
            }
            Self::Removed {
                path: of,
                document_id,
            } => {
                json!({"event": "removed", "path": path(of), "document_id": document_id})
            }
            Self::Duplicate { path: of } => {
                json!({"event": "skipped", "path": path(of), "reason": "duplicate"})
            }
            Self::Failed(file) => json!({
                "event": "failed", "path": path(&file.path), "error_code": file.error_code, "error": file.error,
            }),
            Self::Kept { folder, documents } => {
                json!({"event": "kept", "folder": path(folder), "documents": documents})
            }
            Self::FolderLost { path: of } => json!({"event": "folder_lost", "folder": path(of)}),
            Self::FolderFound { path: of } => json!({"event": "folder_found", "folder": path(of)}),
            Self::Trouble { text } => json!({"event": "trouble", "error": text}),
        }
    }

    fn to_text(&self) -> String {
        let shown = |path: &Path| clean(&path.to_string_lossy());
        let size = |file: &IngestedFile| match (file.pages, file.chunks) {
            (Some(pages), Some(chunks)) => {
                format!(", {}, {}", count(pages, "page"), count(chunks, "chunk"))
            }
            _ => String::new(),
        };
        match self {
            Self::Watching { folders, files } => {
                let folders: Vec<String> = folders
                    .iter()
                    .map(|folder| format!("`{}`", shown(folder)))
                    .collect();
                format!(
                    "watching {} ({})",
                    folders.join(", "),
                    count(*files as u64, "file")
                )
            }
            Self::CaughtUp { documents } => {
                format!(
                    "caught up: {}; waiting for changes",
                    count(*documents as u64, "document")
                )
            }
            Self::Ingested(file) => format!("ingested {}{}", shown(&file.path), size(file)),
            Self::Updated(file) => format!("updated {}{}", shown(&file.path), size(file)),
            Self::Renamed { from, to, .. } => format!("renamed {} to {}", shown(from), shown(to)),
            Self::Removed { path, .. } => format!("removed {}", shown(path)),
            Self::Duplicate { path } => {
                format!(
                    "skipped {}: the same text is in the collection already",
                    shown(path)
                )
            }
            Self::Failed(file) => format!(
                "failed {}: {} ({})",
                shown(&file.path),
                clean(&file.error),
                clean(&file.error_code)
            ),
            Self::Kept { folder, documents } => format!(
                "kept {} whose files are not there: {} is empty or another drive, as if theirs was not mounted; \
                 `ids documents delete` removes them",
                count(*documents as u64, "document"),
                shown(folder)
            ),
            Self::FolderLost { path } => format!(
                "{} is not there, or another drive is; its documents are kept, and it is looked for again",
                shown(path)
            ),
            Self::FolderFound { path } => format!("{} is there again", shown(path)),
            Self::Trouble { text } => clean(text),
        }
    }
}
