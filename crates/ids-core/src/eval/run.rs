//! Runs a set through the real pipeline: every document is accepted, chunked, indexed and embedded, every question
//! goes through the one search.

use std::collections::{BTreeMap, HashMap, HashSet};

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::asked::{self, AskedOutcome};
use super::metrics::{Grades, RankingMetrics, mean, percentile};
use super::quotes::{self, QuotesOutcome};
use crate::document::{
    Acceptance, AcceptedAs, BlobKey, ContentHash, ContentType, DocumentDetails, VersionStage,
};
use crate::error::{ErrorCode, Refusal, StoreErrorKind};
use crate::id::{DocumentId, JobId, OrganizationId, VersionId};
use crate::ingest::{self, Allowance};
use crate::library::Library;
use crate::limits;
use crate::page::{Block, BlockKind, ExtractedDocument, Page};
use crate::scope::{CollectionName, Scope};
use crate::search::{SearchMode, SearchRequest};
use crate::span::CharSpan;

/// A document of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalDocument {
    /// Its id in the set.
    pub id: String,
    /// Its title; empty for none.
    pub title: String,
    /// Its text.
    pub text: String,
}

/// A question of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalQuery {
    /// Its id in the set.
    pub id: String,
    /// What is asked.
    pub text: String,
}

/// A set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EvalSet {
    /// All documents.
    pub documents: Vec<EvalDocument>,
    /// All questions; one without grades is left out.
    pub queries: Vec<EvalQuery>,
    /// Grades by question.
    pub grades: HashMap<String, Grades>,
    /// Accepted answers by question; empty where the set has none.
    pub answers: HashMap<String, Vec<String>>,
    /// Questions that look as if the set answered them, and that it does not.
    pub unanswerable: Vec<EvalQuery>,
    /// Quotes that people found of no use, by question.
    pub rejected: HashMap<String, Vec<String>>,
}

/// What came of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct EvalOutcome {
    /// Documents indexed.
    pub documents: usize,
    /// Questions asked.
    pub queries: usize,
    /// Mean NDCG at 10.
    pub ndcg_at_10: f64,
    /// Mean recall at 10.
    pub recall_at_10: f64,
    /// Mean reciprocal rank at 10.
    pub mrr_at_10: f64,
    /// One question from text to hits, median, in milliseconds.
    pub p50_ms: f64,
    /// The same, 99th percentile.
    pub p99_ms: f64,
    /// How each question was ranked, by its id in the set.
    pub rankings: Vec<(String, RankingMetrics)>,
    /// How often an accepted answer is quoted; `None` where the set has no answers.
    pub answers: Option<QuotesOutcome>,
    /// What came of asking; `None` where nobody asked.
    pub asked: Option<AskedOutcome>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EvalOptions {
    /// By what is searched.
    pub mode: SearchMode,
    /// Grades of this and above are relevant.
    pub relevant_from: u32,
    /// Questions that are asked from end to end, with the model that is there; 0 for none.
    pub ask: usize,
}

/// Told how far an evaluation is.
pub trait EvalProgress: Sync {
    /// `done` of `total` documents are indexed.
    fn indexed(&self, done: usize, total: usize);
    /// `done` of `total` questions are asked.
    fn asked(&self, done: usize, total: usize);
    /// `done` of `total` questions are answered by quotes.
    fn answered(&self, done: usize, total: usize);
}

/// Indexes `set` in `library`, which must be empty, asks every question, and grades the rankings.
///
/// A document's rank is that of its best chunk. Each document is indexed, also where two have the same text.
///
/// # Errors
/// Whatever accepting, indexing or searching answers; `INTERNAL` with "stopped" after `stop`.
pub async fn evaluate(
    library: &Library,
    set: &EvalSet,
    options: EvalOptions,
    progress: &dyn EvalProgress,
    stop: &CancellationToken,
) -> Result<EvalOutcome, Refusal> {
    let EvalOptions {
        mode,
        relevant_from,
        ask,
    } = options;
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let names = index_set(library, &scope, set, mode, progress, stop).await?;
    let queries: Vec<&EvalQuery> = set
        .queries
        .iter()
        .filter(|query| set.grades.contains_key(&query.id))
        .collect();
    let mut rankings = Vec::with_capacity(queries.len());
    let mut times = Vec::with_capacity(queries.len());
    for (done, query) in queries.iter().enumerate() {
        if stop.is_cancelled() {
            return Err(stopped());
        }
        let request = SearchRequest {
            mode,
            limit: limits::SEARCH_RESULTS,
            ..SearchRequest::new(query.text.clone())
        };
        let begun = library.ports.clock.now();
        let reply = library.search(&scope, &request).await?;
        times.push(library.ports.clock.now().since(begun).as_secs_f64() * 1e3);
        let mut seen = HashSet::new();
        let ranking: Vec<&str> = reply
            .hits
            .iter()
            .filter(|hit| seen.insert(hit.chunk.document_id))
            .filter_map(|hit| names.get(&hit.chunk.document_id).map(String::as_str))
            .collect();
        let metric = RankingMetrics::of(&ranking, &set.grades[&query.id], relevant_from);
        rankings.push((query.id.clone(), metric));
        progress.asked(done + 1, queries.len());
    }
    let running = Running {
        library,
        scope: &scope,
        set,
        names: &names,
        options,
        progress,
        stop,
    };
    let answers = quotes::measure(&running).await?;
    let asked = match ask {
        0 => None,
        most => Some(asked::measure(&running, most).await?),
    };
    let metrics = || rankings.iter().map(|(_, metric)| metric);
    Ok(EvalOutcome {
        answers,
        asked,
        documents: set.documents.len(),
        queries: queries.len(),
        ndcg_at_10: mean(metrics().map(|metric| metric.ndcg)),
        recall_at_10: mean(metrics().filter_map(|metric| metric.recall)),
        mrr_at_10: mean(metrics().filter_map(|metric| metric.reciprocal_rank)),
        p50_ms: percentile(&mut times, 50.0),
        p99_ms: percentile(&mut times, 99.0),
        rankings,
    })
}

/// A set that is indexed, and what is asked of it.
pub(super) struct Running<'a> {
    pub(super) library: &'a Library,
    pub(super) scope: &'a Scope,
    pub(super) set: &'a EvalSet,
    /// The set's ids by ours.
    pub(super) names: &'a BTreeMap<DocumentId, String>,
    pub(super) options: EvalOptions,
    pub(super) progress: &'a dyn EvalProgress,
    pub(super) stop: &'a CancellationToken,
}

impl Running<'_> {
    /// Ends the measurement when it was stopped.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.stop.is_cancelled() {
            return Err(stopped());
        }
        Ok(())
    }

    /// Whether a document is relevant for a question.
    pub(super) fn is_relevant(&self, query_id: &str, document_id: DocumentId) -> bool {
        let grades = self.set.grades.get(query_id);
        let name = self.names.get(&document_id);
        let grade = grades.zip(name).and_then(|(grades, name)| grades.get(name));
        grade.is_some_and(|&grade| grade >= self.options.relevant_from)
    }

    /// The documents that are relevant for a question.
    pub(super) fn relevant_count(&self, query_id: &str) -> usize {
        let grades = self.set.grades.get(query_id);
        let is_relevant = |grade: &&u32| **grade >= self.options.relevant_from;
        grades.map_or(0, |grades| grades.values().filter(is_relevant).count())
    }
}

/// Indexes every document of a set in a library, which must be empty; returns the set's ids by ours.
///
/// # Errors
/// As [`evaluate`].
pub async fn index_set(
    library: &Library,
    scope: &Scope,
    set: &EvalSet,
    mode: SearchMode,
    progress: &dyn EvalProgress,
    stop: &CancellationToken,
) -> Result<BTreeMap<DocumentId, String>, Refusal> {
    let mut names = BTreeMap::new();
    for (done, document) in set.documents.iter().enumerate() {
        if stop.is_cancelled() {
            return Err(stopped());
        }
        if let Some(document_id) = index_document(library, scope, document, mode, stop).await? {
            names.insert(document_id, document.id.clone());
        }
        progress.indexed(done + 1, set.documents.len());
    }
    Ok(names)
}

/// Takes one document through the pipeline, but for its extraction: the set gives the text. `None` for one without text.
async fn index_document(
    library: &Library,
    scope: &Scope,
    document: &EvalDocument,
    mode: SearchMode,
    stop: &CancellationToken,
) -> Result<Option<DocumentId>, Refusal> {
    let ports = &library.ports;
    let chars = document.text.chars().count() as u32;
    if document.text.trim().is_empty() {
        return Ok(None);
    }
    // The id is part of the hashes: documents with the same text are kept apart, and ties go by id in every store.
    let hash = ContentHash::from_bytes(Sha256::digest(format!("{}\n{}", document.id, document.text)).into());
    let details = DocumentDetails {
        // A space is no title but is one given: without it the file's name would be indexed as the title.
        title: Some(if document.title.trim().is_empty() {
            " ".to_owned()
        } else {
            document.title.clone()
        }),
        description: None,
        tags: Vec::new(),
        collection: CollectionName::default(),
        filename: format!("{}.txt", document.id),
    };
    let text_type = ContentType::parse(ContentType::TEXT).ok_or_else(broken)?;
    let version_id = VersionId::from_uuid(ports.ids.next());
    let acceptance = Acceptance {
        document_id: DocumentId::from_uuid(ports.ids.next()),
        accepted_as: AcceptedAs::NewDocument {
            details,
            source: None,
        },
        version_id,
        job_id: JobId::from_uuid(ports.ids.next()),
        blob: BlobKey(format!("temp/{}/{version_id}", scope.organization)),
        content_type: text_type,
        file_size: document.text.len() as u64,
        file_hash: hash,
        kept_hash: None,
    };
    let accepted = ports.jobs.accept(scope, &acceptance).await?;
    let mut claimed = ports
        .jobs
        .claim(&accepted.job, "eval")
        .await?
        .ok_or_else(broken)?;
    let extracted = ExtractedDocument {
        pages: vec![Page {
            number: 1,
            text: document.text.clone(),
            blocks: paragraphs(&document.text, chars),
            ..Page::default()
        }],
        ..ExtractedDocument::default()
    };
    ports
        .documents
        .save_extraction(&claimed.lease, &extracted, hash)
        .await?;
    claimed.version.stage = VersionStage::Extracted;
    // There are no bytes to be moved or dropped.
    claimed.version.blob = None;
    let prepared = ingest::prepare(library, &claimed, &Allowance::default())
        .await
        .map_err(refused)?;
    if let ingest::Turn::Prepared { chunks } = prepared
        // By words alone no embedding is looked at, and they are nearly all of the time.
        && mode != SearchMode::Keyword
    {
        claimed.version.chunk_count = chunks;
        while let ingest::Turn::MoreToEmbed { left } =
            ingest::embed(library, &claimed, stop).await.map_err(refused)?
        {
            claimed.version.embedded_count = chunks - left.min(chunks);
            if stop.is_cancelled() {
                return Err(stopped());
            }
        }
    }
    Ok(Some(accepted.document_id))
}

/// Blocks of a plain text: paragraphs parted by blank lines.
fn paragraphs(text: &str, chars: u32) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut start = 0;
    for part in text.split("\n\n") {
        let end = start + part.chars().count() as u32;
        if !part.trim().is_empty() {
            blocks.push(Block {
                kind: BlockKind::Paragraph,
                span: CharSpan::new(start, end.min(chars)),
            });
        }
        start = end + 2;
    }
    blocks
}

fn refused(error: ingest::StepError) -> Refusal {
    match error {
        ingest::StepError::Store(error) if error.kind() == StoreErrorKind::LeaseLost => broken(),
        ingest::StepError::Store(error) => error.into(),
        ingest::StepError::Blob(error) => crate::library::refused_by_blobs(error),
        ingest::StepError::Failed(failure) => Refusal::new(failure.code, failure.message),
    }
}

fn broken() -> Refusal {
    Refusal::new(
        ErrorCode::Internal,
        "the throw-away library of this evaluation was changed by someone else",
    )
}

fn stopped() -> Refusal {
    Refusal::new(ErrorCode::Internal, "stopped")
}
