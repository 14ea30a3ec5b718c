//! Keys, what they allow, and organizations: who may ask for what.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::id::{KeyId, OrganizationId};
use crate::limits;
use crate::scope::{CollectionAccess, InvalidName, Scope, checked_name};
use crate::time::Timestamp;

/// What a key lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Read and search documents.
    Search,
    /// Ask questions, and see the pages that answers cite.
    Ask,
    /// Upload, change and delete documents; see and steer the jobs behind them.
    Ingest,
    /// Everything, keys among it.
    Admin,
}

impl Permission {
    /// All, least first.
    pub const ALL: [Self; 4] = [Self::Search, Self::Ask, Self::Ingest, Self::Admin];

    /// The word on the wire, on the command line and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Ask => "ask",
            Self::Ingest => "ingest",
            Self::Admin => "admin",
        }
    }

    /// The permission of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// Everything.
    pub const ADMIN: Self = Self(Permission::Admin.bit());

    /// Whether `permission` is given; an administrator has each.
    pub const fn allow(self, permission: Permission) -> bool {
        self.0 & (permission.bit() | Permission::Admin.bit()) != 0
    }

    /// Those that were named, least first.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .into_iter()
            .filter(move |permission| self.0 & permission.bit() != 0)
    }

    /// Whether none was named.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<T: IntoIterator<Item = Permission>>(permissions: T) -> Self {
        Self(permissions.into_iter().fold(0, |set, it| set | it.bit()))
    }
}

impl fmt::Display for Permissions {
    /// The words, parted by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, permission) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            f.write_str(permission.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({self})")
    }
}

/// An organization's name: 1 to 100 characters, no control characters, no white space at the ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganizationName(String);

impl OrganizationName {
    /// The one organization of the embedded shape.
    pub const DEFAULT: &'static str = "default";

    /// Checks a name.
    ///
    /// # Errors
    /// Empty, longer than 100 characters, or with control characters or white space at its ends.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        checked_name(text, limits::ORGANIZATION_NAME_CHARS).map(Self)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrganizationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A municipality or company, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub organization_id: OrganizationId,
    /// Its name, which no other one has.
    pub name: OrganizationName,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The secret that travels: `ids_` and 43 characters of base64url, 256 random bits. Shown once, never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret(String);

impl KeySecret {
    /// What every key begins with, so that people and scanners of leaked secrets know one when they see it.
    pub const PREFIX: &'static str = "ids_";
    const RANDOM_CHARS: usize = 43;

    /// The key of these random bytes.
    pub fn from_random(bytes: &[u8; 32]) -> Self {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = String::from(Self::PREFIX);
        for group in bytes.chunks(3) {
            let word = (u32::from(group[0]) << 16)
                | (u32::from(group.get(1).copied().unwrap_or(0)) << 8)
                | u32::from(group.get(2).copied().unwrap_or(0));
            for position in 0..=group.len() {
                let six = (word >> (18 - 6 * position)) & 63;
                text.push(ALPHABET[six as usize] as char);
            }
        }
        Self(text)
    }

    /// The text that its holder sends.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it. One round is enough: nobody can try 2^256 keys.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// Its first characters, by which people tell keys apart: 24 of its 256 bits.
    pub fn hint(&self) -> String {
        self.0.chars().take(Self::PREFIX.len() + 4).collect()
    }
}

impl FromStr for KeySecret {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let random = text.strip_prefix(Self::PREFIX).ok_or(NotAKey)?;
        let good = random.len() == Self::RANDOM_CHARS
            && random
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAKey)
        }
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(ids_…)")
    }
}

/// A text that is no key. What it was is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key; keys look like `ids_` and 43 characters")]
pub struct NotAKey;

/// The SHA-256 of a key: what is stored and looked up.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Wraps the 32 bytes read from a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

/// A key as it is shown: never the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub key_id: KeyId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The name its maker gave it.
    pub name: Option<String>,
    /// The first characters of the secret.
    pub hint: String,
    /// What it allows.
    pub permissions: Permissions,
    /// The collections it may see.
    pub collections: CollectionAccess,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it still opens anything at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// What may be seen with it.
    pub fn scope(&self) -> Scope {
        Scope {
            organization: self.organization,
            collections: self.collections.clone(),
        }
    }
}

/// A key to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its id.
    pub key_id: KeyId,
    /// The hash of its secret.
    pub hash: KeyHash,
    /// The first characters of its secret.
    pub hint: String,
    /// The name its maker gives it.
    pub name: Option<String>,
    /// What it allows.
    pub permissions: Permissions,
    /// The collections it may see.
    pub collections: CollectionAccess,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// Something that was done, for the record: never what a document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Rises with each entry of a store.
    pub entry_no: i64,
    /// When.
    pub at: Timestamp,
    /// With which key; `None` from the server's own command line or without keys.
    pub key_id: Option<KeyId>,
    /// What, such as `document.deleted`.
    pub action: String,
    /// To which thing: its id or name.
    pub subject: String,
}

#[cfg(test)]
mod tests {
    use super::{KeySecret, Permission, Permissions};

    #[test]
    fn a_secret_is_made_of_all_its_random_bytes_and_read_again() {
        let mut bytes = [0u8; 32];
        let zero = KeySecret::from_random(&bytes);
        assert_eq!(zero.expose(), format!("ids_{}", "A".repeat(43)));
        bytes[31] = 1;
        let one = KeySecret::from_random(&bytes);
        assert_ne!(zero.hash(), one.hash(), "the last byte counts");
        assert_eq!(one.expose().parse::<KeySecret>().unwrap(), one);
        assert_eq!(one.hint(), "ids_AAAA");
        assert!(
            !format!("{one:?}{:?}", one.hash()).contains("AAAA"),
            "never logged"
        );
        for wrong in [
            "",
            "ids_",
            "sk-123",
            &"ids_".repeat(12),
            &format!("{} ", one.expose()),
        ] {
            assert!(wrong.parse::<KeySecret>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_administrator_may_everything_and_others_what_they_were_given() {
        let reader: Permissions = [Permission::Ask, Permission::Search].into_iter().collect();
        assert!(reader.allow(Permission::Search) && reader.allow(Permission::Ask));
        assert!(!reader.allow(Permission::Ingest) && !reader.allow(Permission::Admin));
        assert_eq!(reader.to_string(), "search,ask");
        assert!(Permission::ALL.into_iter().all(|it| Permissions::ADMIN.allow(it)));
        assert!(Permissions::default().is_empty());
    }
}
