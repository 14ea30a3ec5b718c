//! A model's server that says what a test wrote down: real HTTP over a real port of loopback, by hand, so that it can also
//! break it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What a small model takes for a text.
const A_TEXT: Duration = Duration::from_millis(3);

/// Answers each request with the next of its scripts, and with the last one for ever. Ends when dropped.
pub struct ScriptedModelServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

/// What makes a reply of a request.
type Answering = Box<dyn Fn(&Request) -> Script + Send + Sync>;

struct Shared {
    scripts: Mutex<VecDeque<Script>>,
    /// Where the replies depend on what is asked.
    answering: Option<Answering>,
    requests: Mutex<Vec<Request>>,
    /// Connections that the client closed before their script was over.
    left: watch::Sender<usize>,
}

/// What a client sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// `POST /v1/chat/completions HTTP/1.1` and the headers, names in lower case.
    pub head: String,
    /// The body.
    pub body: Value,
}

/// What the server says to one request.
#[derive(Debug, Clone, Default)]
pub struct Script(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    Bytes(Vec<u8>),
    Gate(Gate),
    Compute(Duration),
    Hang,
}

/// A place in a script where the server stands still until the test lets it go on.
#[derive(Debug, Clone)]
pub struct Gate {
    is_open: watch::Sender<bool>,
    is_reached: watch::Sender<bool>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            is_open: watch::Sender::new(false),
            is_reached: watch::Sender::new(false),
        }
    }
}

impl Gate {
    /// Lets the server go on.
    pub fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Waits until the server stands here.
    pub async fn reached(&self) {
        let mut is_reached = self.is_reached.subscribe();
        is_reached.wait_for(|&is_reached| is_reached).await.unwrap();
    }

    async fn pass(&self) {
        self.is_reached.send_replace(true);
        let mut is_open = self.is_open.subscribe();
        is_open.wait_for(|&is_open| is_open).await.unwrap();
    }
}

impl Script {
    /// The beginning of a streamed reply: events in chunks, as the hosted servers send them.
    pub fn stream() -> Self {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";
        Self::raw(head)
    }

    /// A streamed reply of these pieces with its end.
    pub fn reply(pieces: &[&str]) -> Self {
        let begun = Self::stream();
        pieces
            .iter()
            .fold(begun, |script, piece| script.piece(piece))
            .done()
    }

    /// A reply that is not streamed.
    pub fn json(body: &Value) -> Self {
        Self::status(200, &[("content-type", "application/json")], &body.to_string())
    }

    /// Any reply with a body.
    pub fn status(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut head = format!("HTTP/1.1 {status} Scripted\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Self::raw(head + "\r\n" + body)
    }

    /// Nothing but these bytes, then the end of the connection.
    pub fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self::default().bytes(bytes)
    }

    /// No answer at all.
    pub fn hang() -> Self {
        Self::default().then_hang()
    }

    /// More bytes as they are.
    #[must_use]
    pub fn bytes(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push(Step::Bytes(bytes.as_ref().to_vec()));
        self
    }

    /// A chunk of a streamed reply.
    #[must_use]
    pub fn chunk(self, text: &str) -> Self {
        let size = text.len();
        self.bytes(format!("{size:x}\r\n{text}\r\n"))
    }

    /// A piece of the reply.
    #[must_use]
    pub fn piece(self, text: &str) -> Self {
        self.event(&json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}))
    }

    /// An event of any JSON.
    #[must_use]
    pub fn event(self, data: &Value) -> Self {
        self.chunk(&format!("data: {data}\n\n"))
    }

    /// What the model counted.
    #[must_use]
    pub fn usage(self, prompt_tokens: u64, completion_tokens: u64) -> Self {
        let usage = json!({"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens});
        self.event(&json!({"choices": [], "usage": usage}))
    }

    /// The end of a streamed reply.
    #[must_use]
    pub fn done(self) -> Self {
        self.event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
            .chunk("data: [DONE]\n\n")
            .bytes("0\r\n\r\n")
    }

    /// Stands still here until `gate` is opened.
    #[must_use]
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.0.push(Step::Gate(gate.clone()));
        self
    }

    /// Takes so long before it goes on, as a model that computes does.
    #[must_use]
    pub fn after(mut self, computing: Duration) -> Self {
        self.0.insert(0, Step::Compute(computing));
        self
    }

    /// Says nothing more, and keeps the connection open.
    #[must_use]
    pub fn then_hang(mut self) -> Self {
        self.0.push(Step::Hang);
        self
    }
}

impl ScriptedModelServer {
    /// Listens on a free port of loopback.
    pub async fn start(scripts: impl IntoIterator<Item = Script>) -> Self {
        let scripts: VecDeque<Script> = scripts.into_iter().collect();
        assert!(!scripts.is_empty(), "a server that has nothing to say");
        Self::begin(scripts, None).await
    }

    /// Answers each request by what it asks.
    pub async fn answering(answer: impl Fn(&Request) -> Script + Send + Sync + 'static) -> Self {
        Self::begin(VecDeque::new(), Some(Box::new(answer))).await
    }

    /// A model of embeddings: texts that share words are near each other, equal texts have equal vectors.
    pub async fn of_embeddings(dimensions: usize) -> Self {
        Self::answering(move |request| {
            let texts = request.body["input"].as_array().cloned().unwrap_or_default();
            let vector = |text: &Value| by_words(text.as_str().unwrap_or_default(), dimensions);
            let mut data: Vec<Value> = texts
                .iter()
                .enumerate()
                .map(
                    |(index, text)| json!({"object": "embedding", "index": index, "embedding": vector(text)}),
                )
                .collect();
            // The order is not promised.
            data.reverse();
            let usage = json!({"prompt_tokens": texts.len(), "total_tokens": texts.len()});
            Script::json(&json!({"object": "list", "data": data, "usage": usage}))
                .after(A_TEXT * texts.len() as u32)
        })
        .await
    }

    async fn begin(scripts: VecDeque<Script>, answering: Option<Answering>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            scripts: Mutex::new(scripts),
            answering,
            requests: Mutex::default(),
            left: watch::Sender::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            _tasks: tasks,
        }
    }

    /// The address of its API.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// An address where nobody listens.
    pub async fn nobodys_base_url() -> String {
        // A port that was free a moment ago, and is given to nobody else so soon.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/v1", listener.local_addr().unwrap())
    }

    /// Answers every request from now on with this, whatever was left to say.
    pub fn switch_to(&self, script: Script) {
        *self.shared.scripts.lock().unwrap() = VecDeque::from([script]);
    }

    /// What was sent so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Waits until clients have closed so many connections before their script was over.
    pub async fn was_left(&self, times: usize) {
        let mut left = self.shared.left.subscribe();
        left.wait_for(|&left| left >= times).await.unwrap();
    }
}

/// A vector whose values count the words that fall on them (hashed by FNV-1a).
fn by_words(text: &str, dimensions: usize) -> Vec<f32> {
    let mut values = vec![0.01; dimensions];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
        let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        values[(hash % dimensions as u64) as usize] += 1.0;
    }
    values
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(serve(stream, Arc::clone(&shared)));
        // Those that ended.
        while connections.try_join_next().is_some() {}
    }
}

/// One request a connection; the client is told so.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    let answer = shared.answering.as_ref().map(|answer| answer(&request));
    shared.requests.lock().unwrap().push(request);
    let script = if let Some(answer) = answer {
        answer
    } else {
        let mut scripts = shared.scripts.lock().unwrap();
        let last = scripts.front().cloned().expect("there is always one");
        if scripts.len() > 1 {
            scripts.pop_front();
        }
        last
    };
    for step in script.0 {
        let is_there = match step {
            Step::Bytes(bytes) => stream.write_all(&bytes).await.is_ok(),
            Step::Compute(computing) => unless_left(&mut stream, computed(computing)).await,
            Step::Gate(gate) => unless_left(&mut stream, gate.pass()).await,
            Step::Hang => unless_left(&mut stream, std::future::pending()).await,
        };
        if !is_there {
            shared.left.send_modify(|left| *left += 1);
            return;
        }
    }
    // What the client does with a connection that is closed before it read everything is the system's to say; this
    // waits until it has.
    let _ = stream.shutdown().await;
    let mut rest = [0; 64];
    while let Ok(1..) = stream.read(&mut rest).await {}
}

/// The end of a model's computing: part of what it is like, nothing that a test waits for.
async fn computed(computing: Duration) {
    let _ = tokio::time::timeout(computing, std::future::pending::<()>()).await;
}

/// Waits for `event`; `false` when the client closes the connection first.
async fn unless_left(stream: &mut TcpStream, event: impl Future<Output = ()>) -> bool {
    let mut byte = [0];
    tokio::select! {
        () = event => true,
        // A client that waits for its reply sends nothing.
        _ = stream.read(&mut byte) => false,
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let (first, headers) = head.split_once("\r\n").unwrap();
    let head = format!("{first}\r\n{headers}");
    let length: usize = headers
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0);
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request {
        head,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}
