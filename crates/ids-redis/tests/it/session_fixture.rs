//! A store of conversations that counts what is asked of it, and stops where a test wants it to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use ids_core::chunk::Filter;
use ids_core::error::StoreError;
use ids_core::id::{MessageId, SessionId};
use ids_core::ports::{Clock, Ids, SessionList, SessionQuery, SessionStore};
use ids_core::scope::Scope;
use ids_core::session::{AnswerDetails, AnswerMode, Exchange, Feedback, Message, Session, TokenUsage};
use ids_sqlite::SqliteLibrary;
use ids_testkit::{ManualClock, SequentialIds, Stores};
use tokio::sync::Semaphore;

pub struct WatchedSessions {
    inner: SqliteLibrary,
    reads: AtomicUsize,
    /// A permit lets one read end, after it has read. Closed: all do.
    pub reads_end: Semaphore,
    /// A permit lets one change begin. Closed: all do.
    pub changes_begin: Semaphore,
    /// A permit for each read that has read, or change that is about to begin.
    pub arrived: Semaphore,
    pub clock: Arc<ManualClock>,
    ids: SequentialIds,
    _folder: tempfile::TempDir,
}

impl WatchedSessions {
    pub fn new() -> Arc<Self> {
        let store = Self::gated();
        store.reads_end.close();
        store.changes_begin.close();
        store
    }

    /// Nothing goes on without a permit, once its gate is not closed.
    pub fn gated() -> Arc<Self> {
        let clock = Arc::new(ManualClock::default());
        let (inner, folder) = crate::library(&clock);
        Arc::new(Self {
            inner,
            reads: AtomicUsize::new(0),
            reads_end: Semaphore::new(0),
            changes_begin: Semaphore::new(0),
            arrived: Semaphore::new(0),
            clock,
            ids: SequentialIds::default(),
            _folder: folder,
        })
    }

    /// Reads that came through to here since the last call.
    pub fn reads(&self) -> usize {
        self.reads.swap(0, Ordering::SeqCst)
    }

    /// A new session with one question, made here without being watched.
    pub async fn begin(&self, title: &str) -> SessionId {
        let session_id = SessionId::from_uuid(self.ids.next());
        let exchange = self.exchange(session_id, Some(title), "Qual é a multa?");
        self.inner.append(&Stores::scope(), &exchange).await.unwrap();
        session_id
    }

    pub fn exchange(&self, session_id: SessionId, title: Option<&str>, words: &str) -> Exchange {
        let message = |content: &str, answer| Message {
            message_id: MessageId::from_uuid(self.ids.next()),
            created_at: self.clock.now(),
            content: content.to_owned(),
            answer,
            feedback: None,
        };
        Exchange {
            is_counted: false,
            session_id,
            new_title: title.map(str::to_owned),
            key_id: None,
            filter: Filter::default(),
            replaces: None,
            question: message(words, None),
            answer: message(
                "Não sei.",
                Some(AnswerDetails {
                    mode: AnswerMode::Extractive,
                    answered: false,
                    sources: Vec::new(),
                    claims: Vec::new(),
                    nearest: Vec::new(),
                    search_results: 0,
                    model: None,
                    usage: TokenUsage::default(),
                    cost: None,
                    fallback: None,
                    processing_time: std::time::Duration::ZERO,
                }),
            ),
        }
    }

    async fn read<T>(&self, reading: impl Future<Output = T>) -> T {
        let read = reading.await;
        self.reads.fetch_add(1, Ordering::SeqCst);
        pass(&self.arrived, &self.reads_end).await;
        read
    }

    async fn change<T>(&self, change: impl Future<Output = T>) -> T {
        pass(&self.arrived, &self.changes_begin).await;
        change.await
    }
}

async fn pass(arrived: &Semaphore, gate: &Semaphore) {
    arrived.add_permits(1);
    if let Ok(permit) = gate.acquire().await {
        permit.forget();
    }
}

#[async_trait]
impl SessionStore for WatchedSessions {
    async fn append(&self, scope: &Scope, exchange: &Exchange) -> Result<Session, StoreError> {
        self.change(self.inner.append(scope, exchange)).await
    }

    async fn find_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
    ) -> Result<Option<Session>, StoreError> {
        self.read(self.inner.find_session(scope, session_id)).await
    }

    async fn list_messages(
        &self,
        scope: &Scope,
        session_id: SessionId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.read(self.inner.list_messages(scope, session_id, limit))
            .await
    }

    async fn list_sessions(&self, scope: &Scope, query: &SessionQuery) -> Result<SessionList, StoreError> {
        self.inner.list_sessions(scope, query).await
    }

    async fn rename_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
        title: &str,
    ) -> Result<Session, StoreError> {
        self.change(self.inner.rename_session(scope, session_id, title))
            .await
    }

    async fn limit_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
        filter: &Filter,
    ) -> Result<Session, StoreError> {
        self.change(self.inner.limit_session(scope, session_id, filter))
            .await
    }

    async fn rate_answer(
        &self,
        scope: &Scope,
        session_id: SessionId,
        message_id: MessageId,
        feedback: Option<&Feedback>,
    ) -> Result<(), StoreError> {
        self.change(self.inner.rate_answer(scope, session_id, message_id, feedback))
            .await
    }

    async fn delete_session(&self, scope: &Scope, session_id: SessionId) -> Result<(), StoreError> {
        self.change(self.inner.delete_session(scope, session_id)).await
    }
}
