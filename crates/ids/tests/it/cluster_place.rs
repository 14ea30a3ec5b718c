//! The server shape for one test: a database, a Redis and a bucket of its own, and processes of `ids` over them.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use ids_testkit::services::{PrivateRedis, SharedPostgres, SharedS3, postgres, s3, unique_name};
use rustix::process::Signal;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::place::Place;
use crate::server::{Server, send_signal, wait_for_end};

/// Where everything of one test is. Its database goes with it.
pub struct Cluster {
    pub place: Place,
    redis: PrivateRedis,
    pub s3: &'static SharedS3,
    pub bucket: String,
    postgres: &'static SharedPostgres,
    database: String,
}

/// A running `ids worker`; killed when dropped.
pub struct Worker {
    child: Child,
}

impl Cluster {
    /// With the database that `pg_dump` wrote into a file, packed by gzip.
    pub fn of_dump(dump: &Path) -> Self {
        let cluster = Self::new();
        let postgres = cluster.postgres;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/test-services.sh");
        let paths = Command::new(script).arg("paths").output().unwrap();
        let paths: serde_json::Value = serde_json::from_slice(&paths.stdout).unwrap();
        let mut unpacked = Command::new("gzip")
            .args(["--decompress", "--stdout"])
            .arg(dump)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // As the superuser: tables go to the role that the dump names, and row level security is not in the way.
        let loaded = Command::new(Path::new(paths["postgres_bin"].as_str().unwrap()).join("psql"))
            .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"])
            .env("PGHOST", &postgres.host)
            .env("PGPORT", postgres.port.to_string())
            .env("PGUSER", &postgres.superuser)
            .env("PGPASSWORD", &postgres.superuser_password)
            .env("PGDATABASE", &cluster.database)
            .stdin(unpacked.stdout.take().unwrap())
            .output()
            .unwrap();
        assert!(unpacked.wait().unwrap().success());
        assert!(
            loaded.status.success(),
            "{}",
            String::from_utf8_lossy(&loaded.stderr)
        );
        cluster
    }

    pub fn new() -> Self {
        let cluster = Self {
            place: Place::new(),
            // Its own: deliveries of another test's jobs would be taken, and dropped as of jobs that are gone.
            redis: PrivateRedis::volatile(),
            s3: s3(),
            bucket: unique_name("t-"),
            postgres: postgres(),
            database: unique_name("t_"),
        };
        cluster.s3.create_bucket(&cluster.bucket);
        let Self {
            postgres, database, ..
        } = &cluster;
        let create = format!("create database {database} owner \"{}\"", postgres.user);
        query(postgres, &postgres.database, &create);
        query(postgres, database, "create extension vector");
        cluster
    }

    /// The first column of what SQL gives in this test's database, asked by one who may see everything.
    pub fn column(&self, sql: &str) -> Vec<String> {
        query(self.postgres, &self.database, sql)
    }

    /// Redis' reply to one command.
    pub fn redis(&self, command: &str) -> String {
        let dsn = self.redis.dsn.strip_prefix("redis://default:").unwrap();
        let (password, address) = dsn.split_once('@').unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "AUTH {password}\r\n{command}\r\nQUIT\r\n").unwrap();
        let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
        lines.nth(1).unwrap()
    }

    /// What must be shown nowhere.
    pub fn secrets(&self) -> Vec<String> {
        let dsn = self.redis.dsn.strip_prefix("redis://default:").unwrap();
        let (redis, _) = dsn.split_once('@').unwrap();
        vec![
            self.postgres.password.clone(),
            redis.to_owned(),
            self.s3.secret_key.clone(),
        ]
    }

    /// The program, told where everything is.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let (postgres, s3) = (self.postgres, self.s3);
        let mut command = self.place.command(arguments);
        command
            .env("POSTGRES_HOST", &postgres.host)
            .env("POSTGRES_PORT", postgres.port.to_string())
            .env("POSTGRES_USER", &postgres.user)
            .env("POSTGRES_PASSWORD", &postgres.password)
            .env("POSTGRES_DB", &self.database)
            .env("POSTGRES_SSL_MODE", "disable")
            .env("REDIS_DSN", &self.redis.dsn)
            .env("S3_BUCKET", &self.bucket)
            .env("S3_ENDPOINT", &s3.endpoint)
            .env("S3_REGION", &s3.region)
            .env("AWS_ACCESS_KEY", &s3.access_key)
            .env("AWS_SECRET_KEY", &s3.secret_key);
        command
    }

    /// Starts `ids api` and waits until it is ready.
    pub fn api(&self) -> Server {
        let command = self.command(&["api", "--port", "0"]);
        Server::run(command, self.place.root().join("api.log"))
    }

    /// Starts a worker and waits until it works.
    pub fn worker(&self, name: &str) -> Worker {
        let log = self.place.root().join(format!("{name}.log"));
        let mut child = self
            .command(&["worker", "--all", "--concurrency", "1", "--name", name])
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(
            line.contains(name),
            "no worker: {}",
            std::fs::read_to_string(log).unwrap()
        );
        Worker { child }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let drop = format!("drop database {} with (force)", self.database);
        query(self.postgres, &self.postgres.database, &drop);
    }
}

impl Worker {
    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal and waits for the end.
    pub fn stop(mut self, signal: Signal) -> ExitStatus {
        send_signal(&self.child, signal);
        wait_for_end(&mut self.child)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn query(server: &SharedPostgres, database: &str, sql: &str) -> Vec<String> {
    let url = format!(
        "postgres://{}:{}@{}:{}/{database}",
        server.superuser, server.superuser_password, server.host, server.port
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(connection);
        let messages = client.simple_query(sql).await.unwrap();
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        });
        rows.collect()
    })
}
