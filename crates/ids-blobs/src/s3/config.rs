//! What a bucket's store is told: where the bucket is, who asks, how long to wait and how often to try.

use std::path::PathBuf;
use std::time::Duration;

use ids_net::{Secret, TrustedRoots};

/// S3 takes no longer expiry into a signature.
pub(super) const LONGEST_TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Everything a [`S3BlobStore`](super::S3BlobStore) is made of. [`S3Config::new`] has the usual values.
#[derive(Debug, Clone)]
pub struct S3Config {
    /// The bucket's name (`S3_BUCKET`).
    pub bucket: String,
    /// Its region (`S3_REGION`); most servers but AWS take any.
    pub region: String,
    /// Where the server is (`S3_ENDPOINT`); AWS's own for the region where there is none.
    pub endpoint: Option<String>,
    /// What is written into signed addresses (`S3_PUBLIC_ENDPOINT`); `endpoint` where there is none.
    pub public_endpoint: Option<String>,
    /// Who asks (`AWS_ACCESS_KEY`).
    pub access_key: String,
    /// What requests are signed with (`AWS_SECRET_KEY`).
    pub secret_key: Secret,
    /// What comes with temporary keys (`AWS_SESSION_TOKEN`).
    pub session_token: Option<Secret>,
    /// Where the bucket's name is put.
    pub path_style: PathStyle,
    /// Beginning of the keys of uploads (`S3_TEMP_PREFIX`), with a slash at its end.
    pub temp_prefix: String,
    /// Beginning of the keys of kept originals (`S3_ORIGINALS_PREFIX`), with a slash at its end.
    pub originals_prefix: String,
    /// How long signed addresses work (`UPLOAD_URL_TTL_SECONDS`); S3 allows 7 days.
    pub upload_ttl: Duration,
    /// Where bytes lie on their way: what is sent, and copies for parsers. Made where it is not there.
    pub spool_folder: PathBuf,
    /// Whom to trust with `https://`.
    pub roots: TrustedRoots,
    /// How long to wait.
    pub deadlines: Deadlines,
    /// How often to try.
    pub retry: RetryPolicy,
}

impl S3Config {
    /// A bucket of AWS with the usual prefixes, deadlines and tries.
    pub fn new(
        bucket: impl Into<String>,
        region: impl Into<String>,
        access_key: impl Into<String>,
        secret_key: Secret,
        spool_folder: PathBuf,
    ) -> Self {
        Self {
            bucket: bucket.into(),
            region: region.into(),
            endpoint: None,
            public_endpoint: None,
            access_key: access_key.into(),
            secret_key,
            session_token: None,
            path_style: PathStyle::Auto,
            temp_prefix: "temp/".to_owned(),
            originals_prefix: "originals/".to_owned(),
            upload_ttl: Duration::from_secs(3_600),
            spool_folder,
            roots: TrustedRoots::System,
            deadlines: Deadlines::default(),
            retry: RetryPolicy::default(),
        }
    }
}

/// Where the bucket's name is put in addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PathStyle {
    /// Into the host for AWS and for an endpoint whose host begins with it, else into the path.
    #[default]
    Auto,
    /// Into the path: `https://endpoint/bucket/key`.
    Path,
    /// Into the host: `https://bucket.endpoint/key`.
    VirtualHost,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// For a connection, its TLS included; 5 s.
    pub connect: Duration,
    /// From the last byte of a request to the first of its reply; 60 s: a server may make a large object durable first.
    pub first_byte: Duration,
    /// The same for a copy inside the server, which may take it minutes for gigabytes; 10 min.
    pub copy: Duration,
    /// Between two pieces, of what is sent and of what comes; 30 s.
    pub between_pieces: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(60),
            copy: Duration::from_secs(600),
            between_pieces: Duration::from_secs(30),
        }
    }
}

/// How often to try what may be repeated, when the server is busy or a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all; 3.
    pub tries: u32,
    /// The pause after the first, which doubles each time and is shortened at random by up to half; 200 ms.
    pub pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            tries: 3,
            pause: Duration::from_millis(200),
        }
    }
}

/// Why no store can be made of a configuration. No text repeats a key or a secret.
#[derive(Debug, thiserror::Error)]
pub enum S3ConfigError {
    /// The address.
    #[error(
        "`{0}` is no address of an S3 server; it must look like `https://s3.example.org`, without user, query or fragment"
    )]
    Endpoint(String),
    /// The address and the bucket together.
    #[error(
        "the bucket `{bucket}` cannot be part of the host of `{endpoint}`; use path style, or another name"
    )]
    BucketInHost {
        /// The bucket.
        bucket: String,
        /// The address.
        endpoint: String,
    },
    /// The bucket's name.
    #[error("`{0}` is no bucket's name, which has 3 to 63 of `a-z`, `0-9`, `.` and `-`")]
    Bucket(String),
    /// A prefix.
    #[error("`{0}` is no prefix of keys; it must look like `temp/`")]
    Prefix(String),
    /// The keys.
    #[error("the access key or the secret key is empty")]
    Keys,
    /// The region.
    #[error("the region is empty; most servers but AWS take `us-east-1`")]
    Region,
    /// The life of signed addresses.
    #[error("signed addresses of S3 work for 1 second to 7 days")]
    UploadTtl,
    /// Trusted certificates that are none.
    #[error("the trusted certificates cannot be used")]
    Certificates(#[source] tokio_rustls::rustls::Error),
    /// The folder for bytes on their way.
    #[error("the folder `{folder}` for bytes on their way cannot be used")]
    SpoolFolder {
        /// Where.
        folder: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
