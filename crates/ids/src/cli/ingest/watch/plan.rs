//! What is to be done about a change, and what came of it.

use std::path::PathBuf;

use crate::cli::ingest::report::FailedFile;
use crate::cli::ingest::walk::FoundFile;

/// A file that is a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// The document.
    pub document_id: String,
    /// The SHA-256 of its bytes.
    pub file_hash: String,
    /// How many they are.
    pub size: u64,
}

/// Something to be done.
#[derive(Debug)]
pub enum Act {
    /// A file is new or changed. `twins` are documents of as many bytes whose files are gone: it may be one of them, renamed.
    Ingest {
        /// The file; its path is the real one.
        file: FoundFile,
        /// What it may have been.
        twins: Vec<(String, KnownFile)>,
        /// What it is so far.
        known: Option<KnownFile>,
    },
    /// A file is gone.
    Remove {
        /// Its path.
        source: String,
        /// What it was.
        known: KnownFile,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The file is this document.
    Document(KnownFile),
    /// The file is this document, and its text that of another one.
    Duplicate(KnownFile),
    /// It is the document that another file was.
    Moved {
        /// Where that lay.
        from: String,
        /// The document.
        known: KnownFile,
    },
    /// Nothing changed; tried again when the file does.
    Nothing,
    /// The document is gone.
    Removed,
    /// The library could not be reached, or was too busy.
    Again,
}

/// Something to be told that is no outcome of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A watched folder went away, or came back.
    Root {
        /// Which, by its real path.
        path: PathBuf,
        /// Whether it is there.
        is_there: bool,
    },
    /// Files are not there, and their documents are kept, since the folder looks as if its drive was not there.
    Kept {
        /// The folder.
        folder: PathBuf,
        /// How many documents.
        documents: usize,
    },
    /// Something cannot be read.
    Failed(FailedFile),
}
