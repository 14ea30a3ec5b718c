//! Organizations and the record of what was done.

use ids_core::access::{AuditEntry, Organization, OrganizationName};
use ids_core::document::BlobKey;
use ids_core::id::{KeyId, OrganizationId};
use ids_core::scope::Scope;

use crate::error::{DbError, DbResult};
use crate::ledger;
use crate::rows::{Columns, Id, as_integer};
use crate::transaction::Tx;

/// All tables with rows of an organization by its id, children before their parents. A test holds it against the catalog.
const OWNED: [&str; 27] = [
    "deliveries",
    "embeddings",
    "chunks",
    "jobs",
    "uploads",
    "extraction_notes",
    "signature_bands",
    "text_signatures",
    "pages",
    "versions",
    "document_tags",
    "documents",
    "collections",
    "cleanup_jobs",
    "message_sources",
    "message_claims",
    "message_nearest",
    "messages",
    "sessions",
    "usage_documents",
    "answer_usage",
    "reservations",
    "budget_months",
    "budget_notices",
    "organization_budgets",
    "api_keys",
    "audit_entries",
];

/// And by its number.
const OWNED_BY_NUMBER: [&str; 3] = ["postings", "term_statistics", "term_statistic_deltas"];

/// Nothing is written for an organization that is not there: it does not come back by itself once it was deleted. One that is
/// there stays until this transaction ends.
pub(crate) async fn require(tx: &Tx<'_>, organization: OrganizationId) -> DbResult<()> {
    let found = tx
        .query_opt(
            "select 1 from organizations where organization_id = $1 for key share",
            &[&organization.to_uuid()],
        )
        .await?;
    found.map(drop).ok_or(DbError::NOT_FOUND)
}

pub(crate) async fn create(
    tx: &Tx<'_>,
    organization: OrganizationId,
    name: &OrganizationName,
) -> DbResult<()> {
    tx.execute(
        "insert into organizations (organization_id, name, created_at) values ($1, $2, $3)",
        &[&organization.to_uuid(), &name.as_str(), &tx.now().as_micros()],
    )
    .await?;
    Ok(())
}

pub(crate) async fn find(tx: &Tx<'_>, scope: &Scope) -> DbResult<Option<Organization>> {
    let row = tx
        .query_opt(
            "select organization_id, name, created_at from organizations where organization_id = $1",
            &[&scope.organization.to_uuid()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(&row, "organizations");
    Ok(Some(Organization {
        organization_id: columns.id()?,
        name: columns.word(|name| OrganizationName::parse(name).ok())?,
        created_at: columns.time()?,
    }))
}

pub(crate) async fn delete(tx: &Tx<'_>, scope: &Scope) -> DbResult<Vec<BlobKey>> {
    let organization = scope.organization.to_uuid();
    // Whoever is writing for it is waited for, whoever begins to waits and then finds it gone.
    tx.query_opt(
        "select 1 from organizations where organization_id = $1 for update",
        &[&organization],
    )
    .await?
    .ok_or(DbError::NOT_FOUND)?;
    tx.be_patient().await?;
    // Documents first, as everywhere: leases end here, and nobody writes for a document from now on.
    tx.execute(
        "select 1 from documents where organization_id = $1 order by document_id for update",
        &[&organization],
    )
    .await?;
    let rows = tx
        .query(
            "select blob_key from versions where organization_id = $1 and blob_key is not null
             union
             select blob_key from uploads where organization_id = $1 and state <> 'processed'",
            &[&organization],
        )
        .await?;
    let mut blobs = Vec::with_capacity(rows.len());
    for row in rows {
        blobs.push(BlobKey(row.try_get(0)?));
    }
    for table in OWNED_BY_NUMBER {
        let sql = format!(
            "delete from {table} where organization_no = (select organization_no from organizations where organization_id = $1)"
        );
        tx.execute(&sql, &[&organization]).await?;
    }
    ledger::forget_organization(tx, scope.organization).await?;
    for table in OWNED {
        let sql = format!("delete from {table} where organization_id = $1");
        tx.execute(&sql, &[&organization]).await?;
    }
    if scope.organization != OrganizationId::DEFAULT {
        tx.execute(
            "delete from organizations where organization_id = $1",
            &[&organization],
        )
        .await?;
    }
    Ok(blobs)
}

pub(crate) async fn record(
    tx: &Tx<'_>,
    scope: &Scope,
    key_id: Option<KeyId>,
    action: &str,
    subject: &str,
) -> DbResult<()> {
    require(tx, scope.organization).await?;
    tx.execute(
        "insert into audit_entries (organization_id, recorded_at, key_id, action, subject) values ($1, $2, $3, $4, $5)",
        &[
            &scope.organization.to_uuid(),
            &tx.now().as_micros(),
            &key_id.map(Id::to_uuid),
            &action,
            &subject,
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn list_record(
    tx: &Tx<'_>,
    scope: &Scope,
    before: Option<i64>,
    limit: usize,
) -> DbResult<Vec<AuditEntry>> {
    let rows = tx
        .query(
            "select entry_no, recorded_at, key_id, action, subject from audit_entries
             where organization_id = $1 and entry_no < $2 order by entry_no desc limit $3",
            &[
                &scope.organization.to_uuid(),
                &before.unwrap_or(i64::MAX),
                &as_integer(limit),
            ],
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
