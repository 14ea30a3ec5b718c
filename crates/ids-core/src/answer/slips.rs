//! Small slips of reading: a scanner takes `rn` for `m`, and a model that copies mends it, or the other way round. Words that differ so little
//! are taken for the same; numbers never are.

use crate::span::CharSpan;

/// Letters from which on one slip is allowed, and two.
const ONE_SLIP: usize = 5;
const TWO_SLIPS: usize = 9;
/// Of so many words one may have a slip; the share is of the whole quote.
const WORDS_A_SLIP: usize = 4;

/// Whether `word` is `other` with a slip or two: only long words of letters alone, beginning or ending alike.
pub(super) fn is_slip_of(word: &str, other: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (word.chars().collect(), other.chars().collect());
    let shorter = a.len().min(b.len());
    if shorter < ONE_SLIP || a == b {
        return false;
    }
    if a.iter().chain(&b).any(|c| !c.is_alphabetic()) {
        return false;
    }
    let most = if shorter >= TWO_SLIPS { 2 } else { 1 };
    within(&mended(&a), &mended(&b), most)
}

/// Letters that look alike, as one: what scanners take for each other counts as no slip at all.
fn mended(word: &[char]) -> Vec<char> {
    let mut mended = Vec::with_capacity(word.len());
    let mut at = 0;
    while at < word.len() {
        let next = word.get(at + 1);
        let (c, used) = match (word[at], next) {
            ('r', Some('n')) => ('m', 2),
            ('c', Some('l')) => ('d', 2),
            ('v', Some('v')) => ('w', 2),
            (c, _) => (c, 1),
        };
        mended.push(c);
        at += used;
    }
    mended
}

/// Whether at most `most` letters are to be changed, added or left out. Exact, and bounded: it looks at a band of the table only.
fn within(a: &[char], b: &[char], most: usize) -> bool {
    if a.len().abs_diff(b.len()) > most {
        return false;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        let mut least = row[0];
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
            least = least.min(row[j + 1]);
        }
        if least > most {
            return false;
        }
    }
    row[b.len()] <= most
}

/// A word of a text with its place.
struct Word {
    text: String,
    span: CharSpan,
}

fn words(text: &str) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
    let mut one = [0; 4];
    let mut is_open = false;
    for (at, c) in (0_u32..).zip(text.chars()) {
        if !c.is_alphanumeric() {
            is_open = false;
            continue;
        }
        let folded = ids_text::fold(c.encode_utf8(&mut one)).to_lowercase();
        match found.last_mut().filter(|_| is_open) {
            Some(word) => {
                word.text.push_str(&folded);
                word.span.end = at + 1;
            }
            None => found.push(Word {
                text: folded,
                span: CharSpan::new(at, at + 1),
            }),
        }
        is_open = true;
    }
    found
}

/// Where `quote` stands in `content` with a few slips: word by word, in order, numbers and short words exactly. A quote of few words must stand
/// there exactly, so it is none of this function's.
pub(super) fn find_with_slips(content: &str, quote: &str) -> Option<CharSpan> {
    let wanted = words(quote);
    let allowed = wanted.len() / WORDS_A_SLIP;
    if allowed == 0 {
        return None;
    }
    let there = words(content);
    'places: for window in there.windows(wanted.len()) {
        let mut slips = 0;
        for (word, other) in wanted.iter().zip(window) {
            if word.text == other.text {
                continue;
            }
            slips += 1;
            if slips > allowed || !is_slip_of(&word.text, &other.text) {
                continue 'places;
            }
        }
        return Some(CharSpan::new(window.first()?.span.start, window.last()?.span.end));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{find_with_slips, is_slip_of};

    #[test]
    fn long_words_may_slip_and_numbers_never() {
        let check = |a: &str, b: &str, expected: bool| assert_eq!(is_slip_of(a, b), expected, "{a} {b}");
        check("contrato", "contrat0", false);
        check("contrato", "contrafo", true);
        check("contrato", "contraio", true);
        check("govemo", "governo", true);
        check("administracao", "adrninistracao", true);
        check("licitacao", "iicitacoo", true);
        check("prazo", "prato", true);
        check("multa", "muita", true);
        check("dias", "diss", false);
        check("2024", "2025", false);
        check("quinze", "quatro", false);
        check("igual", "igual", false);
    }

    #[test]
    fn a_quote_is_found_with_a_slip_in_four_words() {
        let content = "O govemo do Estado prorrogará o contrato por 12 meses.";
        let check = |quote: &str, expected: Option<&str>| {
            let found = find_with_slips(content, quote).map(|span| span.slice(content));
            assert_eq!(found, expected, "{quote}");
        };
        check(
            "O governo do Estado prorrogará",
            Some("O govemo do Estado prorrogará"),
        );
        check("contrato por 13 meses", None);
        check("O governo da União prorrogará", None);
        check("governo do Estado", None);
        check("o contreto por 12 mesas", None);
    }
}
