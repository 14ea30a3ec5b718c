//! What answers cost, and what is set aside for those being made.

use async_trait::async_trait;

use crate::budget::{
    BudgetNotice, Currency, Limits, Money, MonthState, NewReservation, Reserved, Settlement, UsageBy,
    UsageCount,
};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::time::Timestamp;

/// Keeps the record of use, one row an answer, and the sums of each month: one of the installation, one of each organization.
///
/// Clauses: (1) `reserve` grants only what keeps spent and reserved within each limit, however many ask at once, and a refusal names whose limit
/// it was; (2) `settle` replaces a reservation by what the answer cost, once; a second time, and for one that is not there, it changes nothing; (3)
/// `settle_expired` settles what is older than a moment at the reserved amount, once however many call it; (4) a month's sum equals its
/// rows at every moment, whatever was settled how; (5) `count_usage` counts the answers of a time span by each way of telling them apart, also those of
/// sessions deleted since, and every way adds up to the same; (6) of each month, party and share of a limit there is one notice, whoever made
/// it, and another when the limit was raised and that share of it is reached; (7) `take_notice` gives a notice to one caller at a time and again later, until `end_notice`; (8) what belongs to another
/// organization is not counted, and removing an organization leaves what it spent in the installation's sum.
#[async_trait]
pub trait UsageLedger: Send + Sync {
    /// Sets an amount aside, if every limit allows it.
    ///
    /// # Errors
    /// `NotFound` when the organization is gone; `Conflict` when the id is taken; `Full`, `Unavailable`.
    async fn reserve(
        &self,
        scope: &Scope,
        reservation: &NewReservation,
        limits: &Limits,
    ) -> Result<Reserved, StoreError>;

    /// Settles a reservation; `None` when it is not there, as when it ran out.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    async fn settle(
        &self,
        scope: &Scope,
        settlement: &Settlement,
        limits: &Limits,
    ) -> Result<Option<Vec<BudgetNotice>>, StoreError>;

    /// Settles what was reserved before `before`, each at its amount, at most `limit` of them; says how many, and what is to be told.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    async fn settle_expired(
        &self,
        scope: &Scope,
        before: Timestamp,
        limits: &Limits,
        limit: usize,
    ) -> Result<(usize, Vec<BudgetNotice>), StoreError>;

    /// How the month that begins at `month_from` stands.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn month_state(
        &self,
        scope: &Scope,
        month_from: Timestamp,
        currency: Currency,
    ) -> Result<MonthState, StoreError>;

    /// Sets what the organization may spend in a month; `None` for no limit of its own.
    ///
    /// # Errors
    /// `NotFound` when the organization is gone; `Full`, `Unavailable`.
    async fn set_organization_limit(
        &self,
        scope: &Scope,
        limit: Option<(Money, Currency)>,
    ) -> Result<(), StoreError>;

    /// How much was asked from `from` on and before `until`: the dearest first, then the most asked, what is without key, model, document or session before
    /// others, then by these.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn count_usage(
        &self,
        scope: &Scope,
        from: Timestamp,
        until: Timestamp,
        by: UsageBy,
    ) -> Result<Vec<UsageCount>, StoreError>;

    /// A notice of the installation or of the organization that was made after `created_after`, was not told yet, and is nobody's at the moment. It is the
    /// caller's for a minute, longer after each time.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn take_notice(
        &self,
        scope: &Scope,
        created_after: Timestamp,
    ) -> Result<Option<BudgetNotice>, StoreError>;

    /// It was told.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn end_notice(&self, scope: &Scope, notice: &BudgetNotice) -> Result<(), StoreError>;
}
