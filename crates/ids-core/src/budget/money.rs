//! Money in whole millionths, never in floating point: a month's sum must equal its rows to the last digit.

use std::fmt;

/// Millionths of one unit of a currency.
const MICROS: i64 = 1_000_000;
/// Digits after the point that can be kept.
const DECIMALS: usize = 6;

/// A currency that budgets and prices may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Currency {
    /// Dollars of the United States.
    #[default]
    Usd,
    /// Brazilian reais.
    Brl,
}

impl Currency {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Usd, Self::Brl];

    /// The code of ISO 4217: in stores, settings and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usd => "USD",
            Self::Brl => "BRL",
        }
    }

    /// What people write before an amount.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Usd => "US$",
            Self::Brl => "R$",
        }
    }

    /// The currency of that code.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|currency| currency.as_str() == name)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount of a currency that is known from where it stands, in millionths. Sums stop at the ends of `i64`: nine billion units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many millionths.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// In millionths.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left of this without `other`; below zero when that is more.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// This, or nothing where it is below that.
    #[must_use]
    pub fn at_least_zero(self) -> Self {
        self.max(Self::ZERO)
    }

    /// The hundredths of `limit` that this makes, rounded down; 100 of a limit of nothing.
    pub const fn percent_of(self, limit: Self) -> i64 {
        if limit.0 <= 0 {
            return 100;
        }
        let percent = self.0 as i128 * 100 / limit.0 as i128;
        if percent > i64::MAX as i128 {
            i64::MAX
        } else {
            percent as i64
        }
    }

    /// Reads a decimal such as `291.50`: digits, at most one point, at most six digits after it, no sign. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let has_point_alone = text.contains('.') && part.is_empty();
        if whole.is_empty()
            || has_point_alone
            || part.len() > DECIMALS
            || !is_digits(whole)
            || !is_digits(part)
        {
            return None;
        }
        let micros = whole.parse::<i64>().ok()?.checked_mul(MICROS)?;
        let part = format!("{part:0<DECIMALS$}").parse::<i64>().ok()?;
        micros.checked_add(part).map(Self)
    }
}

impl fmt::Display for Money {
    /// A decimal with two digits after the point, or as many more as there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let (whole, part) = (micros / MICROS.unsigned_abs(), micros % MICROS.unsigned_abs());
        let digits = format!("{part:0width$}", width = DECIMALS);
        let shown = digits.trim_end_matches('0').len().max(2);
        write!(f, "{sign}{whole}.{}", &digits[..shown])
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

/// Reais for a dollar (`USD_BRL_RATE`): set, never looked up, so that a month's figures do not move by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(Money);

impl Rate {
    /// Reads a decimal above zero, such as `5.40`.
    pub fn parse(text: &str) -> Option<Self> {
        Money::parse(text).filter(|rate| *rate > Money::ZERO).map(Self)
    }

    /// An amount in another currency, rounded up: what is owed must not become less by being converted.
    pub fn convert(self, amount: Money, from: Currency, to: Currency) -> Money {
        let (micros, rate) = (i128::from(amount.0), i128::from(self.0.0));
        let converted = match (from, to) {
            (Currency::Usd, Currency::Brl) => divided_up(micros * rate, i128::from(MICROS)),
            (Currency::Brl, Currency::Usd) => divided_up(micros * i128::from(MICROS), rate),
            (Currency::Usd, Currency::Usd) | (Currency::Brl, Currency::Brl) => micros,
        };
        Money(i64::try_from(converted).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `divisor` is above zero.
pub(super) const fn divided_up(value: i128, divisor: i128) -> i128 {
    value.div_euclid(divisor) + (value.rem_euclid(divisor) != 0) as i128
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Currency, Money, Rate};

    #[test]
    fn amounts_are_read_and_shown_to_the_last_digit() {
        let check = |text: &str, micros: i64, shown: &str| {
            let read = Money::parse(text).unwrap();
            assert_eq!((read.as_micros(), read.to_string().as_str()), (micros, shown));
        };
        check("0", 0, "0.00");
        check("291.5", 291_500_000, "291.50");
        check("0.000001", 1, "0.000001");
        check("9000000000", 9_000_000_000_000_000, "9000000000.00");
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1,5",
            "1.0000001",
            "1e3",
            "99999999999999999999",
            " 1",
        ] {
            assert_eq!(Money::parse(text), None, "{text}");
        }
        assert_eq!(Money::from_micros(-1_500_000).to_string(), "-1.50");
    }

    #[test]
    fn what_is_owed_does_not_become_less_in_another_currency() {
        let rate = Rate::parse("5.40").unwrap();
        let check = |micros, from, to, converted| {
            assert_eq!(
                rate.convert(Money::from_micros(micros), from, to).as_micros(),
                converted
            );
        };
        check(41_000_000, Currency::Usd, Currency::Brl, 221_400_000);
        check(1, Currency::Usd, Currency::Brl, 6);
        check(1, Currency::Brl, Currency::Usd, 1);
        check(7, Currency::Brl, Currency::Brl, 7);
        for text in ["0", "0.000000", "-5", "x"] {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_share_of_a_limit_is_rounded_down() {
        let percent = |spent, limit| Money::from_micros(spent).percent_of(Money::from_micros(limit));
        assert_eq!(
            [percent(799, 1_000), percent(800, 1_000), percent(1_001, 1_000)],
            [79, 80, 100]
        );
        assert_eq!(percent(0, 0), 100);
        assert_eq!(percent(i64::MAX, 1), i64::MAX);
    }

    proptest! {
        #[test]
        fn every_amount_is_read_back_as_it_was_shown(micros in 0..i64::MAX) {
            let money = Money::from_micros(micros);
            prop_assert_eq!(Money::parse(&money.to_string()), Some(money));
        }

        #[test]
        fn there_and_back_never_loses(micros in 0..1_000_000_000_000i64, rate in 1..100_000_000i64) {
            let rate = Rate(Money::from_micros(rate));
            let money = Money::from_micros(micros);
            let there = rate.convert(money, Currency::Usd, Currency::Brl);
            prop_assert!(rate.convert(there, Currency::Brl, Currency::Usd) >= money);
        }
    }
}
