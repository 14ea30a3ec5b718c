//! HTTP with nothing between the test and the server: what is written here is what is sent.

use std::io::{Read, Write};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct RawReply {
    pub status: u16,
    pub text: String,
}

/// Sends a request with these headers, and a length unless one is among them.
pub async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> RawReply {
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap());
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !headers.iter().any(|(name, _)| *name == "content-length") {
        head += &format!("content-length: {}\r\n", body.len());
    }
    let mut stream = TcpStream::connect(authority).await.unwrap();
    stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    // A server that refuses the head may close before it has the body.
    let _ = stream.write_all(body).await;
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;
    let reply = String::from_utf8_lossy(&reply);
    let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
    RawReply {
        status: status.unwrap_or_default(),
        text: reply
            .split_once("\r\n\r\n")
            .map(|(_, text)| text.to_owned())
            .unwrap_or_default(),
    }
}

/// Sends a request without a body and waits for the end of the reply, whatever it is, where nothing can be awaited.
pub fn send_blocking(method: &str, url: &str) {
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap());
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    // A server that a test has killed keeps no volumes.
    if let Ok(mut stream) = std::net::TcpStream::connect(authority) {
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.read_to_end(&mut Vec::new());
    }
}
