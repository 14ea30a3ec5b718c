//! How far a month's budget reaches.

use super::{Currency, Money, TokenPrice, UsageCount};
use crate::session::TokenUsage;

/// Answers from which on their own average is taken.
const ENOUGH_ANSWERS: u64 = 20;

/// Tokens of a question where none were recorded: eight passages of 128 tokens with titles and headings (1,400), the instructions (200), half
/// of an earlier exchange (250), the question; and an answer of a paragraph with its proofs.
pub const ASSUMED_USAGE: TokenUsage = TokenUsage {
    prompt_tokens: 1_900,
    completion_tokens: 220,
};

/// Tokens of a page of an official text, for the price of embedding it elsewhere.
pub const PAGE_TOKENS: u64 = 700;

/// Dollars for a million tokens of a small embedding model (text-embedding-3-small).
pub const REMOTE_PAGE_PRICE: Money = Money::from_micros(20_000);

/// Where an estimate's tokens come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EstimateBasis {
    /// The average of so many answers of this library.
    Recorded(u64),
    /// [`ASSUMED_USAGE`].
    Assumed,
}

/// What a question costs, and how many a budget pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Where the tokens come from.
    pub basis: EstimateBasis,
    /// Tokens of one question.
    pub usage: TokenUsage,
    /// What it costs.
    pub cost: Money,
    /// What it is in.
    pub currency: Currency,
    /// Whether the model's price is known.
    pub is_price_known: bool,
    /// Questions that the budget pays; `None` without a budget, or where they cost nothing.
    pub questions: Option<u64>,
}

impl Estimate {
    /// For a model of that price, from what `counts` tell of earlier answers by it.
    pub fn new(
        counts: &[UsageCount],
        model: &str,
        price: TokenPrice,
        currency: Currency,
        budget: Option<Money>,
    ) -> Self {
        let of_model = || {
            let counts = counts.iter();
            counts.filter(|count| count.model.as_deref() == Some(model))
        };
        let sum = |of: fn(&UsageCount) -> u64| of_model().map(of).fold(0, u64::saturating_add);
        let answers = sum(|count| count.questions);
        let (basis, usage) = if answers >= ENOUGH_ANSWERS {
            let average = TokenUsage {
                prompt_tokens: sum(|count| count.prompt_tokens).div_ceil(answers),
                completion_tokens: sum(|count| count.completion_tokens).div_ceil(answers),
            };
            (EstimateBasis::Recorded(answers), average)
        } else {
            (EstimateBasis::Assumed, ASSUMED_USAGE)
        };
        let cost = price.cost(usage);
        let questions = budget.and_then(|budget| {
            let budget = budget.at_least_zero().as_micros();
            budget.checked_div(cost.as_micros()).map(i64::unsigned_abs)
        });
        Self {
            basis,
            usage,
            cost,
            currency,
            is_price_known: price.is_known,
            questions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Estimate, EstimateBasis};
    use crate::budget::{Currency, Money, PriceTable, Rate, UsageCount};

    fn count(model: &str, questions: u64, prompt_tokens: u64) -> UsageCount {
        UsageCount {
            model: Some(model.to_owned()),
            questions,
            prompt_tokens,
            completion_tokens: questions * 100,
            ..UsageCount::default()
        }
    }

    #[test]
    fn what_was_recorded_counts_once_it_is_enough() {
        let prices = PriceTable::built_in(Currency::Usd, None).unwrap();
        let price = prices.of("gpt-4o-mini");
        let budget = Some(Money::from_micros(1_000_000));
        let of = |counts: &[UsageCount]| Estimate::new(counts, "gpt-4o-mini", price, Currency::Usd, budget);

        let few = of(&[count("gpt-4o-mini", 19, 19_000), count("gpt-4o", 1_000, 1)]);
        assert_eq!(few.basis, EstimateBasis::Assumed);
        assert_eq!((few.cost.as_micros(), few.questions), (417, Some(2_398)));

        let enough = of(&[count("gpt-4o-mini", 15, 15_000), count("gpt-4o-mini", 5, 5_000)]);
        assert_eq!(enough.basis, EstimateBasis::Recorded(20));
        assert_eq!(
            (enough.usage.prompt_tokens, enough.cost.as_micros()),
            (1_000, 210)
        );
        assert_eq!(enough.questions, Some(4_761));
    }

    #[test]
    fn what_costs_nothing_has_no_end() {
        let prices = PriceTable::empty(Currency::Usd, "");
        let budget = Some(Money::from_micros(1));
        let free = Estimate::new(&[], "local", prices.of("local"), Currency::Usd, budget);
        assert_eq!((free.questions, free.is_price_known), (None, false));
    }

    #[test]
    fn the_rest_of_five_hundred_reais_reaches_as_far_as_the_documentation_says() {
        // docs/deployment.md: R$ 500 less US$ 41 at R$ 5.40.
        let rate = Rate::parse("5.40");
        let prices = PriceTable::built_in(Currency::Brl, rate).unwrap();
        let rest = Money::parse("278.60");
        let estimate = Estimate::new(&[], "gpt-4o-mini", prices.of("gpt-4o-mini"), Currency::Brl, rest);
        assert_eq!(
            (estimate.cost.as_micros(), estimate.questions),
            (2_252, Some(123_712))
        );
    }
}
