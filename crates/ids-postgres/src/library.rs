//! The open library.

use std::sync::Arc;

use deadpool_postgres::Object;
use ids_core::ports::Clock;

use crate::capability::{self, Capabilities};
use crate::config::PostgresConfig;
use crate::database::{self, Database};
use crate::error::OpenError;
use crate::migrate;

/// One library in one schema of a PostgreSQL database: the adapter of all ports that store something.
///
/// Cheap to clone; all clones are the same library. Any number of processes may have it open.
#[derive(Clone)]
pub struct PostgresLibrary {
    pub(crate) database: Arc<Database>,
}

impl PostgresLibrary {
    /// Opens a library: makes it where there is none, and brings it to the schema of this binary.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing was changed when the schema is newer than this binary.
    pub async fn open(config: &PostgresConfig, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_with(config, clock, None).await
    }

    /// The same, taking the server for one that has `capabilities`: for tests of what older ones are asked.
    ///
    /// # Errors
    /// As [`PostgresLibrary::open`].
    pub async fn open_with(
        config: &PostgresConfig,
        clock: Arc<dyn Clock>,
        capabilities: Option<Capabilities>,
    ) -> Result<Self, OpenError> {
        let (found, schema) = prepare(config, clock.as_ref(), capabilities).await?;
        let path = [config.schema(), schema.as_str()];
        let pool = database::pool(config, config.pool_size, &path)?;
        let database = Database::new(pool, clock, capabilities.unwrap_or(found), config);
        Ok(Self {
            database: Arc::new(database),
        })
    }

    /// Brings a library to the schema of this binary and does nothing else (`ids migrate`).
    ///
    /// # Errors
    /// As [`PostgresLibrary::open`].
    pub async fn migrate(config: &PostgresConfig, clock: Arc<dyn Clock>) -> Result<(), OpenError> {
        prepare(config, clock.as_ref(), None).await.map(drop)
    }

    /// What the server can do, or was said to.
    pub fn capabilities(&self) -> Capabilities {
        self.database.capabilities
    }

    /// Opens a library as it is, without bringing it to the schema of this binary: for a short look beside those that did.
    ///
    /// # Errors
    /// As [`PostgresLibrary::open`]; `ExtensionMissing` also where no library was ever made.
    pub async fn connect(config: &PostgresConfig, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        config.check()?;
        let first = database::pool(config, 1, &[config.schema(), PostgresConfig::DEFAULT_SCHEMA])?;
        let failed = |error| migrate::open_error(config, error);
        let client = database::connect(&first).await.map_err(failed)?;
        let found = capability::read(&**client).await.map_err(failed)?;
        let (pgvector, schema) = found.pgvector.ok_or(OpenError::ExtensionMissing)?;
        let capabilities = Capabilities {
            server_version: found.server_version,
            pgvector,
        };
        drop(client);
        first.close();
        let pool = database::pool(config, config.pool_size, &[config.schema(), schema.as_str()])?;
        Ok(Self {
            database: Arc::new(Database::new(pool, clock, capabilities, config)),
        })
    }

    /// Removes the schema with everything in it, and ends the connections: for throw-away libraries. The schema `public`, which is
    /// others' too, is left alone.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn remove_schema(config: &PostgresConfig) -> Result<(), OpenError> {
        config.check()?;
        let schema = config.schema();
        if schema == PostgresConfig::DEFAULT_SCHEMA {
            return Err(OpenError::BadSchemaName {
                schema: schema.to_owned(),
            });
        }
        let pool = database::pool(config, 1, &[PostgresConfig::DEFAULT_SCHEMA])?;
        let failed = |error| migrate::open_error(config, error);
        let client = database::connect(&pool).await.map_err(failed)?;
        let sql = format!("drop schema if exists \"{schema}\" cascade");
        let dropped = client.batch_execute(&sql).await;
        dropped.map_err(|error| failed(error.into()))?;
        pool.close();
        Ok(())
    }

    /// Ends the connections. Later calls are `Unavailable`.
    pub fn close(&self) {
        self.database.close();
    }
}

/// Migrates over a connection of its own. Gives what the server can do, and the schema of pgvector's types.
async fn prepare(
    config: &PostgresConfig,
    clock: &dyn Clock,
    forced: Option<Capabilities>,
) -> Result<(Capabilities, String), OpenError> {
    config.check()?;
    let pool = database::pool(config, 1, &[config.schema(), PostgresConfig::DEFAULT_SCHEMA])?;
    let connected = database::connect(&pool)
        .await
        .map_err(|error| migrate::open_error(config, error))?;
    // Out of the pool: it ends here, whatever happens.
    let mut client = Object::take(connected);
    if forced.is_some_and(|forced| !forced.halfvec()) {
        // The type of the column of vectors is decided by the migration that makes it.
        let sql = "set ids.vectors = 'single'";
        let set = client.batch_execute(sql).await;
        set.map_err(|error| migrate::open_error(config, error.into()))?;
    }
    let found = migrate::migrate(&mut client, config, clock.now()).await?;
    let (pgvector, schema) = found.pgvector.ok_or(OpenError::ExtensionMissing)?;
    let capabilities = Capabilities {
        server_version: found.server_version,
        pgvector,
    };
    Ok((capabilities, schema))
}
