//! BM25 over both kinds of terms, exact over the organization's corpus (Robertson and Zaragoza 2009, "The Probabilistic
//! Relevance Framework: BM25 and Beyond"; design.md 4).

use ids_text::Term;

use crate::chunk::Filter;
use crate::error::StoreError;
use crate::id::ChunkId;
use crate::library::Ports;
use crate::limits;
use crate::ports::WeightedTerm;
use crate::scope::Scope;

/// How soon repeats of a term stop counting. Best mean over seven sets (design.md 4).
pub const K1: f32 = 0.9;
/// How much a chunk's length counts. Best mean over seven sets (design.md 4).
pub const B: f32 = 0.6;

/// One query's terms with what the corpus says of them.
#[derive(Debug, Clone)]
pub struct Bm25 {
    terms: Vec<Term>,
    document_frequencies: Vec<u64>,
    idf: Vec<f32>,
    average_length: f32,
    chunks: u64,
}

impl Bm25 {
    /// Asks the index for the statistics of `terms`. Terms that stand in no chunk are left out; the rest are ordered by rising
    /// document frequency, then by term, and cut at [`limits::QUERY_TERMS`].
    ///
    /// # Errors
    /// As [`ChunkIndex::statistics`](crate::ports::ChunkIndex::statistics).
    pub async fn new(ports: &Ports, scope: &Scope, terms: Vec<Term>) -> Result<Self, StoreError> {
        let statistics = ports.chunks.statistics(scope, &terms).await?;
        let mut known: Vec<(u64, Term)> = statistics
            .document_frequencies
            .iter()
            .copied()
            .zip(terms)
            .filter(|(frequency, _)| *frequency > 0)
            .collect();
        known.sort();
        known.truncate(limits::QUERY_TERMS);
        let idf = known
            .iter()
            .map(|(frequency, _)| idf(statistics.chunks, *frequency))
            .collect();
        let average_length = statistics.total_length as f32 / statistics.chunks.max(1) as f32;
        let (document_frequencies, terms) = known.into_iter().unzip();
        Ok(Self {
            terms,
            document_frequencies,
            idf,
            average_length,
            chunks: statistics.chunks,
        })
    }

    /// The terms that count, rarest first.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// In how many chunks each term stands, as [`Self::terms`].
    pub fn document_frequencies(&self) -> &[u64] {
        &self.document_frequencies
    }

    /// N.
    pub fn chunks(&self) -> u64 {
        self.chunks
    }

    /// What one term adds to the score of a chunk of `length` terms that holds it `frequency` times.
    pub fn contribution(&self, term: usize, length: u32, frequency: u32) -> f32 {
        if frequency == 0 {
            return 0.0;
        }
        let frequency = frequency as f32;
        let relative_length = if self.average_length > 0.0 {
            length as f32 / self.average_length
        } else {
            1.0
        };
        self.idf[term] * frequency * (K1 + 1.0) / (frequency + K1 * (1.0 - B + B * relative_length))
    }

    /// The score of a chunk; frequencies as [`Self::terms`].
    pub fn score(&self, length: u32, frequencies: &[u32]) -> f32 {
        frequencies
            .iter()
            .enumerate()
            .take(self.terms.len())
            .map(|(term, &frequency)| self.contribution(term, length, frequency))
            .sum()
    }

    fn weighted_terms(&self) -> Vec<WeightedTerm> {
        self.terms
            .iter()
            .zip(&self.idf)
            .map(|(term, &idf)| WeightedTerm {
                term: term.clone(),
                weight: (f64::from(idf) * 1e6).round() as u64,
            })
            .collect()
    }
}

/// idf = ln(1 + (N − df + .5)/(df + .5)): never negative.
pub(crate) fn idf(chunks: u64, frequency: u64) -> f32 {
    let (n, df) = (chunks as f64, frequency.min(chunks) as f64);
    (1.0 + (n - df + 0.5) / (df + 0.5)).ln() as f32
}

/// The [`limits::FUSION_CANDIDATES`] best chunks by words.
pub(super) async fn best(
    ports: &Ports,
    scope: &Scope,
    filter: &Filter,
    bm25: &Bm25,
) -> Result<Vec<ChunkId>, StoreError> {
    if bm25.terms.is_empty() {
        return Ok(Vec::new());
    }
    let found = ports
        .chunks
        .lexical_candidates(scope, filter, &bm25.weighted_terms())
        .await?;
    let candidates = ports
        .chunks
        .load_candidates(scope, &found, &bm25.terms, None)
        .await?;
    let mut scored: Vec<_> = candidates
        .into_iter()
        .map(|candidate| {
            (
                bm25.score(candidate.length, &candidate.term_frequencies),
                candidate,
            )
        })
        .collect();
    scored.sort_by(|(left, a), (right, b)| right.total_cmp(left).then_with(|| a.tie_key.cmp(&b.tie_key)));
    scored.truncate(limits::FUSION_CANDIDATES);
    Ok(scored
        .into_iter()
        .map(|(_, candidate)| candidate.chunk_id)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{B, Bm25, K1, idf};

    fn bm25(idf: &[f32], average_length: f32) -> Bm25 {
        let terms = ids_text::query_terms("alfa beta gama");
        Bm25 {
            document_frequencies: vec![1; idf.len()],
            terms: terms[..idf.len()].to_vec(),
            idf: idf.to_vec(),
            average_length,
            chunks: 10,
        }
    }

    #[test]
    fn a_rarer_term_weighs_more_and_none_weighs_less_than_nothing() {
        assert!(idf(1_000, 1) > idf(1_000, 10));
        assert!(idf(1_000, 1_000) > 0.0);
        assert!((idf(10, 2) - (1.0f32 + 8.5 / 2.5).ln()).abs() < 1e-6);
    }

    #[test]
    fn the_score_is_the_formula_of_the_paper() {
        let scorer = bm25(&[2.0], 50.0);
        let expected = 2.0 * 3.0 * (K1 + 1.0) / (3.0 + K1 * (1.0 - B + B * 2.0));
        assert!((scorer.score(100, &[3]) - expected).abs() < 1e-6);
    }

    #[test]
    fn repeats_count_less_and_less_and_long_chunks_count_less() {
        let scorer = bm25(&[1.0, 1.0], 50.0);
        let once = scorer.score(50, &[1, 0]);
        assert!(scorer.score(50, &[2, 0]) < 2.0 * once);
        assert!(scorer.score(50, &[1, 1]) > scorer.score(50, &[2, 0]));
        assert!(scorer.score(100, &[1, 0]) < once);
        assert_eq!(scorer.score(100, &[0, 0]), 0.0);
    }
}
