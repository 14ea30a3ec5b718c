//! Conversations, keys, use and record as they are stored, for the port `LibraryArchive`.

use ids_core::access::{ApiKey, AuditEntry, KeyHash, Permission};
use ids_core::budget::{Currency, Money, UsageKind};
use ids_core::id::{DocumentId, OrganizationId, SessionId};
use ids_core::moving::{CostRecord, KeyRecord, SessionRecord, UsageRecord};
use ids_core::scope::Scope;
use ids_core::time::Timestamp;
use ids_rows::filter::encode_filter;
use rusqlite::{Connection, params};

use crate::database::WriteTx;
use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id, folded, joined};
use crate::{messages, organizations, sessions, usage_rows};

/// `LibraryArchive::list_session_ids`.
pub(crate) fn list_sessions(tx: &Connection, organization: OrganizationId) -> DbResult<Vec<SessionId>> {
    let mut select = tx.prepare(
        "select session_id from sessions where organization_id = ?1 order by created_at, session_id",
    )?;
    let mut rows = select.query([organization.to_blob()])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        ids.push(Columns::new(row, "sessions").id()?);
    }
    Ok(ids)
}

/// `LibraryArchive::load_session`.
pub(crate) fn load_session(
    tx: &Connection,
    organization: OrganizationId,
    session_id: SessionId,
) -> DbResult<Option<SessionRecord>> {
    let scope = Scope::organization(organization);
    let Some(session) = sessions::find_session(tx, &scope, session_id)? else {
        return Ok(None);
    };
    let stored: Option<String> = tx
        .prepare_cached("select collections from sessions where session_id = ?1")?
        .query_row([session_id.to_blob()], |row| row.get(0))?;
    let collections =
        sessions::read_collections(stored).ok_or_else(|| DbError::row("sessions", session_id))?;
    Ok(Some(SessionRecord {
        session,
        collections,
        messages: messages::list(tx, &scope, session_id, usize::MAX)?,
    }))
}

/// `LibraryArchive::put_session`.
pub(crate) fn put_session(
    tx: &WriteTx<'_>,
    organization: OrganizationId,
    record: &SessionRecord,
) -> DbResult<()> {
    organizations::require(tx, organization)?;
    let session = &record.session;
    // Its messages go with it (`on delete cascade`). One of another organization stays, and the insert below is refused.
    tx.execute(
        "delete from sessions where session_id = ?1 and organization_id = ?2",
        params![session.session_id.to_blob(), organization.to_blob()],
    )?;
    tx.execute(
        "insert into sessions (session_id, organization_id, title, title_folded, message_count, created_at, updated_at,
             collections, filter)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            session.session_id.to_blob(),
            organization.to_blob(),
            session.title,
            folded(&session.title),
            session.message_count,
            session.created_at.as_micros(),
            session.updated_at.as_micros(),
            sessions::stored_collections(&record.collections),
            encode_filter(&session.filter),
        ],
    )?;
    let scope = Scope::organization(organization);
    for message in &record.messages {
        messages::insert(tx, &scope, session.session_id, message)?;
    }
    Ok(())
}

/// `LibraryArchive::list_key_records`.
pub(crate) fn list_keys(tx: &Connection, organization: OrganizationId) -> DbResult<Vec<KeyRecord>> {
    let mut hash = tx.prepare("select hash from api_keys where key_id = ?1")?;
    let mut records = Vec::new();
    for key in organizations::list_keys(tx, &Scope::organization(organization))?
        .into_iter()
        .rev()
    {
        let hash: [u8; 32] = hash.query_row([key.key_id.to_blob()], |row| row.get(0))?;
        records.push(KeyRecord {
            key,
            hash: KeyHash::from_bytes(hash),
        });
    }
    Ok(records)
}

/// `LibraryArchive::put_key`.
pub(crate) fn put_key(tx: &WriteTx<'_>, organization: OrganizationId, record: &KeyRecord) -> DbResult<()> {
    organizations::require(tx, organization)?;
    let key: &ApiKey = &record.key;
    tx.execute(
        "delete from api_keys where key_id = ?1 and organization_id = ?2",
        params![key.key_id.to_blob(), organization.to_blob()],
    )?;
    tx.execute(
        "insert into api_keys (key_id, organization_id, hash, hint, name, permissions, collections, created_at, expires_at,
             revoked_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            key.key_id.to_blob(),
            organization.to_blob(),
            record.hash.as_bytes(),
            key.hint,
            key.name,
            joined(key.permissions.iter().map(Permission::as_str)),
            organizations::access_text(&key.collections),
            key.created_at.as_micros(),
            key.expires_at.map(Timestamp::as_micros),
            key.revoked_at.map(Timestamp::as_micros),
        ],
    )?;
    Ok(())
}

/// `LibraryArchive::list_usage`.
pub(crate) fn list_usage(tx: &Connection, organization: OrganizationId) -> DbResult<Vec<UsageRecord>> {
    let mut of_answer =
        tx.prepare("select document_id from usage_documents where usage_no = ?1 order by position")?;
    let mut select = tx.prepare(
        "select usage_no, kind, key_id, model, prompt_tokens, completion_tokens, answered_at, session_id, month_from, currency,
             cost_micros, is_price_known, is_estimated
         from answer_usage where organization_id = ?1 order by usage_no",
    )?;
    let mut rows = select.query([organization.to_blob()])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "answer_usage");
        let usage_no: i64 = columns.get()?;
        let documents = of_answer
            .query_map([usage_no], |row| row.get(0).map(DocumentId::from_blob))?
            .collect::<Result<_, _>>()?;
        records.push(UsageRecord {
            kind: columns.word(UsageKind::from_name)?,
            key_id: columns.optional_id()?,
            model: columns.get()?,
            prompt_tokens: columns.count()?,
            completion_tokens: columns.count()?,
            answered_at: columns.time()?,
            session_id: columns.optional_id()?,
            cost: cost_of(&mut columns)?,
            documents,
        });
    }
    Ok(records)
}

/// Five columns: month, currency, amount, whether the price was known, whether the tokens were told.
fn cost_of(columns: &mut Columns<'_, '_>) -> DbResult<Option<CostRecord>> {
    let month_from = columns.optional_time()?;
    let currency = columns.optional_word(Currency::from_name)?;
    let amount = Money::from_micros(columns.get()?);
    let (is_price_known, is_estimated) = (columns.get()?, columns.get()?);
    Ok(month_from.zip(currency).map(|(month_from, currency)| CostRecord {
        amount,
        currency,
        month_from,
        is_price_known,
        is_estimated,
    }))
}

/// `LibraryArchive::append_usage`.
pub(crate) fn append_usage(
    tx: &WriteTx<'_>,
    organization: OrganizationId,
    records: &[UsageRecord],
) -> DbResult<()> {
    organizations::require(tx, organization)?;
    for record in records {
        usage_rows::insert(tx, organization, record)?;
    }
    Ok(())
}

/// `LibraryArchive::list_audit`.
pub(crate) fn list_audit(tx: &Connection, organization: OrganizationId) -> DbResult<Vec<AuditEntry>> {
    let mut select = tx.prepare(
        "select entry_no, at, key_id, action, subject from audit_entries where organization_id = ?1 order by entry_no",
    )?;
    let mut rows = select.query([organization.to_blob()])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "audit_entries");
        entries.push(AuditEntry {
            entry_no: columns.get()?,
            at: columns.time()?,
            key_id: columns.optional_id()?,
            action: columns.get()?,
            subject: columns.get()?,
        });
    }
    Ok(entries)
}

/// `LibraryArchive::append_audit`.
pub(crate) fn append_audit(
    tx: &WriteTx<'_>,
    organization: OrganizationId,
    entries: &[AuditEntry],
) -> DbResult<()> {
    organizations::require(tx, organization)?;
    let mut insert = tx.prepare_cached(
        "insert into audit_entries (organization_id, at, key_id, action, subject) values (?1, ?2, ?3, ?4, ?5)",
    )?;
    for entry in entries {
        insert.execute(params![
            organization.to_blob(),
            entry.at.as_micros(),
            entry.key_id.map(Id::to_blob),
            entry.action,
            entry.subject,
        ])?;
    }
    Ok(())
}
