//! Moving an organization from one store to another: plan → documents with their bytes → conversations → keys and record → verify.
//!
//! Both directions are this code, over the port [`LibraryArchive`]. What is there already with equal content is passed over, so that whatever
//! ended the run before, the next one goes on; and documents go in the order of ingestion, which ranking depends on (design.md 4).

mod fingerprint;
mod places;
mod records;
mod verify;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;

pub use self::fingerprint::{of_audit, of_document, of_key, of_session, of_usage};
pub use self::places::ChunkPlaces;
pub use self::records::{
    CostRecord, DocumentRecord, KeyRecord, ListedDocument, ModelEmbeddings, SessionRecord, StoredState,
    UsageRecord, VersionRecord,
};
pub use self::verify::{Contents, Verified};
use self::verify::{Prints, Tally};
use crate::budget::{Currency, Money};
use crate::document::{BlobKey, ContentHash};
use crate::error::StoreError;
use crate::id::{DocumentId, OrganizationId, SessionId};
use crate::ports::{BlobError, BlobInfo, DocumentStore, LibraryArchive, UsageLedger};
use crate::scope::Scope;
use crate::time::Timestamp;

/// Entries of use or record that are written in one transaction.
const ENTRIES_AT_ONCE: usize = 1_000;

/// For the limit alone, the same in every month.
const NO_MONTH: Timestamp = Timestamp::from_micros(0);

/// One end of a move.
#[derive(Clone)]
pub struct End {
    /// The library, record by record.
    pub archive: Arc<dyn LibraryArchive>,
    /// The same library: its collections.
    pub documents: Arc<dyn DocumentStore>,
    /// The same library: what the organization may spend.
    pub ledger: Arc<dyn UsageLedger>,
    /// Whose documents.
    pub organization: OrganizationId,
}

impl End {
    fn scope(&self) -> Scope {
        Scope::organization(self.organization)
    }
}

/// Copies bytes from the store of one end to that of the other. The domain does no I/O.
#[async_trait]
pub trait CopyBytes: Send + Sync {
    /// Copies a blob of `size` bytes; running it twice is a no-op.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    async fn copy(&self, from: &BlobKey, to: &BlobKey, size: u64) -> Result<BytesCopied, BlobError>;
}

/// What came of copying a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BytesCopied {
    /// It was written.
    Copied(BlobInfo),
    /// It was there, as long as it is here.
    Present,
    /// It is not where it should come from.
    Missing,
}

/// A move from one end to the other.
pub struct Move {
    /// Where from.
    pub from: End,
    /// Where to.
    pub to: End,
    /// The bytes' way.
    pub bytes: Arc<dyn CopyBytes>,
}

/// What a move is going to do.
#[derive(Debug, Clone)]
pub struct Plan {
    listed: Vec<ListedDocument>,
    sessions: Vec<SessionId>,
    /// What is at the target: only that is compared before it is written.
    stored: HashSet<DocumentId>,
    /// Documents to be moved, in the order of ingestion.
    pub documents: Vec<DocumentId>,
    /// Left out: a job of theirs waits or runs.
    pub unfinished: Vec<DocumentId>,
    /// Left out: announced, and the bytes never came.
    pub announced: u64,
    /// Of the documents to be moved, those that are at the target.
    pub there: u64,
    /// Documents of the target that the source does not have.
    pub strange_documents: u64,
    /// Conversations of the target that the source does not have.
    pub strange_sessions: u64,
}

impl Plan {
    /// Whether the target holds what no former run of the same move put there.
    pub const fn is_merge(&self) -> bool {
        self.strange_documents > 0 || self.strange_sessions > 0
    }
}

/// What to do with what is at the target with other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDifference {
    /// Stop and say so.
    Stop,
    /// Replace it.
    Replace,
}

/// How far a move is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveProgress {
    /// What is being done.
    pub step: MoveStep,
    /// How many are done.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

/// The steps of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveStep {
    /// Documents with their bytes.
    Documents,
    /// Conversations.
    Sessions,
    /// Reading back what was written.
    Verifying,
}

/// What a move did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// Documents written.
    pub documents: u64,
    /// Documents that were there with equal content.
    pub present: u64,
    /// Documents that were there with other content, and were replaced.
    pub replaced: u64,
    /// Conversations written.
    pub sessions: u64,
    /// Blobs written.
    pub blobs: u64,
    /// Bytes of these.
    pub blob_bytes: u64,
    /// Documents whose bytes the source does not have either.
    pub without_bytes: Vec<DocumentId>,
    /// Documents whose bytes are not those that were accepted.
    pub damaged_bytes: Vec<DocumentId>,
}

/// Why a move broke off. What was written stays, and the next run goes on.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The source cannot be read.
    #[error("{what} cannot be read")]
    Read {
        /// Which thing.
        what: String,
        /// Why; a damaged row is named here.
        #[source]
        source: StoreError,
    },
    /// The target cannot be written, or read back.
    #[error("{what} cannot be stored at the target")]
    Write {
        /// Which thing.
        what: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// Bytes cannot be copied.
    #[error("the bytes of document `{document_id}` cannot be copied")]
    Bytes {
        /// Whose.
        document_id: DocumentId,
        /// Why.
        #[source]
        source: BlobError,
    },
    /// It is at the target with other content.
    #[error(
        "{what} is at the target already, with other content; give --yes to replace it by the source's, or remove it there"
    )]
    Differs {
        /// Which thing.
        what: String,
    },
}

fn reading<T>(what: impl FnOnce() -> String, result: Result<T, StoreError>) -> Result<T, MoveError> {
    result.map_err(|source| MoveError::Read { what: what(), source })
}

fn writing<T>(what: impl FnOnce() -> String, result: Result<T, StoreError>) -> Result<T, MoveError> {
    result.map_err(|source| MoveError::Write { what: what(), source })
}

fn named(document_id: DocumentId) -> impl FnOnce() -> String {
    move || format!("document `{document_id}`")
}

fn session_named(session_id: SessionId) -> impl FnOnce() -> String {
    move || format!("conversation `{session_id}`")
}

impl Move {
    /// Looks at both ends.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub async fn plan(&self) -> Result<Plan, MoveError> {
        let (here, there) = (self.from.scope(), self.to.scope());
        let list = || "the list of documents".to_owned();
        let listed = reading(list, self.from.archive.list_stored(&here).await)?;
        let stored = writing(list, self.to.archive.list_stored(&there).await)?;
        let of_sessions = || "the list of conversations".to_owned();
        let sessions = reading(of_sessions, self.from.archive.list_session_ids(&here).await)?;
        let stored_sessions = writing(of_sessions, self.to.archive.list_session_ids(&there).await)?;

        let of_state = |state| {
            let those = listed.iter().filter(move |listed| listed.state == state);
            those.map(|listed| listed.document_id).collect::<Vec<_>>()
        };
        let documents = of_state(StoredState::Settled);
        let unfinished = of_state(StoredState::Unfinished);
        let announced = of_state(StoredState::Announced).len() as u64;
        let known: HashSet<DocumentId> = listed.iter().map(|listed| listed.document_id).collect();
        let known_sessions: HashSet<SessionId> = sessions.iter().copied().collect();
        let stored: HashSet<DocumentId> = stored.iter().map(|listed| listed.document_id).collect();
        let strange = stored.difference(&known).count() as u64;
        let strange_sessions = stored_sessions
            .iter()
            .filter(|it| !known_sessions.contains(*it))
            .count() as u64;
        Ok(Plan {
            there: documents.iter().filter(|id| stored.contains(*id)).count() as u64,
            stored,
            listed,
            sessions,
            documents,
            unfinished,
            announced,
            strange_documents: strange,
            strange_sessions,
        })
    }

    /// Copies what the plan names and compares both ends. Dropped half way it leaves whole things only, and the next run goes on.
    ///
    /// # Errors
    /// See [`MoveError`].
    pub async fn run(
        &self,
        plan: &Plan,
        on_difference: OnDifference,
        progress: &mut (dyn FnMut(MoveProgress) + Send),
    ) -> Result<(Moved, Verified), MoveError> {
        let mut moved = Moved::default();
        let mut tally = Tally::default();
        self.move_collections(&mut tally).await?;
        let total = plan.documents.len() as u64;
        for (done, &document_id) in (0..).zip(&plan.documents) {
            progress(MoveProgress {
                step: MoveStep::Documents,
                done,
                total,
            });
            self.move_document(
                document_id,
                plan.stored.contains(&document_id),
                on_difference,
                &mut moved,
                &mut tally,
            )
            .await?;
        }
        let total = plan.sessions.len() as u64;
        for (done, &session_id) in (0..).zip(&plan.sessions) {
            progress(MoveProgress {
                step: MoveStep::Sessions,
                done,
                total,
            });
            self.move_session(session_id, on_difference, &mut moved, &mut tally)
                .await?;
        }
        self.move_keys(on_difference, &mut tally).await?;
        self.move_usage(&mut tally).await?;
        self.move_audit(&mut tally).await?;
        self.move_limit().await?;
        let mut verified = self.verify(tally, progress).await?;
        if reading(
            || "the list of documents".to_owned(),
            self.from.archive.list_stored(&self.from.scope()).await,
        )? != plan.listed
        {
            let what = "documents of the source changed meanwhile; stop what uses it, and run this again";
            verified.differences.push(what.to_owned());
        }
        Ok((moved, verified))
    }

    /// What the organization may spend; one that the target has stays where the source has none.
    async fn move_limit(&self) -> Result<(), MoveError> {
        if let Some(limit) = self.limit_at_source().await? {
            let what = || "the organization's budget".to_owned();
            let there = self.to.scope();
            let set = self.to.ledger.set_organization_limit(&there, Some(limit)).await;
            writing(what, set)?;
        }
        Ok(())
    }

    async fn limit_at_source(&self) -> Result<Option<(Money, Currency)>, MoveError> {
        let what = || "the organization's budget".to_owned();
        let here = self.from.scope();
        let state = self.from.ledger.month_state(&here, NO_MONTH, Currency::Usd).await;
        Ok(reading(what, state)?.organization_limit)
    }

    /// Empty ones too.
    async fn move_collections(&self, tally: &mut Tally) -> Result<(), MoveError> {
        let (here, there) = (self.from.scope(), self.to.scope());
        let list = || "the list of collections".to_owned();
        for collection in reading(list, self.from.documents.list_collections(&here).await)? {
            let named = || format!("collection `{}`", collection.name);
            writing(
                named,
                self.to
                    .documents
                    .ensure_collection(&there, &collection.name)
                    .await,
            )?;
            tally.collections.push(collection.name);
        }
        Ok(())
    }

    async fn move_document(
        &self,
        document_id: DocumentId,
        is_there: bool,
        on_difference: OnDifference,
        moved: &mut Moved,
        tally: &mut Tally,
    ) -> Result<(), MoveError> {
        let (here, there) = (self.from.scope(), self.to.scope());
        let loaded = reading(
            named(document_id),
            self.from.archive.load_document(&here, document_id).await,
        )?;
        // Gone since the plan was made: the last look at the source says that it was in use.
        let Some(mut record) = loaded else { return Ok(()) };
        let print = of_document(&record);
        tally.source.add_document(&record);
        tally.documents.push((document_id, print));
        for version in &record.versions {
            tally.source_places.add(version, version.first_chunk);
        }
        let stored = if is_there {
            let loaded = self.to.archive.load_document(&there, document_id).await;
            writing(named(document_id), loaded)?
        } else {
            None
        };
        let is_equal = stored.as_ref().is_some_and(|stored| of_document(stored) == print);
        if stored.is_some() && !is_equal && on_difference == OnDifference::Stop {
            return Err(MoveError::Differs {
                what: named(document_id)(),
            });
        }
        self.move_bytes(&mut record, moved).await?;
        let firsts = match stored {
            Some(stored) if is_equal => {
                moved.present += 1;
                let versions = stored.versions.iter();
                versions.map(|version| version.first_chunk).collect()
            }
            former => {
                match former {
                    Some(_) => moved.replaced += 1,
                    None => moved.documents += 1,
                }
                let put = self.to.archive.put_document(&there, &record).await;
                writing(named(document_id), put)?
            }
        };
        for (version, first) in record.versions.iter().zip(firsts) {
            tally.target_places.add(version, first);
        }
        Ok(())
    }

    /// Bytes come before the row that names them, as they do when a file is accepted.
    async fn move_bytes(&self, record: &mut DocumentRecord, moved: &mut Moved) -> Result<(), MoveError> {
        let document_id = record.document.document_id;
        for version in &mut record.versions {
            let Some(from) = &version.blob else { continue };
            let to = self.key_at_target(from);
            let copied = self.bytes.copy(from, &to, version.file_size).await;
            match copied.map_err(|source| MoveError::Bytes { document_id, source })? {
                BytesCopied::Copied(info) => {
                    moved.blobs += 1;
                    moved.blob_bytes += info.size;
                    if info.hash != version.bytes_hash() {
                        moved.damaged_bytes.push(document_id);
                    }
                }
                BytesCopied::Present => {}
                BytesCopied::Missing => moved.without_bytes.push(document_id),
            }
            version.blob = Some(to);
        }
        Ok(())
    }

    /// Keys name their organization, which may be another one at the target.
    fn key_at_target(&self, key: &BlobKey) -> BlobKey {
        let (here, there) = (self.from.organization, self.to.organization);
        BlobKey(key.0.replacen(&format!("/{here}/"), &format!("/{there}/"), 1))
    }

    async fn move_session(
        &self,
        session_id: SessionId,
        on_difference: OnDifference,
        moved: &mut Moved,
        tally: &mut Tally,
    ) -> Result<(), MoveError> {
        let (here, there) = (self.from.scope(), self.to.scope());
        let loaded = reading(
            session_named(session_id),
            self.from.archive.load_session(&here, session_id).await,
        )?;
        let Some(mut record) = loaded else { return Ok(()) };
        let print = of_session(&record, &tally.source_places);
        tally.source.add_session(&record);
        tally.sessions.push((session_id, print));
        let answers = record.messages.iter_mut().filter_map(|it| it.answer.as_mut());
        for source in answers.flat_map(|answer| &mut answer.sources) {
            let place = tally.source_places.place_of(source.chunk_id);
            source.chunk_id = tally.target_places.chunk_at(place);
        }
        let stored = writing(
            session_named(session_id),
            self.to.archive.load_session(&there, session_id).await,
        )?;
        match stored {
            Some(stored) if of_session(&stored, &tally.target_places) == print => return Ok(()),
            Some(_) if on_difference == OnDifference::Stop => {
                return Err(MoveError::Differs {
                    what: session_named(session_id)(),
                });
            }
            _ => {}
        }
        moved.sessions += 1;
        writing(
            session_named(session_id),
            self.to.archive.put_session(&there, &record).await,
        )
    }

    async fn move_keys(&self, on_difference: OnDifference, tally: &mut Tally) -> Result<(), MoveError> {
        let list = || "the list of keys".to_owned();
        let stored = writing(list, self.to.archive.list_key_records(&self.to.scope()).await)?;
        for mut record in reading(list, self.from.archive.list_key_records(&self.from.scope()).await)? {
            let print = of_key(&record);
            tally
                .keys
                .push((record.key.key_id, print, record.key.revoked_at.is_some()));
            let named = || format!("key `{}`", record.key.key_id);
            let before = stored.iter().find(|it| it.key.key_id == record.key.key_id);
            if let Some(before) = before {
                // A key that was taken out of use on either side stays so.
                let is_equal = of_key(before) == print;
                if is_equal && (before.key.revoked_at.is_some() || record.key.revoked_at.is_none()) {
                    continue;
                }
                if !is_equal && on_difference == OnDifference::Stop {
                    return Err(MoveError::Differs { what: named() });
                }
                record.key.revoked_at = record.key.revoked_at.or(before.key.revoked_at);
            }
            record.key.organization = self.to.organization;
            writing(named, self.to.archive.put_key(&self.to.scope(), &record).await)?;
        }
        Ok(())
    }

    async fn move_usage(&self, tally: &mut Tally) -> Result<(), MoveError> {
        let list = || "what was asked".to_owned();
        let stored = writing(list, self.to.archive.list_usage(&self.to.scope()).await)?;
        let mut there = counted(stored.iter().map(of_usage));
        let mut missing = Vec::new();
        for record in reading(list, self.from.archive.list_usage(&self.from.scope()).await)? {
            let print = of_usage(&record);
            tally.usage.push(print);
            if !taken(&mut there, print) {
                missing.push(record);
            }
        }
        for some in missing.chunks(ENTRIES_AT_ONCE) {
            writing(list, self.to.archive.append_usage(&self.to.scope(), some).await)?;
        }
        Ok(())
    }

    async fn move_audit(&self, tally: &mut Tally) -> Result<(), MoveError> {
        let list = || "the record of what was done".to_owned();
        let stored = writing(list, self.to.archive.list_audit(&self.to.scope()).await)?;
        let mut there = counted(stored.iter().map(of_audit));
        let mut missing = Vec::new();
        for entry in reading(list, self.from.archive.list_audit(&self.from.scope()).await)? {
            let print = of_audit(&entry);
            tally.audit.push(print);
            if !taken(&mut there, print) {
                missing.push(entry);
            }
        }
        for some in missing.chunks(ENTRIES_AT_ONCE) {
            writing(list, self.to.archive.append_audit(&self.to.scope(), some).await)?;
        }
        Ok(())
    }
}

/// How often each is there: entries without ids are told apart by what they say, and two that say the same are two.
fn counted(prints: impl Iterator<Item = ContentHash>) -> Prints {
    let mut counts: Prints = HashMap::new();
    for print in prints {
        *counts.entry(print).or_default() += 1;
    }
    counts
}

/// Takes one of them away, if one is left.
fn taken(counts: &mut Prints, print: ContentHash) -> bool {
    match counts.get_mut(&print) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    }
}
