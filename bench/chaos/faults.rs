//! What is broken, for how long, and how it is made whole again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ids_testkit::{Gate, Script};
use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::cluster::{Cluster, good_answer};
use crate::http::send_json;
use crate::ledger::{FaultRun, Ledger};
use crate::report::say;
use crate::texts::Dice;
use crate::watch::Sight;

/// Past this it does not come back by itself.
const COMES_BACK: Duration = Duration::from_secs(90);
/// A lease, and a moment.
const PAST_THE_LEASE: Duration = ids_core::limits::LEASE.saturating_add(Duration::from_secs(2));

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// kill -9 of a worker; it is started again after two seconds.
    KillWorker,
    /// kill -9 of an API process; it is started again at once.
    KillApi,
    /// SIGSTOP of a worker until after its lease.
    FreezeWorker,
    /// Redis is stopped in order, or killed, and started again with its data.
    RestartRedis,
    /// FLUSHALL.
    WipeRedis,
    /// PostgreSQL is killed with all its sessions, and started again.
    KillPostgres,
    /// The bucket's server is killed, and started again.
    BreakS3,
    /// No byte is free where files lie on their way.
    FillDisk,
    /// The model begins an answer and takes seconds to go on.
    SlowModel,
    /// The model fails: 500, or a connection that breaks off.
    FailingModel,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::KillWorker,
        Self::KillApi,
        Self::FreezeWorker,
        Self::RestartRedis,
        Self::WipeRedis,
        Self::KillPostgres,
        Self::BreakS3,
        Self::FillDisk,
        Self::SlowModel,
        Self::FailingModel,
    ];

    /// As it stands in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KillWorker => "kill -9 worker",
            Self::KillApi => "kill -9 api",
            Self::FreezeWorker => "freeze worker",
            Self::RestartRedis => "restart Redis",
            Self::WipeRedis => "wipe Redis",
            Self::KillPostgres => "kill PostgreSQL",
            Self::BreakS3 => "break S3",
            Self::FillDisk => "fill the disk",
            Self::SlowModel => "slow model",
            Self::FailingModel => "failing model",
        }
    }
}

/// Makes faults, one at a time.
pub struct Faults {
    /// The system.
    pub cluster: Arc<Cluster>,
    /// The book.
    pub ledger: Ledger,
    /// What is seen of the work.
    pub sight: watch::Receiver<Sight>,
    /// Faults last shorter.
    pub is_short: bool,
}

impl Faults {
    /// Makes one, and waits until all is well again.
    pub async fn make(&self, fault: Fault, dice: &mut Dice) -> Result<()> {
        if fault == Fault::FillDisk && self.cluster.small_disk.is_none() {
            say("SKIPPED: mounting is not allowed here, so no disk was filled");
            return Ok(());
        }
        let begun = Instant::now();
        say(&format!("--- {}", fault.name()));
        self.ledger.open().faults.push(FaultRun {
            name: fault.name(),
            over: None,
            healthy: None,
            longest_stall: Duration::ZERO,
        });
        self.break_and_repair(fault, dice).await?;
        let over = Instant::now();
        self.note(|run| run.over = Some(over));
        let is_well = self.until_well(over).await;
        if !is_well {
            self.ledger
                .violation(format!("not well {} s after it was over", COMES_BACK.as_secs()));
        }
        self.note(|run| run.healthy = Some(Instant::now()));
        say(&format!(
            "    made whole after {:.1} s, well again {:.1} s later",
            (over - begun).as_secs_f64(),
            over.elapsed().as_secs_f64()
        ));
        Ok(())
    }

    fn note(&self, change: impl FnOnce(&mut FaultRun)) {
        if let Some(run) = self.ledger.open().faults.last_mut() {
            change(run);
        }
    }

    async fn break_and_repair(&self, fault: Fault, dice: &mut Dice) -> Result<()> {
        let cluster = &self.cluster;
        match fault {
            Fault::KillWorker => {
                let worker = dice.any(&cluster.workers).context("no worker")?;
                worker.kill();
                self.pause(2, 2).await;
                worker.start()
            }
            Fault::KillApi => {
                let api = dice.any(&cluster.apis).context("no api")?;
                api.process.kill();
                api.process.start()
            }
            Fault::FreezeWorker => {
                let worker = dice.any(&cluster.workers).context("no worker")?;
                worker.signal(Signal::STOP);
                tokio::time::sleep(PAST_THE_LEASE).await;
                worker.signal(Signal::CONT);
                Ok(())
            }
            Fault::RestartRedis => {
                let is_killed = dice.percent(50);
                let stop = move |services: &mut crate::cluster::Services| {
                    if is_killed {
                        services.redis.kill();
                    } else {
                        services.redis.stop();
                    }
                };
                cluster.with_services(stop).await?;
                self.pause(2, 6).await;
                cluster.with_services(|services| services.redis.restart()).await
            }
            Fault::WipeRedis => flush(&cluster.redis_dsn).await,
            Fault::KillPostgres => {
                cluster.with_services(|services| services.postgres.kill()).await?;
                self.pause(2, 6).await;
                cluster
                    .with_services(|services| services.postgres.restart())
                    .await
            }
            Fault::BreakS3 => {
                cluster.with_services(|services| services.s3.kill()).await?;
                self.pause(6, 10).await;
                cluster.with_services(|services| services.s3.restart()).await
            }
            Fault::FillDisk => {
                let disk = cluster.small_disk.as_ref().context("no disk")?;
                disk.fill()?;
                self.pause(4, 8).await;
                disk.empty()
            }
            Fault::SlowModel => {
                let gate = Gate::default();
                let slow = Script::stream()
                    .piece("O documento ")
                    .gate(&gate)
                    .piece("trata [1].")
                    .done();
                cluster.model.switch_to(slow);
                self.pause(5, 8).await;
                cluster.model.switch_to(good_answer());
                gate.open();
                Ok(())
            }
            Fault::FailingModel => {
                cluster
                    .model
                    .switch_to(Script::status(500, &[], "{\"error\": \"broken\"}"));
                self.pause(2, 4).await;
                cluster.model.switch_to(Script::stream().piece("O documento "));
                self.pause(2, 4).await;
                cluster.model.switch_to(good_answer());
                Ok(())
            }
        }
    }

    async fn pause(&self, short: u64, full: u64) {
        let seconds = if self.is_short { short } else { full };
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// Waits until every API says that all is well and answers a search, and a job has ended since (or none waits).
    async fn until_well(&self, over: Instant) -> bool {
        while over.elapsed() < COMES_BACK {
            let mut all_answer = true;
            for api in &self.cluster.apis {
                all_answer &= is_well(&api.address).await;
            }
            let sight = *self.sight.borrow();
            let works =
                sight.last_end.is_some_and(|end| end > over) || (sight.is_fresh() && sight.waiting == 0);
            if all_answer && works {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        false
    }
}

async fn is_well(address: &str) -> bool {
    let health = send_json(address, "GET", "/health", &json!({})).await;
    let is_healthy = health.is_ok_and(|answer| answer.body["status"] == "healthy");
    let search = json!({"query": "contrato", "n_results": 1});
    let found = send_json(address, "POST", "/api/v1/documents/search", &search).await;
    is_healthy && found.is_ok_and(|answer| answer.status == 200)
}

/// Everything in Redis goes.
async fn flush(dsn: &str) -> Result<()> {
    let (password, address) = dsn
        .strip_prefix("redis://default:")
        .and_then(|rest| rest.split_once('@'))
        .context("an address of Redis that is not understood")?;
    let mut stream = TcpStream::connect(address).await?;
    let commands = format!("AUTH {password}\r\nFLUSHALL\r\nQUIT\r\n");
    stream.write_all(commands.as_bytes()).await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    if reply.matches("+OK").count() < 2 {
        bail!("Redis did not forget: {reply}");
    }
    Ok(())
}
