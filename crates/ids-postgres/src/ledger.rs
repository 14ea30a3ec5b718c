//! What answers cost, and what is set aside for those being made.

use ids_core::budget::{
    BudgetNotice, BudgetParty, Currency, Limits, Money, MonthState, MonthSums, NewReservation, Reserved,
    Settlement, UsageBy, UsageCount, shares,
};
use ids_core::id::{DocumentId, KeyId, OrganizationId, SessionId};
use ids_core::moving::{CostRecord, UsageRecord};
use ids_core::scope::Scope;
use ids_core::session::TokenUsage;
use ids_core::time::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::error::DbResult;
use crate::organizations;
use crate::rows::{Columns, Id, as_integer, as_number, storable};
use crate::transaction::Tx;

/// Whose sums are those of all organizations together; each may see and raise them, and none learns whose they are.
const INSTALLATION: OrganizationId = OrganizationId::from_uuid(Uuid::nil());

/// A month whose sums are read and written.
#[derive(Clone, Copy)]
struct Month {
    from: Timestamp,
    currency: Currency,
}

async fn sums(tx: &Tx<'_>, organization: OrganizationId, month: Month) -> DbResult<MonthSums> {
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
async fn add_to_both(
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

async fn stored_limit(tx: &Tx<'_>, organization: OrganizationId) -> DbResult<Option<(Money, Currency)>> {
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

/// Makes the notices that the sums of `month` call for and that are not there yet. `next` is what was asked for at the moment.
async fn notice(
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
                     values ($1, $2, $3, $4, $5, $6, $7, $7) on conflict do nothing",
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
    };
    let parties = [
        (BudgetParty::Installation, INSTALLATION, limits.installation),
        (BudgetParty::Organization, organization, own),
    ];
    let mut refused_by = None;
    for (party, of, limit) in parties {
        let MonthSums { spent, reserved } = add(tx, of, month, aside).await?;
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
        };
        add_to_both(tx, organization, month, back).await?;
        return Ok(Reserved {
            refused_by,
            notices: notice(tx, organization, month, limits, reservation.amount).await?,
        });
    }
    let documents: Vec<Uuid> = reservation.documents.iter().map(|id| id.to_uuid()).collect();
    tx.execute(
        "insert into reservations (reservation_id, organization_id, key_id, session_id, model, month_from, currency,
             amount_micros, prompt_tokens, completion_tokens, is_price_known, document_ids, reserved_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
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
}

const TAKE: &str = "returning key_id, session_id, model, month_from, currency, amount_micros, prompt_tokens,
    completion_tokens, is_price_known, document_ids, reserved_at";

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
    insert_usage(tx, organization, &record).await?;
    let settled = MonthSums {
        spent: Money::ZERO,
        reserved: Money::ZERO.minus(taken.amount),
    };
    add_to_both(tx, organization, taken.month, settled).await
}

/// One row of use, with the shares of its documents; what it cost goes into the sums of its month.
pub(crate) async fn insert_usage(
    tx: &Tx<'_>,
    organization: OrganizationId,
    record: &UsageRecord,
) -> DbResult<()> {
    let cost = record.cost.as_ref();
    let row = tx
        .query_one(
            "insert into answer_usage (organization_id, key_id, model, prompt_tokens, completion_tokens, answered_at,
                 session_id, month_from, currency, cost_micros, is_price_known, is_estimated)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning usage_no",
            &[
                &organization.to_uuid(),
                &record.key_id.map(Id::to_uuid),
                &record.model.as_deref().map(storable),
                &as_integer(record.prompt_tokens),
                &as_integer(record.completion_tokens),
                &record.answered_at.as_micros(),
                &record.session_id.map(Id::to_uuid),
                &cost.map(|cost| cost.month_from.as_micros()),
                &cost.map(|cost| cost.currency.as_str()),
                &cost.map_or(0, |cost| cost.amount.as_micros()),
                &cost.is_none_or(|cost| cost.is_price_known),
                &cost.is_some_and(|cost| cost.is_estimated),
            ],
        )
        .await?;
    let usage_no: i64 = row.try_get(0)?;
    insert_shares(tx, organization, record, usage_no).await?;
    if let Some(cost) = cost {
        let month = Month {
            from: cost.month_from,
            currency: cost.currency,
        };
        let spent = MonthSums {
            spent: cost.amount,
            reserved: Money::ZERO,
        };
        add_to_both(tx, organization, month, spent).await?;
    }
    Ok(())
}

/// All of them in one statement.
async fn insert_shares(
    tx: &Tx<'_>,
    organization: OrganizationId,
    record: &UsageRecord,
    usage_no: i64,
) -> DbResult<()> {
    if record.documents.is_empty() {
        return Ok(());
    }
    let usage = TokenUsage {
        prompt_tokens: record.prompt_tokens,
        completion_tokens: record.completion_tokens,
    };
    let amount = record.cost.map_or(Money::ZERO, |cost| cost.amount);
    let parts = shares(usage, amount, record.documents.len());
    let documents: Vec<Uuid> = record.documents.iter().map(|id| id.to_uuid()).collect();
    let positions: Vec<i32> = (0..documents.len()).map(as_number).collect();
    let prompts: Vec<i64> = parts
        .iter()
        .map(|part| as_integer(part.0.prompt_tokens))
        .collect();
    let completions: Vec<i64> = parts
        .iter()
        .map(|part| as_integer(part.0.completion_tokens))
        .collect();
    let costs: Vec<i64> = parts.iter().map(|part| part.1.as_micros()).collect();
    tx.execute(
        "insert into usage_documents (usage_no, position, organization_id, document_id, prompt_tokens, completion_tokens,
             cost_micros)
         select $1, part.position, $2, part.document_id, part.prompt_tokens, part.completion_tokens, part.cost_micros
         from unnest($3::int4[], $4::uuid[], $5::int8[], $6::int8[], $7::int8[])
             as part (position, document_id, prompt_tokens, completion_tokens, cost_micros)",
        &[
            &usage_no,
            &organization.to_uuid(),
            &positions,
            &documents,
            &prompts,
            &completions,
            &costs,
        ],
    )
    .await?;
    Ok(())
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
    Ok(Some(notice(tx, organization, month, limits, Money::ZERO).await?))
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
        notices.extend(notice(tx, organization, month, limits, Money::ZERO).await?);
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
        installation: sums(tx, INSTALLATION, month).await?,
        organization: sums(tx, organization, month).await?,
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

/// What the rows are told apart by: key, model, document, session; null for what they are not.
const fn grouped_by(by: UsageBy) -> &'static str {
    match by {
        UsageBy::KeyAndModel => "u.key_id, u.model, null::uuid, null::uuid",
        UsageBy::Key => "u.key_id, null::text, null::uuid, null::uuid",
        UsageBy::Model => "null::uuid, u.model, null::uuid, null::uuid",
        UsageBy::Session => "null::uuid, null::text, null::uuid, u.session_id",
        UsageBy::Document => "null::uuid, null::text, d.document_id, null::uuid",
    }
}

/// `UsageLedger::count_usage`.
pub(crate) async fn count_usage(
    tx: &Tx<'_>,
    scope: &Scope,
    from: Timestamp,
    until: Timestamp,
    by: UsageBy,
) -> DbResult<Vec<UsageCount>> {
    // An answer whose documents are known is one row for each of them, with its share; one whose are not, one.
    let (joined, share) = match by {
        UsageBy::Document => (
            "left join usage_documents d on d.usage_no = u.usage_no",
            [
                "coalesce(d.prompt_tokens, u.prompt_tokens)",
                "coalesce(d.completion_tokens, u.completion_tokens)",
                "coalesce(d.cost_micros, u.cost_micros)",
            ],
        ),
        UsageBy::KeyAndModel | UsageBy::Key | UsageBy::Model | UsageBy::Session => {
            ("", ["u.prompt_tokens", "u.completion_tokens", "u.cost_micros"])
        }
    };
    let sql = format!(
        "select {}, u.currency, count(*), sum({})::int8, sum({})::int8, sum({})::int8,
             count(*) filter (where not u.is_price_known), count(*) filter (where u.is_estimated)
         from answer_usage u {joined}
         where u.organization_id = $1 and u.answered_at >= $2 and u.answered_at < $3
         group by 1, 2, 3, 4, u.currency
         order by 9 desc, 6 desc, 1 nulls first, 2 nulls first, 3 nulls first, 4 nulls first, u.currency nulls first",
        grouped_by(by),
        share[0],
        share[1],
        share[2],
    );
    let rows = tx
        .query(
            &sql,
            &[
                &scope.organization.to_uuid(),
                &from.as_micros(),
                &until.as_micros(),
            ],
        )
        .await?;
    let read = |row: &Row| {
        let mut columns = Columns::new(row, "answer_usage");
        Ok(UsageCount {
            key_id: columns.optional_id()?,
            model: columns.get()?,
            document_id: columns.optional_id()?,
            session_id: columns.optional_id()?,
            currency: columns.optional_word(Currency::from_name)?,
            questions: columns.count()?,
            prompt_tokens: columns.count()?,
            completion_tokens: columns.count()?,
            cost: Money::from_micros(columns.get()?),
            unknown_prices: columns.count()?,
            estimated: columns.count()?,
        })
    };
    rows.iter().map(read).collect()
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

/// The first pause between two tries to tell a notice; it doubles each time, up to 64 times as long.
const NOTICE_PAUSE_MICROS: i64 = 60_000_000;

/// `UsageLedger::take_notice`.
pub(crate) async fn take_notice(
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
pub(crate) async fn end_notice(tx: &Tx<'_>, notice: &BudgetNotice) -> DbResult<()> {
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
