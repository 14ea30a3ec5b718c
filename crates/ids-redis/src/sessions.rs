//! Conversations that were read a moment ago: the port `SessionStore` in front of another one.
//!
//! What is kept is a copy. Each change goes to the store behind first; the copy is emptied before it and after it, so that neither a reader
//! who was slow nor a process that died on the way leaves an old one. Redis may be away, slow or empty: that costs time alone.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ids_core::chunk::Filter;
use ids_core::error::StoreError;
use ids_core::id::{MessageId, OrganizationId, SessionId};
use ids_core::ports::{SessionList, SessionQuery, SessionStore};
use ids_core::scope::{CollectionAccess, Scope};
use ids_core::session::{Exchange, Feedback, Message, Session};
use redis::Script;

use crate::breaker::{Breaker, Patience};
use crate::connection::Redis;
use crate::error::store_error;
use crate::session_json;

static READ: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../scripts/session_read.lua")));
static FILL: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../scripts/session_fill.lua")));
static CHANGE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../scripts/session_change.lua")));

/// How long a copy is kept after it was read last from the store.
const KEPT: Duration = Duration::from_secs(3_600);
/// How long nobody may fill a copy after a change began whose end was never told.
const CHANGE_LASTS: Duration = Duration::from_secs(60);
/// Bytes of a text that is kept; a longer conversation is read from the store each time.
const LARGEST: usize = 256 * 1_024;
/// Different lengths of history kept of one session: callers ask for two or three.
const FIELDS: usize = 6;
/// Sessions whose change could not be told to Redis yet.
const UNTOLD: usize = 10_000;
/// Of them, told before a call at most.
const TOLD_AT_ONCE: usize = 20;

type Key = (OrganizationId, SessionId);

/// A session store with copies in Redis.
pub struct CachedSessions {
    inner: Arc<dyn SessionStore>,
    redis: Redis,
    breaker: Breaker,
    /// Sessions that changed while Redis could not be told: their copies are not read until it has been.
    untold: Mutex<HashSet<Key>>,
}

/// What a look at a copy gives.
enum Copy<T> {
    Found(T),
    /// None, and what allows to make one.
    Missing(String),
    /// None, and none is to be made.
    Away,
}

impl CachedSessions {
    /// Keeps copies of what `inner` holds.
    pub fn new(inner: Arc<dyn SessionStore>, redis: Redis) -> Self {
        Self::with_patience(inner, redis, Patience::default())
    }

    /// The same with another patience.
    pub fn with_patience(inner: Arc<dyn SessionStore>, redis: Redis, patience: Patience) -> Self {
        Self {
            inner,
            redis,
            breaker: Breaker::new("conversations are read", patience),
            untold: Mutex::default(),
        }
    }

    fn entry(&self, (organization, session_id): Key) -> String {
        format!("{}session:{organization}/{session_id}", self.redis.prefix())
    }

    fn untold(&self) -> std::sync::MutexGuard<'_, HashSet<Key>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read<T>(&self, key: Key, field: &str, decode: impl FnOnce(&str) -> Option<T>) -> Copy<T> {
        self.tell().await;
        if self.untold().contains(&key) {
            return Copy::Away;
        }
        let mut call = READ.key(self.entry(key));
        call.arg(field).arg(millis(KEPT));
        let reading = async { self.redis.invoke(&call).await.map_err(store_error) };
        let (generation, text): (String, Option<Vec<u8>>) = match self.breaker.call(reading).await {
            Some(found) => found,
            None => return Copy::Away,
        };
        // What cannot be read, another version wrote: as if it were not there.
        let copy = text.and_then(|text| decode(std::str::from_utf8(&text).ok()?));
        match copy {
            Some(copy) => Copy::Found(copy),
            None if generation.is_empty() => Copy::Away,
            None => Copy::Missing(generation),
        }
    }

    async fn fill(&self, key: Key, generation: &str, field: &str, text: Option<String>) {
        let Some(text) = text.filter(|text| text.len() <= LARGEST) else {
            return;
        };
        let mut call = FILL.key(self.entry(key));
        call.arg(generation)
            .arg(field)
            .arg(text)
            .arg(millis(KEPT))
            .arg(FIELDS);
        let filling = async { self.redis.invoke::<u8>(&call).await.map_err(store_error) };
        self.breaker.call(filling).await;
    }

    /// Runs a change in the store behind, between two emptyings of the copy. The first protects against the death of this process in the
    /// middle, the second against readers who read before the change and fill after it.
    async fn change<T>(
        &self,
        scope: &Scope,
        session_id: SessionId,
        change: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let key = (scope.organization, session_id);
        self.tell().await;
        let mut telling = Telling {
            cache: self,
            key,
            done: false,
        };
        self.empty(key, CHANGE_LASTS).await;
        let result = change.await;
        // Also after an error: the change may have been made, and only the answer lost.
        telling.done = self.empty(key, Duration::ZERO).await;
        result
    }

    fn note(&self, key: Key) {
        let mut untold = self.untold();
        if untold.len() < UNTOLD {
            untold.insert(key);
        } else if !untold.contains(&key) {
            tracing::warn!(
                "more conversations changed than are noted while Redis was away; some may be shown as they were for an hour"
            );
        }
    }

    /// Tells Redis of changes it was not there for.
    async fn tell(&self) {
        if !self.breaker.lets_through() {
            return;
        }
        let some: Vec<Key> = self.untold().iter().take(TOLD_AT_ONCE).copied().collect();
        for key in some {
            if !self.empty(key, Duration::ZERO).await {
                return;
            }
            self.untold().remove(&key);
        }
    }

    async fn empty(&self, key: Key, closed_for: Duration) -> bool {
        let mut call = CHANGE.key(self.entry(key));
        call.arg(closed_for.as_secs()).arg(millis(KEPT));
        let emptying = async { self.redis.invoke::<u8>(&call).await.map_err(store_error) };
        self.breaker.call(emptying).await.is_some()
    }
}

/// A change that Redis is still to be told of. Dropped before, with the call or after a failure, it is noted.
struct Telling<'a> {
    cache: &'a CachedSessions,
    key: Key,
    done: bool,
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.cache.note(self.key);
        }
    }
}

/// Copies are for whoever may see all of an organization: what a session is of is known to the store alone.
const fn sees_all(scope: &Scope) -> bool {
    matches!(scope.collections, CollectionAccess::All)
}

#[async_trait]
impl SessionStore for CachedSessions {
    async fn append(&self, scope: &Scope, exchange: &Exchange) -> Result<Session, StoreError> {
        self.change(scope, exchange.session_id, self.inner.append(scope, exchange))
            .await
    }

    async fn find_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
    ) -> Result<Option<Session>, StoreError> {
        const FIELD: &str = "session";
        if !sees_all(scope) {
            return self.inner.find_session(scope, session_id).await;
        }
        let key = (scope.organization, session_id);
        let copy = self.read(key, FIELD, session_json::decode_session).await;
        if let Copy::Found(session) = copy {
            return Ok(Some(session));
        }
        let found = self.inner.find_session(scope, session_id).await?;
        if let (Copy::Missing(generation), Some(session)) = (copy, &found) {
            self.fill(key, &generation, FIELD, session_json::encode_session(session))
                .await;
        }
        Ok(found)
    }

    async fn list_messages(
        &self,
        scope: &Scope,
        session_id: SessionId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        if !sees_all(scope) {
            return self.inner.list_messages(scope, session_id, limit).await;
        }
        let key = (scope.organization, session_id);
        let field = format!("messages:{limit}");
        let copy = self.read(key, &field, session_json::decode_messages).await;
        if let Copy::Found(messages) = copy {
            return Ok(messages);
        }
        let messages = self.inner.list_messages(scope, session_id, limit).await?;
        if let Copy::Missing(generation) = copy {
            self.fill(key, &generation, &field, session_json::encode_messages(&messages))
                .await;
        }
        Ok(messages)
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
        self.change(
            scope,
            session_id,
            self.inner.rename_session(scope, session_id, title),
        )
        .await
    }

    async fn limit_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
        filter: &Filter,
    ) -> Result<Session, StoreError> {
        self.change(
            scope,
            session_id,
            self.inner.limit_session(scope, session_id, filter),
        )
        .await
    }

    async fn rate_answer(
        &self,
        scope: &Scope,
        session_id: SessionId,
        message_id: MessageId,
        feedback: Option<&Feedback>,
    ) -> Result<(), StoreError> {
        self.change(
            scope,
            session_id,
            self.inner.rate_answer(scope, session_id, message_id, feedback),
        )
        .await
    }

    async fn delete_session(&self, scope: &Scope, session_id: SessionId) -> Result<(), StoreError> {
        self.change(scope, session_id, self.inner.delete_session(scope, session_id))
            .await
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
