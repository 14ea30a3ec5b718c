//! Check digits.

/// A CPF's two: each the sum of the digits before it, weighted 10, 9, ... (11, 10, ... for the second), modulo 11.
pub(super) fn is_cpf(digits: &[u8]) -> bool {
    digits.len() == 11
        && !is_one_digit_again(digits)
        && (9..11).all(|at| {
            let sum: u32 = (0..at).map(|i| (at + 1 - i) as u32 * value(digits[i])).sum();
            sum * 10 % 11 % 10 == value(digits[at])
        })
}

/// A CNPJ's two: weights 2 to 9 from the right, over and over. A letter counts as its place in ASCII less 48, so that digits count as
/// themselves (Instrução Normativa RFB 2.229/2024).
pub(super) fn is_cnpj(signs: &[u8]) -> bool {
    signs.len() == 14
        && !is_one_digit_again(signs)
        && signs[12..].iter().all(u8::is_ascii_digit)
        && (12..14).all(|at| {
            let sum: u32 = (0..at)
                .map(|i| (2 + (at - 1 - i) as u32 % 8) * value(signs[i]))
                .sum();
            let rest = sum % 11;
            let expected = if rest < 2 { 0 } else { 11 - rest };
            expected == value(signs[at])
        })
}

/// That of a PIS, PASEP, NIS or NIT.
pub(super) fn is_pis(digits: &[u8]) -> bool {
    const WEIGHTS: [u32; 10] = [3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    if digits.len() != 11 || is_one_digit_again(digits) {
        return false;
    }
    let sum: u32 = WEIGHTS
        .iter()
        .zip(digits)
        .map(|(weight, &digit)| weight * value(digit))
        .sum();
    let rest = sum % 11;
    let expected = if rest < 2 { 0 } else { 11 - rest };
    expected == value(digits[10])
}

/// Luhn's, of a length and a first digit that cards have.
pub(super) fn is_card(digits: &[u8]) -> bool {
    let may_be = match digits.first() {
        Some(b'4') => matches!(digits.len(), 13 | 16 | 19),
        Some(b'3') => matches!(digits.len(), 14..=16),
        Some(b'2' | b'5' | b'6') => matches!(digits.len(), 16 | 19),
        _ => false,
    };
    if !may_be || is_one_digit_again(digits) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, &digit)| {
            let digit = value(digit);
            if at % 2 == 0 {
                digit
            } else {
                digit * 2 / 10 + digit * 2 % 10
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Area codes that are given.
pub(super) fn is_area(digits: &[u8]) -> bool {
    let [first, second] = *digits else { return false };
    match first {
        b'1' | b'4' | b'6' | b'8' | b'9' => second != b'0' && !matches!((first, second), (b'6', b'0')),
        b'2' => matches!(second, b'1' | b'2' | b'4' | b'7' | b'8'),
        b'3' => matches!(second, b'1'..=b'5' | b'7' | b'8'),
        b'5' => matches!(second, b'1' | b'3' | b'4' | b'5'),
        b'7' => matches!(second, b'1' | b'3' | b'4' | b'5' | b'7' | b'9'),
        _ => false,
    }
}

fn is_one_digit_again(signs: &[u8]) -> bool {
    signs.iter().all(|sign| *sign == signs[0])
}

const fn value(sign: u8) -> u32 {
    sign.saturating_sub(b'0') as u32
}
