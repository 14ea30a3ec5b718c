//! Organizations, the keys that speak for them, and the record of what was done.

use async_trait::async_trait;

use crate::access::{ApiKey, AuditEntry, KeyHash, NewKey, Organization, OrganizationName};
use crate::document::BlobKey;
use crate::error::StoreError;
use crate::id::{KeyId, OrganizationId};
use crate::scope::Scope;

/// Keeps organizations and keys. `default` ([`OrganizationId::DEFAULT`]) is always there.
///
/// Clauses: (1) an organization is made once: its name and its id are taken from then on; (2) `find_key` finds a key of any organization by its
/// hash, revoked and expired ones too, and nothing else; (3) keys come back as they were given, are listed newest first, and of their own organization only;
/// (4) `revoke_key` marks a key once: the first time stays; (5) `delete_organization` removes all that belongs to it, names the bytes left, and
/// nothing of any other; (6) the record is listed newest first, of the organization only, and goes on behind an entry that was listed before.
#[async_trait]
pub trait OrganizationStore: Send + Sync {
    /// Makes an organization.
    ///
    /// # Errors
    /// `Conflict` when the name or the id is taken; `Full`, `Unavailable`.
    async fn create_organization(
        &self,
        organization: OrganizationId,
        name: &OrganizationName,
    ) -> Result<(), StoreError>;

    /// The organization of a scope.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find_organization(&self, scope: &Scope) -> Result<Option<Organization>, StoreError>;

    /// Removes an organization with everything in it: documents, conversations, keys, record. Returns the bytes left.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn delete_organization(&self, scope: &Scope) -> Result<Vec<BlobKey>, StoreError>;

    /// The key of a hash: one of the two reads that come before an organization is known (design.md 2).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find_key(&self, hash: &KeyHash) -> Result<Option<ApiKey>, StoreError>;

    /// Stores a key.
    ///
    /// # Errors
    /// `NotFound` when the organization is gone; `Conflict` when the id or the hash is taken; `Full`, `Unavailable`.
    async fn create_key(&self, scope: &Scope, key: &NewKey) -> Result<ApiKey, StoreError>;

    /// All keys of the organization, newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_keys(&self, scope: &Scope) -> Result<Vec<ApiKey>, StoreError>;

    /// Takes a key out of use, for ever.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn revoke_key(&self, scope: &Scope, key_id: KeyId) -> Result<ApiKey, StoreError>;

    /// Notes that something was done, now.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    async fn record(
        &self,
        scope: &Scope,
        key_id: Option<KeyId>,
        action: &str,
        subject: &str,
    ) -> Result<(), StoreError>;

    /// The record, newest first, at most `limit` entries, those before the entry `before` where that is given.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_record(
        &self,
        scope: &Scope,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError>;
}
