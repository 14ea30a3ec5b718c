//! Every task and thread of the process, how it is asked to stop, and how long it may take.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use ids_core::job::{Lane, QueueName};
use ids_core::jobs::{Heartbeat, MemoryBudget, Reconciler, Worker};
use ids_core::library::{Library, watch_embedders};
use ids_core::ports::Ids;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::memory;
use crate::system::RandomIds;

/// How long a stop may take before it is forced.
pub const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Owns every spawned task; a stop reaches all of them.
#[derive(Clone)]
pub struct Lifecycle {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// Nothing runs yet.
    pub fn new() -> Self {
        Self {
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Cancelled when everything is to stop.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// Runs a task until it ends; it watches [`Self::stopping`] itself.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Asks everything to stop and waits, at most [`STOP_PATIENCE`]. Says whether all ended.
    pub async fn stop(&self) -> bool {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(STOP_PATIENCE, self.tasks.wait())
            .await
            .is_ok()
    }
}

/// Which signal asked for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// From a supervisor.
    Terminate,
}

/// The signals that end the process, caught from the moment this is made.
pub struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Catches SIGINT and SIGTERM.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        // Either wait may be dropped: a signal that comes meanwhile is kept for the next call.
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

/// Which workers a process runs.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The name that is shown, unique among processes.
    pub name: String,
    /// The queues they take from.
    pub queues: Vec<QueueName>,
    /// Documents prepared at the same time, if memory allows.
    pub concurrency: usize,
    /// Memory that documents in hand may take together, in MB.
    pub memory_megabytes: u32,
}

impl WorkerOptions {
    /// Workers of every queue, as many as the configuration says. `name` gets a suffix of its own: replicas share names.
    pub fn all(config: &Config, name: &str) -> Self {
        let suffix = uuid_suffix(RandomIds.next());
        Self {
            name: format!("{name}-{suffix}"),
            queues: QueueName::ALL.to_vec(),
            concurrency: config.worker_concurrency,
            memory_megabytes: document_memory(),
        }
    }
}

/// The random end of a UUID, long enough for all replicas there will ever be.
fn uuid_suffix(id: uuid::Uuid) -> String {
    let text = id.simple().to_string();
    text[text.len() - 8..].to_owned()
}

/// Half of the memory that this process may use, in MB: the model, the database's client and the system have the rest.
fn document_memory() -> u32 {
    const WITHOUT_A_WORD: u64 = 1_024;
    let limit = memory::limit_megabytes().unwrap_or(WITHOUT_A_WORD);
    u32::try_from(limit / 2).unwrap_or(u32::MAX).max(128)
}

/// The background workers of one process, each on a thread with a runtime of its own: cutting a long document into chunks keeps
/// a thread busy for a second, which requests must not feel.
pub struct Workers {
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the workers of each queue (for documents: as many as `concurrency` for everything up to chunks, one for embedding, which uses
    /// all cores by itself), the reconciler, and the heartbeat.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(library: &Library, options: &WorkerOptions) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let mut workers = Self {
            stop: stop.clone(),
            threads: Vec::new(),
        };
        for worker in workers_of(library, options) {
            let stop = stop.clone();
            workers.run_on_thread("ids-worker", async move { worker.run(&stop).await })?;
        }
        let reconciler = Reconciler::new(library.clone(), options.name.clone());
        let heartbeat = Heartbeat::new(library.clone(), options.name.clone(), options.queues.clone());
        let embedding = library.clone();
        workers.run_on_thread("ids-upkeep", async move {
            tokio::join!(
                reconciler.run(&stop),
                heartbeat.run(&stop),
                watch_embedders(&embedding, &stop)
            );
        })?;
        Ok(workers)
    }

    fn run_on_thread(
        &mut self,
        name: &str,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || runtime.block_on(task))?;
        self.threads.push(thread);
        Ok(())
    }

    /// Asks all to stop and waits until what is in hand is given back.
    pub async fn stop(self) {
        self.stop.cancel();
        let joined = tokio::task::spawn_blocking(move || {
            self.threads
                .into_iter()
                .map(JoinHandle::join)
                .filter(Result::is_err)
                .count()
        });
        if joined.await.unwrap_or(1) > 0 {
            tracing::error!("a worker thread ended by a panic");
        }
    }
}

fn workers_of(library: &Library, options: &WorkerOptions) -> Vec<Worker> {
    let mut workers = Vec::new();
    let name = |what: &str, number: usize| format!("{}-{what}-{number}", options.name);
    for queue in &options.queues {
        match queue {
            QueueName::DocumentProcessing => {
                let memory = MemoryBudget::megabytes(options.memory_megabytes);
                for (lane, count) in [(Lane::Prepare, options.concurrency), (Lane::Embed, 1)] {
                    workers.extend((0..count).map(|number| {
                        let name = name(lane.as_str(), number);
                        Worker::of_documents(library.clone(), name, lane, memory.clone())
                    }));
                }
            }
            QueueName::CleanupTasks => {
                workers.push(Worker::of_cleanups(library.clone(), name("cleanup", 0)));
            }
        }
    }
    workers
}
