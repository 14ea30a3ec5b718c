//! The key of backups, and the one made of it for the bytes of documents.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use ids_net::Secret;
use sha2::{Digest, Sha256};

use crate::age::WORK_OF_PASSPHRASES;

/// One for all installations: what it is mixed with is long and random.
const ORIGINALS_SALT: &[u8] = b"ids backup, bytes of documents, 1";

/// What archives are encrypted with (`BACKUP_KEY`). Never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupKey(Secret);

/// A key that could be guessed.
#[derive(Debug, thiserror::Error)]
#[error(
    "at least {} characters; `openssl rand -base64 32` makes one",
    BackupKey::CHARACTERS
)]
pub struct ShortKey;

impl BackupKey {
    /// The fewest characters of a key.
    pub const CHARACTERS: usize = 16;

    /// Takes a key in.
    ///
    /// # Errors
    /// When it is short enough to be guessed.
    pub fn new(text: &str) -> Result<Self, ShortKey> {
        if text.chars().count() < Self::CHARACTERS {
            return Err(ShortKey);
        }
        Ok(Self(Secret::new(text)))
    }

    pub(crate) fn passphrase(&self) -> &Secret {
        &self.0
    }

    /// The key of the bytes of documents. Takes a quarter of a second, so that it need not be taken for each of them.
    pub fn originals(&self) -> OriginalsKey {
        let mut key = [0; 32];
        let params = scrypt::Params::new(WORK_OF_PASSPHRASES, 8, 1);
        let made = params.map(|params| {
            scrypt::scrypt(self.0.expose().as_bytes(), ORIGINALS_SALT, &params, &mut key).is_ok()
        });
        debug_assert_eq!(made.ok(), Some(true), "constants of ours");
        OriginalsKey::from_text(&BASE64_STANDARD_NO_PAD.encode(key))
    }
}

/// What the bytes of documents are encrypted with: 256 bits, themselves a passphrase for `age`. Stands in the manifest of each encrypted
/// archive, so that whoever opens the archive opens the documents, whatever `BACKUP_KEY` is by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalsKey {
    passphrase: Secret,
    id: KeyId,
}

#[derive(Clone, PartialEq, Eq)]
struct KeyId(String);

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OriginalsKey {
    /// The key as a manifest has it.
    pub fn from_text(text: &str) -> Self {
        let hash = Sha256::digest([b"ids backup, which key, 1 ", text.as_bytes()].concat());
        Self {
            passphrase: Secret::new(text),
            id: KeyId(hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect()),
        }
    }

    /// As it goes into a manifest, which must be encrypted.
    pub fn expose(&self) -> &str {
        self.passphrase.expose()
    }

    pub(crate) fn passphrase(&self) -> &Secret {
        &self.passphrase
    }

    /// Tells keys apart, and nothing else of them.
    pub(crate) fn id(&self) -> &str {
        &self.id.0
    }
}

#[cfg(test)]
mod tests {
    use super::BackupKey;

    #[test]
    fn the_key_of_documents_follows_from_that_of_backups_and_neither_is_shown() {
        let key = BackupKey::new("0123456789abcdef").unwrap();
        let again = BackupKey::new("0123456789abcdef").unwrap();
        let other = BackupKey::new("0123456789abcdeg").unwrap();
        assert_eq!(key.originals(), again.originals());
        assert_ne!(key.originals().id(), other.originals().id());
        let shown = format!("{key:?} {:?}", key.originals());
        assert!(
            !shown.contains("0123") && !shown.contains(key.originals().expose()),
            "{shown}"
        );
        assert!(BackupKey::new("0123456789abcde").is_err());
    }
}
