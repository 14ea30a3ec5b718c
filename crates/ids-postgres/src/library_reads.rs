//! Reading what belongs to no single document: organizations, collections, sums, bytes without an owner.

use std::collections::HashSet;

use ids_core::document::{BlobKey, DocumentStatus};
use ids_core::id::{OrganizationId, VersionId};
use ids_core::ports::{CollectionSummary, LibraryCounts};
use ids_core::scope::Scope;
use uuid::Uuid;

use crate::error::DbResult;
use crate::rows::{Columns, Id};
use crate::scope_sql::Conditions;
use crate::transaction::Tx;

/// `DocumentStore::list_organizations`.
pub(crate) async fn list_organizations(tx: &Tx<'_>) -> DbResult<Vec<OrganizationId>> {
    let rows = tx
        .query(
            "select organization_id from organizations order by organization_id",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| Columns::new(row, "organizations").id())
        .collect()
}

/// `DocumentStore::ping`: reads a table, so that a database without one is no healthy one.
pub(crate) async fn ping(tx: &Tx<'_>) -> DbResult<()> {
    tx.query_opt("select 1 from organizations limit 1", &[]).await?;
    Ok(())
}

/// A processed upload names no bytes any more: its version does, wherever they were moved.
pub(crate) async fn list_unknown_blobs(
    tx: &Tx<'_>,
    scope: &Scope,
    keys: &[BlobKey],
) -> DbResult<Vec<BlobKey>> {
    let asked: Vec<&str> = keys.iter().map(|key| key.0.as_str()).collect();
    let of_versions: Vec<Uuid> = keys
        .iter()
        .filter_map(BlobKey::version)
        .map(Id::to_uuid)
        .collect();
    // What is being moved is not named yet; a duplicate, which ended before it was completed, names nothing any more.
    let there = tx
        .query(
            "select version_id from versions
             where organization_id = $1 and version_id = any($2) and stage <> 'completed' and blob_key is not null",
            &[&scope.organization.to_uuid(), &of_versions],
        )
        .await?;
    let there: HashSet<VersionId> = there
        .iter()
        .map(|row| Columns::new(row, "versions").id())
        .collect::<DbResult<_>>()?;
    let rows = tx
        .query(
            "select blob_key from versions where organization_id = $1 and blob_key = any($2)
             union
             select blob_key from uploads where organization_id = $1 and blob_key = any($2) and state <> 'processed'",
            &[&scope.organization.to_uuid(), &asked],
        )
        .await?;
    let mut known = HashSet::new();
    for row in rows {
        known.insert(row.try_get::<_, String>(0)?);
    }
    Ok(keys
        .iter()
        .filter(|key| !known.contains(&key.0))
        .filter(|key| key.version().is_none_or(|version| !there.contains(&version)))
        .cloned()
        .collect())
}

pub(crate) async fn list_collections(tx: &Tx<'_>, scope: &Scope) -> DbResult<Vec<CollectionSummary>> {
    let rows = tx
        .query(
            "select c.name, (select count(*) from documents d where d.collection_no = c.collection_no)
             from collections c where c.organization_id = $1 order by c.name",
            &[&scope.organization.to_uuid()],
        )
        .await?;
    let mut collections = Vec::new();
    for row in &rows {
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

pub(crate) async fn library_counts(tx: &Tx<'_>, scope: &Scope) -> DbResult<LibraryCounts> {
    let conditions = Conditions::in_scope(scope);
    let mut counts = LibraryCounts::default();
    let sql = format!(
        "select d.status, count(*) from documents d join collections c on c.collection_no = d.collection_no
         where {} group by d.status",
        conditions.sql()
    );
    for row in &tx.query(&sql, &conditions.values()).await? {
        let mut columns = Columns::new(row, "documents");
        counts
            .documents
            .push((columns.document_status()?, columns.count()?));
    }
    counts
        .documents
        .sort_by_key(|(status, _)| DocumentStatus::ALL.iter().position(|known| known == status));
    let sql = format!(
        "select coalesce(sum(v.page_count), 0)::int8, coalesce(sum(v.chunk_count), 0)::int8,
                coalesce(sum(v.embedded_count), 0)::int8, coalesce(sum(v.file_size), 0)::int8
         from documents d join collections c on c.collection_no = d.collection_no
         join versions v on v.version_no = d.visible_version_no where {}",
        conditions.sql()
    );
    let row = tx.query_one(&sql, &conditions.values()).await?;
    let mut columns = Columns::new(&row, "versions");
    counts.pages = columns.count()?;
    counts.chunks = columns.count()?;
    counts.embeddings = columns.count()?;
    counts.bytes = columns.count()?;
    Ok(counts)
}
