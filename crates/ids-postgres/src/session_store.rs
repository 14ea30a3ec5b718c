//! The port `SessionStore`: each method is one transaction.

use async_trait::async_trait;
use ids_core::chunk::Filter;
use ids_core::error::StoreError;
use ids_core::id::{MessageId, SessionId};
use ids_core::ports::{SessionList, SessionQuery, SessionStore};
use ids_core::scope::Scope;
use ids_core::session::{Exchange, Feedback, Message, Session};

use crate::library::PostgresLibrary;
use crate::{messages, sessions};

#[async_trait]
impl SessionStore for PostgresLibrary {
    async fn append(&self, scope: &Scope, exchange: &Exchange) -> Result<Session, StoreError> {
        self.database
            .write(scope.organization, |tx| {
                Box::pin(sessions::append(tx, scope, exchange))
            })
            .await
    }

    async fn find_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
    ) -> Result<Option<Session>, StoreError> {
        self.database
            .read(scope.organization, |tx| {
                Box::pin(sessions::find(tx, scope, session_id))
            })
            .await
    }

    async fn list_messages(
        &self,
        scope: &Scope,
        session_id: SessionId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.database
            .read(scope.organization, |tx| {
                Box::pin(async move {
                    sessions::get(tx, scope, session_id).await?;
                    messages::list(tx, scope, session_id, limit).await
                })
            })
            .await
    }

    async fn list_sessions(&self, scope: &Scope, query: &SessionQuery) -> Result<SessionList, StoreError> {
        self.database
            .read(scope.organization, |tx| {
                Box::pin(sessions::list(tx, scope, query))
            })
            .await
    }

    async fn rename_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
        title: &str,
    ) -> Result<Session, StoreError> {
        self.database
            .write(scope.organization, |tx| {
                Box::pin(sessions::rename(tx, scope, session_id, title))
            })
            .await
    }

    async fn limit_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
        filter: &Filter,
    ) -> Result<Session, StoreError> {
        self.database
            .write(scope.organization, |tx| {
                Box::pin(sessions::limit(tx, scope, session_id, filter))
            })
            .await
    }

    async fn rate_answer(
        &self,
        scope: &Scope,
        session_id: SessionId,
        message_id: MessageId,
        feedback: Option<&Feedback>,
    ) -> Result<(), StoreError> {
        self.database
            .write(scope.organization, |tx| {
                Box::pin(async move {
                    sessions::get(tx, scope, session_id).await?;
                    messages::rate(tx, scope, session_id, message_id, feedback).await
                })
            })
            .await
    }

    async fn delete_session(&self, scope: &Scope, session_id: SessionId) -> Result<(), StoreError> {
        self.database
            .write(scope.organization, |tx| {
                Box::pin(sessions::delete(tx, scope, session_id))
            })
            .await
    }
}
