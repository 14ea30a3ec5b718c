//! `ids healthcheck`: asks a running server how it is, as a supervisor or a container would.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::http::{HeaderValue, Request, StatusCode, Uri, header};
use bytes::Bytes;
use clap::Args;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use ids_core::limits;
use ids_core::ports::{Clock, WorkerRegistry};
use ids_postgres::{PostgresConfig, PostgresLibrary};
use serde_json::Value;
use tokio::net::TcpStream;

use super::exit::Failed;
use super::output;
use crate::config::Config;
use crate::data_dir::address_path;
use crate::system::SystemClock;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ask a running server how it is; exit code 0 when it can work.
#[derive(Debug, Args)]
pub struct HealthcheckArgs {
    /// The server's address, such as http://127.0.0.1:8000 [default: the server of the data directory]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Ask for a worker instead, by the name it was started with: is it alive?
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    worker: Option<String>,
    /// Print the API's reply as JSON
    #[arg(long)]
    json: bool,
}

impl HealthcheckArgs {
    /// The address that was given.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

/// Asks; exit code 1 when there is no answer, or a bad one.
pub async fn run(args: HealthcheckArgs, config: &Config) -> Result<u8, Failed> {
    if let Some(name) = &args.worker {
        return worker(name, args.json, config).await;
    }
    report(&parse(&left_address(config)?)?, args.json).await
}

/// Asks the address that was given.
pub async fn of_address(args: &HealthcheckArgs) -> Result<u8, Failed> {
    let url = args.url.as_deref().unwrap_or_default();
    report(&parse(url)?, args.json).await
}

async fn report(address: &Uri, json: bool) -> Result<u8, Failed> {
    let asked = tokio::time::timeout(PATIENCE, ask(address)).await;
    let (status, raw) = match asked {
        Ok(answer) => answer.map_err(Failed::from)?,
        Err(_elapsed) => {
            return Err(Failed::because(format!(
                "`{address}` did not answer within {} seconds",
                PATIENCE.as_secs()
            )));
        }
    };
    let body: Value = serde_json::from_slice(&raw).unwrap_or(Value::Null);
    if json {
        output::print_raw(&raw)?;
    } else {
        output::print(&summary(status, &body))?;
    }
    Ok(u8::from(!status.is_success()))
}

/// Looks for the heartbeat of a worker called `name`, or `name` with the suffix that each process adds.
async fn worker(name: &str, json: bool, config: &Config) -> Result<u8, Failed> {
    let settings = config.postgres.as_ref().ok_or_else(|| {
        Failed::usage("workers of their own need PostgreSQL; `ids healthcheck` asks `ids serve`")
    })?;
    // One connection, since this runs every few seconds beside the worker.
    let settings = PostgresConfig {
        pool_size: 1,
        ..settings.clone()
    };
    let asked = tokio::time::timeout(PATIENCE, async {
        let library = PostgresLibrary::connect(&settings, Arc::new(SystemClock)).await?;
        let since = SystemClock.now().minus(limits::HEARTBEAT_LASTS);
        let alive = library.list_workers(since).await;
        library.close();
        Ok::<_, anyhow::Error>(alive?)
    });
    let alive = asked.await.map_err(|_| {
        Failed::because(format!(
            "PostgreSQL did not answer within {} seconds",
            PATIENCE.as_secs()
        ))
    })??;
    let found: Vec<_> = alive.iter().filter(|it| is_called(&it.name, name)).collect();
    if json {
        let names: Vec<&str> = found.iter().map(|it| it.name.as_str()).collect();
        let status = if found.is_empty() { "unhealthy" } else { "healthy" };
        output::print(&serde_json::json!({"status": status, "workers": names}).to_string())?;
    } else {
        output::print(&match found.as_slice() {
            [] => format!("no worker `{}` is alive", output::clean(name)),
            some => format!("{} alive", output::count(some.len() as u64, "worker")),
        })?;
    }
    Ok(u8::from(found.is_empty()))
}

fn is_called(worker: &str, name: &str) -> bool {
    worker == name || worker.rsplit_once('-').is_some_and(|(before, _)| before == name)
}

/// The address that the running server left in the data directory.
fn left_address(config: &Config) -> Result<String, Failed> {
    let none = || {
        Failed::because(format!(
            "no server runs on the data directory `{}`",
            config.data_dir.display()
        ))
    };
    let text = std::fs::read_to_string(address_path(&config.data_dir)).map_err(|_| none())?;
    let left: Value = serde_json::from_str(&text).map_err(|_| none())?;
    left["address"].as_str().map(str::to_owned).ok_or_else(none)
}

fn parse(url: &str) -> Result<Uri, Failed> {
    let wrong = || {
        Failed::usage(format!(
            "`{url}` is no address such as `http://127.0.0.1:8000`; only http is spoken here"
        ))
    };
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    if uri.scheme_str() != Some("http") || uri.host().is_none() {
        return Err(wrong());
    }
    if !matches!(uri.path(), "" | "/") {
        return Ok(uri);
    }
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(axum::http::uri::PathAndQuery::from_static("/health"));
    Uri::from_parts(parts).map_err(|_| wrong())
}

async fn ask(address: &Uri) -> anyhow::Result<(StatusCode, Bytes)> {
    let Some(authority) = address.authority() else {
        bail!("`{address}` has no host")
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let unreachable = || format!("no server answers at `{address}`");
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80)))
        .await
        .with_context(unreachable)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .with_context(unreachable)?;
    let mut request = Request::builder()
        .uri(address.path())
        .body(Empty::<Bytes>::new())?;
    request
        .headers_mut()
        .insert(header::HOST, HeaderValue::from_str(authority.as_str())?);
    request
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        Ok::<_, hyper::Error>((status, response.into_body().collect().await?.to_bytes()))
    };
    // The connection works only while it is polled, and ends with the exchange.
    let (_, answer) = futures_util::future::join(connection, exchange).await;
    answer.with_context(unreachable)
}

fn summary(status: StatusCode, body: &Value) -> String {
    let Some(word) = body["status"].as_str() else {
        return format!("answered with the status {}", status.as_u16());
    };
    let mut line = output::clean(word);
    if let Some(version) = body["version"].as_str() {
        line.push_str(&format!(", version {}", output::clean(version)));
    }
    for (name, dependency) in body["dependencies"].as_object().into_iter().flatten() {
        let word = dependency["status"].as_str().unwrap_or("unknown");
        line.push_str(&format!("\n{}: {}", output::clean(name), output::clean(word)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn an_address_without_a_path_means_health() {
        assert_eq!(
            parse("http://127.0.0.1:8000").unwrap().to_string(),
            "http://127.0.0.1:8000/health"
        );
        assert_eq!(parse("http://localhost:1/").unwrap().path(), "/health");
        assert_eq!(parse("http://localhost/ready").unwrap().path(), "/ready");
    }

    #[test]
    fn other_addresses_are_bad_usage() {
        for url in ["https://localhost", "localhost:8000", "", "/health"] {
            assert_eq!(parse(url).unwrap_err().code, 2, "{url}");
        }
    }
}
