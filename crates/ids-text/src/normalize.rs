//! "The same text": forms in which two texts are compared as wholes.
//!
//! Both forms are NFKC, case folded, with every run of white space as one space and none at either end. Accents count:
//! this is about the same text, not about finding it. Case folding is upper case, then lower case of each character,
//! which joins `ß` and `SS`, `ς` and `σ` (Unicode's CaseFolding table, but for a few letters such as `ı`).

use unicode_normalization::UnicodeNormalization;

/// The form whose hash says that two documents have the same text. Soft hyphens (U+00AD) are dropped: the same book
/// printed with other line breaks is the same book. Never fails.
pub fn normalized_for_hash(text: &str) -> String {
    let mut normalized = String::with_capacity(text.len());
    HashNormalizer::default().push(text, &mut normalized);
    normalized
}

/// The form in which an accepted answer is looked for in a quoted sentence. Soft hyphens count. Never fails.
pub fn fold_for_match(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    WhiteSpace::default().push(text.chars(), &mut folded);
    folded
}

/// [`normalized_for_hash`] for a text that comes in pieces, page by page: only one page is in memory.
///
/// A border between pieces counts as white space, so all outputs one after the other are the normalized form of the
/// pieces joined by a line feed.
#[derive(Debug, Default)]
pub struct HashNormalizer {
    white_space: WhiteSpace,
}

impl HashNormalizer {
    /// Appends the normalized form of the next piece to `out`. A space due to the border comes out with the next piece.
    pub fn push(&mut self, piece: &str, out: &mut String) {
        self.white_space
            .push(piece.chars().filter(|&c| c != '\u{AD}'), out);
        self.white_space.due = self.white_space.started;
    }
}

/// Folds white space: owes one space for each run, paid when something follows.
#[derive(Debug, Default)]
struct WhiteSpace {
    /// Something has come out, so white space from here on is inside the text.
    started: bool,
    /// A space is owed.
    due: bool,
}

impl WhiteSpace {
    fn push(&mut self, chars: impl Iterator<Item = char>, out: &mut String) {
        // Folding case can undo composition, hence the second normalization.
        for c in chars.nfkc().flat_map(fold_case).nfkc() {
            if c.is_whitespace() {
                self.due = self.started;
                continue;
            }
            if self.due {
                out.push(' ');
            }
            (self.started, self.due) = (true, false);
            out.push(c);
        }
    }
}

fn fold_case(c: char) -> impl Iterator<Item = char> {
    c.to_uppercase().flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, hash: &str, matching: &str) {
        assert_eq!(normalized_for_hash(text), hash);
        assert_eq!(fold_for_match(text), matching);
    }

    #[test]
    fn case_white_space_and_compatibility_forms_do_not_count() {
        check("  Ação \n\t PENAL\u{A0}1ª ", "ação penal 1a", "ação penal 1a");
        check("ac\u{327}a\u{303}o", "ação", "ação");
        check("ﬁm STRASSE straße", "fim strasse strasse", "fim strasse strasse");
        check("ΣΑΣ σας", "σασ σασ", "σασ σασ");
        check("", "", "");
        check(" \n ", "", "");
    }

    #[test]
    fn soft_hyphens_count_in_matches_only() {
        check("infor\u{AD}mação", "informação", "infor\u{AD}mação");
    }

    proptest! {
        #[test]
        fn pieces_give_what_the_whole_gives(pieces in prop::collection::vec("[ a-cÁ\\n\u{AD}]{0,6}", 0..6)) {
            let mut normalizer = HashNormalizer::default();
            let mut streamed = String::new();
            for piece in &pieces {
                normalizer.push(piece, &mut streamed);
            }
            prop_assert_eq!(streamed, normalized_for_hash(&pieces.join("\n")));
        }

        #[test]
        fn a_normalized_text_is_normalized(text in "\\PC{0,40}") {
            let once = fold_for_match(&text);
            prop_assert_eq!(fold_for_match(&once), once);
        }
    }
}
