//! One request over one connection, in the caller's own task: dropped with the call, the connection is closed.
//!
//! No pool: a reply takes seconds, a connection milliseconds, and the server learns at once when nobody listens any more.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper_util::rt::TokioIo;
use ids_net::{Secret, TrustedRoots, connect, connector};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::backoff::retry_after;
use crate::config::{BaseUrl, ConfigError, Deadlines};
use crate::error::CallError;

/// The most of a reply's head that is read.
const HEAD_BYTES: usize = 64 * 1_024;

/// The most of a reply that is read: thousands of tokens, each in an event of its own, take a tenth of it.
const REPLY_BYTES: usize = 8 * 1_024 * 1_024;

/// A server, and how it is asked.
pub(crate) struct Server {
    base_url: BaseUrl,
    tls: Option<TlsConnector>,
    authorization: Option<HeaderValue>,
    deadlines: Deadlines,
}

impl Server {
    pub(crate) fn new(
        base_url: BaseUrl,
        api_key: Option<&Secret>,
        roots: &TrustedRoots,
        deadlines: Deadlines,
    ) -> Result<Self, ConfigError> {
        let authorization = api_key
            .map(|key| {
                let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose()))
                    .map_err(|_| ConfigError::ApiKey)?;
                value.set_sensitive(true);
                Ok(value)
            })
            .transpose()?;
        let tls = base_url
            .is_encrypted
            .then(|| connector(roots))
            .transpose()
            .map_err(ConfigError::Certificates)?;
        Ok(Self {
            base_url,
            tls,
            authorization,
            deadlines,
        })
    }

    /// Sends `json` to a call of the API, and gives the reply, whatever its status, to `read` while the connection lives.
    pub(crate) async fn post<T, F>(
        &self,
        call: &str,
        json: Vec<u8>,
        read: impl FnOnce(Reply) -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        self.post_to(&self.base_url.path_of(call), json, read).await
    }

    /// The same to any path of the server.
    pub(crate) async fn post_to<T, F>(
        &self,
        path: &str,
        json: Vec<u8>,
        read: impl FnOnce(Reply) -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let request = self.request(hyper::Method::POST, path, json)?;
        self.exchange(request, read).await
    }

    /// Asks a call of the API that takes nothing, in the same way.
    pub(crate) async fn get<T, F>(&self, call: &str, read: impl FnOnce(Reply) -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let path = self.base_url.path_of(call);
        let request = self.request(hyper::Method::GET, &path, Vec::new())?;
        self.exchange(request, read).await
    }

    async fn exchange<T, F>(
        &self,
        request: Request<Full<Bytes>>,
        read: impl FnOnce(Reply) -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let BaseUrl { host, port, .. } = &self.base_url;
        let connecting = connect(host, *port, self.tls.as_ref());
        let stream = within(self.deadlines.connect, "to be reached", connecting)
            .await?
            .map_err(CallError::Connect)?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(CallError::Broken)?;
        let exchange = async move {
            let begin = async {
                let response = sender.send_request(request).await.map_err(of_exchange)?;
                let (head, mut body) = response.into_parts();
                let first = body.frame().await;
                Ok(Reply {
                    head,
                    body,
                    first: Some(first),
                    bytes_left: REPLY_BYTES,
                    between_pieces: self.deadlines.between_pieces,
                })
            };
            let reply = within(self.deadlines.first_byte, "to begin its reply", begin).await??;
            read(reply).await
        };
        drive(connection, exchange).await
    }

    fn request(
        &self,
        method: hyper::Method,
        path: &str,
        json: Vec<u8>,
    ) -> Result<Request<Full<Bytes>>, CallError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.base_url.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream, application/json")
            .header(header::USER_AGENT, concat!("ids/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request
            .body(Full::from(json))
            .map_err(|_| CallError::Unusable("the request cannot be put into HTTP"))
    }
}

/// A reply whose first byte is here.
pub(crate) struct Reply {
    head: Parts,
    body: Incoming,
    /// What came first, until it is taken.
    first: Option<Option<Result<Frame<Bytes>, hyper::Error>>>,
    bytes_left: usize,
    between_pieces: Duration,
}

impl Reply {
    pub(crate) fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// What its status says, when that is not that it went well.
    pub(crate) fn check_status(&self) -> Result<(), CallError> {
        match self.status() {
            200..=299 => Ok(()),
            // 408: the server gave up waiting for us; 425 and 429: later.
            status @ (408 | 425 | 429 | 500..=599) => Err(CallError::NotNow {
                status,
                retry_after: self.header(header::RETRY_AFTER).and_then(retry_after),
            }),
            // Redirects too: whoever they lead to is not to see the key.
            status => Err(CallError::Refused { status }),
        }
    }

    /// A header that is text.
    fn header(&self, name: HeaderName) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, CallError> {
        loop {
            let frame = match self.first.take() {
                Some(first) => first,
                None => within(self.between_pieces, "to go on with its reply", self.body.frame()).await?,
            };
            let Some(frame) = frame else { return Ok(None) };
            // A frame without data is one of trailers, which say nothing here.
            if let Ok(data) = frame.map_err(CallError::Broken)?.into_data() {
                self.bytes_left = self
                    .bytes_left
                    .checked_sub(data.len())
                    .ok_or(CallError::Unusable("the reply is longer than any answer"))?;
                return Ok(Some(data));
            }
        }
    }
}

/// Drives a connection while `exchange` goes on, in one task.
async fn drive<T>(
    connection: impl Future<Output = Result<(), hyper::Error>>,
    exchange: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let mut exchange = pin!(exchange);
    // Neither is dropped half way but by the caller, who then wants both to end.
    tokio::select! {
        // Its error is told to the exchange as well.
        _ = connection => exchange.await,
        done = &mut exchange => done,
    }
}

fn of_exchange(error: hyper::Error) -> CallError {
    if error.is_parse() {
        CallError::NoHttp(error)
    } else {
        CallError::Broken(error)
    }
}

/// The result of `work`, or that it took too long.
pub(crate) async fn within<T>(
    limit: Duration,
    what: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, CallError> {
    timeout(limit, work)
        .await
        .map_err(|_| CallError::TooSlow { what, limit })
}
