//! The port `UsageLedger`: each method is one transaction.

use async_trait::async_trait;
use ids_core::budget::{
    BudgetNotice, Currency, Limits, Money, MonthState, NewReservation, Reserved, Settlement, UsageBy,
    UsageCount,
};
use ids_core::error::StoreError;
use ids_core::ports::UsageLedger;
use ids_core::scope::Scope;
use ids_core::time::Timestamp;

use crate::library::PostgresLibrary;
use crate::{ledger, notices, usage_rows};

#[async_trait]
impl UsageLedger for PostgresLibrary {
    async fn reserve(
        &self,
        scope: &Scope,
        reservation: &NewReservation,
        limits: &Limits,
    ) -> Result<Reserved, StoreError> {
        self.database
            .write(scope.organization, |tx| {
                Box::pin(ledger::reserve(tx, scope.organization, reservation, limits))
            })
            .await
    }

    async fn settle(
        &self,
        scope: &Scope,
        settlement: &Settlement,
        limits: &Limits,
    ) -> Result<Option<Vec<BudgetNotice>>, StoreError> {
        self.database
            .write(scope.organization, |tx| {
                Box::pin(ledger::settle(tx, scope.organization, settlement, limits))
            })
            .await
    }

    async fn settle_expired(
        &self,
        scope: &Scope,
        before: Timestamp,
        limits: &Limits,
        limit: usize,
    ) -> Result<(usize, Vec<BudgetNotice>), StoreError> {
        self.database
            .write(scope.organization, |tx| {
                Box::pin(ledger::settle_expired(
                    tx,
                    scope.organization,
                    before,
                    limits,
                    limit,
                ))
            })
            .await
    }

    async fn month_state(
        &self,
        scope: &Scope,
        month_from: Timestamp,
        currency: Currency,
    ) -> Result<MonthState, StoreError> {
        self.database
            .read(scope.organization, |tx| {
                Box::pin(ledger::month_state(tx, scope.organization, month_from, currency))
            })
            .await
    }

    async fn set_organization_limit(
        &self,
        scope: &Scope,
        limit: Option<(Money, Currency)>,
    ) -> Result<(), StoreError> {
        self.database
            .write(scope.organization, |tx| {
                Box::pin(ledger::set_limit(tx, scope.organization, limit))
            })
            .await
    }

    async fn count_usage(
        &self,
        scope: &Scope,
        from: Timestamp,
        until: Timestamp,
        by: UsageBy,
    ) -> Result<Vec<UsageCount>, StoreError> {
        self.database
            .read(scope.organization, |tx| {
                Box::pin(usage_rows::count(tx, scope, from, until, by))
            })
            .await
    }

    async fn take_notice(
        &self,
        scope: &Scope,
        created_after: Timestamp,
    ) -> Result<Option<BudgetNotice>, StoreError> {
        self.database
            .write(scope.organization, |tx| {
                Box::pin(notices::take(tx, scope.organization, created_after))
            })
            .await
    }

    async fn end_notice(&self, scope: &Scope, notice: &BudgetNotice) -> Result<(), StoreError> {
        self.database
            .write(scope.organization, |tx| Box::pin(notices::end(tx, notice)))
            .await
    }
}
