//! What `ids doctor` asks of a server beside its version.

use ids_core::error::StoreError;
use ids_core::time::Timestamp;

use crate::library::PostgresLibrary;
use crate::rows::Columns;

/// How a server is, seen from one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerState {
    /// Its clock.
    pub now: Timestamp,
    /// Connections in use, of everybody.
    pub connections: u64,
    /// How many an ordinary role may open, the role's own limit considered.
    pub connections_limit: u64,
    /// Bytes of the database on the server's disk.
    pub database_bytes: u64,
    /// Whether this connection is encrypted.
    pub is_encrypted: bool,
    /// Whether the role passes by row level security, which keeps organizations apart.
    pub passes_by_policies: bool,
}

/// `backend_type` is hidden from ordinary roles; what has a database is a client, or one of a few workers of the server.
/// `reserved_connections` is there since PostgreSQL 16.
const SQL: &str = "select (extract(epoch from clock_timestamp()) * 1000000)::int8,
        (select count(*) from pg_stat_activity where datid is not null),
        least(
            current_setting('max_connections')::int8 - current_setting('superuser_reserved_connections')::int8
                - coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::int8,
            (select case when rolconnlimit < 0 then 2147483647 else rolconnlimit end
             from pg_roles where rolname = current_user)::int8),
        pg_database_size(current_database()),
        coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false),
        (select rolsuper or rolbypassrls from pg_roles where rolname = current_user)";

impl PostgresLibrary {
    /// Looks at the server. Needs no tables.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn examine(&self) -> Result<ServerState, StoreError> {
        self.database
            .read_shared(|tx| {
                Box::pin(async move {
                    let row = tx.query_one(SQL, &[]).await?;
                    let mut columns = Columns::new(&row, "pg_stat_activity");
                    Ok(ServerState {
                        now: columns.time()?,
                        connections: columns.count()?,
                        connections_limit: columns.count()?,
                        database_bytes: columns.count()?,
                        is_encrypted: columns.get()?,
                        passes_by_policies: columns.get()?,
                    })
                })
            })
            .await
    }
}
