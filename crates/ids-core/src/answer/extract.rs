//! An answer without a model: the sentences that answer best, as they stand in the documents.

use super::evidence::Evidence;
use super::{AskEvents, AskStage, Draft, Found, confidence, words};
use crate::error::Refusal;
use crate::library::Library;
use crate::scope::Scope;
use crate::session::{AnswerMode, Claim, ClaimStatus, NearestDocument, TokenUsage};

/// Sentences that are quoted at most.
const QUOTES: usize = 3;
/// Documents named when there is no answer.
const NEAREST: usize = 3;

impl Library {
    /// Answers with sentences of what was found, or says that there is no answer. After text that `was_shown` and taken back, a new
    /// paragraph begins.
    pub(super) async fn extract(
        &self,
        scope: &Scope,
        question: &str,
        found: &Found,
        was_shown: bool,
        events: &AskEvents,
    ) -> Result<Draft, Refusal> {
        events.stage(AskStage::Reading).await;
        let slot = self.reading.acquire().await?;
        let embedded = found.query_embedding.as_ref();
        let evidence = self
            .rank_sentences(scope, &found.query, embedded, &found.relevant)
            .await;
        drop(slot);
        let mut separator = if was_shown { "\n\n" } else { "" };
        if !confidence(&found.query, &found.relevant, &evidence).is_enough() {
            let draft = no_answer(question, found);
            events.delta(format!("{separator}{}", draft.text)).await;
            return Ok(draft);
        }
        events.stage(AskStage::Checking).await;
        let mut draft = Draft::empty(AnswerMode::Extractive);
        for best in quoted(&evidence) {
            // What cannot be found at its place any more (a document changed or deleted meanwhile) is no evidence.
            let Some(citation) = self.cite(scope, best).await? else {
                continue;
            };
            let text = on_one_line(&best.text);
            events.delta(format!("{separator}{text}")).await;
            separator = "\n\n";
            draft.push(text, ClaimStatus::Verified, vec![citation]);
        }
        if draft.claims.is_empty() {
            let draft = no_answer(question, found);
            events.delta(format!("{separator}{}", draft.text)).await;
            return Ok(draft);
        }
        Ok(draft)
    }
}

/// The sentences to be quoted: the best one, and those after it that are sentences.
pub fn quoted(evidence: &[Evidence]) -> impl Iterator<Item = &Evidence> {
    evidence
        .iter()
        .enumerate()
        .filter(|(rank, sentence)| *rank == 0 || !sentence.features.is_title)
        .map(|(_, sentence)| sentence)
        .take(QUOTES)
}

impl Draft {
    /// Nothing said yet.
    pub(super) fn empty(mode: AnswerMode) -> Self {
        Self {
            text: String::new(),
            mode,
            answered: false,
            sources: Vec::new(),
            claims: Vec::new(),
            nearest: Vec::new(),
            model: None,
            usage: TokenUsage::default(),
            cost: None,
            hidden: None,
            fallback: None,
        }
    }

    /// Says one thing more, with its evidence. A place that is cited already is not listed twice.
    pub(super) fn push(
        &mut self,
        text: String,
        status: ClaimStatus,
        citations: Vec<crate::session::Citation>,
    ) {
        let mut sources = Vec::with_capacity(citations.len());
        for citation in citations {
            let known = self.sources.iter().position(|source| {
                source.document_id == citation.document_id && source.place == citation.place
            });
            let at = known.unwrap_or_else(|| {
                self.sources.push(citation);
                self.sources.len() - 1
            });
            sources.push(at as u32);
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(&text);
        self.answered = true;
        self.claims.push(Claim {
            text,
            status,
            sources,
        });
    }
}

/// Says that there is no answer, and which documents came nearest.
pub(super) fn no_answer(question: &str, found: &Found) -> Draft {
    let mut nearest: Vec<NearestDocument> = Vec::new();
    for hit in &found.hits {
        let chunk = &hit.chunk;
        let is_new = nearest
            .iter()
            .all(|document| document.document_id != chunk.document_id);
        if is_new && nearest.len() < NEAREST {
            nearest.push(NearestDocument {
                document_id: chunk.document_id,
                document_title: chunk.document_title.clone(),
                page_number: chunk.first_page(),
            });
        }
    }
    Draft {
        text: words::no_answer(question, &nearest, found.advice),
        nearest,
        ..Draft::empty(AnswerMode::Extractive)
    }
}

/// A sentence of a PDF runs over lines.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
