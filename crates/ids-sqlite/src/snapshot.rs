//! A library as it is at one moment, read beside whoever has it open: for a backup.
//!
//! SQLite's own locks stand between processes. A read transaction sees one moment for as long as it lasts, and neither waits for the
//! writer nor makes it wait; only the log grows meanwhile. Nothing of what a process holds in memory beside the file is touched.

use std::collections::BTreeMap;
use std::path::Path;

use ids_core::backup::{BytesNeed, NamedBytes};
use ids_core::document::{BlobKey, ContentHash};
use ids_core::error::{StoreError, StoreErrorKind};
use ids_core::ports::RecordedBackup;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::database::{BUSY_TIMEOUT, copy_file};
use crate::error::{DbResult, OpenError};
use crate::rows::Columns;
use crate::{backups, migrate};

/// Rows of a table: of all, and of each organization by its id.
pub type RowCounts = BTreeMap<String, (u64, BTreeMap<String, u64>)>;

/// One moment of a library. Dropped, it ends.
pub struct SqliteSnapshot {
    connection: Connection,
    schema_version: u32,
}

impl SqliteSnapshot {
    /// The newest schema that this binary knows: backups of newer ones cannot be taken back.
    pub fn newest_schema() -> u32 {
        migrate::known_version()
    }

    /// Takes the moment. Blocks: call it off the runtime, as all else here.
    ///
    /// # Errors
    /// See [`OpenError`]; `TooNew` when the file is a newer binary's, `NotALibrary` when it is none.
    pub fn begin(path: &Path) -> Result<Self, OpenError> {
        let (connection, schema_version) = open(path)?;
        let begun = connection
            .pragma_update(None, "query_only", true)
            .and_then(|()| connection.execute_batch("begin"))
            // A transaction has its moment from its first look on.
            .and_then(|()| connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(())));
        begun.map_err(|error| OpenError::of(path, error.into()))?;
        Ok(Self {
            connection,
            schema_version,
        })
    }

    /// The number of the newest migration.
    pub fn schema_version(&self) -> u32 {
        self.schema_version
    }

    /// Bytes that the rows name.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    pub fn named_bytes(&self) -> Result<Vec<NamedBytes>, StoreError> {
        Ok(named_bytes(&self.connection)?)
    }

    /// The newest backup that is known here; none in a library of a version before there was a list of them.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    pub fn latest_backup(&self) -> Result<Option<RecordedBackup>, StoreError> {
        if !has_list_of_backups(&self.connection)? {
            return Ok(None);
        }
        Ok(backups::latest(&self.connection)?)
    }

    /// Copies the whole library into a new file.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    pub fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        copy_file(&self.connection, path)?;
        Ok(())
    }

    /// Rows of each table.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn count(&self) -> Result<RowCounts, StoreError> {
        Ok(count(&self.connection)?)
    }

    /// Looks at every page of the file.
    ///
    /// # Errors
    /// `Corrupt` when one is not as it should be.
    pub fn check(&self) -> Result<(), StoreError> {
        let said: String = self
            .connection
            .query_row("pragma quick_check(1)", [], |row| row.get(0))
            .map_err(crate::error::DbError::from)?;
        if said == "ok" {
            Ok(())
        } else {
            Err(StoreError::with_source(StoreErrorKind::Corrupt, said))
        }
    }
}

/// Folds the log of a library into its file. Nobody else may have it open.
///
/// # Errors
/// See [`OpenError`].
pub fn fold_log(path: &Path) -> Result<(), OpenError> {
    let (connection, _) = open(path)?;
    connection
        .query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
        .map_err(|error| OpenError::of(path, error.into()))
}

/// Notes a backup in the library of `path`, beside whoever has it open. `false` where the library is of an older version, which has no
/// list of them: a process of that version runs, and its library is not changed behind its back.
///
/// # Errors
/// See [`OpenError`].
pub fn record_beside(path: &Path, backup: &RecordedBackup) -> Result<bool, OpenError> {
    let (connection, _) = open(path)?;
    let write = || -> DbResult<bool> {
        let has_list = has_list_of_backups(&connection)?;
        if has_list {
            backups::record(&connection, backup)?;
        }
        Ok(has_list)
    };
    write().map_err(|error| OpenError::of(path, error))
}

fn has_list_of_backups(connection: &Connection) -> DbResult<bool> {
    let found = connection
        .query_row("select 1 from sqlite_schema where name = 'backups'", [], |_| {
            Ok(())
        })
        .optional()?;
    Ok(found.is_some())
}

fn open(path: &Path) -> Result<(Connection, u32), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::of(path, error.into());
    // Not made where there is none, and not read only: the log's index beside the file must be made where nobody else has it open.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let schema_version = migrate::check(&connection, path)?;
    if schema_version == 0 {
        return Err(OpenError::NotALibrary {
            path: path.to_owned(),
        });
    }
    Ok((connection, schema_version))
}

fn named_bytes(connection: &Connection) -> DbResult<Vec<NamedBytes>> {
    let mut statement = connection.prepare(include_str!("../queries/list_named_bytes.sql"))?;
    let mut rows = statement.query([])?;
    let mut named = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "versions");
        let key = BlobKey(columns.get()?);
        let organization = columns.id()?;
        let version_id = columns.optional_id()?;
        let hash: Option<ContentHash> = columns.optional_hash()?;
        let file_size: i64 = columns.get()?;
        let is_in_work: bool = columns.get()?;
        named.push(NamedBytes {
            key,
            organization,
            hash,
            file_size: file_size.unsigned_abs(),
            need: match (&version_id, is_in_work) {
                (None, _) => BytesNeed::Upload,
                (Some(_), true) => BytesNeed::Work,
                (Some(_), false) => BytesNeed::Original,
            },
            version_id,
        });
    }
    Ok(named)
}

/// Of ordinary tables; those behind the full-text index are counted by their parts.
fn count(connection: &Connection) -> DbResult<RowCounts> {
    let mut statement = connection.prepare(
        "select t.name, exists (select 1 from pragma_table_info(t.name) where name = 'organization_id')
         from sqlite_schema t where t.type = 'table' and t.sql not like 'create virtual%' and t.name not like 'sqlite_%'
         order by t.name",
    )?;
    let tables = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut counts = RowCounts::new();
    for (table, is_owned) in tables {
        let mut by_organization = BTreeMap::new();
        let total: u64 = if is_owned {
            let sql = format!("select organization_id, count(*) from \"{table}\" group by 1");
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            let mut total = 0;
            while let Some(row) = rows.next()? {
                let mut columns = Columns::new(row, "organizations");
                let organization: ids_core::id::OrganizationId = columns.id()?;
                let count: i64 = columns.get()?;
                by_organization.insert(organization.to_string(), count.unsigned_abs());
                total += count.unsigned_abs();
            }
            total
        } else {
            let sql = format!("select count(*) from \"{table}\"");
            let count: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
            count.unsigned_abs()
        };
        counts.insert(table, (total, by_organization));
    }
    Ok(counts)
}
