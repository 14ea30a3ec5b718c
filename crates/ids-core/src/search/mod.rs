//! A question to hits: analyze → candidates by words and by meaning → fuse → highlight (design.md 4).

mod calibrate;
mod explain;
mod fuse;
mod highlight;
mod lexical;
mod reference;
mod vector;

use std::collections::{BTreeMap, BTreeSet};

pub use calibrate::{comparable_cosine, comparable_cosine_of, similarity_of};
pub use explain::{Explanation, TermExplanation};
pub use fuse::{Fused, Scores, fuse};
pub(crate) use lexical::idf;
pub use lexical::{B, Bm25, K1};

use crate::chunk::{Candidate, ChunkDetail, Filter};
use crate::embedding::{Embedding, EmbeddingModel};
use crate::error::{ErrorCode, FieldError, Refusal};
use crate::id::ChunkId;
use crate::library::{Library, NoVectors, Ports};
use crate::limits;
use crate::ports::{EmbedTexts, Embedder};
use crate::scope::Scope;
use crate::session::AnswerFallback;
use crate::span::CharSpan;
use crate::trace::TARGET;
use tracing::Instrument;

/// By what hits are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SearchMode {
    /// By words and by meaning.
    #[default]
    Hybrid,
    /// By words alone.
    Keyword,
    /// By meaning alone.
    Semantic,
}

impl SearchMode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Hybrid, Self::Keyword, Self::Semantic];

    /// The word on the wire and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hybrid => "hybrid",
            Self::Keyword => "keyword",
            Self::Semantic => "semantic",
        }
    }

    /// The mode of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchRequest {
    /// The question or words, as typed.
    pub query: String,
    /// Hits at most, 1 to [`limits::SEARCH_RESULTS`].
    pub limit: usize,
    /// By what.
    pub mode: SearchMode,
    /// Hits with a smaller `similarity_score` are left out; 0 leaves none out.
    pub similarity_threshold: f32,
    /// Where to look.
    pub filter: Filter,
}

impl SearchRequest {
    /// A hybrid search for `query` over everything in scope, ten hits.
    pub fn new(query: impl Into<String>) -> Self {
        Self {
            query: query.into(),
            limit: 10,
            mode: SearchMode::Hybrid,
            similarity_threshold: 0.0,
            filter: Filter::default(),
        }
    }
}

/// A chunk that was found, with its scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The chunk.
    pub chunk: ChunkDetail,
    /// Orders the hits of one reply; compares with nothing else.
    pub score: f32,
    /// The calibrated cosine, 0 to 1; 0 while there is no embedding.
    pub similarity_score: f32,
    /// BM25, 0 and more.
    pub keyword_score: f32,
    /// The words of `chunk.content` that matched.
    pub highlights: Vec<CharSpan>,
    /// How the place is cited where most of them stand, in a text of law: `Lei 14.133/2021, art. 75, II`.
    pub reference: Option<String>,
    /// Where the score comes from.
    pub explanation: Explanation,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchReply {
    /// Best first.
    pub hits: Vec<Hit>,
    /// How many chunks were in question.
    pub chunks_searched: u64,
    /// Why words alone were looked at although meaning was asked for, too.
    pub words_alone: Option<AnswerFallback>,
    /// The query's vector, where there is one: what is compared with the query next need not embed it again.
    pub query_embedding: Option<QueryEmbedding>,
}

/// The vector of a query, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryEmbedding {
    /// The model that made it.
    pub model: EmbeddingModel,
    /// The vector.
    pub embedding: Embedding,
}

impl Library {
    /// Searches.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, `COLLECTION_NOT_FOUND`, `DEPENDENCY_UNAVAILABLE` (also when a semantic search has no model).
    pub async fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchReply, Refusal> {
        self.check_search(scope, request).await?;
        search(self, scope, request).await
    }

    /// Refuses a search that cannot be done.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, `COLLECTION_NOT_FOUND`, `DEPENDENCY_UNAVAILABLE`.
    pub(crate) async fn check_search(&self, scope: &Scope, request: &SearchRequest) -> Result<(), Refusal> {
        check_request(request)?;
        if let Some(name) = &request.filter.collection {
            let known = self.ports.documents.list_collections(scope).await?;
            if !known.iter().any(|collection| collection.name == *name) {
                return Err(Refusal::new(
                    ErrorCode::CollectionNotFound,
                    format!("there is no collection `{name}`"),
                ));
            }
        }
        Ok(())
    }
}

/// The one search: every front end, and `ids eval`, comes through here. `request` is valid.
pub(crate) async fn search(
    library: &Library,
    scope: &Scope,
    request: &SearchRequest,
) -> Result<SearchReply, Refusal> {
    let step = tracing::info_span!(target: TARGET, "search", mode = request.mode.as_str());
    find(library, scope, request).instrument(step).await
}

async fn find(library: &Library, scope: &Scope, request: &SearchRequest) -> Result<SearchReply, Refusal> {
    let ports = &library.ports;
    let filter = &request.filter;
    let terms = ids_text::query_terms(&request.query);
    let chunks_searched = ports.chunks.count_chunks(scope, filter).await?;
    if chunks_searched == 0 {
        return Ok(SearchReply {
            hits: Vec::new(),
            chunks_searched,
            words_alone: None,
            query_embedding: None,
        });
    }
    let bm25 = Bm25::new(ports, scope, terms).await?;
    let step = tracing::info_span!(target: TARGET, "embed_query");
    // One for the whole search: another model may begin to serve meanwhile.
    let embedder = ports.embedders.current();
    let model = embedder.model();
    let (query_embedding, words_alone) = embed(library, scope, &*embedder, request)
        .instrument(step)
        .await?;

    let mut wanted: BTreeSet<ChunkId> = BTreeSet::new();
    if request.mode != SearchMode::Semantic {
        wanted.extend(lexical::best(ports, scope, filter, &bm25).await?);
    }
    if request.mode != SearchMode::Keyword
        && let Some(query) = &query_embedding
    {
        wanted.extend(vector::best(ports, scope, filter, (model, query)).await?);
    }
    let wanted: Vec<ChunkId> = wanted.into_iter().collect();
    let candidates = ports
        .chunks
        .load_candidates(
            scope,
            &wanted,
            bm25.terms(),
            query_embedding.as_ref().map(|_| model),
        )
        .await?;
    let scored = score(candidates, &bm25, query_embedding.as_ref());

    let mut ranked = fuse(&scored, request.mode);
    ranked.retain(|fused| {
        let cosine = scored[fused.index].scores.cosine;
        similarity_of(&model.name, cosine) >= request.similarity_threshold
    });
    ranked.truncate(request.limit);
    let hits = load_hits(ports, scope, request, (&bm25, model), &scored, &ranked).await?;
    Ok(SearchReply {
        hits,
        chunks_searched,
        words_alone: words_alone.filter(|_| request.mode != SearchMode::Keyword),
        query_embedding: query_embedding.map(|embedding| QueryEmbedding {
            model: model.clone(),
            embedding,
        }),
    })
}

/// A candidate with both scores.
#[derive(Debug, Clone)]
pub struct ScoredCandidate {
    /// What was loaded of it.
    pub candidate: Candidate,
    /// Its two scores.
    pub scores: Scores,
}

fn score(candidates: Vec<Candidate>, bm25: &Bm25, query: Option<&Embedding>) -> Vec<ScoredCandidate> {
    let query = query.map(Embedding::to_f32);
    candidates
        .into_iter()
        .map(|candidate| {
            let words = bm25.score(candidate.length, &candidate.term_frequencies);
            let cosine = vector::cosine(query.as_deref(), candidate.embedding.as_ref());
            ScoredCandidate {
                candidate,
                scores: Scores { words, cosine },
            }
        })
        .collect()
}

async fn load_hits(
    ports: &Ports,
    scope: &Scope,
    request: &SearchRequest,
    (bm25, model): (&Bm25, &EmbeddingModel),
    scored: &[ScoredCandidate],
    ranked: &[Fused],
) -> Result<Vec<Hit>, Refusal> {
    let ids: Vec<ChunkId> = ranked
        .iter()
        .map(|fused| scored[fused.index].candidate.chunk_id)
        .collect();
    let details = ports.chunks.load_details(scope, &ids).await?;
    let mut details: BTreeMap<ChunkId, ChunkDetail> = details
        .into_iter()
        .map(|detail| (detail.chunk_id, detail))
        .collect();
    let query_terms: BTreeSet<ids_text::Term> = bm25.terms().iter().cloned().collect();
    let mut hits = Vec::with_capacity(ranked.len());
    for fused in ranked {
        let of = &scored[fused.index];
        // Deleted since it was found: it is no hit any more.
        let Some(chunk) = details.remove(&of.candidate.chunk_id) else {
            continue;
        };
        let highlights = highlight::spans(&chunk.content, &query_terms);
        hits.push(Hit {
            score: fused.score,
            similarity_score: similarity_of(&model.name, of.scores.cosine),
            keyword_score: of.scores.words,
            reference: reference::of(&chunk, &highlights),
            highlights,
            explanation: explain::explain(request.mode, bm25, of, fused),
            chunk,
        });
    }
    Ok(hits)
}

/// The query's vector, or why there is none. Without a model a search by words goes on, one by meaning alone cannot.
async fn embed(
    library: &Library,
    scope: &Scope,
    embedder: &dyn Embedder,
    request: &SearchRequest,
) -> Result<(Option<Embedding>, Option<AnswerFallback>), Refusal> {
    // A vector of words that are looked for as words would be paid for in vain.
    if request.mode == SearchMode::Keyword && embedder.billed_as().is_some() {
        return Ok((None, None));
    }
    let is_semantic = request.mode == SearchMode::Semantic;
    let texts = EmbedTexts::Query(&request.query);
    match library.embed(scope, embedder, texts, Vec::new()).await {
        Ok(vectors) => Ok((vectors.into_iter().next(), None)),
        Err(NoVectors::Model(error)) if is_semantic => Err(Refusal::new(
            ErrorCode::DependencyUnavailable,
            "the embedding model cannot be reached; search with `mode` keyword, or try again in a moment",
        )
        .retry_after(limits::POSTPONE)
        .caused_by(error)),
        Err(NoVectors::Model(error)) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "searching by words alone: the query has no embedding"
            );
            Ok((None, Some(AnswerFallback::ModelFailed)))
        }
        Err(NoVectors::OverBudget(_)) if is_semantic => Err(Refusal::new(
            ErrorCode::DependencyUnavailable,
            "the AI budget of the month is used up, so the query has no embedding; search with `mode` keyword",
        )
        .retry_after(limits::BUDGET_PAUSE)),
        Err(NoVectors::OverBudget(party)) => Ok((None, Some(AnswerFallback::of_budget(party)))),
        Err(NoVectors::Ledger(error)) => Err(error.into()),
    }
}

fn check_request(request: &SearchRequest) -> Result<(), Refusal> {
    let mut bad = Vec::new();
    let mut refuse = |field: &str, reason: String| {
        bad.push(FieldError {
            field: field.to_owned(),
            reason,
        })
    };
    if request.query.trim().is_empty() {
        refuse("query", "must not be empty".to_owned());
    }
    if request.query.chars().count() > limits::QUERY_CHARS {
        refuse(
            "query",
            format!("must have at most {} characters", limits::QUERY_CHARS),
        );
    }
    if !(1..=limits::SEARCH_RESULTS).contains(&request.limit) {
        refuse("n_results", format!("must be 1 to {}", limits::SEARCH_RESULTS));
    }
    if !(0.0..=1.0).contains(&request.similarity_threshold) {
        refuse("similarity_threshold", "must be 0 to 1".to_owned());
    }
    for (field, count) in [
        ("document_ids", request.filter.document_ids.len()),
        ("content_types", request.filter.content_types.len()),
        ("tags", request.filter.tags.len()),
    ] {
        if count > limits::FILTER_VALUES {
            refuse(field, format!("must be at most {}", limits::FILTER_VALUES));
        }
    }
    if bad.is_empty() {
        Ok(())
    } else {
        Err(Refusal::fields(bad))
    }
}
