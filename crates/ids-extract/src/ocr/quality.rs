//! Whether the text that a page has of its own can be used. A scan may carry what another program once took for its text, and a font
//! without a table of its letters gives signs that mean nothing: neither is found by anybody.

/// Words that hardly a sentence does without.
const FUNCTION_WORDS: [&str; 46] = [
    "a", "o", "e", "de", "do", "da", "dos", "das", "em", "no", "na", "nos", "nas", "um", "uma", "que",
    "para", "com", "por", "se", "os", "as", "ao", "ou", "não", "é", "the", "of", "and", "to", "in", "is",
    "that", "for", "it", "with", "on", "be", "at", "by", "this", "are", "or", "from", "an", "not",
];

/// Fewer letters and digits than this are a stamp, or a page number, beside a picture.
const LITTLE: usize = 60;
/// Of fewer words nothing is said about how wordlike they are.
const FEW_WORDS: usize = 15;

/// What the text of a page is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usable {
    /// It can be read.
    Text,
    /// It can, but it may be only a part of what the page shows.
    Little,
    /// There is none.
    Nothing,
    /// It says nothing.
    Rubbish,
}

/// Judges the text of a page.
pub(crate) fn judge(text: &str) -> Usable {
    let mut tally = Tally::default();
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        tally.visible += 1;
        match c {
            '\u{fffd}' | '\u{e000}'..='\u{f8ff}' => tally.unknown += 1,
            _ if c.is_alphanumeric() => {
                tally.letters += 1;
                tally.foreign += usize::from(c.is_alphabetic() && c > '\u{24f}');
            }
            '.' | ',' | ';' | ':' | '-' | '(' | ')' | '"' | '\'' | '/' | '|' | '_' | '–' | '—' | 'º'
            | 'ª' | '…' => {}
            _ => tally.signs += 1,
        }
    }
    if tally.visible == 0 {
        return Usable::Nothing;
    }
    // Arabic, Chinese and their like: their shapes are not ours to judge, and the usual languages would not read them.
    if tally.foreign * 2 > tally.letters {
        return Usable::Text;
    }
    let is_signs = tally.unknown * 5 > tally.visible || tally.signs * 2 > tally.visible;
    if is_signs && tally.visible >= 20 {
        return Usable::Rubbish;
    }
    let words = || {
        text.split(|c: char| !c.is_alphabetic())
            .filter(|word| !word.is_empty())
    };
    let (mut all, mut wordlike, mut has_function_word) = (0_usize, 0_usize, false);
    for word in words() {
        has_function_word = has_function_word || is_function_word(word);
        // Single letters are numbers of lists, and shares of words that were spread out.
        if word.chars().nth(1).is_some() {
            all += 1;
            wordlike += usize::from(is_wordlike(word));
        }
    }
    if all >= FEW_WORDS {
        let is_unlike = wordlike * 100 < all * 55;
        let says_nothing = all >= 40 && !has_function_word && wordlike * 100 < all * 78;
        if is_unlike || says_nothing {
            return Usable::Rubbish;
        }
    }
    match tally.letters < LITTLE {
        true => Usable::Little,
        false => Usable::Text,
    }
}

#[derive(Default)]
struct Tally {
    visible: usize,
    letters: usize,
    /// Letters beyond Latin.
    foreign: usize,
    /// Signs that have no meaning of their own.
    unknown: usize,
    /// Signs that texts have few of.
    signs: usize,
}

fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.contains(&word.to_lowercase().as_str())
}

const fn is_vowel(lower: char) -> bool {
    matches!(
        lower,
        'a' | 'e'
            | 'i'
            | 'o'
            | 'u'
            | 'y'
            | 'á'
            | 'à'
            | 'â'
            | 'ã'
            | 'é'
            | 'ê'
            | 'í'
            | 'ó'
            | 'ô'
            | 'õ'
            | 'ú'
            | 'ü'
            | 'ä'
            | 'ö'
            | 'ë'
            | 'ï'
            | 'æ'
            | 'ø'
    )
}

/// Has a vowel, no heap of consonants, no letter four times, and capitals where words have them.
fn is_wordlike(word: &str) -> bool {
    let (mut vowels, mut run, mut longest) = (0, 0, 0);
    let (mut same, mut before) = (0, ' ');
    for c in word.chars().flat_map(char::to_lowercase) {
        if is_vowel(c) {
            vowels += 1;
            run = 0;
        } else {
            run += 1;
            longest = longest.max(run);
        }
        same = if c == before { same + 1 } else { 1 };
        if same == 4 {
            return false;
        }
        before = c;
    }
    let inner = word.chars().skip(1);
    let capitals = inner.clone().filter(|c| c.is_uppercase()).count();
    let is_cased = capitals == 0 || capitals == inner.count();
    vowels > 0 && longest <= 5 && is_cased
}

#[cfg(test)]
mod tests {
    use super::{Usable, judge};

    const TEXT: &str = "Art. 75. É dispensável a licitação para contratação que envolva valores inferiores a R$ 100.000,00 \
        (cem mil reais), no caso de obras e serviços de engenharia ou de serviços de manutenção de veículos automotores.";

    /// What a font whose letters are all off by three gives.
    fn shifted(text: &str) -> String {
        let shift = |c: char| match c {
            'a'..='z' => ((c as u8 - b'a' + 3) % 26 + b'a') as char,
            'A'..='Z' => ((c as u8 - b'A' + 3) % 26 + b'A') as char,
            c => c,
        };
        text.chars().map(shift).collect()
    }

    #[test]
    fn text_is_told_from_what_says_nothing() {
        let check = |text: &str, expected| assert_eq!(judge(text), expected, "{text}");
        check(TEXT, Usable::Text);
        check(&TEXT.to_uppercase(), Usable::Text);
        check(" \n ", Usable::Nothing);
        check("Página 3 de 12", Usable::Little);
        check(&shifted(TEXT), Usable::Rubbish);
        check(
            "\u{f021}\u{f022}\u{f023}\u{f024} \u{f025}\u{f026}\u{f027}\u{f028} \u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd} abcdefgh",
            Usable::Rubbish,
        );
        check(
            "!\"#$% &'()* +,-./ #$%&! @^~`<>= !\"#$ %&*+ ={}[]\\",
            Usable::Rubbish,
        );
        check(
            "lIl1l |1lIl 1ll; llI1 rn,rnrn rnnrn iiii ,,. fj kjh dfg hjkl qwrt zxcv bnmk ttrr sspp wwkk ggff ddss ppll mmnn bbvv ccxx lkjh",
            Usable::Rubbish,
        );
    }

    #[test]
    fn other_languages_tables_and_listings_are_text() {
        let check = |text: &str| assert_eq!(judge(text), Usable::Text, "{text}");
        check("هذا نص عربي قصير يكفي لكي لا يحكم عليه أحد من هذه الكلمات العربية كلها في هذه الصفحة الصغيرة");
        check(
            "Die Verordnung tritt am Tag nach ihrer Verkündung in Kraft; der Bundesrat hat zugestimmt, gemäß Satz 2.",
        );
        check(
            "| Item | Valor |\n| 1 | 1.250,00 |\n| 2 | 3.400,75 |\n| 3 | 12,00 |\n| 4 | 77.120,10 |\n| 5 | 9,99 | 2024 | 2025 | 2026 | Total geral",
        );
        check(
            "let mut index = words.len(); while index > 0 { index -= 1; if words[index].is_empty() { words.remove(index); } }",
        );
    }
}
