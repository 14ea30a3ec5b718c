//! A text as its forms are looked for: one sign a character, the many dashes and spaces of PDFs as one, accents and case apart.

/// A text, ready to be looked through.
pub(super) struct Scan {
    /// The signs: dashes as `-`, spaces that are no line ends as one.
    signs: Vec<char>,
    /// The same in small letters without accents.
    folded: Vec<char>,
}

impl Scan {
    pub(super) fn new(text: &str) -> Self {
        let signs: Vec<char> = text.chars().map(plain).collect();
        let folded = signs.iter().map(|&c| small(c)).collect();
        Self { signs, folded }
    }

    pub(super) fn len(&self) -> usize {
        self.signs.len()
    }

    pub(super) fn sign(&self, at: usize) -> Option<char> {
        self.signs.get(at).copied()
    }

    pub(super) fn folded(&self, from: usize, to: usize) -> &[char] {
        &self.folded[from.min(to)..to.min(self.folded.len())]
    }

    fn is(&self, at: usize, test: impl Fn(char) -> bool) -> bool {
        self.sign(at).is_some_and(test)
    }

    /// Whether something may begin there: not inside a word, nor inside a longer number.
    pub(super) fn begins(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else {
            return true;
        };
        if self.is(before, char::is_alphanumeric) {
            return false;
        }
        let goes_on = self.is(before, |c| matches!(c, '.' | '-' | '/' | ',' | '_'))
            && before > 0
            && self.is(before - 1, |c| c.is_ascii_digit());
        !goes_on
    }

    /// Whether something may end there.
    pub(super) fn ends(&self, at: usize) -> bool {
        if self.is(at, |c| c.is_alphanumeric() || c == '_') {
            return false;
        }
        let goes_on =
            self.is(at, |c| matches!(c, '.' | '-' | '/' | ',')) && self.is(at + 1, |c| c.is_ascii_digit());
        !goes_on
    }

    /// Where a form that begins at `at` ends. Of a form's signs `d` is a digit, `L` a capital letter, `X` either, `~` what may part two groups
    /// of a number; any other stands for itself, and may be missing when `?` follows.
    pub(super) fn form(&self, at: usize, form: &str) -> Option<usize> {
        self.fits(at, form, false)
    }

    /// The same in a scan that was read badly: a letter may stand for the digit it looks like, and a comma for a point.
    pub(super) fn blurred_form(&self, at: usize, form: &str) -> Option<usize> {
        self.fits(at, form, true)
    }

    fn fits(&self, at: usize, form: &str, is_blurred: bool) -> Option<usize> {
        let mut here = at;
        let mut form = form.chars().peekable();
        while let Some(wanted) = form.next() {
            if wanted == '~' {
                here = self.gap(here, is_blurred);
                continue;
            }
            let may_miss = form.next_if_eq(&'?').is_some();
            let fits = self.is(here, |c| match wanted {
                'd' => c.is_ascii_digit() || (is_blurred && looks_like(c).is_some()),
                'L' => c.is_ascii_uppercase(),
                'X' => c.is_ascii_digit() || c.is_ascii_uppercase(),
                other => c == other,
            });
            if fits {
                here += 1;
            } else if !may_miss {
                return None;
            }
        }
        self.ends(here).then_some(here)
    }

    /// Where that ends which may part two groups of a number: nothing, a sign, a space or a line's end, or a sign with these beside it, as
    /// people type and as recognized text has it.
    fn gap(&self, at: usize, is_blurred: bool) -> usize {
        let space = |at: usize| usize::from(self.is(at, |c| matches!(c, ' ' | '\n' | '\r')));
        let begin = at + space(at);
        if self.is(begin, |c| {
            matches!(c, '.' | '-' | '/' | '·') || (is_blurred && c == ',')
        }) {
            begin + 1 + space(begin + 1)
        } else {
            begin
        }
    }

    /// Whether groups of a range are parted by nothing but spaces, so that it may be a part of a longer row.
    pub(super) fn is_spaced(&self, from: usize, to: usize) -> bool {
        let signs = &self.signs[from..to];
        let is_space = |c: &char| matches!(c, ' ' | '\n' | '\r');
        signs.iter().any(is_space) && signs.iter().all(|c| is_space(c) || c.is_alphanumeric())
    }

    /// Whether a range is no part of a row of groups of digits: `1234 5678 9012`.
    pub(super) fn is_alone(&self, from: usize, to: usize) -> bool {
        let is_digit = |at: usize| self.is(at, |c| c.is_ascii_digit());
        let before = from >= 2 && self.sign(from - 1) == Some(' ') && is_digit(from - 2);
        let after = self.sign(to) == Some(' ') && is_digit(to + 1);
        !before && !after
    }

    /// Whether what begins there can be any of the forms at all: three digits soon, with no word in between. Most words of a text are told
    /// apart by this alone.
    pub(super) fn may_be_a_number(&self, at: usize) -> bool {
        const SOON: usize = 24;
        let mut digits = 0;
        for here in at..at + SOON {
            match self.sign(here) {
                Some(c) if c.is_ascii_digit() => digits += 1,
                Some(c) if c.is_ascii_uppercase() || looks_like(c).is_some() => {}
                Some('.' | ',' | '-' | '/' | '·' | ' ' | '\n' | '\r' | '(' | ')' | '+') => {}
                _ => break,
            }
            if digits == 3 {
                return true;
            }
        }
        false
    }

    /// The digits of a range, those too that were read as letters.
    pub(super) fn blurred_digits(&self, from: usize, to: usize) -> Vec<u8> {
        let bare = self.bare(from, to).into_iter();
        bare.map(|sign| looks_like(char::from(sign)).unwrap_or(sign))
            .collect()
    }

    /// The letters and digits of a range.
    pub(super) fn bare(&self, from: usize, to: usize) -> Vec<u8> {
        let signs = self.signs[from..to].iter();
        signs
            .filter(|c| c.is_ascii_alphanumeric())
            .map(|&c| c as u8)
            .collect()
    }
}

/// The digit that a letter looks like to text recognition.
fn looks_like(c: char) -> Option<u8> {
    match c {
        'O' | 'o' => Some(b'0'),
        'l' | 'I' => Some(b'1'),
        'S' => Some(b'5'),
        'B' => Some(b'8'),
        _ => None,
    }
}

fn plain(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => '-',
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\t' => ' ',
        _ => c,
    }
}

/// One sign for one sign, unlike [`mod@crate::fold`].
fn small(c: char) -> char {
    let lower = c.to_lowercase().next().unwrap_or(c);
    match lower {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'ª' => 'a',
        'é' | 'ê' | 'è' => 'e',
        'í' | 'ì' => 'i',
        'ó' | 'ô' | 'õ' | 'ò' | 'º' | '°' => 'o',
        'ú' | 'ü' | 'ù' => 'u',
        'ç' => 'c',
        '\n' | '\r' => ' ',
        other => other,
    }
}
