//! The port `UsageLedger`: what answers cost, and what is set aside for those being made.

use async_trait::async_trait;
use ids_core::budget::{
    BudgetNotice, BudgetParty, Currency, Limits, Money, MonthState, MonthSums, NewReservation, Reserved,
    Settlement, UsageBy, UsageCount, UsageKind,
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
use crate::rows::{Columns, Id, as_integer};
use crate::{notices, organizations, usage_rows};

/// Whose sums are those of all organizations together.
pub(crate) const INSTALLATION: OrganizationId = OrganizationId::from_uuid(uuid::Uuid::nil());

/// A month whose sums are read and written.
#[derive(Clone, Copy)]
pub(crate) struct Month {
    pub(crate) from: Timestamp,
    pub(crate) currency: Currency,
}

pub(crate) fn sums(tx: &Connection, organization: OrganizationId, month: Month) -> DbResult<MonthSums> {
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
                    used_up: None,
                })
            },
        )
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// The same, and whether it was told that they are all there was.
fn sums_and_told(tx: &Connection, organization: OrganizationId, month: Month) -> DbResult<MonthSums> {
    let used_up = tx
        .prepare_cached(
            "select limit_micros from budget_notices
             where organization_id = ?1 and month_from = ?2 and currency = ?3 and percent = 100",
        )?
        .query_row(
            params![
                organization.to_blob(),
                month.from.as_micros(),
                month.currency.as_str()
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(MonthSums {
        used_up: used_up.map(Money::from_micros),
        ..sums(tx, organization, month)?
    })
}

/// Raises (or lowers, below zero) both sums of a month, of the organization and of all.
pub(crate) fn add(
    tx: &Connection,
    organization: OrganizationId,
    month: Month,
    more: MonthSums,
) -> DbResult<()> {
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

pub(crate) fn stored_limit(
    tx: &Connection,
    organization: OrganizationId,
) -> DbResult<Option<(Money, Currency)>> {
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
        let MonthSums { spent, reserved, .. } = sums(tx, of, month)?;
        // A model that costs nothing is asked whatever was spent.
        if reservation.amount > Money::ZERO && spent.plus(reserved).plus(reservation.amount) > limit {
            return Ok(Reserved {
                refused_by: Some(party),
                notices: notices::make(tx, organization, month, limits, reservation.amount)?,
            });
        }
    }
    let aside = MonthSums {
        spent: Money::ZERO,
        reserved: reservation.amount,
        ..MonthSums::default()
    };
    add(tx, organization, month, aside)?;
    let documents: Vec<u8> = reservation.documents.iter().flat_map(|id| id.to_blob()).collect();
    tx.prepare_cached(
        "insert into reservations (reservation_id, organization_id, key_id, session_id, model, month_from, currency,
             amount_micros, prompt_tokens, completion_tokens, is_price_known, document_ids, reserved_at, kind)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
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
        reservation.kind.as_str(),
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
    kind: UsageKind,
}

const TAKE: &str = "returning key_id, session_id, model, month_from, currency, amount_micros, prompt_tokens,
    completion_tokens, is_price_known, document_ids, reserved_at, kind";

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
        kind: columns.word(UsageKind::from_name)?,
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
    usage_rows::insert(tx, organization, &record)?;
    let settled = MonthSums {
        spent: Money::ZERO,
        reserved: Money::ZERO.minus(taken.amount),
        ..MonthSums::default()
    };
    add(tx, organization, taken.month, settled)
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
    Ok(Some(notices::make(tx, organization, month, limits, Money::ZERO)?))
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
        notices.extend(notices::make(tx, organization, month, limits, Money::ZERO)?);
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
                    installation: sums_and_told(tx, INSTALLATION, month)?,
                    organization: sums_and_told(tx, organization, month)?,
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
            .read(move |tx| usage_rows::count(tx, &scope, from, until, by))
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
                notices::take(tx, organization, created_after)
            })
            .await
    }

    async fn end_notice(&self, _scope: &Scope, notice: &BudgetNotice) -> Result<(), StoreError> {
        let notice = *notice;
        self.database
            .write(Durability::Machine, move |tx| notices::end(tx, &notice))
            .await
    }
}
