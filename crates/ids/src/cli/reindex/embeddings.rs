//! `ids reindex --embeddings`: changes a library over to another embedding model, turn by turn.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::client::{CallError, Client, Reply, with_client};
use crate::cli::exit::Failed;
use crate::cli::output;
use crate::cli::progress_line::ProgressLine;
use crate::config::Config;
use crate::local::Work;

/// Processes of a server look every 15 s which model serves: so long the old vectors stay, that none searches without any.
const OTHERS_LOOK: Duration = Duration::from_secs(20);

/// Runs the command.
pub(super) async fn run(json: bool, config: &Config) -> Result<u8, Failed> {
    let has_other_processes = config.postgres.is_some();
    with_client(config, Work::None, async |client: &Client| {
        let begin = Instant::now();
        let line = ProgressLine::new();
        let state = ask(json, client.get("/local/reindex/embeddings").await)?;
        let mut embedded = 0;
        embed_all(client, json, &line, &state, &mut embedded).await?;
        if has_other_processes && embedded > 0 {
            line.begin("other processes change over");
            tokio::time::sleep(OTHERS_LOOK).await;
            // What workers finished by the old model meanwhile.
            embed_all(client, json, &line, &state, &mut embedded).await?;
        }
        let mut removed = 0;
        loop {
            let gone = turn(client, json, "remove", &json!({})).await?;
            let count = gone["removed"].as_u64().unwrap_or(0);
            removed += count;
            line.show(&format!("{removed} old embeddings removed"));
            if count == 0 {
                break;
            }
        }
        line.clear();
        tell(json, &state, embedded, removed, begin.elapsed().as_secs_f64())?;
        Ok(0)
    })
    .await
}

/// Passes over the library until one finds nothing that lacks a vector.
async fn embed_all(
    client: &Client,
    json: bool,
    line: &ProgressLine,
    state: &Value,
    embedded: &mut u64,
) -> Result<(), Failed> {
    let (chunks, done) = (&state["chunks"], state["done"].as_u64().unwrap_or(0));
    let model = state["model"].as_str().unwrap_or_default();
    loop {
        let before = *embedded;
        let mut from = json!({});
        while from.is_object() {
            let ended = turn(client, json, "embed", &from).await?;
            *embedded += ended["embedded"].as_u64().unwrap_or(0);
            line.show(&format!(
                "{}/{chunks} passages embedded by {model}",
                done + *embedded
            ));
            from = ended["next"].clone();
        }
        if *embedded == before {
            return Ok(());
        }
    }
}

async fn turn(client: &Client, json: bool, step: &str, body: &Value) -> Result<Value, Failed> {
    let path = format!("/local/reindex/embeddings/{step}");
    ask(json, client.post(&path, body).await)
}

fn ask(json: bool, reply: Result<Reply, CallError>) -> Result<Value, Failed> {
    Ok(reply.map_err(|error| error.into_failed(json))?.body)
}

fn tell(json: bool, state: &Value, embedded: u64, removed: u64, seconds: f64) -> Result<(), Failed> {
    if json {
        let body = json!({
            "model": state["model"],
            "dimensions": state["dimensions"],
            "chunks": state["chunks"],
            "embedded": embedded,
            "removed": removed,
            "seconds": (seconds * 1_000.0).round() / 1_000.0,
        });
        return output::print(&body.to_string());
    }
    let model = output::clean(state["model"].as_str().unwrap_or_default());
    if embedded == 0 && removed == 0 {
        return output::print(&format!("every passage has its embedding by `{model}` already"));
    }
    output::print(&format!(
        "`{model}` embeds now: {} made, {removed} old ones removed, {seconds:.1} s",
        output::count(embedded, "embedding")
    ))
}
