//! Every task and thread of the process, how it is asked to stop, and how long it may take.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use ids_core::job::Lane;
use ids_core::jobs::{Reconciler, Worker};
use ids_core::library::Library;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

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

/// The background workers of one process, each on a thread with a runtime of its own: cutting a long document into chunks keeps
/// a thread busy for a second, which requests must not feel.
pub struct Workers {
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts `concurrency` workers for everything up to chunks, one for embedding (which uses all cores by itself), and the
    /// reconciler.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(library: &Library, concurrency: usize) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let mut workers = Self {
            stop: stop.clone(),
            threads: Vec::new(),
        };
        for (lane, count) in [(Lane::Prepare, concurrency), (Lane::Embed, 1)] {
            for number in 0..count {
                let name = format!("ids-{}-{number}", lane.as_str());
                let worker = Worker::new(library.clone(), name.clone(), lane);
                let stop = stop.clone();
                workers.run_on_thread(name, async move { worker.run(&stop).await })?;
            }
        }
        let reconciler = Reconciler::new(library.clone());
        workers.run_on_thread(
            "ids-reconciler".to_owned(),
            async move { reconciler.run(&stop).await },
        )?;
        Ok(workers)
    }

    fn run_on_thread(
        &mut self,
        name: String,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name(name)
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
