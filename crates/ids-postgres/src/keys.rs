//! Keys, and the port `OrganizationStore`: each of its methods is one transaction.

use std::fmt::Write as _;

use async_trait::async_trait;
use ids_core::access::{ApiKey, AuditEntry, KeyHash, NewKey, Organization, OrganizationName, Permission};
use ids_core::document::BlobKey;
use ids_core::error::StoreError;
use ids_core::id::{KeyId, OrganizationId};
use ids_core::ports::OrganizationStore;
use ids_core::scope::{CollectionAccess, CollectionName, Scope};
use ids_core::time::Timestamp;
use tokio_postgres::Row;

use crate::error::{DbError, DbResult};
use crate::library::PostgresLibrary;
use crate::organizations;
use crate::rows::{Columns, Id};
use crate::transaction::Tx;

const SELECT: &str =
    "select key_id, organization_id, name, hint, permissions, collections, created_at, expires_at, revoked_at
     from api_keys";

fn read(row: &Row) -> DbResult<ApiKey> {
    let mut columns = Columns::new(row, "api_keys");
    Ok(ApiKey {
        key_id: columns.id()?,
        organization: columns.id()?,
        name: columns.get()?,
        hint: columns.get()?,
        permissions: columns
            .word(|words| {
                let words = words.split(',').filter(|word| !word.is_empty());
                words.map(Permission::from_name).collect::<Option<Vec<_>>>()
            })?
            .into_iter()
            .collect(),
        collections: read_access("api_keys", columns.get()?)?,
        created_at: columns.time()?,
        expires_at: columns.optional_time()?,
        revoked_at: columns.optional_time()?,
    })
}

/// Collections as they were stored; null is all.
pub(crate) fn read_access(table: &'static str, names: Option<Vec<String>>) -> DbResult<CollectionAccess> {
    let Some(names) = names else {
        return Ok(CollectionAccess::All);
    };
    let parse = |name: String| CollectionName::parse(&name).map_err(|_| DbError::row(table, name));
    let names: DbResult<Vec<CollectionName>> = names.into_iter().map(parse).collect();
    names.map(CollectionAccess::Only)
}

/// Before it is known whose it is: a policy of its own lets the row of this hash be seen.
async fn find(tx: &Tx<'_>, hash: &KeyHash) -> DbResult<Option<ApiKey>> {
    let mut hex = String::with_capacity(64);
    for byte in hash.as_bytes() {
        // Writing into a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    tx.query_one("select set_config('ids.key_hash', $1, true)", &[&hex])
        .await?;
    let row = tx
        .query_opt(
            &format!("{SELECT} where key_hash = $1"),
            &[&hash.as_bytes().as_slice()],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

async fn get(tx: &Tx<'_>, scope: &Scope, key_id: KeyId) -> DbResult<ApiKey> {
    let row = tx
        .query_opt(
            &format!("{SELECT} where organization_id = $1 and key_id = $2"),
            &[&scope.organization.to_uuid(), &key_id.to_uuid()],
        )
        .await?;
    read(&row.ok_or(DbError::NOT_FOUND)?)
}

async fn create(tx: &Tx<'_>, scope: &Scope, key: &NewKey) -> DbResult<ApiKey> {
    organizations::require(tx, scope.organization).await?;
    let collections: Option<Vec<&str>> = match &key.collections {
        CollectionAccess::All => None,
        CollectionAccess::Only(names) => Some(names.iter().map(CollectionName::as_str).collect()),
    };
    tx.execute(
        "insert into api_keys (key_id, organization_id, key_hash, hint, name, permissions, collections, created_at,
             expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            &key.key_id.to_uuid(),
            &scope.organization.to_uuid(),
            &key.hash.as_bytes().as_slice(),
            &key.hint,
            &key.name,
            &key.permissions.to_string(),
            &collections,
            &tx.now().as_micros(),
            &key.expires_at.map(Timestamp::as_micros),
        ],
    )
    .await?;
    get(tx, scope, key.key_id).await
}

/// `OrganizationStore::list_keys`.
pub(crate) async fn list(tx: &Tx<'_>, scope: &Scope) -> DbResult<Vec<ApiKey>> {
    let sql = format!("{SELECT} where organization_id = $1 order by created_at desc, key_id desc");
    let rows = tx.query(&sql, &[&scope.organization.to_uuid()]).await?;
    rows.iter().map(read).collect()
}

async fn revoke(tx: &Tx<'_>, scope: &Scope, key_id: KeyId) -> DbResult<ApiKey> {
    tx.execute(
        "update api_keys set revoked_at = $3 where organization_id = $1 and key_id = $2 and revoked_at is null",
        &[
            &scope.organization.to_uuid(),
            &key_id.to_uuid(),
            &tx.now().as_micros(),
        ],
    )
    .await?;
    get(tx, scope, key_id).await
}

#[async_trait]
impl OrganizationStore for PostgresLibrary {
    async fn create_organization(
        &self,
        organization: OrganizationId,
        name: &OrganizationName,
    ) -> Result<(), StoreError> {
        self.database
            .write(organization, move |tx| {
                Box::pin(organizations::create(tx, organization, name))
            })
            .await
    }

    async fn find_organization(&self, scope: &Scope) -> Result<Option<Organization>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(organizations::find(tx, scope))
            })
            .await
    }

    async fn delete_organization(&self, scope: &Scope) -> Result<Vec<BlobKey>, StoreError> {
        self.database
            .write(scope.organization, move |tx| {
                Box::pin(organizations::delete(tx, scope))
            })
            .await
    }

    async fn find_key(&self, hash: &KeyHash) -> Result<Option<ApiKey>, StoreError> {
        self.database
            .read_shared(move |tx| Box::pin(find(tx, hash)))
            .await
    }

    async fn create_key(&self, scope: &Scope, key: &NewKey) -> Result<ApiKey, StoreError> {
        self.database
            .write(scope.organization, move |tx| Box::pin(create(tx, scope, key)))
            .await
    }

    async fn list_keys(&self, scope: &Scope) -> Result<Vec<ApiKey>, StoreError> {
        self.database
            .read(scope.organization, move |tx| Box::pin(list(tx, scope)))
            .await
    }

    async fn revoke_key(&self, scope: &Scope, key_id: KeyId) -> Result<ApiKey, StoreError> {
        self.database
            .write(scope.organization, move |tx| Box::pin(revoke(tx, scope, key_id)))
            .await
    }

    async fn record(
        &self,
        scope: &Scope,
        key_id: Option<KeyId>,
        action: &str,
        subject: &str,
    ) -> Result<(), StoreError> {
        self.database
            .write(scope.organization, move |tx| {
                Box::pin(organizations::record(tx, scope, key_id, action, subject))
            })
            .await
    }

    async fn list_record(
        &self,
        scope: &Scope,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(organizations::list_record(tx, scope, before, limit))
            })
            .await
    }
}
