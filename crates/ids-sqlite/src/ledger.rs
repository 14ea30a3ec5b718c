//! The port `UsageLedger`: what answers cost, and what is set aside for those being made.

use async_trait::async_trait;
use ids_core::budget::{
    BudgetNotice, BudgetParty, Currency, Limits, Money, MonthState, MonthSums, NewReservation, Reserved,
    Settlement, UsageBy, UsageCount, shares,
};
use ids_core::error::StoreError;
use ids_core::id::{DocumentId, KeyId, OrganizationId, SessionId};
use ids_core::moving::{CostRecord, UsageRecord};
use ids_core::ports::UsageLedger;
use ids_core::scope::Scope;
use ids_core::session::TokenUsage;
use ids_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::database::{Durability, WriteTx};
use crate::error::{DbError, DbResult};
use crate::library::SqliteLibrary;
use crate::organizations;
use crate::rows::{Columns, Id, as_integer};

/// Whose sums are those of all organizations together.
const INSTALLATION: OrganizationId = OrganizationId::from_uuid(uuid::Uuid::nil());

/// A month whose sums are read and written.
#[derive(Clone, Copy)]
struct Month {
    from: Timestamp,
    currency: Currency,
}

fn sums(tx: &Connection, organization: OrganizationId, month: Month) -> DbResult<MonthSums> {
    let found = tx
        .prepare_cached(
            "select spent_micros, reserved_micros from budget_months
             where organization_id = ?1 and month_from = ?2 and currency = ?3",
        )?
        .query_row(
            params![
                organization.to_blob(),
                month.from.as_micros(),
                month.currency.as_str()
            ],
            |row| {
                Ok(MonthSums {
                    spent: Money::from_micros(row.get(0)?),
                    reserved: Money::from_micros(row.get(1)?),
                })
            },
        )
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Raises (or lowers, below zero) both sums of a month, of the organization and of all.
fn add(tx: &Connection, organization: OrganizationId, month: Month, more: MonthSums) -> DbResult<()> {
    let mut raise = tx.prepare_cached(
        "insert into budget_months (organization_id, month_from, currency, spent_micros, reserved_micros)
         values (?1, ?2, ?3, ?4, ?5)
         on conflict (organization_id, month_from, currency) do update
         set spent_micros = spent_micros + excluded.spent_micros,
             reserved_micros = reserved_micros + excluded.reserved_micros",
    )?;
    for of in [INSTALLATION, organization] {
        raise.execute(params![
            of.to_blob(),
            month.from.as_micros(),
            month.currency.as_str(),
            more.spent.as_micros(),
            more.reserved.as_micros(),
        ])?;
    }
    Ok(())
}

fn stored_limit(tx: &Connection, organization: OrganizationId) -> DbResult<Option<(Money, Currency)>> {
    let mut select = tx.prepare_cached(
        "select limit_micros, currency from organization_budgets where organization_id = ?1",
    )?;
    let mut rows = select.query([organization.to_blob()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut columns = Columns::new(row, "organization_budgets");
    Ok(Some((
        Money::from_micros(columns.get()?),
        columns.word(Currency::from_name)?,
    )))
}

/// Makes the notices that the sums of `month` call for and that are not there yet. `next` is what was asked for at the moment.
fn notice(
    tx: &WriteTx<'_>,
    organization: OrganizationId,
    month: Month,
    limits: &Limits,
    next: Money,
) -> DbResult<Vec<BudgetNotice>> {
    let own = limits.of_organization(stored_limit(tx, organization)?);
    let mut made = Vec::new();
    for (of, limit) in [(INSTALLATION, limits.installation), (organization, own)] {
        let Some(limit) = limit else { continue };
        let spent = sums(tx, of, month)?.spent;
        for percent in BudgetNotice::reached(spent, next, limit) {
            let is_new = tx
                .prepare_cached(
                    "insert or ignore into budget_notices (organization_id, month_from, currency, percent, limit_micros,
                         spent_micros, created_at, next_try_at)
                     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
                )?
                .execute(params![
                    of.to_blob(),
                    month.from.as_micros(),
                    month.currency.as_str(),
                    percent,
                    limit.as_micros(),
                    spent.as_micros(),
                    tx.now().as_micros(),
                ])?;
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

fn reserve(
    tx: &WriteTx<'_>,
    organization: OrganizationId,
    reservation: &NewReservation,
    limits: &Limits,
) -> DbResult<Reserved> {
    organizations::require(tx, organization)?;
    let month = Month {
        from: reservation.month_from,
        currency: limits.currency,
    };
    let own = limits.of_organization(stored_limit(tx, organization)?);
    let parties = [
        (BudgetParty::Installation, INSTALLATION, limits.installation),
        (BudgetParty::Organization, organization, own),
    ];
    for (party, of, limit) in parties {
        let Some(limit) = limit else { continue };
        let MonthSums { spent, reserved } = sums(tx, of, month)?;
        // A model that costs nothing is asked whatever was spent.
        if reservation.amount > Money::ZERO && spent.plus(reserved).plus(reservation.amount) > limit {
            return Ok(Reserved {
                refused_by: Some(party),
                notices: notice(tx, organization, month, limits, reservation.amount)?,
            });
        }
    }
    let aside = MonthSums {
        spent: Money::ZERO,
        reserved: reservation.amount,
    };
    add(tx, organization, month, aside)?;
    let documents: Vec<u8> = reservation.documents.iter().flat_map(|id| id.to_blob()).collect();
    tx.prepare_cached(
        "insert into reservations (reservation_id, organization_id, key_id, session_id, model, month_from, currency,
             amount_micros, prompt_tokens, completion_tokens, is_price_known, document_ids, reserved_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        reservation.reservation_id.to_blob(),
        organization.to_blob(),
        reservation.key_id.map(Id::to_blob),
        reservation.session_id.map(Id::to_blob),
        reservation.model,
        month.from.as_micros(),
        month.currency.as_str(),
        reservation.amount.as_micros(),
        as_integer(reservation.usage.prompt_tokens),
        as_integer(reservation.usage.completion_tokens),
        reservation.is_price_known,
        documents,
        tx.now().as_micros(),
    ])?;
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

fn taken_of(row: &Row<'_>) -> DbResult<Taken> {
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
        documents: documents_of(&columns.get::<Vec<u8>>()?)?,
        reserved_at: columns.time()?,
    })
}

fn documents_of(bytes: &[u8]) -> DbResult<Vec<DocumentId>> {
    let (ids, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(DbError::row(
            "reservations",
            format!("{} bytes of ids", bytes.len()),
        ));
    }
    Ok(ids.iter().map(|id| DocumentId::from_blob(*id)).collect())
}

/// Writes the row of an answer, and moves its money from reserved to spent.
fn write_off(
    tx: &WriteTx<'_>,
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
    insert_usage(tx, organization, &record)?;
    let settled = MonthSums {
        spent: Money::ZERO,
        reserved: Money::ZERO.minus(taken.amount),
    };
    add(tx, organization, taken.month, settled)
}

/// One row of use, with the shares of its documents; what it cost goes into the sums of its month.
pub(crate) fn insert_usage(
    tx: &Connection,
    organization: OrganizationId,
    record: &UsageRecord,
) -> DbResult<()> {
    let cost = record.cost.as_ref();
    tx.prepare_cached(
        "insert into answer_usage (organization_id, key_id, model, prompt_tokens, completion_tokens, answered_at, session_id,
             month_from, currency, cost_micros, is_price_known, is_estimated)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        organization.to_blob(),
        record.key_id.map(Id::to_blob),
        record.model,
        as_integer(record.prompt_tokens),
        as_integer(record.completion_tokens),
        record.answered_at.as_micros(),
        record.session_id.map(Id::to_blob),
        cost.map(|cost| cost.month_from.as_micros()),
        cost.map(|cost| cost.currency.as_str()),
        cost.map_or(0, |cost| cost.amount.as_micros()),
        cost.is_none_or(|cost| cost.is_price_known),
        cost.is_some_and(|cost| cost.is_estimated),
    ])?;
    let usage_no = tx.last_insert_rowid();
    let usage = TokenUsage {
        prompt_tokens: record.prompt_tokens,
        completion_tokens: record.completion_tokens,
    };
    let amount = cost.map_or(Money::ZERO, |cost| cost.amount);
    let parts = shares(usage, amount, record.documents.len());
    let mut insert = tx.prepare_cached(
        "insert into usage_documents (usage_no, position, organization_id, document_id, prompt_tokens, completion_tokens,
             cost_micros)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (position, (document_id, (usage, cost))) in record.documents.iter().zip(parts).enumerate() {
        insert.execute(params![
            usage_no,
            as_integer(position),
            organization.to_blob(),
            document_id.to_blob(),
            as_integer(usage.prompt_tokens),
            as_integer(usage.completion_tokens),
            cost.as_micros(),
        ])?;
    }
    if let Some(cost) = cost {
        let month = Month {
            from: cost.month_from,
            currency: cost.currency,
        };
        let spent = MonthSums {
            spent: cost.amount,
            reserved: Money::ZERO,
        };
        add(tx, organization, month, spent)?;
    }
    Ok(())
}

fn settle(
    tx: &WriteTx<'_>,
    organization: OrganizationId,
    settlement: &Settlement,
    limits: &Limits,
) -> DbResult<Option<Vec<BudgetNotice>>> {
    let taken = tx
        .prepare_cached(&format!(
            "delete from reservations where reservation_id = ?1 and organization_id = ?2 {TAKE}"
        ))?
        .query_row(
            params![settlement.reservation_id.to_blob(), organization.to_blob()],
            |row| Ok(taken_of(row)),
        )
        .optional()?
        .transpose()?;
    let Some(taken) = taken else { return Ok(None) };
    let month = taken.month;
    write_off(
        tx,
        organization,
        taken,
        settlement.usage,
        settlement.cost,
        settlement.is_estimated,
    )?;
    Ok(Some(notice(tx, organization, month, limits, Money::ZERO)?))
}

fn settle_expired(
    tx: &WriteTx<'_>,
    organization: OrganizationId,
    before: Timestamp,
    limits: &Limits,
    limit: usize,
) -> DbResult<(usize, Vec<BudgetNotice>)> {
    let mut expired = Vec::new();
    {
        let mut take = tx.prepare_cached(&format!(
            "delete from reservations where reservation_id in (
                 select reservation_id from reservations where organization_id = ?1 and reserved_at < ?2
                 order by reserved_at limit ?3) {TAKE}"
        ))?;
        let mut rows = take.query(params![
            organization.to_blob(),
            before.as_micros(),
            as_integer(limit)
        ])?;
        while let Some(row) = rows.next()? {
            expired.push(taken_of(row)?);
        }
    }
    let count = expired.len();
    let mut notices = Vec::new();
    for taken in expired {
        let (month, usage, amount) = (taken.month, taken.usage, taken.amount);
        write_off(tx, organization, taken, usage, amount, true)?;
        notices.extend(notice(tx, organization, month, limits, Money::ZERO)?);
    }
    Ok((count, notices))
}

fn set_limit(
    tx: &WriteTx<'_>,
    organization: OrganizationId,
    limit: Option<(Money, Currency)>,
) -> DbResult<()> {
    organizations::require(tx, organization)?;
    let Some((amount, currency)) = limit else {
        tx.execute(
            "delete from organization_budgets where organization_id = ?1",
            [organization.to_blob()],
        )?;
        return Ok(());
    };
    tx.execute(
        "insert into organization_budgets (organization_id, limit_micros, currency) values (?1, ?2, ?3)
         on conflict (organization_id) do update set limit_micros = excluded.limit_micros, currency = excluded.currency",
        params![organization.to_blob(), amount.as_micros(), currency.as_str()],
    )?;
    Ok(())
}

/// What the rows are told apart by: key, model, document, session; null for what they are not.
const fn grouped_by(by: UsageBy) -> &'static str {
    match by {
        UsageBy::KeyAndModel => "key_id, model, null, null",
        UsageBy::Key => "key_id, null, null, null",
        UsageBy::Model => "null, model, null, null",
        UsageBy::Session => "null, null, null, session_id",
        UsageBy::Document => "null, null, document_id, null",
    }
}

fn count_usage(
    tx: &Connection,
    scope: &Scope,
    from: Timestamp,
    until: Timestamp,
    by: UsageBy,
) -> DbResult<Vec<UsageCount>> {
    // An answer whose documents are known is one row for each of them, with its share; one whose are not, one.
    let rows = match by {
        UsageBy::Document => {
            "select d.document_id, u.currency, u.is_price_known, u.is_estimated,
                 coalesce(d.prompt_tokens, u.prompt_tokens) prompt_tokens,
                 coalesce(d.completion_tokens, u.completion_tokens) completion_tokens,
                 coalesce(d.cost_micros, u.cost_micros) cost_micros
             from answer_usage u left join usage_documents d on d.usage_no = u.usage_no
             where u.organization_id = ?1 and u.answered_at >= ?2 and u.answered_at < ?3"
        }
        UsageBy::KeyAndModel | UsageBy::Key | UsageBy::Model | UsageBy::Session => {
            "select * from answer_usage where organization_id = ?1 and answered_at >= ?2 and answered_at < ?3"
        }
    };
    let sql = format!(
        "select {}, currency, count(*), sum(prompt_tokens), sum(completion_tokens), sum(cost_micros),
             sum(not is_price_known), sum(is_estimated)
         from ({rows}) group by 1, 2, 3, 4, currency
         order by 9 desc, 6 desc, 1, 2, 3, 4, currency",
        grouped_by(by)
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params![
        scope.organization.to_blob(),
        from.as_micros(),
        until.as_micros(),
    ])?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "answer_usage");
        counts.push(UsageCount {
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
        });
    }
    Ok(counts)
}

/// The first pause between two tries to tell a notice; it doubles each time, up to 64 times as long.
const NOTICE_PAUSE_MICROS: i64 = 60_000_000;

fn take_notice(
    tx: &WriteTx<'_>,
    organization: OrganizationId,
    created_after: Timestamp,
) -> DbResult<Option<BudgetNotice>> {
    let mut take = tx.prepare_cached(
        "update budget_notices set tries = tries + 1, next_try_at = ?3 + ?5 * (1 << min(tries, 6))
         where (organization_id, month_from, currency, percent) in (
             select organization_id, month_from, currency, percent from budget_notices
             where organization_id in (?1, ?2) and next_try_at <= ?3 and created_at > ?4
             order by created_at, percent limit 1)
         returning organization_id, month_from, currency, percent, limit_micros, spent_micros, created_at",
    )?;
    let mut rows = take.query(params![
        INSTALLATION.to_blob(),
        organization.to_blob(),
        tx.now().as_micros(),
        created_after.as_micros(),
        NOTICE_PAUSE_MICROS,
    ])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut columns = Columns::new(row, "budget_notices");
    let of: OrganizationId = columns.id()?;
    Ok(Some(BudgetNotice {
        organization: (of != INSTALLATION).then_some(of),
        month_from: columns.time()?,
        currency: columns.word(Currency::from_name)?,
        percent: columns.get()?,
        limit: Money::from_micros(columns.get()?),
        spent: Money::from_micros(columns.get()?),
        created_at: columns.time()?,
    }))
}

fn end_notice(tx: &WriteTx<'_>, notice: &BudgetNotice) -> DbResult<()> {
    tx.execute(
        "update budget_notices set next_try_at = null
         where organization_id = ?1 and month_from = ?2 and currency = ?3 and percent = ?4",
        params![
            notice.organization.unwrap_or(INSTALLATION).to_blob(),
            notice.month_from.as_micros(),
            notice.currency.as_str(),
            notice.percent,
        ],
    )?;
    Ok(())
}

/// Before an organization goes: what was set aside for it counts as spent by the installation.
pub(crate) fn forget_organization(tx: &Connection, organization: OrganizationId) -> DbResult<()> {
    tx.execute(
        "update budget_months set
             spent_micros = spent_micros + r.amount, reserved_micros = reserved_micros - r.amount
         from (select month_from, currency, sum(amount_micros) amount from reservations
               where organization_id = ?2 group by month_from, currency) r
         where budget_months.organization_id = ?1 and budget_months.month_from = r.month_from
             and budget_months.currency = r.currency",
        params![INSTALLATION.to_blob(), organization.to_blob()],
    )?;
    Ok(())
}

#[async_trait]
impl UsageLedger for SqliteLibrary {
    async fn reserve(
        &self,
        scope: &Scope,
        reservation: &NewReservation,
        limits: &Limits,
    ) -> Result<Reserved, StoreError> {
        let (organization, reservation, limits) = (scope.organization, reservation.clone(), *limits);
        // The model is asked next: what it costs must not be forgotten when the machine fails.
        self.database
            .write(Durability::Machine, move |tx| {
                reserve(tx, organization, &reservation, &limits)
            })
            .await
    }

    async fn settle(
        &self,
        scope: &Scope,
        settlement: &Settlement,
        limits: &Limits,
    ) -> Result<Option<Vec<BudgetNotice>>, StoreError> {
        let (organization, settlement, limits) = (scope.organization, *settlement, *limits);
        self.database
            .write(Durability::Machine, move |tx| {
                settle(tx, organization, &settlement, &limits)
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
        let (organization, limits) = (scope.organization, *limits);
        self.database
            .write(Durability::Machine, move |tx| {
                settle_expired(tx, organization, before, &limits, limit)
            })
            .await
    }

    async fn month_state(
        &self,
        scope: &Scope,
        month_from: Timestamp,
        currency: Currency,
    ) -> Result<MonthState, StoreError> {
        let organization = scope.organization;
        let month = Month {
            from: month_from,
            currency,
        };
        self.database
            .read(move |tx| -> DbResult<MonthState> {
                Ok(MonthState {
                    installation: sums(tx, INSTALLATION, month)?,
                    organization: sums(tx, organization, month)?,
                    organization_limit: stored_limit(tx, organization)?,
                })
            })
            .await
    }

    async fn set_organization_limit(
        &self,
        scope: &Scope,
        limit: Option<(Money, Currency)>,
    ) -> Result<(), StoreError> {
        let organization = scope.organization;
        self.database
            .write(Durability::Machine, move |tx| set_limit(tx, organization, limit))
            .await
    }

    async fn count_usage(
        &self,
        scope: &Scope,
        from: Timestamp,
        until: Timestamp,
        by: UsageBy,
    ) -> Result<Vec<UsageCount>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| count_usage(tx, &scope, from, until, by))
            .await
    }

    async fn take_notice(
        &self,
        scope: &Scope,
        created_after: Timestamp,
    ) -> Result<Option<BudgetNotice>, StoreError> {
        let organization = scope.organization;
        self.database
            .write(Durability::Process, move |tx| {
                take_notice(tx, organization, created_after)
            })
            .await
    }

    async fn end_notice(&self, _scope: &Scope, notice: &BudgetNotice) -> Result<(), StoreError> {
        let notice = *notice;
        self.database
            .write(Durability::Machine, move |tx| end_notice(tx, &notice))
            .await
    }
}
