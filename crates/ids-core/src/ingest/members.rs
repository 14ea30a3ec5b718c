//! What comes in a document, on its way to documents of its own: bytes to the upload store, type by content, then a job for each.
//!
//! Nothing of it is lost or doubled by a crash: a member is accepted in one transaction with its job, under the path it has in its
//! parent, and the parent's extraction is saved only when all of them are. A worker that begins anew finds those that are there by path
//! and bytes ([`JobStore::accept_member`](crate::ports::JobStore::accept_member)). Bytes that were written and not accepted are nobody's, and are
//! removed by the cleanup of orphaned files.

use async_trait::async_trait;

use super::StepError;
use crate::document::BlobKey;
use crate::error::{ErrorCode, Failure};
use crate::id::{DocumentId, JobId, VersionId};
use crate::library::Library;
use crate::limits;
use crate::member::{Family, MemberAcceptance, MemberAccepted, MemberPath, SkipReason, Skipped};
use crate::page::{Block, BlockKind, ExtractedDocument};
use crate::ports::{Accepted, BlobWriter, ClaimedJob, MemberPart, MemberSink, SinkClosed};
use crate::span::CharSpan;

/// Takes the members of one document while it is read.
pub(super) struct Members<'a> {
    library: &'a Library,
    claimed: &'a ClaimedJob,
    family: Family,
    open: Option<Open>,
    accepted: Vec<(Accepted, u64)>,
    skipped: Vec<Skipped>,
    /// Why no more is taken.
    stopped: Option<StepError>,
}

/// A member whose bytes are coming.
struct Open {
    path: MemberPath,
    version_id: VersionId,
    blob: BlobKey,
    /// `None` once it is known that it will not become a document.
    writer: Option<Box<dyn BlobWriter>>,
    written: u64,
}

impl<'a> Members<'a> {
    /// Takes what comes in the document of `claimed`.
    pub(super) async fn of(library: &'a Library, claimed: &'a ClaimedJob) -> Result<Self, StepError> {
        Ok(Self {
            library,
            claimed,
            family: library.ports.documents.find_family(&claimed.lease).await?,
            open: None,
            accepted: Vec::new(),
            skipped: Vec::new(),
            stopped: None,
        })
    }

    /// Why the reading was ended from here, if it was.
    pub(super) fn stopped(&mut self) -> Option<StepError> {
        self.stopped.take()
    }

    /// Adds to the document's notes, and to its text where that is a list of what is in it, what was passed over here. Gives the jobs that
    /// are to be delivered once that is saved.
    pub(super) fn finish(self, extracted: &mut ExtractedDocument) -> Vec<(Accepted, u64)> {
        let is_list = extracted
            .content_type
            .as_ref()
            .is_some_and(|kind| kind.as_str() == crate::document::ContentType::ZIP);
        for skipped in self.skipped {
            if is_list {
                let line = format!("{}: {}", skipped.path, skipped.reason.explained());
                append_line(extracted, &line);
            }
            extracted.notes.push(skipped.into_note());
        }
        self.accepted
    }

    async fn take_part(&mut self, part: MemberPart) -> Result<(), StepError> {
        match part {
            MemberPart::Begin(path) => self.begin(path).await,
            MemberPart::Bytes(bytes) => self.write(&bytes).await,
            MemberPart::End => self.end().await,
            MemberPart::Broken => {
                self.open = None;
                Ok(())
            }
        }
    }

    async fn begin(&mut self, path: MemberPath) -> Result<(), StepError> {
        let reason = if self.family.depth >= limits::MEMBER_DEPTH {
            Some(SkipReason::TooDeep)
        } else if self.family.members + self.accepted.len() as u64 >= limits::MEMBERS_PER_TREE {
            Some(SkipReason::TooMany)
        } else {
            None
        };
        let version_id = VersionId::from_uuid(self.library.ports.ids.next());
        let organization = self.claimed.lease.job.organization;
        let blob = BlobKey::of(&self.library.settings.temp_prefix, organization, version_id);
        let writer = match reason {
            Some(reason) => {
                self.skip(&path, reason);
                None
            }
            None => Some(self.library.ports.blobs.create(&blob).await?),
        };
        self.open = Some(Open {
            path,
            version_id,
            blob,
            writer,
            written: 0,
        });
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), StepError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let Some(writer) = &mut open.writer else {
            return Ok(());
        };
        open.written += bytes.len() as u64;
        if open.written > self.library.settings.max_file_size {
            // Dropped, it leaves nothing.
            open.writer = None;
            let path = open.path.clone();
            self.skip(&path, SkipReason::TooLarge);
            return Ok(());
        }
        Ok(writer.write(bytes).await?)
    }

    async fn end(&mut self) -> Result<(), StepError> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let Some(writer) = open.writer else { return Ok(()) };
        if open.written == 0 {
            self.skip(&open.path, SkipReason::Empty);
            return Ok(());
        }
        let info = writer.commit().await?;
        let filename = open.path.filename();
        let content_type = match self.library.detect(&open.blob, &filename).await {
            Ok(content_type) => content_type,
            Err(refusal) => {
                let reason = match refusal.code {
                    ErrorCode::UnsupportedType => SkipReason::Unsupported,
                    ErrorCode::Encrypted => SkipReason::Encrypted,
                    ErrorCode::EmptyFile => SkipReason::Empty,
                    _ => return Err(Failure::of_dependency("the upload store cannot be reached").into()),
                };
                Self::forget(self.library, &open.blob).await;
                self.skip(&open.path, reason);
                return Ok(());
            }
        };
        let member = MemberAcceptance {
            path: open.path,
            document_id: DocumentId::from_uuid(self.library.ports.ids.next()),
            version_id: open.version_id,
            job_id: JobId::from_uuid(self.library.ports.ids.next()),
            blob: open.blob,
            content_type,
            file_size: info.size,
            file_hash: info.hash,
        };
        let jobs = &self.library.ports.jobs;
        match jobs.accept_member(&self.claimed.lease, &member).await? {
            MemberAccepted::New(accepted) => self.accepted.push((accepted, info.size)),
            MemberAccepted::Unchanged(_) => Self::forget(self.library, &member.blob).await,
        }
        Ok(())
    }

    fn skip(&mut self, path: &MemberPath, reason: SkipReason) {
        if self.skipped.len() < limits::SKIPPED_NAMED {
            self.skipped.push(Skipped {
                path: path.as_str().to_owned(),
                reason,
            });
        }
    }

    /// Removes bytes that became no document; if that fails the cleanup of orphaned files removes them.
    async fn forget(library: &Library, blob: &BlobKey) {
        if let Err(error) = library.ports.blobs.delete(blob).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "bytes of a member stay until the next cleanup"
            );
        }
    }
}

#[async_trait]
impl MemberSink for Members<'_> {
    async fn take(&mut self, part: MemberPart) -> Result<(), SinkClosed> {
        match self.take_part(part).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.stopped = Some(error);
                Err(SinkClosed)
            }
        }
    }
}

/// Adds a line to the last page, as an item of its list.
fn append_line(extracted: &mut ExtractedDocument, line: &str) {
    let Some(page) = extracted.pages.last_mut() else {
        return;
    };
    let chars = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    if !page.text.is_empty() {
        page.text.push('\n');
    }
    let start = chars(&page.text);
    page.text.push_str(&line);
    page.blocks.push(Block {
        kind: BlockKind::ListItem,
        span: CharSpan::new(start, start + chars(&line)),
    });
    page.text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::append_line;
    use crate::page::{ExtractedDocument, Page};

    #[test]
    fn a_line_that_is_added_is_a_block_of_its_own() {
        let mut extracted = ExtractedDocument {
            pages: vec![Page::default()],
            ..ExtractedDocument::default()
        };
        append_line(&mut extracted, "é.exe: não");
        append_line(&mut extracted, "b\u{0}c");
        let page = &extracted.pages[0];
        assert_eq!(page.text, "é.exe: não\n\nbc\n");
        let texts: Vec<&str> = page
            .blocks
            .iter()
            .map(|block| block.span.slice(&page.text))
            .collect();
        assert_eq!(texts, ["é.exe: não", "bc"]);
    }
}
