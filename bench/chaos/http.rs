//! One HTTP request a connection, by hand: a client that retries or keeps connections would hide what is looked for.

use std::time::Duration;
use std::{fmt, io};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Past this an answer will not come: the longest deadline of the server itself is shorter.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The code.
    pub status: u16,
    /// `Retry-After` was there.
    pub says_when: bool,
    /// The body where it is JSON, else null.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

/// Why there was none.
#[derive(Debug)]
pub enum NoAnswer {
    /// Nobody listened: nothing was sent.
    NotConnected(io::Error),
    /// The connection broke off: what was sent may have been dealt with, or not.
    BrokeOff(io::Error),
    /// Nothing came for a long time.
    TooLate,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected(error) => write!(f, "nobody listened ({error})"),
            Self::BrokeOff(error) => write!(f, "the connection broke off ({error})"),
            Self::TooLate => write!(f, "gave up waiting"),
        }
    }
}

/// Sends a request to `address` and reads the whole answer.
pub async fn send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, NoAnswer> {
    let asked = tokio::time::timeout(PATIENCE, exchange(address, method, path, headers, body));
    asked.await.unwrap_or(Err(NoAnswer::TooLate))
}

/// The same with a body of JSON.
pub async fn send_json(address: &str, method: &str, path: &str, body: &Value) -> Result<Answer, NoAnswer> {
    let text = body.to_string();
    let headers = [("content-type", "application/json")];
    send(address, method, path, &headers, text.as_bytes()).await
}

async fn exchange(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, NoAnswer> {
    let mut stream = TcpStream::connect(address)
        .await
        .map_err(NoAnswer::NotConnected)?;
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(body);
    // A server that refuses early closes before it has read all: its answer is there all the same.
    let written = stream.write_all(&bytes).await;
    let mut reply = Vec::new();
    let read = stream.read_to_end(&mut reply).await;
    if reply.is_empty() {
        let error = written.and(read.map(drop)).err();
        return Err(NoAnswer::BrokeOff(
            error.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()),
        ));
    }
    parse(&reply).ok_or_else(|| NoAnswer::BrokeOff(io::ErrorKind::InvalidData.into()))
}

/// `None` where the answer is cut off.
fn parse(reply: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(reply);
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let body = if header("transfer-encoding").is_some() {
        dechunked(rest)?
    } else {
        let length = header("content-length").and_then(|length| length.parse::<usize>().ok());
        // Lossy text may have grown, never shrunk.
        if length.is_some_and(|length| rest.len() < length) {
            return None;
        }
        rest.to_owned()
    };
    Some(Answer {
        status,
        says_when: header("retry-after").is_some(),
        body: serde_json::from_str(&body).unwrap_or(Value::Null),
        text: body,
    })
}

fn dechunked(mut rest: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.push_str(after.get(..size)?);
        rest = after.get(size + 2..)?;
    }
}
