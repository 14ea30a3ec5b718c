//! What answers cost, and what is set aside for those being made.

use ids_core::budget::{
    BudgetNotice, BudgetParty, Currency, Limits, Money, MonthState, MonthSums, NewReservation, Reserved,
    Settlement, UsageKind,
};
use ids_core::id::{DocumentId, KeyId, OrganizationId, SessionId};
use ids_core::moving::{CostRecord, UsageRecord};
use ids_core::session::TokenUsage;
use ids_core::time::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::error::DbResult;
use crate::rows::{Columns, Id, as_integer, storable};
use crate::transaction::Tx;
use crate::{notices, organizations, usage_rows};

/// Whose sums are those of all organizations together; each may see and raise them, and none learns whose they are.
pub(crate) const INSTALLATION: OrganizationId = OrganizationId::from_uuid(Uuid::nil());

/// A month whose sums are read and written.
#[derive(Clone, Copy)]
pub(crate) struct Month {
    pub(crate) from: Timestamp,
    pub(crate) currency: Currency,
}

pub(crate) async fn sums(tx: &Tx<'_>, organization: OrganizationId, month: Month) -> DbResult<MonthSums> {
    let row = tx
        .query_opt(
            "select spent_micros, reserved_micros from budget_months
             where organization_id = $1 and month_from = $2 and currency = $3",
            &[
                &organization.to_uuid(),
                &month.from.as_micros(),
                &month.currency.as_str(),
            ],
        )
        .await?;
    row.map_or_else(|| Ok(MonthSums::default()), |row| sums_of(&row))
}

fn sums_of(row: &Row) -> DbResult<MonthSums> {
    let mut columns = Columns::new(row, "budget_months");
    Ok(MonthSums {
        spent: Money::from_micros(columns.get()?),
        reserved: Money::from_micros(columns.get()?),
        used_up: None,
    })
}

/// The sums, and whether it was told that they are all there was.
async fn sums_and_told(tx: &Tx<'_>, organization: OrganizationId, month: Month) -> DbResult<MonthSums> {
    let row = tx
        .query_opt(
            "select limit_micros from budget_notices
             where organization_id = $1 and month_from = $2 and currency = $3 and percent = 100",
            &[
                &organization.to_uuid(),
                &month.from.as_micros(),
                &month.currency.as_str(),
            ],
        )
        .await?;
    let used_up = row
        .map(|row| Columns::new(&row, "budget_notices").get())
        .transpose()?;
    Ok(MonthSums {
        used_up: used_up.map(Money::from_micros),
        ..sums(tx, organization, month).await?
    })
}

/// Raises (or lowers, below zero) the sums of a month and gives what they are then. The row is this transaction's until it ends.
async fn add(tx: &Tx<'_>, of: OrganizationId, month: Month, more: MonthSums) -> DbResult<MonthSums> {
    let row = tx
        .query_one(
            "insert into budget_months as m (organization_id, month_from, currency, spent_micros, reserved_micros)
             values ($1, $2, $3, $4, $5)
             on conflict (organization_id, month_from, currency) do update
             set spent_micros = m.spent_micros + excluded.spent_micros,
                 reserved_micros = m.reserved_micros + excluded.reserved_micros
             returning spent_micros, reserved_micros",
            &[
                &of.to_uuid(),
                &month.from.as_micros(),
                &month.currency.as_str(),
                &more.spent.as_micros(),
                &more.reserved.as_micros(),
            ],
        )
        .await?;
    sums_of(&row)
}

/// The same for the installation and the organization, always in this order: two transactions never wait for each other.
pub(crate) async fn add_to_both(
    tx: &Tx<'_>,
    organization: OrganizationId,
    month: Month,
    more: MonthSums,
) -> DbResult<()> {
    for of in [INSTALLATION, organization] {
        add(tx, of, month, more).await?;
    }
    Ok(())
}

pub(crate) async fn stored_limit(
    tx: &Tx<'_>,
    organization: OrganizationId,
) -> DbResult<Option<(Money, Currency)>> {
    let row = tx
        .query_opt(
            "select limit_micros, currency from organization_budgets where organization_id = $1",
            &[&organization.to_uuid()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(&row, "organization_budgets");
    Ok(Some((
        Money::from_micros(columns.get()?),
        columns.word(Currency::from_name)?,
    )))
}

/// `UsageLedger::reserve`. The sums are raised first and compared then: their rows are locked from there on, so that nobody compares with an old
/// sum. What was raised in vain is taken back.
pub(crate) async fn reserve(
    tx: &Tx<'_>,
    organization: OrganizationId,
    reservation: &NewReservation,
    limits: &Limits,
) -> DbResult<Reserved> {
    organizations::require(tx, organization).await?;
    let month = Month {
        from: reservation.month_from,
        currency: limits.currency,
    };
    let own = limits.of_organization(stored_limit(tx, organization).await?);
    let aside = MonthSums {
        spent: Money::ZERO,
        reserved: reservation.amount,
        ..MonthSums::default()
    };
    let parties = [
        (BudgetParty::Installation, INSTALLATION, limits.installation),
        (BudgetParty::Organization, organization, own),
    ];
    let mut refused_by = None;
    for (party, of, limit) in parties {
        let MonthSums { spent, reserved, .. } = add(tx, of, month, aside).await?;
        let is_over = limit.is_some_and(|limit| spent.plus(reserved) > limit);
        // A model that costs nothing is asked whatever was spent.
        if is_over && reservation.amount > Money::ZERO && refused_by.is_none() {
            refused_by = Some(party);
        }
    }
    if refused_by.is_some() {
        let back = MonthSums {
            spent: Money::ZERO,
            reserved: Money::ZERO.minus(reservation.amount),
            ..MonthSums::default()
        };
        add_to_both(tx, organization, month, back).await?;
        return Ok(Reserved {
            refused_by,
            notices: notices::make(tx, organization, month, limits, reservation.amount).await?,
        });
    }
    let documents: Vec<Uuid> = reservation.documents.iter().map(|id| id.to_uuid()).collect();
    tx.execute(
        "insert into reservations (reservation_id, organization_id, key_id, session_id, model, month_from, currency,
             amount_micros, prompt_tokens, completion_tokens, is_price_known, document_ids, reserved_at, kind)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        &[
            &reservation.reservation_id.to_uuid(),
            &organization.to_uuid(),
            &reservation.key_id.map(Id::to_uuid),
            &reservation.session_id.map(Id::to_uuid),
            &storable(&reservation.model),
            &month.from.as_micros(),
            &month.currency.as_str(),
            &reservation.amount.as_micros(),
            &as_integer(reservation.usage.prompt_tokens),
            &as_integer(reservation.usage.completion_tokens),
            &reservation.is_price_known,
            &documents,
            &tx.now().as_micros(),
            &reservation.kind.as_str(),
        ],
    )
    .await?;
    Ok(Reserved {
        refused_by: None,
        notices: Vec::new(),
    })
}

/// A reservation that is being settled.
struct Taken {
    key_id: Option<KeyId>,
    session_id: Option<SessionId>,
    model: String,
    month: Month,
    amount: Money,
    usage: TokenUsage,
    is_price_known: bool,
    documents: Vec<DocumentId>,
    reserved_at: Timestamp,
    kind: UsageKind,
}

const TAKE: &str = "returning key_id, session_id, model, month_from, currency, amount_micros, prompt_tokens,
    completion_tokens, is_price_known, document_ids, reserved_at, kind";

fn taken_of(row: &Row) -> DbResult<Taken> {
    let mut columns = Columns::new(row, "reservations");
    Ok(Taken {
        key_id: columns.optional_id()?,
        session_id: columns.optional_id()?,
        model: columns.get()?,
        month: Month {
            from: columns.time()?,
            currency: columns.word(Currency::from_name)?,
        },
        amount: Money::from_micros(columns.get()?),
        usage: TokenUsage {
            prompt_tokens: columns.count()?,
            completion_tokens: columns.count()?,
        },
        is_price_known: columns.get()?,
        documents: columns
            .get::<Vec<Uuid>>()?
            .into_iter()
            .map(DocumentId::of_uuid)
            .collect(),
        reserved_at: columns.time()?,
        kind: columns.word(UsageKind::from_name)?,
    })
}

/// Writes the row of an answer, and moves its money from reserved to spent.
async fn write_off(
    tx: &Tx<'_>,
    organization: OrganizationId,
    taken: Taken,
    usage: TokenUsage,
    cost: Money,
    is_estimated: bool,
) -> DbResult<()> {
    let record = UsageRecord {
        kind: taken.kind,
        key_id: taken.key_id,
        model: Some(taken.model),
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
        // In the month that it was reserved in, whenever it is settled.
        answered_at: taken.reserved_at,
        session_id: taken.session_id,
        cost: Some(CostRecord {
            amount: cost,
            currency: taken.month.currency,
            month_from: taken.month.from,
            is_price_known: taken.is_price_known,
            is_estimated,
        }),
        documents: taken.documents,
    };
    usage_rows::insert(tx, organization, &record).await?;
    let settled = MonthSums {
        spent: Money::ZERO,
        reserved: Money::ZERO.minus(taken.amount),
        ..MonthSums::default()
    };
    add_to_both(tx, organization, taken.month, settled).await
}

/// `UsageLedger::settle`.
pub(crate) async fn settle(
    tx: &Tx<'_>,
    organization: OrganizationId,
    settlement: &Settlement,
    limits: &Limits,
) -> DbResult<Option<Vec<BudgetNotice>>> {
    let sql = format!("delete from reservations where reservation_id = $1 and organization_id = $2 {TAKE}");
    let row = tx
        .query_opt(
            &sql,
            &[&settlement.reservation_id.to_uuid(), &organization.to_uuid()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let taken = taken_of(&row)?;
    let month = taken.month;
    write_off(
        tx,
        organization,
        taken,
        settlement.usage,
        settlement.cost,
        settlement.is_estimated,
    )
    .await?;
    Ok(Some(
        notices::make(tx, organization, month, limits, Money::ZERO).await?,
    ))
}

/// `UsageLedger::settle_expired`.
pub(crate) async fn settle_expired(
    tx: &Tx<'_>,
    organization: OrganizationId,
    before: Timestamp,
    limits: &Limits,
    limit: usize,
) -> DbResult<(usize, Vec<BudgetNotice>)> {
    let sql = format!(
        "delete from reservations where reservation_id in (
             select reservation_id from reservations where organization_id = $1 and reserved_at < $2
             order by reserved_at limit $3 for update skip locked) {TAKE}"
    );
    let rows = tx
        .query(
            &sql,
            &[&organization.to_uuid(), &before.as_micros(), &as_integer(limit)],
        )
        .await?;
    let mut notices = Vec::new();
    for row in &rows {
        let taken = taken_of(row)?;
        let (month, usage, amount) = (taken.month, taken.usage, taken.amount);
        write_off(tx, organization, taken, usage, amount, true).await?;
        notices.extend(notices::make(tx, organization, month, limits, Money::ZERO).await?);
    }
    Ok((rows.len(), notices))
}

/// `UsageLedger::month_state`.
pub(crate) async fn month_state(
    tx: &Tx<'_>,
    organization: OrganizationId,
    from: Timestamp,
    currency: Currency,
) -> DbResult<MonthState> {
    let month = Month { from, currency };
    Ok(MonthState {
        installation: sums_and_told(tx, INSTALLATION, month).await?,
        organization: sums_and_told(tx, organization, month).await?,
        organization_limit: stored_limit(tx, organization).await?,
    })
}

/// `UsageLedger::set_organization_limit`.
pub(crate) async fn set_limit(
    tx: &Tx<'_>,
    organization: OrganizationId,
    limit: Option<(Money, Currency)>,
) -> DbResult<()> {
    organizations::require(tx, organization).await?;
    let Some((amount, currency)) = limit else {
        tx.execute(
            "delete from organization_budgets where organization_id = $1",
            &[&organization.to_uuid()],
        )
        .await?;
        return Ok(());
    };
    tx.execute(
        "insert into organization_budgets (organization_id, limit_micros, currency) values ($1, $2, $3)
         on conflict (organization_id) do update set limit_micros = excluded.limit_micros, currency = excluded.currency",
        &[
            &organization.to_uuid(),
            &amount.as_micros(),
            &currency.as_str(),
        ],
    )
    .await?;
    Ok(())
}

/// Before an organization goes: what was set aside for it counts as spent by the installation.
pub(crate) async fn forget_organization(tx: &Tx<'_>, organization: OrganizationId) -> DbResult<()> {
    tx.execute(
        "update budget_months m set spent_micros = m.spent_micros + r.amount, reserved_micros = m.reserved_micros - r.amount
         from (select month_from, currency, sum(amount_micros)::int8 amount from reservations
               where organization_id = $2 group by month_from, currency) r
         where m.organization_id = $1 and m.month_from = r.month_from and m.currency = r.currency",
        &[&INSTALLATION.to_uuid(), &organization.to_uuid()],
    )
    .await?;
    Ok(())
}
