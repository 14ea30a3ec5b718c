//! Organizations, the keys that speak for them, and the record of what was done.

use std::time::Duration;

use super::Library;
use super::upload_refusals::refused_by_blobs;
use crate::access::{ApiKey, AuditEntry, KeySecret, NewKey, Organization, OrganizationName, Permissions};
use crate::document::Removed;
use crate::error::{ErrorCode, FieldError, Refusal, StoreErrorKind};
use crate::id::{KeyId, OrganizationId};
use crate::limits;
use crate::scope::{CollectionAccess, Scope};

/// The key is unknown, revoked or expired: which of them is nobody's business who does not hold it.
const REFUSED_KEY: &str = "the key is unknown, revoked or expired; ask an administrator for a new one";

/// A hundred years: longer is a slip of the finger.
const LONGEST_LIFETIME: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// What a new key is to be.
#[derive(Debug, Clone)]
pub struct KeyRequest {
    /// The name its maker gives it.
    pub name: Option<String>,
    /// What it allows.
    pub permissions: Permissions,
    /// The collections it may see.
    pub collections: CollectionAccess,
    /// How long it works from now; `None` until it is revoked.
    pub lifetime: Option<Duration>,
}

/// A new key with its secret, which is shown this once.
#[derive(Debug, Clone)]
pub struct CreatedKey {
    /// The key.
    pub key: ApiKey,
    /// What its holder sends.
    pub secret: KeySecret,
}

impl Library {
    /// The key that a caller holds.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`.
    pub async fn authenticate(&self, secret: &KeySecret) -> Result<ApiKey, Refusal> {
        let found = self.ports.organizations.find_key(&secret.hash()).await?;
        found
            .filter(|key| key.is_valid(self.ports.clock.now()))
            .ok_or_else(|| Refusal::new(ErrorCode::Unauthenticated, REFUSED_KEY))
    }

    /// Whether any organization has a key that still works.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn has_keys(&self) -> Result<bool, Refusal> {
        let now = self.ports.clock.now();
        for organization in self.ports.documents.list_organizations().await? {
            let scope = Scope::organization(organization);
            let keys = self.list_keys(&scope).await?;
            if keys.iter().any(|key| key.is_valid(now)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes a key of the scope's organization.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for a bad name, no permission, too many collections or keys; `FORBIDDEN` for collections the maker may not see.
    pub async fn create_key(&self, scope: &Scope, request: KeyRequest) -> Result<CreatedKey, Refusal> {
        check_key(scope, &request)?;
        let now = self.ports.clock.now();
        let valid = self.list_keys(scope).await?;
        if valid.iter().filter(|key| key.is_valid(now)).count() >= limits::KEYS_PER_ORGANIZATION {
            return Err(Refusal::field(
                "organization",
                format!(
                    "has {} keys, the most there may be; revoke some first",
                    limits::KEYS_PER_ORGANIZATION
                ),
            ));
        }
        let secret = KeySecret::from_random(&self.ports.ids.secret());
        let key = NewKey {
            key_id: KeyId::from_uuid(self.ports.ids.next()),
            hash: secret.hash(),
            hint: secret.hint(),
            name: request.name,
            permissions: request.permissions,
            collections: request.collections,
            expires_at: request.lifetime.map(|lifetime| now.plus(lifetime)),
        };
        let key = self.ports.organizations.create_key(scope, &key).await?;
        Ok(CreatedKey { key, secret })
    }

    /// All keys of the organization, newest first, revoked ones too.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn list_keys(&self, scope: &Scope) -> Result<Vec<ApiKey>, Refusal> {
        Ok(self.ports.organizations.list_keys(scope).await?)
    }

    /// Takes a key out of use, for ever.
    ///
    /// # Errors
    /// `KEY_NOT_FOUND`.
    pub async fn revoke_key(&self, scope: &Scope, key_id: KeyId) -> Result<ApiKey, Refusal> {
        let revoked = self.ports.organizations.revoke_key(scope, key_id).await;
        revoked.map_err(|error| match error.kind() {
            StoreErrorKind::NotFound => {
                Refusal::new(ErrorCode::KeyNotFound, format!("there is no key `{key_id}`"))
            }
            _ => error.into(),
        })
    }

    /// Every organization, by name. Of the installation, not of one of them: only its operator may ask.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn list_organizations(&self) -> Result<Vec<Organization>, Refusal> {
        let mut organizations = Vec::new();
        for id in self.ports.documents.list_organizations().await? {
            let scope = Scope::organization(id);
            organizations.extend(self.ports.organizations.find_organization(&scope).await?);
        }
        organizations.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(organizations)
    }

    /// The organization of a name.
    ///
    /// # Errors
    /// `ORGANIZATION_NOT_FOUND`.
    pub async fn get_organization(&self, name: &OrganizationName) -> Result<Organization, Refusal> {
        let all = self.list_organizations().await?;
        let found = all.into_iter().find(|organization| organization.name == *name);
        found.ok_or_else(|| {
            Refusal::new(
                ErrorCode::OrganizationNotFound,
                format!("there is no organization `{name}`"),
            )
        })
    }

    /// The organization of a name, made where there is none.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn ensure_organization(&self, name: &OrganizationName) -> Result<Organization, Refusal> {
        match self.get_organization(name).await {
            Err(refusal) if refusal.code == ErrorCode::OrganizationNotFound => {}
            known => return known,
        }
        let id = OrganizationId::from_uuid(self.ports.ids.next());
        match self.ports.organizations.create_organization(id, name).await {
            // Someone else made it at the same moment: then theirs is the one.
            Err(error) if error.kind() != StoreErrorKind::Conflict => return Err(error.into()),
            _ => {}
        }
        self.get_organization(name).await
    }

    /// Removes an organization with everything in it.
    ///
    /// # Errors
    /// `ORGANIZATION_NOT_FOUND`; `VALIDATION_FAILED` for the one called `default`, which every installation has.
    pub async fn delete_organization(&self, organization: &Organization) -> Result<(), Refusal> {
        if organization.organization_id == OrganizationId::DEFAULT {
            return Err(Refusal::field(
                "organization",
                "must not be `default`: every installation has it; delete its documents instead",
            ));
        }
        let scope = Scope::organization(organization.organization_id);
        let blobs = self.ports.organizations.delete_organization(&scope).await;
        let blobs = blobs.map_err(|error| match error.kind() {
            StoreErrorKind::NotFound => Refusal::new(
                ErrorCode::OrganizationNotFound,
                format!("there is no organization `{}`", organization.name),
            ),
            _ => error.into(),
        })?;
        self.remove_blobs(&Removed {
            blobs,
            ..Removed::default()
        })
        .await;
        for prefix in [&self.settings.temp_prefix, &self.settings.originals_prefix] {
            self.remove_folder(&format!("{prefix}{}/", organization.organization_id))
                .await?;
        }
        Ok(())
    }

    /// Removes all bytes under a prefix: no cleanup looks there once the organization is gone.
    async fn remove_folder(&self, prefix: &str) -> Result<(), Refusal> {
        loop {
            let listed = self.ports.blobs.list(prefix, None, limits::LIST_ROWS).await;
            let listed = listed.map_err(refused_by_blobs)?;
            if listed.is_empty() {
                return Ok(());
            }
            for (key, _) in listed {
                self.ports.blobs.delete(&key).await.map_err(refused_by_blobs)?;
            }
        }
    }

    /// Notes that something was done. A note that cannot be written does not undo what was done: it is logged instead.
    pub async fn record(&self, scope: &Scope, key_id: Option<KeyId>, action: &str, subject: &str) {
        let recorded = self
            .ports
            .organizations
            .record(scope, key_id, action, subject)
            .await;
        if let Err(error) = recorded {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                action,
                subject,
                "`{action}` of `{subject}` is missing in the record"
            );
        }
    }

    /// The record of what was done, newest first.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for a limit out of range.
    pub async fn list_record(
        &self,
        scope: &Scope,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, Refusal> {
        super::check_limit(limit)?;
        Ok(self.ports.organizations.list_record(scope, before, limit).await?)
    }
}

fn check_key(scope: &Scope, request: &KeyRequest) -> Result<(), Refusal> {
    let mut bad = Vec::new();
    let mut complain = |field: &str, reason: String| {
        bad.push(FieldError {
            field: field.to_owned(),
            reason,
        });
    };
    if let Some(name) = &request.name
        && (name.trim() != name
            || name.is_empty()
            || name.chars().count() > limits::KEY_NAME_CHARS
            || name.chars().any(char::is_control))
    {
        let most = limits::KEY_NAME_CHARS;
        complain("name", format!("must have 1 to {most} characters on one line"));
    }
    if request.permissions.is_empty() {
        complain(
            "scopes",
            "must name at least one of search, ask, ingest, admin".to_owned(),
        );
    }
    if let CollectionAccess::Only(names) = &request.collections {
        if names.is_empty() || names.len() > limits::COLLECTIONS_PER_KEY {
            let most = limits::COLLECTIONS_PER_KEY;
            complain("collections", format!("must be 1 to {most}, or left out for all"));
        }
        if request.permissions.allow(crate::access::Permission::Admin) {
            complain(
                "collections",
                "must be left out for an administrator, who sees all".to_owned(),
            );
        }
        if let Some(name) = names.iter().find(|name| !scope.allows(name)) {
            return Err(Refusal::new(
                ErrorCode::Forbidden,
                format!("this key may not see the collection `{name}`"),
            ));
        }
    }
    if let Some(lifetime) = request.lifetime
        && (lifetime.is_zero() || lifetime > LONGEST_LIFETIME)
    {
        complain(
            "expires_in",
            "must be more than zero, at most a hundred years".to_owned(),
        );
    }
    if bad.is_empty() {
        Ok(())
    } else {
        Err(Refusal::fields(bad))
    }
}
