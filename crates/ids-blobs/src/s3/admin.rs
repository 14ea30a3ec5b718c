//! What `ids doctor` asks of a bucket, and puts right.

use ids_core::document::ContentHash;
use ids_core::ports::BlobError;
use sha2::{Digest, Sha256};

use super::S3BlobStore;
use super::body::Payload;
use super::cors::{self, CorsState};
use super::error::{CallError, failed};
use super::lifecycle::{self, LifecycleState};
use super::xml::Element;

/// Said beside lifecycle rules, and lost unless it is said again.
const SMALLEST_MOVED: &str = "x-amz-transition-default-minimum-object-size";

/// Which permission a bucket's key lacks, or which call failed.
#[derive(Debug, thiserror::Error)]
#[error("a small object could not be taken through the bucket; the key needs `{permission}` for `{name}`")]
pub struct RoundTripFailure {
    /// The permission, as AWS names it.
    pub permission: &'static str,
    /// The object.
    pub name: String,
    /// What the server said.
    #[source]
    pub source: BlobError,
}

impl S3BlobStore {
    /// Whether pages of `origin` (`https://docs.example.org`) may send uploads to the bucket.
    pub async fn check_cors(&self, origin: &str) -> CorsState {
        let read = self.calls().setting("cors", SMALLEST_MOVED).await;
        match read.and_then(|(document, _)| Element::parse(&document)) {
            Ok(root) if root.name == "CORSConfiguration" => cors::state(&root, origin),
            Err(error) if error.code() == Some("NoSuchCORSConfiguration") => CorsState::Missing,
            Ok(_) => CorsState::Unreadable,
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the bucket's CORS rules cannot be read"
                );
                CorsState::Unreadable
            }
        }
    }

    /// Whether the bucket removes by itself, after `days`, what lies under `prefix`.
    ///
    /// # Errors
    /// `Unavailable`, also when the key may not ask (`s3:GetLifecycleConfiguration`).
    pub async fn lifecycle(&self, prefix: &str, days: u32) -> Result<LifecycleState, BlobError> {
        let read = async {
            match self.lifecycle_document().await? {
                Some((document, _)) => Ok(lifecycle::state(&Element::parse(&document)?, prefix, days)),
                None => Ok(LifecycleState::Missing),
            }
        };
        read.await.map_err(failed("read the lifecycle rules for", prefix))
    }

    /// Makes the bucket remove by itself, after `days`, what lies under `prefix`. All other rules stay as they are.
    /// S3 has no way to say "if nobody changed them meanwhile", so another change in the same second may be lost.
    ///
    /// # Errors
    /// `Unavailable`, also when the key may not (`s3:PutLifecycleConfiguration`).
    pub async fn ensure_lifecycle(&self, prefix: &str, days: u32) -> Result<(), BlobError> {
        let change = async {
            let (document, smallest) = self.lifecycle_document().await?.unzip();
            if let Some(document) = &document {
                let root = Element::parse(document)?;
                if lifecycle::state(&root, prefix, days) == LifecycleState::Present {
                    return Ok(());
                }
            }
            let merged = lifecycle::merged(document.as_deref(), prefix, days)?;
            let smallest = smallest.flatten();
            let header = smallest.as_deref().map(|value| (SMALLEST_MOVED, value));
            self.calls().set("lifecycle", merged, header).await
        };
        change
            .await
            .map_err(failed("change the lifecycle rules for", prefix))
    }

    /// Takes a small object through everything that the store does with documents.
    ///
    /// # Errors
    /// The first permission that lacks, or call that fails. What was written is removed where the key may.
    pub async fn round_trip(&self) -> Result<(), RoundTripFailure> {
        let nonce = self.shared.calls.clock.now().as_micros();
        let upload = format!("{}doctor-{nonce}", self.shared.temp_prefix);
        let original = format!("{}doctor-{nonce}", self.shared.originals_prefix);
        let done = self.take_through(&upload, &original).await;
        if done.is_err() {
            // As far as it came; what stays under `temp/` goes by the lifecycle rule.
            let _ = self.calls().delete(&upload).await;
            let _ = self.calls().delete(&original).await;
        }
        done
    }

    async fn take_through(&self, upload: &str, original: &str) -> Result<(), RoundTripFailure> {
        let calls = self.calls();
        let bytes: &[u8] = b"ids doctor";
        let hash = ContentHash::from_bytes(Sha256::digest(bytes).into());
        let step = |permission, action, name: &str| {
            let name = name.to_owned();
            move |error: CallError| RoundTripFailure {
                permission,
                source: failed(action, &name)(error),
                name,
            }
        };

        // First, since without it nothing that is absent can be told from what is forbidden.
        calls
            .list(upload, None, None, 1)
            .await
            .map_err(step("s3:ListBucket", "list", upload))?;
        calls
            .put_new(upload, &Payload::Bytes(bytes.into()), &hash)
            .await
            .map_err(step("s3:PutObject", "write", upload))?;
        self.read_back(upload, bytes)
            .await
            .map_err(step("s3:GetObject", "read", upload))?;
        calls
            .copy(upload, original, None)
            .await
            .map_err(step("s3:PutObject", "copy to", original))?;
        self.read_back(original, bytes)
            .await
            .map_err(step("s3:GetObject", "read", original))?;
        for name in [original, upload] {
            calls
                .delete(name)
                .await
                .map_err(step("s3:DeleteObject", "delete", name))?;
        }
        Ok(())
    }

    async fn read_back(&self, object: &str, expected: &[u8]) -> Result<(), CallError> {
        let mut reply = self.calls().get(object).await?;
        if reply.text(expected.len()).await?.as_bytes() != expected {
            return Err(CallError::Unusable("other bytes came back"));
        }
        Ok(())
    }

    /// The lifecycle rules, and what is said beside them; `None` when there are none.
    async fn lifecycle_document(&self) -> Result<Option<(String, Option<String>)>, CallError> {
        match self.calls().setting("lifecycle", SMALLEST_MOVED).await {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => Ok(None),
            Err(error) => Err(error),
        }
    }
}
