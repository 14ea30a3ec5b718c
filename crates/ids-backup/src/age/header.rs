//! The header: who may open the file, and a proof that nobody changed it.

use std::io::{self, Read, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use ids_net::Secret;
use sha2::Sha256;

use super::{AgeError, MOST_WORK};

const VERSION: &str = "age-encryption.org/v1";
const SALT_LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
/// Bytes of the longest header that one passphrase makes, with room.
const HEADER_BYTES: usize = 512;

/// The key of one file, random, from which those of its header and its payload are made.
pub(super) struct FileKey([u8; 16]);

impl FileKey {
    pub(super) fn random() -> io::Result<Self> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        Ok(Self(key))
    }

    pub(super) fn payload_key(&self, nonce: &[u8; 16]) -> [u8; 32] {
        self.derived(Some(nonce), b"payload")
    }

    fn derived(&self, salt: Option<&[u8]>, label: &[u8]) -> [u8; 32] {
        let mut key = [0; 32];
        let made = Hkdf::<Sha256>::new(salt, &self.0).expand(label, &mut key);
        debug_assert!(made.is_ok(), "32 bytes are one block of the hash");
        key
    }

    fn mac_of(&self, header: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.derived(None, b"header")).ok()?;
        mac.update(header);
        Some(mac)
    }
}

/// The cipher that a passphrase makes of a salt: slow on purpose.
fn wrapping_cipher(passphrase: &Secret, salt: &[u8; 16], work: u8) -> Option<ChaCha20Poly1305> {
    let params = scrypt::Params::new(work, 8, 1).ok()?;
    let salt = [SALT_LABEL, salt].concat();
    let mut key = [0; 32];
    scrypt::scrypt(passphrase.expose().as_bytes(), &salt, &params, &mut key).ok()?;
    Some(ChaCha20Poly1305::new(&Key::from(key)))
}

pub(super) fn write_header(
    to: &mut impl Write,
    file_key: &FileKey,
    passphrase: &Secret,
    work: u8,
) -> io::Result<()> {
    let no_cipher = || io::Error::other("the header cannot be encrypted");
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(io::Error::other)?;
    let cipher = wrapping_cipher(passphrase, &salt, work).ok_or_else(no_cipher)?;
    let body = cipher
        .encrypt(&Nonce::default(), file_key.0.as_slice())
        .map_err(|_| no_cipher())?;
    let encode = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes);
    let header = format!(
        "{VERSION}\n-> scrypt {} {work}\n{}\n---",
        encode(&salt),
        encode(&body)
    );
    let mac = file_key.mac_of(header.as_bytes()).ok_or_else(no_cipher)?;
    let mac = encode(&mac.finalize().into_bytes());
    to.write_all(format!("{header} {mac}\n").as_bytes())
}

/// Reads a header up to its end, and not a byte of what follows.
pub(super) fn open_header(from: &mut impl Read, passphrase: &Secret) -> Result<FileKey, AgeError> {
    let header = read_header(from)?;
    let (text, mac) = header.rsplit_once("--- ").ok_or(AgeError::Damaged)?;
    let signed = &header[..text.len() + 3];
    let mut lines = text.lines();
    if lines.next() != Some(VERSION) {
        return Err(AgeError::NotOurs);
    }
    let mut words = lines.next().unwrap_or_default().split(' ');
    if (words.next(), words.next()) != (Some("->"), Some("scrypt")) {
        return Err(AgeError::NotOurs);
    }
    let salt = decoded(words.next())?;
    let work: u8 = words
        .next()
        .and_then(|work| work.parse().ok())
        .ok_or(AgeError::Damaged)?;
    let body = BASE64_STANDARD_NO_PAD
        .decode(lines.next().unwrap_or_default())
        .map_err(|_| AgeError::Damaged)?;
    // A passphrase stands alone: who could add a second way in could pass off another file as ours.
    if words.next().is_some() || lines.next().is_some() || !(1..=MOST_WORK).contains(&work) {
        return Err(AgeError::Damaged);
    }
    let cipher = wrapping_cipher(passphrase, &salt, work).ok_or(AgeError::Damaged)?;
    let key = cipher
        .decrypt(&Nonce::default(), body.as_slice())
        .map_err(|_| AgeError::WrongPassphrase)?;
    let file_key = FileKey(key.try_into().map_err(|_| AgeError::Damaged)?);
    let expected: [u8; 32] = decoded(Some(mac.trim_end_matches('\n')))?;
    let counted = file_key.mac_of(signed.as_bytes()).ok_or(AgeError::Damaged)?;
    counted.verify_slice(&expected).map_err(|_| AgeError::Damaged)?;
    Ok(file_key)
}

fn read_header(from: &mut impl Read) -> Result<String, AgeError> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    let (mut byte, mut line_start) = ([0], 0);
    loop {
        from.read_exact(&mut byte).map_err(cut)?;
        header.push(byte[0]);
        let line = &header[line_start..];
        if line_start == 0
            && !VERSION.as_bytes().starts_with(line)
            && line != [VERSION.as_bytes(), b"\n"].concat()
        {
            return Err(AgeError::NotOurs);
        }
        if byte[0] == b'\n' {
            if line.starts_with(b"---") {
                break;
            }
            line_start = header.len();
        }
        if header.len() > HEADER_BYTES {
            return Err(AgeError::NotOurs);
        }
    }
    String::from_utf8(header).map_err(|_| AgeError::Damaged)
}

pub(super) fn cut(error: io::Error) -> AgeError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => AgeError::Damaged,
        _ => AgeError::Unreadable(error),
    }
}

fn decoded<const N: usize>(text: Option<&str>) -> Result<[u8; N], AgeError> {
    let bytes = BASE64_STANDARD_NO_PAD.decode(text.unwrap_or_default());
    bytes
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(AgeError::Damaged)
}
