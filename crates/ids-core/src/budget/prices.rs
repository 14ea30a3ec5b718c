//! What a model's tokens cost.

use std::collections::BTreeMap;

use super::money::divided_up;
use super::{Currency, Money, Rate};
use crate::session::TokenUsage;

/// Tokens that a price is for.
const TOKENS: i128 = 1_000_000;

/// When the built-in prices were those of OpenAI's list.
const BUILT_IN_DATE: &str = "2026-03-21";

/// Dollars for a million tokens, read and written, as OpenAI listed them on [`BUILT_IN_DATE`]. Only what `/chat/completions` serves:
/// nothing else is asked, and the dearest of these is what an unknown model is counted at.
const BUILT_IN: [(&str, &str, &str); 21] = [
    ("gpt-3.5-turbo", "0.50", "1.50"),
    ("gpt-4", "30", "60"),
    ("gpt-4-turbo", "10", "30"),
    ("gpt-4.1", "2", "8"),
    ("gpt-4.1-mini", "0.40", "1.60"),
    ("gpt-4.1-nano", "0.10", "0.40"),
    ("gpt-4o", "2.50", "10"),
    // The first edition costs more than what the name alone stands for today.
    ("gpt-4o-2024-05-13", "5", "15"),
    ("gpt-4o-mini", "0.15", "0.60"),
    ("gpt-5", "1.25", "10"),
    ("gpt-5-chat-latest", "1.25", "10"),
    ("gpt-5-mini", "0.25", "2"),
    ("gpt-5-nano", "0.05", "0.40"),
    ("gpt-5.1", "1.25", "10"),
    ("gpt-5.4", "2.50", "15"),
    ("o1", "15", "60"),
    ("o1-mini", "1.10", "4.40"),
    ("o3", "2", "8"),
    ("o3-mini", "1.10", "4.40"),
    ("o4-mini", "1.10", "4.40"),
    ("chatgpt-4o-latest", "5", "15"),
];

/// Dollars for a million tokens of the models behind `/embeddings`, as OpenAI listed them on [`BUILT_IN_DATE`]. They stand apart: an unknown one of
/// these counts as the dearest of these.
const BUILT_IN_EMBEDDINGS: [(&str, &str); 3] = [
    ("text-embedding-3-large", "0.13"),
    ("text-embedding-3-small", "0.02"),
    ("text-embedding-ada-002", "0.10"),
];

/// The price of one model, in its currency for a million tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPrice {
    /// The model's name, as its server knows it.
    pub model: String,
    /// Of what it reads.
    pub input: Money,
    /// Of what it writes.
    pub output: Money,
    /// What both are in.
    pub currency: Currency,
}

/// What tokens of one model are counted at, in the currency of the table, for a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenPrice {
    /// Of what it reads.
    pub input: Money,
    /// Of what it writes.
    pub output: Money,
    /// Whether the table has it; if not, it is the dearest there is.
    pub is_known: bool,
}

impl TokenPrice {
    /// What so many tokens cost, rounded up once: never less than the bill.
    pub fn cost(&self, usage: TokenUsage) -> Money {
        let read = i128::from(usage.prompt_tokens) * i128::from(self.input.as_micros());
        let written = i128::from(usage.completion_tokens) * i128::from(self.output.as_micros());
        let micros = divided_up(read.saturating_add(written), TOKENS);
        Money::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

/// Prices by model, all in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTable {
    date: String,
    currency: Currency,
    /// Read and written.
    models: BTreeMap<String, (Money, Money)>,
    /// Of models that embed, as they come with the program; what is set stands in `models`.
    embeddings: BTreeMap<String, Money>,
}

/// A price is in another currency than the budget, and no rate is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("prices in {from} cannot be counted in {to} without a rate")]
pub struct RateMissing {
    /// The price's currency.
    pub from: Currency,
    /// The budget's.
    pub to: Currency,
}

impl PriceTable {
    /// The prices that come with the program.
    ///
    /// # Errors
    /// Without a rate, in another currency than dollars.
    pub fn built_in(currency: Currency, rate: Option<Rate>) -> Result<Self, RateMissing> {
        let mut table = Self {
            date: BUILT_IN_DATE.to_owned(),
            currency,
            models: BTreeMap::new(),
            embeddings: BTreeMap::new(),
        };
        for (model, input, output) in BUILT_IN {
            // A test holds that each can be read.
            let amount = |text| Money::parse(text).unwrap_or(Money::ZERO);
            let price = ModelPrice {
                model: model.to_owned(),
                input: amount(input),
                output: amount(output),
                currency: Currency::Usd,
            };
            table.set(&price, rate)?;
        }
        for (model, input) in BUILT_IN_EMBEDDINGS {
            let input = Money::parse(input).unwrap_or(Money::ZERO);
            let converted = table.converted(input, Currency::Usd, rate)?;
            table.embeddings.insert(model.to_owned(), converted);
        }
        Ok(table)
    }

    /// A table without prices: everything is unknown, and costs nothing, until some are set.
    pub fn empty(currency: Currency, date: impl Into<String>) -> Self {
        Self {
            date: date.into(),
            currency,
            models: BTreeMap::new(),
            embeddings: BTreeMap::new(),
        }
    }

    /// Sets the price of a model.
    ///
    /// # Errors
    /// Without a rate, in another currency.
    pub fn set(&mut self, price: &ModelPrice, rate: Option<Rate>) -> Result<(), RateMissing> {
        let converted = |amount| self.converted(amount, price.currency, rate);
        let both = (converted(price.input)?, converted(price.output)?);
        self.models.insert(price.model.clone(), both);
        Ok(())
    }

    fn converted(&self, amount: Money, from: Currency, rate: Option<Rate>) -> Result<Money, RateMissing> {
        if from == self.currency {
            return Ok(amount);
        }
        let rate = rate.ok_or(RateMissing {
            from,
            to: self.currency,
        })?;
        Ok(rate.convert(amount, from, self.currency))
    }

    /// Says of when the prices are.
    pub fn set_date(&mut self, date: impl Into<String>) {
        self.date = date.into();
    }

    /// Of when the prices are.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// What they are in.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// What tokens of `model` are counted at. A dated edition (`gpt-4o-mini-2024-07-18`) costs what its name without the date does, unless it
    /// is in the table itself; a model that is not in it counts as the dearest there is.
    pub fn of(&self, model: &str) -> TokenPrice {
        let known = self.models.get(model);
        let known = known.or_else(|| self.models.get(without_date(model)?));
        if let Some(&(input, output)) = known {
            return TokenPrice {
                input,
                output,
                is_known: true,
            };
        }
        let dearest = |of: fn(&(Money, Money)) -> Money| self.models.values().map(of).max();
        TokenPrice {
            input: dearest(|price| price.0).unwrap_or_default(),
            output: dearest(|price| price.1).unwrap_or_default(),
            is_known: false,
        }
    }

    /// What tokens of a model that embeds are counted at: what is set for it, else what comes with the program, else the dearest of those that
    /// embed.
    pub fn of_embedding(&self, model: &str) -> TokenPrice {
        if self.models.contains_key(model) {
            return self.of(model);
        }
        let known = self.embeddings.get(model);
        let dearest = || self.embeddings.values().max();
        TokenPrice {
            input: known.or_else(dearest).copied().unwrap_or_default(),
            output: Money::ZERO,
            is_known: known.is_some(),
        }
    }
}

/// `name` of `name-YYYY-MM-DD`.
fn without_date(model: &str) -> Option<&str> {
    const DATE: usize = "-2024-07-18".len();
    let (name, date) = model.split_at_checked(model.len().checked_sub(DATE)?)?;
    let is_date = date.bytes().enumerate().all(|(at, byte)| match at {
        0 | 5 | 8 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    is_date.then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BUILT_IN, ModelPrice, PriceTable, TokenPrice};
    use crate::budget::{Currency, Money, Rate};
    use crate::session::TokenUsage;

    fn usage(prompt_tokens: u64, completion_tokens: u64) -> TokenUsage {
        TokenUsage {
            prompt_tokens,
            completion_tokens,
        }
    }

    #[test]
    fn tokens_cost_what_the_table_says() {
        let table = PriceTable::built_in(Currency::Usd, None).unwrap();
        let check = |model, prompt, completion, micros| {
            let price = table.of(model);
            assert!(price.is_known, "{model}");
            assert_eq!(
                price.cost(usage(prompt, completion)).as_micros(),
                micros,
                "{model}"
            );
        };
        check("gpt-4o-mini", 1_000_000, 0, 150_000);
        check("gpt-4o-mini-2024-07-18", 1_700, 250, 405);
        check("gpt-4o-2024-05-13", 1_000, 0, 5_000);
        check("gpt-4o-mini", 1, 0, 1);
        check("gpt-4o-mini", 0, 0, 0);
        let rate = Rate::parse("5.40");
        let table = PriceTable::built_in(Currency::Brl, rate).unwrap();
        assert_eq!(table.of("gpt-4o-mini").input.as_micros(), 810_000);
        assert!(PriceTable::built_in(Currency::Brl, None).is_err());
    }

    #[test]
    fn an_unknown_model_counts_as_the_dearest_and_is_flagged() {
        let table = PriceTable::built_in(Currency::Usd, None).unwrap();
        for model in [
            "a-model",
            "",
            "-2024-07-18",
            "é-2024-07-18",
            "gpt-4o-mini-2024-07-1x",
        ] {
            let price = table.of(model);
            assert!(!price.is_known, "{model}");
            for (known, ..) in BUILT_IN {
                let known = table.of(known);
                assert!(price.input >= known.input && price.output >= known.output);
            }
        }
        assert!(table.of("gpt-4").input > Money::ZERO);
    }

    #[test]
    fn models_that_embed_have_prices_of_their_own() {
        let mut table = PriceTable::built_in(Currency::Usd, None).unwrap();
        let million = usage(1_000_000, 0);
        let small = table.of_embedding("text-embedding-3-small");
        assert!(small.is_known);
        assert_eq!(small.cost(million).as_micros(), 20_000);
        let unknown = table.of_embedding("nomic-embed-text");
        assert!(!unknown.is_known);
        assert_eq!(
            unknown.cost(million).as_micros(),
            130_000,
            "the dearest of them, not of all models"
        );
        let own = ModelPrice {
            model: "nomic-embed-text".to_owned(),
            input: Money::ZERO,
            output: Money::ZERO,
            currency: Currency::Usd,
        };
        table.set(&own, None).unwrap();
        let own = table.of_embedding("nomic-embed-text");
        assert!(own.is_known && own.cost(million) == Money::ZERO);
    }

    proptest! {
        #[test]
        fn more_tokens_never_cost_less(a in 0..u64::MAX / 2, b in 0..1_000_000u64, input in 0..100_000_000i64, output in 0..100_000_000i64) {
            let price = TokenPrice {
                input: Money::from_micros(input),
                output: Money::from_micros(output),
                is_known: true,
            };
            prop_assert!(price.cost(usage(a + b, b)) >= price.cost(usage(a, b)));
            prop_assert!(price.cost(usage(a, b)) >= Money::ZERO);
        }
    }
}
