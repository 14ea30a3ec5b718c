//! Rows of use: one an answer, or another call of a model, with the shares of the documents it was read from.

use ids_core::budget::{Currency, Money, MonthSums, UsageBy, UsageCount, shares};
use ids_core::id::OrganizationId;
use ids_core::moving::UsageRecord;
use ids_core::scope::Scope;
use ids_core::session::TokenUsage;
use ids_core::time::Timestamp;
use rusqlite::{Connection, params};

use crate::error::DbResult;
use crate::ledger::{Month, add};
use crate::rows::{Columns, Id, as_integer};

/// One row of use, with the shares of its documents; what it cost goes into the sums of its month.
pub(crate) fn insert(tx: &Connection, organization: OrganizationId, record: &UsageRecord) -> DbResult<()> {
    let cost = record.cost.as_ref();
    tx.prepare_cached(
        "insert into answer_usage (organization_id, key_id, model, prompt_tokens, completion_tokens, answered_at, session_id,
             month_from, currency, cost_micros, is_price_known, is_estimated, kind)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
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
        record.kind.as_str(),
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
            ..MonthSums::default()
        };
        add(tx, organization, month, spent)?;
    }
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

pub(crate) fn count(
    tx: &Connection,
    scope: &Scope,
    from: Timestamp,
    until: Timestamp,
    by: UsageBy,
) -> DbResult<Vec<UsageCount>> {
    // An answer whose documents are known is one row for each of them, with its share; one whose are not, one.
    let rows = match by {
        UsageBy::Document => {
            "select d.document_id, u.currency, u.is_price_known, u.is_estimated, u.kind,
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
        "select {}, currency, sum(kind = 'answer'), sum(prompt_tokens), sum(completion_tokens), sum(cost_micros),
             sum(not is_price_known), sum(is_estimated), sum(kind = 'embedding')
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
            embeddings: columns.count()?,
        });
    }
    Ok(counts)
}
