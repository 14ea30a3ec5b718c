//! What the layout of lines says: list items, headings, rows of tables.

/// Longest heading in capitals, and longest number of a list item, in characters.
const MAX_HEADING: usize = 120;
const MAX_MARKER: usize = 8;
/// A numbered line that is longer may as well be the first line of a paragraph.
const MAX_NUMBERED_HEADING: usize = 60;
/// Letters a line of capitals needs to be a heading, not an acronym that was wrapped.
const MIN_HEADING_LETTERS: usize = 6;

/// Whether a single line feed between `before` (the sentence so far) and `after` (the rest of the text) separates them.
pub(super) fn separates(before: &[char], after: &[char]) -> bool {
    let line_before = last_line(before);
    let line_after = first_line(after);
    if is_table_row(line_after) || is_table_row(line_before) {
        return true;
    }
    match marker(line_after) {
        Marker::Certain => return true,
        Marker::Possible if ends_clause(before) || !matches!(marker(line_before), Marker::None) => {
            return true;
        }
        _ => {}
    }
    is_heading(line_before) != is_heading(line_after)
        || is_numbered_heading(line_before) && line_after.first().is_some_and(|c| c.is_uppercase())
}

/// Whether a line is a row of a table in Markdown: each says something of its own.
fn is_table_row(line: &[char]) -> bool {
    matches!(line, ['|', ' ', .., ' ', '|'])
}

/// Whether a sentence so far is only the number of an item (`1`, `IV`, `Art. 1º`, `Parágrafo único`), which its stop
/// does not end.
pub(super) fn is_enumeration(before: &[char]) -> bool {
    if before.len() > 40 {
        return false;
    }
    let text: String = before.iter().collect();
    let mut numbered = false;
    for word in text.split_whitespace() {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '§');
        let lower = word.to_lowercase();
        match lower.as_str() {
            "art" | "arts" | "artigo" | "parágrafo" | "cláusula" | "capítulo" | "seção" | "título"
            | "anexo" | "item" | "section" | "exemplo" | "example" | "figura" | "figure" | "tabela"
            | "table" | "quadro" | "article" | "chapter" | "clause" | "inciso" | "alínea" | "step"
            | "passo" => {}
            "" | "§" => {}
            "único" | "única" | "primeira" | "primeiro" | "segunda" | "segundo" | "terceira" | "terceiro" => {
                numbered = true
            }
            _ if is_item_number(word) => numbered = true,
            _ => return false,
        }
    }
    numbered
}

/// `1`, `1.2`, `1º`, `5-A`, `IV`, `a`.
fn is_item_number(word: &str) -> bool {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        // Years and long numbers do not number anything.
        return digits <= 3
            && word
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'º' | 'ª' | '°' | '-' | 'A'..='Z'));
    }
    !word.is_empty()
        && (word.chars().all(|c| matches!(c, 'I' | 'V' | 'X' | 'L' | 'C')) || word.chars().count() == 1)
}

/// Whether a line begins like a list item.
enum Marker {
    /// With a bullet, `a)`, `IV -`, `Art. 2º`, `§ 1º`.
    Certain,
    /// With a dash or `1.`, which a wrapped line may also do.
    Possible,
    None,
}

fn marker(line: &[char]) -> Marker {
    let Some(&first) = line.first() else {
        return Marker::None;
    };
    let head: String = line.iter().take(MAX_HEADING).collect();
    let mut words = head.split_whitespace();
    let (word, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if matches!(
        first,
        '•' | '▪' | '◦' | '‣' | '●' | '■' | '□' | '➢' | '✓' | '\u{F0B7}' | '\u{F0A7}'
    ) {
        return Marker::Certain;
    }
    if word == "Art." || word == "§" || first == '§' || word == "ARTIGO" {
        return if second.starts_with(|c: char| c.is_ascii_digit()) || first == '§' {
            Marker::Certain
        } else {
            Marker::None
        };
    }
    let is_dash = |text: &str| matches!(text, "-" | "–" | "—");
    let is_roman =
        |text: &str| !text.is_empty() && text.chars().all(|c| matches!(c, 'I' | 'V' | 'X' | 'L' | 'C'));
    if is_roman(word) && is_dash(second) {
        return Marker::Certain;
    }
    if let Some(number) = word.strip_suffix(')')
        && number.len() <= MAX_MARKER
        && is_item_number(number)
    {
        return Marker::Certain;
    }
    if is_dash(word) || word == "*" {
        return Marker::Possible;
    }
    let number = word.trim_end_matches('.');
    let numbered = word.len() <= MAX_MARKER
        && is_item_number(number)
        && (number.len() < word.len() || number.contains('.'));
    if !numbered || second.is_empty() {
        return Marker::None;
    }
    // `1.1.7 Title`: two stops inside are no amount and no date.
    let is_section = number.matches('.').count() >= 2 && second.starts_with(char::is_uppercase);
    if is_section {
        Marker::Certain
    } else {
        Marker::Possible
    }
}

fn ends_clause(before: &[char]) -> bool {
    before
        .iter()
        .rev()
        .find(|c| !c.is_whitespace())
        .is_none_or(|c| matches!(c, '.' | ';' | ':' | '!' | '?' | '”' | '"' | ')'))
}

/// A line in capitals of two words or more.
fn is_heading(line: &[char]) -> bool {
    let letters = line.iter().filter(|c| c.is_alphabetic()).count();
    let words = line
        .split(|c| c.is_whitespace())
        .filter(|word| !word.is_empty())
        .count();
    line.len() <= MAX_HEADING
        && letters >= MIN_HEADING_LETTERS
        && words >= 2
        && !line.iter().any(|c| c.is_lowercase() && !matches!(c, 'º' | 'ª'))
        && !matches!(line.last(), Some(',' | ';'))
}

/// A short line such as `6.2.1. Inicialização`: a number, then a capital, and no stop or comma at its end.
fn is_numbered_heading(line: &[char]) -> bool {
    let digits = line
        .iter()
        .take_while(|c| c.is_ascii_digit() || **c == '.')
        .count();
    digits > 0
        && digits <= MAX_MARKER
        && line.len() <= MAX_NUMBERED_HEADING
        && line.get(digits).is_some_and(|c| c.is_whitespace())
        && line.get(digits + 1).is_some_and(|c| c.is_uppercase())
        && line.last().is_some_and(|c| c.is_alphanumeric() || *c == ')')
}

fn last_line(before: &[char]) -> &[char] {
    let end = before.len() - before.iter().rev().take_while(|c| c.is_whitespace()).count();
    let length = before[..end]
        .iter()
        .rev()
        .take(MAX_HEADING + 1)
        .take_while(|&&c| c != '\n')
        .count();
    &before[end - length..end]
}

fn first_line(after: &[char]) -> &[char] {
    let length = after
        .iter()
        .take(MAX_HEADING + 1)
        .take_while(|&&c| c != '\n')
        .count();
    let line = &after[..length];
    &line[..length - line.iter().rev().take_while(|c| c.is_whitespace()).count()]
}
