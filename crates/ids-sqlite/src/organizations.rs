//! The port `OrganizationStore`: organizations, the keys that speak for them, the record of what was done.

use async_trait::async_trait;
use ids_core::access::{ApiKey, AuditEntry, KeyHash, NewKey, Organization, OrganizationName, Permission};
use ids_core::document::BlobKey;
use ids_core::error::StoreError;
use ids_core::id::{DocumentId, KeyId, OrganizationId};
use ids_core::ports::OrganizationStore;
use ids_core::scope::{CollectionAccess, CollectionName, Scope};
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::{Durability, WriteTx};
use crate::error::{DbError, DbResult};
use crate::library::SqliteLibrary;
use crate::rows::{Columns, Id, as_integer, joined};
use crate::{documents, ledger};

/// What is left of an organization when its documents are gone, children before their parents.
const OWNED: [&str; 13] = [
    "deliveries",
    "cleanup_jobs",
    "sessions",
    "usage_documents",
    "answer_usage",
    "reservations",
    "budget_months",
    "budget_notices",
    "organization_budgets",
    "api_keys",
    "audit_entries",
    "term_statistics",
    "collections",
];

/// Nothing is written for an organization that is not there: it does not come back by itself once it was deleted.
pub(crate) fn require(tx: &Connection, organization: OrganizationId) -> DbResult<()> {
    let is_there: bool = tx
        .prepare_cached("select exists (select 1 from organizations where organization_id = ?1)")?
        .query_row([organization.to_blob()], |row| row.get(0))?;
    if is_there { Ok(()) } else { Err(DbError::NOT_FOUND) }
}

fn create(tx: &WriteTx<'_>, organization: OrganizationId, name: &OrganizationName) -> DbResult<()> {
    tx.execute(
        "insert into organizations (organization_id, name, created_at) values (?1, ?2, ?3)",
        params![organization.to_blob(), name.as_str(), tx.now().as_micros()],
    )?;
    Ok(())
}

fn find(tx: &Connection, scope: &Scope) -> DbResult<Option<Organization>> {
    tx.prepare_cached(
        "select organization_id, name, created_at from organizations where organization_id = ?1",
    )?
    .query_row([scope.organization.to_blob()], |row| {
        Ok(organization_of(&mut Columns::new(row, "organizations")))
    })
    .optional()?
    .transpose()
}

fn organization_of(columns: &mut Columns<'_, '_>) -> DbResult<Organization> {
    Ok(Organization {
        organization_id: columns.id()?,
        name: columns.word(|name| OrganizationName::parse(name).ok())?,
        created_at: columns.time()?,
    })
}

fn delete(tx: &mut WriteTx<'_>, scope: &Scope) -> DbResult<Vec<BlobKey>> {
    require(tx, scope.organization)?;
    let id = scope.organization.to_blob();
    let document_ids: Vec<[u8; 16]> = tx
        .prepare_cached("select document_id from documents where organization_id = ?1")?
        .query_map([id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut blobs = Vec::new();
    for document_id in document_ids {
        // Version by version, so that postings, statistics and the vectors in memory follow.
        blobs.extend(documents::remove(tx, DocumentId::from_blob(document_id))?.blobs);
    }
    ledger::forget_organization(tx, scope.organization)?;
    for table in OWNED {
        tx.execute(&format!("delete from {table} where organization_id = ?1"), [id])?;
    }
    if scope.organization != OrganizationId::DEFAULT {
        tx.execute("delete from organizations where organization_id = ?1", [id])?;
    }
    Ok(blobs)
}

const SELECT_KEY: &str =
    "select key_id, organization_id, name, hint, permissions, collections, created_at, expires_at,
        revoked_at
     from api_keys";

fn key_of(columns: &mut Columns<'_, '_>) -> DbResult<ApiKey> {
    Ok(ApiKey {
        key_id: columns.id()?,
        organization: columns.id()?,
        name: columns.get()?,
        hint: columns.get()?,
        permissions: columns.words(Permission::from_name)?.into_iter().collect(),
        collections: columns.collection_access()?,
        created_at: columns.time()?,
        expires_at: columns.optional_time()?,
        revoked_at: columns.optional_time()?,
    })
}

/// Names are ended, not parted, so that none at all differs from one that is empty; null is all.
pub(crate) fn access_text(collections: &CollectionAccess) -> Option<String> {
    let CollectionAccess::Only(names) = collections else {
        return None;
    };
    let line = |name: &CollectionName| format!("{name}\n");
    Some(names.iter().map(line).collect())
}

fn find_key(tx: &Connection, hash: &KeyHash) -> DbResult<Option<ApiKey>> {
    tx.prepare_cached(&format!("{SELECT_KEY} where hash = ?1"))?
        .query_row([hash.as_bytes()], |row| {
            Ok(key_of(&mut Columns::new(row, "api_keys")))
        })
        .optional()?
        .transpose()
}

fn get_key(tx: &Connection, scope: &Scope, key_id: KeyId) -> DbResult<ApiKey> {
    tx.prepare_cached(&format!(
        "{SELECT_KEY} where key_id = ?1 and organization_id = ?2"
    ))?
    .query_row(params![key_id.to_blob(), scope.organization.to_blob()], |row| {
        Ok(key_of(&mut Columns::new(row, "api_keys")))
    })
    .optional()?
    .ok_or(DbError::NOT_FOUND)?
}

fn create_key(tx: &WriteTx<'_>, scope: &Scope, key: &NewKey) -> DbResult<ApiKey> {
    require(tx, scope.organization)?;
    tx.execute(
        "insert into api_keys (key_id, organization_id, hash, hint, name, permissions, collections, created_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            key.key_id.to_blob(),
            scope.organization.to_blob(),
            key.hash.as_bytes(),
            key.hint,
            key.name,
            joined(key.permissions.iter().map(Permission::as_str)),
            access_text(&key.collections),
            tx.now().as_micros(),
            key.expires_at.map(ids_core::time::Timestamp::as_micros),
        ],
    )?;
    get_key(tx, scope, key.key_id)
}

pub(crate) fn list_keys(tx: &Connection, scope: &Scope) -> DbResult<Vec<ApiKey>> {
    let sql = format!("{SELECT_KEY} where organization_id = ?1 order by created_at desc, key_id desc");
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query([scope.organization.to_blob()])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(key_of(&mut Columns::new(row, "api_keys"))?);
    }
    Ok(keys)
}

fn revoke_key(tx: &WriteTx<'_>, scope: &Scope, key_id: KeyId) -> DbResult<ApiKey> {
    tx.execute(
        "update api_keys set revoked_at = ?3 where key_id = ?1 and organization_id = ?2 and revoked_at is null",
        params![
            key_id.to_blob(),
            scope.organization.to_blob(),
            tx.now().as_micros()
        ],
    )?;
    get_key(tx, scope, key_id)
}

fn record(
    tx: &WriteTx<'_>,
    scope: &Scope,
    key_id: Option<KeyId>,
    action: &str,
    subject: &str,
) -> DbResult<()> {
    require(tx, scope.organization)?;
    tx.prepare_cached(
        "insert into audit_entries (organization_id, at, key_id, action, subject) values (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        scope.organization.to_blob(),
        tx.now().as_micros(),
        key_id.map(Id::to_blob),
        action,
        subject
    ])?;
    Ok(())
}

fn list_record(
    tx: &Connection,
    scope: &Scope,
    before: Option<i64>,
    limit: usize,
) -> DbResult<Vec<AuditEntry>> {
    let mut statement = tx.prepare_cached(
        "select entry_no, at, key_id, action, subject from audit_entries
         where organization_id = ?1 and entry_no < ?2 order by entry_no desc limit ?3",
    )?;
    let mut rows = statement.query(params![
        scope.organization.to_blob(),
        before.unwrap_or(i64::MAX),
        as_integer(limit)
    ])?;
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

#[async_trait]
impl OrganizationStore for SqliteLibrary {
    async fn create_organization(
        &self,
        organization: OrganizationId,
        name: &OrganizationName,
    ) -> Result<(), StoreError> {
        let name = name.clone();
        self.database
            .write(Durability::Machine, move |tx| create(tx, organization, &name))
            .await
    }

    async fn find_organization(&self, scope: &Scope) -> Result<Option<Organization>, StoreError> {
        let scope = scope.clone();
        self.database.read(move |tx| find(tx, &scope)).await
    }

    async fn delete_organization(&self, scope: &Scope) -> Result<Vec<BlobKey>, StoreError> {
        let scope = scope.clone();
        self.database
            .write(Durability::Machine, move |tx| delete(tx, &scope))
            .await
    }

    async fn find_key(&self, hash: &KeyHash) -> Result<Option<ApiKey>, StoreError> {
        let hash = *hash;
        self.database.read(move |tx| find_key(tx, &hash)).await
    }

    async fn create_key(&self, scope: &Scope, key: &NewKey) -> Result<ApiKey, StoreError> {
        let (scope, key) = (scope.clone(), key.clone());
        self.database
            .write(Durability::Machine, move |tx| create_key(tx, &scope, &key))
            .await
    }

    async fn list_keys(&self, scope: &Scope) -> Result<Vec<ApiKey>, StoreError> {
        let scope = scope.clone();
        self.database.read(move |tx| list_keys(tx, &scope)).await
    }

    async fn revoke_key(&self, scope: &Scope, key_id: KeyId) -> Result<ApiKey, StoreError> {
        let scope = scope.clone();
        self.database
            .write(Durability::Machine, move |tx| revoke_key(tx, &scope, key_id))
            .await
    }

    async fn record(
        &self,
        scope: &Scope,
        key_id: Option<KeyId>,
        action: &str,
        subject: &str,
    ) -> Result<(), StoreError> {
        let (scope, action, subject) = (scope.clone(), action.to_owned(), subject.to_owned());
        self.database
            .write(Durability::Machine, move |tx| {
                record(tx, &scope, key_id, &action, &subject)
            })
            .await
    }

    async fn list_record(
        &self,
        scope: &Scope,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| list_record(tx, &scope, before, limit))
            .await
    }
}
