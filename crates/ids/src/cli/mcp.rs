//! `ids mcp`: the library as tools of an assistant, over stdin and stdout. Each message is carried to `/mcp` of the library, whoever owns
//! it; stdout has nothing but the protocol.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use anyhow::Context;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use clap::Args;
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable, Aborted};
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::exit::Failed;
use crate::config::Config;
use crate::local::{Access, Work, read_body};

/// Messages that are worked at at once; the next is read when one is done.
const AT_ONCE: usize = 16;
/// Bytes of a message: what `/mcp` takes, and its line end.
const LINE_BYTES: u64 = 256 * 1024 + 2;

/// Serve the library to an assistant as tools (Model Context Protocol, over stdin and stdout)
#[derive(Debug, Args)]
pub struct McpArgs {}

/// Carries messages until stdin ends.
pub async fn run(_args: McpArgs, config: &Config) -> Result<u8, Failed> {
    let access = Access::open(config, Work::None).await?;
    let outcome = carry(&access).await;
    access.close().await;
    outcome?;
    Ok(0)
}

/// A message that is being worked at, and its answer, if it has one.
type Working<'a> =
    Pin<Box<dyn Future<Output = (Option<String>, Result<Option<String>, Aborted>)> + Send + 'a>>;

async fn carry(access: &Access) -> anyhow::Result<()> {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut output = tokio::io::stdout();
    let mut working: FuturesUnordered<Working<'_>> = FuturesUnordered::new();
    // Those that can still be cancelled, by the JSON of their ids.
    let mut cancels: HashMap<String, AbortHandle> = HashMap::new();
    let mut line = Vec::new();
    let mut is_open = true;
    while is_open || !working.is_empty() {
        // A read that is dropped leaves what it has in `line`; the messages at work are only borrowed.
        tokio::select! {
            read = read_line(&mut input, &mut line), if is_open && working.len() < AT_ONCE => {
                is_open = read.context("stdin cannot be read")?;
                let text = String::from_utf8_lossy(&line).trim().to_owned();
                line.clear();
                if text.is_empty() {
                    continue;
                }
                let message: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
                if message["method"] == "notifications/cancelled" {
                    if let Some(cancel) = cancels.remove(&message["params"]["requestId"].to_string()) {
                        cancel.abort();
                    }
                    continue;
                }
                let id = message.get("id").map(Value::to_string);
                let (cancel, registration) = AbortHandle::new_pair();
                if let Some(id) = &id {
                    cancels.insert(id.clone(), cancel);
                }
                working.push(Box::pin(async move {
                    let answer = Abortable::new(answer(access, text, message), registration).await;
                    (id, answer)
                }));
            }
            Some((id, answer)) = working.next(), if !working.is_empty() => {
                if let Some(id) = id {
                    cancels.remove(&id);
                }
                // What was cancelled is not answered any more.
                if let Ok(Some(mut answer)) = answer {
                    answer.push('\n');
                    output.write_all(answer.as_bytes()).await.context("stdout is closed")?;
                    output.flush().await.context("stdout is closed")?;
                }
            }
        }
    }
    Ok(())
}

/// Reads on to the end of a line; false at the end of stdin.
async fn read_line(input: &mut BufReader<tokio::io::Stdin>, line: &mut Vec<u8>) -> anyhow::Result<bool> {
    let left = LINE_BYTES.saturating_sub(line.len() as u64);
    let mut bounded = tokio::io::AsyncReadExt::take(input, left);
    bounded.read_until(b'\n', line).await?;
    if line.len() as u64 >= LINE_BYTES && line.last() != Some(&b'\n') {
        anyhow::bail!("a message is longer than {} KB", LINE_BYTES / 1024);
    }
    Ok(line.last() == Some(&b'\n'))
}

/// What the library says to a message: one line of JSON, or nothing.
async fn answer(access: &Access, text: String, message: Value) -> Option<String> {
    let outcome = send(access, text).await;
    let detail = match outcome {
        Ok((StatusCode::ACCEPTED, _)) => return None,
        Ok((_, mut body)) if body["jsonrpc"] == "2.0" => {
            // What was refused before it was read has no id there; here it is known whose answer it is.
            if let (Value::Null, Some(id)) = (&body["id"], message.get("id")) {
                body["id"] = id.clone();
            }
            return Some(body.to_string());
        }
        Ok((status, body)) => match body["detail"].as_str() {
            Some(detail) => detail.to_owned(),
            None => format!("the library answered with the status {}", status.as_u16()),
        },
        Err(error) => format!("{error:#}"),
    };
    // A notification is never answered.
    let id = message.get("id")?;
    let error = json!({"code": -32_603, "message": detail});
    Some(json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string())
}

async fn send(access: &Access, text: String) -> anyhow::Result<(StatusCode, Value)> {
    let request = Request::post("/mcp")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(text))?;
    let response = access.send(request).await?;
    let status = response.status();
    let body = read_body(response).await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}
