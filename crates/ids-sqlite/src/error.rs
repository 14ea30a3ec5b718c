//! Errors of SQLite in the words of the domain.

use std::path::PathBuf;

use ids_core::error::{StoreError, StoreErrorKind};
use rusqlite::ErrorCode;

/// Why a library could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Made by a newer `ids`.
    #[error(
        "the library `{path}` was made by a newer version of ids (its schema is {found}, this one knows {known}); \
         use that version, or restore the copy made before the upgrade"
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: u32,
        /// The newest schema of this binary.
        known: u32,
    },
    /// A file of something else.
    #[error("`{path}` is no library of ids; choose another data directory")]
    NotALibrary {
        /// The file.
        path: PathBuf,
    },
    /// Written by a build whose migrations were other ones.
    #[error(
        "migration {version} of the library `{path}` is not the one this version of ids knows; restore a backup"
    )]
    MigrationChanged {
        /// The file.
        path: PathBuf,
        /// The number of the migration.
        version: u32,
    },
    /// No space is left.
    #[error("the disk of the library `{path}` is full; free some space and try again")]
    Full {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
    /// Damaged.
    #[error("the library `{path}` is damaged; restore a backup")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
    /// Cannot be read or written.
    #[error("the library `{path}` cannot be opened; check that the folder exists and may be written to")]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl OpenError {
    pub(crate) fn of(path: &std::path::Path, error: DbError) -> Self {
        let path = path.to_owned();
        match error {
            DbError::Sqlite(source) => match source.sqlite_error_code() {
                Some(ErrorCode::NotADatabase) => Self::NotALibrary { path },
                Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, source },
                Some(ErrorCode::DiskFull) => Self::Full { path, source },
                _ => Self::Unavailable {
                    path,
                    source: source.into(),
                },
            },
            other => Self::Unavailable {
                path,
                source: StoreError::from(other).into(),
            },
        }
    }
}

/// What goes wrong inside a unit of work.
#[derive(Debug)]
pub(crate) enum DbError {
    /// The domain's own answer.
    Store(StoreErrorKind),
    /// A row that cannot be what was written: its table, and what identifies it.
    Row { table: &'static str, id: String },
    /// Everything else.
    Sqlite(rusqlite::Error),
}

pub(crate) type DbResult<T> = Result<T, DbError>;

impl DbError {
    pub(crate) const NOT_FOUND: Self = Self::Store(StoreErrorKind::NotFound);
    pub(crate) const CONFLICT: Self = Self::Store(StoreErrorKind::Conflict);
    pub(crate) const LEASE_LOST: Self = Self::Store(StoreErrorKind::LeaseLost);
    pub(crate) const INTERNAL: Self = Self::Store(StoreErrorKind::Internal);

    pub(crate) fn row(table: &'static str, id: impl ToString) -> Self {
        Self::Row {
            table,
            id: id.to_string(),
        }
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Store(kind) => Self::new(kind),
            DbError::Row { table, id } => Self::with_source(
                StoreErrorKind::Corrupt,
                format!("a row of `{table}` cannot be decoded (`{id}`)"),
            ),
            DbError::Sqlite(source) => Self::with_source(kind_of(&source), source),
        }
    }
}

fn kind_of(error: &rusqlite::Error) -> StoreErrorKind {
    use rusqlite::Error as E;
    match error {
        E::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DiskFull => StoreErrorKind::Full,
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory
            | ErrorCode::FileLockingProtocolFailed => StoreErrorKind::Unavailable,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreErrorKind::Corrupt,
            ErrorCode::ConstraintViolation => StoreErrorKind::Conflict,
            _ => StoreErrorKind::Internal,
        },
        E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::Utf8Error(..)
        | E::InvalidColumnType(..) => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Internal,
    }
}
