//! The system under test: real servers of its own, and the processes of `ids`, kept running as a supervisor would.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use anyhow::{Context, Result, bail};
use ids_testkit::services::{PrivatePostgres, PrivateRedis, PrivateS3, S3Connection};
use ids_testkit::{Script, ScriptedModelServer};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::disk::SmallDisk;

/// The bucket of uploads.
pub const BUCKET: &str = "documents";
/// Of the disk where files lie on their way: enough for all uploads in hand, and soon filled.
const SMALL_DISK: &str = "48m";

/// The servers, each of which may be killed and started again. Their methods block.
pub struct Services {
    /// The truth.
    pub postgres: PrivatePostgres,
    /// Delivery.
    pub redis: PrivateRedis,
    /// Bytes.
    pub s3: PrivateS3,
}

/// All of it.
pub struct Cluster {
    services: Arc<Mutex<Services>>,
    /// How SQL reaches PostgreSQL, as one who may see everything.
    pub superuser_url: String,
    /// How `ids` reaches it.
    pub postgres: ids_testkit::services::PostgresConnection,
    /// How the bucket is reached.
    pub s3: S3Connection,
    /// `redis://...`
    pub redis_dsn: String,
    /// What writes the answers.
    pub model: ScriptedModelServer,
    /// The processes that answer requests.
    pub apis: Vec<Api>,
    /// The processes that do the work.
    pub workers: Vec<Process>,
    /// Where `ids` puts files on their way; `None` where nothing may be mounted.
    pub small_disk: Option<SmallDisk>,
    folder: TempDir,
}

/// A process that answers requests.
pub struct Api {
    /// `127.0.0.1:port`, the same after a restart.
    pub address: String,
    /// The process.
    pub process: Process,
}

/// How many of what.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// `ids api`.
    pub apis: usize,
    /// `ids worker`.
    pub workers: usize,
}

impl Cluster {
    /// Starts the servers, then `ids`.
    pub async fn start(ids: &Path, size: Size) -> Result<Self> {
        let services = tokio::task::spawn_blocking(|| {
            let services = Services {
                postgres: PrivatePostgres::start(),
                redis: PrivateRedis::persistent(),
                s3: PrivateS3::start(),
            };
            services.s3.create_bucket(BUCKET);
            services
        });
        let services = services.await.context("a server did not start")?;
        let postgres = (*services.postgres).clone();
        let superuser_url = format!(
            "postgres://{}:{}@{}:{}/{}",
            postgres.superuser, postgres.superuser_password, postgres.host, postgres.port, postgres.database
        );
        make_durable(&superuser_url, &postgres.user).await?;
        let model = ScriptedModelServer::start([good_answer()]).await;
        let folder = tempfile::Builder::new().prefix("ids-chaos-").tempdir()?;
        let small_disk = SmallDisk::mount(&folder.path().join("disk"), SMALL_DISK)?;
        let mut cluster = Self {
            superuser_url,
            s3: (*services.s3).clone(),
            redis_dsn: services.redis.dsn.clone(),
            postgres,
            services: Arc::new(Mutex::new(services)),
            model,
            apis: Vec::new(),
            workers: Vec::new(),
            small_disk,
            folder,
        };
        for number in 1..=size.apis {
            let port = free_port()?;
            let arguments = ["api", "--port", &port.to_string()].map(str::to_owned);
            let process = cluster.process(ids, &format!("api{number}"), arguments.to_vec())?;
            let address = format!("127.0.0.1:{port}");
            cluster.apis.push(Api { address, process });
        }
        for number in 1..=size.workers {
            let name = format!("w{number}");
            let arguments = ["worker", "--all", "--concurrency", "1", "--name", &name].map(str::to_owned);
            let process = cluster.process(ids, &name, arguments.to_vec())?;
            cluster.workers.push(process);
        }
        Ok(cluster)
    }

    fn process(&self, ids: &Path, name: &str, arguments: Vec<String>) -> Result<Process> {
        let temporary = match &self.small_disk {
            Some(disk) => disk.path().to_owned(),
            None => self.folder.path().to_owned(),
        };
        let home = self.folder.path();
        let environment = [
            ("HOME", home.display().to_string()),
            ("IDS_DATA_DIR", home.join("data").display().to_string()),
            ("TMPDIR", temporary.display().to_string()),
            ("POSTGRES_HOST", self.postgres.host.clone()),
            ("POSTGRES_PORT", self.postgres.port.to_string()),
            ("POSTGRES_USER", self.postgres.user.clone()),
            ("POSTGRES_PASSWORD", self.postgres.password.clone()),
            ("POSTGRES_DB", self.postgres.database.clone()),
            ("POSTGRES_SSL_MODE", "disable".to_owned()),
            ("REDIS_DSN", self.redis_dsn.clone()),
            ("S3_BUCKET", BUCKET.to_owned()),
            ("S3_ENDPOINT", self.s3.endpoint.clone()),
            ("S3_REGION", self.s3.region.clone()),
            ("AWS_ACCESS_KEY", self.s3.access_key.clone()),
            ("AWS_SECRET_KEY", self.s3.secret_key.clone()),
            ("OPENAI_BASE_URL", self.model.base_url()),
            ("LOG_FORMAT", "text".to_owned()),
        ];
        let process = Process {
            name: name.to_owned(),
            program: ids.to_owned(),
            arguments,
            environment: environment.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            log: self.folder.path().join(format!("{name}.log")),
            child: Mutex::new(None),
        };
        process.start()?;
        Ok(process)
    }

    /// Does something to the servers, which may take seconds.
    pub async fn with_services(&self, act: impl FnOnce(&mut Services) + Send + 'static) -> Result<()> {
        let services = Arc::clone(&self.services);
        let done = tokio::task::spawn_blocking(move || {
            act(&mut services.lock().unwrap_or_else(PoisonError::into_inner));
        });
        done.await.context("a server did not do as it was told")
    }

    /// All processes of `ids`.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.apis.iter().map(|api| &api.process).chain(&self.workers)
    }

    /// Keeps the logs, and says where.
    pub fn keep_logs(self) -> PathBuf {
        let Self {
            folder,
            small_disk,
            apis,
            workers,
            ..
        } = self;
        // The processes first: they write into both.
        drop((apis, workers));
        drop(small_disk);
        folder.keep()
    }
}

/// One process of `ids`, which may be killed and started again.
pub struct Process {
    /// `api1`, `w2`.
    pub name: String,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    log: PathBuf,
    /// `None` while it is not to run.
    child: Mutex<Option<Child>>,
}

impl Process {
    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it.
    pub fn start(&self) -> Result<()> {
        let log = |path: &Path| -> std::io::Result<File> {
            OpenOptions::new().create(true).append(true).open(path)
        };
        // Nothing of ours is left when this program is killed.
        let mut command = Command::new("setpriv");
        command
            .arg("--pdeathsig=KILL")
            .arg(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(log(&self.log)?)
            .stderr(log(&self.log)?);
        let child = spawn(command).with_context(|| format!("`{}` cannot be started", self.name))?;
        *self.child() = Some(child);
        Ok(())
    }

    /// kill -9.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops its time, or lets it go on.
    pub fn signal(&self, signal: Signal) {
        if let Some(child) = &*self.child() {
            let _ = kill_process(Pid::from_child(child), signal);
        }
    }

    /// Says how it ended when it did so by itself, and starts it again.
    pub fn look_after(&self) -> Result<Option<String>> {
        let ended = match &mut *self.child() {
            Some(child) => child.try_wait()?,
            None => None,
        };
        let Some(status) = ended else { return Ok(None) };
        self.start()?;
        Ok(Some(status.to_string()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a process from a thread that lives as long as this program: the kernel ends a child whose parent *thread* is gone.
fn spawn(command: Command) -> Result<Child> {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static SPAWNER: std::sync::OnceLock<mpsc::Sender<Order>> = std::sync::OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in inbox {
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, answer) = mpsc::channel();
    if spawner.send((command, reply)).is_err() {
        bail!("the thread that starts processes is gone");
    }
    Ok(answer.recv()??)
}

/// What the model says while it is well.
pub fn good_answer() -> Script {
    Script::reply(&["O documento trata ", "do assunto [1]."])
}

/// The tests' PostgreSQL confirms before it has written, for speed: whoever kills it must not be told of commits that are lost then.
async fn make_durable(superuser_url: &str, user: &str) -> Result<()> {
    let (client, connection) = tokio_postgres::connect(superuser_url, tokio_postgres::NoTls).await?;
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { drop(connection.await) });
    client
        .batch_execute(&format!("alter role \"{user}\" set synchronous_commit = on"))
        .await?;
    Ok(())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
