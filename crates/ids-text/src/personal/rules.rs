//! What stands at one place of a text: each kind's forms, tried in an order in which the surer comes first.

use super::check::{is_area, is_card, is_cnpj, is_cpf, is_pis};
use super::context::{self, Label, is_list};
use super::scan::Scan;
use super::{PersonalData, PersonalKind};

/// Characters of the part of an address in front of its `@`.
const LOCAL_CHARS: usize = 64;
/// Characters of the part after it.
const DOMAIN_CHARS: usize = 253;

const CPF_FORMS: [&str; 2] = ["ddd.?ddd.?ddd-?dd", "ddd ddd ddd dd"];
const CNPJ_FORMS: [&str; 2] = ["XX.?XXX.?XXX/?XXXX-?dd", "XX XXX XXX XXXX dd"];
const PIS_FORMS: [&str; 2] = ["ddd.?ddddd.?dd-?d", "d.ddd.ddd.ddd-d"];
const CARD_FORMS: [&str; 6] = [
    "dddd dddd dddd dddd",
    "dddd-dddd-dddd-dddd",
    "dddd.dddd.dddd.dddd",
    "dddd dddddd ddddd",
    "dddddddddddddddd",
    "ddddddddddddddd",
];
/// With the country or the area: surely a telephone, where the area is one.
const PHONE_FORMS: [&str; 9] = [
    "+dd ?(?dd)? ?9 ?dddd-? ?dddd",
    "+dd ?(?dd)? ?dddd-? ?dddd",
    "(0?dd) ?9 ?dddd-dddd",
    "(0?dd) ?9 ?dddd dddd",
    "(0?dd) ?9 ?dddddddd",
    "(0?dd) ?dddd-dddd",
    "(0?dd) ?dddd dddd",
    "(0?dd) ?dddddddd",
    "dd 9dddd-dddd",
];
/// Without: only after a word that says so.
const BARE_PHONE_FORMS: [&str; 5] = [
    "dd ?9 ?dddd-? ?dddd",
    "dd ?dddd-? ?dddd",
    "9 ?dddd-? ?dddd",
    "dddd-? ?dddd",
    "0d00 ?-?ddd ?-?dddd",
];

/// What begins at `at`; `last` is what was found before.
pub(super) fn at(scan: &Scan, at: usize, last: Option<PersonalData>) -> Option<PersonalData> {
    let first = scan.sign(at)?;
    if !matches!(first, '(' | '+') && !first.is_ascii_alphanumeric() && first != '_' {
        return None;
    }
    if let Some(end) = email(scan, at) {
        return Some(PersonalData {
            kind: PersonalKind::Email,
            start: at,
            end,
        });
    }
    if !scan.begins(at) || !scan.may_be_a_number(at) {
        return None;
    }
    let place = Place { scan, at, last };
    let found = place
        .checked()
        .or_else(|| place.formed())
        .or_else(|| place.labelled());
    found.map(|(kind, end)| PersonalData { kind, start: at, end })
}

type Found = Option<(PersonalKind, usize)>;

/// A place where something may begin.
struct Place<'a> {
    scan: &'a Scan,
    at: usize,
    last: Option<PersonalData>,
}

impl Place<'_> {
    /// Whether `label` stands in front, or in front of another of the kind in the same list.
    fn is_labelled(&self, label: &Label, kind: PersonalKind) -> bool {
        label.is_before(self.scan, self.at)
            || self
                .last
                .is_some_and(|last| last.kind == kind && is_list(self.scan, last.end, self.at))
    }

    fn forms<'f>(&self, forms: &'f [&str]) -> impl Iterator<Item = (usize, Vec<u8>)> + use<'_, 'f> {
        forms.iter().filter_map(|form| {
            let end = self.scan.form(self.at, form)?;
            // Groups of digits between others of the same row are parts of something longer.
            let is_whole = !form.contains(' ') || self.scan.is_alone(self.at, end);
            is_whole.then(|| (end, self.scan.bare(self.at, end)))
        })
    }

    /// What its check digits tell.
    fn checked(&self) -> Found {
        let of = |kind, forms: &[&str], check: fn(&[u8]) -> bool| -> Found {
            let mut fitting = self.forms(forms);
            fitting
                .find(|(_, signs)| check(signs))
                .map(|(end, _)| (kind, end))
        };
        let pis = || of(PersonalKind::Pis, &PIS_FORMS, is_pis);
        pis()
            .filter(|_| self.is_labelled(&context::PIS, PersonalKind::Pis))
            // Eleven digits may be a telephone by chance; a word in front says so.
            .or_else(|| of(PersonalKind::Cpf, &CPF_FORMS, is_cpf).filter(|_| !self.is_said_to_be_a_phone()))
            .or_else(|| self.cnpj())
            .or_else(|| pis().filter(|(_, end)| self.has_separators(*end)))
            .or_else(|| {
                of(PersonalKind::Card, &CARD_FORMS, is_card).filter(|(_, end)| self.is_sure_card(*end))
            })
    }

    fn cnpj(&self) -> Found {
        let mut fitting = self.forms(&CNPJ_FORMS);
        let (end, signs) = fitting.find(|(_, signs)| is_cnpj(signs))?;
        // Fourteen letters and digits in a row are many things.
        let is_sure = signs.iter().all(u8::is_ascii_digit)
            || self.has_separators(end)
            || self.is_labelled(&context::CNPJ, PersonalKind::Cnpj);
        is_sure.then_some((PersonalKind::Cnpj, end))
    }

    /// One number in ten passes Luhn's test: in groups as cards are written, or after a word that says so.
    fn is_sure_card(&self, end: usize) -> bool {
        self.has_separators(end)
            || self.is_labelled(&context::CARD, PersonalKind::Card)
            || end - self.at == 16
    }

    fn has_separators(&self, end: usize) -> bool {
        self.scan.bare(self.at, end).len() < end - self.at
    }

    fn is_said_to_be_a_phone(&self) -> bool {
        self.is_labelled(&context::PHONE, PersonalKind::Phone)
    }

    /// What its form tells.
    fn formed(&self) -> Found {
        if let Some(end) = self.scan.form(self.at, "LLLdLdd") {
            return Some((PersonalKind::Plate, end));
        }
        for form in ["dd.ddd-ddd", "ddddd-ddd"] {
            if let Some(end) = self.scan.form(self.at, form) {
                return Some((PersonalKind::Cep, end));
            }
        }
        self.phone(&PHONE_FORMS).map(|end| (PersonalKind::Phone, end))
    }

    fn phone(&self, forms: &[&str]) -> Option<usize> {
        let mut fitting = forms.iter().filter_map(|form| self.scan.form(self.at, form));
        let first = self.scan.sign(self.at);
        fitting.find(|&end| {
            // A bracket or a plus begins a number whatever stands in front.
            let is_whole = matches!(first, Some('(' | '+')) || self.scan.is_alone(self.at, end);
            is_whole && is_phone(&self.scan.bare(self.at, end), first == Some('+'))
        })
    }

    /// What the word in front tells.
    fn labelled(&self) -> Found {
        let scan = self.scan;
        let says = |label: &Label, kind| self.is_labelled(label, kind);
        if says(&context::PHONE, PersonalKind::Phone)
            && let Some(end) = self.phone(&BARE_PHONE_FORMS)
        {
            return Some((PersonalKind::Phone, end));
        }
        if says(&context::PLATE, PersonalKind::Plate) {
            let forms = ["LLL-?dddd", "LLL dddd", "LLL-dLdd", "LLL dLdd"];
            if let Some(end) = forms.iter().find_map(|form| scan.form(self.at, form)) {
                return Some((PersonalKind::Plate, end));
            }
        }
        if says(&context::CEP, PersonalKind::Cep)
            && let Some(end) = scan.form(self.at, "dddddddd")
        {
            return Some((PersonalKind::Cep, end));
        }
        if says(&context::AGENCY, PersonalKind::Agency)
            && let Some(end) = self.number(3..=5, "")
        {
            return Some((PersonalKind::Agency, end));
        }
        if says(&context::ACCOUNT, PersonalKind::Account)
            && let Some(end) = self.number(4..=13, "")
            // Four digits alone are a year more often than an account.
            && scan.bare(self.at, end).len() > 4
        {
            return Some((PersonalKind::Account, end));
        }
        if says(&context::RG, PersonalKind::Rg) {
            let prefixes = ["LL-", "LL ", "LL", "L-", ""];
            let found = prefixes.iter().find_map(|prefix| self.number(5..=10, prefix));
            return found.map(|end| (PersonalKind::Rg, end));
        }
        None
    }

    /// The end of a number of so many digits, grouped by points as it may be, after `prefix`; at its end perhaps a dash and one digit or X.
    fn number(&self, digits: std::ops::RangeInclusive<usize>, prefix: &str) -> Option<usize> {
        let sign = |at: usize| self.scan.sign(at);
        let is_digit = |at: usize| sign(at).is_some_and(|c| c.is_ascii_digit());
        let mut here = self.at;
        for wanted in prefix.chars() {
            let fits = sign(here).is_some_and(|c| {
                if wanted == 'L' {
                    c.is_ascii_uppercase()
                } else {
                    c == wanted
                }
            });
            if !fits {
                return None;
            }
            here += 1;
        }
        let mut count = 0;
        while is_digit(here) || (count > 0 && matches!(sign(here), Some('.')) && is_digit(here + 1)) {
            count += usize::from(is_digit(here));
            here += 1;
        }
        if sign(here) == Some('-')
            && (is_digit(here + 1) || matches!(sign(here + 1), Some('X' | 'x' | 'P')))
            && self.scan.ends(here + 2)
        {
            here += 2;
        }
        (digits.contains(&count) && self.scan.ends(here)).then_some(here)
    }
}

fn is_phone(digits: &[u8], with_country: bool) -> bool {
    let is_year = |digits: &[u8]| digits.starts_with(b"19") || digits.starts_with(b"20");
    if digits.len() == 8 && is_year(&digits[..4]) && is_year(&digits[4..]) {
        return false;
    }
    let national = match digits.strip_prefix(b"55") {
        Some(rest) if with_country => rest,
        // A number of another country.
        _ if with_country => return (8..=15).contains(&digits.len()),
        _ => digits.strip_prefix(b"0").unwrap_or(digits),
    };
    match national {
        [area @ .., b'9', _, _, _, _, _, _, _, _] if area.len() == 2 => is_area(area),
        [a, b, b'2'..=b'5', _, _, _, _, _, _, _] => is_area(&[*a, *b]),
        [b'9', _, _, _, _, _, _, _, _] => true,
        [b'2'..=b'5' | b'9', _, _, _, _, _, _, _] => true,
        // 0800 and its kin.
        [b'3' | b'5' | b'8' | b'9', b'0', b'0', rest @ ..] => rest.len() == 7,
        _ => false,
    }
}

/// The end of an address of mail that begins at `at`.
fn email(scan: &Scan, at: usize) -> Option<usize> {
    let is_local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    if at > 0 && scan.sign(at - 1).is_some_and(|c| is_local(c) || c == '@') {
        return None;
    }
    let run = |from: usize, most: usize, fits: &dyn Fn(char) -> bool| {
        (from..from + most)
            .find(|&here| !scan.sign(here).is_some_and(fits))
            .unwrap_or(from + most)
    };
    let monkey = run(at, LOCAL_CHARS, &is_local);
    if monkey == at || scan.sign(monkey) != Some('@') {
        return None;
    }
    let is_domain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let mut end = run(monkey + 1, DOMAIN_CHARS, &is_domain);
    // A sentence's point is no part of it.
    while end > monkey + 1 && matches!(scan.sign(end - 1), Some('.' | '-')) {
        end -= 1;
    }
    let domain: String = (monkey + 1..end).filter_map(|here| scan.sign(here)).collect();
    let (name, top) = domain.rsplit_once('.')?;
    (!name.is_empty() && top.len() >= 2 && top.bytes().all(|b| b.is_ascii_alphabetic())).then_some(end)
}
