//! A question to evidence: the passages that were found, and the sentences in them, ranked by how well they answer.

use std::collections::HashSet;

use ids_text::Term;

use super::guard;
use super::place;
use super::relevance::{PassageFeatures, RELEVANT};
use super::sentence::{self, Features, Passage, Question, Sentence};
use crate::chunk::ChunkDetail;
use crate::error::Refusal;
use crate::id::DocumentId;
use crate::library::Library;
use crate::ports::EmbedTexts;
use crate::scope::Scope;
use crate::search::{Hit, QueryEmbedding, SearchRequest, comparable_cosine};
use crate::span::PageSpan;

/// Passages whose sentences are looked at.
pub const PASSAGES: usize = 8;
/// Sentences that are compared by meaning too: each costs an embedding.
const COMPARED: usize = 12;

/// A sentence that answers, or comes nearest to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The chunk it stands in.
    pub chunk: ChunkDetail,
    /// The sentence, as it stands on its page; cut at the page's end.
    pub text: String,
    /// Where it stands.
    pub place: PageSpan,
    /// How near its chunk is to the question, 0 to 1.
    pub similarity_score: f32,
    /// What its score is made of.
    pub features: Features,
    /// Orders the sentences of one question.
    pub score: f32,
}

impl Library {
    /// The passages whose sentences are looked at, best first: those that speak of what is asked at all. The mode of `request` counts, its
    /// limit does not.
    ///
    /// # Errors
    /// As [`Library::search`].
    pub async fn find_passages(&self, scope: &Scope, request: &SearchRequest) -> Result<Vec<Hit>, Refusal> {
        let request = SearchRequest {
            limit: PASSAGES,
            ..request.clone()
        };
        Ok(relevant(&self.search(scope, &request).await?.hits))
    }

    /// The sentences of `hits` that answer `question` best, best first. `embedded`: the question's vector, where the search that gave `hits` has
    /// made one; it is made anew where it is lacking, or another model serves by now.
    pub async fn rank_sentences(
        &self,
        scope: &Scope,
        question: &str,
        embedded: Option<&QueryEmbedding>,
        hits: &[Hit],
    ) -> Vec<Evidence> {
        let asked = Question::new(question);
        let mut sentences = sentences_of(hits, &asked);
        sentences.sort_by(|a, b| b.score().total_cmp(&a.score()));
        sentences.truncate(COMPARED);
        self.compare_meaning(scope, question, embedded, &mut sentences)
            .await;
        // Stable: equals stay in the order of the hits and of the text.
        sentences.sort_by(|a, b| b.score().total_cmp(&a.score()));
        sentences.into_iter().map(Sentence::into_evidence).collect()
    }

    /// Fills in how near each sentence is by meaning. Without a model, or money for it, the words decide alone.
    async fn compare_meaning(
        &self,
        scope: &Scope,
        question: &str,
        embedded: Option<&QueryEmbedding>,
        sentences: &mut [Sentence<'_>],
    ) {
        let embedder = self.ports.embedders.current();
        let texts: Vec<String> = sentences
            .iter()
            .map(|sentence| sentence.text.to_owned())
            .collect();
        let embed = async |texts, documents| self.embed(scope, &*embedder, texts, documents).await.ok();
        let query = match embedded.filter(|known| known.model == *embedder.model()) {
            Some(known) => known.embedding.to_f32(),
            None => {
                let vectors = embed(EmbedTexts::Query(question), Vec::new()).await;
                let Some(vector) = vectors.as_ref().and_then(|vectors| vectors.first()) else {
                    return;
                };
                vector.to_f32()
            }
        };
        let Some(vectors) = embed(EmbedTexts::Sentences(&texts), documents_of(sentences)).await else {
            return;
        };
        for (sentence, vector) in sentences.iter_mut().zip(&vectors) {
            let cosine = crate::embedding::inner_product(&query, &vector.to_f32());
            sentence.features.cosine = Some(comparable_cosine(&embedder.model().name, cosine));
        }
    }
}

/// The documents that sentences stand in, each once.
fn documents_of(sentences: &[Sentence<'_>]) -> Vec<DocumentId> {
    let mut documents = Vec::new();
    for sentence in sentences {
        let document_id = sentence.document_id();
        if !documents.contains(&document_id) {
            documents.push(document_id);
        }
    }
    documents
}

/// The hits that speak of what is asked, as far as cosine and words tell.
pub fn relevant(hits: &[Hit]) -> Vec<Hit> {
    let is_relevant = |hit: &&Hit| PassageFeatures::of(hit).probability() >= RELEVANT;
    hits.iter().filter(is_relevant).cloned().collect()
}

/// The sentences of all hits, each place once.
fn sentences_of<'a>(hits: &'a [Hit], question: &Question) -> Vec<Sentence<'a>> {
    let mut sentences = Vec::new();
    let mut seen = HashSet::new();
    let weights = sentence::weights(hits);
    for (rank, hit) in hits.iter().enumerate() {
        let passage = Passage::new(hit, rank);
        let mut before = "";
        for (start, end) in ids_text::sentences(&hit.chunk.content) {
            let Some(place) = place::in_page(&hit.chunk, start as u32, end as u32) else {
                continue;
            };
            if seen.insert((hit.chunk.document_id, place)) {
                let sentence = Sentence::new(&passage, place, before, question, &weights);
                before = sentence.text;
                // What a document tells a model to say answers nobody's question.
                if !guard::commands(sentence.text) {
                    sentences.push(sentence);
                }
            }
        }
    }
    sentences
}

/// The terms of a text, each once.
pub(super) fn distinct_terms(text: &str) -> HashSet<Term> {
    ids_text::index_terms(text).into_iter().collect()
}
