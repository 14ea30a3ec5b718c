//! One page over HTTP, hop by hop.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use axum::http::{HeaderMap, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper_util::rt::TokioIo;
use ids_net::is_public;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use url::{Host, Url};

use super::Web;
use super::name::file_name;

/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// Until a server is reached, and TLS is agreed on.
const CONNECTING: Duration = Duration::from_secs(10);
/// Until a reply begins, and between its pieces.
const WAITING: Duration = Duration::from_secs(30);
/// One hop in all.
const ALL: Duration = Duration::from_secs(600);
/// The most of a reply's head that is read.
const HEAD_BYTES: usize = 64 * 1_024;

/// Why a page was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It is no address.
    #[error("it is no address of a page; give one such as `https://example.org/page`")]
    NoAddress,
    /// Another protocol.
    #[error("`{0}` is not fetched; only http and https are")]
    Scheme(String),
    /// A user and a password stand in it.
    #[error(
        "a user name or password stands in the address, which would be kept with the document; leave it out"
    )]
    Credentials,
    /// It leads into a private network.
    #[error("`{0}` is an address of this machine or of a private network; give --allow-private to fetch it")]
    Private(String),
    /// The server cannot be reached.
    #[error("`{host}` cannot be reached: {error}")]
    Unreachable {
        /// The server.
        host: String,
        /// Why.
        error: String,
    },
    /// The server is too slow.
    #[error("`{0}` took too long")]
    TooSlow(String),
    /// What it says is no HTTP, or broke off.
    #[error("the reply of `{host}` cannot be read: {error}")]
    Broken {
        /// The server.
        host: String,
        /// Why.
        error: String,
    },
    /// Anything but a page.
    #[error("`{host}` answered with the status {status}")]
    Status {
        /// The server.
        host: String,
        /// Its answer.
        status: u16,
    },
    /// Round and round.
    #[error("it leads on from page to page more than {REDIRECTS} times")]
    Redirects,
    /// More than is taken.
    #[error("the page is larger than the {0} MB that are taken here")]
    TooLarge(u64),
    /// Compressed though that was not asked for.
    #[error("the page came compressed, which was not asked for")]
    Compressed,
    /// The file for it cannot be written.
    #[error("the page cannot be written to the disk: {0}")]
    File(#[source] io::Error),
}

impl FetchError {
    /// The code for programs: one of this program's own.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoAddress | Self::Scheme(_) | Self::Credentials => "ADDRESS_INVALID",
            Self::Private(_) => "ADDRESS_PRIVATE",
            Self::TooLarge(_) => "FILE_TOO_LARGE",
            Self::File(_) => "FILE_UNREADABLE",
            _ => "FETCH_FAILED",
        }
    }
}

/// Fetches the page at an address into a file in `folder`.
pub async fn fetch(web: &Web, url: &Url, folder: &Path) -> Result<PathBuf, FetchError> {
    let mut url = url.clone();
    for _ in 0..=REDIRECTS {
        let host = url.host_str().unwrap_or_default().to_owned();
        let hop = timeout(ALL, hop(web, &url, folder));
        match hop.await.map_err(|_| FetchError::TooSlow(host))?? {
            Hop::There(path) => return Ok(path),
            Hop::Onwards(next) => url = next,
        }
    }
    Err(FetchError::Redirects)
}

enum Hop {
    There(PathBuf),
    Onwards(Url),
}

/// Asks one server, after everything about its address was checked.
async fn hop(web: &Web, url: &Url, folder: &Path) -> Result<Hop, FetchError> {
    let is_encrypted = match url.scheme() {
        "https" => true,
        "http" => false,
        other => return Err(FetchError::Scheme(other.to_owned())),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(FetchError::Credentials);
    }
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err(FetchError::NoAddress);
    };
    let name = match host {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let addresses = addresses(web, &name, port).await?;
    let unreachable = |error: String| FetchError::Unreachable {
        host: name.clone(),
        error,
    };
    let tls = is_encrypted.then_some(&web.tls);
    let connecting = timeout(CONNECTING, web.network.connect(&addresses, &name, tls));
    let stream = connecting
        .await
        .map_err(|_| FetchError::TooSlow(name.clone()))?
        .map_err(|error| unreachable(error.to_string()))?;
    let broken = |error: hyper::Error| FetchError::Broken {
        host: name.clone(),
        error: error.to_string(),
    };
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let request = request(url)?;
    let exchange = async {
        let reply = timeout(WAITING, sender.send_request(request)).await;
        let reply = reply
            .map_err(|_| FetchError::TooSlow(name.clone()))?
            .map_err(broken)?;
        let (head, body) = reply.into_parts();
        if head.status.is_redirection()
            && let Some(next) = location(url, &head.headers)
        {
            return Ok(Hop::Onwards(next));
        }
        if head.status != StatusCode::OK {
            let (host, status) = (name.clone(), head.status.as_u16());
            return Err(FetchError::Status { host, status });
        }
        let is_plain = |coding: &header::HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
        if !head
            .headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .all(is_plain)
        {
            return Err(FetchError::Compressed);
        }
        let path = folder.join(file_name(url, &head.headers));
        keep(web, body, &path, &name).await?;
        Ok(Hop::There(path))
    };
    let mut exchange = pin!(exchange);
    // The connection works only while it is polled; its error is told to the exchange as well.
    tokio::select! {
        done = &mut exchange => done,
        _ = connection => exchange.await,
    }
}

/// The addresses of a server, each of which may be asked.
async fn addresses(web: &Web, name: &str, port: u16) -> Result<Vec<SocketAddr>, FetchError> {
    let looked_up = timeout(CONNECTING, web.network.resolve(name, port)).await;
    let addresses = looked_up
        .map_err(|_| FetchError::TooSlow(name.to_owned()))?
        .map_err(|error| FetchError::Unreachable {
            host: name.to_owned(),
            error: error.to_string(),
        })?;
    // A name with one address inside and one outside is no accident.
    let is_private = addresses.iter().any(|address| !is_public(address.ip()));
    if is_private && !web.may_be_private {
        return Err(FetchError::Private(name.to_owned()));
    }
    Ok(addresses)
}

fn request(url: &Url) -> Result<Request<Empty<Bytes>>, FetchError> {
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Request::get(target)
        .header(header::HOST, host)
        .header(header::ACCEPT, "text/html, application/pdf, */*;q=0.8")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::USER_AGENT, concat!("ids/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Empty::new())
        .map_err(|_| FetchError::NoAddress)
}

/// Where a redirect leads, seen from the page that says so.
fn location(url: &Url, headers: &HeaderMap) -> Option<Url> {
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    url.join(location).ok()
}

/// Writes a body to a file.
async fn keep(web: &Web, mut body: Incoming, path: &Path, host: &str) -> Result<(), FetchError> {
    let too_large = || FetchError::TooLarge(web.max_bytes / (1_024 * 1_024));
    if body.size_hint().lower() > web.max_bytes {
        return Err(too_large());
    }
    let mut file = tokio::fs::File::create(path).await.map_err(FetchError::File)?;
    let mut written = 0;
    loop {
        let frame = timeout(WAITING, body.frame()).await;
        let Some(frame) = frame.map_err(|_| FetchError::TooSlow(host.to_owned()))? else {
            break;
        };
        let frame = frame.map_err(|error| FetchError::Broken {
            host: host.to_owned(),
            error: error.to_string(),
        })?;
        // A frame without data is one of trailers, which say nothing here.
        let Ok(data) = frame.into_data() else { continue };
        written += data.len() as u64;
        if written > web.max_bytes {
            return Err(too_large());
        }
        file.write_all(&data).await.map_err(FetchError::File)?;
    }
    file.flush().await.map_err(FetchError::File)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, VecDeque};
    use std::io;
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use axum::http::{HeaderMap, HeaderValue, header};
    use ids_net::Stream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;
    use url::Url;

    use super::super::Web;
    use super::super::network::Network;
    use super::{FetchError, fetch, location};

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_answers_is_given_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = Url::parse(&format!("http://{address}/")).unwrap();
        let web = Web::new(1_024, true).unwrap();
        let folder = tempfile::tempdir().unwrap();
        // The clock of the test jumps to the next deadline whenever nothing moves.
        let failed = fetch(&web, &url, folder.path()).await;
        assert!(matches!(failed, Err(FetchError::TooSlow(_))), "{failed:?}");
        drop(listener);
    }

    /// A network in which each name has its addresses, the next ones each time it is asked for, and in which public addresses lead to
    /// a server of this machine. It notes where was connected to.
    struct Scripted {
        names: Mutex<HashMap<&'static str, VecDeque<&'static str>>>,
        server: SocketAddr,
        connected: Arc<Mutex<Vec<String>>>,
    }

    #[async_trait]
    impl Network for Scripted {
        async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
            // As the system does it: an address is its own.
            if let Ok(address) = host.parse() {
                return Ok(vec![SocketAddr::new(address, port)]);
            }
            let mut names = self.names.lock().unwrap();
            let answers = names.get_mut(host).and_then(VecDeque::pop_front);
            let answer = answers.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
            Ok(answer
                .split(' ')
                .map(|address| SocketAddr::new(address.parse().unwrap(), port))
                .collect())
        }

        async fn connect(
            &self,
            addresses: &[SocketAddr],
            _: &str,
            _: Option<&TlsConnector>,
        ) -> io::Result<Box<dyn Stream>> {
            let asked = addresses.iter().map(|address| address.ip().to_string());
            self.connected.lock().unwrap().extend(asked);
            Ok(Box::new(tokio::net::TcpStream::connect(self.server).await?))
        }
    }

    /// What came of fetching `http://start.example/`, and every address that was connected to. `replies` are those to one request
    /// after the other.
    async fn fetched(
        names: &[(&'static str, &[&'static str])],
        replies: &[&str],
    ) -> (Result<String, FetchError>, Vec<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let replies: Vec<String> = replies.iter().map(|&reply| reply.to_owned()).collect();
        let serving = async move {
            for reply in replies {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 4_096];
                let _ = stream.read(&mut head).await.unwrap();
                stream.write_all(reply.as_bytes()).await.unwrap();
                let _ = stream.shutdown().await;
            }
            std::future::pending::<()>().await;
        };
        let connected = Arc::new(Mutex::new(Vec::new()));
        let mut web = Web::new(1_024, false).unwrap();
        web.network = Box::new(Scripted {
            names: Mutex::new(
                names
                    .iter()
                    .map(|&(name, answers)| (name, answers.iter().copied().collect()))
                    .collect(),
            ),
            server,
            connected: Arc::clone(&connected),
        });
        let folder = tempfile::tempdir().unwrap();
        let url = Url::parse("http://start.example/").unwrap();
        let outcome = tokio::select! {
            outcome = fetch(&web, &url, folder.path()) => outcome,
            () = serving => unreachable!("it serves until the page is there"),
        };
        let read = outcome.map(|path| std::fs::read_to_string(path).unwrap());
        let connected = connected.lock().unwrap().clone();
        (read, connected)
    }

    const PAGE: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\nlei.";
    const OUTSIDE: &str = "93.184.216.34";

    fn moved(to: &str) -> String {
        format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
    }

    #[tokio::test]
    async fn a_page_of_a_public_address_is_fetched_from_that_address() {
        let (read, connected) = fetched(&[("start.example", &[OUTSIDE])], &[PAGE]).await;
        assert_eq!(read.unwrap(), "lei.");
        assert_eq!(connected, [OUTSIDE]);
    }

    #[tokio::test]
    async fn a_public_page_cannot_lead_to_a_private_address() {
        let inside = [
            "http://127.0.0.1/",
            "http://10.0.0.7:8080/admin",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://0.0.0.0/",
            "http://[::1]/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://[::ffff:127.0.0.1]/",
            // Written as a number, which is an address, too.
            "http://2130706433/",
            "http://inside.example/",
            "//inside.example/",
            "https://inside.example/",
            // One of two is inside.
            "http://both.example/",
        ];
        for to in inside {
            let names: &[(&'static str, &[&'static str])] = &[
                ("start.example", &[OUTSIDE]),
                ("inside.example", &["10.1.2.3"]),
                ("both.example", &["93.184.216.35 172.16.0.1"]),
            ];
            let (read, connected) = fetched(names, &[&moved(to), PAGE]).await;
            assert!(matches!(read, Err(FetchError::Private(_))), "{to}: {read:?}");
            assert_eq!(connected, [OUTSIDE], "nobody inside is asked: {to}");
        }
    }

    #[tokio::test]
    async fn the_address_that_was_checked_is_the_one_that_is_asked() {
        // A name that is public when it is looked at, and would be private for whoever looked again.
        let (read, connected) = fetched(&[("start.example", &[OUTSIDE, "127.0.0.1"])], &[PAGE]).await;
        assert_eq!(read.unwrap(), "lei.");
        assert_eq!(connected, [OUTSIDE], "it was not looked up again");
        // A page that leads to itself is looked at anew, and refused once it has moved inside.
        let names: &[(&'static str, &[&'static str])] = &[("start.example", &[OUTSIDE, "127.0.0.1"])];
        let (read, connected) = fetched(names, &[&moved("/again"), PAGE]).await;
        assert!(matches!(read, Err(FetchError::Private(_))), "{read:?}");
        assert_eq!(connected, [OUTSIDE]);
    }

    #[test]
    fn a_redirect_is_read_from_where_it_stands() {
        let check = |location_header: &'static str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, HeaderValue::from_static(location_header));
            let url = Url::parse("https://example.org/a/b?c").unwrap();
            let next = location(&url, &headers);
            assert_eq!(next.as_ref().map(Url::as_str), expected, "{location_header}");
        };
        check("d", Some("https://example.org/a/d"));
        check("/d?e", Some("https://example.org/d?e"));
        check("//other.example/d", Some("https://other.example/d"));
        check("http://127.0.0.1/", Some("http://127.0.0.1/"));
        check("file:///etc/passwd", Some("file:///etc/passwd"));
        check("https://[", None);
    }
}
