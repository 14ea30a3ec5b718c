//! `ids queue`: the jobs behind documents, and cleanups.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Reply, segment, with_client, with_query};
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
    /// List jobs, newest first
    Jobs(JobsArgs),
    /// Stop a job; what it made is removed
    Cancel(JobArgs),
    /// Queue a failed or cancelled job again
    Retry(JobArgs),
    /// Remove what is left behind; each cleanup also runs by itself once an hour
    Cleanup(CleanupArgs),
}

#[derive(Debug, Args)]
struct JobsArgs {
    /// Only this queue: document_processing or cleanup_tasks
    #[arg(long, value_name = "QUEUE")]
    queue: Option<String>,
    /// Only this status: queued, started, deferred, finished, failed or cancelled
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Rows at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Rows to pass over
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,
    /// Print the API's reply as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct CleanupArgs {
    /// What to remove: s3_cleanup (files under the temporary prefix), orphaned_files (all) or expired_uploads
    #[arg(value_name = "TASK")]
    task: String,
    /// Only what is older [default: CLEANUP_ORPHANED_FILES_HOURS]
    #[arg(long, value_name = "HOURS")]
    older_than_hours: Option<u64>,
    /// Print the API's reply as JSON
    #[arg(long)]
    json: bool,
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
        Action::Jobs(args) => {
            with_client(config, Work::None, async |client: &Client| {
                jobs(client, &args).await
            })
            .await
        }
        Action::Cleanup(args) => {
            with_client(config, Work::Jobs, async |client: &Client| {
                cleanup(client, &args).await
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
                    reply = wait(client, &args.job_id, args.json).await?;
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

async fn jobs(client: &Client, args: &JobsArgs) -> Result<u8, Failed> {
    let path = with_query(
        "/api/v1/queue/jobs",
        &[
            ("queue", args.queue.clone()),
            ("status", args.status.clone()),
            ("limit", Some(args.limit.to_string())),
            ("offset", Some(args.offset.to_string())),
        ],
    );
    let reply = client
        .get(&path)
        .await
        .map_err(|error| error.into_failed(args.json))?;
    if args.json {
        output::print_raw(&reply.raw)?;
    } else {
        output::print(&render_jobs(&reply.body))?;
    }
    Ok(0)
}

fn render_jobs(body: &Value) -> String {
    let jobs = body["jobs"].as_array().map(Vec::as_slice).unwrap_or_default();
    if jobs.is_empty() {
        return "no jobs".to_owned();
    }
    let mut rows = vec![
        ["job", "queue", "status", "progress", "tries", "accepted", "what"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for job in jobs {
        let text = |value: &Value| clean(value.as_str().unwrap_or_default());
        let meta = &job["meta"];
        let subject = meta["document_id"]
            .as_str()
            .or_else(|| meta["task_type"].as_str());
        let mut what = clean(subject.unwrap_or_default());
        if let Some(reason) = job["exc_info"].as_str() {
            what.push_str(&format!(": {}", clean(reason)));
        }
        rows.push(vec![
            text(&job["id"]),
            text(&meta["queue"]),
            text(&job["status"]),
            format!("{} %", meta["progress"]),
            meta["attempts"].to_string(),
            text(&job["created_at"]),
            what,
        ]);
    }
    output::table(&rows)
}

async fn cleanup(client: &Client, args: &CleanupArgs) -> Result<u8, Failed> {
    let mut request = json!({"task_type": args.task});
    if let Some(hours) = args.older_than_hours {
        request["older_than_hours"] = hours.into();
    }
    let reply = client
        .post("/api/v1/queue/cleanup", &request)
        .await
        .map_err(|error| error.into_failed(args.json))?;
    let job_id = reply.body["job_id"].as_str().unwrap_or_default().to_owned();
    // Without a server nobody else would do it: no job is left behind.
    if !client.is_server() {
        let reply = wait(client, &job_id, args.json).await?;
        return finish(&reply, args.json);
    }
    if args.json {
        output::print_raw(&reply.raw)?;
    } else {
        output::print(&format!(
            "cleanup `{}` is queued as job `{job_id}`",
            clean(&args.task)
        ))?;
    }
    Ok(0)
}

async fn wait(client: &Client, job_id: &str, json: bool) -> Result<Reply, Failed> {
    let path = format!("/api/v1/queue/job/{}", segment(job_id));
    loop {
        let reply = client.get(&path).await.map_err(|error| error.into_failed(json))?;
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
        if let Some(removed) = reply.body["result"]["removed"].as_u64() {
            line.push_str(&format!("; {removed} removed"));
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
