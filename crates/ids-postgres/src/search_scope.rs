//! Which versions a search goes over.

use ids_core::chunk::Filter;
use ids_core::scope::{CollectionAccess, Scope};

use crate::error::DbResult;
use crate::rows::Columns;
use crate::scope_sql::Conditions;
use crate::transaction::Tx;

/// The visible versions that a scope and a filter leave.
pub(crate) enum Visible {
    /// All of the organization's.
    All,
    /// These, by rising first chunk.
    Only(Vec<VisibleVersion>),
}

/// A visible version with chunks, as far as a search goes.
pub(crate) struct VisibleVersion {
    pub(crate) version_no: i64,
    pub(crate) first_chunk_id: i64,
    pub(crate) chunk_count: i64,
    /// Chunks with a vector, by whichever model.
    pub(crate) embedded_count: i64,
}

/// Looks which versions they are.
pub(crate) async fn visible(tx: &Tx<'_>, scope: &Scope, filter: &Filter) -> DbResult<Visible> {
    let whole = match scope.collections {
        CollectionAccess::All => filter.is_empty(),
        CollectionAccess::Only(_) => false,
    };
    if whole {
        return Ok(Visible::All);
    }
    let conditions = Conditions::in_scope(scope).filtered(filter);
    let sql = format!(
        "select v.version_no, v.first_chunk_id, v.chunk_count, v.embedded_count
         from documents d
         join collections c on c.collection_no = d.collection_no
         join versions v on v.version_no = d.visible_version_no
         where {} and v.first_chunk_id is not null and v.chunk_count > 0
         order by v.first_chunk_id",
        conditions.sql()
    );
    let mut versions = Vec::new();
    for row in tx.query(&sql, &conditions.values()).await? {
        let mut columns = Columns::new(&row, "versions");
        versions.push(VisibleVersion {
            version_no: columns.get()?,
            first_chunk_id: columns.get()?,
            chunk_count: columns.get::<i32>()?.into(),
            embedded_count: columns.get::<i32>()?.into(),
        });
    }
    Ok(Visible::Only(versions))
}
