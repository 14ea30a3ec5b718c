//! The Unigram tokenizer: text to ids of vocabulary pieces (Kudo 2018, "Subword Regularization", Viterbi only).
//!
//! Gives the ids that Hugging Face's `tokenizers` gives for the same vocabulary, held by a test over all of the
//! evaluation sets, with two differences on purpose: the control pieces (`<s>` and the like) are never found in a
//! text, and a word of more than [`MAX_WORD_BYTES`] is cut there, so that memory stays bounded whatever the input.
//! Time grows linearly with the text: a piece is looked for at most as far as the longest one reaches.

mod normalize;
mod trie;

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use crate::file::{ControlIds, ModelFile, ModelFileError, Replacement};
use trie::Trie;

/// Stands for the space in front of a word.
const WORD_START: char = '\u{2581}';
/// Far beyond any word (the longest piece has 36 bytes); past it a run without spaces is cut in two.
const MAX_WORD_BYTES: usize = 16 << 10;
/// How much worse than the worst piece an unknown character scores; SentencePiece's value.
const UNKNOWN_PENALTY: f64 = 10.0;

pub(crate) struct Tokenizer {
    trie: Trie,
    scores: Vec<f32>,
    unknown_score: f64,
    control: ControlIds,
    replacements: HashMap<char, Replacement>,
}

/// The best way to reach one byte position of a word.
#[derive(Clone, Copy)]
struct Step {
    score: f64,
    /// Where its last piece starts; `UNREACHED` where no piece ends.
    start: u32,
    piece: u32,
}

const UNREACHED: u32 = u32::MAX;

impl Tokenizer {
    pub fn new(file: &ModelFile<'_>) -> Result<Self, ModelFileError> {
        let control = file.control;
        let control_ids = [control.begin, control.end, control.pad, control.unknown];
        let mut seen = HashSet::with_capacity(file.pieces.len());
        let mut entries = Vec::with_capacity(file.pieces.len());
        for (index, (piece, _)) in file.pieces.iter().enumerate() {
            if !seen.insert(*piece) {
                return Err(ModelFileError::Piece {
                    index,
                    problem: "is there twice",
                });
            }
            let id = index as u32;
            if !control_ids.contains(&id) {
                entries.push((piece.as_bytes(), id));
            }
        }
        let worst = file
            .pieces
            .iter()
            .map(|(_, score)| f64::from(*score))
            .fold(f64::INFINITY, f64::min);
        Ok(Self {
            trie: Trie::new(entries),
            scores: file.pieces.iter().map(|(_, score)| *score).collect(),
            unknown_score: worst - UNKNOWN_PENALTY,
            control,
            replacements: file.replacements.clone(),
        })
    }

    /// How many ids `text` has, without begin and end.
    pub fn count(&self, text: &str) -> usize {
        let mut count = 0;
        self.for_each_word(text, |ids| {
            count += ids.len();
            ControlFlow::Continue(())
        });
        count
    }

    /// The first `max` ids of `text`, without begin and end. Reads no further than it has to.
    pub fn encode(&self, text: &str, max: usize) -> Vec<u32> {
        let mut all = Vec::new();
        self.for_each_word(text, |ids| {
            all.extend_from_slice(ids);
            if all.len() < max {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        all.truncate(max);
        all
    }

    pub fn control(&self) -> ControlIds {
        self.control
    }

    fn for_each_word(&self, text: &str, mut take: impl FnMut(&[u32]) -> ControlFlow<()>) {
        let mut steps = Vec::new();
        let mut ids = Vec::new();
        normalize::for_each_word(text, &self.replacements, |word| {
            ids.clear();
            self.segment(word, &mut steps, &mut ids);
            take(&ids)
        });
    }

    /// Appends the ids of the best segmentation of `word`, one pass forward and one back.
    ///
    /// Scores add up in `f64` and the first of two equal ways wins, as in the reference. Neighboring unknown
    /// characters give one id.
    fn segment(&self, word: &str, steps: &mut Vec<Step>, ids: &mut Vec<u32>) {
        let bytes = word.as_bytes();
        steps.clear();
        steps.resize(
            bytes.len() + 1,
            Step {
                score: 0.0,
                start: UNREACHED,
                piece: self.control.unknown,
            },
        );
        let mut start = 0;
        for character in word.chars() {
            let character_bytes = character.len_utf8();
            let score = steps[start].score;
            let mut reach = |length: usize, piece: u32, piece_score: f64| {
                let step = &mut steps[start + length];
                let candidate = score + piece_score;
                if step.start == UNREACHED || candidate > step.score {
                    *step = Step {
                        score: candidate,
                        start: start as u32,
                        piece,
                    };
                }
            };
            let mut is_known = false;
            self.trie.for_each_prefix(&bytes[start..], |length, piece| {
                is_known |= length == character_bytes;
                reach(length, piece, f64::from(self.scores[piece as usize]));
            });
            if !is_known {
                reach(character_bytes, self.control.unknown, self.unknown_score);
            }
            start += character_bytes;
        }

        let first = ids.len();
        let mut end = bytes.len();
        while end > 0 {
            let Step { start, piece, .. } = steps[end];
            let repeats_unknown =
                piece == self.control.unknown && ids.len() > first && ids.last() == Some(&piece);
            if !repeats_unknown {
                ids.push(piece);
            }
            end = start as usize;
        }
        ids[first..].reverse();
    }
}
