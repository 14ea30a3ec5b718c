//! How well a sentence answers a question: words, meaning, the passage it stands in, and whether it holds what was asked for.

use std::collections::{HashMap, HashSet};

use ids_text::Term;

use super::{Quote, distinct_terms, place};
use crate::search::Hit;
use crate::span::{CharSpan, PageSpan};

/// What each part of a score weighs. Fitted on faquad and squad-pt, looked at on xquad-en (docs/quality.md).
mod weight {
    pub(super) const WORDS: f32 = 1.0;
    pub(super) const NEIGHBORS: f32 = 0.25;
    pub(super) const MEANING: f32 = 6.0;
    pub(super) const PASSAGE: f32 = 0.35;
    pub(super) const EXPECTED: f32 = 0.12;
}

/// A question, as sentences are compared with it.
pub(super) struct Question {
    terms: HashSet<Term>,
    expects: Expects,
}

/// What kind of thing an answer must hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expects {
    Number,
    Name,
    Anything,
}

impl Question {
    pub(super) fn new(text: &str) -> Self {
        Self {
            terms: ids_text::query_terms(text).into_iter().collect(),
            expects: Expects::of(text),
        }
    }
}

impl Expects {
    fn of(question: &str) -> Self {
        let folded = ids_text::fold(&question.to_lowercase());
        let words: Vec<&str> = folded
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let any = |list: &[&str]| words.iter().any(|word| list.contains(word));
        let pair = |first: &str, second: &[&str]| {
            words
                .windows(2)
                .any(|two| two[0] == first && second.contains(&two[1]))
        };
        if any(&[
            "quando",
            "quantos",
            "quantas",
            "quanto",
            "quanta",
            "when",
            "ano",
            "data",
            "year",
            "percentual",
            "porcentagem",
        ]) || pair("how", &["many", "much", "long", "old", "far", "large"])
        {
            Self::Number
        } else if any(&["quem", "who", "whom", "whose", "onde", "where"]) {
            Self::Name
        } else {
            Self::Anything
        }
    }

    fn is_met_by(self, text: &str, question: &HashSet<Term>) -> bool {
        match self {
            Self::Anything => false,
            Self::Number => text.chars().any(|c| c.is_ascii_digit()),
            // A capital inside the sentence, of a word that the question does not have itself.
            Self::Name => text.split_whitespace().skip(1).any(|word| {
                word.chars().next().is_some_and(char::is_uppercase)
                    && ids_text::index_terms(word)
                        .iter()
                        .any(|term| !question.contains(term))
            }),
        }
    }
}

/// How rare each term is among the passages that were found: what stands in all of them tells nothing.
pub(super) fn weights(hits: &[Hit]) -> HashMap<Term, f32> {
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
    frequencies
        .into_iter()
        .map(|(term, df)| (term, (1.0f32 + (count - df + 0.5) / (df + 0.5)).ln()))
        .collect()
}

/// A candidate for a quote.
pub(super) struct Sentence<'a> {
    pub(super) text: &'a str,
    hit: &'a Hit,
    place: PageSpan,
    words: f32,
    neighbors: f32,
    passage: f32,
    expected: bool,
    pub(super) cosine: Option<f32>,
}

impl<'a> Sentence<'a> {
    pub(super) fn new(
        hit: &'a Hit,
        rank: usize,
        place: PageSpan,
        question: &Question,
        weights: &HashMap<Term, f32>,
    ) -> Self {
        let text = place::in_content(&hit.chunk, place).map_or("", |span| span.slice(&hit.chunk.content));
        let whole: f32 = question
            .terms
            .iter()
            .map(|term| weights.get(term).copied().unwrap_or(0.0))
            .sum();
        let share = |text: &str| {
            let terms = distinct_terms(text);
            let common: f32 = question
                .terms
                .intersection(&terms)
                .map(|term| weights.get(term).copied().unwrap_or(0.0))
                .sum();
            if whole > 0.0 { common / whole } else { 0.0 }
        };
        Self {
            text,
            hit,
            place,
            words: share(text),
            neighbors: share(&hit.chunk.content),
            // By rank, not by score: scores compare only within one reply.
            passage: 1.0 / (1.0 + rank as f32),
            expected: question.expects.is_met_by(text, &question.terms),
            cosine: None,
        }
    }

    /// The score without meaning: decides which sentences are worth an embedding.
    pub(super) fn before_meaning(&self) -> f32 {
        weight::WORDS * self.words
            + weight::NEIGHBORS * self.neighbors
            + weight::PASSAGE * self.passage
            + if self.expected { weight::EXPECTED } else { 0.0 }
    }

    /// The whole score.
    pub(super) fn score(&self) -> f32 {
        self.before_meaning()
            + self
                .cosine
                .map_or(0.0, |cosine| weight::MEANING * (cosine - 0.85))
    }

    pub(super) fn into_quote(self, score: f32) -> Quote {
        Quote {
            chunk: self.hit.chunk.clone(),
            text: self.text.to_owned(),
            place: self.place,
            score,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Expects;

    #[test]
    fn a_question_says_what_its_answer_holds() {
        assert!(Expects::of("Quantos alunos há?") == Expects::Number);
        assert!(Expects::of("Em que ano foi fundada?") == Expects::Number);
        assert!(Expects::of("How many people?") == Expects::Number);
        assert!(Expects::of("Quem assina o contrato?") == Expects::Name);
        assert!(Expects::of("O que é um edital?") == Expects::Anything);
    }
}
