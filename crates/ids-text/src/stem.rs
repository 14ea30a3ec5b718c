//! Stems that do not depend on typed accents.
//!
//! Snowball's Portuguese stemmer looks at accents (`ção`, `ável`, `ência`), people leave them out, and folding first
//! costs quality (.563 against .577, design.md 4). So the stem is taken of the *folded* word with the accent of its
//! suffix put back by a table, and folded again: with or without accents, every step sees the same letters.

use std::borrow::Cow;

use waken_snowball::Algorithm;

use crate::fold::fold;

/// Longer words (in bytes) are no words of a language: they are taken as they are.
const MAX_WORD_LEN: usize = 48;

/// Folded suffix and what it was before; the first match wins, so longer ones stand before those they end in. The five
/// plurals of `ão` become their singular, which Snowball does not do: `decisões` is found by `decisão` (ADR 0005).
const SUFFIXES: [(&str, &str); 22] = [
    ("coes", "ção"),
    ("cao", "ção"),
    ("soes", "são"),
    ("sao", "são"),
    ("oes", "ão"),
    ("aes", "ão"),
    ("aos", "ão"),
    ("ao", "ão"),
    ("avel", "ável"),
    ("ivel", "ível"),
    ("encias", "ências"),
    ("encia", "ência"),
    ("ancias", "âncias"),
    ("ancia", "ância"),
    ("issemos", "íssemos"),
    ("assemos", "ássemos"),
    ("essemos", "êssemos"),
    ("ariamos", "aríamos"),
    ("eriamos", "eríamos"),
    ("iriamos", "iríamos"),
    ("iamos", "íamos"),
    ("avamos", "ávamos"),
];

/// The Portuguese stem of `key` (a word folded by [`crate::fold::key_into`]), without accents.
pub fn portuguese(key: &str) -> Cow<'_, str> {
    if !has_stem(key) {
        return Cow::Borrowed(key);
    }
    match restore_suffix(key) {
        Some(accented) => Cow::Owned(fold(&waken_snowball::stem(Algorithm::Portuguese, &accented))),
        // No accent went in, but the rules may still bring one out, hence the fold.
        None => match waken_snowball::stem(Algorithm::Portuguese, key) {
            stem if stem.is_ascii() => stem,
            stem => Cow::Owned(fold(&stem)),
        },
    }
}

/// The English stem of `key` (a word folded by [`crate::fold::key_into`]).
pub fn english(key: &str) -> Cow<'_, str> {
    if has_stem(key) {
        waken_snowball::stem(Algorithm::English, key)
    } else {
        Cow::Borrowed(key)
    }
}

/// Both stemmers know Latin letters only; three letters are the shortest word either of them shortens with profit.
fn has_stem(key: &str) -> bool {
    (3..=MAX_WORD_LEN).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_lowercase())
}

fn restore_suffix(key: &str) -> Option<String> {
    // All suffixes of the table end in one of these: most words are told apart by one byte.
    if !matches!(key.as_bytes().last(), Some(b's' | b'o' | b'l' | b'a')) {
        return None;
    }
    SUFFIXES
        .iter()
        .find_map(|(plain, accented)| Some(key.strip_suffix(plain)?.to_owned() + accented))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, pt: &str, en: &str) {
        assert_eq!(portuguese(key), pt, "Portuguese stem of `{key}`");
        assert_eq!(english(key), en, "English stem of `{key}`");
    }

    #[test]
    fn stems_have_no_accents_and_join_the_forms_of_a_word() {
        check("acao", "aca", "acao");
        check("decisoes", "decisa", "deciso");
        check("decisao", "decisa", "decisao");
        check("informacoes", "inform", "informaco");
        check("informacao", "inform", "informacao");
        check("responsavel", "respons", "responsavel");
        check("licenca", "licenc", "licenca");
        check("running", "running", "run");
        check("universities", "universiti", "universiti");
    }

    #[test]
    fn what_is_no_latin_word_is_its_own_stem() {
        check("йод", "йод", "йод");
        check("it", "it", "it");
        let long = "s".repeat(MAX_WORD_LEN + 1);
        check(&long, &long, &long);
    }

    #[test]
    fn a_suffix_of_the_table_is_found_by_the_first_that_matches() {
        assert_eq!(restore_suffix("cidadaos").as_deref(), Some("cidadão"));
        assert_eq!(restore_suffix("relacoes").as_deref(), Some("relação"));
        assert_eq!(restore_suffix("fariamos").as_deref(), Some("faríamos"));
        assert_eq!(restore_suffix("casa"), None);
    }
}
