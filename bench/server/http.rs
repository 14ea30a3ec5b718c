//! Requests over loopback on connections that are kept, as a proxy in front of the API keeps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// GET.
    pub fn get(path: &str) -> Self {
        Self::with_body("GET", path, "application/json", b"")
    }

    /// A search.
    pub fn search(query: &str) -> Self {
        let body = serde_json::json!({ "query": query, "mode": "hybrid" }).to_string();
        Self::with_body(
            "POST",
            "/api/v1/documents/search",
            "application/json",
            body.as_bytes(),
        )
    }

    /// An upload in one step.
    pub fn upload(file_name: &str, content: &[u8]) -> Self {
        let mut form = format!(
            "--bench-7f3a\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\r\n"
        )
        .into_bytes();
        form.extend_from_slice(content);
        form.extend_from_slice(b"\r\n--bench-7f3a--\r\n");
        Self::with_body(
            "POST",
            "/api/v1/documents",
            "multipart/form-data; boundary=bench-7f3a",
            &form,
        )
    }

    /// PUT of nothing, to a host that looks at its name.
    pub fn put(path: &str, host: &str) -> Self {
        let bytes = format!("PUT {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n\r\n");
        Self {
            bytes: bytes.into_bytes(),
        }
    }

    /// DELETE.
    pub fn delete(path: &str) -> Self {
        Self::with_body("DELETE", path, "application/json", b"")
    }

    fn with_body(method: &str, path: &str, content_type: &str, body: &[u8]) -> Self {
        let mut bytes = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        Self { bytes }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The code.
    pub status: u16,
    body: Vec<u8>,
}

impl Answer {
    /// The body of an answer that must be a success.
    pub fn json(&self) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!(
                "answered {}: {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            );
        }
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// A connection that is kept.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to `127.0.0.1:port`.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("nobody listens at {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends a request and reads the whole answer.
    pub async fn ask(&mut self, request: &Request) -> Result<Answer> {
        self.stream.get_mut().write_all(&request.bytes).await?;
        let mut line = String::new();
        self.read_line(&mut line).await?;
        let status = line.split(' ').nth(1).context("no status line")?.parse()?;
        let mut length = None;
        loop {
            self.read_line(&mut line).await?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.trim().parse::<usize>()?);
            }
        }
        let mut body = Vec::new();
        match length {
            Some(length) => {
                body.resize(length, 0);
                self.stream.read_exact(&mut body).await?;
            }
            None => self.read_chunks(&mut body).await?,
        }
        Ok(Answer { status, body })
    }

    async fn read_chunks(&mut self, body: &mut Vec<u8>) -> Result<()> {
        let mut line = String::new();
        loop {
            self.read_line(&mut line).await?;
            let size = usize::from_str_radix(line.trim(), 16).context("no size of a piece")?;
            let begin = body.len();
            body.resize(begin + size, 0);
            self.stream.read_exact(&mut body[begin..]).await?;
            self.read_line(&mut line).await?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    async fn read_line(&mut self, line: &mut String) -> Result<()> {
        line.clear();
        if self.stream.read_line(line).await? == 0 {
            bail!("the connection broke off");
        }
        line.truncate(line.trim_end().len());
        Ok(())
    }
}

/// What a load came to.
#[derive(Debug, Default)]
pub struct Load {
    /// Seconds of each answer that was a success.
    pub seconds: Vec<f64>,
    /// Answers that said "busy" (503).
    pub busy: usize,
    /// All other answers.
    pub failed: usize,
}

/// Sends `total` requests, of `requests` in turn, over so many connections at once.
pub async fn load(address: &str, connections: usize, requests: &[Request], total: usize) -> Result<Load> {
    let requests: Arc<[Request]> = requests.into();
    let sent = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (address, requests, sent) = (address.to_owned(), Arc::clone(&requests), Arc::clone(&sent));
        tasks.spawn(async move {
            let mut connection = Connection::open(&address).await?;
            let mut load = Load::default();
            loop {
                let number = sent.fetch_add(1, Ordering::Relaxed);
                if number >= total {
                    return anyhow::Ok(load);
                }
                let begun = Instant::now();
                let answer = connection.ask(&requests[number % requests.len()]).await?;
                match answer.status {
                    200..300 => load.seconds.push(begun.elapsed().as_secs_f64()),
                    503 => load.busy += 1,
                    _ => load.failed += 1,
                }
            }
        });
    }
    let mut all = Load::default();
    while let Some(one) = tasks.join_next().await {
        let one = one??;
        all.seconds.extend(one.seconds);
        all.busy += one.busy;
        all.failed += one.failed;
    }
    Ok(all)
}
