//! The port `LibraryArchive`: each method is one transaction.

use async_trait::async_trait;
use ids_core::access::AuditEntry;
use ids_core::error::StoreError;
use ids_core::id::{ChunkId, DocumentId, SessionId};
use ids_core::moving::{DocumentRecord, KeyRecord, ListedDocument, SessionRecord, UsageRecord};
use ids_core::ports::LibraryArchive;
use ids_core::scope::Scope;

use crate::library::PostgresLibrary;
use crate::{archive_people, archive_reads, archive_writes, models, statistics};

#[async_trait]
impl LibraryArchive for PostgresLibrary {
    async fn list_stored(&self, scope: &Scope) -> Result<Vec<ListedDocument>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(organization, |tx| Box::pin(archive_reads::list(tx, organization)))
            .await
    }

    async fn load_document(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<DocumentRecord>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(organization, |tx| {
                Box::pin(archive_reads::load(tx, organization, document_id))
            })
            .await
    }

    async fn put_document(
        &self,
        scope: &Scope,
        record: &DocumentRecord,
    ) -> Result<Vec<Option<ChunkId>>, StoreError> {
        let organization = scope.organization;
        for by_model in record.versions.iter().flat_map(|version| &version.embeddings) {
            models::ensure(&self.database, &by_model.model).await?;
        }
        let firsts = self
            .database
            .write(organization, |tx| {
                Box::pin(archive_writes::put(tx, organization, record))
            })
            .await?;
        statistics::fold_if_due(&self.database, organization).await;
        Ok(firsts)
    }

    async fn list_session_ids(&self, scope: &Scope) -> Result<Vec<SessionId>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(organization, |tx| {
                Box::pin(archive_people::list_sessions(tx, organization))
            })
            .await
    }

    async fn load_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(organization, |tx| {
                Box::pin(archive_people::load_session(tx, organization, session_id))
            })
            .await
    }

    async fn put_session(&self, scope: &Scope, record: &SessionRecord) -> Result<(), StoreError> {
        let organization = scope.organization;
        self.database
            .write(organization, |tx| {
                Box::pin(archive_people::put_session(tx, organization, record))
            })
            .await
    }

    async fn list_key_records(&self, scope: &Scope) -> Result<Vec<KeyRecord>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(organization, |tx| {
                Box::pin(archive_people::list_keys(tx, organization))
            })
            .await
    }

    async fn put_key(&self, scope: &Scope, record: &KeyRecord) -> Result<(), StoreError> {
        let organization = scope.organization;
        self.database
            .write(organization, |tx| {
                Box::pin(archive_people::put_key(tx, organization, record))
            })
            .await
    }

    async fn list_usage(&self, scope: &Scope) -> Result<Vec<UsageRecord>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(organization, |tx| {
                Box::pin(archive_people::list_usage(tx, organization))
            })
            .await
    }

    async fn append_usage(&self, scope: &Scope, records: &[UsageRecord]) -> Result<(), StoreError> {
        let organization = scope.organization;
        self.database
            .write(organization, |tx| {
                Box::pin(archive_people::append_usage(tx, organization, records))
            })
            .await
    }

    async fn list_audit(&self, scope: &Scope) -> Result<Vec<AuditEntry>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(organization, |tx| {
                Box::pin(archive_people::list_audit(tx, organization))
            })
            .await
    }

    async fn append_audit(&self, scope: &Scope, entries: &[AuditEntry]) -> Result<(), StoreError> {
        let organization = scope.organization;
        self.database
            .write(organization, |tx| {
                Box::pin(archive_people::append_audit(tx, organization, entries))
            })
            .await
    }

    async fn check_statistics(&self, scope: &Scope) -> Result<Vec<String>, StoreError> {
        let organization = scope.organization;
        let differences = self
            .database
            .read(organization, |tx| {
                Box::pin(async move {
                    tx.be_patient().await?;
                    statistics::verify(tx, organization).await
                })
            })
            .await?;
        let named = |it: &statistics::StatisticsDifference| {
            format!(
                "`{}` is kept as {} and counted as {}",
                it.what, it.kept, it.counted
            )
        };
        Ok(differences.iter().map(named).collect())
    }
}
