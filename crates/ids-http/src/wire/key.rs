//! Keys, and the record of what was done with them.

use ids_core::access::{ApiKey, AuditEntry, Permission};
use ids_core::library::CreatedKey;
use ids_core::scope::CollectionAccess;
use serde::Serialize;
use utoipa::ToSchema;

use super::time::rfc3339;

/// A new key.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::keys::read_key` reads; a test holds both together"
)]
pub(crate) struct KeyRequest {
    /// What people call it.
    #[schema(max_length = 100)]
    name: Option<String>,
    /// search, ask, ingest or admin.
    #[schema(example = json!(["search", "ask"]))]
    scopes: Vec<String>,
    /// The collections it may see; all where they are left out.
    collections: Option<Vec<String>>,
    /// Seconds from now after which it is refused; never where it is left out.
    expires_in: Option<u64>,
}

/// A key; its secret is shown only when it is made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyBody {
    /// Its id.
    key_id: String,
    /// What people call it.
    name: Option<String>,
    /// The first characters of the secret.
    #[schema(example = "ids_3fQz")]
    hint: String,
    /// search, ask, ingest or admin.
    scopes: Vec<&'static str>,
    /// The collections it may see; null for all.
    collections: Option<Vec<String>>,
    /// When it was made (RFC 3339, UTC).
    created_at: String,
    /// From when on it is refused.
    expires_at: Option<String>,
    /// When it was revoked.
    revoked_at: Option<String>,
}

impl From<&ApiKey> for KeyBody {
    fn from(key: &ApiKey) -> Self {
        Self {
            key_id: key.key_id.to_string(),
            name: key.name.clone(),
            hint: key.hint.clone(),
            scopes: key.permissions.iter().map(Permission::as_str).collect(),
            collections: match &key.collections {
                CollectionAccess::All => None,
                CollectionAccess::Only(names) => Some(names.iter().map(ToString::to_string).collect()),
            },
            created_at: rfc3339(key.created_at),
            expires_at: key.expires_at.map(rfc3339),
            revoked_at: key.revoked_at.map(rfc3339),
        }
    }
}

/// A new key with its secret. This is the only time that it is shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedKeyBody {
    /// The secret: send it as `Authorization: Bearer …`.
    #[schema(example = "ids_3fQz…")]
    pub(crate) key: String,
    /// The organization's name.
    pub(crate) organization: String,
    #[serde(flatten)]
    pub(crate) shown: KeyBody,
}

impl CreatedKeyBody {
    pub(crate) fn new(created: &CreatedKey, organization: String) -> Self {
        Self {
            key: created.secret.expose().to_owned(),
            organization,
            shown: KeyBody::from(&created.key),
        }
    }
}

/// The keys of an organization, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyListBody {
    pub(crate) keys: Vec<KeyBody>,
}

/// The key of the page.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes in OpenAPI what `routes::keys::login` reads")]
pub(crate) struct LoginRequest {
    /// The secret.
    key: String,
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntryBody {
    /// Rises with each entry.
    entry: i64,
    /// When (RFC 3339, UTC).
    at: String,
    /// With which key; null from the server's own command line.
    key_id: Option<String>,
    /// What.
    #[schema(example = "document.deleted")]
    action: String,
    /// To which thing.
    subject: String,
}

impl From<&AuditEntry> for AuditEntryBody {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            entry: entry.entry_no,
            at: rfc3339(entry.at),
            key_id: entry.key_id.map(|id| id.to_string()),
            action: entry.action.clone(),
            subject: entry.subject.clone(),
        }
    }
}

/// The record of what was done, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditListBody {
    pub(crate) entries: Vec<AuditEntryBody>,
}
