//! Where a score comes from, for `--explain`.

use super::lexical::Bm25;
use super::{Fused, ScoredCandidate, SearchMode};

/// The parts of one hit's score.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// By what was searched.
    pub mode: SearchMode,
    /// BM25.
    pub words: f32,
    /// BM25 in standard deviations from the candidates' mean.
    pub words_z: f32,
    /// The cosine, before calibration.
    pub cosine: Option<f32>,
    /// The cosine in standard deviations from the candidates' mean.
    pub meaning_z: f32,
    /// What each query term added to BM25, rarest first.
    pub terms: Vec<TermExplanation>,
    /// Terms of the chunk, both kinds.
    pub length: u32,
    /// Chunks that document frequencies refer to.
    pub chunks: u64,
}

/// One term's part.
#[derive(Debug, Clone, PartialEq)]
pub struct TermExplanation {
    /// The term as it is indexed.
    pub term: String,
    /// How often it stands in the chunk.
    pub frequency: u32,
    /// In how many chunks it stands.
    pub document_frequency: u64,
    /// What it added.
    pub contribution: f32,
}

pub(super) fn explain(mode: SearchMode, bm25: &Bm25, of: &ScoredCandidate, fused: &Fused) -> Explanation {
    let candidate = &of.candidate;
    let terms = bm25
        .terms()
        .iter()
        .zip(bm25.document_frequencies())
        .zip(&candidate.term_frequencies)
        .enumerate()
        .map(
            |(index, ((term, &document_frequency), &frequency))| TermExplanation {
                term: term.as_str().to_owned(),
                frequency,
                document_frequency,
                contribution: bm25.contribution(index, candidate.length, frequency),
            },
        )
        .collect();
    Explanation {
        mode,
        words: of.scores.words,
        words_z: fused.words_z,
        cosine: of.scores.cosine,
        meaning_z: fused.meaning_z,
        terms,
        length: candidate.length,
        chunks: bm25.chunks(),
    }
}
