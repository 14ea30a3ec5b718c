//! That a share of a limit is used, and whether somebody was told.

use ids_core::budget::{BudgetNotice, Currency, Limits, Money};
use ids_core::id::OrganizationId;
use ids_core::time::Timestamp;

use crate::error::DbResult;
use crate::ledger::{INSTALLATION, Month, stored_limit, sums};
use crate::rows::{Columns, Id};
use crate::transaction::Tx;

/// Makes the notices that the sums of `month` call for and that are not there yet, or only of a lower limit. `next` is what was asked for at the moment.
pub(crate) async fn make(
    tx: &Tx<'_>,
    organization: OrganizationId,
    month: Month,
    limits: &Limits,
    next: Money,
) -> DbResult<Vec<BudgetNotice>> {
    let own = limits.of_organization(stored_limit(tx, organization).await?);
    let mut made = Vec::new();
    for (of, limit) in [(INSTALLATION, limits.installation), (organization, own)] {
        let Some(limit) = limit else { continue };
        let spent = sums(tx, of, month).await?.spent;
        for percent in BudgetNotice::reached(spent, next, limit) {
            let is_new = tx
                .execute(
                    "insert into budget_notices (organization_id, month_from, currency, percent, limit_micros, spent_micros,
                         created_at, next_try_at)
                     values ($1, $2, $3, $4, $5, $6, $7, $7)
                     on conflict (organization_id, month_from, currency, percent) do update
                     set limit_micros = excluded.limit_micros, spent_micros = excluded.spent_micros,
                         created_at = excluded.created_at, next_try_at = excluded.next_try_at, tries = 0
                     where budget_notices.limit_micros < excluded.limit_micros",
                    &[
                        &of.to_uuid(),
                        &month.from.as_micros(),
                        &month.currency.as_str(),
                        &i32::from(percent),
                        &limit.as_micros(),
                        &spent.as_micros(),
                        &tx.now().as_micros(),
                    ],
                )
                .await?;
            if is_new > 0 {
                made.push(BudgetNotice {
                    organization: (of != INSTALLATION).then_some(of),
                    month_from: month.from,
                    currency: month.currency,
                    percent,
                    limit,
                    spent,
                    created_at: tx.now(),
                });
            }
        }
    }
    Ok(made)
}

/// The first pause between two tries to tell a notice; it doubles each time, up to 64 times as long.
const NOTICE_PAUSE_MICROS: i64 = 60_000_000;

/// `UsageLedger::take_notice`.
pub(crate) async fn take(
    tx: &Tx<'_>,
    organization: OrganizationId,
    created_after: Timestamp,
) -> DbResult<Option<BudgetNotice>> {
    let row = tx
        .query_opt(
            "update budget_notices set tries = tries + 1, next_try_at = $3::int8 + $5::int8 * (1 << least(tries, 6))
             where (organization_id, month_from, currency, percent) in (
                 select organization_id, month_from, currency, percent from budget_notices
                 where organization_id in ($1, $2) and next_try_at <= $3 and created_at > $4
                 order by created_at, percent limit 1 for update skip locked)
             returning organization_id, month_from, currency, percent, limit_micros, spent_micros, created_at",
            &[
                &INSTALLATION.to_uuid(),
                &organization.to_uuid(),
                &tx.now().as_micros(),
                &created_after.as_micros(),
                &NOTICE_PAUSE_MICROS,
            ],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(&row, "budget_notices");
    let of: OrganizationId = columns.id()?;
    Ok(Some(BudgetNotice {
        organization: (of != INSTALLATION).then_some(of),
        month_from: columns.time()?,
        currency: columns.word(Currency::from_name)?,
        percent: columns.number()?,
        limit: Money::from_micros(columns.get()?),
        spent: Money::from_micros(columns.get()?),
        created_at: columns.time()?,
    }))
}

/// `UsageLedger::end_notice`.
pub(crate) async fn end(tx: &Tx<'_>, notice: &BudgetNotice) -> DbResult<()> {
    tx.execute(
        "update budget_notices set next_try_at = null
         where organization_id = $1 and month_from = $2 and currency = $3 and percent = $4",
        &[
            &notice.organization.unwrap_or(INSTALLATION).to_uuid(),
            &notice.month_from.as_micros(),
            &notice.currency.as_str(),
            &i32::from(notice.percent),
        ],
    )
    .await?;
    Ok(())
}
