//! Looking at conversations, renaming, limiting, rating and removing them.

use super::Library;
use crate::answer::session_not_found;
use crate::chunk::Filter;
use crate::error::{ErrorCode, Refusal, StoreError, StoreErrorKind};
use crate::id::{MessageId, SessionId};
use crate::limits;
use crate::ports::{SessionList, SessionQuery};
use crate::scope::Scope;
use crate::search::SearchRequest;
use crate::session::{Feedback, Message, Rating, Session};

impl Library {
    /// A page of sessions, what changed last first.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for a limit out of range.
    pub async fn list_sessions(&self, scope: &Scope, query: &SessionQuery) -> Result<SessionList, Refusal> {
        super::check_limit(query.limit)?;
        Ok(self.ports.sessions.list_sessions(scope, query).await?)
    }

    /// A session with its messages, the last [`limits::SESSION_MESSAGES`] of a very long one.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`.
    pub async fn get_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
    ) -> Result<(Session, Vec<Message>), Refusal> {
        let sessions = &self.ports.sessions;
        let session = sessions
            .find_session(scope, session_id)
            .await?
            .ok_or_else(|| session_not_found(session_id))?;
        let messages = sessions
            .list_messages(scope, session_id, limits::SESSION_MESSAGES)
            .await
            .map_err(|error| refused(error, session_id))?;
        Ok((session, messages))
    }

    /// Gives a session another title.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, `SESSION_NOT_FOUND`.
    pub async fn rename_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
        title: &str,
    ) -> Result<Session, Refusal> {
        let title = title.trim();
        let is_valid = !title.is_empty()
            && title.chars().count() <= limits::SESSION_TITLE_CHARS
            && !title.chars().any(char::is_control);
        if !is_valid {
            return Err(Refusal::field(
                "title",
                format!(
                    "must have 1 to {} characters on one line",
                    limits::SESSION_TITLE_CHARS
                ),
            ));
        }
        let renamed = self.ports.sessions.rename_session(scope, session_id, title).await;
        renamed.map_err(|error| refused(error, session_id))
    }

    /// Limits the questions of a session to other documents; an empty filter lifts the limit.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, `SESSION_NOT_FOUND`, `COLLECTION_NOT_FOUND`.
    pub async fn limit_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
        filter: &Filter,
    ) -> Result<Session, Refusal> {
        let search = SearchRequest {
            filter: filter.clone(),
            ..SearchRequest::new("?")
        };
        self.check_search(scope, &search).await?;
        let limited = self.ports.sessions.limit_session(scope, session_id, filter).await;
        limited.map_err(|error| refused(error, session_id))
    }

    /// Notes what somebody thought of an answer, and why; `None` forgets it.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, `SESSION_NOT_FOUND`, `MESSAGE_NOT_FOUND`.
    pub async fn rate_answer(
        &self,
        scope: &Scope,
        session_id: SessionId,
        message_id: MessageId,
        rating: Option<(Rating, Option<String>)>,
    ) -> Result<Option<Feedback>, Refusal> {
        let sessions = &self.ports.sessions;
        let found = sessions.find_session(scope, session_id).await?;
        found.ok_or_else(|| session_not_found(session_id))?;
        let feedback = match rating {
            Some((rating, reason)) => Some(Feedback {
                rating,
                reason: checked_reason(reason)?,
                rated_at: self.ports.clock.now(),
            }),
            None => None,
        };
        let rated = sessions
            .rate_answer(scope, session_id, message_id, feedback.as_ref())
            .await;
        rated.map_err(|error| match error.kind() {
            StoreErrorKind::NotFound => Refusal::new(
                ErrorCode::MessageNotFound,
                format!("the session has no answer `{message_id}`"),
            ),
            _ => error.into(),
        })?;
        Ok(feedback)
    }

    /// Removes a session with its messages.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`.
    pub async fn delete_session(&self, scope: &Scope, session_id: SessionId) -> Result<(), Refusal> {
        let deleted = self.ports.sessions.delete_session(scope, session_id).await;
        deleted.map_err(|error| refused(error, session_id))
    }
}

fn checked_reason(reason: Option<String>) -> Result<Option<String>, Refusal> {
    let reason = reason
        .map(|reason| reason.trim().to_owned())
        .filter(|reason| !reason.is_empty());
    if reason
        .as_ref()
        .is_some_and(|reason| reason.chars().count() > limits::FEEDBACK_CHARS)
    {
        return Err(Refusal::field(
            "reason",
            format!("must have at most {} characters", limits::FEEDBACK_CHARS),
        ));
    }
    Ok(reason)
}

fn refused(error: StoreError, session_id: SessionId) -> Refusal {
    match error.kind() {
        StoreErrorKind::NotFound => session_not_found(session_id),
        _ => error.into(),
    }
}
