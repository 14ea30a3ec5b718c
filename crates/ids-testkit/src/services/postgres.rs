//! PostgreSQL 18 with pgvector, whose extension `vector` is created already.

use std::sync::OnceLock;

use serde_json::Value;

use super::private::{PrivateServer, Stop};
use super::{Hold, port, text, up};

/// How to reach a PostgreSQL over loopback.
#[derive(Debug, Clone)]
pub struct PostgresConnection {
    /// `127.0.0.1`.
    pub host: String,
    /// Kept over restarts.
    pub port: u16,
    /// Owns the database, is no superuser and does not bypass row level security.
    pub user: String,
    /// Of `user`.
    pub password: String,
    /// Its schemas are a test's own, by a unique name.
    pub database: String,
    /// May do everything.
    pub superuser: String,
    /// Of `superuser`.
    pub superuser_password: String,
}

impl PostgresConnection {
    fn of(connection: &Value) -> Self {
        Self {
            host: text(connection, "host"),
            port: port(connection),
            user: text(connection, "user"),
            password: text(connection, "password"),
            database: text(connection, "database"),
            superuser: text(connection, "superuser"),
            superuser_password: text(connection, "superuser_password"),
        }
    }

    /// `postgres://user:password@host:port/database`, as `user`.
    pub fn url(&self) -> String {
        let Self {
            host,
            port,
            user,
            password,
            database,
            ..
        } = self;
        format!("postgres://{user}:{password}@{host}:{port}/{database}")
    }
}

/// The server all tests share; a test keeps to schemas of its own.
pub struct SharedPostgres {
    connection: PostgresConnection,
    _hold: Hold,
}

impl std::ops::Deref for SharedPostgres {
    type Target = PostgresConnection;

    fn deref(&self) -> &PostgresConnection {
        &self.connection
    }
}

/// The shared server, started when nobody did before. Blocks, for about a second at most once it is installed.
///
/// # Panics
/// When it cannot be installed or started.
pub fn postgres() -> &'static SharedPostgres {
    static SHARED: OnceLock<SharedPostgres> = OnceLock::new();
    SHARED.get_or_init(|| {
        let (hold, connection) = up("postgres");
        SharedPostgres {
            connection: PostgresConnection::of(&connection),
            _hold: hold,
        }
    })
}

/// A server of one test's own.
pub struct PrivatePostgres {
    connection: PostgresConnection,
    server: PrivateServer,
}

impl PrivatePostgres {
    /// Starts one with an empty database.
    ///
    /// # Panics
    /// When it cannot be installed or started.
    pub fn start() -> Self {
        let server = PrivateServer::start("postgres", Stop::Interrupt);
        Self {
            connection: PostgresConnection::of(server.connection()),
            server,
        }
    }

    /// Shuts it down in order, without waiting for its clients ("fast").
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Kills it and all of its sessions.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again with its data, at the same port.
    pub fn restart(&mut self) {
        self.server.restart();
    }

    /// Stops the time of the server and of the sessions that are open: connections stay, nothing is answered.
    pub fn freeze(&self) {
        self.server.freeze();
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.server.thaw();
    }
}

impl std::ops::Deref for PrivatePostgres {
    type Target = PostgresConnection;

    fn deref(&self) -> &PostgresConnection {
        &self.connection
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    /// Asks for encryption, which the server declines with an `N`: the first thing it ever says.
    fn answers(server: &PostgresConnection) -> bool {
        let asked = || -> std::io::Result<u8> {
            let mut stream = TcpStream::connect((server.host.as_str(), server.port))?;
            stream.set_read_timeout(Some(Duration::from_millis(300)))?;
            stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47])?;
            let mut reply = [0];
            stream.read_exact(&mut reply)?;
            Ok(reply[0])
        };
        asked().is_ok_and(|reply| reply == b'N')
    }

    #[test]
    fn a_private_postgres_is_where_it_was_after_a_stop_a_kill_and_a_freeze() {
        let mut server = PrivatePostgres::start();
        assert!(answers(&server));

        server.stop();
        assert!(!answers(&server));
        server.restart();
        assert!(answers(&server));

        server.kill();
        assert!(!answers(&server));
        server.restart();
        assert!(answers(&server));

        server.freeze();
        assert!(!answers(&server));
        server.thaw();
        assert!(answers(&server));
    }
}
