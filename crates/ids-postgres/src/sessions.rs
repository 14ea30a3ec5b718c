//! Conversations, and what was asked without a model.

use ids_core::budget::UsageKind;
use ids_core::chunk::Filter;
use ids_core::id::SessionId;
use ids_core::moving::UsageRecord;
use ids_core::ports::{SessionList, SessionQuery};
use ids_core::scope::{CollectionAccess, Scope};
use ids_core::session::{Exchange, Session};
use ids_rows::filter::{decode_filter, encode_filter};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id, as_integer, folded, storable};
use crate::transaction::Tx;
use crate::{messages, organizations, usage_rows};

const COLUMNS: &str = "s.session_id, s.title, s.created_at, s.updated_at, s.message_count, s.filter";

/// What `s` must be to be seen: of the organization ($1), and of no collection that may not be seen ($2, null for all).
const IN_SCOPE: &str = "s.organization_id = $1 and ($2::text[] is null or s.collections <@ $2)";

/// The names of the collections that may be seen; `None` for all.
fn seen(scope: &Scope) -> Option<Vec<String>> {
    stored_collections(&scope.collections)
}

/// The same of any access.
pub(crate) fn stored_collections(access: &CollectionAccess) -> Option<Vec<String>> {
    match access {
        CollectionAccess::All => None,
        CollectionAccess::Only(names) => Some(names.iter().map(ToString::to_string).collect()),
    }
}

/// `SessionStore::append`.
pub(crate) async fn append(tx: &Tx<'_>, scope: &Scope, exchange: &Exchange) -> DbResult<Session> {
    if let Some(title) = &exchange.new_title {
        insert(tx, scope, exchange, title).await?;
    }
    let (organization, session_id) = (scope.organization.to_uuid(), exchange.session_id.to_uuid());
    // Locked before its messages are numbered: those of two exchanges at once must not mix.
    tx.query_opt(
        &format!("select 1 from sessions s where {IN_SCOPE} and s.session_id = $3 for no key update"),
        &[&organization, &seen(scope), &session_id],
    )
    .await?
    .ok_or(DbError::NOT_FOUND)?;
    let added: i32 = match exchange.replaces {
        Some(replaced) => {
            messages::replace_last(tx, scope, exchange.session_id, replaced, &exchange.answer).await?;
            0
        }
        None => {
            for message in [&exchange.question, &exchange.answer] {
                messages::insert(tx, scope, exchange.session_id, message).await?;
            }
            2
        }
    };
    insert_usage(tx, scope, exchange).await?;
    tx.execute(
        "update sessions set message_count = message_count + $5, updated_at = greatest(updated_at, $3),
             collections = $4
         where organization_id = $1 and session_id = $2",
        &[
            &organization,
            &session_id,
            &exchange.answer.created_at.as_micros(),
            &seen(scope),
            &added,
        ],
    )
    .await?;
    get(tx, scope, exchange.session_id).await
}

async fn insert(tx: &Tx<'_>, scope: &Scope, exchange: &Exchange, title: &str) -> DbResult<()> {
    organizations::require(tx, scope.organization).await?;
    tx.execute(
        "insert into sessions (session_id, organization_id, title, title_folded, message_count, created_at, updated_at,
             collections, filter)
         values ($1, $2, $3, $4, 0, $5, $5, $6, $7)",
        &[
            &exchange.session_id.to_uuid(),
            &scope.organization.to_uuid(),
            &storable(title),
            &storable(&folded(title)),
            &exchange.question.created_at.as_micros(),
            &seen(scope),
            &encode_filter(&exchange.filter),
        ],
    )
    .await?;
    Ok(())
}

async fn insert_usage(tx: &Tx<'_>, scope: &Scope, exchange: &Exchange) -> DbResult<()> {
    let answer = &exchange.answer;
    let Some(details) = answer.answer.as_ref().filter(|_| !exchange.is_counted) else {
        return Ok(());
    };
    let record = UsageRecord {
        kind: UsageKind::Answer,
        key_id: exchange.key_id,
        model: details.model.clone(),
        prompt_tokens: details.usage.prompt_tokens,
        completion_tokens: details.usage.completion_tokens,
        answered_at: answer.created_at,
        session_id: Some(exchange.session_id),
        cost: None,
        documents: Vec::new(),
    };
    usage_rows::insert(tx, scope.organization, &record).await
}

/// `SessionStore::find_session`.
pub(crate) async fn find(tx: &Tx<'_>, scope: &Scope, session_id: SessionId) -> DbResult<Option<Session>> {
    let sql = format!("select {COLUMNS} from sessions s where {IN_SCOPE} and s.session_id = $3");
    let (organization, session_id) = (scope.organization.to_uuid(), session_id.to_uuid());
    let row = tx
        .query_opt(&sql, &[&organization, &seen(scope), &session_id])
        .await?;
    row.as_ref().map(read).transpose()
}

/// The session, which must be there.
pub(crate) async fn get(tx: &Tx<'_>, scope: &Scope, session_id: SessionId) -> DbResult<Session> {
    find(tx, scope, session_id).await?.ok_or(DbError::NOT_FOUND)
}

fn read(row: &Row) -> DbResult<Session> {
    let mut columns = Columns::new(row, "sessions");
    let session_id: SessionId = columns.id()?;
    Ok(Session {
        session_id,
        title: columns.get()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        message_count: columns.number()?,
        filter: decode_filter(columns.get::<Option<String>>()?.as_deref())
            .ok_or_else(|| DbError::row("sessions", session_id))?,
    })
}

/// `SessionStore::list_sessions`.
pub(crate) async fn list(tx: &Tx<'_>, scope: &Scope, query: &SessionQuery) -> DbResult<SessionList> {
    let organization = scope.organization.to_uuid();
    let wanted = query
        .search
        .as_deref()
        .map(|search| storable(&folded(search)).into_owned());
    let seen = seen(scope);
    let mut condition = IN_SCOPE.to_owned();
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&organization, &seen];
    if let Some(wanted) = &wanted {
        // Not `like`: `%` and `_` stand for themselves.
        condition.push_str(
            " and (strpos(s.title_folded, $3) > 0 or exists (
                 select 1 from messages m
                 where m.organization_id = $1 and m.session_id = s.session_id and strpos(m.content_folded, $3) > 0))",
        );
        values.push(wanted);
    }
    let counted = tx
        .query_one(
            &format!("select count(*) from sessions s where {condition}"),
            &values,
        )
        .await?;
    let total = Columns::new(&counted, "sessions").count()?;
    let (limit, offset) = (as_integer(query.limit), as_integer(query.offset));
    values.extend([&limit as &(dyn ToSql + Sync), &offset]);
    let sql = format!(
        "select {COLUMNS} from sessions s where {condition}
         order by s.updated_at desc, s.session_id desc limit ${} offset ${}",
        values.len() - 1,
        values.len()
    );
    let rows = tx.query(&sql, &values).await?;
    Ok(SessionList {
        sessions: rows.iter().map(read).collect::<DbResult<_>>()?,
        total,
    })
}

/// `SessionStore::rename_session`.
pub(crate) async fn rename(
    tx: &Tx<'_>,
    scope: &Scope,
    session_id: SessionId,
    title: &str,
) -> DbResult<Session> {
    get(tx, scope, session_id).await?;
    tx.execute(
        "update sessions set title = $3, title_folded = $4 where organization_id = $1 and session_id = $2",
        &[
            &scope.organization.to_uuid(),
            &session_id.to_uuid(),
            &storable(title),
            &storable(&folded(title)),
        ],
    )
    .await?;
    get(tx, scope, session_id).await
}

/// `SessionStore::limit_session`.
pub(crate) async fn limit(
    tx: &Tx<'_>,
    scope: &Scope,
    session_id: SessionId,
    filter: &Filter,
) -> DbResult<Session> {
    get(tx, scope, session_id).await?;
    tx.execute(
        "update sessions set filter = $3 where organization_id = $1 and session_id = $2",
        &[
            &scope.organization.to_uuid(),
            &session_id.to_uuid(),
            &encode_filter(filter),
        ],
    )
    .await?;
    get(tx, scope, session_id).await
}

/// `SessionStore::delete_session`.
pub(crate) async fn delete(tx: &Tx<'_>, scope: &Scope, session_id: SessionId) -> DbResult<()> {
    get(tx, scope, session_id).await?;
    tx.execute(
        "delete from sessions where organization_id = $1 and session_id = $2",
        &[&scope.organization.to_uuid(), &session_id.to_uuid()],
    )
    .await?;
    Ok(())
}
