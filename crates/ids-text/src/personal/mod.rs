//! Which parts of a Portuguese text are numbers and addresses of persons: what Brazilian law calls personal data (LGPD) and a machine can
//! tell by its form.
//!
//! What carries check digits counts only when they are right, with or without its points; what has none (identity cards, accounts, bare
//! numbers) only after a word that says what it is. Names are not looked for.

mod check;
mod context;
mod person;
mod rules;
mod scan;
#[cfg(test)]
mod tests;

use self::scan::Scan;

pub use self::person::Person;

/// What is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonalKind {
    /// A taxpayer's number, of a person.
    Cpf,
    /// The same of a company, of digits only or with letters (from 2026 on).
    Cnpj,
    /// A social number: PIS, PASEP, NIS, NIT.
    Pis,
    /// An identity card.
    Rg,
    /// An address of mail.
    Email,
    /// A telephone.
    Phone,
    /// A postal code.
    Cep,
    /// A bank card.
    Card,
    /// An account at a bank.
    Account,
    /// A branch of a bank.
    Agency,
    /// A vehicle's plate, of either form.
    Plate,
}

impl PersonalKind {
    /// All, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Cpf,
        Self::Cnpj,
        Self::Pis,
        Self::Rg,
        Self::Email,
        Self::Phone,
        Self::Cep,
        Self::Card,
        Self::Account,
        Self::Agency,
        Self::Plate,
    ];

    /// The word for it, as placeholders and reports have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpf => "CPF",
            Self::Cnpj => "CNPJ",
            Self::Pis => "PIS",
            Self::Rg => "RG",
            Self::Email => "EMAIL",
            Self::Phone => "PHONE",
            Self::Cep => "CEP",
            Self::Card => "CARD",
            Self::Account => "ACCOUNT",
            Self::Agency => "AGENCY",
            Self::Plate => "PLATE",
        }
    }
}

/// One of them, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonalData {
    /// What it is.
    pub kind: PersonalKind,
    /// Where it begins (Unicode scalar values).
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
}

/// All that is found, in order, none over another.
pub fn personal_data(text: &str) -> Vec<PersonalData> {
    let scan = Scan::new(text);
    let mut found: Vec<PersonalData> = Vec::new();
    let mut at = 0;
    while at < scan.len() {
        let last = found.last().copied();
        match rules::at(&scan, at, last) {
            Some(data) => {
                at = data.end;
                found.push(data);
            }
            None => at += 1,
        }
    }
    found
}

/// What two ways to write one value have in common: its letters and digits, or an address of mail in small letters.
pub fn same_value(kind: PersonalKind, written: &str) -> String {
    match kind {
        PersonalKind::Email => written.to_lowercase(),
        PersonalKind::Phone => {
            let digits: String = written.chars().filter(char::is_ascii_digit).collect();
            // With or without the country.
            match digits.strip_prefix("55") {
                Some(rest) if rest.len() >= 10 => rest.to_owned(),
                _ => digits,
            }
        }
        _ => written
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_uppercase)
            .collect(),
    }
}
