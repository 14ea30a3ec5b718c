//! From a text to its words: replacements, NFKC, spaces collapsed, each word led by [`WORD_START`].

use std::collections::HashMap;
use std::mem;
use std::ops::ControlFlow;

use unicode_normalization::UnicodeNormalization;

use super::{MAX_WORD_BYTES, WORD_START};
use crate::file::Replacement;

/// Calls `take` with each word of `text` until it breaks off.
///
/// A space at the end gives a last word that is [`WORD_START`] alone; so does a text of spaces; an empty text gives
/// none. That is how the reference splits, and what the model was trained on.
pub(super) fn for_each_word(
    text: &str,
    replacements: &HashMap<char, Replacement>,
    mut take: impl FnMut(&str) -> ControlFlow<()>,
) {
    let replaced = text
        .chars()
        .filter_map(|character| replace(character, replacements));
    let mut word = String::from(WORD_START);
    let mut before: Option<char> = None;
    for character in replaced.nfkc() {
        let previous = before.replace(character);
        if character != ' ' {
            word.push(character);
            if word.len() >= MAX_WORD_BYTES && take(&mem::take(&mut word)).is_break() {
                return;
            }
        } else if previous.is_some_and(|previous| previous != ' ') {
            if take(&word).is_break() {
                return;
            }
            word.clear();
            word.push(WORD_START);
        }
    }
    if before.is_some() && !word.is_empty() {
        let _ = take(&word);
    }
}

fn replace(character: char, replacements: &HashMap<char, Replacement>) -> Option<char> {
    // Nearly every character: printable ASCII is never in the map of the real file, letters are looked up.
    if matches!(character, ' '..='~') {
        return Some(character);
    }
    match replacements.get(&character) {
        None => Some(character),
        Some(Replacement::Space) => Some(' '),
        Some(Replacement::Nothing) => None,
    }
}
