//! Collections: the shelves that documents stand on.

use ids_core::id::OrganizationId;
use ids_core::scope::{CollectionName, Scope};

use crate::error::{DbError, DbResult};
use crate::organizations;
use crate::rows::Id;
use crate::transaction::Tx;

/// The number of a collection, which is made where there is none, and stays until this transaction ends.
pub(crate) async fn ensure(
    tx: &Tx<'_>,
    organization: OrganizationId,
    name: &CollectionName,
) -> DbResult<i64> {
    organizations::require(tx, organization).await?;
    // Removed by another transaction between our insert and our look at it, it is made again.
    for _ in 0..3 {
        if let Some(collection_no) = find_and_hold(tx, organization, name).await? {
            return Ok(collection_no);
        }
        tx.execute(
            "insert into collections (organization_id, name, created_at) values ($1, $2, $3)
             on conflict on constraint collections_name_unique do nothing",
            &[&organization.to_uuid(), &name.as_str(), &tx.now().as_micros()],
        )
        .await?;
    }
    find_and_hold(tx, organization, name)
        .await?
        .ok_or(DbError::CONFLICT)
}

async fn find_and_hold(
    tx: &Tx<'_>,
    organization: OrganizationId,
    name: &CollectionName,
) -> DbResult<Option<i64>> {
    let row = tx
        .query_opt(
            "select collection_no from collections where organization_id = $1 and name = $2 for key share",
            &[&organization.to_uuid(), &name.as_str()],
        )
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// `DocumentStore::ensure_collection`.
pub(crate) async fn ensure_in_scope(tx: &Tx<'_>, scope: &Scope, name: &CollectionName) -> DbResult<()> {
    if !scope.allows(name) {
        return Err(DbError::NOT_FOUND);
    }
    ensure(tx, scope.organization, name).await.map(drop)
}

/// `DocumentStore::delete_collection`.
pub(crate) async fn delete(tx: &Tx<'_>, scope: &Scope, name: &CollectionName) -> DbResult<()> {
    if !scope.allows(name) {
        return Err(DbError::NOT_FOUND);
    }
    // A document that is just being put in holds the collection: the foreign key then refuses, which is `Conflict` too.
    let row = tx
        .query_opt(
            "select c.collection_no, exists (select 1 from documents d where d.collection_no = c.collection_no)
             from collections c where c.organization_id = $1 and c.name = $2 for update of c",
            &[&scope.organization.to_uuid(), &name.as_str()],
        )
        .await?
        .ok_or(DbError::NOT_FOUND)?;
    let (collection_no, is_used): (i64, bool) = (row.try_get(0)?, row.try_get(1)?);
    if is_used {
        return Err(DbError::CONFLICT);
    }
    tx.execute(
        "delete from collections where organization_id = $1 and collection_no = $2",
        &[&scope.organization.to_uuid(), &collection_no],
    )
    .await?;
    Ok(())
}
