//! A cheap guess at the language of a text, from its function words.
//!
//! Good enough to choose the language of an interface's reply or of OCR, and to say what a document is written in; ranking
//! never depends on it.

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

/// The language of a whole document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentLanguage {
    /// Nearly all of it is in one language.
    One(Language),
    /// A good part of it is in Portuguese, and a good part in English.
    Mixed,
}

impl DocumentLanguage {
    /// The word in stores and on the wire: a code of ISO 639-1, `other` or `mixed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::One(Language::Portuguese) => "pt",
            Self::One(Language::English) => "en",
            Self::One(Language::Other) => "other",
            Self::Mixed => "mixed",
        }
    }
}

/// Words of a passage that is guessed at on its own.
const PASSAGE_WORDS: usize = 60;
/// Passages looked at, spread over the document.
const PASSAGES: usize = 400;
/// A language with this share of the passages (1 in 6) is one of two: less is a quotation, an abstract, a list of books.
const SECOND_ONE_IN: usize = 6;

/// The language of a document whose text comes in `parts`, such as its pages: each passage of some sixty words is guessed at,
/// and the passages vote. `None` where none of them tells.
pub fn of_document<'a>(parts: impl IntoIterator<Item = &'a str>) -> Option<DocumentLanguage> {
    let parts: Vec<&str> = parts.into_iter().collect();
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    // About six bytes a word: every n-th passage of a long text, so that its end counts as much as its beginning.
    let step = (bytes / 6 / PASSAGE_WORDS / PASSAGES).max(1);
    let (mut portuguese, mut english, mut other) = (0_usize, 0_usize, 0_usize);
    let mut vote = |passage: &str| match guess_passage(passage) {
        Some(Language::Portuguese) => portuguese += 1,
        Some(Language::English) => english += 1,
        Some(Language::Other) => other += 1,
        None => {}
    };
    let mut number = 0_usize;
    for part in parts {
        let mut rest = part;
        while !rest.is_empty() {
            let (passage, after) = rest.split_at(end_of_words(rest, PASSAGE_WORDS));
            if number.is_multiple_of(step) {
                vote(passage);
            }
            number += 1;
            rest = after;
        }
    }
    let most = portuguese.max(english).max(other);
    let is_second = |votes: usize| votes * SECOND_ONE_IN >= portuguese + english + other;
    match most {
        0 => None,
        _ if is_second(portuguese) && is_second(english) => Some(DocumentLanguage::Mixed),
        _ if most == portuguese => Some(DocumentLanguage::One(Language::Portuguese)),
        _ if most == english => Some(DocumentLanguage::One(Language::English)),
        _ => Some(DocumentLanguage::One(Language::Other)),
    }
}

/// [`guess`], and another script is another language.
fn guess_passage(text: &str) -> Option<Language> {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    // Up to U+024F the Latin letters.
    let (latin, foreign) = letters.fold((0_usize, 0_usize), |(latin, foreign), c| match c {
        '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{fb00}'..='\u{fb06}' => (latin + 1, foreign),
        _ => (latin, foreign + 1),
    });
    if foreign > latin {
        return Some(Language::Other);
    }
    guess(text)
}

/// Where the first `words` words of `text` end, in bytes; its end where it has no more.
fn end_of_words(text: &str, words: usize) -> usize {
    let mut left = words;
    let mut in_word = false;
    for (at, c) in text.char_indices() {
        if at > PASSAGE_WORDS * 40 {
            // A text without white space.
            return at;
        }
        let is_space = c.is_whitespace();
        if is_space && in_word {
            left -= 1;
            if left == 0 {
                return at;
            }
        }
        in_word = !is_space;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PT: &str = "O contrato é assinado pelas partes no prazo de dez dias, contados da data em que a empresa foi \
                      convocada, e não pode ser prorrogado sem que haja motivo. ";
    const EN: &str = "The contract is signed by both of the parties within ten days from the date on which the company \
                      was called, and it cannot be extended without a reason. ";

    #[test]
    fn a_document_has_the_language_of_most_of_its_passages() {
        let check = |parts: &[String], expected: Option<&str>| {
            let found = of_document(parts.iter().map(String::as_str));
            assert_eq!(found.map(DocumentLanguage::as_str), expected);
        };
        check(&[PT.repeat(40)], Some("pt"));
        check(&[EN.repeat(40)], Some("en"));
        check(&[EN.repeat(2), PT.repeat(60)], Some("pt"));
        check(&[PT.repeat(20), EN.repeat(20)], Some("mixed"));
        check(
            &["Договор подписывается сторонами в течение десяти дней".repeat(9)],
            Some("other"),
        );
        check(&["契約は十日以内に締結".repeat(900)], Some("other"));
        check(&[], None);
        check(&["14.133/2021 42 3,50 | --- |".to_owned()], None);
    }

    #[test]
    fn the_end_of_a_long_document_counts_as_much_as_its_beginning() {
        let parts = [PT.repeat(3_000), EN.repeat(3_000)];
        let found = of_document(parts.iter().map(String::as_str));
        assert_eq!(found, Some(DocumentLanguage::Mixed));
    }

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
