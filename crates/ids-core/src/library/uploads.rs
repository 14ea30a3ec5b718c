//! Taking files in: announced (presigned) uploads and the one-step way.

use std::time::Duration;

use super::Library;
use super::details::check_details;
use super::unlocking::KeptFile;
use super::upload_refusals::{
    empty_file, expired, refused_by_blobs, refused_by_detection, refused_by_pinning, too_large,
    upload_not_found, url_used, wrong_length,
};
use crate::document::{
    Acceptance, AcceptedAs, BlobKey, ContentHash, ContentType, DocumentChange, DocumentDetails, NewUpload,
    SourcePath, Upload, UploadState,
};
use crate::error::{ErrorCode, Refusal, StoreErrorKind};
use crate::id::{DocumentId, JobId, OrganizationId, UploadId, VersionId};
use crate::ingest::{estimated_time, rank_by_size};
use crate::job::{Lane, QueueName};
use crate::password::Password;
use crate::ports::{Accepted, BlobWriter, SignedUpload};
use crate::scope::{CollectionName, Scope};
use crate::time::Timestamp;

/// What is announced of an upload.
#[derive(Debug, Clone)]
pub struct UploadAnnouncement {
    /// What is said of the document.
    pub details: DocumentDetails,
    /// Bytes.
    pub file_size: u64,
    /// The type that will be sent.
    pub content_type: ContentType,
    /// The document that gets a further version; `None` for a new one.
    pub document_id: Option<DocumentId>,
}

/// Where the bytes of an announced upload go.
#[derive(Debug, Clone)]
pub struct AnnouncedUpload {
    /// The document, awaiting its bytes.
    pub document_id: DocumentId,
    /// The upload.
    pub upload_id: UploadId,
    /// Address and headers.
    pub signed: SignedUpload,
    /// How long it works from now.
    pub expires_in: Duration,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// What a one-step upload says of its file.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// What is said of the document.
    pub details: DocumentDetails,
    /// The document that gets a further version; `None` for a new one.
    pub document_id: Option<DocumentId>,
    /// Where `ids ingest` found it.
    pub source: Option<SourcePath>,
    /// What opens it, if it needs that.
    pub password: Option<Password>,
    /// SHA-256 of what was sent once, where this is what was kept of it.
    pub sent_hash: Option<ContentHash>,
}

/// A document that was accepted for processing.
#[derive(Debug, Clone, Copy)]
pub struct Processing {
    /// The document.
    pub document_id: DocumentId,
    /// Its job.
    pub job_id: JobId,
    /// A guess at how long it will take, by its size.
    pub estimated_time: Duration,
}

/// What `ids ingest` should do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// It was never ingested into this collection.
    New,
    /// It was, and its bytes are the same.
    Unchanged(DocumentId),
    /// It was, and its bytes are others now, or its last version failed.
    Changed(DocumentId),
}

/// The bytes of a one-step upload on their way in. Dropped before [`Library::accept_file`], it leaves nothing.
pub struct IncomingFile {
    pub(super) writer: Box<dyn BlobWriter>,
    pub(super) blob: BlobKey,
    pub(super) version_id: VersionId,
    written: u64,
    max_file_size: u64,
}

impl IncomingFile {
    /// Appends bytes.
    ///
    /// # Errors
    /// `FILE_TOO_LARGE` as soon as the limit is passed; `STORAGE_FULL`, `DEPENDENCY_UNAVAILABLE`.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.written += bytes.len() as u64;
        if self.written > self.max_file_size {
            return Err(too_large(self.max_file_size));
        }
        self.writer.write(bytes).await.map_err(refused_by_blobs)
    }
}

/// The bytes of an announced upload on their way in. Dropped before `finish`, it leaves nothing.
pub struct UploadReceiver {
    library: Library,
    scope: Scope,
    upload: Upload,
    /// Where this try's bytes go.
    blob: BlobKey,
    writer: Box<dyn BlobWriter>,
    written: u64,
}

impl UploadReceiver {
    /// Appends bytes.
    ///
    /// # Errors
    /// `UPLOAD_SIGNATURE_INVALID` when more come than were signed; `STORAGE_FULL`, `DEPENDENCY_UNAVAILABLE`.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.written += bytes.len() as u64;
        if self.written > self.upload.file_size {
            return Err(wrong_length(self.upload.file_size));
        }
        self.writer.write(bytes).await.map_err(refused_by_blobs)
    }

    /// Makes the upload complete.
    ///
    /// # Errors
    /// `UPLOAD_SIGNATURE_INVALID` when fewer bytes came than were signed; `UPLOAD_URL_USED` when another PUT was
    /// first; `STORAGE_FULL`, `DEPENDENCY_UNAVAILABLE`.
    pub async fn finish(self) -> Result<(), Refusal> {
        if self.written != self.upload.file_size {
            return Err(wrong_length(self.upload.file_size));
        }
        let ports = &self.library.ports;
        let info = self.writer.commit().await.map_err(refused_by_blobs)?;
        let marked = ports
            .documents
            .mark_received(&self.scope, self.upload.upload_id, &self.blob, info.hash)
            .await;
        match marked {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                // Another PUT was first: these bytes are nobody's.
                let _ = ports.blobs.delete(&self.blob).await;
                Err(url_used())
            }
            // Long past its time, and removed while its bytes came.
            Err(error) if error.kind() == StoreErrorKind::NotFound => {
                let _ = ports.blobs.delete(&self.blob).await;
                Err(expired())
            }
            // Whether the note was written is not known, so the bytes stay: nobody's bytes are removed by the cleanup.
            Err(error) => Err(error.into()),
        }
    }
}

impl Library {
    /// Announces an upload: makes its document and signs an address for the bytes.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, `FILE_TOO_LARGE`, `EMPTY_FILE`, `UNSUPPORTED_TYPE`, `DOCUMENT_NOT_FOUND`, `FORBIDDEN`.
    pub async fn announce_upload(
        &self,
        scope: &Scope,
        announcement: UploadAnnouncement,
    ) -> Result<AnnouncedUpload, Refusal> {
        let UploadAnnouncement {
            details,
            file_size,
            content_type,
            document_id,
        } = announcement;
        check_details(&details)?;
        if file_size == 0 {
            return Err(empty_file(&details.filename));
        }
        if file_size > self.settings.max_file_size {
            return Err(too_large(self.settings.max_file_size));
        }
        self.check_allowed(&content_type, &details.filename)?;
        let details = self.checked_target(scope, details, document_id).await?;

        let upload_id = UploadId::from_uuid(self.ports.ids.next());
        let expires_at = self.ports.clock.now().plus(self.settings.upload_ttl);
        let blob = BlobKey::of(&self.settings.temp_prefix, scope.organization, upload_id);
        let new_upload = NewUpload {
            upload_id,
            document_id: document_id.unwrap_or_else(|| DocumentId::from_uuid(self.ports.ids.next())),
            is_new_document: document_id.is_none(),
            details,
            content_type,
            file_size,
            blob,
            expires_at,
        };
        self.change_target(scope, document_id, &new_upload.details)
            .await?;
        self.ports.documents.create_upload(scope, &new_upload).await?;
        let upload = Upload {
            upload_id,
            document_id: new_upload.document_id,
            content_type: new_upload.content_type,
            file_size,
            filename: new_upload.details.filename,
            blob: new_upload.blob,
            expires_at,
            state: UploadState::Awaiting,
        };
        let signed = self
            .ports
            .blobs
            .sign_upload(scope.organization, &upload)
            .map_err(refused_by_blobs)?;
        Ok(AnnouncedUpload {
            document_id: upload.document_id,
            upload_id,
            signed,
            expires_in: self.settings.upload_ttl,
            expires_at,
        })
    }

    /// Opens a signed upload address for its bytes. `signature` is the query string that was signed; `content_type` and
    /// `content_length` are those of the request.
    ///
    /// # Errors
    /// `UPLOAD_NOT_FOUND`, `UPLOAD_SIGNATURE_INVALID`, `UPLOAD_EXPIRED`, `UPLOAD_URL_USED`.
    pub async fn receive_upload(
        &self,
        organization: OrganizationId,
        upload_id: UploadId,
        signature: &str,
        content_type: Option<&ContentType>,
        content_length: Option<u64>,
    ) -> Result<UploadReceiver, Refusal> {
        let scope = Scope::organization(organization);
        let upload = self
            .ports
            .documents
            .find_upload(&scope, upload_id)
            .await?
            .ok_or_else(|| upload_not_found(upload_id))?;
        if !self.ports.blobs.verify_upload(organization, &upload, signature) {
            return Err(Refusal::new(
                ErrorCode::UploadSignatureInvalid,
                "the upload address was changed; use `upload_url` exactly as it was given",
            ));
        }
        if self.ports.clock.now() >= upload.expires_at {
            return Err(expired());
        }
        if content_type != Some(&upload.content_type) {
            return Err(Refusal::new(
                ErrorCode::UploadSignatureInvalid,
                format!(
                    "the address was signed for the type `{}`; send that content-type",
                    upload.content_type
                ),
            ));
        }
        if content_length.is_some_and(|length| length != upload.file_size) {
            return Err(wrong_length(upload.file_size));
        }
        if upload.state != UploadState::Awaiting {
            return Err(url_used());
        }
        let blob = BlobKey(format!("{}-{}", upload.blob.0, self.ports.ids.next()));
        let writer = self.ports.blobs.create(&blob).await.map_err(refused_by_blobs)?;
        Ok(UploadReceiver {
            library: self.clone(),
            scope,
            upload,
            blob,
            writer,
            written: 0,
        })
    }

    /// Accepts the bytes of an announced upload for processing. Called again, it returns the same job.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_FOUND`, `UPLOAD_NOT_FOUND`, `UPLOAD_INCOMPLETE`, `UPLOAD_EXPIRED`, `HASH_MISMATCH`,
    /// `UNSUPPORTED_TYPE`, `ENCRYPTED`.
    pub async fn process_upload(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        upload_id: UploadId,
        announced_hash: Option<ContentHash>,
    ) -> Result<Processing, Refusal> {
        let upload = self
            .ports
            .documents
            .find_upload(scope, upload_id)
            .await?
            .filter(|upload| upload.document_id == document_id)
            .ok_or_else(|| upload_not_found(upload_id))?;
        let mut upload = upload;
        if upload.state == UploadState::Awaiting {
            self.take_direct_upload(scope, &mut upload).await?;
        }
        let file_hash = match upload.state {
            UploadState::Awaiting => {
                return Err(if self.ports.clock.now() >= upload.expires_at {
                    Refusal::new(
                        ErrorCode::UploadExpired,
                        "the upload address expired before its bytes came; ask for a new one",
                    )
                } else {
                    Refusal::new(
                        ErrorCode::UploadIncomplete,
                        "the bytes are not there yet; send them to `upload_url` first",
                    )
                });
            }
            UploadState::Received { file_hash } => file_hash,
            UploadState::Processed { job_id } => {
                return Ok(Processing {
                    document_id,
                    job_id,
                    estimated_time: estimated_time(upload.file_size),
                });
            }
        };
        if announced_hash.is_some_and(|announced| announced != file_hash) {
            return Err(Refusal::new(
                ErrorCode::HashMismatch,
                "the bytes that came are not those announced (their SHA-256 differs); upload the file again",
            ));
        }
        let content_type = self.detect(&upload.blob, &upload.filename).await?;
        let acceptance = Acceptance {
            document_id,
            accepted_as: AcceptedAs::Upload(upload_id),
            version_id: VersionId::from_uuid(self.ports.ids.next()),
            job_id: JobId::from_uuid(self.ports.ids.next()),
            blob: upload.blob,
            content_type,
            file_size: upload.file_size,
            file_hash,
            kept_hash: None,
        };
        let accepted = self.ports.jobs.accept(scope, &acceptance).await?;
        self.deliver(&accepted, upload.file_size).await;
        Ok(Processing {
            document_id,
            job_id: accepted.job.job_id,
            estimated_time: estimated_time(upload.file_size),
        })
    }

    /// Takes the bytes that went straight to another server, if they are there: out of reach of the signed address, then noted as
    /// received. What breaks off between the two is done by the next call, since the target key follows from the upload.
    async fn take_direct_upload(&self, scope: &Scope, upload: &mut Upload) -> Result<(), Refusal> {
        let pinned_as = BlobKey(format!("{}-received", upload.blob.0));
        let pinned = self.ports.blobs.pin(&upload.blob, &pinned_as).await;
        let mut pinned = pinned.map_err(refused_by_pinning)?;
        if pinned.is_none() {
            // Nothing came; or a call at the same moment has taken it, and noted it or is about to.
            let found = self.ports.documents.find_upload(scope, upload.upload_id).await?;
            *upload = found.ok_or_else(|| upload_not_found(upload.upload_id))?;
            if upload.state != UploadState::Awaiting {
                return Ok(());
            }
            let again = self.ports.blobs.pin(&upload.blob, &pinned_as).await;
            pinned = again.map_err(refused_by_pinning)?;
        }
        let Some(info) = pinned else {
            return Ok(());
        };
        if info.size != upload.file_size {
            let _ = self.ports.blobs.delete(&pinned_as).await;
            return Err(wrong_length(upload.file_size));
        }
        let documents = &self.ports.documents;
        let marked = documents
            .mark_received(scope, upload.upload_id, &pinned_as, info.hash)
            .await;
        match marked {
            Ok(()) => {
                upload.blob = pinned_as;
                upload.state = UploadState::Received { file_hash: info.hash };
                Ok(())
            }
            // A call at the same moment was first: go on with what it noted.
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                let found = documents.find_upload(scope, upload.upload_id).await?;
                *upload = found.ok_or_else(|| upload_not_found(upload.upload_id))?;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a place for the bytes of a one-step upload.
    ///
    /// # Errors
    /// `STORAGE_FULL`, `DEPENDENCY_UNAVAILABLE`.
    pub async fn begin_file(&self, scope: &Scope) -> Result<IncomingFile, Refusal> {
        let version_id = VersionId::from_uuid(self.ports.ids.next());
        let blob = BlobKey::of(&self.settings.temp_prefix, scope.organization, version_id);
        let writer = self.ports.blobs.create(&blob).await.map_err(refused_by_blobs)?;
        Ok(IncomingFile {
            writer,
            blob,
            version_id,
            written: 0,
            max_file_size: self.settings.max_file_size,
        })
    }

    /// Accepts the bytes of a one-step upload for processing.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, `EMPTY_FILE`, `UNSUPPORTED_TYPE`, `ENCRYPTED`, `DOCUMENT_NOT_FOUND`, `FORBIDDEN`.
    pub async fn accept_file(
        &self,
        scope: &Scope,
        incoming: IncomingFile,
        file: NewFile,
    ) -> Result<Processing, Refusal> {
        check_details(&file.details)?;
        if incoming.written == 0 {
            return Err(empty_file(&file.details.filename));
        }
        let details = self.checked_target(scope, file.details, file.document_id).await?;
        let IncomingFile {
            writer,
            blob,
            version_id,
            ..
        } = incoming;
        let info = writer.commit().await.map_err(refused_by_blobs)?;
        let kept = KeptFile {
            blob,
            version_id,
            sent_hash: file.sent_hash.unwrap_or(info.hash),
            info,
        };
        let kept = match &file.password {
            None => kept,
            Some(password) => {
                let sent = kept.blob.clone();
                let unlocked = self.unlock(scope, kept, &details.filename, password).await;
                if unlocked.is_err() {
                    let _ = self.ports.blobs.delete(&sent).await;
                }
                unlocked?
            }
        };
        let blob = kept.blob.clone();
        let accepted = self
            .accept_blob(scope, kept, details, file.document_id, file.source)
            .await;
        // Refused: nothing refers to the bytes. Where the store went away in the middle, the job may have been written all the same: then the
        // bytes stay, and are found by the cleanup if they are nobody's.
        let is_refused = |refusal: &Refusal| {
            !matches!(
                refusal.code,
                ErrorCode::DependencyUnavailable | ErrorCode::Internal
            )
        };
        if accepted.as_ref().is_err_and(is_refused) {
            let _ = self.ports.blobs.delete(&blob).await;
        }
        accepted
    }

    async fn accept_blob(
        &self,
        scope: &Scope,
        kept: KeptFile,
        details: DocumentDetails,
        document_id: Option<DocumentId>,
        source: Option<SourcePath>,
    ) -> Result<Processing, Refusal> {
        let KeptFile {
            blob,
            version_id,
            info,
            sent_hash,
        } = kept;
        let content_type = self.detect(&blob, &details.filename).await?;
        self.change_target(scope, document_id, &details).await?;
        let accepted_as = match document_id {
            Some(_) => AcceptedAs::FurtherVersion {
                filename: details.filename,
            },
            None => AcceptedAs::NewDocument { details, source },
        };
        let acceptance = Acceptance {
            document_id: document_id.unwrap_or_else(|| DocumentId::from_uuid(self.ports.ids.next())),
            accepted_as,
            version_id,
            job_id: JobId::from_uuid(self.ports.ids.next()),
            blob,
            content_type,
            file_size: info.size,
            file_hash: sent_hash,
            kept_hash: (info.hash != sent_hash).then_some(info.hash),
        };
        let accepted = self.ports.jobs.accept(scope, &acceptance).await?;
        self.deliver(&accepted, info.size).await;
        Ok(Processing {
            document_id: accepted.document_id,
            job_id: accepted.job.job_id,
            estimated_time: estimated_time(info.size),
        })
    }

    /// What `ids ingest` should do with a file of that path and hash.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn source_state(
        &self,
        scope: &Scope,
        collection: &CollectionName,
        source: &SourcePath,
        file_hash: ContentHash,
    ) -> Result<SourceState, Refusal> {
        use crate::document::DocumentStatus::{Cancelled, Failed};
        Ok(
            match self
                .ports
                .documents
                .find_source(scope, collection, source)
                .await?
            {
                None => SourceState::New,
                // What failed is tried again: the person runs the command again because of it.
                Some(known)
                    if known.file_hash == file_hash && !matches!(known.status, Failed | Cancelled) =>
                {
                    SourceState::Unchanged(known.document_id)
                }
                Some(known) => SourceState::Changed(known.document_id),
            },
        )
    }

    /// Finds the type of stored bytes; whether it is taken here too.
    pub(crate) async fn detect(&self, blob: &BlobKey, filename: &str) -> Result<ContentType, Refusal> {
        let local = self
            .ports
            .blobs
            .open_local(blob)
            .await
            .map_err(refused_by_blobs)?;
        let content_type = self
            .ports
            .extractor
            .detect(local.path(), filename)
            .await
            .map_err(refused_by_detection)?;
        self.check_allowed(&content_type, filename)?;
        Ok(content_type)
    }

    fn check_allowed(&self, content_type: &ContentType, filename: &str) -> Result<(), Refusal> {
        let allowed = &self.settings.allowed_types;
        if allowed.is_empty() || allowed.contains(content_type) {
            return Ok(());
        }
        Err(Refusal::new(
            ErrorCode::UnsupportedType,
            format!("`{filename}` is of the type `{content_type}`, which is not taken here"),
        ))
    }

    /// Checks where a file goes: the collection may be seen, the document to get a further version is there.
    async fn checked_target(
        &self,
        scope: &Scope,
        details: DocumentDetails,
        document_id: Option<DocumentId>,
    ) -> Result<DocumentDetails, Refusal> {
        if let Some(document_id) = document_id {
            let document = self.get_document(scope, document_id).await?;
            return Ok(DocumentDetails {
                collection: document.collection,
                ..details
            });
        }
        if !scope.allows(&details.collection) {
            return Err(Refusal::new(
                ErrorCode::Forbidden,
                format!(
                    "this key may not write to the collection `{}`",
                    details.collection
                ),
            ));
        }
        Ok(details)
    }

    /// A further version may come with a new title, description or tags; what is not given stays.
    async fn change_target(
        &self,
        scope: &Scope,
        document_id: Option<DocumentId>,
        details: &DocumentDetails,
    ) -> Result<(), Refusal> {
        let Some(document_id) = document_id else {
            return Ok(());
        };
        let change = DocumentChange {
            title: details.title.clone(),
            description: details.description.clone(),
            tags: Some(details.tags.clone()).filter(|tags| !tags.is_empty()),
        };
        if change.title.is_none() && change.description.is_none() && change.tags.is_none() {
            return Ok(());
        }
        self.change_document(scope, document_id, &change).await?;
        Ok(())
    }

    /// Tells the queue. If that fails the job is safe: the reconciler delivers it.
    pub(crate) async fn deliver(&self, accepted: &Accepted, file_size: u64) {
        let delivered = self
            .ports
            .queue
            .deliver(
                QueueName::DocumentProcessing,
                Lane::Prepare,
                accepted.job,
                rank_by_size(self.ports.clock.now(), file_size),
                Duration::ZERO,
            )
            .await;
        if let Err(error) = delivered {
            tracing::warn!(job.id = %accepted.job.job_id, error = &error as &dyn std::error::Error,
                "job `{}` is accepted but not delivered yet; the reconciler will", accepted.job.job_id);
        }
    }
}
