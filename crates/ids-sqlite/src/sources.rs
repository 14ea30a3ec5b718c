//! Which files are documents, and where they lie.

use ids_core::document::SourcePath;
use ids_core::id::DocumentId;
use ids_core::ports::SourceFile;
use ids_core::scope::{CollectionName, Scope};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use crate::database::WriteTx;
use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id, as_integer};
use crate::scope_sql::Conditions;
use crate::{documents, versions};

/// `DocumentStore::list_sources`.
pub(crate) fn list(
    tx: &Connection,
    scope: &Scope,
    collection: &CollectionName,
    folder: &SourcePath,
    after: Option<&SourcePath>,
    limit: usize,
) -> DbResult<Vec<SourceFile>> {
    let (from, to) = folder.below();
    let mut conditions = Conditions::in_scope(scope);
    conditions.and(
        "c.name = ? and d.source_path >= ? and d.source_path < ?",
        [collection.as_str().to_owned(), from, to].map(Value::Text),
    );
    if let Some(after) = after {
        conditions.and("d.source_path > ?", [Value::Text(after.0.clone())]);
    }
    let sql = format!(
        "select d.source_path, d.document_id, v.file_hash, v.file_size from documents d
         join collections c on c.collection_no = d.collection_no
         join versions v on v.version_no = d.newest_version_no where {} order by d.source_path limit ?",
        conditions.sql()
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let limit = [Value::Integer(as_integer(limit))];
    let mut rows = statement.query(params_from_iter(conditions.values_with(limit)))?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "documents");
        files.push(SourceFile {
            source: SourcePath(columns.get()?),
            document_id: columns.id()?,
            file_hash: columns.hash()?,
            file_size: columns.count()?,
        });
    }
    Ok(files)
}

/// `DocumentStore::move_source`.
pub(crate) fn change(
    tx: &mut WriteTx<'_>,
    scope: &Scope,
    document_id: DocumentId,
    source: &SourcePath,
    filename: &str,
) -> DbResult<()> {
    documents::find(tx, scope, document_id)?.ok_or(DbError::NOT_FOUND)?;
    let id = document_id.to_blob();
    let moved = tx.execute(
        "update documents set source_path = ?2 where document_id = ?1 and source_path is not null",
        params![id, source.0],
    )?;
    if moved == 0 {
        return Err(DbError::NOT_FOUND);
    }
    tx.execute(
        "update versions set filename = ?2 where document_id = ?1",
        params![id, filename],
    )?;
    versions::refresh_shown(tx, document_id)
}
