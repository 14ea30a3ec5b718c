//! Fusion of word and vector scores: each z-normalized over all candidates, half and half (design.md 4).

use super::{ScoredCandidate, SearchMode};

/// Both scores of one candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// BM25; 0 when no term of the query stands in it.
    pub words: f32,
    /// The cosine; `None` while there is no embedding.
    pub cosine: Option<f32>,
}

/// A ranked candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fused {
    /// Its place in the list that was fused.
    pub index: usize,
    /// What orders it.
    pub score: f32,
    /// Its word score in standard deviations from the mean (hybrid only).
    pub words_z: f32,
    /// Its cosine in standard deviations from the mean (hybrid only).
    pub meaning_z: f32,
}

/// Orders candidates, best first.
///
/// Hybrid: half the sum of both z-scores over the candidates. Zero variance in one score counts as z = 0 for all; a missing
/// embedding as z = 0 for that one. Keyword and semantic: that score alone; a candidate that does not have it is left
/// out. Ties go by [`TieKey`](crate::chunk::TieKey), so all stores agree. Scores compare only within one call. The
/// order of `candidates` has no influence. Never fails.
pub fn fuse(candidates: &[ScoredCandidate], mode: SearchMode) -> Vec<Fused> {
    // Sums of floats depend on their order: one fixed order makes the result independent of the caller's.
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&a, &b| {
        candidates[a]
            .candidate
            .tie_key
            .cmp(&candidates[b].candidate.tie_key)
    });

    let words = Normal::of(order.iter().map(|&index| candidates[index].scores.words));
    let meaning = Normal::of(order.iter().filter_map(|&index| candidates[index].scores.cosine));
    let mut ranked: Vec<Fused> = order
        .into_iter()
        .filter_map(|index| {
            let Scores {
                words: word_score,
                cosine,
            } = candidates[index].scores;
            let words_z = words.z(word_score);
            let meaning_z = cosine.map_or(0.0, |cosine| meaning.z(cosine));
            let score = match mode {
                SearchMode::Hybrid => 0.5 * (words_z + meaning_z),
                SearchMode::Keyword => (word_score > 0.0).then_some(word_score)?,
                SearchMode::Semantic => cosine?,
            };
            Some(Fused {
                index,
                score,
                words_z,
                meaning_z,
            })
        })
        .collect();
    // Stable: equals stay in the order of their tie keys.
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

/// Mean and standard deviation of a score over all candidates, in double precision.
struct Normal {
    mean: f64,
    deviation: f64,
}

impl Normal {
    fn of(values: impl Iterator<Item = f32> + Clone) -> Self {
        let count = values.clone().count().max(1) as f64;
        let mean = values.clone().map(f64::from).sum::<f64>() / count;
        let variance = values.map(|value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
        Self {
            mean,
            deviation: variance.sqrt(),
        }
    }

    fn z(&self, value: f32) -> f32 {
        // Below this all values are equal but for rounding.
        if self.deviation < 1e-9 {
            0.0
        } else {
            ((f64::from(value) - self.mean) / self.deviation) as f32
        }
    }
}

#[cfg(test)]
mod tests {
    //! What ranking promises: (1) the order of candidates has no influence; (2) equals go by tie key; (3) a missing
    //! embedding is average; (4) a score without variance has no say; (5) one half alone orders when asked alone.

    use proptest::prelude::*;

    use super::{Scores, fuse};
    use crate::chunk::{Candidate, TieKey};
    use crate::document::ContentHash;
    use crate::id::ChunkId;
    use crate::scope::CollectionName;
    use crate::search::{ScoredCandidate, SearchMode};

    fn candidate(tie: u8, words: f32, cosine: Option<f32>) -> ScoredCandidate {
        ScoredCandidate {
            candidate: Candidate {
                chunk_id: ChunkId(i64::from(tie)),
                tie_key: TieKey {
                    file_hash: ContentHash::from_bytes([tie; 32]),
                    chunk_index: 0,
                    collection: CollectionName::default(),
                    filename: String::new(),
                },
                length: 10,
                term_frequencies: Vec::new(),
                embedding: None,
            },
            scores: Scores { words, cosine },
        }
    }

    fn ranking(candidates: &[ScoredCandidate], mode: SearchMode) -> Vec<i64> {
        fuse(candidates, mode)
            .iter()
            .map(|fused| candidates[fused.index].candidate.chunk_id.0)
            .collect()
    }

    #[test]
    fn equals_go_by_tie_key() {
        let equal = [
            candidate(3, 1.0, Some(0.8)),
            candidate(1, 1.0, Some(0.8)),
            candidate(2, 1.0, Some(0.8)),
        ];
        assert_eq!(ranking(&equal, SearchMode::Hybrid), [1, 2, 3]);
    }

    #[test]
    fn a_missing_embedding_is_average() {
        let list = [
            candidate(1, 0.0, Some(0.9)),
            candidate(2, 0.0, None),
            candidate(3, 0.0, Some(0.7)),
        ];
        assert_eq!(ranking(&list, SearchMode::Hybrid), [1, 2, 3]);
        assert_eq!(ranking(&list, SearchMode::Semantic), [1, 3]);
    }

    #[test]
    fn a_score_without_variance_has_no_say() {
        let list = [candidate(1, 2.0, Some(0.7)), candidate(2, 2.0, Some(0.8))];
        let fused = fuse(&list, SearchMode::Hybrid);
        assert!(
            fused
                .iter()
                .all(|fused| fused.words_z == 0.0 && fused.score.is_finite())
        );
        assert_eq!(ranking(&list, SearchMode::Hybrid), [2, 1]);
    }

    #[test]
    fn keyword_leaves_out_what_no_word_matched() {
        let list = [candidate(1, 0.0, Some(0.9)), candidate(2, 0.5, None)];
        assert_eq!(ranking(&list, SearchMode::Keyword), [2]);
    }

    proptest! {
        #[test]
        fn the_order_of_candidates_has_no_influence(
            scores in prop::collection::vec((0.0f32..20.0, prop::option::of(0.5f32..1.0)), 1..40),
            turn in 0usize..40,
        ) {
            let list: Vec<_> = scores
                .iter()
                .enumerate()
                .map(|(index, (words, cosine))| candidate(index as u8, *words, *cosine))
                .collect();
            let mut turned = list.clone();
            turned.rotate_left(turn % list.len());
            turned.reverse();
            for mode in SearchMode::ALL {
                prop_assert_eq!(ranking(&list, mode), ranking(&turned, mode));
            }
        }
    }
}
