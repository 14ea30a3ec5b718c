//! Uploads.

use std::collections::BTreeMap;

use ids_core::document::DocumentStatus;
use ids_core::library::{AnnouncedUpload, Processing};
use serde::Serialize;
use utoipa::ToSchema;

use super::seconds;
use super::time::rfc3339;

/// Announces an upload.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::uploads` reads; a test holds both together"
)]
pub(crate) struct PresignedRequest {
    /// The file's name, without folders.
    #[schema(example = "edital-14-2021.pdf")]
    filename: String,
    /// Bytes.
    #[schema(example = 182_044)]
    file_size: u64,
    /// The MIME type that will be sent.
    #[schema(example = "application/pdf")]
    content_type: String,
    /// Without it: the file's own, else its name without extension.
    title: Option<String>,
    /// Free text.
    description: Option<String>,
    /// Tags.
    tags: Option<Vec<String>>,
    /// Made where there is none; without it `default`.
    collection: Option<String>,
    /// The document that gets a further version; without it a new one.
    document_id: Option<String>,
}

/// Where the bytes go.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PresignedBody {
    /// The address, absolute.
    upload_url: String,
    /// Always PUT.
    method: &'static str,
    /// To be sent as given.
    headers: BTreeMap<String, String>,
    /// The document, awaiting its bytes.
    document_id: String,
    /// The upload, for /process.
    upload_id: String,
    /// Seconds the address works.
    expires_in: u64,
    /// Until when it works (RFC 3339, UTC).
    expires_at: String,
}

impl PresignedBody {
    pub(crate) fn new(upload: &AnnouncedUpload, upload_url: String) -> Self {
        Self {
            upload_url,
            method: "PUT",
            headers: upload.signed.headers.iter().cloned().collect(),
            document_id: upload.document_id.to_string(),
            upload_id: upload.upload_id.to_string(),
            expires_in: upload.expires_in.as_secs(),
            expires_at: rfc3339(upload.expires_at),
        }
    }
}

/// Says that the bytes are there.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::uploads` reads; a test holds both together"
)]
pub(crate) struct ProcessRequest {
    /// The upload.
    upload_id: String,
    /// SHA-256 of the bytes in hexadecimal digits; checked.
    file_hash: Option<String>,
}

/// An announced upload that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProcessBody {
    /// The job.
    job_id: String,
    /// Where the document stands.
    #[schema(example = "uploaded")]
    status: &'static str,
    /// Seconds it may take, by its size.
    estimated_time: f64,
}

impl ProcessBody {
    pub(crate) fn new(processing: &Processing, status: DocumentStatus) -> Self {
        Self {
            job_id: processing.job_id.to_string(),
            status: status.as_str(),
            estimated_time: seconds(processing.estimated_time),
        }
    }
}

/// A file, and what is said of it.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI the form that `routes::uploads` reads"
)]
pub(crate) struct UploadForm {
    /// The bytes, with their file name.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// Without it: the file's own, else its name without extension.
    title: Option<String>,
    /// Free text.
    description: Option<String>,
    /// Repeated, or parted by commas.
    tags: Option<Vec<String>>,
    /// Made where there is none; without it `default`.
    collection: Option<String>,
    /// The document that gets a further version; without it a new one.
    document_id: Option<String>,
    /// Opens a protected PDF, Office or OpenDocument file, whose unprotected copy is kept; a wrong one is ENCRYPTED. It is stored and logged nowhere.
    password: Option<String>,
}

/// How a document is read anew.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::reindex` reads; a test holds both together"
)]
pub(crate) struct ReindexRequest {
    /// Opens the original of a protected PDF, Office or OpenDocument file; a wrong one is ENCRYPTED, and changes nothing. It is stored and logged nowhere.
    password: Option<String>,
}

/// A file that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadedBody {
    /// The document.
    document_id: String,
    /// The job.
    job_id: String,
    /// Where the document stands.
    #[schema(example = "uploaded")]
    status: &'static str,
}

impl UploadedBody {
    pub(crate) fn new(processing: &Processing, status: DocumentStatus) -> Self {
        Self {
            document_id: processing.document_id.to_string(),
            job_id: processing.job_id.to_string(),
            status: status.as_str(),
        }
    }
}
