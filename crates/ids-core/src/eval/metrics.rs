//! NDCG, recall and reciprocal rank at 10.
//!
//! NDCG: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques", with linear gain (a grade counts as it
//! is) and the discount log2(rank + 1). Recall and MRR count documents of grade `relevant_from` and above.

use std::collections::BTreeMap;

/// The cut of all three metrics.
pub const CUT: usize = 10;

/// Grades of one question's documents.
pub type Grades = BTreeMap<String, u32>;

/// The three metrics of one question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankingMetrics {
    /// NDCG at 10.
    pub ndcg: f64,
    /// Recall at 10; `None` when no document is relevant.
    pub recall: Option<f64>,
    /// 1 / rank of the first relevant document among ten, 0 without one; `None` when no document is relevant.
    pub reciprocal_rank: Option<f64>,
}

impl RankingMetrics {
    /// Of a ranking, best first, each document once; only its first [`CUT`] count.
    pub fn of(ranking: &[&str], grades: &Grades, relevant_from: u32) -> Self {
        let ranking = &ranking[..ranking.len().min(CUT)];
        let grade = |document: &&str| grades.get(*document).copied().unwrap_or(0);
        let gains: Vec<u32> = ranking.iter().map(grade).collect();
        let mut best: Vec<u32> = grades.values().copied().collect();
        best.sort_unstable_by(|a, b| b.cmp(a));
        best.truncate(CUT);
        let ideal = discounted(&best);
        let ndcg = if ideal > 0.0 {
            discounted(&gains) / ideal
        } else {
            0.0
        };

        let relevant = grades.values().filter(|&&grade| grade >= relevant_from).count();
        let found = gains.iter().filter(|&&grade| grade >= relevant_from).count();
        let first = gains.iter().position(|&grade| grade >= relevant_from);
        Self {
            ndcg,
            recall: (relevant > 0).then(|| found as f64 / relevant as f64),
            reciprocal_rank: (relevant > 0).then(|| first.map_or(0.0, |rank| 1.0 / (rank + 1) as f64)),
        }
    }
}

fn discounted(gains: &[u32]) -> f64 {
    gains
        .iter()
        .enumerate()
        .map(|(rank, &gain)| f64::from(gain) / ((rank + 2) as f64).log2())
        .sum()
}

/// The mean of values; 0 of none.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for value in values {
        sum += value;
        count += 1;
    }
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

/// The nearest-rank percentile of values; 0 of none.
pub fn percentile(values: &mut [f64], percent: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let rank = (percent / 100.0 * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::{Grades, RankingMetrics, percentile};

    fn grades(list: &[(&str, u32)]) -> Grades {
        list.iter()
            .map(|(document, grade)| ((*document).to_owned(), *grade))
            .collect()
    }

    #[test]
    fn a_perfect_ranking_scores_one() {
        let metrics = RankingMetrics::of(&["b", "a", "x"], &grades(&[("a", 1), ("b", 2)]), 1);
        assert_eq!(
            metrics,
            RankingMetrics {
                ndcg: 1.0,
                recall: Some(1.0),
                reciprocal_rank: Some(1.0)
            }
        );
    }

    #[test]
    fn the_gain_of_a_grade_is_the_grade() {
        let metrics = RankingMetrics::of(&["a", "b"], &grades(&[("a", 1), ("b", 2)]), 2);
        let log3 = 3f64.log2();
        assert!((metrics.ndcg - (1.0 + 2.0 / log3) / (2.0 + 1.0 / log3)).abs() < 1e-12);
        assert_eq!(metrics.recall, Some(1.0));
        assert_eq!(metrics.reciprocal_rank, Some(0.5));
    }

    #[test]
    fn what_is_not_found_among_ten_does_not_count() {
        let ranking = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "a"];
        let metrics = RankingMetrics::of(&ranking, &grades(&[("a", 1)]), 1);
        assert_eq!(
            metrics,
            RankingMetrics {
                ndcg: 0.0,
                recall: Some(0.0),
                reciprocal_rank: Some(0.0)
            }
        );
        let without = RankingMetrics::of(&ranking, &grades(&[("1", 1)]), 2);
        assert_eq!((without.recall, without.reciprocal_rank), (None, None));
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut values, 50.0), 50.0);
        assert_eq!(percentile(&mut values, 99.0), 99.0);
        assert_eq!(percentile(&mut [], 50.0), 0.0);
    }
}
