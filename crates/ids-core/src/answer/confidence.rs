//! Whether what was found answers at all: a probability, fitted by `bench/answers` on questions of the evaluation sets with and
//! without the paragraph that answers them.

use super::evidence::Evidence;

/// How sure it is that the best evidence answers.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Confidence(pub f32);

impl Confidence {
    /// From here on an answer is given. Low, since a quote that misses does less harm than an answer that is withheld: it is seen
    /// at a glance. docs/quality.md has both rates.
    pub const ENOUGH: Self = Self(0.25);

    /// Whether it is enough for an answer.
    pub fn is_enough(self) -> bool {
        self.0 >= Self::ENOUGH.0
    }
}

mod weight {
    pub(super) const BIAS: f32 = -25.588;
    pub(super) const COVERAGE: f32 = 2.02;
    pub(super) const NEIGHBORS: f32 = -0.076;
    pub(super) const PAIRS: f32 = 0.475;
    pub(super) const MEANING: f32 = 26.529;
    pub(super) const SHARE: f32 = 4.096;
    /// What counts as the cosine without a model: that of a passage about something else.
    pub(super) const UNKNOWN_MEANING: f32 = 0.84;
}

/// How sure it is that the first of `evidence` answers; zero without any.
pub fn confidence(evidence: &[Evidence]) -> Confidence {
    let Some(best) = evidence.first() else {
        return Confidence(0.0);
    };
    let features = &best.features;
    let sum = weight::BIAS
        + weight::COVERAGE * features.coverage
        + weight::NEIGHBORS * features.neighbors
        + weight::PAIRS * features.pairs
        + weight::SHARE * features.share
        + weight::MEANING * features.cosine.unwrap_or(weight::UNKNOWN_MEANING);
    Confidence(1.0 / (1.0 + (-sum).exp()))
}
