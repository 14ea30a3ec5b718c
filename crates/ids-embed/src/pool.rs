//! Worker threads that embed passages, a bounded number of texts waiting.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::model::{Model, TextEmbedding, TextKind, Workspace};
use crate::priority;

/// Texts that may wait for each thread: enough that none runs dry, few enough that a batch given up costs little.
const WAITING_PER_THREAD: usize = 16;

/// A bounded set of threads, `ids-embed-0` and up, that embed passages text by text.
///
/// On Linux they run at a lower priority, so that the API and queries stay quick while a library is ingested. Queries
/// do not pass through here: see [`BuiltInEmbedder`](crate::BuiltInEmbedder). Dropping the pool fails what still waits and joins the threads,
/// which takes as long as one text (tens of milliseconds).
pub struct EmbeddingPool {
    shared: Arc<Shared>,
    /// A permit a text, held from the queue to the vector.
    room: Arc<Semaphore>,
    threads: Vec<JoinHandle<()>>,
}

/// The pool was dropped, or a thread failed, before a text had its vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the embedding threads have stopped")]
pub struct PoolStopped;

struct Shared {
    model: Model,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Task>,
    is_closed: bool,
}

struct Task {
    passage: String,
    reply: oneshot::Sender<TextEmbedding>,
    _room: OwnedSemaphorePermit,
}

impl EmbeddingPool {
    /// Starts `threads` threads, one a core where `None`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(model: Model, threads: Option<NonZeroUsize>) -> io::Result<Self> {
        let count = match threads {
            Some(threads) => threads.get(),
            None => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        };
        let shared = Arc::new(Shared {
            model,
            queue: Mutex::new(Queue::default()),
            changed: Condvar::new(),
        });
        // Threads go in one by one, so that those started stop again if a later one is refused.
        let mut pool = Self {
            shared,
            room: Arc::new(Semaphore::new(count * (1 + WAITING_PER_THREAD))),
            threads: Vec::with_capacity(count),
        };
        for index in 0..count {
            let shared = Arc::clone(&pool.shared);
            let builder = std::thread::Builder::new().name(format!("ids-embed-{index}"));
            pool.threads.push(builder.spawn(move || shared.work())?);
        }
        Ok(pool)
    }

    /// The model the threads share.
    pub fn model(&self) -> &Model {
        &self.shared.model
    }

    /// How many threads embed.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// The vectors of `passages`, in their order; waits while the queue is full.
    ///
    /// Batches of several callers share the threads text by text. When the future is dropped, its texts that have not
    /// begun are skipped.
    ///
    /// # Errors
    /// [`PoolStopped`]; then none is returned.
    pub async fn embed_passages(&self, passages: &[String]) -> Result<Vec<TextEmbedding>, PoolStopped> {
        let mut replies = Vec::with_capacity(passages.len());
        for passage in passages {
            // Room comes back as texts are done, whether or not anyone has read their replies: no deadlock.
            let room = Arc::clone(&self.room)
                .acquire_owned()
                .await
                .map_err(|_| PoolStopped)?;
            let (reply, receiver) = oneshot::channel();
            self.shared.add(Task {
                passage: passage.clone(),
                reply,
                _room: room,
            });
            replies.push(receiver);
        }
        let mut embeddings = Vec::with_capacity(replies.len());
        for reply in replies {
            embeddings.push(reply.await.map_err(|_| PoolStopped)?);
        }
        Ok(embeddings)
    }
}

impl Drop for EmbeddingPool {
    fn drop(&mut self) {
        self.room.close();
        let abandoned = {
            let mut queue = self.shared.lock();
            queue.is_closed = true;
            std::mem::take(&mut queue.waiting)
        };
        drop(abandoned);
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // a panic was caught inside
        }
    }
}

impl Shared {
    fn add(&self, task: Task) {
        let mut queue = self.lock();
        if !queue.is_closed {
            queue.waiting.push_back(task);
            drop(queue);
            self.changed.notify_one();
        }
    }

    /// The life of one thread.
    fn work(&self) {
        priority::lower();
        let mut workspace = Workspace::new();
        while let Some(Task {
            passage,
            reply,
            _room,
        }) = self.next()
        {
            if reply.is_closed() {
                continue;
            }
            let embedded = catch_unwind(AssertUnwindSafe(|| {
                self.model.embed_with(&mut workspace, TextKind::Passage, &passage)
            }));
            match embedded {
                Ok(embedding) => {
                    let _ = reply.send(embedding); // the caller may have gone
                }
                // The caller sees its reply dropped; the thread goes on, with buffers nobody left half-written.
                Err(_) => workspace = Workspace::new(),
            }
        }
    }

    /// Waits for a task; `None` once the pool is closed.
    fn next(&self) -> Option<Task> {
        let mut queue = self.lock();
        loop {
            if queue.is_closed {
                return None;
            }
            if let Some(task) = queue.waiting.pop_front() {
                return Some(task);
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it is held, and a queue is valid at every step.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
