//! Searches.

use std::time::Duration;

use ids_core::search::{Explanation, Hit, SearchReply};
use ids_core::session::AnswerFallback;
use serde::Serialize;
use utoipa::ToSchema;

use super::chunk::{PlaceBody, RangeBody, SpanBody};
use super::rounded;

/// What is asked.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::search::read` reads; a test holds both together"
)]
pub(crate) struct SearchRequest {
    /// The question or words, as typed.
    #[schema(example = "prazo para pagamento de férias")]
    query: String,
    /// Results at most, 1 to 100.
    #[schema(default = 10, minimum = 1, maximum = 100)]
    n_results: Option<u32>,
    /// By words and meaning, or by one of them: hybrid, keyword or semantic.
    #[schema(default = "hybrid")]
    mode: Option<String>,
    /// Results with a smaller `similarity_score` are left out.
    #[schema(default = 0.0, minimum = 0, maximum = 1)]
    similarity_threshold: Option<f32>,
    /// Only these documents.
    document_ids: Option<Vec<String>>,
    /// Only these MIME types.
    content_types: Option<Vec<String>>,
    /// Only documents that have all of these tags.
    tags: Option<Vec<String>>,
    /// Only this collection; without it all that may be read.
    collection: Option<String>,
    /// Whether each result says where its score comes from.
    #[schema(default = false)]
    explain: Option<bool>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchReplyBody {
    /// Best first.
    results: Vec<ResultBody>,
    /// Seconds.
    query_time: f64,
    /// How many chunks were in question.
    total_chunks_searched: u64,
    /// Why words alone were looked at although meaning was asked for, too: budget or organization_budget (used up for the month), or model_failed. Null where
    /// they were not.
    #[schema(example = json!(null))]
    words_alone: Option<&'static str>,
}

impl SearchReplyBody {
    pub(crate) fn new(reply: &SearchReply, took: Duration, explain: bool) -> Self {
        Self {
            results: reply
                .hits
                .iter()
                .map(|hit| ResultBody::new(hit, explain))
                .collect(),
            query_time: (took.as_secs_f64() * 1e6).round() / 1e6,
            total_chunks_searched: reply.chunks_searched,
            words_alone: reply.words_alone.map(AnswerFallback::as_str),
        }
    }
}

/// A passage that was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResultBody {
    /// The chunk.
    chunk_id: String,
    /// Its document.
    document_id: String,
    /// The document's title.
    document_title: String,
    /// The passage.
    content: String,
    /// Orders the results of this reply; compares with nothing else.
    score: f64,
    /// How near in meaning, 0 to 1; 0 while that is not known yet.
    similarity_score: f64,
    /// How well the words fit (BM25), 0 and more.
    keyword_score: f64,
    /// From 0, within the document.
    chunk_index: u32,
    /// The file's name.
    source: String,
    /// The page where it begins, from 1.
    page: u32,
    /// The headings it stands under, outermost first.
    heading: Option<String>,
    /// How the place is cited, in a text of law: act, article, paragraph, item, letter.
    #[schema(example = "Lei 14.133/2021, art. 75, II")]
    reference: Option<String>,
    /// Where it begins in that page's text (Unicode scalar values).
    start: u32,
    /// Where its part on that page ends, exclusive.
    end: u32,
    /// All its parts, one for each page; their texts joined by a line feed are `content`.
    spans: Vec<SpanBody>,
    /// The words of `content` that matched.
    highlights: Vec<RangeBody>,
    /// Where the score comes from, when `explain` was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<ExplanationBody>,
}

impl ResultBody {
    fn new(hit: &Hit, explain: bool) -> Self {
        let PlaceBody {
            page,
            start,
            end,
            spans,
        } = PlaceBody::from(&hit.chunk);
        Self {
            chunk_id: hit.chunk.chunk_id.to_string(),
            document_id: hit.chunk.document_id.to_string(),
            document_title: hit.chunk.document_title.clone(),
            content: hit.chunk.content.clone(),
            score: rounded(hit.score),
            similarity_score: rounded(hit.similarity_score),
            keyword_score: rounded(hit.keyword_score),
            chunk_index: hit.chunk.chunk_index,
            source: hit.chunk.filename.clone(),
            page,
            heading: hit.chunk.headings().map(str::to_owned),
            reference: hit.reference.clone(),
            start,
            end,
            spans,
            highlights: hit.highlights.iter().copied().map(RangeBody::from).collect(),
            explanation: explain.then(|| ExplanationBody::from(&hit.explanation)),
        }
    }
}

/// Where a score comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplanationBody {
    /// By what was searched.
    mode: &'static str,
    /// BM25.
    words: f64,
    /// BM25 in standard deviations from the candidates' mean.
    words_z: f64,
    /// The cosine, before calibration.
    cosine: Option<f64>,
    /// The cosine in standard deviations from the candidates' mean.
    meaning_z: f64,
    /// What each term of the query added to BM25, rarest first.
    terms: Vec<TermBody>,
    /// Terms of the chunk.
    length: u32,
    /// Chunks that document frequencies refer to.
    chunks: u64,
}

/// One term's part of a score.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TermBody {
    /// The term as it is indexed.
    term: String,
    /// How often it stands in the chunk.
    frequency: u32,
    /// In how many chunks it stands.
    document_frequency: u64,
    /// What it added.
    contribution: f64,
}

impl From<&Explanation> for ExplanationBody {
    fn from(explanation: &Explanation) -> Self {
        let terms = explanation.terms.iter().map(|term| TermBody {
            term: term.term.clone(),
            frequency: term.frequency,
            document_frequency: term.document_frequency,
            contribution: rounded(term.contribution),
        });
        Self {
            mode: explanation.mode.as_str(),
            words: rounded(explanation.words),
            words_z: rounded(explanation.words_z),
            cosine: explanation.cosine.map(rounded),
            meaning_z: rounded(explanation.meaning_z),
            terms: terms.collect(),
            length: explanation.length,
            chunks: explanation.chunks,
        }
    }
}
