//! `ids queue`: the jobs behind documents.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Reply, segment, with_client};
use super::exit::Failed;
use super::output::{self, clean};
use crate::config::Config;
use crate::local::Work;

/// How often a job is looked at that this process does itself.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Look at the jobs behind documents, and steer them.
#[derive(Debug, Args)]
pub struct QueueArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Count the jobs of each queue
    Info {
        /// Print the API's reply as JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop a job; what it made is removed
    Cancel(JobArgs),
    /// Queue a failed or cancelled job again
    Retry(JobArgs),
}

#[derive(Debug, Args)]
struct JobArgs {
    /// The job (`ids documents show` names it)
    #[arg(value_name = "ID")]
    job_id: String,
    /// Print the API's reply as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: QueueArgs, config: &Config) -> Result<u8, Failed> {
    match args.action {
        Action::Info { json } => {
            with_client(config, Work::None, async |client: &Client| {
                info(client, json).await
            })
            .await
        }
        Action::Cancel(args) => {
            with_client(config, Work::None, async |client: &Client| {
                let reply = steer(client, &args, "cancel").await?;
                finish(&reply, args.json)
            })
            .await
        }
        Action::Retry(args) => {
            with_client(config, Work::Jobs, async |client: &Client| {
                let mut reply = steer(client, &args, "retry").await?;
                // Without a server nobody else would do it: no job is left behind.
                if !client.is_server() {
                    reply = wait(client, &args).await?;
                }
                finish(&reply, args.json)
            })
            .await
        }
    }
}

async fn info(client: &Client, json: bool) -> Result<u8, Failed> {
    let reply = client
        .get("/api/v1/queue/info")
        .await
        .map_err(|error| error.into_failed(json))?;
    if json {
        output::print_raw(&reply.raw)?;
    } else {
        output::print(&render(&reply.body))?;
    }
    Ok(0)
}

fn render(body: &Value) -> String {
    const COLUMNS: [(&str, &str); 6] = [
        ("queued", "length"),
        ("started", "started_count"),
        ("deferred", "deferred_count"),
        ("finished", "finished_count"),
        ("failed", "failed_count"),
        ("cancelled", "cancelled_count"),
    ];
    let mut header = vec!["queue".to_owned()];
    header.extend(COLUMNS.map(|(name, _)| name.to_owned()));
    let mut rows = vec![header];
    for queue in body["queues"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let mut row = vec![clean(queue["name"].as_str().unwrap_or_default())];
        row.extend(COLUMNS.map(|(_, field)| queue[field].to_string()));
        rows.push(row);
    }
    output::table(&rows)
}

async fn steer(client: &Client, args: &JobArgs, action: &str) -> Result<Reply, Failed> {
    let path = format!("/api/v1/queue/job/{}/{action}", segment(&args.job_id));
    client
        .post(&path, &json!({}))
        .await
        .map_err(|error| error.into_failed(args.json))
}

async fn wait(client: &Client, args: &JobArgs) -> Result<Reply, Failed> {
    let path = format!("/api/v1/queue/job/{}", segment(&args.job_id));
    loop {
        let reply = client
            .get(&path)
            .await
            .map_err(|error| error.into_failed(args.json))?;
        if matches!(
            reply.body["status"].as_str(),
            Some("finished" | "failed" | "cancelled") | None
        ) {
            return Ok(reply);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Prints where the job stands; exit code 1 when it failed.
fn finish(reply: &Reply, json: bool) -> Result<u8, Failed> {
    let status = reply.body["status"].as_str().unwrap_or("unknown");
    if json {
        output::print_raw(&reply.raw)?;
    } else {
        let id = clean(reply.body["id"].as_str().unwrap_or_default());
        let mut line = format!("job `{id}` is {}", clean(status));
        if let Some(reason) = reply.body["exc_info"].as_str().filter(|_| status == "failed") {
            line.push_str(&format!(": {}", clean(reason)));
        }
        output::print(&line)?;
    }
    Ok(u8::from(status == "failed"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::render;

    #[test]
    fn queues_are_counted_in_columns() {
        let body = json!({"queues": [{
            "name": "document_processing", "length": 1, "started_count": 2, "deferred_count": 3,
            "finished_count": 4, "failed_count": 5, "cancelled_count": 6,
        }]});
        let expected = "queue                queued  started  deferred  finished  failed  cancelled\n\
                        document_processing  1       2        3         4         5       6";
        assert_eq!(render(&body), expected);
    }
}
