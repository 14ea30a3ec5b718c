//! The two shapes, running: `ids serve` alone, or `ids api` and `ids worker` with the servers they need.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ids_testkit::services::{PrivatePostgres, PrivateRedis, PrivateS3};
use rustix::process::{Pid, Signal, kill_process};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use serde_json::Value;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::http::{Connection, Request};

const BUCKET: &str = "documents";
/// How often a document is asked for its status.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// PostgreSQL, Redis and S3, empty, which end with this program.
pub struct Services {
    postgres: PrivatePostgres,
    redis: PrivateRedis,
    s3: PrivateS3,
    folder: TempDir,
}

impl Services {
    /// Starts them.
    pub async fn start() -> Result<Self> {
        let services = Self {
            postgres: PrivatePostgres::start(),
            redis: PrivateRedis::persistent(),
            s3: PrivateS3::start(),
            folder: tempfile::tempdir()?,
        };
        services.create_bucket().await?;
        Ok(services)
    }

    async fn create_bucket(&self) -> Result<()> {
        let s3 = &self.s3;
        let bucket = Bucket::new(s3.endpoint.parse()?, UrlStyle::Path, BUCKET, s3.region.clone())?;
        let credentials = Credentials::new(&s3.access_key, &s3.secret_key);
        let url = bucket.create_bucket(&credentials).sign(Duration::from_secs(60));
        let address = s3.endpoint.strip_prefix("http://").context("an address")?;
        let target = url.as_str().strip_prefix(&s3.endpoint).context("a path")?;
        let mut connection = Connection::open(address).await?;
        let answer = connection.ask(&Request::put(target, address)).await?;
        if answer.status != 200 {
            bail!("the bucket was refused: {answer:?}");
        }
        Ok(())
    }

    /// SQL as one who sees the rows of all organizations. The second part drives the connection.
    pub async fn sql(&self) -> Result<(Client, tokio::task::JoinSet<()>)> {
        let server = &*self.postgres;
        let url = format!(
            "postgres://{}:{}@{}:{}/{}",
            server.superuser, server.superuser_password, server.host, server.port, server.database
        );
        connect(&url).await
    }

    /// `ids api`.
    pub fn api(&self, ids: &Path) -> Result<Process> {
        self.run(ids, &["api", "--port", "0"])
    }

    /// `ids worker` of that name, which works on as many documents at once as is usual.
    pub fn worker(&self, ids: &Path, name: &str) -> Result<Process> {
        self.run(ids, &["worker", "--all", "--name", name])
    }

    fn run(&self, ids: &Path, arguments: &[&str]) -> Result<Process> {
        let (postgres, s3) = (&*self.postgres, &*self.s3);
        let environment = [
            ("POSTGRES_HOST", postgres.host.clone()),
            ("POSTGRES_PORT", postgres.port.to_string()),
            ("POSTGRES_USER", postgres.user.clone()),
            ("POSTGRES_PASSWORD", postgres.password.clone()),
            ("POSTGRES_DB", postgres.database.clone()),
            ("POSTGRES_SSL_MODE", "disable".to_owned()),
            ("REDIS_DSN", self.redis.dsn.clone()),
            ("S3_BUCKET", BUCKET.to_owned()),
            ("S3_ENDPOINT", s3.endpoint.clone()),
            ("S3_REGION", s3.region.clone()),
            ("AWS_ACCESS_KEY", s3.access_key.clone()),
            ("AWS_SECRET_KEY", s3.secret_key.clone()),
        ];
        Process::start(ids, arguments, &environment, self.folder.path())
    }
}

/// Connects to PostgreSQL.
pub async fn connect(url: &str) -> Result<(Client, tokio::task::JoinSet<()>)> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let mut driver = tokio::task::JoinSet::new();
    driver.spawn(async move { drop(connection.await) });
    Ok((client, driver))
}

/// CPU seconds of the processes that PostgreSQL has for connections of `user`.
pub async fn postgres_cpu(sql: &Client, user: &str) -> Result<f64> {
    let rows = sql
        .query("select pid from pg_stat_activity where usename = $1", &[&user])
        .await?;
    let mut sum = 0.0;
    for row in rows {
        sum += crate::process::cpu_seconds(row.get::<_, i32>(0).cast_unsigned())?;
    }
    Ok(sum)
}

/// `ids serve` over a new folder.
pub struct Embedded {
    /// It.
    pub process: Process,
    _folder: TempDir,
}

impl Embedded {
    /// Starts it.
    pub fn start(ids: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        Ok(Self {
            process: Process::start(ids, &["serve", "--port", "0"], &[], folder.path())?,
            _folder: folder,
        })
    }
}

/// A process of `ids`, killed when dropped.
pub struct Process {
    child: Child,
    /// `127.0.0.1:port` of one that serves.
    pub address: String,
    log: PathBuf,
}

impl Process {
    /// Starts it and waits until it says that it works.
    fn start(ids: &Path, arguments: &[&str], environment: &[(&str, String)], folder: &Path) -> Result<Self> {
        let log = folder.join(format!("{}.log", arguments.join("")));
        // It ends with this program, whatever that ends of.
        let mut child = Command::new("setpriv")
            .arg("--pdeathsig=KILL")
            .arg(ids)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .env("IDS_DATA_DIR", folder.join("data"))
            .env("TMPDIR", folder)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log)?)
            .spawn()
            .with_context(|| format!("`{}` cannot be started", ids.display()))?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("a pipe")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line
            .trim()
            .rsplit("http://")
            .next()
            .unwrap_or_default()
            .to_owned();
        let process = Self { child, address, log };
        if line.is_empty() {
            bail!(
                "`ids {}` did not start: {}",
                arguments.join(" "),
                process.end_of_log()
            );
        }
        Ok(process)
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// kill -9, and until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM.
    pub fn terminate(&self) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::TERM)?)
    }

    fn end_of_log(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Uploads a file; the document's id.
pub async fn upload(connection: &mut Connection, file_name: &str, content: &[u8]) -> Result<String> {
    let answer = connection
        .ask(&Request::upload(file_name, content))
        .await?
        .json()?;
    let id = answer["document_id"].as_str().context("a document id")?;
    Ok(id.to_owned())
}

/// Waits until the status of a document is one of these.
pub async fn until_status(connection: &mut Connection, document: &str, wanted: &[&str]) -> Result<Value> {
    let request = Request::get(&format!("/api/v1/documents/{document}/status"));
    loop {
        let body = connection.ask(&request).await?.json()?;
        let status = body["status"].as_str().context("a status")?;
        if wanted.contains(&status) {
            return Ok(body);
        }
        if matches!(status, "failed" | "cancelled" | "duplicate") {
            bail!("the document ended otherwise: {body}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// How many documents have that status.
pub async fn count(connection: &mut Connection, status: &str) -> Result<u64> {
    let request = Request::get(&format!("/api/v1/documents?limit=1&status={status}"));
    let body = connection.ask(&request).await?.json()?;
    body["total"].as_u64().context("a total")
}
