//! Which files are documents, and where they lie now: what watching a folder needs.

use super::Library;
use super::details::check_details;
use crate::document::{DocumentDetails, SourcePath};
use crate::error::{ErrorCode, Refusal, StoreErrorKind};
use crate::id::DocumentId;
use crate::limits;
use crate::ports::SourceFile;
use crate::scope::{CollectionName, Scope};

impl Library {
    /// The documents of a collection that came from below a folder, by path; those after `after`, at most
    /// [`limits::SOURCES_PER_PAGE`].
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn list_sources(
        &self,
        scope: &Scope,
        collection: &CollectionName,
        folder: &SourcePath,
        after: Option<&SourcePath>,
    ) -> Result<Vec<SourceFile>, Refusal> {
        let documents = &self.ports.documents;
        let listed = documents
            .list_sources(scope, collection, folder, after, limits::SOURCES_PER_PAGE)
            .await?;
        Ok(listed)
    }

    /// Notes that a document's file was renamed or moved. The document stays as it is, but for its file's name.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_FOUND`; `VALIDATION_FAILED`, also where another document came from that path.
    pub async fn move_source(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        source: &SourcePath,
    ) -> Result<(), Refusal> {
        let filename = source.0.rsplit('/').next().unwrap_or_default().to_owned();
        check_details(&DocumentDetails {
            filename: filename.clone(),
            title: None,
            description: None,
            tags: Vec::new(),
            collection: CollectionName::default(),
        })?;
        let documents = &self.ports.documents;
        let moved = documents.move_source(scope, document_id, source, &filename).await;
        moved.map_err(|error| match error.kind() {
            StoreErrorKind::NotFound => Refusal::new(
                ErrorCode::DocumentNotFound,
                format!("there is no document `{document_id}` that was made of a file"),
            ),
            StoreErrorKind::Conflict => Refusal::field("path", "is that of another document"),
            _ => error.into(),
        })
    }
}
