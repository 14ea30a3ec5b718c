//! Where objects are, and the signing of requests to them (AWS Signature 4, in the query string).
//!
//! The store's own requests are signed the same way as the addresses it gives out, so there is one way to get it wrong.
//! The payload is not part of such a signature; what is written is covered by a checksum header that is.

use std::time::Duration;

use ids_core::time::Timestamp;
use ids_net::Secret;
use rusty_s3::signing::sign;
use rusty_s3::{Bucket, Method, UrlStyle};

use super::config::{PathStyle, S3Config, S3ConfigError};

/// How long a request of our own may be on its way; also how far clocks may differ.
const REQUEST_TTL: Duration = Duration::from_secs(900);

/// A bucket under one address, and who asks for it.
pub(super) struct Address {
    bucket: Bucket,
    access_key: String,
    secret_key: Secret,
    session_token: Option<Secret>,
}

/// What is asked.
pub(super) struct Request<'a> {
    pub method: Method,
    /// `None`: of the bucket itself.
    pub object: Option<&'a str>,
    /// Sorted by name.
    pub query: &'a [(&'a str, &'a str)],
    /// Sorted by name, in lower case; all are signed, and must be sent as they are.
    pub headers: &'a [(&'a str, &'a str)],
}

/// Where a request goes.
pub(super) struct Target {
    pub is_encrypted: bool,
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// What the `Host` header says, and was signed.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

impl Address {
    /// The bucket at `endpoint`; AWS's own where there is none.
    pub(super) fn new(config: &S3Config, endpoint: Option<&str>) -> Result<Self, S3ConfigError> {
        let bucket = bucket(config, endpoint)?;
        Ok(Self {
            bucket,
            access_key: config.access_key.clone(),
            secret_key: config.secret_key.clone(),
            session_token: config.session_token.clone(),
        })
    }

    /// Scheme and host of all addresses here.
    pub(super) fn origin(&self) -> String {
        self.bucket.base_url().origin().ascii_serialization()
    }

    /// `/bucket/key` with the key as it is in addresses: the source of a copy.
    pub(super) fn copy_source(&self, object: &str) -> String {
        // Not the path of an address, which in the other style does not begin with the bucket. Keys need no encoding.
        format!("/{}/{object}", self.bucket.name())
    }

    /// The signed address of a request that works for `ttl` from `now` on.
    pub(super) fn sign(&self, request: &Request<'_>, now: Timestamp, ttl: Duration) -> String {
        let url = match request.object {
            Some(object) => self.bucket.object_url(object),
            None => self.bucket.base_url().clone(),
        };
        // Nothing else is out of jiff's range than years before -9999 and after 9999.
        let date = jiff::Timestamp::from_microsecond(now.as_micros()).unwrap_or_default();
        sign(
            &date,
            request.method,
            url,
            &self.access_key,
            self.secret_key.expose(),
            self.session_token.as_ref().map(Secret::expose),
            self.bucket.region(),
            ttl.as_secs(),
            request.query.iter().copied(),
            request.headers.iter().copied(),
        )
        .into()
    }

    /// Where a request of our own goes.
    pub(super) fn target(&self, request: &Request<'_>, now: Timestamp) -> Target {
        let base = self.bucket.base_url();
        let is_encrypted = base.scheme() == "https";
        let host = base.host_str().unwrap_or_default();
        let signed = self.sign(request, now, REQUEST_TTL);
        let authority = match base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Target {
            is_encrypted,
            port: base.port().unwrap_or(if is_encrypted { 443 } else { 80 }),
            path: signed.strip_prefix(&self.origin()).unwrap_or(&signed).to_owned(),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            authority,
        }
    }
}

fn bucket(config: &S3Config, endpoint: Option<&str>) -> Result<Bucket, S3ConfigError> {
    let aws = format!("https://s3.{}.amazonaws.com", config.region);
    let endpoint_text = endpoint.unwrap_or(&aws);
    let unusable = || S3ConfigError::Endpoint(endpoint_text.to_owned());
    let name = config.bucket.as_str();
    let mut url = Bucket::new(
        endpoint_text.parse().map_err(|_| unusable())?,
        UrlStyle::Path,
        String::new(),
        String::new(),
    )
    .map_err(|_| unusable())?
    .base_url()
    .clone();
    // A path that is `/` twice comes of the empty name above.
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    if endpoint_text.contains(['@', '?', '#']) {
        return Err(unusable());
    }

    let host = url.host_str().unwrap_or_default().to_owned();
    let bare_host = host.strip_prefix(&format!("{name}."));
    let style = match config.path_style {
        PathStyle::Path => UrlStyle::Path,
        PathStyle::VirtualHost => UrlStyle::VirtualHost,
        PathStyle::Auto if bare_host.is_some() => UrlStyle::VirtualHost,
        // A certificate for `*.s3.region.amazonaws.com` holds for no name with a dot.
        PathStyle::Auto if endpoint.is_none() && !name.contains('.') => UrlStyle::VirtualHost,
        PathStyle::Auto => UrlStyle::Path,
    };
    if let (UrlStyle::VirtualHost, Some(bare_host)) = (style, bare_host) {
        url.set_host(Some(bare_host)).map_err(|_| unusable())?;
    }
    Bucket::new(url, style, name.to_owned(), config.region.clone()).map_err(|_| S3ConfigError::BucketInHost {
        bucket: name.to_owned(),
        endpoint: endpoint_text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base_of(endpoint: Option<&str>, name: &str, style: PathStyle) -> Result<String, S3ConfigError> {
        let mut config = S3Config::new(name, "eu-west-1", "key", Secret::new("secret"), "spool".into());
        config.path_style = style;
        let address = Address::new(&config, endpoint)?;
        Ok(address.bucket.object_url("temp/a").to_string())
    }

    #[test]
    fn the_bucket_is_put_where_the_server_looks_for_it() {
        let auto = PathStyle::Auto;
        for (endpoint, name, style, expected) in [
            (
                None,
                "docs",
                auto,
                "https://docs.s3.eu-west-1.amazonaws.com/temp/a",
            ),
            (
                None,
                "my.docs",
                auto,
                "https://s3.eu-west-1.amazonaws.com/my.docs/temp/a",
            ),
            (
                None,
                "docs",
                PathStyle::Path,
                "https://s3.eu-west-1.amazonaws.com/docs/temp/a",
            ),
            (
                Some("http://127.0.0.1:9000"),
                "docs",
                auto,
                "http://127.0.0.1:9000/docs/temp/a",
            ),
            (
                Some("http://[::1]:9000/"),
                "docs",
                auto,
                "http://[::1]:9000/docs/temp/a",
            ),
            (
                Some("https://s3.example.org/s3/"),
                "docs",
                auto,
                "https://s3.example.org/s3/docs/temp/a",
            ),
            (
                Some("https://docs.nyc3.example.com"),
                "docs",
                auto,
                "https://docs.nyc3.example.com/temp/a",
            ),
            (
                Some("https://nyc3.example.com"),
                "docs",
                PathStyle::VirtualHost,
                "https://docs.nyc3.example.com/temp/a",
            ),
            (
                Some("https://docs.nyc3.example.com"),
                "docs",
                PathStyle::VirtualHost,
                "https://docs.nyc3.example.com/temp/a",
            ),
            (
                Some("https://docs2.example.com"),
                "docs",
                auto,
                "https://docs2.example.com/docs/temp/a",
            ),
        ] {
            assert_eq!(base_of(endpoint, name, style).unwrap(), expected);
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for endpoint in [
            "",
            "s3.example.org",
            "ftp://s3.example.org",
            "https://",
            "https://u:p@s3.example.org",
            "https://s3.example.org/?x=1",
        ] {
            assert!(
                matches!(
                    base_of(Some(endpoint), "docs", PathStyle::Auto),
                    Err(S3ConfigError::Endpoint(_))
                ),
                "{endpoint}"
            );
        }
        assert!(matches!(
            base_of(Some("http://127.0.0.1"), "docs", PathStyle::VirtualHost),
            Err(S3ConfigError::BucketInHost { .. })
        ));
    }
}
