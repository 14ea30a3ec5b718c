//! The database, Redis, and the workers.

use std::sync::Arc;

use ids_core::job::QueueName;
use ids_core::limits;
use ids_core::ports::{Clock, DocumentStore, WorkerRegistry};
use ids_postgres::PostgresLibrary;
use ids_redis::Redis;

use super::{Finding, chain};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::data_dir::DataDirError;
use crate::system::SystemClock;

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = match &config.postgres {
        Some(settings) => {
            let place = format!("{}:{}", settings.host, settings.port);
            match PostgresLibrary::connect(settings, Arc::new(SystemClock)).await {
                Ok(library) => {
                    let version = library.capabilities();
                    let mut findings = vec![match library.ping().await {
                        Ok(()) => Finding::ok("database", format!("{version} at {place}")),
                        Err(error) => Finding::fail(
                            "database",
                            format!("{version} at {place}: {}", chain(&error)),
                            "run `ids migrate`, which makes its tables",
                        ),
                    }];
                    findings.push(workers(&library).await);
                    library.close();
                    findings
                }
                Err(error) => vec![Finding::fail(
                    "database",
                    format!("PostgreSQL at {place}: {}", chain(&error)),
                    "check the variables of PostgreSQL, and that it runs",
                )],
            }
        }
        None => vec![data_dir(config)],
    };
    if let Some(settings) = &config.redis {
        findings.push(match Redis::connect(settings).await {
            Ok(redis) => Finding::ok("redis", redis.server().to_owned()),
            Err(error) => Finding::fail(
                "redis",
                chain(&error),
                "check REDIS_DSN, and that Redis runs; jobs wait meanwhile and are not lost",
            ),
        });
    }
    findings
}

fn data_dir(config: &Config) -> Finding {
    let path = config.data_dir.display();
    match DataDir::own(&config.data_dir) {
        Ok(_) => Finding::ok("database", format!("SQLite in `{path}`; no server uses it now")),
        Err(DataDirError::Locked(_)) => {
            Finding::ok("database", format!("SQLite in `{path}`; a server uses it"))
        }
        Err(error) => Finding::fail(
            "database",
            error.to_string(),
            "check the directory's owner and its disk",
        ),
    }
}

/// Each queue needs a worker.
async fn workers(library: &PostgresLibrary) -> Finding {
    let since = SystemClock.now().minus(limits::HEARTBEAT_LASTS);
    let alive = match library.list_workers(since).await {
        Ok(alive) => alive,
        Err(error) => return Finding::fail("workers", chain(&error), "check the database"),
    };
    let missing: Vec<&str> = QueueName::ALL
        .into_iter()
        .filter(|queue| !alive.iter().any(|worker| worker.queues.contains(queue)))
        .map(QueueName::as_str)
        .collect();
    if missing.is_empty() {
        return Finding::ok("workers", format!("{} alive", alive.len()));
    }
    Finding::warn(
        "workers",
        format!("nobody takes jobs from {}", missing.join(" and ")),
        format!("start `ids worker --queues {}`", missing.join(",")),
    )
}
