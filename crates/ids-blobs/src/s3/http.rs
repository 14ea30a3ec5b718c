//! One request over one connection, driven in the caller's own task: dropped with the call, the connection is closed.
//!
//! No pool: nobody would own its tasks, and next to moving a document a handshake is small. Bytes go and come in
//! pieces, so a store's memory does not grow with the document.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap};
use hyper::http::HeaderName;
use hyper_util::rt::TokioIo;
use ids_net::connect;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::address::Target;
use super::body::{Payload, SentBody};
use super::config::Deadlines;
use super::error::CallError;

/// The most of a reply's head that is read.
const HEAD_BYTES: usize = 64 * 1_024;

/// Connections at once; more wait for one to end.
const CONNECTIONS: usize = 64;

/// Sends requests.
pub(super) struct Client {
    tls: TlsConnector,
    deadlines: Deadlines,
    connections: Semaphore,
}

impl Client {
    pub(super) fn new(tls: TlsConnector, deadlines: Deadlines) -> Self {
        Self {
            tls,
            deadlines,
            connections: Semaphore::new(CONNECTIONS),
        }
    }

    pub(super) fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    /// Sends a request and waits for the head of the reply: `first_byte` from the last piece that was sent.
    pub(super) async fn send(
        &self,
        method: &'static str,
        target: &Target,
        headers: &[(&str, &str)],
        payload: &Payload,
        first_byte: Duration,
    ) -> Result<Reply<'_>, CallError> {
        let permit = self
            .connections
            .acquire()
            .await
            .map_err(|_| CallError::Unusable("the client is closed"))?;
        let body = SentBody::new(payload)?;
        let progress = body.progress();
        let length = body.size_hint().exact().unwrap_or(0);
        let mut request = hyper::Request::builder()
            .method(method)
            .uri(&target.path)
            .header(header::HOST, &target.authority)
            .header(header::USER_AGENT, concat!("ids/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close");
        if method == "PUT" {
            // Said even of nothing: S3 refuses to guess.
            request = request.header(header::CONTENT_LENGTH, length);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(body)
            .map_err(|_| CallError::Unusable("the request cannot be put into HTTP"))?;

        let limit = self.deadlines.connect;
        let tls = target.is_encrypted.then_some(&self.tls);
        let stream = timeout(limit, connect(&target.host, target.port, tls))
            .await
            .map_err(|_| CallError::TooSlow {
                what: "to be reached",
                limit,
            })?
            .map_err(CallError::Connect)?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES.max(super::body::PIECE_BYTES * 2))
            .handshake(TokioIo::new(stream))
            .await
            .map_err(CallError::Broken)?;
        let mut driver = Driver {
            // Its error is told to the exchange as well.
            connection: Some(Box::pin(async move {
                let _ = connection.await;
            })),
        };
        let between_pieces = self.deadlines.between_pieces;
        let exchange = async {
            let mut sending = pin!(sender.send_request(request));
            loop {
                let (since, limit, what) = match progress.state() {
                    (since, false) => (since, between_pieces, "to take the next piece"),
                    (since, true) => (since, first_byte, "to begin its reply"),
                };
                match timeout_at(since + limit, &mut sending).await {
                    Ok(response) => return response.map_err(CallError::Broken),
                    // A piece was taken meanwhile: the deadline is that of the next.
                    Err(_) if progress.state().0 != since => {}
                    Err(_) => return Err(CallError::TooSlow { what, limit }),
                }
            }
        };
        let (head, body) = driver.during(exchange).await?.into_parts();
        Ok(Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            driver,
            between_pieces,
            _permit: permit,
        })
    }
}

/// A reply whose head is here.
pub(super) struct Reply<'a> {
    status: u16,
    headers: HeaderMap,
    body: Incoming,
    driver: Driver,
    between_pieces: Duration,
    _permit: SemaphorePermit<'a>,
}

impl Reply<'_> {
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// A header that is text.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What a header says of the object's length.
    pub(super) fn content_length(&self) -> Option<u64> {
        self.header(&header::CONTENT_LENGTH)?.parse().ok()
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, CallError> {
        let limit = self.between_pieces;
        let deadline = Instant::now() + limit;
        loop {
            let frame = timeout_at(deadline, self.driver.during(self.body.frame()))
                .await
                .map_err(|_| CallError::TooSlow {
                    what: "to go on with its reply",
                    limit,
                })?;
            let Some(frame) = frame else { return Ok(None) };
            // A frame without data is one of trailers, which say nothing here.
            if let Ok(data) = frame.map_err(CallError::Broken)?.into_data() {
                return Ok(Some(data));
            }
        }
    }

    /// All of the reply, as text.
    pub(super) async fn text(&mut self, most_bytes: usize) -> Result<String, CallError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.next().await? {
            if bytes.len() + piece.len() > most_bytes {
                return Err(CallError::Unusable("it is too long"));
            }
            bytes.extend_from_slice(&piece);
        }
        String::from_utf8(bytes).map_err(|_| CallError::Unusable("it is no text"))
    }
}

/// What moves the bytes of a connection, as long as someone waits for them.
struct Driver {
    /// `None` once it has ended.
    connection: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Driver {
    /// Drives the connection while `work` waits for it, in one task.
    async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            if let Some(connection) = &mut self.connection
                && connection.as_mut().poll(context).is_ready()
            {
                self.connection = None;
            }
            match work.as_mut().poll(context) {
                Poll::Pending => Poll::Pending,
                ready => ready,
            }
        })
        .await
    }
}
