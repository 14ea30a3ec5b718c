//! Which files are documents, and where they lie.

use ids_core::document::SourcePath;
use ids_core::id::DocumentId;
use ids_core::ports::SourceFile;
use ids_core::scope::{CollectionName, Scope};

use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id, as_integer, storable};
use crate::scope_sql::{Conditions, value};
use crate::transaction::Tx;
use crate::{documents, versions};

/// `DocumentStore::list_sources`.
pub(crate) async fn list(
    tx: &Tx<'_>,
    scope: &Scope,
    collection: &CollectionName,
    folder: &SourcePath,
    after: Option<&SourcePath>,
    limit: usize,
) -> DbResult<Vec<SourceFile>> {
    let (from, to) = folder.below();
    let mut conditions = Conditions::in_scope(scope);
    // By bytes, whatever language the database sorts in.
    conditions.and(
        "c.name = ? and d.source_path collate \"C\" >= ? and d.source_path collate \"C\" < ?",
        [value(collection.as_str().to_owned()), value(from), value(to)],
    );
    if let Some(after) = after {
        conditions.and("d.source_path collate \"C\" > ?", [value(after.0.clone())]);
    }
    let limit = conditions.bind(value(as_integer(limit)));
    let sql = format!(
        "select d.source_path, d.document_id, v.file_hash, v.file_size from documents d
         join collections c on c.collection_no = d.collection_no
         join versions v on v.version_no = d.newest_version_no
         where {} order by d.source_path collate \"C\" limit {limit}",
        conditions.sql()
    );
    let rows = tx.query(&sql, &conditions.values()).await?;
    rows.iter()
        .map(|row| {
            let mut columns = Columns::new(row, "documents");
            Ok(SourceFile {
                source: SourcePath(columns.get()?),
                document_id: columns.id()?,
                file_hash: columns.hash()?,
                file_size: columns.count()?,
            })
        })
        .collect()
}

/// `DocumentStore::move_source`.
pub(crate) async fn change(
    tx: &Tx<'_>,
    scope: &Scope,
    document_id: DocumentId,
    source: &SourcePath,
    filename: &str,
) -> DbResult<()> {
    documents::lock(tx, scope.organization, document_id).await?;
    documents::find(tx, scope, document_id)
        .await?
        .ok_or(DbError::NOT_FOUND)?;
    let (organization, id) = (scope.organization.to_uuid(), document_id.to_uuid());
    let moved = tx
        .execute(
            "update documents set source_path = $3
             where organization_id = $1 and document_id = $2 and source_path is not null",
            &[&organization, &id, &source.0],
        )
        .await?;
    if moved == 0 {
        return Err(DbError::NOT_FOUND);
    }
    tx.execute(
        "update versions set filename = $3 where organization_id = $1 and document_id = $2",
        &[&organization, &id, &storable(filename)],
    )
    .await?;
    versions::refresh_shown(tx, scope.organization, document_id).await
}
