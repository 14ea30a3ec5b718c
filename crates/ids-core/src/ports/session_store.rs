//! Conversations.

use async_trait::async_trait;

use crate::chunk::Filter;
use crate::error::StoreError;
use crate::id::{MessageId, SessionId};
use crate::scope::Scope;
use crate::session::{Exchange, Feedback, Message, Session};

/// Keeps conversations.
///
/// Clauses: (1) a question and its answer come in together, in order after those before, and come back exactly as they were
/// given; (2) what belongs to another organization is as if it were not there; (3) `append` to a session that is not there is
/// `NotFound` unless it is to be made; a session is made once; (4) `list_sessions` pages through all, what changed last first, and
/// finds words of titles and messages whatever their case and accents; (5) `rename_session` changes the title and nothing else;
/// (6) `delete_session` removes a session with its messages, and a second call is `NotFound`; (7) an answer that is not in the
/// [`UsageLedger`](crate::ports::UsageLedger) yet is put there in the same step, and stays there when its session is deleted;
/// (8) a session begun in a scope limited to collections is of these, and who may see only some collections sees only the sessions that are of nothing else; what is
/// added from a wider scope makes it of all of that; (9) an answer that replaces the last one stands in its place, behind the same question, and the one
/// before is gone with what was thought of it; one that is not the last any more is `Conflict`, and nothing changes; (10) `limit_session` changes what its questions are
/// limited to and nothing else; (11) `rate_answer` keeps what was thought last of an answer, or forgets it; a message that is no answer of the session is
/// `NotFound`.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Adds a question with its answer; gives the session as it is then.
    ///
    /// # Errors
    /// `NotFound`, also when the organization is gone; `Conflict` when a session to be made is there already, or the answer to be replaced is
    /// not the last message; `Full`, `Unavailable`.
    async fn append(&self, scope: &Scope, exchange: &Exchange) -> Result<Session, StoreError>;

    /// A session.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find_session(&self, scope: &Scope, session_id: SessionId)
    -> Result<Option<Session>, StoreError>;

    /// The messages of a session, in order; the last `limit` of them.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt`, `Unavailable`.
    async fn list_messages(
        &self,
        scope: &Scope,
        session_id: SessionId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError>;

    /// A page of sessions, what changed last first.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_sessions(&self, scope: &Scope, query: &SessionQuery) -> Result<SessionList, StoreError>;

    /// Gives a session another title.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn rename_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
        title: &str,
    ) -> Result<Session, StoreError>;

    /// Limits the questions of a session to other documents.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn limit_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
        filter: &Filter,
    ) -> Result<Session, StoreError>;

    /// Notes what somebody thought of an answer; `None` forgets it.
    ///
    /// # Errors
    /// `NotFound`, `Full`, `Unavailable`.
    async fn rate_answer(
        &self,
        scope: &Scope,
        session_id: SessionId,
        message_id: MessageId,
        feedback: Option<&Feedback>,
    ) -> Result<(), StoreError>;

    /// Removes a session with its messages.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn delete_session(&self, scope: &Scope, session_id: SessionId) -> Result<(), StoreError>;
}

/// Which sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionQuery {
    /// Part of the title or of a message, case and accents ignored.
    pub search: Option<String>,
    /// Rows at most.
    pub limit: usize,
    /// Rows to pass over.
    pub offset: usize,
}

/// A page of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionList {
    /// The rows asked for.
    pub sessions: Vec<Session>,
    /// How many there are without limit and offset.
    pub total: u64,
}
