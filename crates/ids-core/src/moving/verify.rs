//! Reading back what was moved, and comparing it with what was read from the source.

use std::collections::HashMap;

use super::fingerprint::{Fingerprint, of_audit, of_document, of_key, of_session, of_usage};
use super::places::ChunkPlaces;
use super::records::{DocumentRecord, SessionRecord};
use super::{
    Move, MoveError, MoveProgress, MoveStep, NO_MONTH, counted, named, reading, session_named, taken, writing,
};
use crate::document::ContentHash;
use crate::id::{DocumentId, KeyId, SessionId};
use crate::scope::CollectionName;

/// How often each hash is there.
pub(super) type Prints = HashMap<ContentHash, u64>;

/// How much there is, of what was moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Collections, empty ones too.
    pub collections: u64,
    /// Documents.
    pub documents: u64,
    /// Their versions.
    pub versions: u64,
    /// Pages of these.
    pub pages: u64,
    /// Chunks of these.
    pub chunks: u64,
    /// Embeddings of these.
    pub embeddings: u64,
    /// Jobs that have ended.
    pub jobs: u64,
    /// Conversations.
    pub sessions: u64,
    /// Messages in them.
    pub messages: u64,
    /// Questions answered.
    pub usage: u64,
    /// Keys.
    pub keys: u64,
    /// Entries of the record.
    pub record: u64,
}

impl Contents {
    /// Each with its name.
    pub const fn named(&self) -> [(&'static str, u64); 12] {
        [
            ("collections", self.collections),
            ("documents", self.documents),
            ("versions", self.versions),
            ("pages", self.pages),
            ("chunks", self.chunks),
            ("embeddings", self.embeddings),
            ("jobs", self.jobs),
            ("sessions", self.sessions),
            ("messages", self.messages),
            ("usage", self.usage),
            ("keys", self.keys),
            ("record", self.record),
        ]
    }

    pub(super) fn add_document(&mut self, record: &DocumentRecord) {
        self.documents += 1;
        self.versions += record.versions.len() as u64;
        self.jobs += record.jobs.len() as u64;
        for version in &record.versions {
            self.pages += version.pages.len() as u64;
            self.chunks += version.chunks.len() as u64;
            let vectors = version.embeddings.iter().map(|it| it.vectors.len() as u64);
            self.embeddings += vectors.sum::<u64>();
        }
    }

    pub(super) fn add_session(&mut self, record: &SessionRecord) {
        self.sessions += 1;
        self.messages += record.messages.len() as u64;
    }
}

/// What came of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What was read from the source.
    pub source: Contents,
    /// The same, read back from the target.
    pub target: Contents,
    /// Over everything at the source, in the order of ids.
    pub source_hash: ContentHash,
    /// Over the same at the target.
    pub target_hash: ContentHash,
    /// What is not as it should be; empty is the good answer.
    pub differences: Vec<String>,
}

/// What was read from the source.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) source: Contents,
    pub(super) source_places: ChunkPlaces,
    pub(super) target_places: ChunkPlaces,
    pub(super) collections: Vec<CollectionName>,
    pub(super) documents: Vec<(DocumentId, ContentHash)>,
    pub(super) sessions: Vec<(SessionId, ContentHash)>,
    /// And whether it was revoked.
    pub(super) keys: Vec<(KeyId, ContentHash, bool)>,
    pub(super) usage: Vec<ContentHash>,
    pub(super) audit: Vec<ContentHash>,
}

/// The hash over all hashes of one end, the kinds one after another.
struct Sum(Fingerprint);

impl Sum {
    fn add(&mut self, kind: &str, prints: &[ContentHash]) {
        self.0.text(kind);
        self.0.number(prints.len() as u64);
        for print in prints {
            self.0.bytes(print.as_bytes());
        }
    }
}

impl Move {
    pub(super) async fn verify(
        &self,
        mut tally: Tally,
        progress: &mut (dyn FnMut(MoveProgress) + Send),
    ) -> Result<Verified, MoveError> {
        tally.documents.sort_unstable_by_key(|(id, _)| *id);
        tally.sessions.sort_unstable_by_key(|(id, _)| *id);
        tally.keys.sort_unstable_by_key(|(id, ..)| *id);
        tally.usage.sort_unstable();
        tally.audit.sort_unstable();
        tally.source.collections = tally.collections.len() as u64;
        tally.source.usage = tally.usage.len() as u64;
        tally.source.keys = tally.keys.len() as u64;
        tally.source.record = tally.audit.len() as u64;
        let mut verified = Verified {
            source: tally.source,
            target: Contents::default(),
            source_hash: ContentHash::from_bytes([0; 32]),
            target_hash: ContentHash::from_bytes([0; 32]),
            differences: Vec::new(),
        };
        let (mut source, mut target) = (Sum(Fingerprint::new()), Sum(Fingerprint::new()));
        let mut compare = |kind: &str, here: &[ContentHash], there: &[ContentHash]| {
            source.add(kind, here);
            target.add(kind, there);
        };
        let documents: Vec<ContentHash> = tally.documents.iter().map(|(_, print)| *print).collect();
        compare(
            "documents",
            &documents,
            &self.read_documents_back(&tally, &mut verified, progress).await?,
        );
        let sessions: Vec<ContentHash> = tally.sessions.iter().map(|(_, print)| *print).collect();
        compare(
            "sessions",
            &sessions,
            &self.read_sessions_back(&tally, &mut verified).await?,
        );
        let keys: Vec<ContentHash> = tally.keys.iter().map(|(_, print, _)| *print).collect();
        compare("keys", &keys, &self.read_keys_back(&tally, &mut verified).await?);

        let there = self.to.scope();
        let list = || "what was asked".to_owned();
        let usage = writing(list, self.to.archive.list_usage(&there).await)?;
        let found = found_again(&tally.usage, usage.iter().map(of_usage));
        verified.target.usage = found.len() as u64;
        compare("usage", &tally.usage, &found);
        let list = || "the record of what was done".to_owned();
        let audit = writing(list, self.to.archive.list_audit(&there).await)?;
        let found = found_again(&tally.audit, audit.iter().map(of_audit));
        verified.target.record = found.len() as u64;
        compare("record", &tally.audit, &found);

        let list = || "the list of collections".to_owned();
        let collections = writing(list, self.to.documents.list_collections(&there).await)?;
        let is_there = |name: &&CollectionName| collections.iter().any(|it| it.name == **name);
        verified.target.collections = tally.collections.iter().filter(is_there).count() as u64;

        verified.source_hash = source.0.end();
        verified.target_hash = target.0.end();
        self.compare_counts(&mut verified);
        self.check_statistics(&mut verified).await?;
        self.check_limit(&mut verified).await?;
        Ok(verified)
    }

    async fn read_documents_back(
        &self,
        tally: &Tally,
        verified: &mut Verified,
        progress: &mut (dyn FnMut(MoveProgress) + Send),
    ) -> Result<Vec<ContentHash>, MoveError> {
        let mut prints = Vec::with_capacity(tally.documents.len());
        for (done, (document_id, print)) in (0..).zip(&tally.documents) {
            progress(MoveProgress {
                step: MoveStep::Verifying,
                done,
                total: tally.documents.len() as u64,
            });
            let loaded = self
                .to
                .archive
                .load_document(&self.to.scope(), *document_id)
                .await;
            let Some(record) = writing(named(*document_id), loaded)? else {
                verified
                    .differences
                    .push(format!("document `{document_id}` is missing"));
                continue;
            };
            verified.target.add_document(&record);
            let found = of_document(&record);
            if found != *print {
                let what = format!("document `{document_id}` is not what it is at the source");
                verified.differences.push(what);
            }
            prints.push(found);
        }
        Ok(prints)
    }

    async fn read_sessions_back(
        &self,
        tally: &Tally,
        verified: &mut Verified,
    ) -> Result<Vec<ContentHash>, MoveError> {
        let mut prints = Vec::with_capacity(tally.sessions.len());
        for (session_id, print) in &tally.sessions {
            let loaded = self.to.archive.load_session(&self.to.scope(), *session_id).await;
            let Some(record) = writing(session_named(*session_id), loaded)? else {
                verified
                    .differences
                    .push(format!("conversation `{session_id}` is missing"));
                continue;
            };
            verified.target.add_session(&record);
            let found = of_session(&record, &tally.target_places);
            if found != *print {
                let what = format!("conversation `{session_id}` is not what it is at the source");
                verified.differences.push(what);
            }
            prints.push(found);
        }
        Ok(prints)
    }

    async fn read_keys_back(
        &self,
        tally: &Tally,
        verified: &mut Verified,
    ) -> Result<Vec<ContentHash>, MoveError> {
        let list = || "the list of keys".to_owned();
        let stored = writing(list, self.to.archive.list_key_records(&self.to.scope()).await)?;
        let mut prints = Vec::with_capacity(tally.keys.len());
        for (key_id, print, is_revoked) in &tally.keys {
            let Some(record) = stored.iter().find(|it| it.key.key_id == *key_id) else {
                verified.differences.push(format!("key `{key_id}` is missing"));
                continue;
            };
            verified.target.keys += 1;
            let found = of_key(record);
            if found != *print || (*is_revoked && record.key.revoked_at.is_none()) {
                let what = format!("key `{key_id}` is not what it is at the source");
                verified.differences.push(what);
            }
            prints.push(found);
        }
        Ok(prints)
    }

    fn compare_counts(&self, verified: &mut Verified) {
        let Verified { source, target, .. } = *verified;
        for ((name, here), (_, there)) in source.named().into_iter().zip(target.named()) {
            if here != there {
                let what = format!("{name}: {here} at the source, {there} at the target");
                verified.differences.push(what);
            }
        }
        if verified.source_hash != verified.target_hash && verified.differences.is_empty() {
            verified
                .differences
                .push("the hashes over everything differ".to_owned());
        }
    }

    async fn check_limit(&self, verified: &mut Verified) -> Result<(), MoveError> {
        let Some(here) = self.limit_at_source().await? else {
            return Ok(());
        };
        let state = self
            .to
            .ledger
            .month_state(&self.to.scope(), NO_MONTH, here.1)
            .await;
        let there = writing(|| "the organization's budget".to_owned(), state)?;
        if there.organization_limit != Some(here) {
            let what = "the organization's budget is not what it is at the source";
            verified.differences.push(what.to_owned());
        }
        Ok(())
    }

    async fn check_statistics(&self, verified: &mut Verified) -> Result<(), MoveError> {
        let what = || "the statistics of words".to_owned();
        let here = self.from.archive.check_statistics(&self.from.scope()).await;
        let there = self.to.archive.check_statistics(&self.to.scope()).await;
        for (end, wrong) in [
            ("source", reading(what, here)?),
            ("target", writing(what, there)?),
        ] {
            // One tells enough; a broken index may give thousands.
            if let Some(first) = wrong.first() {
                let more = wrong.len() - 1;
                let what =
                    format!("the statistics of words of the {end} are wrong: {first}, and {more} more");
                verified.differences.push(what);
            }
        }
        Ok(())
    }
}

/// Those of `wanted` that are there, each as often as it is wanted at most.
fn found_again(wanted: &[ContentHash], there: impl Iterator<Item = ContentHash>) -> Vec<ContentHash> {
    let mut there = counted(there);
    let found = wanted.iter().filter(|print| taken(&mut there, **print));
    found.copied().collect()
}
