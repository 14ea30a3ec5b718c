//! What a line of a Brazilian law begins: `Art. 5º`, `§ 1º`, `Parágrafo único.`, `II -`, `a)`, `1.`.

/// A part of an act, as the mark in front of its text names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// `5º`, `75`, `103-A`.
    Article(Number),
    /// `1º`; `None` is the only one.
    Paragraph(Option<Number>),
    /// A Roman number: its value, and the letter of one put in later (`II-A`).
    Item(Number),
    /// `a`, `ab`.
    Letter(String),
}

/// A number with the letter of what was put in later: `103-A`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    pub(super) value: u32,
    pub(super) suffix: Option<String>,
}

impl Number {
    /// As laws are cited: ordinal up to the ninth.
    pub(super) fn ordinal(&self) -> String {
        let sign = if self.value < 10 { "º" } else { "" };
        match &self.suffix {
            Some(suffix) => format!("{}{sign}-{suffix}", self.value),
            None => format!("{}{sign}", self.value),
        }
    }

    /// In Roman numerals.
    pub(super) fn roman(&self) -> String {
        let roman = to_roman(self.value);
        match &self.suffix {
            Some(suffix) => format!("{roman}-{suffix}"),
            None => roman,
        }
    }
}

/// The mark that a line begins with, if it begins with one.
pub(super) fn of_line(line: &str) -> Option<Mark> {
    let line = line.trim_start();
    article(line)
        .or_else(|| paragraph(line))
        .or_else(|| item(line))
        .or_else(|| letter(line))
}

/// `Art. 5º`, `Art 5o`, `ART. 10.`, `Artigo 10 -`, `Art. 103-A.`, `Art. 1.048.`
fn article(line: &str) -> Option<Mark> {
    let rest = ["Artigo", "ARTIGO", "Art.", "ART.", "Art", "ART"]
        .iter()
        .find_map(|word| line.strip_prefix(word))?;
    let rest = spaced(rest)?;
    let (number, rest) = number(rest)?;
    // `Art. 5, inciso II, da Constituição` goes on as a sentence that cites.
    let goes_on = rest.trim_start();
    if goes_on.starts_with([',', ';', ')', '/']) || goes_on.starts_with("e ") {
        return None;
    }
    Some(Mark::Article(number))
}

/// `§ 1º`, `§1o`, `§ 10.`, `Parágrafo único.`, `Parágrafo 1º`
fn paragraph(line: &str) -> Option<Mark> {
    if let Some(rest) = line.strip_prefix('§') {
        let rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("único") {
            return ends_mark(after).then_some(Mark::Paragraph(None));
        }
        let (number, rest) = number(rest)?;
        let cites = rest.trim_start().starts_with([',', ';', ')']) || rest.trim_start().starts_with("e ");
        return (!cites).then_some(Mark::Paragraph(Some(number)));
    }
    let rest = ["Parágrafo", "PARÁGRAFO", "Paragrafo", "PARAGRAFO"]
        .iter()
        .find_map(|word| line.strip_prefix(word))?;
    let rest = spaced(rest)?;
    for word in ["único", "ÚNICO", "Único", "unico", "UNICO"] {
        if let Some(after) = rest.strip_prefix(word) {
            return ends_mark(after).then_some(Mark::Paragraph(None));
        }
    }
    let (number, rest) = number(rest)?;
    ends_mark(rest).then_some(Mark::Paragraph(Some(number)))
}

/// `II - `, `II – `, `II-A - `, `XIV) `
fn item(line: &str) -> Option<Mark> {
    let end = line
        .find(|c: char| !matches!(c, 'I' | 'V' | 'X' | 'L' | 'C' | 'D'))
        .unwrap_or(line.len());
    let value = from_roman(&line[..end])?;
    let (suffix, rest) = suffix(&line[end..]);
    let mark = rest.trim_start();
    let ends = mark
        .strip_prefix(['-', '–', '—', ')', '.'])
        .is_some_and(|after| after.is_empty() || after.starts_with([' ', '\u{a0}']));
    ends.then_some(Mark::Item(Number { value, suffix }))
}

/// `a) `, `b.`: one or two letters and a bracket.
fn letter(line: &str) -> Option<Mark> {
    let end = line.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(line.len());
    let after = line[end..].strip_prefix(')')?;
    let is_letter = (1..=2).contains(&end) && (after.is_empty() || after.starts_with([' ', '\u{a0}']));
    is_letter.then(|| Mark::Letter(line[..end].to_owned()))
}

/// What follows a word: after its white space, of which there must be some before anything but a digit.
fn spaced(rest: &str) -> Option<&str> {
    let trimmed = rest.trim_start();
    (trimmed.len() < rest.len() || rest.starts_with(|c: char| c.is_ascii_digit())).then_some(trimmed)
}

/// Whether a mark can end here: the word is over.
fn ends_mark(rest: &str) -> bool {
    !rest.starts_with(char::is_alphanumeric)
}

/// A number with what belongs to it (`1.048`, `5º`, `5o`, `103-A`), and what follows.
pub(super) fn number(text: &str) -> Option<(Number, &str)> {
    let mut value = 0_u32;
    let mut digits = 0;
    let mut rest = text;
    loop {
        let next = rest.chars().next();
        match next {
            Some(c) if c.is_ascii_digit() && digits < 5 => {
                value = value * 10 + c.to_digit(10)?;
                digits += 1;
                rest = &rest[1..];
            }
            // `1.048`: a point and exactly three digits.
            Some('.')
                if (1..=3).contains(&digits)
                    && rest[1..].bytes().take_while(u8::is_ascii_digit).count() == 3 =>
            {
                rest = &rest[1..];
            }
            _ => break,
        }
    }
    if digits == 0 || value == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // `º`, `°`, `ª`, and the letter `o` that stands for them.
    let ordinal = rest.strip_prefix(['º', '°', 'ª']).or_else(|| {
        let after = rest.strip_prefix('o')?;
        (!after.starts_with(char::is_alphanumeric)).then_some(after)
    });
    let rest = ordinal.unwrap_or(rest);
    let (suffix, rest) = suffix(rest);
    if rest.starts_with(char::is_alphabetic) {
        return None;
    }
    Some((Number { value, suffix }, rest))
}

/// `-A`, `-AB`: what was put in later.
fn suffix(text: &str) -> (Option<String>, &str) {
    let Some(rest) = text.strip_prefix('-') else {
        return (None, text);
    };
    let end = rest.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(rest.len());
    let is_suffix = (1..=2).contains(&end) && !rest[end..].starts_with(char::is_alphanumeric);
    match is_suffix {
        true => (Some(rest[..end].to_owned()), &rest[end..]),
        false => (None, text),
    }
}

const ROMAN: [(u32, &str); 11] = [
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
    (500, "D"),
];

fn to_roman(value: u32) -> String {
    let mut left = value;
    let mut roman = String::new();
    if left >= 500 {
        roman.push('D');
        left -= 500;
    }
    for (step, letters) in &ROMAN[..10] {
        while left >= *step {
            roman.push_str(letters);
            left -= step;
        }
    }
    roman
}

/// The value of a Roman number that is written as it should be.
pub(super) fn from_roman(text: &str) -> Option<u32> {
    if text.is_empty() || text.len() > 12 {
        return None;
    }
    let value_of = |byte: u8| match byte {
        b'I' => 1,
        b'V' => 5,
        b'X' => 10,
        b'L' => 50,
        b'C' => 100,
        _ => 500,
    };
    let bytes = text.as_bytes();
    let mut value = 0_i64;
    for (at, &byte) in bytes.iter().enumerate() {
        let own = value_of(byte);
        let is_taken_away = bytes.get(at + 1).is_some_and(|&next| value_of(next) > own);
        value += if is_taken_away { -own } else { own };
    }
    let value = u32::try_from(value)
        .ok()
        .filter(|value| (1..900).contains(value))?;
    (to_roman(value) == text).then_some(value)
}
