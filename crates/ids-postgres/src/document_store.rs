//! The port `DocumentStore`: each method is one transaction.

use async_trait::async_trait;
use ids_core::document::{
    BlobKey, ContentHash, ContentType, Document, DocumentChange, NewUpload, Removed, SourcePath, Upload,
};
use ids_core::error::StoreError;
use ids_core::id::{DocumentId, OrganizationId, UploadId};
use ids_core::job::Lease;
use ids_core::member::Family;
use ids_core::page::{ExtractedDocument, Page};
use ids_core::ports::{
    AnalysisRecord, ChunkPage, CollectionSummary, DocumentList, DocumentQuery, DocumentStore, LibraryCounts,
    NearDuplicate, SourceFile, SourceRecord, StatusRecord,
};
use ids_core::scope::{CollectionName, Scope};
use ids_core::time::Timestamp;

use crate::library::PostgresLibrary;
use crate::{
    chunks, collections, documents, library_reads, members, pages, signatures, sources, statistics, uploads,
};

#[async_trait]
impl DocumentStore for PostgresLibrary {
    async fn create_upload(&self, scope: &Scope, upload: &NewUpload) -> Result<Document, StoreError> {
        self.database
            .write(scope.organization, move |tx| {
                Box::pin(uploads::create(tx, scope, upload))
            })
            .await
    }

    async fn find_upload(&self, scope: &Scope, upload_id: UploadId) -> Result<Option<Upload>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(uploads::find(tx, scope, upload_id))
            })
            .await
    }

    async fn mark_received(
        &self,
        scope: &Scope,
        upload_id: UploadId,
        blob: &BlobKey,
        file_hash: ContentHash,
    ) -> Result<(), StoreError> {
        self.database
            .write(scope.organization, move |tx| {
                Box::pin(uploads::mark_received(tx, scope, upload_id, blob, file_hash))
            })
            .await
    }

    async fn list_expired_uploads(
        &self,
        scope: &Scope,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(uploads::list_expired(tx, scope, before, limit))
            })
            .await
    }

    async fn delete_upload(&self, scope: &Scope, upload_id: UploadId) -> Result<(), StoreError> {
        self.database
            .write(scope.organization, move |tx| {
                Box::pin(uploads::delete(tx, scope, upload_id))
            })
            .await
    }

    async fn find_document(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<Document>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(documents::find(tx, scope, document_id))
            })
            .await
    }

    async fn find_source(
        &self,
        scope: &Scope,
        collection: &CollectionName,
        source: &SourcePath,
    ) -> Result<Option<SourceRecord>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(documents::find_source(tx, scope, collection, source))
            })
            .await
    }

    async fn list_sources(
        &self,
        scope: &Scope,
        collection: &CollectionName,
        folder: &SourcePath,
        after: Option<&SourcePath>,
        limit: usize,
    ) -> Result<Vec<SourceFile>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(sources::list(tx, scope, collection, folder, after, limit))
            })
            .await
    }

    async fn move_source(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        source: &SourcePath,
        filename: &str,
    ) -> Result<(), StoreError> {
        self.database
            .write(scope.organization, move |tx| {
                Box::pin(sources::change(tx, scope, document_id, source, filename))
            })
            .await
    }

    async fn find_status(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<StatusRecord>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(documents::find_status(tx, scope, document_id))
            })
            .await
    }

    async fn list_documents(&self, scope: &Scope, query: &DocumentQuery) -> Result<DocumentList, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(documents::list(tx, scope, query))
            })
            .await
    }

    async fn change_document(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        change: &DocumentChange,
    ) -> Result<Document, StoreError> {
        self.database
            .write(scope.organization, move |tx| {
                Box::pin(documents::change(tx, scope, document_id, change))
            })
            .await
    }

    async fn delete_document(&self, scope: &Scope, document_id: DocumentId) -> Result<Removed, StoreError> {
        let removed = self
            .database
            .write(scope.organization, move |tx| {
                Box::pin(documents::delete(tx, scope, document_id))
            })
            .await?;
        statistics::fold_if_due(&self.database, scope.organization).await;
        Ok(removed)
    }

    async fn save_extraction(
        &self,
        lease: &Lease,
        extracted: &ExtractedDocument,
        text_hash: ContentHash,
    ) -> Result<Removed, StoreError> {
        self.database
            .write(lease.job.organization, move |tx| {
                Box::pin(pages::save_extraction(tx, lease, extracted, text_hash))
            })
            .await
    }

    async fn find_duplicate(&self, lease: &Lease) -> Result<Option<DocumentId>, StoreError> {
        self.database
            .read(lease.job.organization, move |tx| {
                Box::pin(pages::find_duplicate(tx, lease))
            })
            .await
    }

    async fn find_family(&self, lease: &Lease) -> Result<Family, StoreError> {
        self.database
            .read(lease.job.organization, move |tx| {
                Box::pin(members::find_family(tx, lease))
            })
            .await
    }

    async fn list_near_duplicates(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Vec<NearDuplicate>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(signatures::list_near(tx, scope, document_id))
            })
            .await
    }

    async fn load_pages(&self, lease: &Lease) -> Result<Vec<Page>, StoreError> {
        self.database
            .read(lease.job.organization, move |tx| Box::pin(pages::load(tx, lease)))
            .await
    }

    async fn find_page(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        page_number: u32,
    ) -> Result<Option<(Page, u32)>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(pages::find(tx, scope, document_id, page_number))
            })
            .await
    }

    async fn list_chunks(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        limit: usize,
        offset: usize,
    ) -> Result<ChunkPage, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(chunks::list(tx, scope, document_id, limit, offset))
            })
            .await
    }

    async fn find_analysis(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<AnalysisRecord>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(pages::find_analysis(tx, scope, document_id))
            })
            .await
    }

    async fn find_original(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<(BlobKey, String, ContentType)>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(documents::find_original(tx, scope, document_id))
            })
            .await
    }

    async fn list_unknown_blobs(&self, scope: &Scope, keys: &[BlobKey]) -> Result<Vec<BlobKey>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(library_reads::list_unknown_blobs(tx, scope, keys))
            })
            .await
    }

    async fn list_collections(&self, scope: &Scope) -> Result<Vec<CollectionSummary>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(library_reads::list_collections(tx, scope))
            })
            .await
    }

    async fn ensure_collection(&self, scope: &Scope, name: &CollectionName) -> Result<(), StoreError> {
        self.database
            .write(scope.organization, move |tx| {
                Box::pin(collections::ensure_in_scope(tx, scope, name))
            })
            .await
    }

    async fn delete_collection(&self, scope: &Scope, name: &CollectionName) -> Result<(), StoreError> {
        self.database
            .write(scope.organization, move |tx| {
                Box::pin(collections::delete(tx, scope, name))
            })
            .await
    }

    async fn library_counts(&self, scope: &Scope) -> Result<LibraryCounts, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(library_reads::library_counts(tx, scope))
            })
            .await
    }

    async fn list_organizations(&self) -> Result<Vec<OrganizationId>, StoreError> {
        self.database
            .read_shared(|tx| Box::pin(library_reads::list_organizations(tx)))
            .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.database
            .read_shared(|tx| Box::pin(library_reads::ping(tx)))
            .await
    }
}
