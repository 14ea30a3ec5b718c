//! A running `ids serve`, asked over plain HTTP.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::place::Place;
use crate::wait;

/// Where each server's log goes, below its place.
const LOG: &str = "serve.log";

/// A server that is ready; killed when dropped.
pub struct Server {
    child: Child,
    address: String,
    lines: Mutex<Receiver<String>>,
    log: PathBuf,
}

/// A process that says nothing when it is ready; killed when dropped.
pub struct Background(Child);

impl Background {
    /// Starts it with its log at the end of `log`.
    pub fn run(mut command: Command, log: &std::path::Path) -> Self {
        let log = File::options().create(true).append(true).open(log).unwrap();
        Self(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Server {
    /// Starts one on a free port and waits until it says that it is ready.
    pub fn start(place: &Place) -> Self {
        Self::start_with(place, &[])
    }

    /// The same with variables set.
    pub fn start_with(place: &Place, variables: &[(&str, &str)]) -> Self {
        let mut command = place.command(&["serve", "--port", "0"]);
        command.envs(variables.iter().copied());
        Self::run(command, place.root().join(LOG))
    }

    /// The same with any command that serves, and a log of its own.
    pub fn run(mut command: Command, log: PathBuf) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut server = Self {
            child,
            address: String::new(),
            lines: Mutex::new(lines),
            log,
        };
        let line = server
            .line()
            .unwrap_or_else(|| panic!("not ready: {}", server.log()));
        let address = line
            .strip_prefix("ids is ready at http://")
            .expect("the first line is the address");
        server.address = address.to_owned();
        server
    }

    fn line(&self) -> Option<String> {
        self.lines
            .lock()
            .unwrap()
            .recv_timeout(Duration::from_secs(60))
            .ok()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// GET of a path below /api/v1, which must succeed.
    pub fn get(&self, path: &str) -> Value {
        let answer = self.send("GET", &format!("/api/v1{path}"), "application/json", b"");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// GET of any path, with a key where one is given; the status.
    pub fn status_of(&self, path: &str, key: Option<&str>) -> u16 {
        let bearer = key.map(|key| format!("Bearer {key}"));
        let headers: Vec<_> = bearer
            .iter()
            .map(|bearer| ("authorization", bearer.as_str()))
            .collect();
        send(&self.address, "GET", path, &headers, b"").status
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Answer {
        send(
            &self.address,
            method,
            path,
            &[("content-type", content_type)],
            body,
        )
    }

    /// Sends a file; returns the document's id once it is accepted.
    pub fn upload(&self, filename: &str, bytes: &[u8]) -> String {
        let answer = self.send_file(filename, bytes, None);
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.body["document_id"].as_str().unwrap().to_owned()
    }

    /// Sends a file, with its password where it has one.
    pub fn send_file(&self, filename: &str, bytes: &[u8], password: Option<&str>) -> Answer {
        let mut form = Vec::new();
        if let Some(password) = password {
            let part = "--X\r\ncontent-disposition: form-data; name=\"password\"\r\n\r\n";
            form.extend_from_slice(format!("{part}{password}\r\n").as_bytes());
        }
        let part =
            format!("--X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n\r\n");
        form.extend_from_slice(part.as_bytes());
        form.extend_from_slice(bytes);
        form.extend_from_slice(b"\r\n--X--\r\n");
        self.send(
            "POST",
            "/api/v1/documents",
            "multipart/form-data; boundary=X",
            &form,
        )
    }

    pub fn status(&self, document_id: &str) -> Value {
        self.get(&format!("/documents/{document_id}/status"))
    }

    /// Waits until a document's status is `wanted`, or one that it cannot come from any more is a failure.
    pub fn until_completed(&self, document_id: &str) -> Value {
        wait::until("the document's end", || {
            let status = self.status(document_id);
            let word = status["status"].as_str().unwrap();
            assert!(!matches!(word, "failed" | "cancelled" | "duplicate"), "{status}");
            (word == "completed").then_some(status)
        })
    }

    /// Sends a search; returns the results.
    pub fn search(&self, query: &str, mode: &str) -> Vec<Value> {
        let body = serde_json::json!({"query": query, "mode": mode}).to_string();
        let answer = self.send(
            "POST",
            "/api/v1/documents/search",
            "application/json",
            body.as_bytes(),
        );
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["results"].as_array().unwrap().clone()
    }

    /// kill -9, and waits until the process is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal and waits for the end.
    pub fn stop(mut self, signal: Signal) -> ExitStatus {
        send_signal(&self.child, signal);
        wait_for_end(&mut self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of a GET that must succeed, as text.
pub fn text_of(address: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let (status, body) = exchange(address, "GET", path, headers, b"");
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// Any request to any server.
pub fn send(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let (status, body) = exchange(address, method, path, headers, body);
    Answer {
        status,
        body: serde_json::from_str(&body).unwrap_or(Value::Null),
    }
}

fn exchange(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let reply = String::from_utf8_lossy(&reply);
    let (head, body) = reply.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// Sends a signal to a process that this test started.
pub fn send_signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits until a process ends.
pub fn wait_for_end(child: &mut Child) -> ExitStatus {
    wait::until("the end of a process", || child.try_wait().unwrap())
}
