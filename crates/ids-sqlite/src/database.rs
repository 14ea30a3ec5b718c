//! Threads that own the connections: one writer, a few readers, each fed by a bounded channel of closures.
//!
//! SQLite has one writer at a time anyway; a thread of its own makes the order of writes plain, needs no busy loop, and
//! keeps every file access off the runtime. What memory holds beside the file changes after the commit, before the
//! caller hears of it: whoever reads after a reply reads what was written.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use ids_core::error::{StoreError, StoreErrorKind};
use ids_core::job::{Lane, QueueName};
use ids_core::ports::Clock;
use ids_core::time::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::error::{DbError, DbResult};
use crate::ranges::RangeCache;
use crate::vectors::{StoredVector, Vectors};

/// Units of work that may wait for the writer; each is short, so a full line means seconds of them.
const WRITER_LINE: usize = 256;
/// Units of work that may wait for the readers.
const READER_LINE: usize = 256;
/// How long a caller waits for a place in line before it hears `Unavailable`.
const LINE_WAIT: Duration = Duration::from_secs(5);
/// How long SQLite itself waits for a lock: another process may be making a backup.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Distinct statements of this crate are well below this.
const STATEMENT_CACHE: usize = 128;

/// How much a commit must outlive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A crash of the machine: synced before the caller hears of it.
    Machine,
    /// A crash of the process: progress, leases and deliveries, which repeat themselves.
    Process,
}

type WriterWork = Box<dyn FnOnce(&mut Writer) + Send>;
type ReaderWork = Box<dyn FnOnce(&mut Reader) + Send>;

enum Message<W> {
    Run(W),
    Stop(oneshot::Sender<()>),
}

/// What all threads share beside the file.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) vectors: RwLock<Vectors>,
    pub(crate) ranges: RangeCache,
    /// Rises with each commit that may change what a search goes over.
    pub(crate) generation: AtomicU64,
    arrivals: [[Notify; 2]; 2],
}

impl Shared {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            vectors: RwLock::new(Vectors::default()),
            ranges: RangeCache::default(),
            generation: AtomicU64::new(0),
            arrivals: Default::default(),
        }
    }

    /// Wakes one receiver of that lane.
    pub(crate) fn arrival(&self, queue: QueueName, lane: Lane) -> &Notify {
        &self.arrivals[queue as usize][lane as usize]
    }
}

/// The two ends of the threads.
pub(crate) struct Database {
    pub(crate) shared: Arc<Shared>,
    writer: mpsc::Sender<Message<WriterWork>>,
    readers: mpsc::Sender<Message<ReaderWork>>,
    reader_count: usize,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Database {
    /// Starts the threads over a migrated file.
    pub(crate) fn start(
        path: &Path,
        writer: Connection,
        shared: Arc<Shared>,
        reader_count: usize,
    ) -> DbResult<Self> {
        let (writer_line, mut writer_work) = mpsc::channel::<Message<WriterWork>>(WRITER_LINE);
        let (reader_line, reader_work) = mpsc::channel::<Message<ReaderWork>>(READER_LINE);
        let reader_work = Arc::new(Mutex::new(reader_work));
        let mut threads = Vec::with_capacity(reader_count + 1);
        for number in 0..reader_count {
            let mut reader = Reader {
                connection: open_reader(path)?,
                shared: Arc::clone(&shared),
            };
            let work = Arc::clone(&reader_work);
            threads.push(spawn(format!("ids-read-{number}"), move || {
                loop {
                    // One idle reader waits for work, the others for their turn to wait.
                    let next = work
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .blocking_recv();
                    match next {
                        Some(Message::Run(work)) => work(&mut reader),
                        Some(Message::Stop(done)) => {
                            drop(reader);
                            let _ = done.send(());
                            return;
                        }
                        None => return,
                    }
                }
            })?);
        }
        let mut writer = Writer {
            connection: writer,
            durability: None,
            shared: Arc::clone(&shared),
        };
        threads.push(spawn("ids-write".to_owned(), move || {
            loop {
                match writer_work.blocking_recv() {
                    Some(Message::Run(work)) => work(&mut writer),
                    Some(Message::Stop(done)) => {
                        writer.finish();
                        drop(writer);
                        let _ = done.send(());
                        return;
                    }
                    None => {
                        writer.finish();
                        return;
                    }
                }
            }
        })?);
        Ok(Self {
            shared,
            writer: writer_line,
            readers: reader_line,
            reader_count,
            threads: Mutex::new(threads),
        })
    }

    /// Runs `work` in one immediate transaction on the writer; what it returns is committed, an error rolls back.
    pub(crate) async fn write<T, F>(&self, durability: Durability, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> DbResult<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let work: WriterWork = Box::new(move |writer| {
            // Nobody waiting any more is no reason to undo: the caller was dropped, as in a closed connection.
            let _ = reply.send(writer.run(durability, work));
        });
        submit(&self.writer, Message::Run(work)).await?;
        answer.await.map_err(|_| stopped())?
    }

    /// Runs `work` on a reader, in one snapshot.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&ReadTx<'_>) -> DbResult<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let work: ReaderWork = Box::new(move |reader| {
            let _ = reply.send(reader.run(work));
        });
        submit(&self.readers, Message::Run(work)).await?;
        answer.await.map_err(|_| stopped())?
    }

    /// Ends the threads after the work in line, the writer last: its connection folds the log into the file.
    pub(crate) async fn stop(&self) {
        for _ in 0..self.reader_count {
            let (done, ended) = oneshot::channel();
            if self.readers.send(Message::Stop(done)).await.is_ok() {
                let _ = ended.await;
            }
        }
        let (done, ended) = oneshot::channel();
        if self.writer.send(Message::Stop(done)).await.is_ok() {
            let _ = ended.await;
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // Each has said that it is done: this returns at once.
            let _ = thread.join();
        }
    }
}

async fn submit<W>(line: &mpsc::Sender<Message<W>>, message: Message<W>) -> Result<(), StoreError> {
    use mpsc::error::SendTimeoutError;
    line.send_timeout(message, LINE_WAIT)
        .await
        .map_err(|error| match error {
            SendTimeoutError::Timeout(_) => {
                StoreError::with_source(StoreErrorKind::Unavailable, "too much waits for the database")
            }
            SendTimeoutError::Closed(_) => stopped(),
        })
}

fn stopped() -> StoreError {
    StoreError::with_source(StoreErrorKind::Unavailable, "the database was closed")
}

fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> DbResult<thread::JoinHandle<()>> {
    thread::Builder::new()
        .name(name)
        .spawn(body)
        .map_err(|_| DbError::Store(StoreErrorKind::Unavailable))
}

/// Opens a connection and changes nothing; makes an empty file where there is none.
pub(crate) fn connect(path: &Path) -> DbResult<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(connection)
}

/// Makes the connection to a library the one that writes.
pub(crate) fn prepare_writer(connection: &Connection) -> DbResult<()> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -32_768)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    // The log shrinks back to this after a large document.
    connection.pragma_update_and_check(None, "journal_size_limit", 64 * 1024 * 1024, |_| Ok(()))?;
    Ok(())
}

fn open_reader(path: &Path) -> DbResult<Connection> {
    let connection = connect(path)?;
    // The file is not mapped: SQLite gives a mapping up after each commit of another connection, and touching all its pages anew costs an answer
    // more than reading them does (`bench/streams`: a quarter of its time); searches alone are as fast either way.
    connection.pragma_update(None, "cache_size", -8_192)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// A copy of the file as it is now, beside it.
pub(crate) fn copy_file(connection: &Connection, to: &Path) -> DbResult<PathBuf> {
    let mut target = Connection::open(to)?;
    let backup = rusqlite::backup::Backup::new(connection, &mut target)?;
    backup.run_to_completion(1_024, Duration::ZERO, None)?;
    Ok(to.to_owned())
}

/// What a commit brings with it outside the file.
#[derive(Default)]
pub(crate) struct Effects {
    ranges_changed: bool,
    stored: Vec<(i64, Vec<StoredVector>)>,
    removed: Vec<Range<i64>>,
    /// Single vectors, by model and chunk.
    taken: Vec<(i64, i64)>,
    arrivals: Vec<(QueueName, Lane)>,
}

/// A transaction of the writer.
pub(crate) struct WriteTx<'a> {
    connection: &'a Connection,
    now: Timestamp,
    effects: Effects,
}

impl std::ops::Deref for WriteTx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl WriteTx<'_> {
    /// The time of this transaction.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// To be called by whatever shows, hides, moves or re-labels something that a search goes over.
    pub(crate) fn ranges_changed(&mut self) {
        self.effects.ranges_changed = true;
    }

    /// Vectors of one model that are in the file with this commit.
    pub(crate) fn vectors_stored(&mut self, model_no: i64, vectors: Vec<StoredVector>) {
        self.effects.stored.push((model_no, vectors));
    }

    /// Chunks that are gone with this commit.
    pub(crate) fn chunks_removed(&mut self, ids: Range<i64>) {
        self.effects.removed.push(ids);
    }

    /// Vectors, by the number of their model and chunk, that are gone with this commit.
    pub(crate) fn vectors_removed(&mut self, vectors: Vec<(i64, i64)>) {
        self.effects.taken.extend(vectors);
    }

    /// Something came into line.
    pub(crate) fn arrived(&mut self, queue: QueueName, lane: Lane) {
        self.effects.arrivals.push((queue, lane));
    }
}

/// A snapshot of a reader.
pub(crate) struct ReadTx<'a> {
    connection: &'a Connection,
    pub(crate) shared: &'a Shared,
    /// Of what memory held before the snapshot was taken.
    pub(crate) generation: u64,
}

impl std::ops::Deref for ReadTx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

pub(crate) struct Writer {
    connection: Connection,
    durability: Option<Durability>,
    shared: Arc<Shared>,
}

impl Writer {
    fn run<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&mut WriteTx<'_>) -> DbResult<T>,
    ) -> Result<T, StoreError> {
        // A panic unwinds through the transaction, which rolls back; the thread and its connection live on.
        catch_unwind(AssertUnwindSafe(|| self.transact(durability, work))).unwrap_or_else(|_| Err(panicked()))
    }

    fn transact<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&mut WriteTx<'_>) -> DbResult<T>,
    ) -> Result<T, StoreError> {
        self.set_durability(durability)?;
        let now = self.shared.clock.now();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(DbError::from)?;
        let mut tx = WriteTx {
            connection: &transaction,
            now,
            effects: Effects::default(),
        };
        let result = work(&mut tx)?;
        let effects = tx.effects;
        transaction.commit().map_err(DbError::from)?;
        self.apply(effects);
        Ok(result)
    }

    fn set_durability(&mut self, durability: Durability) -> Result<(), StoreError> {
        if self.durability == Some(durability) {
            return Ok(());
        }
        // In WAL mode, FULL syncs the log at each commit; NORMAL at checkpoints only, and never breaks the file.
        let synchronous = match durability {
            Durability::Machine => "full",
            Durability::Process => "normal",
        };
        self.connection
            .pragma_update(None, "synchronous", synchronous)
            .map_err(DbError::from)?;
        self.durability = Some(durability);
        Ok(())
    }

    fn apply(&self, effects: Effects) {
        if !effects.stored.is_empty() || !effects.removed.is_empty() || !effects.taken.is_empty() {
            let mut vectors = self
                .shared
                .vectors
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            for ids in effects.removed {
                vectors.remove(ids);
            }
            for (model_no, chunk_id) in effects.taken {
                vectors.remove_of(model_no, chunk_id);
            }
            for (model_no, stored) in effects.stored {
                vectors.store(model_no, &stored);
            }
        }
        if effects.ranges_changed {
            self.shared.generation.fetch_add(1, Ordering::AcqRel);
        }
        for (queue, lane) in effects.arrivals {
            self.shared.arrival(queue, lane).notify_one();
        }
        if let Err(error) = crate::vectors::refresh_means(&self.connection, &self.shared.vectors) {
            let error = StoreError::from(error);
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the vectors in memory keep their old mean"
            );
        }
    }

    /// Leaves one file without a log.
    fn finish(&mut self) {
        let folded = self
            .connection
            .query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()));
        if let Err(error) = folded {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the log was not folded into the library; that is done at the next start"
            );
        }
    }
}

pub(crate) struct Reader {
    connection: Connection,
    shared: Arc<Shared>,
}

impl Reader {
    fn run<T>(&mut self, work: impl FnOnce(&ReadTx<'_>) -> DbResult<T>) -> Result<T, StoreError> {
        catch_unwind(AssertUnwindSafe(|| {
            let generation = self.shared.generation.load(Ordering::Acquire);
            let snapshot = self.connection.unchecked_transaction().map_err(DbError::from)?;
            let tx = ReadTx {
                connection: &snapshot,
                shared: &self.shared,
                generation,
            };
            let result = work(&tx)?;
            snapshot.commit().map_err(DbError::from)?;
            Ok(result)
        }))
        .unwrap_or_else(|_| Err(panicked()))
    }
}

fn panicked() -> StoreError {
    StoreError::with_source(StoreErrorKind::Internal, "a unit of work panicked")
}

#[cfg(test)]
mod tests;
