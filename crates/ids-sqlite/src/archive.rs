//! The port `LibraryArchive`.

use async_trait::async_trait;
use ids_core::access::AuditEntry;
use ids_core::error::StoreError;
use ids_core::id::{ChunkId, DocumentId, SessionId};
use ids_core::moving::{DocumentRecord, KeyRecord, ListedDocument, SessionRecord, UsageRecord};
use ids_core::ports::LibraryArchive;
use ids_core::scope::Scope;

use crate::database::Durability;
use crate::library::SqliteLibrary;
use crate::{archive_people, archive_reads, archive_writes};

#[async_trait]
impl LibraryArchive for SqliteLibrary {
    async fn list_stored(&self, scope: &Scope) -> Result<Vec<ListedDocument>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(move |tx| archive_reads::list(tx, organization))
            .await
    }

    async fn load_document(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<DocumentRecord>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(move |tx| archive_reads::load(tx, organization, document_id))
            .await
    }

    async fn put_document(
        &self,
        scope: &Scope,
        record: &DocumentRecord,
    ) -> Result<Vec<Option<ChunkId>>, StoreError> {
        let (organization, record) = (scope.organization, record.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                archive_writes::put(tx, organization, &record)
            })
            .await
    }

    async fn list_session_ids(&self, scope: &Scope) -> Result<Vec<SessionId>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(move |tx| archive_people::list_sessions(tx, organization))
            .await
    }

    async fn load_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(move |tx| archive_people::load_session(tx, organization, session_id))
            .await
    }

    async fn put_session(&self, scope: &Scope, record: &SessionRecord) -> Result<(), StoreError> {
        let (organization, record) = (scope.organization, record.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                archive_people::put_session(tx, organization, &record)
            })
            .await
    }

    async fn list_key_records(&self, scope: &Scope) -> Result<Vec<KeyRecord>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(move |tx| archive_people::list_keys(tx, organization))
            .await
    }

    async fn put_key(&self, scope: &Scope, record: &KeyRecord) -> Result<(), StoreError> {
        let (organization, record) = (scope.organization, record.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                archive_people::put_key(tx, organization, &record)
            })
            .await
    }

    async fn list_usage(&self, scope: &Scope) -> Result<Vec<UsageRecord>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(move |tx| archive_people::list_usage(tx, organization))
            .await
    }

    async fn append_usage(&self, scope: &Scope, records: &[UsageRecord]) -> Result<(), StoreError> {
        let (organization, records) = (scope.organization, records.to_vec());
        self.database
            .write(Durability::Machine, move |tx| {
                archive_people::append_usage(tx, organization, &records)
            })
            .await
    }

    async fn list_audit(&self, scope: &Scope) -> Result<Vec<AuditEntry>, StoreError> {
        let organization = scope.organization;
        self.database
            .read(move |tx| archive_people::list_audit(tx, organization))
            .await
    }

    async fn append_audit(&self, scope: &Scope, entries: &[AuditEntry]) -> Result<(), StoreError> {
        let (organization, entries) = (scope.organization, entries.to_vec());
        self.database
            .write(Durability::Machine, move |tx| {
                archive_people::append_audit(tx, organization, &entries)
            })
            .await
    }

    async fn check_statistics(&self, scope: &Scope) -> Result<Vec<String>, StoreError> {
        let differences = self.verify_statistics().await?;
        let of_scope = differences
            .iter()
            .filter(|it| it.organization == scope.organization);
        Ok(of_scope
            .map(|it| {
                format!(
                    "`{}` is kept as {} and counted as {}",
                    it.what, it.kept, it.counted
                )
            })
            .collect())
    }
}
