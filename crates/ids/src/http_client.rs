//! One request over one connection, for what the program asks of others beside its adapters: its own public address, a
//! collector of traces. Connection and request live in the caller's own future: dropped with it, they end.

use std::io;

use anyhow::{Context, bail};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use ids_net::{Stream, TrustedRoots, connect, connector};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// The most of a reply that is read.
const REPLY_BYTES: usize = 256 * 1_024;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether it is `https`.
    pub is_encrypted: bool,
    /// A name, or an address without the brackets of IPv6.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What the `Host` header says.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

/// A whole reply.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Target {
    /// Takes an `http://` or `https://` address apart; `None` for anything else, and where a user stands in it.
    pub fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let is_encrypted = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        let port = match authority.port_u16() {
            Some(port) => port,
            // `host:` and `host:99999` parse, and would be taken for the usual port.
            None if authority.as_str() != authority.host() => return None,
            None if is_encrypted => 443,
            None => 80,
        };
        let path = uri.path_and_query().map_or("/", |it| it.as_str());
        Some(Self {
            is_encrypted,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port,
            authority: authority.as_str().to_owned(),
            path: path.to_owned(),
        })
    }

    /// The same server, another path.
    pub fn at(&self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..self.clone()
        }
    }
}

/// What makes connections encrypted, trusting whom this machine trusts.
///
/// # Errors
/// When the TLS library refuses its own defaults.
pub fn trusting_connector() -> anyhow::Result<TlsConnector> {
    Ok(connector(&TrustedRoots::System)?)
}

/// Sends a request and reads the whole reply. It has no deadline of its own.
///
/// # Errors
/// When no connection comes about, or the reply is broken or too long.
pub async fn send(
    target: &Target,
    tls: &TlsConnector,
    mut request: Request<Full<Bytes>>,
) -> anyhow::Result<Answer> {
    let tls = target.is_encrypted.then_some(tls);
    let stream = connect(&target.host, target.port, tls)
        .await
        .with_context(|| format!("`{}` cannot be reached", target.authority))?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_str(&target.authority)?);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("ids/", env!("CARGO_PKG_VERSION"))),
    );
    *request.uri_mut() = target.path.parse()?;
    exchange(stream, request).await
}

/// The name that a certificate must be valid for.
///
/// # Errors
/// When it can be in no certificate.
pub fn server_name(target: &Target) -> io::Result<ServerName<'static>> {
    ServerName::try_from(target.host.clone())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

async fn exchange(stream: Box<dyn Stream>, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        match Limited::new(body, REPLY_BYTES).collect().await {
            Ok(body) => Ok(Answer {
                status: head.status,
                headers: head.headers,
                body: body.to_bytes(),
            }),
            Err(error) => bail!("the reply cannot be read: {error}"),
        }
    };
    // The connection works only while it is polled, and ends with the exchange.
    let (_, answer) = futures_util::future::join(connection, exchange).await;
    answer
}

/// A GET without a body.
pub fn get() -> Request<Full<Bytes>> {
    Request::new(Full::default())
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn addresses_are_taken_apart() {
        let check = |url: &str, expected: (bool, &str, u16, &str)| {
            let target = Target::parse(url).unwrap();
            let parts = (
                target.is_encrypted,
                target.host.as_str(),
                target.port,
                target.path.as_str(),
            );
            assert_eq!(parts, expected, "{url}");
        };
        check("https://ids.example.org", (true, "ids.example.org", 443, "/"));
        check("http://[::1]:8000/a?b", (false, "::1", 8000, "/a?b"));
        for bad in [
            "ftp://x",
            "x",
            "",
            "https://",
            "https://a:b@c",
            "http://a:99999",
            "http://a:",
        ] {
            assert_eq!(Target::parse(bad), None, "{bad}");
        }
    }
}
