//! Looking at documents, changing and removing them.

use std::time::Duration;

use super::Library;
use super::details::title_is_valid;
use super::upload_refusals::refused_by_blobs;
use crate::document::{Document, DocumentChange, DocumentStatus, Removed};
use crate::error::{ErrorCode, FieldError, Refusal, StoreErrorKind};
use crate::id::DocumentId;
use crate::job::Job;
use crate::limits;
use crate::page::Page;
use crate::ports::{
    AnalysisRecord, ChunkPage, CollectionSummary, DocumentList, DocumentOrder, DocumentQuery, LibraryCounts,
    NearDuplicate,
};
use crate::scope::{CollectionName, Scope};

/// What the status API shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusView {
    /// The document.
    pub document: Document,
    /// Its newest job.
    pub job: Option<Job>,
    /// 0 to 100.
    pub progress: u8,
    /// The step's word with detail.
    pub current_step: String,
    /// Chunks whose embeddings are stored.
    pub chunks_processed: u32,
    /// Chunks.
    pub total_chunks: u32,
    /// From acceptance to the end, or to now.
    pub processing_time: Duration,
    /// Whether the temporary object is gone.
    pub temporary_removed: bool,
}

/// One page of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct PageView {
    /// The page.
    pub page: Page,
    /// How many there are.
    pub page_count: u32,
}

/// All that is known of how a document was read.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisView {
    /// What extraction had to say.
    pub analysis: AnalysisRecord,
    /// What came in it, by file name; the first thousand.
    pub children: DocumentList,
    /// Documents with nearly its text, the nearest first.
    pub near_duplicates: Vec<NearDuplicate>,
}

/// How much there is, for people and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibraryStats {
    /// Counts.
    pub counts: LibraryCounts,
    /// The collections.
    pub collections: Vec<CollectionSummary>,
}

impl Library {
    /// A document.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_FOUND`.
    pub async fn get_document(&self, scope: &Scope, document_id: DocumentId) -> Result<Document, Refusal> {
        let found = self.ports.documents.find_document(scope, document_id).await?;
        found.ok_or_else(|| document_not_found(document_id))
    }

    /// Where a document stands.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_FOUND`.
    pub async fn document_status(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<StatusView, Refusal> {
        let record = self
            .ports
            .documents
            .find_status(scope, document_id)
            .await?
            .ok_or_else(|| document_not_found(document_id))?;
        let (progress, current_step, processing_time) = match &record.job {
            Some(job) => {
                let until = job.ended_at.unwrap_or_else(|| self.ports.clock.now());
                (
                    job.progress,
                    shown_step(record.document.status, &job.current_step),
                    until.since(job.created_at),
                )
            }
            None => (0, record.document.status.as_str().to_owned(), Duration::ZERO),
        };
        Ok(StatusView {
            progress,
            current_step,
            chunks_processed: record.chunks_processed,
            total_chunks: record.total_chunks,
            processing_time,
            temporary_removed: record.temporary_removed,
            document: record.document,
            job: record.job,
        })
    }

    /// A page of documents.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for a limit out of range.
    pub async fn list_documents(
        &self,
        scope: &Scope,
        query: &DocumentQuery,
    ) -> Result<DocumentList, Refusal> {
        super::check_limit(query.limit)?;
        Ok(self.ports.documents.list_documents(scope, query).await?)
    }

    /// Changes what is said of a document. The index keeps the title it was made with (design.md 4).
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, `DOCUMENT_NOT_FOUND`.
    pub async fn change_document(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        change: &DocumentChange,
    ) -> Result<Document, Refusal> {
        let mut bad = Vec::new();
        if change.title.as_ref().is_some_and(|title| !title_is_valid(title)) {
            let reason = format!("must have 1 to {} characters on one line", limits::TITLE_CHARS);
            bad.push(FieldError {
                field: "title".to_owned(),
                reason,
            });
        }
        if change
            .description
            .as_ref()
            .is_some_and(|text| text.chars().count() > limits::DESCRIPTION_CHARS)
        {
            let reason = format!("must have at most {} characters", limits::DESCRIPTION_CHARS);
            bad.push(FieldError {
                field: "description".to_owned(),
                reason,
            });
        }
        if change
            .tags
            .as_ref()
            .is_some_and(|tags| tags.len() > limits::TAGS_PER_DOCUMENT)
        {
            let reason = format!("must be at most {}", limits::TAGS_PER_DOCUMENT);
            bad.push(FieldError {
                field: "tags".to_owned(),
                reason,
            });
        }
        if !bad.is_empty() {
            return Err(Refusal::fields(bad));
        }
        let changed = self
            .ports
            .documents
            .change_document(scope, document_id, change)
            .await;
        changed.map_err(|error| match error.kind() {
            StoreErrorKind::NotFound => document_not_found(document_id),
            _ => error.into(),
        })
    }

    /// Removes a document with everything that hangs on it, while it is being processed too.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_FOUND`.
    pub async fn delete_document(&self, scope: &Scope, document_id: DocumentId) -> Result<Removed, Refusal> {
        let removed = self
            .ports
            .documents
            .delete_document(scope, document_id)
            .await
            .map_err(|error| match error.kind() {
                StoreErrorKind::NotFound => document_not_found(document_id),
                _ => error.into(),
            })?;
        self.remove_blobs(&removed).await;
        Ok(removed)
    }

    /// One page of a document, from 1.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_FOUND`, `PAGE_NOT_FOUND`.
    pub async fn document_page(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        page_number: u32,
    ) -> Result<PageView, Refusal> {
        if let Some((page, page_count)) = self
            .ports
            .documents
            .find_page(scope, document_id, page_number)
            .await?
        {
            return Ok(PageView { page, page_count });
        }
        let document = self.get_document(scope, document_id).await?;
        Err(Refusal::new(
            ErrorCode::PageNotFound,
            match document.page_count {
                Some(pages) => format!(
                    "`{}` has no page {page_number}; it has {pages}",
                    document.filename
                ),
                None => format!("the pages of `{}` are not read yet", document.filename),
            },
        ))
    }

    /// The chunks of a document, in order.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_FOUND`, `VALIDATION_FAILED`.
    pub async fn document_chunks(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        limit: usize,
        offset: usize,
    ) -> Result<ChunkPage, Refusal> {
        if limit == 0 || limit > limits::LIST_ROWS {
            return Err(Refusal::field(
                "limit",
                format!("must be 1 to {}", limits::LIST_ROWS),
            ));
        }
        self.get_document(scope, document_id).await?;
        Ok(self
            .ports
            .documents
            .list_chunks(scope, document_id, limit, offset)
            .await?)
    }

    /// What extraction had to say of a document, what came in it, and which documents have nearly its text.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_FOUND`.
    pub async fn document_analysis(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<AnalysisView, Refusal> {
        let documents = &self.ports.documents;
        let found = documents.find_analysis(scope, document_id).await?;
        let analysis = found.ok_or_else(|| document_not_found(document_id))?;
        let query = DocumentQuery {
            parent_id: Some(document_id),
            ..DocumentQuery::first(limits::LIST_ROWS, DocumentOrder::Filename)
        };
        Ok(AnalysisView {
            analysis,
            children: documents.list_documents(scope, &query).await?,
            near_duplicates: documents.list_near_duplicates(scope, document_id).await?,
        })
    }

    /// How much there is.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn stats(&self, scope: &Scope) -> Result<LibraryStats, Refusal> {
        let counts = self.ports.documents.library_counts(scope).await?;
        let collections = self.ports.documents.list_collections(scope).await?;
        Ok(LibraryStats { counts, collections })
    }

    /// The collections that may be seen.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn list_collections(&self, scope: &Scope) -> Result<Vec<CollectionSummary>, Refusal> {
        Ok(self.ports.documents.list_collections(scope).await?)
    }

    /// Makes a collection; being there already is no error.
    ///
    /// # Errors
    /// `FORBIDDEN` when the caller may not see a collection of that name.
    pub async fn create_collection(&self, scope: &Scope, name: &CollectionName) -> Result<(), Refusal> {
        if !scope.allows(name) {
            return Err(Refusal::new(
                ErrorCode::Forbidden,
                format!("this key may not see the collection `{name}`"),
            ));
        }
        Ok(self.ports.documents.ensure_collection(scope, name).await?)
    }

    /// Removes a collection without documents.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_EMPTY`.
    pub async fn delete_collection(&self, scope: &Scope, name: &CollectionName) -> Result<(), Refusal> {
        let deleted = self.ports.documents.delete_collection(scope, name).await;
        deleted.map_err(|error| match error.kind() {
            StoreErrorKind::NotFound => Refusal::new(
                ErrorCode::CollectionNotFound,
                format!("there is no collection `{name}`"),
            ),
            StoreErrorKind::Conflict => Refusal::new(
                ErrorCode::CollectionNotEmpty,
                format!("documents are in the collection `{name}`; delete them first"),
            ),
            _ => error.into(),
        })
    }

    /// Removes bytes that nothing refers to any more. What cannot be removed now is found by the cleanup of orphans.
    pub(crate) async fn remove_blobs(&self, removed: &Removed) {
        for blob in &removed.blobs {
            if let Err(error) = self.ports.blobs.delete(blob).await.map_err(refused_by_blobs) {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "bytes of a removed document are still there; the cleanup of orphaned files will remove them"
                );
            }
        }
    }
}

/// The status's own word, with the step that was at work as detail where it ended otherwise than well.
fn shown_step(status: DocumentStatus, step: &str) -> String {
    let word = status.as_str();
    if step.starts_with(word) {
        step.to_owned()
    } else if status.is_end() && status != DocumentStatus::Completed && !step.is_empty() {
        format!("{word} ({step})")
    } else {
        word.to_owned()
    }
}

pub(super) fn document_not_found(document_id: DocumentId) -> Refusal {
    Refusal::new(
        ErrorCode::DocumentNotFound,
        format!("there is no document `{document_id}`"),
    )
}
