//! Conversations, keys, use and record as they are stored, for the port `LibraryArchive`.

use ids_core::access::{AuditEntry, KeyHash};
use ids_core::budget::{Currency, Money, UsageKind};
use ids_core::id::{DocumentId, OrganizationId, SessionId};
use ids_core::moving::{CostRecord, KeyRecord, SessionRecord, UsageRecord};
use ids_core::scope::Scope;
use ids_core::time::Timestamp;
use ids_rows::filter::encode_filter;
use uuid::Uuid;

use crate::error::DbResult;
use crate::rows::{Columns, Id, as_number, folded, storable};
use crate::transaction::Tx;
use crate::{keys, messages, organizations, sessions, usage_rows};

/// `LibraryArchive::list_session_ids`.
pub(crate) async fn list_sessions(tx: &Tx<'_>, organization: OrganizationId) -> DbResult<Vec<SessionId>> {
    let rows = tx
        .query(
            "select session_id from sessions where organization_id = $1 order by created_at, session_id",
            &[&organization.to_uuid()],
        )
        .await?;
    rows.iter()
        .map(|row| Columns::new(row, "sessions").id())
        .collect()
}

/// `LibraryArchive::load_session`.
pub(crate) async fn load_session(
    tx: &Tx<'_>,
    organization: OrganizationId,
    session_id: SessionId,
) -> DbResult<Option<SessionRecord>> {
    let scope = Scope::organization(organization);
    let Some(session) = sessions::find(tx, &scope, session_id).await? else {
        return Ok(None);
    };
    let row = tx
        .query_one(
            "select collections from sessions where organization_id = $1 and session_id = $2",
            &[&organization.to_uuid(), &session_id.to_uuid()],
        )
        .await?;
    Ok(Some(SessionRecord {
        session,
        collections: keys::read_access("sessions", Columns::new(&row, "sessions").get()?)?,
        messages: messages::list(tx, &scope, session_id, usize::MAX).await?,
    }))
}

/// `LibraryArchive::put_session`.
pub(crate) async fn put_session(
    tx: &Tx<'_>,
    organization: OrganizationId,
    record: &SessionRecord,
) -> DbResult<()> {
    organizations::require(tx, organization).await?;
    let session = &record.session;
    // Its messages go with it (`on delete cascade`). One of another organization stays, and the insert below is refused.
    tx.execute(
        "delete from sessions where organization_id = $1 and session_id = $2",
        &[&organization.to_uuid(), &session.session_id.to_uuid()],
    )
    .await?;
    tx.execute(
        "insert into sessions (session_id, organization_id, title, title_folded, message_count, created_at, updated_at,
             collections, filter)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            &session.session_id.to_uuid(),
            &organization.to_uuid(),
            &storable(&session.title),
            &storable(&folded(&session.title)),
            &as_number::<i32>(session.message_count),
            &session.created_at.as_micros(),
            &session.updated_at.as_micros(),
            &sessions::stored_collections(&record.collections),
            &encode_filter(&session.filter),
        ],
    )
    .await?;
    let scope = Scope::organization(organization);
    for message in &record.messages {
        messages::insert(tx, &scope, session.session_id, message).await?;
    }
    Ok(())
}

/// `LibraryArchive::list_key_records`.
pub(crate) async fn list_keys(tx: &Tx<'_>, organization: OrganizationId) -> DbResult<Vec<KeyRecord>> {
    let mut records = Vec::new();
    for key in keys::list(tx, &Scope::organization(organization))
        .await?
        .into_iter()
        .rev()
    {
        let row = tx
            .query_one(
                "select key_hash from api_keys where organization_id = $1 and key_id = $2",
                &[&organization.to_uuid(), &key.key_id.to_uuid()],
            )
            .await?;
        let hash = Columns::new(&row, "api_keys").hash()?;
        records.push(KeyRecord {
            key,
            hash: KeyHash::from_bytes(*hash.as_bytes()),
        });
    }
    Ok(records)
}

/// `LibraryArchive::put_key`.
pub(crate) async fn put_key(tx: &Tx<'_>, organization: OrganizationId, record: &KeyRecord) -> DbResult<()> {
    organizations::require(tx, organization).await?;
    let key = &record.key;
    tx.execute(
        "delete from api_keys where organization_id = $1 and key_id = $2",
        &[&organization.to_uuid(), &key.key_id.to_uuid()],
    )
    .await?;
    tx.execute(
        "insert into api_keys (key_id, organization_id, key_hash, hint, name, permissions, collections, created_at, expires_at,
             revoked_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            &key.key_id.to_uuid(),
            &organization.to_uuid(),
            &record.hash.as_bytes().as_slice(),
            &key.hint,
            &key.name.as_deref().map(storable),
            &key.permissions.to_string(),
            &sessions::stored_collections(&key.collections),
            &key.created_at.as_micros(),
            &key.expires_at.map(Timestamp::as_micros),
            &key.revoked_at.map(Timestamp::as_micros),
        ],
    )
    .await?;
    Ok(())
}

/// `LibraryArchive::list_usage`.
pub(crate) async fn list_usage(tx: &Tx<'_>, organization: OrganizationId) -> DbResult<Vec<UsageRecord>> {
    let rows = tx
        .query(
            "select u.kind, u.key_id, u.model, u.prompt_tokens, u.completion_tokens, u.answered_at, u.session_id, u.month_from,
                 u.currency, u.cost_micros, u.is_price_known, u.is_estimated,
                 array(select d.document_id from usage_documents d where d.usage_no = u.usage_no order by d.position)
             from answer_usage u where u.organization_id = $1 order by u.usage_no",
            &[&organization.to_uuid()],
        )
        .await?;
    let mut records = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut columns = Columns::new(row, "answer_usage");
        records.push(UsageRecord {
            kind: columns.word(UsageKind::from_name)?,
            key_id: columns.optional_id()?,
            model: columns.get()?,
            prompt_tokens: columns.count()?,
            completion_tokens: columns.count()?,
            answered_at: columns.time()?,
            session_id: columns.optional_id()?,
            cost: cost_of(&mut columns)?,
            documents: columns
                .get::<Vec<Uuid>>()?
                .into_iter()
                .map(DocumentId::of_uuid)
                .collect(),
        });
    }
    Ok(records)
}

/// Five columns: month, currency, amount, whether the price was known, whether the tokens were told.
fn cost_of(columns: &mut Columns<'_>) -> DbResult<Option<CostRecord>> {
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
pub(crate) async fn append_usage(
    tx: &Tx<'_>,
    organization: OrganizationId,
    records: &[UsageRecord],
) -> DbResult<()> {
    organizations::require(tx, organization).await?;
    for record in records {
        usage_rows::insert(tx, organization, record).await?;
    }
    Ok(())
}

/// `LibraryArchive::list_audit`.
pub(crate) async fn list_audit(tx: &Tx<'_>, organization: OrganizationId) -> DbResult<Vec<AuditEntry>> {
    let rows = tx
        .query(
            "select entry_no, recorded_at, key_id, action, subject from audit_entries
             where organization_id = $1 order by entry_no",
            &[&organization.to_uuid()],
        )
        .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
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
pub(crate) async fn append_audit(
    tx: &Tx<'_>,
    organization: OrganizationId,
    entries: &[AuditEntry],
) -> DbResult<()> {
    organizations::require(tx, organization).await?;
    for entry in entries {
        tx.execute(
            "insert into audit_entries (organization_id, recorded_at, key_id, action, subject)
             values ($1, $2, $3, $4, $5)",
            &[
                &organization.to_uuid(),
                &entry.at.as_micros(),
                &entry.key_id.map(Id::to_uuid),
                &storable(&entry.action),
                &storable(&entry.subject),
            ],
        )
        .await?;
    }
    Ok(())
}
