//! Bytes to stored pages.

use std::time::Duration;

use ids_text::minhash::{Signature, Sketch};
use ids_text::normalize::HashNormalizer;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::members::Members;
use super::{Allowance, StepError, progress};
use crate::document::ContentHash;
use crate::error::{ErrorCode, Failure};
use crate::job::JobStep;
use crate::library::Library;
use crate::page::{ExtractedDocument, ExtractionNote, NoteKind, Page};
use crate::ports::{Accepted, ClaimedJob, ExtractProgress, ExtractRequest};

/// Time between two notes of progress: the status API shows at most four a second.
const NOTE_EVERY: Duration = Duration::from_millis(500);

/// Extracts the text and stores it with the hash of its normalized form; what comes in the document is accepted on the way.
pub(super) async fn run(
    library: &Library,
    claimed: &ClaimedJob,
    allowance: &Allowance,
) -> Result<(), StepError> {
    progress::note(library, &claimed.lease, JobStep::Extracting, progress::EXTRACTING).await?;
    let version = &claimed.version;
    let Some(blob) = &version.blob else {
        let message = format!(
            "the bytes of `{}` were not kept; upload it again",
            version.filename
        );
        return Err(Failure::of_input(ErrorCode::Internal, message).into());
    };
    let local = library.ports.blobs.open_local(blob).await?;
    let request = ExtractRequest {
        file: local.path(),
        filename: &version.filename,
        content_type: &version.content_type,
    };
    let (pages_done, mut seen) = watch::channel((0, None));
    let reporter = Reporter {
        pages_done,
        allowance,
    };
    let (mut extracted, members) = if version.content_type.has_members() {
        let mut members = Members::of(library, claimed).await?;
        let extractor = &library.ports.extractor;
        let extraction = extractor.extract_with_members(request, &reporter, &mut members);
        let extracted = watched(library, claimed, &mut seen, extraction).await;
        if let Some(stopped) = members.stopped() {
            return Err(stopped);
        }
        let mut extracted = extracted?;
        let accepted = members.finish(&mut extracted);
        (extracted, accepted)
    } else {
        let extraction = library.ports.extractor.extract(request, &reporter);
        (
            watched(library, claimed, &mut seen, extraction).await?,
            Vec::new(),
        )
    };
    if !has_text(&extracted) {
        return Err(no_text(&version.filename, &extracted).into());
    }
    extracted.notes.extend(language_note(&extracted.pages));
    let text_hash = text_hash(&extracted.pages);
    extracted.signature = signature(&extracted.pages);
    let removed = library
        .ports
        .documents
        .save_extraction(&claimed.lease, &extracted, text_hash)
        .await?;
    library.remove_blobs(&removed).await;
    deliver(library, &members).await;
    Ok(())
}

/// Runs an extraction to its end, noting its progress on the way.
async fn watched(
    library: &Library,
    claimed: &ClaimedJob,
    seen: &mut watch::Receiver<(u32, Option<u32>)>,
    extraction: impl Future<Output = Result<ExtractedDocument, Failure>>,
) -> Result<ExtractedDocument, StepError> {
    let mut extraction = std::pin::pin!(extraction);
    loop {
        // Either branch may be dropped half way: the extraction itself is pinned outside and goes on, a lost note of progress
        // is followed by the next.
        tokio::select! {
            result = &mut extraction => return Ok(result?),
            () = next_note(seen) => {
                let (done, total) = *seen.borrow_and_update();
                library.ports.jobs.advance(&claimed.lease, &progress::of_pages(done, total)).await?;
            }
        }
    }
}

/// Tells the queue of the members, only now: those of the version before that are gone are removed, and no member can be taken for a
/// duplicate of one of them. What is not told is found by the reconciler.
async fn deliver(library: &Library, members: &[(Accepted, u64)]) {
    for (accepted, size) in members {
        library.deliver(accepted, *size).await;
    }
}

/// Waits until progress changed, and no shorter than [`NOTE_EVERY`].
async fn next_note(seen: &mut watch::Receiver<(u32, Option<u32>)>) {
    tokio::time::sleep(NOTE_EVERY).await;
    if seen.changed().await.is_err() {
        // The extraction is about to return: let that branch win.
        std::future::pending::<()>().await;
    }
}

struct Reporter<'a> {
    pages_done: watch::Sender<(u32, Option<u32>)>,
    allowance: &'a Allowance,
}

impl ExtractProgress for Reporter<'_> {
    fn pages(&self, done: u32, total: Option<u32>) {
        self.pages_done.send_replace((done, total));
    }

    fn recognized(&self, pages: u32) {
        self.allowance.add(pages);
    }
}

fn has_text(extracted: &ExtractedDocument) -> bool {
    extracted.pages.iter().any(|page| {
        page.blocks.iter().any(|block| block.kind.is_body())
            && page.text.chars().any(|character| !character.is_whitespace())
    })
}

fn no_text(filename: &str, extracted: &ExtractedDocument) -> Failure {
    let scanned = extracted.notes.iter().any(|note| note.kind == NoteKind::NeedsOcr);
    let message = if scanned {
        format!(
            "`{filename}` holds pictures of text only; it needs OCR, which could not be done here: see `ids doctor`, then run \
             `ids reindex --ocr`"
        )
    } else {
        format!("no text was found in `{filename}`; check that it is the right file")
    };
    Failure::of_input(ErrorCode::NoText, message)
}

/// What the text is written in, as a fact among the notes.
fn language_note(pages: &[Page]) -> Option<ExtractionNote> {
    let language = ids_text::language::of_document(pages.iter().map(|page| page.text.as_str()))?;
    Some(ExtractionNote {
        page_number: None,
        kind: NoteKind::Language,
        text: language.as_str().to_owned(),
    })
}

/// SHA-256 of the normalized text of all pages: equal for the same text in another file.
pub(crate) fn text_hash(pages: &[Page]) -> ContentHash {
    let mut hasher = Sha256::new();
    let mut normalizer = HashNormalizer::default();
    let mut normalized = String::new();
    for page in pages {
        normalized.clear();
        normalizer.push(&page.text, &mut normalized);
        hasher.update(normalized.as_bytes());
    }
    ContentHash::from_bytes(hasher.finalize().into())
}

/// By what texts that are nearly the same are found.
pub(crate) fn signature(pages: &[Page]) -> Option<Signature> {
    let mut sketch = Sketch::default();
    for page in pages {
        sketch.push(&page.text);
    }
    sketch.finish()
}

#[cfg(test)]
mod tests {
    use super::text_hash;
    use crate::page::Page;

    fn pages(texts: &[&str]) -> Vec<Page> {
        texts
            .iter()
            .map(|&text| Page {
                text: text.to_owned(),
                ..Page::default()
            })
            .collect()
    }

    #[test]
    fn the_same_text_on_other_pages_has_the_same_hash() {
        assert_eq!(
            text_hash(&pages(&["Lei nº 1.", "Art. 2º"])),
            text_hash(&pages(&["lei  nº 1.\nart. 2º"]))
        );
        assert_ne!(
            text_hash(&pages(&["Lei nº 1."])),
            text_hash(&pages(&["Lei nº 2."]))
        );
    }
}
