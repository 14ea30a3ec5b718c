//! Whether a passage that was found speaks of what was asked: a probability from its cosine and its BM25, both as they are, before
//! fusion sets them against the other candidates. Fused scores compare only within one reply, and so cannot say that nothing fits.
//!
//! Fitted by `bench/answers` on the passages of questions of the evaluation sets (docs/quality.md).

use crate::search::{Hit, comparable_cosine_of};

/// What the probability is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PassageFeatures {
    /// The cosine of question and passage, as the built-in model's; `None` where there is no embedding.
    pub cosine: Option<f32>,
    /// BM25.
    pub words: f32,
    /// BM25 as a share of what a passage of these words that holds each term again and again would get, 0 to 1.
    pub share: f32,
}

mod weight {
    pub(super) const BIAS: f32 = -13.021;
    pub(super) const MEANING: f32 = 9.957;
    pub(super) const WORDS: f32 = 0.045;
    pub(super) const SHARE: f32 = 4.347;
    /// What counts as the cosine while there is none: that of a passage about something else, so that words decide.
    pub(super) const UNKNOWN_MEANING: f32 = 0.84;
}

/// Passages below are not read: they speak of something else. So low that a passage that answers is hardly ever lost
/// (docs/quality.md).
pub const RELEVANT: f32 = 0.005;

impl PassageFeatures {
    /// Those of a hit.
    pub fn of(hit: &Hit) -> Self {
        let explanation = &hit.explanation;
        let chunks = explanation.chunks as f32;
        let most: f32 = explanation
            .terms
            .iter()
            .map(|term| {
                let df = term.document_frequency as f32;
                (1.0 + (chunks - df + 0.5) / (df + 0.5)).ln() * (crate::search::K1 + 1.0)
            })
            .sum();
        Self {
            cosine: explanation
                .cosine
                .map(|_| comparable_cosine_of(hit.similarity_score)),
            words: hit.keyword_score,
            share: if most > 0.0 { hit.keyword_score / most } else { 0.0 },
        }
    }

    /// How likely the passage speaks of what was asked, 0 to 1.
    pub fn probability(&self) -> f32 {
        let sum = weight::BIAS
            + weight::MEANING * self.cosine.unwrap_or(weight::UNKNOWN_MEANING)
            + weight::WORDS * self.words
            + weight::SHARE * self.share;
        1.0 / (1.0 + (-sum).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::PassageFeatures;

    fn probability(cosine: Option<f32>, words: f32, share: f32) -> f32 {
        PassageFeatures { cosine, words, share }.probability()
    }

    #[test]
    fn it_rises_with_meaning_and_with_words() {
        let near = probability(Some(0.92), 12.0, 0.5);
        assert!(near > probability(Some(0.88), 12.0, 0.5));
        assert!(near > probability(Some(0.92), 3.0, 0.5));
        assert!(near > probability(Some(0.92), 12.0, 0.1));
        assert!((0.0..=1.0).contains(&near));
    }

    #[test]
    fn what_has_no_word_in_common_and_another_meaning_is_not_read() {
        assert!(probability(Some(0.77), 0.0, 0.0) < super::RELEVANT);
        assert!(probability(None, 0.0, 0.0) < 0.2);
        assert!(probability(Some(0.91), 15.0, 0.5) > super::RELEVANT);
    }
}
