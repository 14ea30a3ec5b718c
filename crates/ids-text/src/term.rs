//! An index term, encoded so that every store keeps it as it is.
//!
//! Tokenizers of stores split what they are given (`to_tsvector('simple', 'r:14.133/2021')` makes two lexemes, FTS5's
//! `unicode61` three), so a term is plain `[a-z0-9]`:
//!
//! - one letter for the [`Kind`],
//! - then each character: `a`..`y` and digits as themselves, all others (and `z`) as `z<hex>z`,
//! - past [`MAX_LEN`], a prefix, `zz` (which no escape contains: hex digits are never absent) and 16 hex digits of a hash.
//!
//! Different texts give different terms, up to a collision of that hash among words of more than 90 characters.

use std::fmt;

/// Longest encoded term, in bytes. A lexeme of PostgreSQL holds 2,046; no real word comes near this.
pub const MAX_LEN: usize = 96;
/// Bytes of the encoded text kept before the hash of a word that is too long.
const PREFIX_LEN: usize = 64;
const HASH_LEN: usize = 16;

/// What sort of term it is: its first letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `p`: the Portuguese stem of a word.
    Portuguese,
    /// `e`: the English stem of a word.
    English,
    /// `r`: taken as it is: a legal reference, number, date, identifier, or a single ideograph.
    Exact,
}

impl Kind {
    fn letter(self) -> char {
        match self {
            Self::Portuguese => 'p',
            Self::English => 'e',
            Self::Exact => 'r',
        }
    }
}

/// An analyzed, encoded index term: 2 to [`MAX_LEN`] bytes of `[a-z0-9]`. Order is that of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term(String);

impl Term {
    /// Encodes `text`, which has been folded and stemmed already. An empty text gives the bare kind, which
    /// [`Term::from_encoded`] refuses: the analysis never makes one.
    pub fn encode(kind: Kind, text: &str) -> Self {
        let mut encoded = String::with_capacity(text.len() + 1);
        encoded.push(kind.letter());
        for c in text.chars() {
            match c {
                'a'..='y' | '0'..='9' => encoded.push(c),
                _ => push_escape(c, &mut encoded),
            }
        }
        if encoded.len() > MAX_LEN {
            let hash = fnv1a(encoded.as_bytes());
            encoded.truncate(escape_border(&encoded));
            encoded.push_str("zz");
            encoded.push_str(&format!("{hash:016x}"));
        }
        Self(encoded)
    }

    /// The encoded form, as stores keep it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes a term back from a store; `None` when [`Term::encode`] cannot have written it.
    pub fn from_encoded(encoded: &str) -> Option<Self> {
        if encoded.len() > MAX_LEN || !encoded.starts_with(['p', 'e', 'r']) {
            return None;
        }
        let mut rest = &encoded[1..];
        if rest.is_empty() {
            return None;
        }
        while let Some(first) = rest.chars().next() {
            rest = match first {
                'a'..='y' | '0'..='9' => &rest[1..],
                'z' => match rest[1..].strip_prefix('z') {
                    Some(hash) => return is_hash(hash, encoded).then(|| Self(encoded.to_owned())),
                    None => after_escape(&rest[1..])?,
                },
                _ => return None,
            };
        }
        Some(Self(encoded.to_owned()))
    }
}

impl AsRef<str> for Term {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn push_escape(c: char, encoded: &mut String) {
    encoded.push('z');
    encoded.push_str(&format!("{:x}", c as u32));
    encoded.push('z');
}

/// Where to cut `encoded` so that about [`PREFIX_LEN`] bytes stay and no escape is cut in two.
fn escape_border(encoded: &str) -> usize {
    let mut border = 1;
    let bytes = encoded.as_bytes();
    while border < PREFIX_LEN {
        let step = match bytes[border] {
            b'z' => bytes[border + 1..]
                .iter()
                .position(|&b| b == b'z')
                .map_or(1, |hex| hex + 2),
            _ => 1,
        };
        border += step;
    }
    border
}

fn is_hash(hash: &str, encoded: &str) -> bool {
    hash.len() == HASH_LEN && hash.bytes().all(is_hex) && encoded.len() >= PREFIX_LEN + 2 + HASH_LEN
}

fn is_hex(b: u8) -> bool {
    matches!(b, b'0'..=b'9' | b'a'..=b'f')
}

/// What follows the escape whose `z` has been read; `None` where it is not one [`push_escape`] writes.
fn after_escape(rest: &str) -> Option<&str> {
    let (hex, after) = rest.split_once('z')?;
    if !hex.bytes().all(is_hex) || hex.starts_with('0') && hex != "0" {
        return None;
    }
    let c = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
    (!matches!(c, 'a'..='y' | '0'..='9')).then_some(after)
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): stable across versions and machines, unlike the standard library's hashers.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &b| {
        (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(kind: Kind, text: &str, encoded: &str) {
        assert_eq!(Term::encode(kind, text).as_str(), encoded);
    }

    #[test]
    fn only_plain_letters_and_digits_come_out() {
        check(Kind::Portuguese, "aca", "paca");
        check(Kind::English, "zero", "ez7azero");
        check(Kind::Exact, "14133/2021", "r14133z2fz2021");
        check(Kind::Exact, "法", "rz6cd5z");
        check(Kind::Portuguese, "zz", "pz7azz7az");
    }

    #[test]
    fn a_huge_word_gives_a_short_term() {
        let long = Term::encode(Kind::Portuguese, &"a".repeat(10_000));
        let longer = Term::encode(Kind::Portuguese, &"a".repeat(10_001));
        assert_eq!(long.as_str().len(), PREFIX_LEN + 2 + HASH_LEN);
        assert_ne!(long, longer);
        assert_eq!(long, Term::encode(Kind::Portuguese, &"a".repeat(10_000)));
        assert!(Term::encode(Kind::Exact, &"😀".repeat(500)).as_str().len() <= MAX_LEN);
    }

    #[test]
    fn what_the_encoder_cannot_have_written_is_refused() {
        for bad in [
            "",
            "p",
            "xaca",
            "pAca",
            "pação",
            "pz",
            "pzz",
            "pz61z",
            "pz110000z",
            "pz02fz",
            "pzgz",
            "r1/2",
        ] {
            assert_eq!(Term::from_encoded(bad), None, "`{bad}`");
        }
        assert_eq!(Term::from_encoded(&format!("p{}", "a".repeat(MAX_LEN))), None);
    }

    proptest! {
        #[test]
        fn every_term_comes_back_from_its_encoded_form(text in "\\PC{1,60}") {
            for kind in [Kind::Portuguese, Kind::English, Kind::Exact] {
                let term = Term::encode(kind, &text);
                prop_assert!(term.as_str().len() <= MAX_LEN);
                prop_assert!(term.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
                prop_assert_eq!(Term::from_encoded(term.as_str()), Some(term));
            }
        }

        #[test]
        fn different_texts_give_different_terms(a in "[a-z/zf7]{1,6}", b in "[a-z/zf7]{1,6}") {
            let (first, second) = (Term::encode(Kind::Exact, &a), Term::encode(Kind::Exact, &b));
            prop_assert_eq!(a == b, first == second);
        }

        #[test]
        fn any_bytes_are_refused_or_kept_as_they_are(encoded in "[perz0-9a-f]{0,20}") {
            if let Some(term) = Term::from_encoded(&encoded) {
                prop_assert_eq!(term.as_str(), encoded);
            }
        }
    }
}
