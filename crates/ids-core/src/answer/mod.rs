//! A question to quotes: retrieve → rank sentences → quote them with their place. No model is asked: what is shown stands in the
//! documents, word for word.

mod place;
mod sentence;

use std::collections::HashSet;

use ids_text::Term;

use crate::chunk::ChunkDetail;
use crate::error::Refusal;
use crate::library::Library;
use crate::scope::Scope;
use crate::search::{Hit, SearchRequest};
use crate::span::PageSpan;
use sentence::{Question, Sentence};

/// Passages whose sentences are looked at.
const PASSAGES: usize = 8;
/// Sentences that are compared by meaning too: each costs an embedding.
const COMPARED: usize = 12;
/// Sentences that are quoted.
const QUOTES: usize = 3;

/// A sentence that answers, or comes nearest to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    /// The chunk it stands in.
    pub chunk: ChunkDetail,
    /// The sentence, as it stands on its page; cut at the page's end.
    pub text: String,
    /// Where it stands.
    pub place: PageSpan,
    /// Orders the quotes of one answer.
    pub score: f32,
}

impl Library {
    /// The sentences that answer a question best, best first, at most three.
    ///
    /// `request` is a search for the question; its mode and limit are chosen here.
    ///
    /// # Errors
    /// As [`Library::search`].
    pub async fn quotes(&self, scope: &Scope, request: &SearchRequest) -> Result<Vec<Quote>, Refusal> {
        let request = SearchRequest {
            limit: PASSAGES,
            ..request.clone()
        };
        let reply = self.search(scope, &request).await?;
        let question = Question::new(&request.query);
        let mut sentences = sentences_of(&reply.hits, &question);
        sentences.sort_by(|a, b| b.before_meaning().total_cmp(&a.before_meaning()));
        sentences.truncate(COMPARED);
        self.compare_meaning(&request.query, &mut sentences).await;
        let mut ranked: Vec<(f32, Sentence<'_>)> = sentences
            .into_iter()
            .map(|sentence| (sentence.score(), sentence))
            .collect();
        // Stable: equals stay in the order of the hits and of the text.
        ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        ranked.truncate(QUOTES);
        Ok(ranked
            .into_iter()
            .map(|(score, sentence)| sentence.into_quote(score))
            .collect())
    }

    /// Fills in how near each sentence is by meaning. Without a model the words decide alone.
    async fn compare_meaning(&self, query: &str, sentences: &mut [Sentence<'_>]) {
        let embedder = &self.ports.embedder;
        let texts: Vec<String> = sentences
            .iter()
            .map(|sentence| sentence.text.to_owned())
            .collect();
        let Ok(query) = embedder.embed_query(query).await else {
            return;
        };
        let Ok(vectors) = embedder.embed_passages(&texts).await else {
            return;
        };
        let query = query.to_f32();
        for (sentence, vector) in sentences.iter_mut().zip(&vectors) {
            sentence.cosine = Some(crate::embedding::inner_product(&query, &vector.to_f32()));
        }
    }
}

/// The sentences of all hits, each place once.
fn sentences_of<'a>(hits: &'a [Hit], question: &Question) -> Vec<Sentence<'a>> {
    let mut sentences = Vec::new();
    let mut seen = HashSet::new();
    let weights = sentence::weights(hits);
    for (rank, hit) in hits.iter().enumerate() {
        for (start, end) in ids_text::sentences(&hit.chunk.content) {
            let Some(place) = place::in_page(&hit.chunk, start as u32, end as u32) else {
                continue;
            };
            if seen.insert((hit.chunk.document_id, place)) {
                sentences.push(Sentence::new(hit, rank, place, question, &weights));
            }
        }
    }
    sentences
}

/// The terms of a text, each once.
fn distinct_terms(text: &str) -> HashSet<Term> {
    ids_text::index_terms(text).into_iter().collect()
}
