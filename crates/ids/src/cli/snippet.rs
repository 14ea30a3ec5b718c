//! The part of a passage that is shown on a terminal: where most of the matched words stand.

use super::output::{Style, clean};

/// Characters shown: about four lines.
const SHOWN_CHARS: usize = 360;
/// Characters in front of the first matched word.
const LEAD_CHARS: usize = 60;
/// Columns of a line, with its indentation: fits the narrowest terminals in use.
const COLUMNS: usize = 78;
/// In front of each line.
const INDENT: &str = "    ";

/// A word and whether a part of it matched.
struct Word {
    text: String,
    columns: usize,
}

/// The part of `content` with the most of `highlights` (ranges of Unicode scalar values, end exclusive, in order), in lines.
pub fn snippet(content: &str, highlights: &[(usize, usize)], style: Style) -> String {
    let chars: Vec<char> = content.chars().collect();
    let (start, end) = window(&chars, highlights);
    let mut words = Vec::new();
    if start > 0 {
        words.push(Word {
            text: "…".to_owned(),
            columns: 1,
        });
    }
    words.extend(words_in(&chars, start, end, highlights, style));
    if end < chars.len() {
        words.push(Word {
            text: "…".to_owned(),
            columns: 1,
        });
    }
    lines(&words, INDENT)
}

/// A text in lines, each with `indent` in front; its own line feeds count as spaces.
pub fn wrapped(text: &str, indent: &str) -> String {
    let words: Vec<Word> = text
        .split_whitespace()
        .map(|word| Word {
            columns: word.chars().count(),
            text: word.to_owned(),
        })
        .collect();
    lines(&words, indent)
}

/// The range to show; it begins and ends between words.
fn window(chars: &[char], highlights: &[(usize, usize)]) -> (usize, usize) {
    if chars.len() <= SHOWN_CHARS {
        return (0, chars.len());
    }
    let inside = |start: usize| {
        highlights
            .iter()
            .filter(|(from, to)| *from >= start && *to <= start + SHOWN_CHARS - LEAD_CHARS)
            .count()
    };
    let mut best = 0;
    for &(from, _) in highlights {
        if inside(from) > inside(best) {
            best = from;
        }
    }
    let mut start = best.saturating_sub(LEAD_CHARS).min(chars.len() - SHOWN_CHARS);
    let mut end = (start + SHOWN_CHARS).min(chars.len());
    // A cut word is left out, unless that would leave out what matched.
    while start > 0 && start < best && !chars[start - 1].is_whitespace() {
        start += 1;
    }
    while end < chars.len() && end > start + SHOWN_CHARS / 2 && !chars[end].is_whitespace() {
        end -= 1;
    }
    (start, end)
}

fn words_in(
    chars: &[char],
    start: usize,
    end: usize,
    highlights: &[(usize, usize)],
    style: Style,
) -> Vec<Word> {
    let mut words = Vec::new();
    let mut place = start;
    while place < end {
        if chars[place].is_whitespace() {
            place += 1;
            continue;
        }
        let from = place;
        while place < end && !chars[place].is_whitespace() {
            place += 1;
        }
        words.push(Word {
            text: marked(chars, from, place, highlights, style),
            columns: place - from,
        });
    }
    words
}

/// The text from `from` to `to`, what matched in it set off.
fn marked(chars: &[char], from: usize, to: usize, highlights: &[(usize, usize)], style: Style) -> String {
    let plain = |from: usize, to: usize| clean(&chars[from..to].iter().collect::<String>());
    let mut text = String::new();
    let mut place = from;
    for &(start, end) in highlights {
        let (start, end) = (start.clamp(place, to), end.clamp(place, to));
        if start < end {
            text.push_str(&plain(place, start));
            text.push_str(&style.strong(&plain(start, end)));
            place = end;
        }
    }
    text.push_str(&plain(place, to));
    text
}

fn lines(words: &[Word], indent: &str) -> String {
    let mut text = String::from(indent);
    let mut column = indent.len();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            if column + 1 + word.columns > COLUMNS {
                text.push('\n');
                text.push_str(indent);
                column = indent.len();
            } else {
                text.push(' ');
                column += 1;
            }
        }
        text.push_str(&word.text);
        column += word.columns;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::snippet;
    use crate::cli::output::Style;

    #[test]
    fn matched_words_are_set_off() {
        let shown = snippet("Prazo: dez\ndias.", &[(0, 5), (11, 15)], Style::bold_always());
        assert_eq!(shown, "    \u{1b}[1mPrazo\u{1b}[0m: dez \u{1b}[1mdias\u{1b}[0m.");
    }

    #[test]
    fn a_long_passage_is_cut_to_where_the_words_matched() {
        let content = format!("{}agulha fina {}", "palha ".repeat(200), "palha ".repeat(200));
        let shown = snippet(&content, &[(1_200, 1_206), (1_207, 1_211)], Style::plain());
        assert!(shown.contains("agulha fina"), "{shown}");
        assert!(
            shown.trim().starts_with("… palha") && shown.ends_with("palha …"),
            "{shown}"
        );
        assert!(
            shown
                .lines()
                .all(|line| line.chars().count() <= 78 && line.starts_with("    ")),
            "{shown}"
        );
    }

    #[test]
    fn a_highlight_out_of_range_harms_nothing() {
        assert_eq!(snippet("a b", &[(1, 99), (7, 3)], Style::plain()), "    a b");
        assert_eq!(snippet("", &[], Style::plain()), "    ");
    }

    #[test]
    fn one_endless_word_is_shown_as_it_is() {
        let shown = snippet(&"x".repeat(1_000), &[(500, 510)], Style::plain());
        assert!(shown.contains("xxx") && shown.contains('…'), "{shown}");
    }
}
