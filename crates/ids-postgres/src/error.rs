//! Errors of PostgreSQL in the words of the domain. What the server says may quote stored values, so only codes and the names
//! of constraints are kept of it.

use std::error::Error as StdError;
use std::fmt;

use deadpool_postgres::PoolError;
use ids_core::error::{StoreError, StoreErrorKind};
use tokio_postgres::error::SqlState;

type Source = Box<dyn StdError + Send + Sync>;

/// Why a library could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Made by a newer `ids` whose tables this one cannot use.
    #[error(
        "the database was made by a newer version of ids (its schema is {found}, this one knows {known}); use that version, or \
         restore the backup made before the upgrade"
    )]
    TooNew {
        /// The schema of the database.
        found: u32,
        /// The newest schema of this binary.
        known: u32,
    },
    /// Written by a build whose migrations were other ones.
    #[error("migration {version} of the database is not the one this version of ids knows; restore a backup")]
    MigrationChanged {
        /// The number of the migration.
        version: u32,
    },
    /// A migration did not run.
    #[error("migration {version} of the database failed; nothing of it was kept")]
    MigrationFailed {
        /// The number of the migration.
        version: u32,
        /// The cause.
        #[source]
        source: Source,
    },
    /// A name that would have to be quoted.
    #[error(
        "`{schema}` cannot be the schema; use lower case letters, digits and `_`, at most 63, not beginning with `pg_`"
    )]
    BadSchemaName {
        /// The name.
        schema: String,
    },
    /// pgvector is not installed on the server.
    #[error(
        "the server has no pgvector; install the package (such as `postgresql-18-pgvector`) on its machine, or use the image \
         `pgvector/pgvector`"
    )]
    ExtensionMissing,
    /// pgvector is installed and not made in this database, which only a superuser may do.
    #[error(
        "pgvector is not made in the database `{database}`, and the role `{user}` may not do that; run `create extension vector` \
         there once as a superuser"
    )]
    ExtensionNotPermitted {
        /// The database.
        database: String,
        /// The role.
        user: String,
    },
    /// A superuser, or a role with `BYPASSRLS`, where that is not to be.
    #[error(
        "the role `{user}` passes by row level security, the second wall between organizations; use an ordinary role that owns the tables"
    )]
    PassesByRowSecurity {
        /// The role.
        user: String,
    },
    /// The role or its password is refused.
    #[error("the server refuses the role `{user}`; check `POSTGRES_USER` and `POSTGRES_PASSWORD`")]
    Refused {
        /// The role.
        user: String,
        /// The cause.
        #[source]
        source: Source,
    },
    /// No library was made there yet.
    #[error("there is no library in the database `{database}`; check `POSTGRES_DB`, or start `ids api` once")]
    NoLibrary {
        /// The database.
        database: String,
    },
    /// There is no such database.
    #[error("the server has no database `{database}`; make it, or check `POSTGRES_DB`")]
    NoDatabase {
        /// The database.
        database: String,
    },
    /// The role may not make or read tables.
    #[error(
        "the role `{user}` may not make tables in the schema `{schema}`; grant it `create` there, or make it the owner"
    )]
    NotPermitted {
        /// The role.
        user: String,
        /// The schema.
        schema: String,
        /// The cause.
        #[source]
        source: Source,
    },
    /// The certificates that are to be trusted cannot be used.
    #[error("the trusted certificates cannot be used; check `POSTGRES_SSL_MODE` and `SSL_CERT_FILE`")]
    Certificates {
        /// The cause.
        #[source]
        source: Source,
    },
    /// No space is left.
    #[error("the disk of the database is full; free some space and try again")]
    Full {
        /// The cause.
        #[source]
        source: Source,
    },
    /// The server does not answer, or not as it should.
    #[error(
        "the database at `{host}` port {port} cannot be used; check that it runs and that `POSTGRES_*` name it"
    )]
    Unavailable {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// The cause.
        #[source]
        source: Source,
    },
}

/// What is kept of an error of the server.
#[derive(Debug, thiserror::Error)]
pub(crate) struct ServerError {
    code: String,
    table: Option<String>,
    constraint: Option<String>,
    routine: Option<String>,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered with SQLSTATE {}", self.code)?;
        for (name, value) in [
            ("constraint", &self.constraint),
            ("table", &self.table),
            ("routine", &self.routine),
        ] {
            if let Some(value) = value {
                write!(f, ", {name} `{value}`")?;
            }
        }
        Ok(())
    }
}

/// What goes wrong inside a unit of work.
#[derive(Debug)]
pub(crate) enum DbError {
    /// The domain's own answer.
    Store(StoreErrorKind),
    /// A row that cannot be what was written: its table, and what identifies it.
    Row { table: &'static str, id: String },
    /// The server said nothing for too long.
    Silent,
    /// No connection could be had.
    Pool(PoolError),
    /// Everything else.
    Postgres(tokio_postgres::Error),
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

    /// What the server answered, where it did.
    pub(crate) fn sql_state(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) | Self::Pool(PoolError::Backend(error)) => error.code(),
            Self::Pool(_) | Self::Store(_) | Self::Row { .. } | Self::Silent => None,
        }
    }

    /// Whether the same transaction may pass when it is run again: it was in another's way, and nothing of it was kept.
    pub(crate) fn is_passing(&self) -> bool {
        self.sql_state().is_some_and(|code| {
            *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
        })
    }

    /// Whether a statement was prepared before its tables were changed by a migration: prepared again, it may pass.
    pub(crate) fn is_stale_plan(&self) -> bool {
        let Self::Postgres(error) = self else {
            return false;
        };
        error.as_db_error().is_some_and(|answer| {
            *answer.code() == SqlState::FEATURE_NOT_SUPPORTED
                && answer.routine() == Some("RevalidateCachedQuery")
        })
    }

    /// Whether the connection was closed before the server answered.
    pub(crate) fn is_disconnect(&self) -> bool {
        match self {
            Self::Postgres(error) => match error.code() {
                Some(code) => is_shutdown(code),
                None => error.is_closed() || has_io_cause(error),
            },
            Self::Store(_) | Self::Row { .. } | Self::Pool(_) | Self::Silent => false,
        }
    }
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<PoolError> for DbError {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
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
            DbError::Silent => {
                Self::with_source(StoreErrorKind::Unavailable, "the database did not answer in time")
            }
            DbError::Pool(PoolError::Backend(source)) => {
                // Whatever it was, no statement was run.
                Self::with_source(StoreErrorKind::Unavailable, without_values(source))
            }
            DbError::Pool(source) => Self::with_source(StoreErrorKind::Unavailable, pool_text(&source)),
            DbError::Postgres(source) => Self::with_source(kind_of(&source), without_values(source)),
        }
    }
}

/// The pool's own errors, in our words.
fn pool_text(error: &PoolError) -> String {
    match error {
        PoolError::Timeout(_) => "no connection to the database became free in time".to_owned(),
        PoolError::Closed => "the database was closed".to_owned(),
        PoolError::Backend(_) | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
            "a connection to the database could not be made".to_owned()
        }
    }
}

/// The error as it may be logged.
pub(crate) fn without_values(error: tokio_postgres::Error) -> Source {
    match error.as_db_error() {
        Some(answer) => ServerError {
            code: answer.code().code().to_owned(),
            table: answer.table().map(str::to_owned),
            constraint: answer.constraint().map(str::to_owned),
            routine: answer.routine().map(str::to_owned),
        }
        .into(),
        None => error.into(),
    }
}

fn kind_of(error: &tokio_postgres::Error) -> StoreErrorKind {
    let Some(code) = error.code() else {
        let lost = error.is_closed() || has_io_cause(error);
        return if lost {
            StoreErrorKind::Unavailable
        } else {
            StoreErrorKind::Internal
        };
    };
    if *code == SqlState::DISK_FULL {
        return StoreErrorKind::Full;
    }
    // Two are unique violations that tell of someone who was first; a broken foreign key means that what is referred to
    // was removed in between.
    if *code == SqlState::UNIQUE_VIOLATION || *code == SqlState::FOREIGN_KEY_VIOLATION {
        return StoreErrorKind::Conflict;
    }
    let passing = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    // 53: too many connections, no memory. 58: the server's own input and output.
    let by_class = ["08", "53", "58"].contains(&code.code().get(..2).unwrap_or(""));
    if by_class || is_shutdown(code) || passing.contains(code) {
        StoreErrorKind::Unavailable
    } else {
        StoreErrorKind::Internal
    }
}

/// 57P01 to 57P05: the server or this connection is ended.
fn is_shutdown(code: &SqlState) -> bool {
    code.code().starts_with("57P") || code.code().starts_with("08")
}

fn has_io_cause(error: &tokio_postgres::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<std::io::Error>() {
            return true;
        }
        cause = inner.source();
    }
    false
}
