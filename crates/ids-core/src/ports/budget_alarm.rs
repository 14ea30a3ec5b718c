//! Whoever is to know that a budget is nearly used up.

use async_trait::async_trait;

use crate::budget::BudgetNotice;

/// Tells somebody outside (`AI_BUDGET_WEBHOOK_URL`). What is told holds sums and ids, nothing of documents, questions or people.
#[async_trait]
pub trait BudgetAlarm: Send + Sync {
    /// Tells it, within a deadline; the same may be told twice when the answer is lost.
    ///
    /// # Errors
    /// When nobody took it; it is told again later.
    async fn tell(&self, notice: &BudgetNotice) -> Result<(), AlarmError>;
}

/// Nobody took it.
#[derive(Debug, thiserror::Error)]
#[error("the address that is told of the budget did not take it")]
pub struct AlarmError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
