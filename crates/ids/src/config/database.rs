//! PostgreSQL, where documents, embeddings, jobs and conversations lie in the server shape.

use ids_postgres::{PostgresConfig, Secret, SslMode};

use super::variables::{ConfigError, Variables, unreadable};

/// The database that is set; `None` where `POSTGRES_HOST` is not, and SQLite in the data directory is used.
pub(super) fn database(
    variables: &Variables,
    is_production: bool,
) -> Result<Option<PostgresConfig>, ConfigError> {
    let Some(host) = variables.text("POSTGRES_HOST") else {
        return Ok(None);
    };
    let ssl_mode = match variables.text("POSTGRES_SSL_MODE") {
        // Which of them is right depends on the network between; in production nobody guesses.
        None if is_production => {
            return Err(ConfigError(
                "`POSTGRES_SSL_MODE` must be set in production: verify-full where the network is not yours alone, disable within one machine"
                    .to_owned(),
            ));
        }
        None => SslMode::default(),
        Some(word) => SslMode::from_name(word).ok_or_else(|| {
            let words = SslMode::ALL.map(SslMode::as_str).join(", ");
            unreadable("POSTGRES_SSL_MODE", &format!("one of {words}"))
        })?,
    };
    let user = variables.text("POSTGRES_USER").unwrap_or("ids");
    let database = variables.text("POSTGRES_DB").unwrap_or("ids");
    Ok(Some(PostgresConfig {
        port: variables.number("POSTGRES_PORT", 5432, 1..=65_535)? as u16,
        password: variables.text("POSTGRES_PASSWORD").map(Secret::new),
        ssl_mode,
        needs_row_security: is_production,
        // 4: two api and three worker processes stay under the 22 connections of a small managed instance.
        pool_size: variables.number("POSTGRES_POOL_SIZE", 4, 1..=200)? as usize,
        ..PostgresConfig::new(host, user, database)
    }))
}
