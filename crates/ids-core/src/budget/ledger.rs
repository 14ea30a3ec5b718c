//! What the ledger is told and tells.

use super::{Currency, Money, Rate};
use crate::id::{DocumentId, KeyId, OrganizationId, ReservationId, SessionId};
use crate::session::TokenUsage;
use crate::time::Timestamp;

/// The limits of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of the whole installation; `None` for none. What an organization may spend stands in the ledger.
    pub installation: Option<Money>,
    /// What everything is counted in.
    pub currency: Currency,
    /// For an organization's limit that was set in another currency.
    pub rate: Option<Rate>,
}

impl Limits {
    /// An organization's limit in the currency of the ledger. One that cannot be converted any more allows nothing: the currency was
    /// changed, and whoever changed it must set the limit again.
    pub fn of_organization(&self, stored: Option<(Money, Currency)>) -> Option<Money> {
        let (amount, currency) = stored?;
        if currency == self.currency {
            return Some(amount);
        }
        let converted = self
            .rate
            .map(|rate| rate.convert(amount, currency, self.currency));
        Some(converted.unwrap_or(Money::ZERO))
    }
}

/// What a model is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UsageKind {
    /// An answer.
    #[default]
    Answer,
    /// A follow-up made into a question that stands alone.
    Rewriting,
    /// Vectors of passages, sentences or a query.
    Embedding,
}

impl UsageKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Answer, Self::Rewriting, Self::Embedding];

    /// The word in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Rewriting => "rewriting",
            Self::Embedding => "embedding",
        }
    }

    /// The kind of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What is set aside for an answer before its model is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReservation {
    /// Its id.
    pub reservation_id: ReservationId,
    /// For what.
    pub kind: UsageKind,
    /// The key the question came with.
    pub key_id: Option<KeyId>,
    /// The conversation.
    pub session_id: Option<SessionId>,
    /// The model that is asked.
    pub model: String,
    /// The first moment of the month it counts in.
    pub month_from: Timestamp,
    /// The most that the answer can cost.
    pub amount: Money,
    /// The tokens that make this amount.
    pub usage: TokenUsage,
    /// Whether the model's price is known.
    pub is_price_known: bool,
    /// The documents whose passages the model reads, each once.
    pub documents: Vec<DocumentId>,
}

/// What a reservation is settled at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// The reservation.
    pub reservation_id: ReservationId,
    /// Tokens, as the model counted them, or the most they can have been.
    pub usage: TokenUsage,
    /// What they cost.
    pub cost: Money,
    /// Whether the model did not tell what it counted.
    pub is_estimated: bool,
}

/// Whose limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BudgetParty {
    /// The whole installation's.
    Installation,
    /// An organization's own.
    Organization,
}

impl BudgetParty {
    /// The word in stores and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Installation => "installation",
            Self::Organization => "organization",
        }
    }

    /// The party of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Installation, Self::Organization]
            .into_iter()
            .find(|party| party.as_str() == name)
    }
}

/// What came of asking for a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// Whose limit it would have passed; `None` when it is granted.
    pub refused_by: Option<BudgetParty>,
    /// What is to be told, once a month each.
    pub notices: Vec<BudgetNotice>,
}

/// That a share of a limit is used: made once a month for each share and party, however many processes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetNotice {
    /// Whose limit; `None` for the installation's.
    pub organization: Option<OrganizationId>,
    /// The first moment of the month.
    pub month_from: Timestamp,
    /// What it is counted in.
    pub currency: Currency,
    /// 80 or 100.
    pub percent: u8,
    /// The limit.
    pub limit: Money,
    /// What was spent when it was made.
    pub spent: Money,
    /// When it was made.
    pub created_at: Timestamp,
}

impl BudgetNotice {
    /// The shares of a limit that are told, in hundredths.
    pub const PERCENTS: [u8; 2] = [80, 100];

    /// The shares that are reached by what is spent; all of it also when `next`, the reservation at hand, does not fit into what is left:
    /// then answers are without a model although a little is left.
    pub fn reached(spent: Money, next: Money, limit: Money) -> impl Iterator<Item = u8> {
        let is_used_up = spent.plus(next) > limit || spent >= limit;
        let percent = spent.percent_of(limit);
        Self::PERCENTS
            .into_iter()
            .filter(move |share| i64::from(*share) <= percent || (*share == 100 && is_used_up))
    }
}

/// Sums of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MonthSums {
    /// What answers cost.
    pub spent: Money,
    /// What is set aside for answers being made.
    pub reserved: Money,
    /// The limit that was told of as used up: the last of it may be too little for any question, so the sums alone do not say.
    pub used_up: Option<Money>,
}

impl MonthSums {
    /// Whether nothing is left of `limit` for a question.
    pub fn is_used_up(&self, limit: Money) -> bool {
        // Of a limit that was raised since, something is left.
        self.spent >= limit || self.used_up.is_some_and(|told| told >= limit)
    }
}

/// How a month stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MonthState {
    /// All organizations together.
    pub installation: MonthSums,
    /// The organization that asks.
    pub organization: MonthSums,
    /// Its own limit, as it was set.
    pub organization_limit: Option<(Money, Currency)>,
}

/// By what a month's use is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UsageBy {
    /// By key and model.
    #[default]
    KeyAndModel,
    /// By key.
    Key,
    /// By model.
    Model,
    /// By the documents whose passages were read. An answer counts for each of them; its tokens and cost are divided among them.
    Document,
    /// By conversation.
    Session,
}

impl UsageBy {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::KeyAndModel,
        Self::Key,
        Self::Model,
        Self::Document,
        Self::Session,
    ];

    /// The word on the wire and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyAndModel => "key_model",
            Self::Key => "key",
            Self::Model => "model",
            Self::Document => "document",
            Self::Session => "session",
        }
    }

    /// The kind of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == name)
    }
}

/// One row of a month's use; what it is not told apart by is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsageCount {
    /// The key they were asked with; `None` where none was needed.
    pub key_id: Option<KeyId>,
    /// The model; `None` for extractive answers.
    pub model: Option<String>,
    /// The document; `None` for answers that no document is known of.
    pub document_id: Option<DocumentId>,
    /// The conversation; `None` for answers that were not kept.
    pub session_id: Option<SessionId>,
    /// What `cost` is in; `None` for what cost nothing.
    pub currency: Option<Currency>,
    /// Questions answered.
    pub questions: u64,
    /// Calls of a model that embeds.
    pub embeddings: u64,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// What they cost.
    pub cost: Money,
    /// Answers whose model's price was not known.
    pub unknown_prices: u64,
    /// Answers whose tokens the model did not tell.
    pub estimated: u64,
}

/// What each of `count` documents has of an answer: equal shares that add up to the whole, what cannot be divided goes to the first ones.
pub fn shares(usage: TokenUsage, cost: Money, count: usize) -> Vec<(TokenUsage, Money)> {
    let divided = |whole: u64, at: u64| {
        let count = (count as u64).max(1);
        whole / count + u64::from(at < whole % count)
    };
    let cost = u64::try_from(cost.as_micros()).unwrap_or(0);
    (0..count as u64)
        .map(|at| {
            let usage = TokenUsage {
                prompt_tokens: divided(usage.prompt_tokens, at),
                completion_tokens: divided(usage.completion_tokens, at),
            };
            let micros = i64::try_from(divided(cost, at)).unwrap_or(i64::MAX);
            (usage, Money::from_micros(micros))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BudgetNotice, Limits, shares};
    use crate::budget::{Currency, Money, Rate};
    use crate::session::TokenUsage;

    #[test]
    fn shares_of_a_limit_are_reached_in_order() {
        let reached = |spent, next| {
            let money = Money::from_micros;
            BudgetNotice::reached(money(spent), money(next), money(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(reached(799, 0), [0u8; 0]);
        assert_eq!(reached(800, 200), [80]);
        assert_eq!(reached(900, 101), [80, 100], "the next one does not fit");
        assert_eq!(reached(1_000, 0), [80, 100]);
        assert_eq!(reached(0, 1_001), [100], "nothing fits at all");
    }

    #[test]
    fn a_limit_in_another_currency_is_converted_or_allows_nothing() {
        let limits = |rate: Option<&str>| Limits {
            installation: None,
            currency: Currency::Brl,
            rate: rate.and_then(Rate::parse),
        };
        let money = Money::from_micros;
        assert_eq!(limits(None).of_organization(None), None);
        assert_eq!(
            limits(None).of_organization(Some((money(5), Currency::Brl))),
            Some(money(5))
        );
        assert_eq!(
            limits(Some("5")).of_organization(Some((money(5), Currency::Usd))),
            Some(money(25))
        );
        assert_eq!(
            limits(None).of_organization(Some((money(5), Currency::Usd))),
            Some(Money::ZERO)
        );
    }

    proptest! {
        #[test]
        fn shares_add_up_to_the_whole(prompt in 0..u64::MAX / 4, completion in 0..100_000u64, cost in 0..i64::MAX, count in 1..20usize) {
            let usage = TokenUsage { prompt_tokens: prompt, completion_tokens: completion };
            let cost = Money::from_micros(cost);
            let parts = shares(usage, cost, count);
            prop_assert_eq!(parts.len(), count);
            prop_assert_eq!(parts.iter().map(|part| part.1).sum::<Money>(), cost);
            prop_assert_eq!(parts.iter().map(|part| part.0.prompt_tokens).sum::<u64>(), prompt);
            prop_assert_eq!(parts.iter().map(|part| part.0.completion_tokens).sum::<u64>(), completion);
        }
    }
}
