//! The port `SessionStore`: each method is one transaction.

use async_trait::async_trait;
use ids_core::error::StoreError;
use ids_core::id::SessionId;
use ids_core::ports::{SessionList, SessionQuery, SessionStore};
use ids_core::scope::Scope;
use ids_core::session::{Exchange, Message, Session};

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

    async fn delete_session(&self, scope: &Scope, session_id: SessionId) -> Result<(), StoreError> {
        self.database
            .write(scope.organization, |tx| {
                Box::pin(sessions::delete(tx, scope, session_id))
            })
            .await
    }
}
