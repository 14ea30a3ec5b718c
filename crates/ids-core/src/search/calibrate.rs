//! The published mapping of a model's cosine to 0..1, so that a threshold means the same whatever the model.
//!
//! A logistic curve, fitted by `bench/calibration` on pairs of question and passage of the evaluation sets: it is the
//! probability that a passage with that cosine, among a query's hundred nearest, is the one that was asked for.

/// Slope and midpoint of the built-in model's curve (docs/quality.md, section "Calibration").
const BUILT_IN: Curve = Curve {
    slope: 38.0,
    midpoint: 0.885,
};

/// For models that nobody has calibrated: cosines spread over 0..1 as most models' do.
const OTHER: Curve = Curve {
    slope: 12.0,
    midpoint: 0.5,
};

struct Curve {
    slope: f32,
    midpoint: f32,
}

/// The `similarity_score` of a cosine: monotone, 0 to 1; 0 without an embedding.
pub fn similarity_of(model_name: &str, cosine: Option<f32>) -> f32 {
    let Some(cosine) = cosine else { return 0.0 };
    let curve = curve_of(model_name);
    1.0 / (1.0 + (-curve.slope * (cosine - curve.midpoint)).exp())
}

/// The cosine that the built-in model would give to texts as near as these: what was fitted to its cosines (how sure an answer is) holds for
/// another model's, too. The built-in model's own cosines stay as they are.
pub fn comparable_cosine(model_name: &str, cosine: f32) -> f32 {
    let curve = curve_of(model_name);
    BUILT_IN.midpoint + curve.slope / BUILT_IN.slope * (cosine - curve.midpoint)
}

/// The same of a similarity score, whichever model's it is.
pub fn comparable_cosine_of(similarity_score: f32) -> f32 {
    BUILT_IN.midpoint + (similarity_score / (1.0 - similarity_score)).ln() / BUILT_IN.slope
}

fn curve_of(model_name: &str) -> Curve {
    if model_name.starts_with("multilingual-e5-small") {
        BUILT_IN
    } else {
        OTHER
    }
}

#[cfg(test)]
mod tests {
    use super::{comparable_cosine, comparable_cosine_of, similarity_of};

    #[test]
    fn the_mapping_rises_stays_between_0_and_1_and_is_0_without_an_embedding() {
        for model in ["multilingual-e5-small-enpt-q4/int8", "text-embedding-3-small"] {
            let scores: Vec<f32> = (-10..=10)
                .map(|tenth| similarity_of(model, Some(tenth as f32 / 10.0)))
                .collect();
            assert!(scores.windows(2).all(|pair| pair[0] <= pair[1]), "{scores:?}");
            assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
            assert_eq!(similarity_of(model, None), 0.0);
        }
    }

    #[test]
    fn cosines_of_any_model_are_compared_as_those_of_the_built_in_one() {
        let (built_in, other) = ("multilingual-e5-small-enpt-q4/int8", "text-embedding-3-small");
        assert_eq!(comparable_cosine(built_in, 0.86), 0.86);
        for model in [built_in, other] {
            for cosine in [0.3, 0.5, 0.6, 0.9] {
                let similarity = similarity_of(model, Some(cosine));
                let comparable = comparable_cosine(model, cosine);
                assert!(
                    (comparable_cosine_of(similarity) - comparable).abs() < 1e-3,
                    "{model} {cosine}"
                );
                assert!(
                    (similarity_of(built_in, Some(comparable)) - similarity).abs() < 1e-3,
                    "{model} {cosine}"
                );
            }
        }
    }
}
