//! `ids migrate`: brings the database to the schema of this version, and does nothing else.

use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use ids_postgres::PostgresLibrary;
use ids_sqlite::SqliteLibrary;

use super::exit::Failed;
use super::output;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::system::SystemClock;

/// Bring the database to the schema of this version. `serve`, `api` and `worker` do so at their start, too.
#[derive(Debug, Args)]
pub struct MigrateArgs {}

/// Migrates; safe while others run, and when several do it at once.
pub async fn run(_args: MigrateArgs, config: &Config) -> Result<u8, Failed> {
    let clock = Arc::new(SystemClock);
    match &config.postgres {
        Some(settings) => PostgresLibrary::migrate(settings, clock).await.with_context(|| {
            format!(
                "PostgreSQL at {}:{} cannot be migrated",
                settings.host, settings.port
            )
        })?,
        None => {
            let data_dir = DataDir::own(&config.data_dir).map_err(anyhow::Error::from)?;
            let opened = SqliteLibrary::open_in(data_dir.path(), clock);
            opened
                .context("the library in the data directory cannot be migrated")?
                .close()
                .await;
        }
    }
    output::print("the database has the schema of this version")?;
    Ok(0)
}
