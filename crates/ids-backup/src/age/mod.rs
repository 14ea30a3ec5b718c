//! Encryption by passphrase in the format of `age` (age-encryption.org/v1, C2SP's specification): what is written here is opened by
//! `age -d`, and what `age -p` wrote is read here.
//!
//! The crate `age` would do the same and bring 74 others (translations of its messages, older generations of the ciphers that are in
//! the tree already); the format is a header of three lines and a chunked cipher, over the same RustCrypto parts (docs/adr/0011).

mod header;
mod stream;

use std::io::{self, Read, Write};

use ids_net::Secret;

use self::header::{FileKey, open_header, write_header};
use self::stream::{Opener, Sealer};

/// 2^16 rounds: 64 MiB and a quarter of a second, which the smallest container has. `age -p` takes 2^18, for the passphrases that
/// people remember; those of backups are long and random.
pub const WORK_OF_PASSPHRASES: u8 = 16;
/// For passphrases that are 256 random bits themselves: no work makes them harder to guess.
pub(crate) const WORK_OF_KEYS: u8 = 1;
/// What is read at most: a header may not make us take a gigabyte.
const MOST_WORK: u8 = 18;

/// Why something cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum AgeError {
    /// It is something else, or for a key and not for a passphrase.
    #[error("it is not encrypted with a passphrase in the format of age")]
    NotOurs,
    /// The passphrase is not the one.
    #[error("the passphrase does not open it")]
    WrongPassphrase,
    /// Its header was changed or cut.
    #[error("its header is damaged")]
    Damaged,
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
}

/// Encrypts what is written. Nothing of it can be read before [`EncryptWriter::finish`].
pub struct EncryptWriter<W: Write> {
    inner: W,
    sealer: Sealer,
}

impl<W: Write> EncryptWriter<W> {
    /// Writes the header to `inner`.
    ///
    /// # Errors
    /// Those of `inner`; a machine without randomness.
    pub fn new(mut inner: W, passphrase: &Secret, work: u8) -> io::Result<Self> {
        let file_key = FileKey::random()?;
        write_header(&mut inner, &file_key, passphrase, work)?;
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        inner.write_all(&nonce)?;
        Ok(Self {
            inner,
            sealer: Sealer::new(&file_key.payload_key(&nonce)),
        })
    }

    /// Writes the end, without which the rest is damaged; gives `inner` back.
    ///
    /// # Errors
    /// Those of `inner`.
    pub fn finish(mut self) -> io::Result<W> {
        let last = self.sealer.last()?;
        self.inner.write_all(&last)?;
        Ok(self.inner)
    }

    /// What is written to.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }
}

impl<W: Write> Write for EncryptWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (taken, sealed) = self.sealer.take(bytes)?;
        if let Some(sealed) = sealed {
            self.inner.write_all(&sealed)?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        // A chunk that is not full cannot be written yet.
        self.inner.flush()
    }
}

/// Decrypts what is read: gives only what is authentic, and an error where the end is missing.
pub struct DecryptReader<R: Read> {
    inner: R,
    opener: Opener,
}

impl<R: Read> DecryptReader<R> {
    /// Reads the header of `inner`.
    ///
    /// # Errors
    /// See [`AgeError`].
    pub fn new(mut inner: R, passphrase: &Secret) -> Result<Self, AgeError> {
        let file_key = open_header(&mut inner, passphrase)?;
        let mut nonce = [0; 16];
        inner.read_exact(&mut nonce).map_err(header::cut)?;
        Ok(Self {
            inner,
            opener: Opener::new(&file_key.payload_key(&nonce)),
        })
    }
}

impl<R: Read> Read for DecryptReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.opener.read(&mut self.inner, into)
    }
}

#[cfg(test)]
mod tests;
