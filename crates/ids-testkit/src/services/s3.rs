//! SeaweedFS as object storage.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::Duration;

use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use serde_json::Value;

use super::private::{PrivateServer, Stop};
use super::{Hold, text, up};

const SIGNED_FOR: Duration = Duration::from_secs(60);

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

    /// Makes a bucket. Blocks.
    ///
    /// # Panics
    /// When the storage refuses.
    pub fn create_bucket(&self, name: &str) {
        let (bucket, credentials) = self.signer(name);
        self.ask(
            "PUT",
            bucket.create_bucket(&credentials).sign(SIGNED_FOR).as_str(),
        );
    }

    /// The keys of the first thousand objects of a bucket. Blocks.
    ///
    /// # Panics
    /// When the storage refuses.
    pub fn list_keys(&self, name: &str) -> Vec<String> {
        let (bucket, credentials) = self.signer(name);
        let action = bucket.list_objects_v2(Some(&credentials));
        let reply = self.ask("GET", action.sign(SIGNED_FOR).as_str());
        let listed =
            ListObjectsV2::parse_response(&reply).unwrap_or_else(|err| panic!("no list of keys: {err}"));
        listed.contents.into_iter().map(|object| object.key).collect()
    }

    fn signer(&self, name: &str) -> (Bucket, Credentials) {
        let endpoint = self
            .endpoint
            .parse()
            .unwrap_or_else(|err| panic!("`{}`: {err}", self.endpoint));
        let bucket = Bucket::new(endpoint, UrlStyle::Path, name.to_owned(), self.region.clone());
        let bucket = bucket.unwrap_or_else(|err| panic!("`{name}` cannot be a bucket's name: {err}"));
        (bucket, Credentials::new(&self.access_key, &self.secret_key))
    }

    /// Sends a signed request without a body; the body of the reply, which must be of success.
    fn ask(&self, method: &str, url: &str) -> String {
        let address = self.endpoint.strip_prefix("http://").unwrap_or(&self.endpoint);
        let target = url.strip_prefix(&self.endpoint).unwrap_or(url);
        let exchange = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(address)?;
            // An older version of HTTP: its replies come in one piece.
            let head = format!("{method} {target} HTTP/1.0\r\nhost: {address}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(head.as_bytes())?;
            let mut reply = String::new();
            stream.read_to_string(&mut reply)?;
            Ok(reply)
        };
        let reply = exchange().unwrap_or_else(|err| panic!("no answer from {address}: {err}"));
        match reply.split_once("\r\n\r\n") {
            Some((head, body)) if head.contains(" 200 ") => body.to_owned(),
            _ => panic!("{method} {target} was refused: {reply}"),
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
