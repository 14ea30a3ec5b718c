//! The tables of a schema as a backup sees them: found in the catalog, so that a new one cannot be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::GenericClient;

use crate::error::DbResult;

/// A table, and what its rows are told apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupTable {
    /// Its name.
    pub name: String,
    /// The columns that are stored, and not computed, in order.
    pub columns: Vec<String>,
    /// Whose its rows are.
    pub belongs: Belongs,
}

/// Whose rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belongs {
    /// Nobody's: they are read at once.
    ToNobody,
    /// Told by `organization_id`.
    ToOrganizationId,
    /// Told by `organization_no`.
    ToOrganizationNo,
}

/// All tables, those that others refer to first.
///
/// Whose rows are is told by columns, not by whether row level security is on: a role that passes by it must not get the rows of all
/// organizations once for each of them.
pub(crate) async fn list(client: &impl GenericClient, schema: &str) -> DbResult<Vec<BackupTable>> {
    let rows = client
        .query(include_str!("../queries/list_tables.sql"), &[&schema])
        .await?;
    let mut tables = BTreeMap::new();
    let mut parents: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let name: String = row.try_get(0)?;
        let is_guarded: bool = row.try_get(1)?;
        let columns: Vec<String> = row.try_get(2)?;
        let has = |column: &str| columns.iter().any(|it| it == column);
        // Without the guard, rows that name an organization are read with all others: deliveries, the organizations themselves.
        let belongs = match is_guarded {
            true if has("organization_id") => Belongs::ToOrganizationId,
            true if has("organization_no") => Belongs::ToOrganizationNo,
            true => return Err(crate::error::DbError::row("pg_class", name)),
            false => Belongs::ToNobody,
        };
        let above: Vec<String> = row.try_get(3)?;
        parents.insert(name.clone(), above.into_iter().collect());
        tables.insert(
            name.clone(),
            BackupTable {
                name,
                columns,
                belongs,
            },
        );
    }
    let mut ordered = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let free = tables
            .keys()
            .find(|name| {
                let above = parents.get(*name);
                above.is_none_or(|above| !above.iter().any(|parent| tables.contains_key(parent)))
            })
            // Two that refer to each other could not be filled row by row; the migrations make none.
            .or(tables.keys().next())
            .cloned();
        ordered.extend(free.and_then(|name| tables.remove(&name)));
    }
    Ok(ordered)
}
