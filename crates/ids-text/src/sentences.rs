//! Borders of sentences, for Portuguese and English.
//!
//! An answer is made of whole sentences, so a border inside `art. 5º`, `Sr. J. R. Silva` or `S.A.` is worse than one
//! too few. A stop is a border when what follows looks like a beginning **and** what precedes does not look like an abbreviation
//! (`abbreviation` holds the lists). A blank line always is one; a single line feed only before a
//! list item and between a heading in capitals and its text (`layout`).

mod abbreviation;
mod layout;

use abbreviation::Abbreviation;

/// The sentences of `text` as ranges of Unicode scalar values, in order, without white space at either end. Together they hold
/// every character that is not white space. Never fails; linear in the length of `text`.
pub fn sentences(text: &str) -> Vec<(usize, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut start = skip_white_space(&chars, 0);
    let mut at = start;
    while at < chars.len() {
        let border = match chars[at] {
            '\n' => line_border(&chars, start, at),
            '.' | '!' | '?' | '…' | '。' | '！' | '？' => stop_border(&chars, start, at),
            _ => Border::None { resume: at + 1 },
        };
        match border {
            Border::None { resume } => at = resume,
            Border::At(end) => {
                found.push((start, trimmed_end(&chars, start, end)));
                start = skip_white_space(&chars, end);
                at = start;
            }
        }
    }
    if start < chars.len() {
        found.push((start, trimmed_end(&chars, start, chars.len())));
    }
    found
}

/// Whether a sentence ends, and where reading goes on.
enum Border {
    /// It ends before this position.
    At(usize),
    /// It does not; `resume` is the next position to look at.
    None { resume: usize },
}

fn line_border(chars: &[char], start: usize, line_feed: usize) -> Border {
    let next = skip_white_space(chars, line_feed);
    let blank = chars[line_feed..next].iter().filter(|&&c| c == '\n').count() > 1;
    if next == chars.len() || blank || layout::separates(&chars[start..line_feed], &chars[next..]) {
        return Border::At(line_feed);
    }
    Border::None { resume: next }
}

fn stop_border(chars: &[char], start: usize, stop: usize) -> Border {
    let stops = run_length(&chars[stop..], is_stop);
    let mut end = stop + stops;
    end += closers(&chars[end..]);
    let none = Border::None { resume: end };
    let next = skip_white_space(chars, end);
    if next == chars.len() {
        return Border::At(chars.len());
    }
    if matches!(chars[stop], '。' | '！' | '？') {
        return Border::At(end);
    }
    if next == end {
        return none;
    }
    let line_feeds = chars[end..next].iter().filter(|&&c| c == '\n').count();
    if line_feeds > 1 {
        return Border::At(end);
    }
    if line_feeds == 1 && layout::separates(&chars[start..end], &chars[next..]) {
        return Border::At(end);
    }
    if !begins_sentence(&chars[next..]) {
        return none;
    }
    if let Some(source) = source_length(&chars[next..]) {
        return Border::None {
            resume: next + source,
        };
    }
    let single_stop = stops == 1 && chars[stop] == '.';
    if single_stop && holds_together(&chars[start..stop], &chars[next..]) {
        return none;
    }
    Border::At(end)
}

fn is_stop(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？')
}

/// Length of what closes a sentence after its stop: quotation marks, brackets, and note marks such as `[12]` or `¹`.
fn closers(chars: &[char]) -> usize {
    let mut length = 0;
    while let Some(&c) = chars.get(length) {
        match c {
            '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '}' | '›' | '」' | '』' | '¹' | '²' | '³' => {
                length += 1
            }
            '[' => {
                let digits = run_length(&chars[length + 1..], |c| c.is_ascii_digit());
                if digits == 0 || chars.get(length + 1 + digits) != Some(&']') {
                    break;
                }
                length += digits + 2;
            }
            _ => break,
        }
    }
    length
}

/// Length of a source in brackets, as academic prose puts it between a quotation and the stop: `(LAUDON, 2004, p. 7)`.
fn source_length(chars: &[char]) -> Option<usize> {
    if chars.first() != Some(&'(') {
        return None;
    }
    let length = chars.iter().take(MAX_SOURCE).position(|&c| c == ')')? + 1;
    let has_year = chars[..length]
        .windows(4)
        .any(|four| four.iter().all(char::is_ascii_digit));
    (has_year && chars.get(length) == Some(&'.')).then_some(length)
}

/// Longest source in brackets, in characters.
const MAX_SOURCE: usize = 80;

/// Whether a sentence may begin here: with a letter that is not lower case, a digit, or after an opening sign.
fn begins_sentence(chars: &[char]) -> bool {
    let opening = run_length(chars, |c| {
        matches!(
            c,
            '"' | '\''
                | '“'
                | '‘'
                | '«'
                | '('
                | '['
                | '{'
                | '¿'
                | '¡'
                | '‹'
                | '–'
                | '—'
                | '-'
                | '•'
                | '*'
        ) || c == ' '
    });
    chars.get(opening).is_some_and(|&c| c.is_alphanumeric() && !c.is_lowercase() || matches!(c, '§' | '$' | '№'))
        // `º` counts as lower case and is no beginning; a bullet or dash before a small letter is one.
        || opening > 0 && chars.first() == Some(&'•')
}

/// Whether the full stop after `before` belongs to its last word, so that the sentence goes on with `after`.
fn holds_together(before: &[char], after: &[char]) -> bool {
    let word = last_word(before);
    if word.is_empty() {
        return false;
    }
    if layout::is_enumeration(before) {
        return true;
    }
    let next = first_word(after);
    let next_is_digits = next.first().is_some_and(char::is_ascii_digit);
    match abbreviation::of(word) {
        Some(Abbreviation::BeforeName) => true,
        Some(Abbreviation::BeforeNumber) => next_is_digits || is_roman(next) || after.first() == Some(&'§'),
        Some(Abbreviation::BeforeDigits) => next_is_digits,
        Some(Abbreviation::MayEnd) => !begins_with_function_word(after, next),
        Some(Abbreviation::Initial) => !begins_with_function_word(after, next),
        None => false,
    }
}

/// Whether `after` begins with an article, preposition or pronoun, the usual first words of a sentence. `A.` is an
/// initial and `E` alone may be one, but a name goes on after a stop only in `J. A. Silva`.
fn begins_with_function_word(after: &[char], next: &[char]) -> bool {
    if next.is_empty() || after.get(next.len()) == Some(&'.') && after.first() == next.first() {
        return false;
    }
    let word: String = next.iter().flat_map(|c| c.to_lowercase()).collect();
    crate::stopword::is_stop_word(&crate::fold::fold(&word))
}

/// The word at the end of `before`, with the stops and slashes inside it (`S.A`, `e.g`, `p.ex`).
fn last_word(before: &[char]) -> &[char] {
    let inside = |c: &&char| c.is_alphanumeric() || matches!(c, '.' | '/' | '\u{AD}');
    let length = before.iter().rev().take_while(inside).count();
    let word = &before[before.len() - length..];
    &word[run_length(word, |c| matches!(c, '.' | '/'))..]
}

fn first_word(after: &[char]) -> &[char] {
    &after[..run_length(after, char::is_alphanumeric)]
}

fn is_roman(word: &[char]) -> bool {
    !word.is_empty() && word.iter().all(|c| matches!(c, 'I' | 'V' | 'X' | 'L' | 'C'))
}

fn run_length(chars: &[char], matches: impl Fn(char) -> bool) -> usize {
    chars.iter().take_while(|&&c| matches(c)).count()
}

fn skip_white_space(chars: &[char], at: usize) -> usize {
    at + run_length(&chars[at..], char::is_whitespace)
}

fn trimmed_end(chars: &[char], start: usize, end: usize) -> usize {
    end - chars[start..end]
        .iter()
        .rev()
        .take_while(|c| c.is_whitespace())
        .count()
}

#[cfg(test)]
mod tests;
