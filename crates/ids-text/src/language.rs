//! A cheap guess at the language of a text, from its function words.
//!
//! Good enough to choose the language of an interface's reply or of OCR; ranking never depends on it.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::fold::key_into;
use crate::stopword::{ENGLISH, PORTUGUESE};

/// What [`guess`] can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Portuguese.
    Portuguese,
    /// English.
    English,
    /// A language with more function words of its own than of Portuguese (Spanish, French, Italian, German).
    Other,
}

/// Words looked at: the beginning of a long text speaks for it.
const MAX_WORDS: usize = 2_000;
/// Characters looked at, for texts without white space.
const MAX_CHARS: usize = 20_000;

/// Frequent words of languages that share many function words with Portuguese or English, and are not words of theirs.
const RIVALS: [&str; 52] = [
    "el", "los", "del", "y", "es", "en", "una", "unos", "con", "pero", "su", "sus", "lo", "muy", "hay",
    "donde", "le", "les", "et", "est", "une", "dans", "sur", "pour", "avec", "qui", "ce", "cette", "aux",
    "du", "des", "il", "di", "della", "che", "sono", "nel", "gli", "per", "anche", "der", "die", "und",
    "das", "ist", "nicht", "ein", "eine", "zu", "mit", "auf", "den",
];

static PORTUGUESE_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| PORTUGUESE.iter().copied().collect());
static ENGLISH_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| ENGLISH.iter().copied().collect());

/// The language of `text`, from how many of its words are function words of one language and not of the other;
/// `None` when too few are, or both languages have as many.
pub fn guess(text: &str) -> Option<Language> {
    let end = text
        .char_indices()
        .nth(MAX_CHARS)
        .map_or(text.len(), |(at, _)| at);
    let (mut portuguese, mut english, mut rival) = (0_usize, 0_usize, 0_usize);
    let mut key = String::new();
    let words = text[..end]
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    for word in words.take(MAX_WORDS) {
        key.clear();
        key_into(word, &mut key);
        let pt = PORTUGUESE_WORDS.contains(key.as_str());
        let en = ENGLISH_WORDS.contains(key.as_str());
        portuguese += usize::from(pt && !en);
        english += usize::from(en && !pt);
        rival += usize::from(RIVALS.contains(&key.as_str()));
    }
    // Twice as many: words of one language are quoted in texts of the other.
    match (portuguese, english, rival) {
        (0, 0, 0) => None,
        (pt, en, other) if other > pt && other > en => Some(Language::Other),
        (pt, en, _) if pt >= 2 * en && pt > 0 => Some(Language::Portuguese),
        (pt, en, _) if en >= 2 * pt && en > 0 => Some(Language::English),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Language>) {
        assert_eq!(guess(text), expected, "`{text}`");
    }

    #[test]
    fn the_language_is_guessed_from_function_words() {
        check(
            "Como pode ser definido um sistema de informação?",
            Some(Language::Portuguese),
        );
        check("qual o prazo da licitacao", Some(Language::Portuguese));
        check("What is the deadline of the contract?", Some(Language::English));
        check(
            "Los derechos de los ciudadanos son una parte del contrato y su objeto",
            Some(Language::Other),
        );
        check(
            "Le contrat est signé dans les deux mois et les parties",
            Some(Language::Other),
        );
        check(
            "Der Vertrag ist nicht gültig und die Frist",
            Some(Language::Other),
        );
    }

    #[test]
    fn too_little_is_no_guess() {
        check("", None);
        check("14.133/2021", None);
        check("licitação", None);
    }
}
