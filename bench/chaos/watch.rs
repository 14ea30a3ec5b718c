//! Looks at the database, past the system: whether work waits, and whether it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

use crate::cluster::Cluster;
use crate::ledger::Ledger;

const EVERY: Duration = Duration::from_millis(250);

/// What was seen at the last look.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// Jobs that have not ended.
    pub waiting: i64,
    /// When an end was seen last.
    pub last_end: Option<Instant>,
    /// When the database was seen last.
    pub at: Instant,
}

impl Sight {
    /// Nothing was seen yet.
    pub fn none() -> Self {
        Self {
            waiting: 0,
            last_end: None,
            at: Instant::now(),
        }
    }

    /// Whether it is of now.
    pub fn is_fresh(&self) -> bool {
        self.at.elapsed() < EVERY * 4
    }
}

/// A connection of one who may see everything.
pub struct Sql {
    /// To ask.
    pub client: Client,
    _connection: JoinSet<()>,
}

impl Sql {
    /// Connects.
    pub async fn connect(url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { drop(connection.await) });
        Ok(Self {
            client,
            _connection: tasks,
        })
    }
}

/// Looks until the end, and writes down stalls.
pub async fn watch(
    cluster: Arc<Cluster>,
    ledger: Ledger,
    sight: watch::Sender<Sight>,
    waiting: watch::Sender<i64>,
) {
    let mut sql: Option<Sql> = None;
    let mut newest_end = 0i64;
    // Since when work waits without an end: an end, or an empty line, begins it anew.
    let mut since = Instant::now();
    loop {
        if sql.is_none() {
            sql = Sql::connect(&cluster.superuser_url).await.ok();
        }
        let looked = match &sql {
            Some(sql) => look(&sql.client).await,
            None => None,
        };
        match looked {
            Some((open, newest)) => {
                let mut seen = *sight.borrow();
                if newest > newest_end {
                    newest_end = newest;
                    seen.last_end = Some(Instant::now());
                    since = Instant::now();
                }
                if open == 0 {
                    since = Instant::now();
                }
                seen.waiting = open;
                seen.at = Instant::now();
                sight.send_replace(seen);
                waiting.send_replace(open);
            }
            None => sql = None,
        }
        note_stall(&ledger, since.elapsed());
        tokio::time::sleep(EVERY).await;
    }
}

/// Jobs that wait, and the newest end.
async fn look(client: &Client) -> Option<(i64, i64)> {
    let query = client.query_one(
        "select count(*) filter (where status in ('queued', 'started', 'deferred')), coalesce(max(ended_at), 0) from jobs",
        &[],
    );
    let row = tokio::time::timeout(Duration::from_secs(2), query)
        .await
        .ok()?
        .ok()?;
    Some((row.try_get(0).ok()?, row.try_get(1).ok()?))
}

/// A stall belongs to the last fault made, also when that is over: it may be what is left of it.
fn note_stall(ledger: &Ledger, stall: Duration) {
    let mut book = ledger.open();
    match book.faults.last_mut() {
        Some(fault) => fault.longest_stall = fault.longest_stall.max(stall),
        None => book.quiet_stall = book.quiet_stall.max(stall),
    }
}
