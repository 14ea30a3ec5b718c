//! Brings a file to the schema of this binary, one forward-only migration after the other.

use std::path::{Path, PathBuf};

use ids_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use crate::database::copy_file;
use crate::error::{DbError, DbResult, OpenError};

/// One step of the schema. Never edited once released: its checksum is kept in every library.
struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "create_library",
        sql: include_str!("../migrations/0001_create_library.sql"),
    },
    Migration {
        version: 2,
        name: "create_sessions",
        sql: include_str!("../migrations/0002_create_sessions.sql"),
    },
    Migration {
        version: 3,
        name: "add_access",
        sql: include_str!("../migrations/0003_add_access.sql"),
    },
    Migration {
        version: 4,
        name: "create_backups",
        sql: include_str!("../migrations/0004_create_backups.sql"),
    },
    Migration {
        version: 5,
        name: "add_budget",
        sql: include_str!("../migrations/0005_add_budget.sql"),
    },
    Migration {
        version: 6,
        name: "add_members",
        sql: include_str!("../migrations/0006_add_members.sql"),
    },
    Migration {
        version: 7,
        name: "add_recognized_words",
        sql: include_str!("../migrations/0007_add_recognized_words.sql"),
    },
    Migration {
        version: 8,
        name: "add_feedback",
        sql: include_str!("../migrations/0008_add_feedback.sql"),
    },
    Migration {
        version: 9,
        name: "add_kept_hash",
        sql: include_str!("../migrations/0009_add_kept_hash.sql"),
    },
    Migration {
        version: 10,
        name: "add_usage_kind",
        sql: include_str!("../migrations/0010_add_usage_kind.sql"),
    },
];

/// Marks the file as ours (`file` and SQLite tools show it): the letters `idsL`.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"idsL");

const CREATE_LIST: &str = "create table schema_migrations (
    version integer not null constraint schema_migrations_key primary key,
    name text not null,
    checksum blob not null,
    applied_at integer not null
) strict";

/// The newest migration of this binary.
pub fn known_version() -> u32 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// Looks whether the file is new, or a library that this binary can use or upgrade; changes nothing. Gives its schema.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<u32, OpenError> {
    let known = known_version();
    let found = schema_version(connection, path)?;
    if found > known {
        return Err(OpenError::TooNew {
            path: path.to_owned(),
            found,
            known,
        });
    }
    if found > 0 {
        check_checksums(connection, path)?;
    }
    Ok(found)
}

/// Brings the file behind `connection` to the newest schema.
///
/// A file of an older schema is copied first, to `<path>.before-<version>`.
pub(crate) fn migrate(connection: &mut Connection, path: &Path, now: Timestamp) -> Result<(), OpenError> {
    let failed = |error: DbError| OpenError::of(path, error);
    let known = known_version();
    let found = check(connection, path)?;
    if found == known {
        return Ok(());
    }
    if found > 0 {
        let copy = copy_path(path, found);
        copy_file(connection, &copy).map_err(failed)?;
        tracing::info!(
            schema.found = found,
            schema.known = known,
            "copied the library before its upgrade"
        );
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found) {
        apply(connection, migration, now).map_err(failed)?;
    }
    Ok(())
}

fn copy_path(path: &Path, version: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-{}", version + 1));
    PathBuf::from(name)
}

/// The schema of the file; 0 for a new one.
fn schema_version(connection: &Connection, path: &Path) -> Result<u32, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::of(path, error.into());
    let application: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(failed)?;
    let tables: i64 = connection
        .query_row(
            "select count(*) from sqlite_schema where type = 'table'",
            [],
            |row| row.get(0),
        )
        .map_err(failed)?;
    if tables == 0 {
        return Ok(0);
    }
    if application != APPLICATION_ID {
        return Err(OpenError::NotALibrary {
            path: path.to_owned(),
        });
    }
    let version: Option<u32> = connection
        .query_row("select max(version) from schema_migrations", [], |row| row.get(0))
        .optional()
        .map_err(failed)?
        .flatten();
    Ok(version.unwrap_or(0))
}

fn check_checksums(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::of(path, error.into());
    let mut statement = connection
        .prepare("select version, checksum from schema_migrations order by version")
        .map_err(failed)?;
    let applied = statement
        .query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failed)?;
    for (version, checksum) in applied {
        let same = MIGRATIONS
            .iter()
            .any(|migration| migration.version == version && checksum_of(migration) == checksum.as_slice());
        if !same {
            return Err(OpenError::MigrationChanged {
                path: path.to_owned(),
                version,
            });
        }
    }
    Ok(())
}

fn apply(connection: &mut Connection, migration: &Migration, now: Timestamp) -> DbResult<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if migration.version == 1 {
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.execute(CREATE_LIST, [])?;
    }
    tx.execute_batch(migration.sql)?;
    tx.execute(
        "insert into schema_migrations (version, name, checksum, applied_at) values (?1, ?2, ?3, ?4)",
        params![
            migration.version,
            migration.name,
            checksum_of(migration).as_slice(),
            now.as_micros()
        ],
    )?;
    tx.commit()?;
    Ok(())
}

fn checksum_of(migration: &Migration) -> [u8; 32] {
    Sha256::digest(migration.sql.as_bytes()).into()
}
