//! What does our part of an answer cost: its time over the model's own, how soon a token is passed on, and memory with many streams open?
//!
//! The program is run over a library that is there, with a scripted server as its model, which takes no time of its own. A document is added
//! whose words the model quotes, so that citations are looked up as in any answer.

#![expect(clippy::print_stdout, reason = "a measuring program")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use futures_util::future::try_join_all;
use ids_testkit::{Gate, Script, ScriptedModelServer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DOCUMENT: &str =
    "O regulamento interno do Zimbório prevê que a taxa de quilofonia seja de dezessete réis por mês.";
const QUESTION: &str = "De quanto é a taxa de quilofonia do Zimbório?";
const FIRST: &str = "A taxa de quilofonia ";
const REST: &str =
    "é de dezessete réis por mês. [1: \"a taxa de quilofonia seja de dezessete réis por mês\"]\n";
/// A document of one sentence is read within this.
const READ_WITHIN: Duration = Duration::from_secs(120);

/// What does our part of an answer cost?
#[derive(Debug, Parser)]
struct Options {
    /// The program
    program: PathBuf,
    /// A data directory, made by `bench-library`
    data_dir: PathBuf,
    /// Questions that are timed
    #[arg(long, default_value_t = 200)]
    questions: usize,
    /// Streams open at once
    #[arg(long, default_value_t = 200)]
    streams: usize,
}

/// The program, which ends with this.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(options: &Options, model: &str) -> Result<Self> {
        let mut child = Command::new(&options.program)
            .args(["serve", "--port", "0"])
            .env("IDS_DATA_DIR", &options.data_dir)
            .env("OPENAI_BASE_URL", model)
            .env("OPENAI_CALLS_AT_ONCE", options.streams.to_string())
            .env("RATE_LIMIT_PER_ADDRESS_PER_MINUTE", "1000000")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("the program cannot be started")?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("its output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line
            .trim()
            .strip_prefix("ids is ready at http://")
            .context("its address")?;
        Ok(Self {
            address: address.to_owned(),
            child,
        })
    }

    /// Megabytes in memory, its own pages.
    fn memory(&self) -> Result<f64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = rollup
            .lines()
            .find(|line| line.starts_with("Pss_Anon:"))
            .context("its memory")?;
        let kilobytes: f64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
        Ok(kilobytes / 1_024.0)
    }

    /// A request; the connection, from which the reply is read.
    async fn send(&self, head: &str, body: &[u8]) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let head = format!(
            "{head} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
            self.address,
            body.len()
        );
        let kind = if head.contains("/documents ") && head.starts_with("POST") {
            "multipart/form-data; boundary=X"
        } else {
            "application/json"
        };
        stream
            .write_all(format!("{head}content-type: {kind}\r\n\r\n").as_bytes())
            .await?;
        stream.write_all(body).await?;
        Ok(stream)
    }

    async fn json(&self, head: &str, body: &[u8]) -> Result<Value> {
        let mut stream = self.send(head, body).await?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await?;
        let reply = String::from_utf8_lossy(&reply);
        let (_, body) = reply.split_once("\r\n\r\n").context("a head")?;
        Ok(serde_json::from_str(body)?)
    }

    async fn ask(&self) -> Result<Asking> {
        let body = json!({"message": QUESTION, "stream": true}).to_string();
        Ok(Asking {
            stream: self.send("POST /api/v1/chat/ask", body.as_bytes()).await?,
            read: Vec::new(),
        })
    }
}

/// A streamed answer on its way.
struct Asking {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Asking {
    async fn until(&mut self, words: &str) -> Result<()> {
        while !self
            .read
            .windows(words.len())
            .any(|part| part == words.as_bytes())
        {
            let count = self.stream.read_buf(&mut self.read).await?;
            ensure!(
                count > 0,
                "it ended without `{words}`: {}",
                String::from_utf8_lossy(&self.read)
            );
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let whole = Script::reply(&[FIRST, REST]);
    let model = ScriptedModelServer::start([whole.clone()]).await;
    let server = Server::start(&options, &model.base_url())?;
    add_document(&server).await?;
    let chunks = server.json("GET /api/v1/documents/stats", b"").await?["total_chunks"].clone();
    println!("{chunks} chunks, {} questions", options.questions);

    let mut times = Vec::with_capacity(options.questions);
    for at in 0..=options.questions {
        let begun = Instant::now();
        let mut asking = server.ask().await?;
        asking.stream.read_to_end(&mut asking.read).await?;
        let took = begun.elapsed();
        let text = String::from_utf8_lossy(&asking.read).into_owned();
        ensure!(text.contains("\"status\":\"verified\""), "not borne out: {text}");
        // The first one warms caches.
        if at > 0 {
            times.push(took);
        }
    }
    println!("our part of an answer: {}", percentiles(times));

    let mut delays = Vec::with_capacity(options.questions);
    for _ in 0..options.questions {
        let gate = Gate::default();
        model.switch_to(Script::stream().gate(&gate).piece(FIRST).piece(REST).done());
        let mut asking = server.ask().await?;
        gate.reached().await;
        let begun = Instant::now();
        gate.open();
        asking.until("event: delta").await?;
        delays.push(begun.elapsed());
        asking.until("event: done").await?;
    }
    println!(
        "first token from the model's word to the reader: {}",
        percentiles(delays)
    );

    let gate = Gate::default();
    model.switch_to(Script::stream().piece(FIRST).gate(&gate).piece(REST).done());
    let before = server.memory()?;
    let mut open = try_join_all((0..options.streams).map(|_| async {
        let mut asking = server.ask().await?;
        asking.until("event: delta").await?;
        anyhow::Ok(asking)
    }))
    .await?;
    let during = server.memory()?;
    println!(
        "{} streams open at once: {during:.1} MB, {:.1} MB above rest ({before:.1} MB)",
        options.streams,
        during - before
    );
    gate.open();
    try_join_all(open.iter_mut().map(|asking| asking.until("event: done"))).await?;
    Ok(())
}

async fn add_document(server: &Server) -> Result<()> {
    let form = format!(
        "--X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"zimborio.txt\"\r\n\r\n{DOCUMENT}\r\n--X--\r\n"
    );
    let accepted = server.json("POST /api/v1/documents", form.as_bytes()).await?;
    let id = accepted["document_id"].as_str().context("its id")?.to_owned();
    let begun = Instant::now();
    loop {
        let status = server
            .json(&format!("GET /api/v1/documents/{id}/status"), b"")
            .await?;
        match status["status"].as_str() {
            // It was added by a run before.
            Some("completed" | "duplicate") => return Ok(()),
            Some("failed") => anyhow::bail!("the document failed: {status}"),
            _ => ensure!(
                begun.elapsed() < READ_WITHIN,
                "the document is not read: {status}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    format!("p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms", at(50), at(90), at(99))
}
