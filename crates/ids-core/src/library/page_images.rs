//! Pages as pictures: drawn when somebody looks, a few at once, and kept for a while.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::Library;
use super::page_image_cache::{Drawn, PageImageCache};
use super::upload_refusals::refused_by_blobs;
use crate::document::{BlobKey, ContentHash, ContentType};
use crate::error::{ErrorCode, Failure, Refusal, Retry};
use crate::id::DocumentId;
use crate::limits;
use crate::page_image::PageImage;
use crate::ports::{BlobErrorKind, RenderRequest};
use crate::scope::Scope;
use crate::slots::{Line, Slots};

/// What a page's picture is drawn from. Whoever holds one was allowed to see the page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageOriginal {
    pub(super) blob: BlobKey,
    pub(super) filename: String,
    pub(super) content_type: ContentType,
    pub(super) page_number: u32,
    pub(super) width_pixels: u32,
}

impl PageOriginal {
    /// The same for the same picture, as long as the same program draws it: known without drawing.
    pub fn fingerprint(&self) -> ContentHash {
        let mut hasher = Sha256::new();
        hasher.update(self.page_number.to_le_bytes());
        hasher.update(self.width_pixels.to_le_bytes());
        // The key is of one version's bytes, which never change. Last, since it alone has no fixed length.
        hasher.update(&self.blob.0);
        ContentHash::from_bytes(hasher.finalize().into())
    }
}

/// What all requests for pictures share.
pub(super) struct PageImages {
    slots: Slots,
    cache: Mutex<PageImageCache>,
}

impl Default for PageImages {
    fn default() -> Self {
        let line = Line {
            places: limits::PAGE_IMAGES_WAITING,
            patience: limits::PAGE_IMAGE_PATIENCE,
            refusal: "too many pages are being drawn; try again in a few seconds",
        };
        Self {
            slots: Slots::new(limits::PAGE_IMAGES_AT_ONCE, line),
            cache: Mutex::new(PageImageCache::new(limits::PAGE_IMAGE_CACHE_BYTES)),
        }
    }
}

impl PageImages {
    fn find(&self, original: &PageOriginal) -> Option<Drawn> {
        // A panic elsewhere cannot leave the cache half changed in a way that matters: at worst a picture is lost.
        self.cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .find(original)
    }

    fn keep(&self, original: &PageOriginal, drawn: &Drawn) {
        self.cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(original.clone(), drawn.clone());
    }
}

impl Library {
    /// Where the picture of a page, from 1, comes from; nothing is drawn yet.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for a width out of range; `DOCUMENT_NOT_FOUND`, `PAGE_NOT_FOUND`; `PAGE_IMAGE_UNAVAILABLE` where
    /// the original was not kept.
    pub async fn page_original(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        page_number: u32,
        width_pixels: u32,
    ) -> Result<PageOriginal, Refusal> {
        let widths = limits::PAGE_IMAGE_WIDTHS;
        if !widths.contains(&width_pixels) {
            let reason = format!("must be {} to {}", widths.start(), widths.end());
            return Err(Refusal::field("width", reason));
        }
        // Unknown documents and pages say so first.
        self.document_page(scope, document_id, page_number).await?;
        let original = self.ports.documents.find_original(scope, document_id).await?;
        let (blob, filename, content_type) = original.ok_or_else(no_picture)?;
        Ok(PageOriginal {
            blob,
            filename,
            content_type,
            page_number,
            width_pixels,
        })
    }

    /// Draws a page, or gives the picture drawn before. Going away while waiting gives the place in the line back.
    ///
    /// # Errors
    /// `PAGE_IMAGE_UNAVAILABLE` where pages of that type have no look of their own, the original is gone, or this page cannot
    /// be drawn; `BUSY` with a time when many pages are being drawn; `DEPENDENCY_UNAVAILABLE`, `INTERNAL`.
    pub async fn page_image(&self, original: &PageOriginal) -> Result<Arc<PageImage>, Refusal> {
        if let Some(drawn) = self.page_images.find(original) {
            return drawn.map_err(|Undrawable| no_picture());
        }
        let _slot = self.page_images.slots.acquire().await?;
        // Whoever was before us in the line may have wanted the same page.
        if let Some(drawn) = self.page_images.find(original) {
            return drawn.map_err(|Undrawable| no_picture());
        }
        let drawn = self.draw(original).await?;
        self.page_images.keep(original, &drawn);
        drawn.map_err(|Undrawable| no_picture())
    }

    /// A picture, or the certainty that there is none; errors are what may pass.
    async fn draw(&self, original: &PageOriginal) -> Result<Drawn, Refusal> {
        let file = match self.ports.blobs.open_local(&original.blob).await {
            Ok(file) => file,
            // The version was replaced or removed since we looked.
            Err(error) if error.kind() == BlobErrorKind::NotFound => return Ok(Err(Undrawable)),
            Err(error) => return Err(refused_by_blobs(error)),
        };
        let request = RenderRequest {
            file: file.path(),
            filename: &original.filename,
            content_type: &original.content_type,
            page_number: original.page_number,
            width_pixels: original.width_pixels,
        };
        match self.ports.extractor.render_page(request).await {
            Ok(Some(image)) => Ok(Ok(Arc::new(image))),
            Ok(None) => Ok(Err(Undrawable)),
            Err(failure) if failure.retry == Retry::Never => {
                tracing::info!(
                    error.code = %failure.code,
                    page = original.page_number,
                    "a page cannot be drawn; its text is shown instead"
                );
                Ok(Err(Undrawable))
            }
            Err(failure) => Err(not_now(failure)),
        }
    }
}

/// There is no picture of a page, and asking again will not change that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Undrawable;

fn no_picture() -> Refusal {
    Refusal::new(
        ErrorCode::PageImageUnavailable,
        "there is no picture of this page; show its text",
    )
}

/// A failure that may pass, of time or memory as a rule.
fn not_now(failure: Failure) -> Refusal {
    let refusal = match failure.code {
        ErrorCode::Internal => Refusal::new(ErrorCode::Internal, "internal error"),
        _ => Refusal::new(
            ErrorCode::Busy,
            "the server is too busy to draw this page; try again in a few seconds",
        )
        .retry_after(limits::POSTPONE),
    };
    refusal.caused_by(failure)
}
