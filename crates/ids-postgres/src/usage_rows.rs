//! Rows of use: one an answer, or another call of a model, with the shares of the documents it was read from.

use ids_core::budget::{Currency, Money, MonthSums, UsageBy, UsageCount, shares};
use ids_core::id::OrganizationId;
use ids_core::moving::UsageRecord;
use ids_core::scope::Scope;
use ids_core::session::TokenUsage;
use ids_core::time::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::error::DbResult;
use crate::ledger::{Month, add_to_both};
use crate::rows::{Columns, Id, as_integer, as_number, storable};
use crate::transaction::Tx;

/// One row of use, with the shares of its documents; what it cost goes into the sums of its month.
pub(crate) async fn insert(tx: &Tx<'_>, organization: OrganizationId, record: &UsageRecord) -> DbResult<()> {
    let cost = record.cost.as_ref();
    let row = tx
        .query_one(
            "insert into answer_usage (organization_id, key_id, model, prompt_tokens, completion_tokens, answered_at,
                 session_id, month_from, currency, cost_micros, is_price_known, is_estimated, kind)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning usage_no",
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
                &record.kind.as_str(),
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
            ..MonthSums::default()
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
pub(crate) async fn count(
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
        "select {}, u.currency, count(*) filter (where u.kind = 'answer'), sum({})::int8, sum({})::int8, sum({})::int8,
             count(*) filter (where not u.is_price_known), count(*) filter (where u.is_estimated),
             count(*) filter (where u.kind = 'embedding')
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
            embeddings: columns.count()?,
        })
    };
    rows.iter().map(read).collect()
}
