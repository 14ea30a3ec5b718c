//! Reading what belongs to no single document: organizations, sums, bytes without an owner.

use ids_core::document::{BlobKey, DocumentStatus};
use ids_core::id::OrganizationId;
use ids_core::ports::LibraryCounts;
use ids_core::scope::Scope;
use rusqlite::{Connection, params, params_from_iter};

use crate::error::DbResult;
use crate::rows::{Columns, Id};
use crate::scope_sql::Conditions;

/// `DocumentStore::list_organizations`.
pub(crate) fn list_organizations(tx: &Connection) -> DbResult<Vec<OrganizationId>> {
    let mut statement =
        tx.prepare_cached("select organization_id from organizations order by organization_id")?;
    let mut rows = statement.query([])?;
    let mut organizations = Vec::new();
    while let Some(row) = rows.next()? {
        organizations.push(Columns::new(row, "organizations").id()?);
    }
    Ok(organizations)
}

/// A processed upload names no bytes any more: its version does, wherever they were moved.
pub(crate) fn list_unknown_blobs(tx: &Connection, scope: &Scope, keys: &[BlobKey]) -> DbResult<Vec<BlobKey>> {
    // What is being moved is not named yet; a duplicate, which ended before it was completed, names nothing any more.
    let mut known = tx.prepare_cached(
        "select exists (select 1 from versions where blob_key = ?1 and organization_id = ?2)
             or exists (select 1 from versions
                        where version_id = ?3 and organization_id = ?2 and stage <> 'completed' and blob_key is not null)
             or exists (select 1 from uploads where blob_key = ?1 and organization_id = ?2 and state <> 'processed')",
    )?;
    let mut unknown = Vec::new();
    for key in keys {
        let version = key.version().map(Id::to_blob);
        let asked = params![key.0, scope.organization.to_blob(), version];
        if !known.query_row(asked, |row| row.get::<_, bool>(0))? {
            unknown.push(key.clone());
        }
    }
    Ok(unknown)
}

pub(crate) fn library_counts(tx: &Connection, scope: &Scope) -> DbResult<LibraryCounts> {
    let conditions = Conditions::in_scope(scope);
    let mut counts = LibraryCounts::default();
    let sql = format!(
        "select d.status, count(*) from documents d join collections c on c.collection_no = d.collection_no
         where {} group by d.status",
        conditions.sql()
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(conditions.values_with([])))?;
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "documents");
        counts
            .documents
            .push((columns.document_status()?, columns.count()?));
    }
    counts
        .documents
        .sort_by_key(|(status, _)| DocumentStatus::ALL.iter().position(|known| known == status));
    let sql = format!(
        "select coalesce(sum(v.page_count), 0), coalesce(sum(v.chunk_count), 0), coalesce(sum(v.embedded_count), 0),
                coalesce(sum(v.file_size), 0)
         from documents d join collections c on c.collection_no = d.collection_no
         join versions v on v.version_no = d.visible_version_no where {}",
        conditions.sql()
    );
    let sums: [i64; 4] = tx
        .prepare_cached(&sql)?
        .query_row(params_from_iter(conditions.values_with([])), |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
        })?;
    [counts.pages, counts.chunks, counts.embeddings, counts.bytes] = sums.map(i64::unsigned_abs);
    Ok(counts)
}
