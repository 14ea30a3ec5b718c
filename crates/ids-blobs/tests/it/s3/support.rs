//! A bucket of one test.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ids_blobs::{RetryPolicy, S3BlobStore, S3Config, Secret};
use ids_core::ports::{BlobError, Clock};
use ids_core::time::Timestamp;
use ids_testkit::services::{S3Connection, s3, unique_name};
use rusty_s3::{Credentials, S3Action, UrlStyle};
use tempfile::TempDir;

use super::raw::{self, RawReply};

/// How long requests of the tests may take.
const TTL: Duration = Duration::from_secs(60);

/// Signatures are checked against a real clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}

pub struct Bucket {
    pub connection: S3Connection,
    pub name: String,
    spool: TempDir,
}

impl Bucket {
    /// An empty bucket of the shared server.
    pub async fn new() -> Self {
        Self::at((**s3()).clone()).await
    }

    pub async fn at(connection: S3Connection) -> Self {
        let bucket = Self::absent(connection);
        assert_eq!(bucket.signed("PUT", "", &[], &[], b"").await.status, 200);
        bucket
    }

    /// A bucket that nobody made.
    pub fn absent(connection: S3Connection) -> Self {
        Self {
            connection,
            name: unique_name("ids-"),
            spool: spool_folder(),
        }
    }

    pub fn config(&self) -> S3Config {
        let connection = &self.connection;
        config(connection, &self.name, self.spool.path())
    }

    pub fn store(&self) -> S3BlobStore {
        S3BlobStore::new(&self.config(), Arc::new(SystemClock)).unwrap()
    }

    pub fn store_with(&self, change: impl FnOnce(&mut S3Config)) -> S3BlobStore {
        let mut config = self.config();
        change(&mut config);
        S3BlobStore::new(&config, Arc::new(SystemClock)).unwrap()
    }

    /// Files that are on their way.
    pub fn spooled(&self) -> usize {
        std::fs::read_dir(self.spool.path().join(".partial"))
            .unwrap()
            .count()
    }

    pub fn remove_spool(&self) {
        std::fs::remove_dir_all(self.spool.path().join(".partial")).unwrap();
    }

    fn signer(&self) -> (rusty_s3::Bucket, Credentials) {
        let connection = &self.connection;
        let endpoint = connection.endpoint.parse().unwrap();
        let (name, region) = (self.name.clone(), connection.region.clone());
        let bucket = rusty_s3::Bucket::new(endpoint, UrlStyle::Path, name, region).unwrap();
        (
            bucket,
            Credentials::new(&connection.access_key, &connection.secret_key),
        )
    }

    /// A request that is signed by the library alone, past the store.
    pub async fn signed(
        &self,
        method: &str,
        object: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> RawReply {
        let (bucket, credentials) = self.signer();
        let url = match (method, object) {
            ("PUT", "") if query.is_empty() => bucket.create_bucket(&credentials).sign(TTL),
            ("PUT", object) => {
                let mut action = bucket.put_object(Some(&credentials), object);
                for (name, value) in query {
                    action.query_mut().insert((*name).to_owned(), (*value).to_owned());
                }
                for (name, value) in headers {
                    action
                        .headers_mut()
                        .insert((*name).to_owned(), (*value).to_owned());
                }
                action.sign(TTL)
            }
            other => panic!("{other:?}"),
        };
        raw::send(method, url.as_str(), headers, body).await
    }
}

impl Drop for Bucket {
    /// Each bucket of SeaweedFS has volumes of its own, of which there are some dozens: a few runs of the tests, and
    /// no new bucket takes a byte. It deletes a bucket with all that is in it.
    fn drop(&mut self) {
        let (bucket, credentials) = self.signer();
        let url = bucket.delete_bucket(&credentials).sign(TTL);
        raw::send_blocking("DELETE", url.as_str());
    }
}

/// Usual values, but pauses that no test waits for.
pub fn config(connection: &S3Connection, bucket: &str, spool: &Path) -> S3Config {
    let mut config = S3Config::new(
        bucket,
        &connection.region,
        &connection.access_key,
        Secret::new(&connection.secret_key),
        spool.to_owned(),
    );
    config.endpoint = Some(connection.endpoint.clone());
    config.retry = RetryPolicy {
        tries: 3,
        pause: Duration::from_millis(10),
    };
    config
}

/// An error with all its causes, as a log has it.
pub fn chain(error: &BlobError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// A folder that only this user can look into, as a store wants it.
pub fn spool_folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let private = std::fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().permissions(private).tempdir().unwrap()
}
