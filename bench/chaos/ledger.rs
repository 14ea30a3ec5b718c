//! What was asked of the system, what it promised, and what it did wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

/// Violations that are told in full; past them they are only counted.
const TOLD: usize = 200;

/// One file's bytes, which may be uploaded more than once.
#[derive(Debug)]
pub struct Content {
    /// The name it is uploaded under.
    pub filename: String,
    /// The type that is announced.
    pub content_type: &'static str,
    /// The bytes.
    pub bytes: Arc<Vec<u8>>,
    /// The word that no other content has; `None` for files of the corpus, and for broken ones.
    pub word: Option<String>,
    /// It cannot be read, and the system must say so.
    pub is_broken: bool,
    /// Of the bytes.
    pub hash: [u8; 32],
    /// It was uploaded twice or may have been: its documents are neither changed nor removed any more, so that exactly one must be
    /// shown at the end.
    pub is_shared: bool,
    /// A document of it was removed, cancelled or changed, or that may be: none needs to be shown any more.
    pub is_loose: bool,
    /// Uploads whose answer never came: they may have been accepted.
    pub in_doubt: usize,
}

/// An accepted upload: a 202 was read.
#[derive(Debug)]
pub struct Accepted {
    /// Its document.
    pub document_id: String,
    /// Its job.
    pub job_id: String,
    /// An index into [`Book::contents`].
    pub content: usize,
    /// When.
    pub at: Instant,
}

/// What a person did to a document since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// Nothing, or gave it a further version.
    #[default]
    Kept,
    /// Its job was cancelled in time.
    Cancelled,
    /// It was deleted.
    Deleted,
    /// One of these was asked for, and no answer came.
    InDoubt,
}

/// What is known of a document.
#[derive(Debug, Default)]
pub struct Document {
    /// What a person did to it.
    pub fate: Fate,
    /// The contents of its accepted versions, in order.
    pub versions: Vec<usize>,
    /// Versions whose answer never came.
    pub versions_in_doubt: Vec<usize>,
    /// An action on it is under way.
    pub is_taken: bool,
}

/// A fault that was made.
#[derive(Debug, Clone)]
pub struct FaultRun {
    /// Its name.
    pub name: &'static str,
    /// When what was broken was whole again.
    pub over: Option<Instant>,
    /// When everything answered and worked again.
    pub healthy: Option<Instant>,
    /// The longest time without an end while work was waiting, until the next fault.
    pub longest_stall: Duration,
}

/// Everything that is written down.
#[derive(Debug, Default)]
pub struct Book {
    /// What was uploaded.
    pub contents: Vec<Content>,
    /// What was accepted.
    pub accepted: Vec<Accepted>,
    /// By id.
    pub documents: BTreeMap<String, Document>,
    /// In order.
    pub faults: Vec<FaultRun>,
    /// What must not be, as sentences.
    pub violations: Vec<String>,
    /// Times of answers by what was asked, in milliseconds; in quiet, and while something was broken.
    pub latencies: BTreeMap<(&'static str, bool), Vec<f64>>,
    /// Answers by what was asked and their code; 0 for none.
    pub answers: BTreeMap<(&'static str, u16), usize>,
    /// The stalls outside of faults.
    pub quiet_stall: Duration,
}

/// The book, shared by all who write.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Book>>);

impl Ledger {
    /// The book. Never held over an `.await`.
    pub fn open(&self) -> MutexGuard<'_, Book> {
        // Whoever panicked with it has said why; the others go on.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes down what must not be.
    pub fn violation(&self, what: String) {
        let mut book = self.open();
        let fault = book.current_fault().map_or("quiet time", |fault| fault.name);
        let line = format!("[{fault}] {what}");
        if book.violations.len() < TOLD {
            crate::report::say(&format!("VIOLATION {line}"));
        }
        book.violations.push(line);
    }

    /// Whether the named fault is being made, or has not been recovered from.
    pub fn is_under(&self, names: &[&str]) -> bool {
        let book = self.open();
        book.current_fault()
            .is_some_and(|fault| names.contains(&fault.name))
    }
}

impl Book {
    /// The fault that is not recovered from yet.
    pub fn current_fault(&self) -> Option<&FaultRun> {
        self.faults.last().filter(|fault| fault.healthy.is_none())
    }

    /// Adds a content; its index.
    pub fn add_content(
        &mut self,
        filename: String,
        content_type: &'static str,
        bytes: Vec<u8>,
        word: Option<String>,
        is_broken: bool,
    ) -> usize {
        self.contents.push(Content {
            filename,
            content_type,
            hash: Sha256::digest(&bytes).into(),
            bytes: Arc::new(bytes),
            word,
            is_broken,
            is_shared: false,
            is_loose: false,
            in_doubt: 0,
        });
        self.contents.len() - 1
    }

    /// Notes a 202.
    pub fn accept(&mut self, document_id: &str, job_id: &str, content: usize) {
        self.accepted.push(Accepted {
            document_id: document_id.to_owned(),
            job_id: job_id.to_owned(),
            content,
            at: Instant::now(),
        });
        let document = self.documents.entry(document_id.to_owned()).or_default();
        document.versions.push(content);
    }

    /// Notes how long an answer took, and what it was.
    pub fn answered(&mut self, what: &'static str, status: u16, took: Duration) {
        let is_under_fault = self.current_fault().is_some();
        *self.answers.entry((what, status)).or_default() += 1;
        let times = self.latencies.entry((what, is_under_fault)).or_default();
        times.push(took.as_secs_f64() * 1e3);
    }

    /// The fault that an upload accepted `at` met first: the one under way, else the next one.
    pub fn fault_met_by(&self, at: Instant) -> Option<&'static str> {
        self.faults
            .iter()
            .find(|fault| fault.healthy.is_none_or(|healthy| healthy >= at))
            .map(|fault| fault.name)
    }
}
