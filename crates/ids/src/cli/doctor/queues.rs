//! Whether somebody does the jobs, and how long they wait.

use std::time::Duration;

use ids_core::job::QueueName;
use ids_core::library::{QueueTotals, queue_totals};
use ids_core::ports::{BackupRegistry, Clock};
use ids_core::time::Timestamp;
use ids_postgres::PostgresLibrary;

use super::finding::Finding;
use super::{backups, chain};
use crate::cli::client::Client;
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};
use crate::local::Work;
use crate::system::SystemClock;

const WORKERS: &str = "workers";
const QUEUE: &str = "queue";
/// A document waits minutes behind a large batch; past this, people ask where it is.
const LONG: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// One queue as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Queue {
    name: QueueName,
    workers: u64,
    waiting: u64,
    failed: u64,
    oldest: Duration,
}

/// From the database, as API and workers see it.
pub(super) async fn of_postgres(config: &Config, library: &PostgresLibrary) -> Vec<Finding> {
    let now = SystemClock.now();
    match queue_totals(library, library, library, library, now).await {
        Ok(totals) => {
            let queues: Vec<Queue> = totals
                .iter()
                .map(|of: &QueueTotals| Queue {
                    name: of.queue(),
                    workers: of.workers,
                    waiting: of.jobs.queued + of.jobs.deferred,
                    failed: of.jobs.failed,
                    oldest: of.oldest_waiting.map_or(Duration::ZERO, |since| now.since(since)),
                })
                .collect();
            let mut findings = judge(config, &queues);
            findings.push(backups::of_list(&library.latest_backup().await, now));
            findings
        }
        Err(error) => vec![Finding::fail(
            QUEUE,
            chain(&error),
            "run `ids migrate`, and check the database",
        )],
    }
}

/// From the server that owns the data directory. Without one nothing waits: commands leave no job behind.
pub(super) async fn of_data_dir(config: &Config) -> Vec<Finding> {
    if !matches!(DataDir::own(&config.data_dir), Err(DataDirError::Locked(_))) {
        let mut findings = vec![Finding::not_used(
            QUEUE,
            "no server runs on this data directory, and commands do their own jobs",
        )];
        findings.extend(backups::of_resting(&config.data_dir, SystemClock.now()).await);
        return findings;
    }
    let hint = "is it `ids serve` that uses the directory, and of this version?";
    let client = match Client::open(config, Work::None).await {
        Ok(client) => client,
        Err(failed) => return vec![Finding::fail(QUEUE, failed.to_string(), hint)],
    };
    let reply = client.get("/metrics").await;
    client.close().await;
    match reply {
        Ok(reply) => {
            let text = String::from_utf8_lossy(&reply.raw);
            let mut findings = judge(config, &read(&text));
            let newest = value(&text, "ids_last_backup_timestamp_seconds", "", "");
            let newest = (newest > 0.0).then(|| Timestamp::from_micros((newest * 1e6) as i64));
            findings.push(backups::judge(newest, None, SystemClock.now()));
            findings
        }
        Err(_) => vec![Finding::fail(QUEUE, "the server does not tell its figures", hint)],
    }
}

/// Out of the text of `/metrics`, which is promised to stay as it is.
fn read(text: &str) -> Vec<Queue> {
    QueueName::ALL
        .into_iter()
        .map(|name| {
            let queue = format!("queue=\"{}\"", name.as_str());
            let of = |metric: &str, status: &str| value(text, metric, &queue, status);
            let count = |metric: &str, status: &str| of(metric, status) as u64;
            Queue {
                name,
                workers: count("ids_workers", ""),
                waiting: count("ids_jobs", "status=\"queued\"") + count("ids_jobs", "status=\"deferred\""),
                failed: count("ids_jobs", "status=\"failed\""),
                oldest: Duration::try_from_secs_f64(of("ids_oldest_job_age_seconds", "")).unwrap_or_default(),
            }
        })
        .collect()
}

fn value(text: &str, metric: &str, first: &str, second: &str) -> f64 {
    let line = text.lines().find(|line| {
        line.strip_prefix(metric)
            .is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(first) && rest.contains(second))
    });
    let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    value.unwrap_or(0.0)
}

fn judge(config: &Config, queues: &[Queue]) -> Vec<Finding> {
    let lifecycle = config.s3.as_ref().map(|s3| DAY * s3.lifecycle_days);
    vec![workers(queues), ages(queues, lifecycle)]
}

/// Each queue needs a worker.
fn workers(queues: &[Queue]) -> Finding {
    let missing: Vec<&str> = queues
        .iter()
        .filter(|queue| queue.workers == 0)
        .map(|queue| queue.name.as_str())
        .collect();
    if missing.is_empty() {
        let alive: Vec<String> = queues
            .iter()
            .map(|queue| format!("{} for {}", queue.workers, queue.name.as_str()))
            .collect();
        return Finding::ok(WORKERS, format!("alive: {}", alive.join(", ")));
    }
    let found = format!("nobody takes jobs from {}", missing.join(" and "));
    let hint = format!("start `ids worker --queues {}`", missing.join(","));
    // Waiting for a worker that does not come is more than a flaw.
    if queues.iter().any(|queue| queue.workers == 0 && queue.waiting > 0) {
        Finding::fail(WORKERS, format!("{found}, and jobs wait there"), hint)
    } else {
        Finding::warn(WORKERS, found, hint)
    }
}

fn ages(queues: &[Queue], lifecycle: Option<Duration>) -> Finding {
    let waiting: u64 = queues.iter().map(|queue| queue.waiting).sum();
    let failed: u64 = queues.iter().map(|queue| queue.failed).sum();
    let oldest = queues.iter().map(|queue| queue.oldest).max().unwrap_or_default();
    let mut found = match waiting {
        0 => "no job waits".to_owned(),
        _ => format!("{waiting} waiting, the oldest for {}", words(oldest)),
    };
    if failed > 0 {
        found.push_str(&format!("; {failed} failed (`ids queue jobs --status failed`)"));
    }
    // What was accepted lies under the temporary prefix until it is searchable.
    let of_documents = queues
        .iter()
        .filter(|queue| queue.name == QueueName::DocumentProcessing);
    let oldest_document = of_documents.map(|queue| queue.oldest).max().unwrap_or_default();
    if let Some(lifecycle) = lifecycle
        && oldest_document > lifecycle / 2
    {
        return Finding::warn(
            QUEUE,
            format!("{found}; after {} the bucket removes its bytes", words(lifecycle)),
            "start more workers, or raise S3_LIFECYCLE_DAYS and run `ids doctor --fix` now",
        );
    }
    if oldest > LONG {
        return Finding::warn(
            QUEUE,
            found,
            "start more workers; the log of those that run says what keeps them",
        );
    }
    Finding::ok(QUEUE, found)
}

/// A time in the unit that people would use.
pub(super) fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ids_core::job::QueueName;

    use super::super::finding::State;
    use super::{DAY, LONG, Queue, ages, read, workers};

    fn queue(workers: u64, waiting: u64, oldest: Duration) -> Queue {
        Queue {
            name: QueueName::DocumentProcessing,
            workers,
            waiting,
            failed: 0,
            oldest,
        }
    }

    #[test]
    fn a_queue_without_workers_is_a_flaw_and_with_jobs_a_fault() {
        let check = |of: Queue, state| assert_eq!(workers(&[of]).state, state, "{of:?}");
        check(queue(2, 5, Duration::ZERO), State::Ok);
        check(queue(0, 0, Duration::ZERO), State::Warn);
        check(queue(0, 1, Duration::ZERO), State::Fail);
    }

    #[test]
    fn bytes_that_the_bucket_would_remove_under_a_waiting_job_are_told_in_time() {
        let week = Some(DAY * 7);
        let check = |oldest, lifecycle, state, words: &str| {
            let found = ages(&[queue(1, 1, oldest)], lifecycle);
            assert_eq!(found.state, state, "{found}");
            assert!(found.detail.contains(words), "{found}");
        };
        check(Duration::from_secs(30), week, State::Ok, "30 s");
        check(LONG * 2 + Duration::from_secs(1), week, State::Warn, "2 h");
        check(DAY * 3, week, State::Warn, "3 days");
        check(DAY * 4, week, State::Warn, "after 7 days the bucket removes");
        check(DAY * 4, None, State::Warn, "4 days");
    }

    #[test]
    fn figures_are_read_out_of_metrics() {
        let text = "ids_jobs{queue=\"document_processing\",status=\"queued\"} 3\n\
                    ids_jobs{queue=\"document_processing\",status=\"failed\"} 2\n\
                    ids_jobs{queue=\"cleanup_tasks\",status=\"queued\"} 9\n\
                    ids_workers{queue=\"document_processing\"} 1\n\
                    ids_oldest_job_age_seconds{queue=\"document_processing\"} 61.5\n";
        let read = read(text);
        let documents = read
            .iter()
            .find(|it| it.name == QueueName::DocumentProcessing)
            .unwrap();
        assert_eq!(
            (documents.waiting, documents.failed, documents.workers),
            (3, 2, 1)
        );
        assert_eq!(documents.oldest, Duration::from_millis(61_500));
    }
}
