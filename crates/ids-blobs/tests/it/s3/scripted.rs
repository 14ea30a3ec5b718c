//! A server that answers what a test says: for what the real one cannot be made to do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ids_blobs::{Deadlines, S3BlobStore, S3Config};
use ids_testkit::services::S3Connection;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::support::{SystemClock, config, spool_folder};

/// What came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Names in lower case.
    pub head: String,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }
}

pub enum Answer {
    /// Status, headers and body.
    Reply(u16, Vec<(&'static str, String)>, String),
    /// These bytes as they are, then the connection is closed.
    Raw(&'static str),
    /// The connection is closed without a word.
    Hang,
    /// Nothing, ever.
    Silence,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self::Reply(status, Vec::new(), String::new())
    }

    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self::Reply(status, Vec::new(), text.into())
    }

    pub fn error(status: u16, code: &str) -> Self {
        Self::text(
            status,
            format!("<Error><Code>{code}</Code><Message>said {code}</Message></Error>"),
        )
    }
}

pub struct Scripted {
    connection: S3Connection,
    requests: Arc<Mutex<Vec<Request>>>,
    spool: TempDir,
    _task: JoinSet<()>,
}

impl Scripted {
    /// Answers each request, given how many of the same method and path came before.
    pub async fn start(answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::<Request>::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                connections.spawn(async move {
                    serve(stream, |request| {
                        let mut seen = seen.lock().unwrap();
                        let before = seen
                            .iter()
                            .filter(|it| it.is(&request.method, &request.path))
                            .count();
                        seen.push(request.clone());
                        answer(request, before)
                    })
                    .await;
                });
            }
        });
        Self {
            connection: S3Connection {
                endpoint,
                access_key: "key-id".to_owned(),
                secret_key: "a-secret-of-tests".to_owned(),
                region: "us-east-1".to_owned(),
            },
            requests,
            spool: spool_folder(),
            _task: task,
        }
    }

    pub fn config(&self) -> S3Config {
        let mut config = config(&self.connection, "docs", self.spool.path());
        config.deadlines = Deadlines {
            connect: Duration::from_millis(500),
            first_byte: Duration::from_millis(200),
            copy: Duration::from_millis(200),
            between_pieces: Duration::from_millis(200),
        };
        config
    }

    pub fn store(&self) -> S3BlobStore {
        S3BlobStore::new(&self.config(), Arc::new(SystemClock)).unwrap()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Methods and paths, in order.
    pub fn calls(&self) -> Vec<String> {
        let requests = self.requests();
        requests
            .iter()
            .map(|it| format!("{} {}", it.method, it.path))
            .collect()
    }
}

async fn serve(mut stream: TcpStream, answer: impl FnOnce(&Request) -> Answer) {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut words = head.split(' ');
    let method = words.next().unwrap().to_owned();
    let path = words.next().unwrap().split('?').next().unwrap().to_owned();
    let mut request = Request {
        method,
        path,
        head,
        body: String::new(),
    };
    let length: usize = request.header("content-length").unwrap_or("0").parse().unwrap();
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    request.body = String::from_utf8_lossy(&bytes[head_end + 4..]).into_owned();
    match answer(&request) {
        Answer::Reply(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n");
            if !headers.iter().any(|(name, _)| *name == "content-length") {
                head += &format!("content-length: {}\r\n", body.len());
            }
            for (name, value) in headers {
                head += &format!("{name}: {value}\r\n");
            }
            let _ = stream.write_all(format!("{head}\r\n").as_bytes()).await;
            if request.method != "HEAD" {
                let _ = stream.write_all(body.as_bytes()).await;
            }
            let _ = stream.shutdown().await;
        }
        Answer::Raw(reply) => {
            let _ = stream.write_all(reply.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Answer::Hang => {}
        Answer::Silence => std::future::pending().await,
    }
}
