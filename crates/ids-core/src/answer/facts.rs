//! What a claim says beyond its words: numbers, dates and names. Each must stand in what proves it, or the claim stays unconfirmed.
//!
//! `15` and `quinze`, `1.234,50` and `1234.50`, `12/03/2024` and `12 de março de 2024` are the same, as a person would say.

use std::collections::HashSet;

use ids_text::Term;

use super::slips::is_slip_of;

/// What a claim rests on.
#[derive(Debug, Default)]
pub(super) struct Proof {
    numbers: Vec<String>,
    words: Vec<String>,
}

impl Proof {
    /// From the quotes, where numbers and names may stand, and from titles and headings, which may name what a quote calls `he` or `it`.
    pub(super) fn new<'a>(
        quotes: impl IntoIterator<Item = &'a str>,
        titles: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut proof = Self::default();
        for quote in quotes {
            proof.numbers.extend(numbers(quote));
            proof.words.extend(folded_words(quote));
        }
        for title in titles {
            proof.words.extend(folded_words(title));
        }
        proof
    }

    /// Whether every number, date and name of `claim` stands here.
    pub(super) fn bears_out(&self, claim: &str) -> bool {
        let has_number = |number: &String| self.numbers.contains(number);
        let has_name = |name: &String| {
            self.words
                .iter()
                .any(|word| word == name || is_slip_of(name, word))
        };
        numbers(claim).iter().all(has_number) && names(claim).iter().all(has_name)
    }
}

/// Whether a claim has a word or a number in common with its quotes: words that prove something speak of it. Numbers and names alone, such as those of
/// a translation, are enough.
pub(super) fn has_in_common<'a>(claim: &str, quotes: impl IntoIterator<Item = &'a str>) -> bool {
    let said: HashSet<Term> = ids_text::index_terms(claim).into_iter().collect();
    let said_numbers = numbers(claim);
    quotes.into_iter().any(|quote| {
        ids_text::index_terms(quote)
            .iter()
            .any(|term| said.contains(term))
            || numbers(quote).iter().any(|number| said_numbers.contains(number))
    })
}

/// The numbers of a text, those written as words and the months of dates too, each in one form: its digits, without the signs that part
/// thousands, without zeros at the ends.
pub(super) fn numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let words = tokens(text);
    let mut at = 0;
    while at < words.len() {
        let word = &words[at];
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            found.push(plain_number(word));
        } else if let Some(month) = month(word).filter(|_| is_in_a_date(&words, at)) {
            found.push(month.to_string());
        } else if let Some((value, used)) = numeral(&words[at..]) {
            // `um` and `one` are mostly articles.
            if value > 1 {
                found.push(value.to_string());
            }
            at += used - 1;
        }
        at += 1;
    }
    found
}

/// Words and numbers: letters and digits, and what stands between digits (`1.234,50` is one, `12/03/2024` three).
fn tokens(text: &str) -> Vec<String> {
    let folded = ids_text::fold(&text.to_lowercase());
    let chars: Vec<char> = folded.chars().collect();
    let mut tokens = Vec::new();
    let mut token = String::new();
    for (at, &c) in chars.iter().enumerate() {
        let is_digit = |place: Option<usize>| {
            place
                .and_then(|place| chars.get(place))
                .is_some_and(char::is_ascii_digit)
        };
        let parts_digits = matches!(c, '.' | ',') && is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
        // `2a` and `r1` are two: the number counts.
        let turns = token.chars().last().is_some_and(|last| {
            (last.is_alphabetic() && c.is_ascii_digit()) || (last.is_ascii_digit() && c.is_alphabetic())
        });
        if turns {
            tokens.push(std::mem::take(&mut token));
        }
        if c.is_alphanumeric() || parts_digits {
            token.push(c);
        } else if !token.is_empty() {
            tokens.push(std::mem::take(&mut token));
        }
    }
    if !token.is_empty() {
        tokens.push(token);
    }
    tokens
}

/// `1.234,50` and `1,234.5` as `1234.5`: the last sign parts the fraction unless three digits follow it, or it occurs again.
fn plain_number(text: &str) -> String {
    let sign = text.rfind(['.', ',']);
    let is_fraction = sign.is_some_and(|at| {
        let behind = text.len() - at - 1;
        let again = text.matches(&text[at..=at]).count() > 1;
        behind != 3 && !again
    });
    let (whole, fraction) = match sign {
        Some(at) if is_fraction => (&text[..at], &text[at + 1..]),
        _ => (text, ""),
    };
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    if fraction.is_empty() {
        digits.to_owned()
    } else {
        format!("{digits}.{fraction}")
    }
}

const MONTHS: [[&str; 4]; 12] = [
    ["janeiro", "january", "jan", "jan"],
    ["fevereiro", "february", "fev", "feb"],
    ["marco", "march", "mar", "mar"],
    ["abril", "april", "abr", "apr"],
    ["maio", "may", "mai", "may"],
    ["junho", "june", "jun", "jun"],
    ["julho", "july", "jul", "jul"],
    ["agosto", "august", "ago", "aug"],
    ["setembro", "september", "set", "sep"],
    ["outubro", "october", "out", "oct"],
    ["novembro", "november", "nov", "nov"],
    ["dezembro", "december", "dez", "dec"],
];

fn month(word: &str) -> Option<usize> {
    MONTHS
        .iter()
        .position(|names| names.contains(&word))
        .map(|at| at + 1)
}

/// Whether a month stands beside a day or a year: `may` is mostly a verb, and `março` alone a name like others.
fn is_in_a_date(words: &[String], at: usize) -> bool {
    let is_number = |place: Option<usize>| {
        place
            .and_then(|place| words.get(place))
            .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()))
    };
    let beyond = |place: Option<usize>| {
        let word = place.and_then(|place| words.get(place));
        word.is_some_and(|word| matches!(word.as_str(), "de" | "of"))
    };
    is_number(at.checked_sub(1))
        || is_number(Some(at + 1))
        || (beyond(at.checked_sub(1)) && is_number(at.checked_sub(2)))
        || (beyond(Some(at + 1)) && is_number(Some(at + 2)))
}

const UNITS: [(&str, u64); 56] = [
    ("um", 1),
    ("uma", 1),
    ("one", 1),
    ("dois", 2),
    ("duas", 2),
    ("two", 2),
    ("tres", 3),
    ("three", 3),
    ("quatro", 4),
    ("four", 4),
    ("cinco", 5),
    ("five", 5),
    ("seis", 6),
    ("six", 6),
    ("sete", 7),
    ("seven", 7),
    ("oito", 8),
    ("eight", 8),
    ("nove", 9),
    ("nine", 9),
    ("dez", 10),
    ("ten", 10),
    ("onze", 11),
    ("eleven", 11),
    ("doze", 12),
    ("twelve", 12),
    ("treze", 13),
    ("thirteen", 13),
    ("quatorze", 14),
    ("catorze", 14),
    ("fourteen", 14),
    ("quinze", 15),
    ("fifteen", 15),
    ("dezesseis", 16),
    ("sixteen", 16),
    ("dezessete", 17),
    ("seventeen", 17),
    ("dezoito", 18),
    ("eighteen", 18),
    ("dezenove", 19),
    ("nineteen", 19),
    ("vinte", 20),
    ("twenty", 20),
    ("trinta", 30),
    ("thirty", 30),
    ("quarenta", 40),
    ("forty", 40),
    ("cinquenta", 50),
    ("fifty", 50),
    ("sessenta", 60),
    ("sixty", 60),
    ("setenta", 70),
    ("seventy", 70),
    ("oitenta", 80),
    ("eighty", 80),
    ("noventa", 90),
];
const MORE: [(&str, u64); 13] = [
    ("ninety", 90),
    ("cem", 100),
    ("cento", 100),
    ("duzentos", 200),
    ("duzentas", 200),
    ("trezentos", 300),
    ("trezentas", 300),
    ("quatrocentos", 400),
    ("quinhentos", 500),
    ("seiscentos", 600),
    ("setecentos", 700),
    ("oitocentos", 800),
    ("novecentos", 900),
];
const SCALES: [(&str, u64); 6] = [
    ("hundred", 100),
    ("mil", 1_000),
    ("thousand", 1_000),
    ("milhao", 1_000_000),
    ("milhoes", 1_000_000),
    ("million", 1_000_000),
];

/// The number that words spell from here on, and how many of them: `vinte e cinco`, `twenty five`.
fn numeral(words: &[String]) -> Option<(u64, usize)> {
    let look = |list: &[(&str, u64)], word: &str| list.iter().find(|(name, _)| *name == word).map(|it| it.1);
    let (mut whole, mut part, mut used, mut last) = (0_u64, 0_u64, 0, u64::MAX);
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if let Some(value) = look(&UNITS, word).or_else(|| look(&MORE, word)) {
            // `dois três` are two numbers.
            if part > 0 && value >= last {
                break;
            }
            part += value;
            last = value;
        } else if let Some(scale) = look(&SCALES, word) {
            if scale == 100 {
                part = part.max(1) * 100;
                last = 100;
            } else {
                whole += part.max(1) * scale;
                part = 0;
                last = u64::MAX;
            }
        } else if matches!(word.as_str(), "e" | "and") && used > 0 {
            at += 1;
            continue;
        } else {
            break;
        }
        at += 1;
        used = at;
    }
    (used > 0).then_some((whole + part, used))
}

/// The names of a text, word by word, folded: words with a capital inside a sentence, and those of capitals alone.
fn names(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut begins = true;
    for piece in text.split_whitespace() {
        let word = piece.trim_matches(|c: char| !c.is_alphanumeric());
        let mut chars = word.chars();
        let is_capital = chars.next().is_some_and(char::is_uppercase);
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let is_acronym = letters > 1 && word.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase);
        if word.chars().count() > 1
            && !word.contains(|c: char| c.is_ascii_digit())
            && (is_acronym || (is_capital && !begins))
        {
            found.extend(folded_words(word));
        }
        if !word.is_empty() {
            begins = piece.ends_with(['.', '!', '?', ':']);
        }
    }
    // Months are dates, numerals numbers; function words have capitals in titles only.
    found.retain(|name| {
        month(name).is_none()
            && numeral(std::slice::from_ref(name)).is_none()
            && !ids_text::index_terms(name).is_empty()
    });
    found
}

/// The words of a text, folded, in lower case.
pub(super) fn folded_words(text: &str) -> Vec<String> {
    ids_text::fold(&text.to_lowercase())
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Proof, names, numbers};

    #[test]
    fn numbers_have_one_form() {
        let check = |text: &str, expected: &[&str]| assert_eq!(numbers(text), expected, "{text}");
        check(
            "Em 12/03/2024, R$ 1.234,50 (2%)",
            &["12", "3", "2024", "1234.5", "2"],
        );
        check("in US$ 1,234.5", &["1234.5"]);
        check("12 de março de 2024", &["12", "3", "2024"]);
        check("March 12, 2024", &["3", "12", "2024"]);
        check("it may end", &[]);
        check("vinte e cinco dias e dez horas", &["25", "10"]);
        check("duzentos e trinta mil reais", &["230000"]);
        check("two hundred and five", &["205"]);
        check("1.234.567 e 0,50", &["1234567", "0.5"]);
        check("Art. 5. uma vez", &["5"]);
        check("nada", &[]);
    }

    #[test]
    fn names_are_capitals_inside_a_sentence() {
        let check = |text: &str, expected: &[&str]| assert_eq!(names(text), expected, "{text}");
        check("O prefeito José da Silva assina.", &["jose", "silva"]);
        check(
            "Assina o CNPJ da FAEPI. Depois vem Ana.",
            &["cnpj", "faepi", "ana"],
        );
        check("A multa é de 2% em Março.", &[]);
        check("IBGE publica.", &["ibge"]);
    }

    #[test]
    fn every_number_date_and_name_must_be_borne_out() {
        let quote = "O prazo de quinze dias corre de 12 de março de 2024, disse Mariana Couto.";
        let check = |claim: &str, expected: bool| {
            let proof = Proof::new([quote], ["Edital de Lavras"]);
            assert_eq!(proof.bears_out(claim), expected, "{claim}");
        };
        check("O prazo é de 15 dias.", true);
        check("O prazo é de 16 dias.", false);
        check("Corre de 12/03/2024.", true);
        check("Corre de 12/04/2024.", false);
        check("Segundo Mariana Couto, são quinze dias.", true);
        check("Segundo Mariana Souza, são quinze dias.", false);
        // A letter that a scanner misread.
        check("Segundo Marlana Couto, são quinze dias.", true);
        // The title says of whom the quote speaks.
        check("Em Lavras são quinze dias.", true);
        check("Em Varginha são quinze dias.", false);
    }
}
