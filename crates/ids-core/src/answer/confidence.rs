//! Whether what was found answers at all: a probability, fitted by `bench/answers` on questions of the evaluation sets with and
//! without the paragraph that answers them, and on questions that annotators made unanswerable (docs/quality.md).
//!
//! What a question asks about stands in its rare words, names and numbers; where the passage that answers best lacks some of them, it speaks of something
//! near. How far the best passage stands out among the others is left alone: the second of two like contracts answers as well as the first, and a small
//! library has no others.

use std::collections::{HashMap, HashSet};

use super::contrary::contrary;
use super::evidence::{Evidence, distinct_terms};
use super::expect::Expects;
use super::relevance::PassageFeatures;
use crate::id::DocumentId;
use crate::search::{Hit, idf};

/// How sure it is that the best evidence answers.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Confidence(pub f32);

impl Confidence {
    /// From here on an answer is given: low, since an answer that is withheld is not seen, while a quote that misses is seen at a glance. One of ten questions of
    /// the hardest set that have an answer is refused. docs/quality.md has both rates, and those of other points.
    pub const ENOUGH: Self = Self(0.25);

    /// Whether it is enough for an answer.
    pub fn is_enough(self) -> bool {
        self.0 >= Self::ENOUGH.0
    }
}

/// What the confidence is made of.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ConfidenceFeatures {
    /// Share of the question's words, by how rare they are in the library, that stand in the passage of the best sentence, 0 to 1.
    pub in_passage: f32,
    /// Names of the question that the passage lacks.
    pub missing_names: f32,
    /// Numbers of the question that the passage lacks.
    pub missing_numbers: f32,
    /// Share of the question's pairs of neighboring words that stand side by side in the sentence.
    pub pairs: f32,
    /// How near the sentence is by meaning.
    pub cosine: f32,
    /// The passage's BM25 as a share of the most it can be.
    pub share: f32,
    /// Whether the sentence lacks the kind of thing that was asked for: a number, a name.
    pub is_unmet: f32,
    /// Whether words and meaning find the same document best, and it is the sentence's.
    pub agrees: f32,
    /// Whether the sentence has the opposite of a word of the question.
    pub is_opposed: f32,
    /// Whether the question negates and the sentence does not.
    pub is_negated: f32,
}

/// Without a model: the cosine of a passage about something else.
const UNKNOWN_MEANING: f32 = 0.84;

impl ConfidenceFeatures {
    /// Their names, in the order of [`ConfidenceFeatures::values`].
    pub const NAMES: [&str; 10] = [
        "in_passage",
        "missing_names",
        "missing_numbers",
        "pairs",
        "cosine",
        "share",
        "is_unmet",
        "agrees",
        "is_opposed",
        "is_negated",
    ];

    /// Those of the first of `evidence`, which was found in `hits`; `None` without any.
    pub fn of(question: &str, hits: &[Hit], evidence: &[Evidence]) -> Option<Self> {
        let best = evidence.first()?;
        let hit = hits
            .iter()
            .find(|hit| hit.chunk.chunk_id == best.chunk.chunk_id)?;
        let (is_opposed, is_negated) = contrary(question, &best.text);
        let is_unmet = Expects::of(question) != Expects::Anything && !best.features.expected;
        let mut features = Self {
            pairs: best.features.pairs,
            cosine: best.features.cosine.unwrap_or(UNKNOWN_MEANING),
            share: PassageFeatures::of(hit).share,
            is_unmet: flag(is_unmet),
            agrees: flag(agree(hits) == Some(best.chunk.document_id)),
            is_opposed: flag(is_opposed),
            is_negated: flag(is_negated),
            ..Self::default()
        };
        features.look_for_words(question, hit);
        Some(features)
    }

    /// Fills in what the passage has of the question's words, and which names and numbers it lacks.
    fn look_for_words(&mut self, question: &str, hit: &Hit) {
        let rarity = Rarity::of(hit);
        let in_passage = distinct_terms(&hit.chunk.content);
        let mut whole = 0.0;
        let mut seen = HashSet::new();
        for word in ids_text::analyze(question) {
            let terms = word.terms.as_slice();
            if !seen.insert(terms.to_vec()) {
                continue;
            }
            let weights = terms.iter().map(|term| rarity.of_term(term.as_str()));
            let weight = weights.fold(f32::MAX, f32::min);
            whole += weight;
            if terms.iter().any(|term| in_passage.contains(term)) {
                self.in_passage += weight;
                continue;
            }
            let first = question.chars().nth(word.start);
            if first.is_some_and(|c| c.is_ascii_digit()) {
                self.missing_numbers += 1.0;
            } else if word.start > 0 && first.is_some_and(char::is_uppercase) {
                self.missing_names += 1.0;
            }
        }
        if whole > 0.0 {
            self.in_passage /= whole;
        }
    }

    /// All of them.
    pub const fn values(&self) -> [f32; Self::NAMES.len()] {
        [
            self.in_passage,
            self.missing_names,
            self.missing_numbers,
            self.pairs,
            self.cosine,
            self.share,
            self.is_unmet,
            self.agrees,
            self.is_opposed,
            self.is_negated,
        ]
    }
}

/// How rare terms are among all chunks.
struct Rarity<'a> {
    chunks: u64,
    frequencies: HashMap<&'a str, u64>,
}

impl<'a> Rarity<'a> {
    fn of(hit: &'a Hit) -> Self {
        let terms = hit.explanation.terms.iter();
        let frequencies = terms.map(|term| (term.term.as_str(), term.document_frequency));
        Self {
            chunks: hit.explanation.chunks,
            frequencies: frequencies.collect(),
        }
    }

    fn of_term(&self, term: &str) -> f32 {
        idf(self.chunks, self.frequencies.get(term).copied().unwrap_or(0))
    }
}

/// The document that is best by words and by meaning, if it is one. Without vectors, that by words.
fn agree(hits: &[Hit]) -> Option<DocumentId> {
    let best = |of: fn(&Hit) -> f32| {
        let best = hits.iter().max_by(|a, b| of(a).total_cmp(&of(b)));
        best.map(|hit| hit.chunk.document_id)
    };
    let by_words = best(|hit| hit.keyword_score);
    let is_embedded = hits.iter().any(|hit| hit.explanation.cosine.is_some());
    let by_meaning = if is_embedded {
        best(|hit| hit.explanation.cosine.unwrap_or(-1.0))
    } else {
        by_words
    };
    by_words.filter(|_| by_words == by_meaning)
}

const fn flag(is: bool) -> f32 {
    if is { 1.0 } else { 0.0 }
}

/// One for each of [`ConfidenceFeatures::NAMES`], as `bench/answers/fit.py` prints them.
const WEIGHTS: [f32; ConfidenceFeatures::NAMES.len()] = [
    2.301, -0.159, -0.337, 0.608, 20.641, 2.128, -0.781, 0.760, -2.558, -1.593,
];
const BIAS: f32 = -20.732;

/// How sure it is that the first of `evidence`, found in `hits`, answers; zero without any.
pub fn confidence(question: &str, hits: &[Hit], evidence: &[Evidence]) -> Confidence {
    let Some(features) = ConfidenceFeatures::of(question, hits, evidence) else {
        return Confidence(0.0);
    };
    let parts = features.values().into_iter().zip(WEIGHTS);
    let sum = BIAS + parts.map(|(value, weight)| value * weight).sum::<f32>();
    Confidence(1.0 / (1.0 + (-sum).exp()))
}
