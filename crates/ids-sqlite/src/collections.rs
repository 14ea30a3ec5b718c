//! Collections: the shelves that documents stand on.

use ids_core::id::OrganizationId;
use ids_core::ports::CollectionSummary;
use ids_core::scope::{CollectionName, Scope};
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::WriteTx;
use crate::error::{DbError, DbResult};
use crate::organizations;
use crate::rows::{Columns, Id};

/// The number of a collection, which is made where it is not there.
pub(crate) fn ensure_number(
    tx: &WriteTx<'_>,
    organization: OrganizationId,
    name: &CollectionName,
) -> DbResult<i64> {
    organizations::require(tx, organization)?;
    let now = tx.now().as_micros();
    tx.prepare_cached(
        "insert into collections (organization_id, name, created_at) values (?1, ?2, ?3)
         on conflict (organization_id, name) do nothing",
    )?
    .execute(params![organization.to_blob(), name.as_str(), now])?;
    find_number(tx, organization, name)?.ok_or(DbError::INTERNAL)
}

fn find_number(
    tx: &Connection,
    organization: OrganizationId,
    name: &CollectionName,
) -> DbResult<Option<i64>> {
    Ok(tx
        .prepare_cached("select collection_no from collections where organization_id = ?1 and name = ?2")?
        .query_row(params![organization.to_blob(), name.as_str()], |row| row.get(0))
        .optional()?)
}

/// `DocumentStore::ensure_collection`.
pub(crate) fn ensure(tx: &WriteTx<'_>, scope: &Scope, name: &CollectionName) -> DbResult<()> {
    if !scope.allows(name) {
        return Err(DbError::NOT_FOUND);
    }
    ensure_number(tx, scope.organization, name)?;
    Ok(())
}

/// `DocumentStore::delete_collection`.
pub(crate) fn delete(tx: &WriteTx<'_>, scope: &Scope, name: &CollectionName) -> DbResult<()> {
    if !scope.allows(name) {
        return Err(DbError::NOT_FOUND);
    }
    let number = find_number(tx, scope.organization, name)?.ok_or(DbError::NOT_FOUND)?;
    let removed = tx.execute(
        "delete from collections where collection_no = ?1
         and not exists (select 1 from documents d where d.collection_no = ?1)",
        [number],
    )?;
    if removed == 1 {
        Ok(())
    } else {
        Err(DbError::CONFLICT)
    }
}

/// `DocumentStore::list_collections`.
pub(crate) fn list(tx: &Connection, scope: &Scope) -> DbResult<Vec<CollectionSummary>> {
    let mut statement = tx.prepare_cached(
        "select c.name, (select count(*) from documents d where d.collection_no = c.collection_no)
         from collections c where c.organization_id = ?1 order by c.name",
    )?;
    let mut rows = statement.query([scope.organization.to_blob()])?;
    let mut collections = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "collections");
        let summary = CollectionSummary {
            name: columns.collection()?,
            documents: columns.count()?,
        };
        if scope.allows(&summary.name) {
            collections.push(summary);
        }
    }
    Ok(collections)
}
