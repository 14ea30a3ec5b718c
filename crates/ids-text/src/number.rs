//! Numbers, dates, legal references and identifiers: one written form for each, whatever the separators.
//!
//! | written | taken as |
//! |---|---|
//! | `14.133/2021`, `14133/2021`, `14.133/21` | `14133/2021`, and `14133` for those who ask for "lei 14.133" |
//! | `1.234,56`, `1,234.56`, `1234,56` | `1234.56` (two zeros after the comma go: `10,00` is `10`) |
//! | `01/02/2023`, `1.2.2023`, `2023-02-01` | `2023-02-01` |
//! | `0001234-56.2023.8.26.0100` (court case) | its 20 digits |
//! | `12.345.678/0001-90` (CNPJ), `123.456.789-09` (CPF), `01310-100` (CEP), `5555-1234`, other check-digit numbers | their digits |
//! | `12.ABC.345/01DE-35` (CNPJ since 2026) | its letters and digits |
//! | `1.2.3`, `192.168.0.1` | itself |
//! | `10:30`, `3/4`, `2019-2020` | itself, and each part |
//!
//! A group of exactly three digits after a dot or comma is a thousands group in both languages' texts; the few decimals
//! it mistakes (`3.142`) are mistaken alike in document and query.

/// The most parts of a number of no known form that are taken one by one.
const MAX_PARTS: usize = 8;
/// Zeros in front of shorter numbers mean nothing (`0123/2021`); longer ones are identifiers and keep them.
const MIN_IDENTIFIER_LEN: usize = 8;

/// The byte length of the number `text` starts with: digits, joined by single `.`, `,`, `/`, `-`, `:` between digits.
/// A CNPJ may hold letters. 0 when `text` starts with neither.
pub fn scan(text: &[u8]) -> usize {
    if is_company_number(text) {
        return COMPANY_NUMBER.len();
    }
    let mut end = digits_len(text);
    if end == 0 {
        return 0;
    }
    while let Some(b'.' | b',' | b'/' | b'-' | b':') = text.get(end) {
        let digits = digits_len(&text[end + 1..]);
        if digits == 0 {
            break;
        }
        end += 1 + digits;
    }
    end
}

/// The forms under which `number` (as measured by [`scan`]) is indexed and looked for; the most specific first, no
/// repeats, never empty.
pub fn forms(number: &str) -> Vec<String> {
    if number.bytes().all(|b| b.is_ascii_digit()) {
        return vec![without_leading_zeros(number)];
    }
    if is_company_number(number.as_bytes()) {
        return vec![
            number
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|c| c.to_ascii_lowercase())
                .collect(),
        ];
    }
    let parts: Vec<&str> = number.split(|c: char| !c.is_ascii_digit()).collect();
    let separators: Vec<u8> = number.bytes().filter(|b| !b.is_ascii_digit()).collect();
    let known = date(&parts, &separators)
        .or_else(|| identifier(number, &parts, &separators))
        .or_else(|| amount(number));
    if let Some(form) = known {
        return vec![form];
    }
    if let Some((plain, year)) = reference(number) {
        return vec![format!("{plain}/{year}"), plain];
    }
    let mut forms = vec![number.to_owned()];
    for part in number.split(['/', '-', ':']).take(MAX_PARTS) {
        let form = amount(part).unwrap_or_else(|| without_leading_zeros(part));
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

/// The shape of a CNPJ: `A` a letter or digit, `9` a digit.
const COMPANY_NUMBER: &[u8; 18] = b"AA.AAA.AAA/AAAA-99";

fn is_company_number(text: &[u8]) -> bool {
    let fits = |(&shape, &b): (&u8, &u8)| match shape {
        b'A' => b.is_ascii_alphanumeric(),
        b'9' => b.is_ascii_digit(),
        separator => b == separator,
    };
    // The third byte is looked at first: it tells nearly all words apart.
    text.get(2) == Some(&b'.')
        && text.len() >= COMPANY_NUMBER.len()
        && COMPANY_NUMBER.iter().zip(text).all(fits)
        && !text
            .get(COMPANY_NUMBER.len())
            .is_some_and(u8::is_ascii_alphanumeric)
}

fn digits_len(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_digit()).count()
}

fn without_leading_zeros(digits: &str) -> String {
    if digits.len() >= MIN_IDENTIFIER_LEN {
        return digits.to_owned();
    }
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

/// A day, as year-month-day. Day before month, as in Brazil, unless only the other order gives a date.
fn date(parts: &[&str], separators: &[u8]) -> Option<String> {
    let [first, second, third] = parts else {
        return None;
    };
    if !matches!(separators, [b'/', b'/'] | [b'-', b'-'] | [b'.', b'.']) {
        return None;
    }
    let number = |part: &str| part.parse::<u16>().ok();
    let (day, month, year) = if first.len() == 4 && second.len() <= 2 && third.len() <= 2 {
        (number(third)?, number(second)?, number(first)?)
    } else if first.len() <= 2 && second.len() <= 2 && third.len() == 4 {
        match (number(first)?, number(second)?) {
            (month, day @ 13..) if month <= 12 => (day, month, number(third)?),
            (day, month) => (day, month, number(third)?),
        }
    } else {
        return None;
    };
    let real = (1..=31).contains(&day) && (1..=12).contains(&month) && (1000..=2999).contains(&year);
    real.then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// Court cases, and whatever ends in a hyphen and check digits: the digits alone.
fn identifier(number: &str, parts: &[&str], separators: &[u8]) -> Option<String> {
    let total: usize = parts.iter().map(|part| part.len()).sum();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let court_case = separators == b"-....".as_slice() && lengths == [7, 2, 4, 1, 2, 4];
    let postal_code = matches!(lengths.as_slice(), [5, 3] | [2, 3, 3]) && separators.last() == Some(&b'-');
    let check_digits = separators.last() == Some(&b'-')
        && lengths.last().is_some_and(|&len| len <= 2)
        && total >= 7
        && !separators
            .iter()
            .rev()
            .skip(1)
            .any(|s| matches!(s, b'-' | b',' | b':'));
    let is_year = |part: &&str| matches!(part.parse(), Ok(1500..=2199_u16));
    let telephone =
        separators == b"-" && matches!(lengths.as_slice(), [4 | 5, 4]) && !parts.iter().all(is_year);
    (court_case || postal_code || telephone || check_digits)
        .then(|| number.chars().filter(char::is_ascii_digit).collect())
}

/// A number with thousands groups, a decimal part, or both; `None` when it is neither (`1.2.3`, `1.234.5`, `10/2`).
fn amount(number: &str) -> Option<String> {
    if number.contains(['/', '-', ':']) {
        return None;
    }
    let last = number.rfind(['.', ','])?;
    let (whole, decimals) = (&number[..last], &number[last + 1..]);
    let separator = &number[last..=last];
    let is_group = decimals.len() == 3 && !whole.starts_with('0');
    if is_group && !whole.contains(if separator == "." { ',' } else { '.' }) {
        return ungrouped(number, separator).map(|digits| without_leading_zeros(&digits));
    }
    let group_separator = if separator == "." { "," } else { "." };
    let grouped = whole.contains(['.', ',']);
    let digits = if grouped {
        ungrouped(whole, group_separator)?
    } else {
        whole.to_owned()
    };
    let whole = without_leading_zeros(&digits);
    if decimals == "00" && (grouped || separator == ",") {
        return Some(whole);
    }
    Some(format!("{whole}.{decimals}"))
}

/// The digits of `number` when all its groups after the first hold three of them.
fn ungrouped(number: &str, separator: &str) -> Option<String> {
    let mut groups = number.split(separator);
    let first = groups.next()?;
    let well_formed = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    (well_formed && first.bytes().all(|b| b.is_ascii_digit())).then(|| number.replace(separator, ""))
}

/// Number and year of a law, decree, contract. Two digits are a year only after a number of four digits or more:
/// `8.666/93` is a law, `12/93` may be anything.
fn reference(number: &str) -> Option<(String, u16)> {
    let (plain, year) = number.split_once('/')?;
    let digits = if plain.contains('.') {
        ungrouped(plain, ".")?
    } else {
        plain.to_owned()
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) || !year.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let year: u16 = match (year.len(), year.parse().ok()?) {
        (4, year @ 1500..=2199) => year,
        // 30: no law before 1930 is cited with two digits.
        (2, year) if digits.len() >= 4 => {
            if year >= 30 {
                1900 + year
            } else {
                2000 + year
            }
        }
        _ => return None,
    };
    Some((without_leading_zeros(&digits), year))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(number: &str, expected: &[&str]) {
        assert_eq!(scan(number.as_bytes()), number.len(), "`{number}`");
        assert_eq!(forms(number), expected, "`{number}`");
    }

    #[test]
    fn a_reference_has_one_form_and_its_plain_number() {
        for written in ["14.133/2021", "14133/2021", "14.133/21", "014133/2021"] {
            check(written, &["14133/2021", "14133"]);
        }
        check("8.666/93", &["8666/1993", "8666"]);
        check("5/2024", &["5/2024", "5"]);
        check("0005/2024", &["5/2024", "5"]);
    }

    #[test]
    fn an_amount_has_one_form_in_both_languages() {
        check("1.234,56", &["1234.56"]);
        check("1,234.56", &["1234.56"]);
        check("1234,56", &["1234.56"]);
        check("14.133", &["14133"]);
        check("1,000", &["1000"]);
        check("1.234.567", &["1234567"]);
        check("1.000,00", &["1000"]);
        check("1,000.00", &["1000"]);
        check("10,00", &["10"]);
        check("10,5", &["10.5"]);
        check("3.14", &["3.14"]);
        check("4.10", &["4.10"]);
        check("0,125", &["0.125"]);
        check("1.234,567", &["1234.567"]);
        check("007", &["7"]);
        check("0", &["0"]);
    }

    #[test]
    fn a_day_has_one_form() {
        check("01/02/2023", &["2023-02-01"]);
        check("1/2/2023", &["2023-02-01"]);
        check("1.2.2023", &["2023-02-01"]);
        check("01-02-2023", &["2023-02-01"]);
        check("2023-02-01", &["2023-02-01"]);
        check("02/28/2023", &["2023-02-28"]);
        check("32/13/2023", &["32/13/2023", "32", "13", "2023"]);
    }

    #[test]
    fn identifiers_are_their_digits() {
        check("0001234-56.2023.8.26.0100", &["00012345620238260100"]);
        check("00012345620238260100", &["00012345620238260100"]);
        check("12.345.678/0001-90", &["12345678000190"]);
        check("12.ABC.345/01DE-35", &["12abc34501de35"]);
        check("98765-1234", &["987651234"]);
        check("123.456.789-09", &["12345678909"]);
        check("012.345.678-90", &["01234567890"]);
        check("01234567890", &["01234567890"]);
        check("01310-100", &["01310100"]);
        check("01.310-100", &["01310100"]);
        check("12.345.678-9", &["123456789"]);
        check("23080.012345/2021-78", &["23080012345202178"]);
    }

    #[test]
    fn other_forms_stay_and_give_their_parts() {
        check("1.2.3", &["1.2.3"]);
        check("192.168.0.1", &["192.168.0.1"]);
        check("10:30", &["10:30", "10", "30"]);
        check("3/4", &["3/4", "3", "4"]);
        check("2019-2020", &["2019-2020", "2019", "2020"]);
        check("1.000-2.000", &["1.000-2.000", "1000", "2000"]);
    }

    #[test]
    fn a_number_ends_where_no_digit_follows() {
        assert_eq!(scan(b"14.133/2021, de"), 11);
        assert_eq!(scan(b"5. Artigo"), 1);
        assert_eq!(scan(b"10--20"), 2);
        assert_eq!(scan(b"abc"), 0);
        assert_eq!(scan(b""), 0);
    }

    proptest! {
        #[test]
        fn any_number_has_forms_without_repeats(number in "[0-9]{1,8}([.,/:-][0-9]{1,8}){0,8}") {
            let forms = forms(&number);
            prop_assert!(!forms.is_empty());
            for (at, form) in forms.iter().enumerate() {
                prop_assert!(!form.is_empty());
                prop_assert!(!forms[..at].contains(form));
            }
        }
    }
}
