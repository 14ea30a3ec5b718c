//! Which act a text is: `LEI Nº 14.133, DE 1º DE ABRIL DE 2021` is `Lei 14.133/2021`.

use super::mark::number;
use crate::fold::fold;

/// Kinds of acts, folded, the longest first; how they are cited.
const KINDS: [(&str, &str); 21] = [
    ("lei complementar", "Lei Complementar"),
    ("lei organica", "Lei Orgânica"),
    ("lei delegada", "Lei Delegada"),
    ("lei ordinaria", "Lei Ordinária"),
    ("lei municipal", "Lei Municipal"),
    ("lei estadual", "Lei Estadual"),
    ("lei", "Lei"),
    ("decreto-lei", "Decreto-Lei"),
    ("decreto legislativo", "Decreto Legislativo"),
    ("decreto", "Decreto"),
    ("medida provisoria", "Medida Provisória"),
    ("emenda constitucional", "Emenda Constitucional"),
    ("instrucao normativa", "Instrução Normativa"),
    ("portaria", "Portaria"),
    ("resolucao", "Resolução"),
    ("deliberacao", "Deliberação"),
    ("ato normativo", "Ato Normativo"),
    ("regulamento", "Regulamento"),
    ("regimento interno", "Regimento Interno"),
    ("provimento", "Provimento"),
    ("edital", "Edital"),
];

/// The most words between the kind and its number: `LEI COMPLEMENTAR MUNICIPAL Nº`, `PORTARIA SEGES/ME Nº`.
const WORDS_BETWEEN: usize = 5;
/// A line that names its act has no more characters.
const TITLE_CHARS: usize = 200;

/// How the act is cited that a line names, when the line is its title: the kind in front, a number with a year, and nothing
/// that goes on as a sentence.
pub(super) fn of_title(line: &str) -> Option<String> {
    let line = line.trim().trim_matches(['*', '"', '“', '”', '.']).trim();
    if line.chars().count() > TITLE_CHARS {
        return None;
    }
    let folded = key(line);
    if folded.starts_with("constituicao da republica federativa do brasil")
        || folded.starts_with("constituicao federal")
    {
        return Some("Constituição Federal".to_owned());
    }
    let (start, name) = KINDS.iter().find(|(kind, _)| {
        folded
            .strip_prefix(kind)
            .is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphanumeric() && c != '-'))
    })?;
    // Titles are in capitals, or begin with one: `a lei nº 8.666` is a sentence.
    if !line.starts_with(char::is_uppercase) {
        return None;
    }
    let words: Vec<&str> = line.split_whitespace().skip(start.split(' ').count()).collect();
    let at = words
        .iter()
        .take(WORDS_BETWEEN + 1)
        .position(|word| number_of_act(word).is_some())?;
    let (number, year_beside) = number_of_act(words[at])?;
    let rest = &words[at + 1..];
    let is_date = rest.first().is_some_and(|word| key(word) == "de");
    let (year, after) = match year_beside {
        Some(year) => (
            year,
            if is_date {
                after_date(rest).map_or(rest, |(_, after)| after)
            } else {
                rest
            },
        ),
        None => after_date(rest)?,
    };
    // Something short may follow (`(Vide Decreto nº 1)`, `- REGULAMENTO`), but no verb with its sentence.
    let goes_on = after.first().is_some_and(|word| {
        word.starts_with(char::is_lowercase) || after.len() > 8 && !word.starts_with('(')
    });
    if goes_on {
        return None;
    }
    Some(format!("{name} {number}/{year}"))
}

/// Without accents, in lower case.
fn key(text: &str) -> String {
    fold(text).to_lowercase()
}

/// `14.133`, `14.133,`, `123/2006`, `5.452-A`: the number as it is written, and the year that stands beside it.
fn number_of_act(word: &str) -> Option<(String, Option<u32>)> {
    let word = word.trim_matches([',', ';', '.', ':']);
    let word = ["nº", "n°", "Nº", "N°", "no.", "No.", "nº.", "Nº."]
        .iter()
        .find_map(|sign| word.strip_prefix(sign))
        .unwrap_or(word)
        .trim_start_matches('.');
    if let Some((left, right)) = word.rsplit_once('/') {
        let year = year_of(right)?;
        is_number(left).then(|| (left.to_owned(), Some(year)))
    } else {
        is_number(word).then(|| (word.to_owned(), None))
    }
}

/// Digits in groups (`14.133`), perhaps with a letter put behind.
fn is_number(text: &str) -> bool {
    let (digits, _) = text.split_once('-').unwrap_or((text, ""));
    !digits.is_empty()
        && digits.len() <= 9
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
        && digits.starts_with(|c: char| c.is_ascii_digit())
}

fn year_of(text: &str) -> Option<u32> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let year: u32 = digits.parse().ok()?;
    match digits.len() {
        4 => (1800..2200).contains(&year).then_some(year),
        // `8.666/93`
        2 => Some(if year > 40 { 1900 + year } else { 2000 + year }),
        _ => None,
    }
}

const MONTHS: [&str; 12] = [
    "janeiro",
    "fevereiro",
    "marco",
    "abril",
    "maio",
    "junho",
    "julho",
    "agosto",
    "setembro",
    "outubro",
    "novembro",
    "dezembro",
];

/// The year of `DE 1º DE ABRIL DE 2021`, and the words after it.
fn after_date<'a>(words: &'a [&'a str]) -> Option<(u32, &'a [&'a str])> {
    let [de, day, of, month, of_year, year, after @ ..] = words else {
        return None;
    };
    let is_of = |word: &&str| matches!(key(word).as_str(), "de" | "do");
    let is_month = MONTHS.contains(&key(month).as_str());
    number(day).filter(|(number, _)| number.value <= 31)?;
    if !(is_of(de) && is_of(of) && is_month && is_of(of_year)) {
        return None;
    }
    let digits = year.trim_matches(|c: char| !c.is_ascii_digit()).replace('.', "");
    Some((year_of(&digits)?, after))
}
