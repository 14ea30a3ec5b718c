//! Whether what was found answers at all: a probability, fitted by `bench/answers` on questions of the evaluation sets with and
//! without the paragraph that answers them.

use super::evidence::Evidence;

/// How sure it is that the best evidence answers.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Confidence(pub f32);

impl Confidence {
    /// From here on an answer is given. Fitted so that of answerable questions at most one in twelve is refused (docs/quality.md).
    pub const ENOUGH: Self = Self(0.5);

    /// Whether it is enough for an answer.
    pub fn is_enough(self) -> bool {
        self.0 >= Self::ENOUGH.0
    }
}

mod weight {
    pub(super) const BIAS: f32 = -1.0;
    pub(super) const COVERAGE: f32 = 4.0;
    pub(super) const MEANING: f32 = 20.0;
}

/// How sure it is that the first of `evidence` answers; zero without any.
pub fn confidence(evidence: &[Evidence]) -> Confidence {
    let Some(best) = evidence.first() else {
        return Confidence(0.0);
    };
    let features = &best.features;
    let sum = weight::BIAS
        + weight::COVERAGE * features.coverage
        + weight::MEANING * (features.cosine.unwrap_or(0.85) - 0.85);
    Confidence(1.0 / (1.0 + (-sum).exp()))
}
