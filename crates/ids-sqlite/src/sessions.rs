//! The port `SessionStore`: conversations, and what was asked without a model.

use async_trait::async_trait;
use ids_core::budget::UsageKind;
use ids_core::chunk::Filter;
use ids_core::error::StoreError;
use ids_core::id::{MessageId, SessionId};
use ids_core::moving::UsageRecord;
use ids_core::ports::{SessionList, SessionQuery, SessionStore};
use ids_core::scope::{CollectionAccess, CollectionName, Scope};
use ids_core::session::{Exchange, Feedback, Message, Session};
use ids_rows::filter::{decode_filter, encode_filter};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::database::{Durability, WriteTx};
use crate::error::{DbError, DbResult};
use crate::library::SqliteLibrary;
use crate::rows::{Columns, Id, as_integer, folded};
use crate::scope_sql::blob;
use crate::{messages, organizations, usage_rows};

const COLUMNS: &str = "session_id, title, created_at, updated_at, message_count, filter";

fn append(tx: &mut WriteTx<'_>, scope: &Scope, exchange: &Exchange) -> DbResult<Session> {
    if let Some(title) = &exchange.new_title {
        insert_session(tx, scope, exchange, title)?;
    }
    let session = get_session(tx, scope, exchange.session_id)?;
    let added = match exchange.replaces {
        Some(replaced) => {
            messages::replace_last(tx, scope, exchange.session_id, replaced, &exchange.answer)?;
            0
        }
        None => {
            for message in [&exchange.question, &exchange.answer] {
                messages::insert(tx, scope, exchange.session_id, message)?;
            }
            2
        }
    };
    insert_usage(tx, scope, exchange)?;
    tx.execute(
        "update sessions set message_count = message_count + ?4, updated_at = max(updated_at, ?2), collections = ?3
         where session_id = ?1",
        params![
            session.session_id.to_blob(),
            exchange.answer.created_at.as_micros(),
            stored_collections(&scope.collections),
            added
        ],
    )?;
    get_session(tx, scope, exchange.session_id)
}

fn insert_session(tx: &WriteTx<'_>, scope: &Scope, exchange: &Exchange, title: &str) -> DbResult<()> {
    organizations::require(tx, scope.organization)?;
    tx.execute(
        "insert into sessions (session_id, organization_id, title, title_folded, message_count, created_at, updated_at,
             collections, filter)
         values (?1, ?2, ?3, ?4, 0, ?5, ?5, ?6, ?7)",
        params![
            exchange.session_id.to_blob(),
            scope.organization.to_blob(),
            title,
            folded(title),
            exchange.question.created_at.as_micros(),
            stored_collections(&scope.collections),
            encode_filter(&exchange.filter)
        ],
    )?;
    Ok(())
}

/// The names, each between line feeds; `None` for all.
pub(crate) fn stored_collections(access: &CollectionAccess) -> Option<String> {
    match access {
        CollectionAccess::All => None,
        CollectionAccess::Only(names) => Some(names.iter().map(delimited).collect()),
    }
}

/// What [`stored_collections`] wrote; `None` when it cannot have.
pub(crate) fn read_collections(stored: Option<String>) -> Option<CollectionAccess> {
    let Some(stored) = stored else {
        return Some(CollectionAccess::All);
    };
    let names = stored.lines().filter(|name| !name.is_empty());
    let names: Result<Vec<CollectionName>, _> = names.map(CollectionName::parse).collect();
    names.ok().map(CollectionAccess::Only)
}

fn delimited(name: &CollectionName) -> String {
    format!("\n{name}\n")
}

/// What `s` (sessions) must be to be seen: of the organization, and of no collection that may not be seen. What is taken
/// out of the session's collections leaves nothing then.
fn in_scope(scope: &Scope) -> (String, Vec<Value>) {
    let mut condition = "s.organization_id = ?".to_owned();
    let mut values = vec![blob(scope.organization)];
    if let CollectionAccess::Only(names) = &scope.collections {
        let opened = "replace(".repeat(names.len());
        let closed = ", ?, '')".repeat(names.len());
        condition.push_str(&format!(" and {opened}s.collections{closed} = ''"));
        values.extend(names.iter().map(|name| Value::Text(delimited(name))));
    }
    (condition, values)
}

fn insert_usage(tx: &Connection, scope: &Scope, exchange: &Exchange) -> DbResult<()> {
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
    usage_rows::insert(tx, scope.organization, &record)
}

pub(crate) fn find_session(
    tx: &Connection,
    scope: &Scope,
    session_id: SessionId,
) -> DbResult<Option<Session>> {
    let (condition, mut values) = in_scope(scope);
    let sql = format!("select {COLUMNS} from sessions s where {condition} and s.session_id = ?");
    values.push(blob(session_id));
    let mut statement = tx.prepare_cached(&sql)?;
    let found = statement
        .query_row(params_from_iter(&values), |row| Ok(session_of(row)))
        .optional()?;
    found.transpose()
}

fn get_session(tx: &Connection, scope: &Scope, session_id: SessionId) -> DbResult<Session> {
    find_session(tx, scope, session_id)?.ok_or(DbError::NOT_FOUND)
}

fn session_of(row: &Row<'_>) -> DbResult<Session> {
    let mut columns = Columns::new(row, "sessions");
    let session_id = columns.id()?;
    Ok(Session {
        session_id,
        title: columns.get()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        message_count: columns.get()?,
        filter: decode_filter(columns.get::<Option<String>>()?.as_deref())
            .ok_or_else(|| DbError::row("sessions", session_id))?,
    })
}

fn list_sessions(tx: &Connection, scope: &Scope, query: &SessionQuery) -> DbResult<SessionList> {
    let (mut condition, mut values) = in_scope(scope);
    if let Some(search) = &query.search {
        condition.push_str(
            " and (instr(s.title_folded, ?) > 0 or exists (
                select 1 from messages m where m.session_id = s.session_id and instr(m.content_folded, ?) > 0))",
        );
        let wanted = Value::Text(folded(search));
        values.extend([wanted.clone(), wanted]);
    }
    let total = tx.query_row(
        &format!("select count(*) from sessions s where {condition}"),
        params_from_iter(&values),
        |row| row.get::<_, i64>(0),
    )?;
    let sql = format!(
        "select {COLUMNS} from sessions s where {condition} order by updated_at desc, session_id desc limit ? offset ?"
    );
    values.extend([as_integer(query.limit), as_integer(query.offset)].map(Value::Integer));
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(&values))?;
    let mut sessions = Vec::new();
    while let Some(row) = rows.next()? {
        sessions.push(session_of(row)?);
    }
    Ok(SessionList {
        sessions,
        total: total.unsigned_abs(),
    })
}

fn rename_session(tx: &Connection, scope: &Scope, session_id: SessionId, title: &str) -> DbResult<Session> {
    get_session(tx, scope, session_id)?;
    tx.execute(
        "update sessions set title = ?2, title_folded = ?3 where session_id = ?1",
        params![session_id.to_blob(), title, folded(title)],
    )?;
    get_session(tx, scope, session_id)
}

fn limit_session(
    tx: &Connection,
    scope: &Scope,
    session_id: SessionId,
    filter: &Filter,
) -> DbResult<Session> {
    get_session(tx, scope, session_id)?;
    tx.execute(
        "update sessions set filter = ?2 where session_id = ?1",
        params![session_id.to_blob(), encode_filter(filter)],
    )?;
    get_session(tx, scope, session_id)
}

fn delete_session(tx: &Connection, scope: &Scope, session_id: SessionId) -> DbResult<()> {
    get_session(tx, scope, session_id)?;
    tx.execute(
        "delete from sessions where session_id = ?1",
        [session_id.to_blob()],
    )?;
    Ok(())
}

#[async_trait]
impl SessionStore for SqliteLibrary {
    async fn append(&self, scope: &Scope, exchange: &Exchange) -> Result<Session, StoreError> {
        let (scope, exchange) = (scope.clone(), exchange.clone());
        self.database
            .write(Durability::Machine, move |tx| append(tx, &scope, &exchange))
            .await
    }

    async fn find_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
    ) -> Result<Option<Session>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| find_session(tx, &scope, session_id))
            .await
    }

    async fn list_messages(
        &self,
        scope: &Scope,
        session_id: SessionId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| {
                get_session(tx, &scope, session_id)?;
                messages::list(tx, &scope, session_id, limit)
            })
            .await
    }

    async fn list_sessions(&self, scope: &Scope, query: &SessionQuery) -> Result<SessionList, StoreError> {
        let (scope, query) = (scope.clone(), query.clone());
        self.database
            .read(move |tx| list_sessions(tx, &scope, &query))
            .await
    }

    async fn rename_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
        title: &str,
    ) -> Result<Session, StoreError> {
        let (scope, title) = (scope.clone(), title.to_owned());
        self.database
            .write(Durability::Machine, move |tx| {
                rename_session(tx, &scope, session_id, &title)
            })
            .await
    }

    async fn limit_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
        filter: &Filter,
    ) -> Result<Session, StoreError> {
        let (scope, filter) = (scope.clone(), filter.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                limit_session(tx, &scope, session_id, &filter)
            })
            .await
    }

    async fn rate_answer(
        &self,
        scope: &Scope,
        session_id: SessionId,
        message_id: MessageId,
        feedback: Option<&Feedback>,
    ) -> Result<(), StoreError> {
        let (scope, feedback) = (scope.clone(), feedback.cloned());
        self.database
            .write(Durability::Machine, move |tx| {
                get_session(tx, &scope, session_id)?;
                messages::rate(tx, &scope, session_id, message_id, feedback.as_ref())
            })
            .await
    }

    async fn delete_session(&self, scope: &Scope, session_id: SessionId) -> Result<(), StoreError> {
        let scope = scope.clone();
        self.database
            .write(Durability::Machine, move |tx| {
                delete_session(tx, &scope, session_id)
            })
            .await
    }
}
