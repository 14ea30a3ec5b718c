//! What answers may cost, and what they did cost: reserve before the model is asked, settle after it answered (docs/adr/0012).
//!
//! The truth stands in the store ([`UsageLedger`](crate::ports::UsageLedger)): a sum of what is spent and reserved for the month, one of the
//! installation and one of each organization, which one transaction compares with the limits and raises. So no number of questions at
//! once, in however many processes, goes past a limit by more than a server that writes more than it was allowed to.

mod calendar;
mod estimate;
mod ledger;
mod money;
mod prices;

pub use calendar::{BudgetCalendar, BudgetMonth};
pub use estimate::{ASSUMED_USAGE, Estimate, EstimateBasis, PAGE_TOKENS, REMOTE_PAGE_PRICE};
pub use ledger::{
    BudgetNotice, BudgetParty, Limits, MonthState, MonthSums, NewReservation, Reserved, Settlement, UsageBy,
    UsageCount, UsageKind, shares,
};
pub use money::{Currency, Money, Rate};
pub use prices::{ModelPrice, PriceTable, RateMissing, TokenPrice};

/// What an installation sets of its budget.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetSettings {
    /// For a month, all organizations together (`AI_BUDGET_MONTHLY`); `None` for no limit.
    pub monthly: Option<Money>,
    /// What everything is counted in (`AI_BUDGET_CURRENCY`).
    pub currency: Currency,
    /// Reais for a dollar (`USD_BRL_RATE`).
    pub rate: Option<Rate>,
    /// When months begin.
    pub calendar: BudgetCalendar,
    /// What models cost, in `currency`.
    pub prices: PriceTable,
}

impl BudgetSettings {
    /// The limits as the ledger compares with them.
    pub const fn limits(&self) -> Limits {
        Limits {
            installation: self.monthly,
            currency: self.currency,
            rate: self.rate,
        }
    }
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            monthly: None,
            currency: Currency::Usd,
            rate: None,
            calendar: BudgetCalendar::default(),
            // Dollars need no rate.
            prices: PriceTable::built_in(Currency::Usd, None)
                .unwrap_or_else(|_| PriceTable::empty(Currency::Usd, "")),
        }
    }
}
