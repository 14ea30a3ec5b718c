//! SeaweedFS as object storage.

use std::sync::OnceLock;

use serde_json::Value;

use super::private::{PrivateServer, Stop};
use super::{Hold, text, up};

/// How to reach an object storage over loopback; its key may do everything. Buckets are addressed by path.
#[derive(Debug, Clone)]
pub struct S3Connection {
    /// `http://127.0.0.1:port`.
    pub endpoint: String,
    /// The name of the key.
    pub access_key: String,
    /// The key.
    pub secret_key: String,
    /// What signatures are made for.
    pub region: String,
}

impl S3Connection {
    fn of(connection: &Value) -> Self {
        Self {
            endpoint: text(connection, "endpoint"),
            access_key: text(connection, "access_key"),
            secret_key: text(connection, "secret_key"),
            region: text(connection, "region"),
        }
    }
}

/// The server all tests share; a test keeps to buckets of its own, which it creates.
pub struct SharedS3 {
    connection: S3Connection,
    _hold: Hold,
}

impl std::ops::Deref for SharedS3 {
    type Target = S3Connection;

    fn deref(&self) -> &S3Connection {
        &self.connection
    }
}

/// The shared server, started when nobody did before. Blocks, for about a second at most once it is installed.
///
/// # Panics
/// When it cannot be installed or started.
pub fn s3() -> &'static SharedS3 {
    static SHARED: OnceLock<SharedS3> = OnceLock::new();
    SHARED.get_or_init(|| {
        let (hold, connection) = up("s3");
        SharedS3 {
            connection: S3Connection::of(&connection),
            _hold: hold,
        }
    })
}

/// A server of one test's own.
pub struct PrivateS3 {
    connection: S3Connection,
    server: PrivateServer,
}

impl PrivateS3 {
    /// Starts one without buckets.
    ///
    /// # Panics
    /// When it cannot be installed or started.
    pub fn start() -> Self {
        // It takes a quarter of a minute to shut down in order, and keeps what it confirmed when killed.
        let server = PrivateServer::start("s3", Stop::Kill);
        Self {
            connection: S3Connection::of(server.connection()),
            server,
        }
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again with its data, at the same port.
    pub fn restart(&mut self) {
        self.server.restart();
    }

    /// Kills it and removes its data; [`Self::restart`] then starts an empty one.
    pub fn wipe(&mut self) {
        self.server.wipe();
    }

    /// Stops its time: connections stay, nothing is answered.
    pub fn freeze(&self) {
        self.server.freeze();
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.server.thaw();
    }
}

impl std::ops::Deref for PrivateS3 {
    type Target = S3Connection;

    fn deref(&self) -> &S3Connection {
        &self.connection
    }
}
