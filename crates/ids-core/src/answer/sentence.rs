//! How well a sentence answers a question: words, meaning, the passage it stands in, and whether it holds what was asked for.

use std::collections::{HashMap, HashSet};

use ids_text::Term;

use super::evidence::{Evidence, distinct_terms};
use super::expect::Expects;
use super::place;
use crate::id::DocumentId;
use crate::search::Hit;
use crate::span::{CharSpan, PageSpan};

/// What each part of a score weighs: fitted by `bench/answers` on pairs of sentences of one question, one of which holds the answer.
/// Fitted on two sets and tried on the third, it found as much as fitted on all three (docs/quality.md).
mod weight {
    pub(super) const WORDS: f32 = 1.642;
    pub(super) const CONTEXT: f32 = 1.423;
    pub(super) const PAIRS: f32 = 1.239;
    pub(super) const NEIGHBORS: f32 = 0.974;
    pub(super) const PASSAGE: f32 = 1.775;
    pub(super) const EXPECTED: f32 = 1.135;
    pub(super) const TITLE: f32 = -1.896;
    pub(super) const LENGTH: f32 = 0.4;
    pub(super) const MEANING: f32 = 21.962;
}

/// A question, as sentences are compared with it.
pub(super) struct Question {
    terms: HashSet<Term>,
    pairs: HashSet<(Term, Term)>,
    expects: Expects,
}

impl Question {
    pub(super) fn new(text: &str) -> Self {
        Self {
            terms: ids_text::query_terms(text).into_iter().collect(),
            pairs: neighbors(text),
            expects: Expects::of(text),
        }
    }

    fn share_of_pairs(&self, text: &str) -> f32 {
        if self.pairs.is_empty() {
            return 0.0;
        }
        let found = neighbors(text);
        self.pairs.intersection(&found).count() as f32 / self.pairs.len() as f32
    }
}

/// Words that stand side by side, function words left out, by their first terms.
fn neighbors(text: &str) -> HashSet<(Term, Term)> {
    let terms: Vec<Term> = ids_text::analyze(text)
        .into_iter()
        .filter_map(|word| word.terms.as_slice().first().cloned())
        .collect();
    terms
        .windows(2)
        .map(|two| (two[0].clone(), two[1].clone()))
        .collect()
}

/// How rare each term is among the passages that were found: what stands in all of them tells nothing.
pub(super) fn weights(hits: &[Hit]) -> Weights {
    let mut frequencies: HashMap<Term, f32> = HashMap::new();
    let mut count = 0.0;
    for hit in hits {
        for (start, end) in ids_text::sentences(&hit.chunk.content) {
            count += 1.0;
            let text = CharSpan::new(start as u32, end as u32).slice(&hit.chunk.content);
            for term in distinct_terms(text) {
                *frequencies.entry(term).or_default() += 1.0;
            }
        }
    }
    let rarity = |df: f32| (1.0 + (count - df + 0.5) / (df + 0.5)).ln();
    Weights {
        known: frequencies
            .into_iter()
            .map(|(term, df)| (term, rarity(df)))
            .collect(),
    }
}

/// Rarities of terms.
pub(super) struct Weights {
    known: HashMap<Term, f32>,
}

/// What is known of how well a sentence answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features {
    /// Share of the question's words (by rarity) that stand in the sentence, 0 to 1.
    pub words: f32,
    /// The same for the whole passage it stands in.
    pub neighbors: f32,
    /// One for the best passage, a half for the second, and so on.
    pub passage: f32,
    /// Whether it holds the kind of thing that was asked for.
    pub expected: bool,
    /// Whether it is a heading or a label rather than a sentence: short, and without an end.
    pub is_title: bool,
    /// As `words`, for the sentence together with the one before it: `Ele tem quinze dias` speaks of what was named before.
    pub context: f32,
    /// Share of the question's pairs of neighboring words that stand side by side in the sentence.
    pub pairs: f32,
    /// The logarithm of its length in characters: a longer one holds more.
    pub length: f32,
    /// How near it is by meaning; `None` while that is not known.
    pub cosine: Option<f32>,
}

/// A passage that was found, with what its sentences share.
pub(super) struct Passage<'a> {
    hit: &'a Hit,
    /// From 0.
    rank: usize,
    terms: HashSet<Term>,
}

impl<'a> Passage<'a> {
    pub(super) fn new(hit: &'a Hit, rank: usize) -> Self {
        Self {
            hit,
            rank,
            terms: distinct_terms(&hit.chunk.content),
        }
    }
}

/// A candidate for a quote.
pub(super) struct Sentence<'a> {
    pub(super) text: &'a str,
    hit: &'a Hit,
    place: PageSpan,
    pub(super) features: Features,
}

impl<'a> Sentence<'a> {
    pub(super) fn new(
        passage: &Passage<'a>,
        place: PageSpan,
        before: &str,
        question: &Question,
        weights: &Weights,
    ) -> Self {
        let hit = passage.hit;
        let text = place::in_content(&hit.chunk, place).map_or("", |span| span.slice(&hit.chunk.content));
        let weight = |term: &Term| weights.known.get(term).copied().unwrap_or(0.0);
        let whole: f32 = question.terms.iter().map(weight).sum();
        let share = |terms: &HashSet<Term>| {
            let common: f32 = question.terms.intersection(terms).map(weight).sum();
            if whole > 0.0 { common / whole } else { 0.0 }
        };
        let terms = distinct_terms(text);
        Self {
            text,
            hit,
            place,
            features: Features {
                words: share(&terms),
                neighbors: share(&passage.terms),
                // By rank, not by score: scores compare only within one reply.
                passage: 1.0 / (1.0 + passage.rank as f32),
                expected: question.expects.is_met_by(text, &question.terms),
                is_title: is_title(text),
                context: share(&terms.union(&distinct_terms(before)).cloned().collect()),
                pairs: question.share_of_pairs(text),
                length: (text.chars().count().max(1) as f32).ln(),
                cosine: None,
            },
        }
    }

    /// Orders sentences; meaning counts once it is known.
    pub(super) fn score(&self) -> f32 {
        self.features.score()
    }

    /// The document it stands in.
    pub(super) fn document_id(&self) -> DocumentId {
        self.hit.chunk.document_id
    }

    pub(super) fn into_evidence(self) -> Evidence {
        Evidence {
            chunk: self.hit.chunk.clone(),
            text: self.text.to_owned(),
            place: self.place,
            similarity_score: self.hit.similarity_score,
            score: self.features.score(),
            features: self.features,
        }
    }
}

/// Characters below which a text without an end is no sentence.
const TITLE_CHARS: usize = 90;

fn is_title(text: &str) -> bool {
    let text = text.trim_end_matches(['"', '”', '»', ')', ' ']);
    !text.ends_with(['.', '!', '?', ';', ':', '…']) && text.chars().count() < TITLE_CHARS
}

impl Features {
    /// How well the sentence answers; compares only within one question.
    pub fn score(&self) -> f32 {
        let flag = |on: bool| if on { 1.0 } else { 0.0 };
        weight::WORDS * self.words
            + weight::CONTEXT * self.context
            + weight::PAIRS * self.pairs
            + weight::NEIGHBORS * self.neighbors
            + weight::PASSAGE * self.passage
            + weight::EXPECTED * flag(self.expected)
            + weight::TITLE * flag(self.is_title)
            + weight::LENGTH * self.length
            + weight::MEANING * self.cosine.unwrap_or(0.0)
    }
}
