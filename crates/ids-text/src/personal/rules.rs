//! What stands at one place of a text: each kind's forms, tried in an order in which the surer comes first.

use super::check::{is_area, is_card, is_cnpj, is_cpf, is_pis};
use super::context::{self, Label, is_list};
use super::scan::Scan;
use super::{PersonalData, PersonalKind};

/// Characters of the part of an address in front of its `@`.
const LOCAL_CHARS: usize = 64;
/// Characters of the part after it.
const DOMAIN_CHARS: usize = 253;

const CPF_FORMS: [&str; 2] = ["ddd~ddd~ddd~dd", "dddddddddd~d"];
const CNPJ_FORMS: [&str; 1] = ["XX~XXX~XXX~XXXX~dd"];
const CNPJ_DIGITS: &str = "dd~ddd~ddd~dddd~dd";
const PIS_FORMS: [&str; 3] = ["ddd.?ddddd.?dd-?d", "ddd.dddd.ddd-d", "d.ddd.ddd.ddd-d"];
/// After a word that says so.
const SAID_PIS_FORMS: [&str; 4] = [
    "ddd~ddddd~dd~d",
    "ddd~dddd~ddd~d",
    "d~ddd~ddd~ddd~d",
    "dddddddddd~d",
];
const CARD_FORMS: [&str; 3] = ["dddd~dddd~dddd~dddd", "dddd dddddd ddddd", "ddddddddddddd"];
/// With the country or the area: surely a telephone, where the area is one.
const PHONE_FORMS: [&str; 9] = [
    "+dd~(?dd)?~9~dddd~dddd",
    "+dd~(?dd)?~dddd~dddd",
    "(0?dd)~9~dddd~dddd",
    "(0?dd)~dddd~dddd",
    "dd 9dddd-dddd",
    "dd-9dddd-dddd",
    "dd.9dddd.dddd",
    "dd 9 dddd-dddd",
    "dd-dddd-dddd",
];
/// Without: only after a word that says so.
const BARE_PHONE_FORMS: [&str; 6] = [
    "0?dd~9~dddd~dddd",
    "0?dd~dddd~dddd",
    "9~dddd~dddd",
    "dddd~dddd",
    "0d00~ddd~dddd",
    "0d00~dddd~ddd",
];
/// States, which stand in front of the numbers of their identity cards.
const STATES: [&str; 27] = [
    "AC", "AL", "AM", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "MS", "MT", "PA", "PB", "PE", "PI",
    "PR", "RJ", "RN", "RO", "RR", "RS", "SC", "SE", "SP", "TO",
];
/// What addresses of mail end with: so sure an end that a space within, as recognized text has it, is no end.
const ENDS_OF_MAIL: [&str; 9] = ["br", "com", "gov", "org", "edu", "net", "leg", "jus", "mp"];

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
/// Whether check digits are right.
type Check = fn(&[u8]) -> bool;

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
            self.is_whole(end).then(|| (end, self.scan.bare(self.at, end)))
        })
    }

    /// Groups of digits between others of the same row are parts of something longer.
    fn is_whole(&self, end: usize) -> bool {
        !self.scan.is_spaced(self.at, end) || self.scan.is_alone(self.at, end)
    }

    /// What its check digits tell.
    fn checked(&self) -> Found {
        let of = |kind, forms: &[&str], check: Check| -> Found {
            let mut fitting = self.forms(forms);
            fitting
                .find(|(_, signs)| check(signs))
                .map(|(end, _)| (kind, end))
        };
        of(PersonalKind::Pis, &SAID_PIS_FORMS, is_pis)
            .filter(|_| self.is_labelled(&context::PIS, PersonalKind::Pis))
            // Eleven digits may be a telephone by chance; a word in front says so.
            .or_else(|| {
                of(PersonalKind::Cpf, &CPF_FORMS, is_cpf)
                    .filter(|_| !self.is_said_to_be_a_phone())
                    .filter(|(_, end)| !self.may_be_an_ip_address(*end) || self.is_said_to_be_a_cpf())
            })
            .or_else(|| self.cnpj())
            .or_else(|| {
                of(PersonalKind::Pis, &PIS_FORMS, is_pis).filter(|(_, end)| self.has_separators(*end))
            })
            .or_else(|| {
                of(PersonalKind::Card, &CARD_FORMS, is_card).filter(|(_, end)| self.is_sure_card(*end))
            })
            .or_else(|| self.blurred())
    }

    fn cnpj(&self) -> Found {
        let mut fitting = self.forms(&CNPJ_FORMS);
        let (end, signs) = fitting.find(|(_, signs)| is_cnpj(signs))?;
        // Fourteen letters and digits in a row are many things, and so are words in capitals.
        let is_sure = signs.iter().all(u8::is_ascii_digit)
            || (self.has_separators(end) && !self.scan.is_spaced(self.at, end))
            || self.is_labelled(&context::CNPJ, PersonalKind::Cnpj);
        is_sure.then_some((PersonalKind::Cnpj, end))
    }

    /// What a scan that was read badly has after a word that says what it is: the check digits are right once letters are read as digits.
    fn blurred(&self) -> Found {
        let kinds: [(PersonalKind, &Label, &[&str], Check); 4] = [
            (PersonalKind::Cpf, &context::CPF, &CPF_FORMS, is_cpf),
            (PersonalKind::Cnpj, &context::CNPJ, &[CNPJ_DIGITS], is_cnpj),
            (PersonalKind::Pis, &context::PIS, &SAID_PIS_FORMS, is_pis),
            (PersonalKind::Card, &context::CARD, &CARD_FORMS, is_card),
        ];
        kinds.into_iter().find_map(|(kind, label, forms, check)| {
            let ends = forms
                .iter()
                .filter_map(|form| self.scan.blurred_form(self.at, form));
            let mut right =
                ends.filter(|&end| self.is_whole(end) && check(&self.scan.blurred_digits(self.at, end)));
            let end = right.next()?;
            self.is_labelled(label, kind).then_some((kind, end))
        })
    }

    fn is_said_to_be_a_cpf(&self) -> bool {
        self.is_labelled(&context::CPF, PersonalKind::Cpf)
    }

    /// Four numbers up to 255 with points between them.
    fn may_be_an_ip_address(&self, end: usize) -> bool {
        let text: String = (self.at..end).filter_map(|at| self.scan.sign(at)).collect();
        let parts: Vec<&str> = text.split('.').collect();
        parts.len() == 4 && parts.iter().all(|part| part.parse::<u8>().is_ok())
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
        for form in ["LLLdLdd", "LLL-dLdd"] {
            if let Some(end) = self.scan.form(self.at, form) {
                return Some((PersonalKind::Plate, end));
            }
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
            let forms = ["LLL~dddd", "LLL~dLdd"];
            if let Some(end) = forms.iter().find_map(|form| scan.form(self.at, form)) {
                return Some((PersonalKind::Plate, end));
            }
        }
        if says(&context::VEHICLE, PersonalKind::Plate)
            && let Some(end) = ["LLL~dddd", "LLL~dLdd"].iter().find_map(|form| scan.form(self.at, form))
            // A model and its year (`GOL 2015`) follow the word, too.
            && !(scan.is_spaced(self.at, end) && is_year(&scan.bare(end - 4, end)))
        {
            return Some((PersonalKind::Plate, end));
        }
        if (says(&context::CEP, PersonalKind::Cep) || self.is_after_a_state())
            && let Some(end) = scan.form(self.at, "dd~ddd~ddd")
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
            let state: String = (self.at..self.at + 2).filter_map(|at| scan.sign(at)).collect();
            let prefixes: &[&str] = if STATES.contains(&state.as_str()) {
                &["LL-", "LL ", "LL"]
            } else {
                &["L-", ""]
            };
            let found = prefixes.iter().find_map(|prefix| self.number(5..=10, prefix));
            return found.map(|end| (PersonalKind::Rg, end));
        }
        None
    }

    /// `Lavras/MG - `: what follows is the postal code.
    fn is_after_a_state(&self) -> bool {
        let mut end = self.at;
        while end > 0 && matches!(self.scan.sign(end - 1), Some(' ' | '-' | ',' | '.' | '\n')) {
            end -= 1;
        }
        let Some(from) = end.checked_sub(2) else {
            return false;
        };
        let state: String = (from..end).filter_map(|at| self.scan.sign(at)).collect();
        let is_parted = from > 0 && matches!(self.scan.sign(from - 1), Some('/' | '-'));
        is_parted && end < self.at && STATES.contains(&state.as_str())
    }

    /// Where three digits begin that go on with a number: after a point, with a space or a line's end beside it in recognized text.
    fn next_group(&self, at: usize) -> Option<usize> {
        let is_digit = |at: usize| self.scan.sign(at).is_some_and(|c| c.is_ascii_digit());
        let is_space = |at: usize| matches!(self.scan.sign(at), Some(' ' | '\n' | '\r'));
        let point = at + usize::from(is_space(at));
        if self.scan.sign(point) != Some('.') {
            return None;
        }
        if point == at && is_digit(at + 1) {
            return Some(at + 1);
        }
        let next = point + 1 + usize::from(is_space(point + 1));
        ((next..next + 3).all(is_digit) && !is_digit(next + 3)).then_some(next)
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
        if prefix.ends_with('-') && sign(here) == Some(' ') {
            here += 1;
        }
        let mut count = 0;
        loop {
            if is_digit(here) {
                count += 1;
                here += 1;
            } else if let Some(next) = self.next_group(here).filter(|_| count > 0) {
                here = next;
            } else {
                break;
            }
        }
        let is_space = |at: usize| matches!(sign(at), Some(' ' | '\n' | '\r'));
        let dash = here + usize::from(is_space(here));
        if sign(dash) == Some('-') {
            let last = dash + 1 + usize::from(is_space(dash + 1));
            if (is_digit(last) || matches!(sign(last), Some('X' | 'x' | 'P'))) && self.scan.ends(last + 1) {
                here = last + 1;
            }
        }
        (digits.contains(&count) && self.scan.ends(here)).then_some(here)
    }
}

fn is_year(digits: &[u8]) -> bool {
    digits.starts_with(b"19") || digits.starts_with(b"20")
}

fn is_phone(digits: &[u8], with_country: bool) -> bool {
    if let [.., a, b, c, d, e, f, g, h] = *digits
        && matches!(digits.len(), 8 | 10)
        && is_year(&[a, b, c, d])
        && is_year(&[e, f, g, h])
    {
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
    let is_space = |at: usize| matches!(scan.sign(at), Some(' ' | '\n' | '\r'));
    let local_end = run(at, LOCAL_CHARS, &is_local);
    let monkey = local_end + usize::from(is_space(local_end));
    if local_end == at || scan.sign(monkey) != Some('@') {
        return None;
    }
    let begin = monkey + 1 + usize::from(is_space(monkey + 1));
    let is_domain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let text = |from: usize, to: usize| -> String {
        let signs = (from..to).filter_map(|here| scan.sign(here));
        // A comma is a point that was read badly.
        signs
            .filter(|c| !c.is_whitespace())
            .map(|c| if c == ',' { '.' } else { c })
            .collect()
    };
    let mut end = run(begin, DOMAIN_CHARS, &is_domain);
    let is_torn = monkey > local_end || begin > monkey + 1;
    // `exemplo. com.br`, `exemplo,com.br`: torn at a point, and what follows is how such addresses go on.
    while (scan.sign(end) == Some(',')
        || (is_space(end) && (scan.sign(end - 1) == Some('.') || scan.sign(end + 1) == Some('.'))))
        && !ends_as_mail(&text(begin, end))
    {
        let more = run(end + 1, DOMAIN_CHARS, &is_domain);
        let next = text(end + 1, more);
        let first = next.trim_start_matches('.').split('.').next();
        if !first.is_some_and(is_end_of_mail) {
            break;
        }
        end = more;
    }
    // A sentence's point is no part of it.
    while end > begin && matches!(scan.sign(end - 1), Some('.' | '-')) {
        end -= 1;
    }
    let domain = text(begin, end);
    let (name, top) = domain.rsplit_once('.')?;
    let is_top = top.len() >= 2 && top.bytes().all(|b| b.is_ascii_alphabetic());
    (!name.is_empty() && is_top && (!is_torn || ends_as_mail(&domain))).then_some(end)
}

fn ends_as_mail(domain: &str) -> bool {
    domain
        .rsplit_once('.')
        .is_some_and(|(_, top)| is_end_of_mail(top))
}

/// In small letters or in capitals: `Com` begins a sentence.
fn is_end_of_mail(label: &str) -> bool {
    ENDS_OF_MAIL
        .iter()
        .any(|end| *end == label || end.to_ascii_uppercase() == label)
}
