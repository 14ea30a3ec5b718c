//! A library as it is stored, record by record: what moving it to another store needs.

use async_trait::async_trait;

use crate::access::AuditEntry;
use crate::error::StoreError;
use crate::id::{ChunkId, DocumentId, SessionId};
use crate::moving::{DocumentRecord, KeyRecord, ListedDocument, SessionRecord, UsageRecord};
use crate::scope::Scope;

/// Reads and writes a library as it is stored. Scopes are of whole organizations: a library that is moved is moved whole.
///
/// Nobody else writes what is moved meanwhile; a store need not guard against it.
///
/// Clauses: (1) `list_stored` names each document of the organization once, in the order of ingestion (by the first chunk of the visible version, those
/// without chunks last, ties by id), and says which are unfinished or only announced; (2) `load_document` gives what `put_document` was given, bit by
/// bit, from whichever store that came; only chunk ids are the store's own, and a NUL in a text may come back as U+FFFD; (3) what is put in some order is found as
/// what was ingested in that order, its statistics are exact, and its jobs are found and can be tried again; (4) `put_document` writes all or nothing,
/// makes the collection where there is none, and replaces what stood under that id, so that running it twice changes nothing; (5) a session comes back
/// as it was put, with its messages, and is replaced as a whole; (6) a key opens what it opened, by the hash of its secret, and is replaced when put
/// again; (7) use and record are listed in order, and what is appended stands behind what was there; (8) nothing of another organization is listed,
/// loaded or replaced: an id that another one has is `Conflict`.
#[async_trait]
pub trait LibraryArchive: Send + Sync {
    /// All documents.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn list_stored(&self, scope: &Scope) -> Result<Vec<ListedDocument>, StoreError>;

    /// A document with everything that hangs on it. Its text is held in memory, as it is when it is ingested.
    ///
    /// # Errors
    /// `Corrupt`, whose cause names the row; `Unavailable`.
    async fn load_document(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<DocumentRecord>, StoreError>;

    /// Stores a document in one transaction; gives the id of the first chunk of each of its versions.
    ///
    /// # Errors
    /// `Conflict` when the id, or one below it, is another's; `NotFound` when the organization is gone; `Full`, `Unavailable`.
    async fn put_document(
        &self,
        scope: &Scope,
        record: &DocumentRecord,
    ) -> Result<Vec<Option<ChunkId>>, StoreError>;

    /// All sessions, oldest first.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_session_ids(&self, scope: &Scope) -> Result<Vec<SessionId>, StoreError>;

    /// A session with all its messages.
    ///
    /// # Errors
    /// `Corrupt`, whose cause names the row; `Unavailable`.
    async fn load_session(
        &self,
        scope: &Scope,
        session_id: SessionId,
    ) -> Result<Option<SessionRecord>, StoreError>;

    /// Stores a session in one transaction.
    ///
    /// # Errors
    /// `Conflict` when an id is another's; `NotFound` when the organization is gone; `Full`, `Unavailable`.
    async fn put_session(&self, scope: &Scope, record: &SessionRecord) -> Result<(), StoreError>;

    /// All keys with their hashes, oldest first.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn list_key_records(&self, scope: &Scope) -> Result<Vec<KeyRecord>, StoreError>;

    /// Stores a key.
    ///
    /// # Errors
    /// `Conflict` when the id or the hash is another's; `NotFound` when the organization is gone; `Full`, `Unavailable`.
    async fn put_key(&self, scope: &Scope, record: &KeyRecord) -> Result<(), StoreError>;

    /// What was asked, in order.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_usage(&self, scope: &Scope) -> Result<Vec<UsageRecord>, StoreError>;

    /// Adds to what was asked, in one transaction.
    ///
    /// # Errors
    /// `NotFound` when the organization is gone; `Full`, `Unavailable`.
    async fn append_usage(&self, scope: &Scope, records: &[UsageRecord]) -> Result<(), StoreError>;

    /// The record of what was done, oldest first.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_audit(&self, scope: &Scope) -> Result<Vec<AuditEntry>, StoreError>;

    /// Adds to the record, in one transaction, under numbers of this store.
    ///
    /// # Errors
    /// `NotFound` when the organization is gone; `Full`, `Unavailable`.
    async fn append_audit(&self, scope: &Scope, entries: &[AuditEntry]) -> Result<(), StoreError>;

    /// Counts again, from the chunks themselves, what is kept beside them, and says of each number that is wrong what it should be.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn check_statistics(&self, scope: &Scope) -> Result<Vec<String>, StoreError>;
}
