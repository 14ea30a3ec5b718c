//! Accent folding: the letters of a text without what people leave out when they type in a hurry.
//!
//! Two forms. [`fold`] takes accents and ligatures off and keeps everything else, case too. [`key_into`] makes the form
//! words are compared in: compatibility forms resolved (NFKC: full-width letters, `ﬁ`, `²`), lower case, no accents.
//! Marks that are vowels of a script (Devanagari, Thai; canonical combining class 0) and the Japanese voicing marks
//! stay: without them other words would come out.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// `text` without accents: NFD, accents dropped, composed again; ligatures and special Latin letters spelled out
/// (`ß` ss, `ø` o, `æ` ae, `đ` d, `þ` th). Case, white space and punctuation stay. Never fails.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.nfd().filter(|&c| !is_accent(c)).nfc() {
        match spelled_out(c) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(c),
        }
    }
    folded
}

/// Appends to `key` the form in which `word` is compared: NFKC, lower case, no accents, letters and digits only.
///
/// Meant for one word: separators inside it (an apostrophe out of `ŉ`, a soft hyphen) vanish.
pub fn key_into(word: &str, key: &mut String) {
    let start = key.len();
    for c in word.chars() {
        match simple_key(c) {
            Some('\0') => {}
            Some(folded) => key.push(folded),
            None => {
                key.truncate(start);
                return full_key_into(word, key);
            }
        }
    }
}

/// Whether `c` is an accent: a mark that [`fold`] drops.
pub fn is_accent(c: char) -> bool {
    c >= '\u{300}' && canonical_combining_class(c) != 0 && !matches!(c, '\u{3099}' | '\u{309A}')
}

/// Whether `c` is invisible, and ignored where it stands inside a word: soft hyphen, zero-width space, joiners, byte
/// order mark, variation selectors.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\u{FE00}'..='\u{FE0F}' | '\u{34F}')
}

/// The key of the letters that nearly all words are made of; `\0` for those that vanish; `None`: take the long way.
#[inline]
fn simple_key(c: char) -> Option<char> {
    Some(match c {
        'a'..='z' | '0'..='9' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        'à'..='å' | 'À'..='Å' | 'ª' => 'a',
        'ç' | 'Ç' => 'c',
        'è'..='ë' | 'È'..='Ë' => 'e',
        'ì'..='ï' | 'Ì'..='Ï' => 'i',
        'ñ' | 'Ñ' => 'n',
        'ò'..='ö' | 'Ò'..='Ö' | 'º' => 'o',
        'ù'..='ü' | 'Ù'..='Ü' => 'u',
        '\u{300}'..='\u{315}' | '\u{AD}' => '\0',
        _ => return None,
    })
}

/// The long way to a key, over the whole word because composition looks at neighbours.
fn full_key_into(word: &str, key: &mut String) {
    let lower = word
        .nfkd()
        .filter(|&c| !is_accent(c))
        .flat_map(char::to_lowercase);
    // Lower case can bring a mark of its own (İ), hence the second filter.
    for c in lower.filter(|&c| !is_accent(c)).nfc() {
        match spelled_out(c) {
            Some(letters) => key.push_str(letters),
            None if c.is_alphanumeric() || (!c.is_ascii() && is_mark(c)) => key.push(c),
            None => {}
        }
    }
}

/// Whether `c` is a mark of any kind, also one that [`fold`] keeps.
pub(crate) fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c) && !is_invisible(c)
}

/// Letters that have no canonical decomposition, written with those of the basic alphabet.
fn spelled_out(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'ẞ' => "SS",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        'ø' => "o",
        'Ø' => "O",
        'đ' | 'ð' | 'ɖ' => "d",
        'Đ' | 'Ð' | 'Ɖ' => "D",
        'þ' => "th",
        'Þ' => "Th",
        'ł' | 'ŀ' => "l",
        'Ł' | 'Ŀ' => "L",
        'ħ' => "h",
        'Ħ' => "H",
        'ı' => "i",
        'ŧ' => "t",
        'Ŧ' => "T",
        'ŋ' => "ng",
        'Ŋ' => "NG",
        'ĸ' => "k",
        'ŉ' => "n",
        // Apostrophes that count as letters (Hawaiʻi).
        '\u{2B9}'..='\u{2BF}' => "",
        'ĳ' => "ij",
        'Ĳ' => "IJ",
        'ſ' => "s",
        'ƒ' => "f",
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ﬅ' | 'ﬆ' => "st",
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, folded: &str, key: &str) {
        assert_eq!(fold(text), folded, "fold of `{text}`");
        assert_eq!(key_of(text), key, "key of `{text}`");
    }

    fn key_of(word: &str) -> String {
        let mut key = String::new();
        key_into(word, &mut key);
        key
    }

    #[test]
    fn accents_and_ligatures_go_letters_stay() {
        check("Ação", "Acao", "acao");
        check("PINGÜIM", "PINGUIM", "pinguim");
        check("ac\u{327}a\u{303}o", "acao", "acao");
        check("straße", "strasse", "strasse");
        check("Øre", "Ore", "ore");
        check("Æon", "AEon", "aeon");
        check("ﬁscal", "fiscal", "fiscal");
        check("Łódź", "Lodz", "lodz");
        check("Þór", "Thor", "thor");
        check("İzmir", "Izmir", "izmir");
        check("ŉ", "n", "n");
        check("ＡＢＣ１２", "ＡＢＣ１２", "abc12");
        check("m²", "m²", "m2");
        check("1º", "1º", "1o");
        check("Ἀθῆναι", "Αθηναι", "αθηναι");
        check("Йод", "Иод", "иод");
    }

    #[test]
    fn vowels_of_other_scripts_are_no_accents() {
        check("がく", "がく", "がく");
        check("か\u{3099}く", "がく", "がく");
        check("한국", "한국", "한국");
        check("हिन्दी", "हिनदी", "हिनदी");
    }

    #[test]
    fn a_soft_hyphen_inside_a_word_vanishes_from_its_key() {
        assert_eq!(key_of("infor\u{AD}mação"), "informacao");
        assert_eq!(key_of("in\u{200B}forma\u{FEFF}"), "informa");
    }

    #[test]
    fn the_short_way_agrees_with_the_long_way() {
        for c in ('\u{21}'..='\u{24F}').chain('\u{300}'..='\u{320}') {
            if simple_key(c).is_none() {
                continue;
            }
            let mut long = String::new();
            full_key_into(&format!("x{c}x"), &mut long);
            assert_eq!(key_of(&format!("x{c}x")), long, "U+{:04X}", c as u32);
        }
    }

    #[test]
    fn folding_twice_changes_nothing() {
        for c in '\u{A0}'..='\u{2FFF}' {
            let once = fold(&c.to_string());
            assert_eq!(fold(&once), once, "U+{:04X}", c as u32);
        }
    }
}
