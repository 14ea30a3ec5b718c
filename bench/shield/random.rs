//! Chance, and numbers with the check digits they need: common to all sets of texts.

/// Xorshift: chance enough, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    pub fn digits(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(10) as u8).collect()
    }

    /// Digits as signs.
    pub fn signs(&mut self, count: usize) -> Vec<u8> {
        ascii(&self.digits(count))
    }

    pub fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

/// A form with signs in place of its `d`s.
pub fn filled(form: &str, signs: &[u8]) -> String {
    let mut signs = signs.iter();
    form.chars()
        .map(|c| {
            if c == 'd' {
                signs.next().map_or('0', |&sign| sign as char)
            } else {
                c
            }
        })
        .collect()
}

pub fn ascii(digits: &[u8]) -> Vec<u8> {
    digits.iter().map(|digit| b'0' + digit).collect()
}

fn modulo(signs: &[u8], weights: impl Iterator<Item = u32>) -> u8 {
    let sum: u32 = signs
        .iter()
        .zip(weights)
        .map(|(&sign, weight)| u32::from(sign - b'0') * weight)
        .sum();
    match sum % 11 {
        0 | 1 => b'0',
        rest => b'0' + (11 - rest) as u8,
    }
}

pub fn cpf(random: &mut Random) -> Vec<u8> {
    let mut digits = random.signs(9);
    digits.push(modulo(&digits, (2..=10).rev()));
    digits.push(modulo(&digits, (2..=11).rev()));
    digits
}

/// One in five with letters, as given from 2026 on.
pub fn cnpj(random: &mut Random) -> Vec<u8> {
    let mut signs = random.signs(8);
    signs.extend(b"0001");
    if random.below(5) == 0 {
        for at in [2, 5, 7] {
            signs[at] = b'A' + random.below(26) as u8;
        }
    }
    signs.push(modulo(&signs, [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2].into_iter()));
    signs.push(modulo(
        &signs,
        [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2].into_iter(),
    ));
    signs
}

pub fn pis(random: &mut Random) -> Vec<u8> {
    let mut digits = random.signs(10);
    digits.push(modulo(&digits, [3, 2, 9, 8, 7, 6, 5, 4, 3, 2].into_iter()));
    digits
}

/// Sixteen digits that pass Luhn's test.
pub fn card(random: &mut Random) -> Vec<u8> {
    let mut digits = vec![b'4' + random.below(2) as u8];
    digits.extend(random.signs(14));
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0');
            if at % 2 == 0 {
                digit * 2 / 10 + digit * 2 % 10
            } else {
                digit
            }
        })
        .sum();
    digits.push(b'0' + ((10 - sum % 10) % 10) as u8);
    digits
}
