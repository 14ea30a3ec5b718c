//! From text to index terms: the same for documents and queries, in every store (design.md 4, row "words").
//!
//! 1. Cut into words: runs of letters and digits; accents typed as separate marks belong to their letter, soft hyphens
//!    and zero-width characters inside a word are not there. Hyphens and apostrophes separate.
//! 2. A number, date, reference or identifier is kept whole ([`crate::number`]).
//! 3. A word gives its Portuguese **and** its English stem: nobody has to guess the language of a chunk.
//! 4. Function words of both languages give nothing, and neither does the `R` of `R$`.
//! 5. Ideographs and kana, which no white space separates, give one term each.
//!
//! Each word is normalised alone, so its place is known in the text as it was given.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::fold::{is_invisible, is_mark, key_into};
use crate::number;
use crate::stem;
use crate::stopword::is_stop_word;
use crate::term::{Kind, Term};

/// A word that has terms, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalyzedWord {
    /// First character, in Unicode scalar values of the text given.
    pub start: usize,
    /// End, exclusive.
    pub end: usize,
    /// Its terms; at least one.
    pub terms: Terms,
}

/// The terms of one word: nearly always its two stems, so these need no list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Terms {
    /// A number of a known form, an identifier, an ideograph.
    One([Term; 1]),
    /// The Portuguese and the English stem of a word; number and reference.
    Two([Term; 2]),
    /// The parts of a number of no known form.
    Many(Vec<Term>),
}

impl Terms {
    /// The terms, in a fixed order.
    pub fn as_slice(&self) -> &[Term] {
        match self {
            Self::One(terms) => terms,
            Self::Two(terms) => terms,
            Self::Many(terms) => terms,
        }
    }
}

/// The words of `text` that have terms, in order. Never fails; linear in the length of `text`.
pub fn analyze(text: &str) -> Vec<AnalyzedWord> {
    let mut words = Vec::with_capacity(text.len() / 8);
    let mut stems = StemCache::default();
    each_word(text, &mut stems, |start, end, terms| {
        words.push(AnalyzedWord { start, end, terms })
    });
    words
}

/// All terms of `text`, in order, with repeats: what is counted for BM25.
pub fn index_terms(text: &str) -> Vec<Term> {
    let mut all = Vec::with_capacity(text.len() / 4);
    let mut stems = StemCache::default();
    each_word(text, &mut stems, |_, _, terms| match terms {
        Terms::One(terms) => all.extend(terms),
        Terms::Two(terms) => all.extend(terms),
        Terms::Many(terms) => all.extend(terms),
    });
    all
}

/// The distinct terms of a query, in order of first appearance. Empty when it has function words only: the index does
/// not know them.
pub fn query_terms(text: &str) -> Vec<Term> {
    let mut seen = HashSet::new();
    index_terms(text)
        .into_iter()
        .filter(|term| seen.insert(term.clone()))
        .collect()
}

/// Where `text` has words with one of `terms`: ranges in Unicode scalar values, in order, one a word (neighbours are not
/// merged).
pub fn highlights(text: &str, terms: &BTreeSet<Term>) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    if terms.is_empty() {
        return ranges;
    }
    let mut stems = StemCache::default();
    each_word(text, &mut stems, |start, end, found| {
        if found.as_slice().iter().any(|term| terms.contains(term)) {
            ranges.push((start, end));
        }
    });
    ranges
}

/// The stems of the words one call has met. Stemming is most of the work, and texts repeat themselves.
#[derive(Default)]
struct StemCache {
    by_key: HashMap<String, Option<[Term; 2]>>,
}

impl StemCache {
    /// More different words than this are not remembered: memory stays bounded for any text.
    const MAX_KEYS: usize = 20_000;

    /// Both stems of `key`; `None` for a function word.
    fn terms(&mut self, key: &str) -> Option<[Term; 2]> {
        if let Some(known) = self.by_key.get(key) {
            return known.clone();
        }
        let terms = (!is_stop_word(key)).then(|| {
            [
                Term::encode(Kind::Portuguese, &stem::portuguese(key)),
                Term::encode(Kind::English, &stem::english(key)),
            ]
        });
        if self.by_key.len() < Self::MAX_KEYS {
            self.by_key.insert(key.to_owned(), terms.clone());
        }
        terms
    }
}

/// Calls `found` with start, end and terms of each word that has terms.
fn each_word(text: &str, stems: &mut StemCache, mut found: impl FnMut(usize, usize, Terms)) {
    let mut rest = text;
    let mut position = 0;
    let mut key = String::new();
    while let Some(first) = rest.chars().next() {
        if !first.is_alphanumeric() {
            rest = &rest[first.len_utf8()..];
            position += 1;
            continue;
        }
        let word = if is_ideograph(first) {
            Word::single(first)
        } else {
            cut_word(rest)
        };
        let (written, after) = rest.split_at(word.bytes);
        let terms = match word.form {
            WordForm::Number => number_terms(written),
            WordForm::Ideograph => ideograph_terms(written, &mut key),
            WordForm::Letters if after.starts_with('$') && written == "R" => None,
            WordForm::Letters => letter_terms(written, &mut key, stems),
        };
        if let Some(terms) = terms {
            found(position, position + word.chars, terms);
        }
        rest = after;
        position += word.chars;
    }
}

enum WordForm {
    Letters,
    Number,
    Ideograph,
}

/// A word at the start of the text that is left: its form and length.
struct Word {
    form: WordForm,
    bytes: usize,
    chars: usize,
}

impl Word {
    fn single(c: char) -> Self {
        Self {
            form: WordForm::Ideograph,
            bytes: c.len_utf8(),
            chars: 1,
        }
    }
}

fn cut_word(text: &str) -> Word {
    let (bytes, chars) = run_length(text);
    let number_len = number::scan(text.as_bytes());
    // `14.133/2021` is longer than its first run of digits; `5a`, `2x4` and `10º` are words that start with one.
    if number_len > bytes || number_len == bytes && number_len > 0 {
        return Word {
            form: WordForm::Number,
            bytes: number_len,
            chars: number_len,
        };
    }
    Word {
        form: WordForm::Letters,
        bytes,
        chars,
    }
}

/// Length of the run of letters, digits, their marks and what is invisible between them, in bytes and characters.
fn run_length(text: &str) -> (usize, usize) {
    let (mut bytes, mut chars) = (0, 0);
    let (mut pending_bytes, mut pending_chars) = (0, 0);
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || is_word_char(c) {
            bytes += pending_bytes + c.len_utf8();
            chars += pending_chars + 1;
            (pending_bytes, pending_chars) = (0, 0);
        } else if !c.is_ascii() && is_invisible(c) {
            // Belongs to the word only when the word goes on after it.
            pending_bytes += c.len_utf8();
            pending_chars += 1;
        } else {
            break;
        }
    }
    (bytes, chars)
}

fn is_word_char(c: char) -> bool {
    !c.is_ascii() && ((c.is_alphanumeric() && !is_ideograph(c)) || is_mark(c))
}

/// Ideographs and kana.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{2FDF}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FA}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

fn exact(text: &str) -> Term {
    Term::encode(Kind::Exact, text)
}

fn number_terms(written: &str) -> Option<Terms> {
    let forms = number::forms(written);
    Some(match forms.as_slice() {
        [one] => Terms::One([exact(one)]),
        [first, second] => Terms::Two([exact(first), exact(second)]),
        many => Terms::Many(many.iter().map(|form| exact(form)).collect()),
    })
}

fn ideograph_terms(written: &str, key: &mut String) -> Option<Terms> {
    key.clear();
    key_into(written, key);
    (!key.is_empty()).then(|| Terms::One([exact(key)]))
}

fn letter_terms(written: &str, key: &mut String, stems: &mut StemCache) -> Option<Terms> {
    key.clear();
    key_into(written, key);
    if key.is_empty() {
        return None;
    }
    if !key.contains(char::is_numeric) {
        return stems.terms(key).map(Terms::Two);
    }
    Some(match ordinal(written, key) {
        Ordinal::Number(digits) => Terms::One([exact(&number::forms(digits)[0])]),
        Ordinal::Maybe(digits) => Terms::Two([exact(key), exact(&number::forms(digits)[0])]),
        Ordinal::No => Terms::One([exact(key)]),
    })
}

/// Whether a word with digits is a number in the form of an ordinal.
enum Ordinal<'a> {
    /// It is (`5º`), or digits alone in another script's form (`５`): its digits.
    Number(&'a str),
    /// It may be, typed without the sign (`5o`, `5a`, `5th`), or a label: its digits.
    Maybe(&'a str),
    No,
}

fn ordinal<'a>(written: &str, key: &'a str) -> Ordinal<'a> {
    let digits = &key[..key.bytes().take_while(u8::is_ascii_digit).count()];
    match &key[digits.len()..] {
        _ if digits.is_empty() => Ordinal::No,
        "" => Ordinal::Number(digits),
        "o" | "a" if written.ends_with(['º', 'ª']) => Ordinal::Number(digits),
        "o" | "a" | "os" | "as" | "st" | "nd" | "rd" | "th" => Ordinal::Maybe(digits),
        _ => Ordinal::No,
    }
}

#[cfg(test)]
mod tests;
