//! The payload: chunks of 64 KiB, each with a proof of its own, its number and whether it is the last in its nonce.

use std::io::{self, Read};

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};

const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// 11 bytes of a number, and one that says whether it is the last chunk.
struct Counter {
    cipher: ChaCha20Poly1305,
    next: u64,
}

impl Counter {
    fn new(key: &[u8; 32]) -> Self {
        Self {
            cipher: ChaCha20Poly1305::new(&Key::from(*key)),
            next: 0,
        }
    }

    fn nonce(&self, is_last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.next.to_be_bytes());
        nonce[11] = u8::from(is_last);
        Nonce::from(nonce)
    }
}

/// Seals chunks.
pub(super) struct Sealer {
    counter: Counter,
    /// Not sealed yet: a full chunk waits until it is known whether it is the last.
    chunk: Vec<u8>,
}

impl Sealer {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self {
            counter: Counter::new(key),
            chunk: Vec::with_capacity(CHUNK + TAG),
        }
    }

    /// Takes as many bytes as fit, and gives the chunk before them when it is full.
    pub(super) fn take(&mut self, bytes: &[u8]) -> io::Result<(usize, Option<Vec<u8>>)> {
        let sealed = if self.chunk.len() == CHUNK && !bytes.is_empty() {
            Some(self.seal(false)?)
        } else {
            None
        };
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok((taken, sealed))
    }

    pub(super) fn last(&mut self) -> io::Result<Vec<u8>> {
        self.seal(true)
    }

    fn seal(&mut self, is_last: bool) -> io::Result<Vec<u8>> {
        let nonce = self.counter.nonce(is_last);
        let mut sealed = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK + TAG));
        self.counter
            .cipher
            .encrypt_in_place(&nonce, &[], &mut sealed)
            .map_err(|_| io::Error::other("a chunk cannot be encrypted"))?;
        self.counter.next += 1;
        Ok(sealed)
    }
}

/// Opens chunks.
pub(super) struct Opener {
    counter: Counter,
    chunk: Vec<u8>,
    given: usize,
    /// The byte behind a chunk, which tells that the chunk is not the last.
    ahead: Option<u8>,
    is_at_end: bool,
}

impl Opener {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self {
            counter: Counter::new(key),
            chunk: Vec::new(),
            given: 0,
            ahead: None,
            is_at_end: false,
        }
    }

    pub(super) fn read(&mut self, from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.chunk.len() {
            if self.is_at_end {
                return Ok(0);
            }
            self.next(from)?;
        }
        let count = into.len().min(self.chunk.len() - self.given);
        into[..count].copy_from_slice(&self.chunk[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }

    fn next(&mut self, from: &mut impl Read) -> io::Result<()> {
        let mut sealed = Vec::with_capacity(CHUNK + TAG + 1);
        sealed.extend(self.ahead.take());
        let room = (CHUNK + TAG + 1 - sealed.len()) as u64;
        from.by_ref().take(room).read_to_end(&mut sealed)?;
        let is_last = sealed.len() <= CHUNK + TAG;
        if !is_last {
            self.ahead = sealed.pop();
        }
        let nonce = self.counter.nonce(is_last);
        self.counter
            .cipher
            .decrypt_in_place(&nonce, &[], &mut sealed)
            .map_err(|_| damaged("a part was changed, or the end is missing"))?;
        // Only a file of nothing ends in an empty chunk.
        if sealed.is_empty() && self.counter.next > 0 {
            return Err(damaged("its end was changed"));
        }
        self.counter.next += 1;
        self.is_at_end = is_last;
        self.chunk = sealed;
        self.given = 0;
        Ok(())
    }
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
