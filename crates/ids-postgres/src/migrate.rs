//! Brings a schema to the one of this binary, one forward-only migration after the other.
//!
//! Processes of the version before may still run while a migration is done (expand, move, contract: each in a release of its
//! own). A migration therefore says which binaries may go on: the lowest schema that one must know, `oldest_binary`.

use std::collections::BTreeSet;

use ids_core::id::OrganizationId;
use ids_core::time::Timestamp;
use sha2::{Digest, Sha256};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient};

use crate::capability::{self, Found};
use crate::config::PostgresConfig;
use crate::error::{DbError, DbResult, OpenError, without_values};
use crate::rows::{Id, as_number};

/// One step of the schema. Never edited once released: its checksum is kept in every database.
struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
    /// Binaries whose newest migration is at least this one may go on with the schema that this migration leaves.
    oldest_binary: u32,
}

macro_rules! migration {
    ($version:literal, $name:literal, $file:literal) => {
        Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../migrations/", $file)),
            oldest_binary: 1,
        }
    };
}

const MIGRATIONS: &[Migration] = &[
    migration!(1, "create_library", "0001_create_library.sql"),
    migration!(2, "create_index", "0002_create_index.sql"),
    migration!(3, "create_sessions", "0003_create_sessions.sql"),
    migration!(4, "create_deliveries", "0004_create_deliveries.sql"),
    migration!(5, "create_backups", "0005_create_backups.sql"),
    migration!(6, "add_budget", "0006_add_budget.sql"),
    migration!(7, "split_vector_indexes", "0007_split_vector_indexes.sql"),
    migration!(8, "add_members", "0008_add_members.sql"),
    migration!(9, "add_recognized_words", "0009_add_recognized_words.sql"),
    migration!(10, "add_feedback", "0010_add_feedback.sql"),
    migration!(11, "add_kept_hash", "0011_add_kept_hash.sql"),
    migration!(12, "add_usage_kind", "0012_add_usage_kind.sql"),
];

/// A process that waits for another one's migration gives up after this.
const PATIENCE: &str = "10min";
/// The lock of making pgvector, one a database: `create extension if not exists` is no atomic step.
const EXTENSION_LOCK: i64 = i64::from_be_bytes(*b"ids\0vect");

/// What whoever changes the schema locks, with `hashtextextended`.
pub(crate) fn lock_name(schema: &str) -> String {
    format!("ids migrates {schema}")
}

/// A migration that a database says it has.
struct Applied {
    version: u32,
    checksum: Vec<u8>,
    oldest_binary: u32,
}

/// Brings the schema of `config` to that of this binary, or finds that it is; gives what the server has.
///
/// Any number of processes may call it at once: one migrates, the others wait for it.
pub(crate) async fn migrate(
    client: &mut Client,
    config: &PostgresConfig,
    now: Timestamp,
) -> Result<Found, OpenError> {
    let failed = |error: DbError| open_error(config, error);
    let schema = config.schema();
    let found = capability::read(client).await.map_err(failed)?;
    if found.passes_by_policies && config.needs_row_security {
        return Err(OpenError::PassesByRowSecurity {
            user: config.user.clone(),
        });
    }
    if found.passes_by_policies {
        tracing::warn!(
            "the role `{}` passes by row level security, the second wall between organizations; use an ordinary role that owns the \
             tables",
            config.user
        );
    }
    if found.pgvector.is_some() && is_current(&applied(client, schema).await.map_err(failed)?)? {
        return Ok(found);
    }
    let wait = format!("set statement_timeout = 0; set lock_timeout = '{PATIENCE}'");
    client
        .batch_execute(&wait)
        .await
        .map_err(|error| failed(error.into()))?;
    ensure_extension(client, config).await?;
    let lock = lock_name(schema);
    client
        .query_one("select pg_advisory_lock(hashtextextended($1, 0))", &[&lock])
        .await
        .map_err(|error| failed(error.into()))?;
    // On an error the connection is closed, and the lock goes with it.
    let known = applied_or_new(client, schema).await.map_err(failed)?;
    is_current(&known)?;
    let newest = known.last().map_or(0, |last| last.version);
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > newest) {
        apply(client, migration, now)
            .await
            .map_err(|error| migration_error(config, migration, error))?;
        tracing::info!(
            schema.version = migration.version,
            "migrated the database: {}",
            migration.name
        );
    }
    client
        .query_one("select pg_advisory_unlock(hashtextextended($1, 0))", &[&lock])
        .await
        .map_err(|error| failed(error.into()))?;
    capability::read(client).await.map_err(failed)
}

/// The newest migration of this binary.
pub fn known_version() -> u32 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// Whether nothing is left to be done. A newer database is current if its newest migration says that this binary may go on.
fn is_current(applied: &[Applied]) -> Result<bool, OpenError> {
    let known = known_version();
    for row in applied {
        let ours = MIGRATIONS
            .iter()
            .find(|migration| migration.version == row.version);
        let changed = ours.is_some_and(|migration| checksum_of(migration) != row.checksum.as_slice());
        if changed {
            return Err(OpenError::MigrationChanged { version: row.version });
        }
    }
    let Some(newest) = applied.last() else {
        return Ok(false);
    };
    let oldest_binary = applied.iter().map(|row| row.oldest_binary).max().unwrap_or(0);
    if newest.version > known && known < oldest_binary {
        return Err(OpenError::TooNew {
            found: newest.version,
            known,
        });
    }
    Ok(newest.version >= known)
}

/// Whether there is a library in the schema.
pub(crate) async fn is_there(client: &Client, schema: &str) -> DbResult<bool> {
    Ok(!applied(client, schema).await?.is_empty())
}

/// The number of the newest migration of a library that this binary can use as it is.
pub(crate) async fn usable_version(client: &Client, config: &PostgresConfig) -> Result<u32, OpenError> {
    let applied = applied(client, config.schema()).await;
    let applied = applied.map_err(|error| open_error(config, error))?;
    is_current(&applied)?;
    Ok(applied.last().map_or(0, |newest| newest.version))
}

/// The migrations of the schema, oldest first; none where there is no list.
async fn applied(client: &Client, schema: &str) -> DbResult<Vec<Applied>> {
    let list = format!("\"{schema}\".schema_migrations");
    let there: bool = client
        .query_one("select to_regclass($1) is not null", &[&list])
        .await?
        .try_get(0)?;
    if !there {
        return Ok(Vec::new());
    }
    let sql = format!("select version, checksum, oldest_binary from {list} order by version");
    let mut applied = Vec::new();
    for row in client.query(&sql, &[]).await? {
        applied.push(Applied {
            version: as_number(row.try_get::<_, i32>(0)?),
            checksum: row.try_get(1)?,
            oldest_binary: as_number(row.try_get::<_, i32>(2)?),
        });
    }
    Ok(applied)
}

/// The same, under the lock, where the schema and its list are made if they are not there.
async fn applied_or_new(client: &Client, schema: &str) -> DbResult<Vec<Applied>> {
    let exists: bool = client
        .query_one(
            "select exists (select 1 from pg_namespace where nspname = $1)",
            &[&schema],
        )
        .await?
        .try_get(0)?;
    if !exists {
        // Not `if not exists` alone: that asks for the right to make schemas even where there is nothing to make.
        client
            .batch_execute(&format!("create schema if not exists \"{schema}\""))
            .await?;
    }
    // No organization: it says what the schema is, which is nobody's data.
    client.batch_execute(&list_sql(schema)).await?;
    applied(client, schema).await
}

fn list_sql(schema: &str) -> String {
    format!(
        "create table if not exists \"{schema}\".schema_migrations (
             version integer not null constraint schema_migrations_key primary key,
             name text not null,
             checksum bytea not null,
             oldest_binary integer not null,
             applied_at bigint not null
         )"
    )
}

pub(crate) async fn ensure_extension(client: &mut Client, config: &PostgresConfig) -> Result<(), OpenError> {
    let failed = |error: DbError| open_error(config, error);
    let made = async {
        let tx = client.transaction().await?;
        tx.query_one("select pg_advisory_xact_lock($1)", &[&EXTENSION_LOCK])
            .await?;
        if capability::read(&tx).await?.pgvector.is_none() {
            // Not into our schema: a throw-away one would take the type with it from all others.
            tx.batch_execute("create extension if not exists vector with schema public")
                .await?;
        }
        tx.commit().await?;
        Ok(())
    };
    made.await.map_err(|error: DbError| match error.sql_state() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => OpenError::ExtensionNotPermitted {
            database: config.database.clone(),
            user: config.user.clone(),
        },
        // 58P01 and 0A000: its control file is not on the server's machine, in the words of old and new servers.
        Some(code) if *code == SqlState::UNDEFINED_FILE || *code == SqlState::FEATURE_NOT_SUPPORTED => {
            OpenError::ExtensionMissing
        }
        _ => failed(error),
    })
}

async fn apply(client: &mut Client, migration: &Migration, now: Timestamp) -> DbResult<()> {
    let tx = client.transaction().await?;
    run(&tx, migration, now).await?;
    tx.commit().await?;
    Ok(())
}

async fn run(tx: &impl GenericClient, migration: &Migration, now: Timestamp) -> DbResult<()> {
    tx.batch_execute(migration.sql).await?;
    if migration.version == 1 {
        // As in the embedded shape: there is always the one organization `default`.
        tx.execute(
            "insert into organizations (organization_id, name, created_at) values ($1, 'default', $2)",
            &[&OrganizationId::DEFAULT.to_uuid(), &now.as_micros()],
        )
        .await?;
    }
    tx.execute(
        "insert into schema_migrations (version, name, checksum, oldest_binary, applied_at) values ($1, $2, $3, $4, $5)",
        &[
            &as_number::<i32>(migration.version),
            &migration.name,
            &checksum_of(migration).as_slice(),
            &as_number::<i32>(migration.oldest_binary),
            &now.as_micros(),
        ],
    )
    .await?;
    Ok(())
}

/// Takes the schema from `from` (0: nothing is there) to `to`, inside the transaction that `client` is in.
pub(crate) async fn within_transaction(
    client: &impl GenericClient,
    schema: &str,
    (from, to): (u32, u32),
    now: Timestamp,
) -> DbResult<()> {
    if from == 0 {
        client.batch_execute(&list_sql(schema)).await?;
    }
    for migration in MIGRATIONS
        .iter()
        .filter(|it| it.version > from && it.version <= to)
    {
        run(client, migration, now).await?;
    }
    Ok(())
}

/// The tables, and the sequences that belong to none, which the migrations of this binary make.
pub(crate) fn relations() -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
    let made = |what: &str| {
        let lines = MIGRATIONS.iter().flat_map(|migration| migration.sql.lines());
        lines
            .filter_map(|line| line.strip_prefix(what)?.split([' ', '(', ';']).next())
            .collect::<BTreeSet<_>>()
    };
    let mut tables = made("create table ");
    tables.insert("schema_migrations");
    (tables, made("create sequence "))
}

fn checksum_of(migration: &Migration) -> [u8; 32] {
    Sha256::digest(migration.sql.as_bytes()).into()
}

fn migration_error(config: &PostgresConfig, migration: &Migration, error: DbError) -> OpenError {
    match (open_error(config, error), migration.version) {
        (OpenError::Unavailable { source, .. }, version) => OpenError::MigrationFailed { version, source },
        (other, _) => other,
    }
}

/// Why the server cannot be used, as far as it is known.
pub(crate) fn open_error(config: &PostgresConfig, error: DbError) -> OpenError {
    let code = error.sql_state().cloned();
    let source: Box<dyn std::error::Error + Send + Sync> = match error {
        DbError::Postgres(source) | DbError::Pool(deadpool_postgres::PoolError::Backend(source)) => {
            without_values(source)
        }
        other => ids_core::error::StoreError::from(other).into(),
    };
    let user = config.user.clone();
    match code {
        Some(code)
            if code == SqlState::INVALID_PASSWORD
                || code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION =>
        {
            OpenError::Refused { user, source }
        }
        Some(code) if code == SqlState::INVALID_CATALOG_NAME => OpenError::NoDatabase {
            database: config.database.clone(),
        },
        Some(code) if code == SqlState::INSUFFICIENT_PRIVILEGE => OpenError::NotPermitted {
            user,
            schema: config.schema().to_owned(),
            source,
        },
        Some(code) if code == SqlState::DISK_FULL => OpenError::Full { source },
        _ => OpenError::Unavailable {
            host: config.host.clone(),
            port: config.port,
            source,
        },
    }
}
