//! Looking at conversations, renaming and removing them.

use super::Library;
use crate::answer::session_not_found;
use crate::error::{Refusal, StoreError, StoreErrorKind};
use crate::id::SessionId;
use crate::limits;
use crate::ports::{SessionList, SessionQuery};
use crate::scope::Scope;
use crate::session::{Message, Session};

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

    /// Removes a session with its messages.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`.
    pub async fn delete_session(&self, scope: &Scope, session_id: SessionId) -> Result<(), Refusal> {
        let deleted = self.ports.sessions.delete_session(scope, session_id).await;
        deleted.map_err(|error| refused(error, session_id))
    }
}

fn refused(error: StoreError, session_id: SessionId) -> Refusal {
    match error.kind() {
        StoreErrorKind::NotFound => session_not_found(session_id),
        _ => error.into(),
    }
}
