//! An OpenDocument file whose parts are encrypted one by one (OpenDocument 1.2, part 3): its manifest says how each was.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Cursor, Read, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::DeflateDecoder;
use pbkdf2::pbkdf2_hmac;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};
use sha1::Sha1;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::UNKNOWN_WAY;
use super::crypto::{Aes, BLOCK, Hash, fitted};
use crate::output::ParseError;

const MANIFEST: &str = "META-INF/manifest.xml";
/// Bytes of all parts together.
const INFLATED_BYTES: u64 = 512 * 1_024 * 1_024;
/// Rounds for one key; programs take 100,000.
const ROUNDS: u32 = 10_000_000;
/// What the checksum is over.
const CHECKED_BYTES: usize = 1_024;
const DAMAGED: ParseError = ParseError::Corrupt("its encrypted parts are damaged");

/// The same package without encryption; `None` when nothing in it is encrypted.
pub(super) fn unlock(file: File, password: &str) -> Result<Option<Vec<u8>>, ParseError> {
    let mut archive = ZipArchive::new(file).map_err(|_| ParseError::Corrupt("its ZIP is damaged"))?;
    let mut manifest = Vec::new();
    match archive.by_name(MANIFEST) {
        Ok(part) => {
            part.take(INFLATED_BYTES)
                .read_to_end(&mut manifest)
                .map_err(|_| DAMAGED)?;
        }
        Err(_) => return Ok(None),
    }
    if archive.index_for_name("encrypted-package").is_some() {
        return Err(UNKNOWN_WAY);
    }
    let (keys, plain_manifest) = read_manifest(&manifest)?;
    if keys.is_empty() {
        return Ok(None);
    }
    let start = Hash::Sha256.of(&[password.as_bytes()]);
    let mut left = INFLATED_BYTES;
    let mut copy = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(|_| DAMAGED)?;
        let name = part.name().map_err(|_| DAMAGED)?.into_owned();
        let Some(lock) = keys.get(&name) else {
            if name == MANIFEST {
                write(&mut copy, &name, &plain_manifest)?;
            } else {
                copy.raw_copy_file(part).map_err(|_| DAMAGED)?;
            }
            continue;
        };
        let mut bytes = Vec::new();
        part.by_ref()
            .take(left)
            .read_to_end(&mut bytes)
            .map_err(|_| DAMAGED)?;
        let plain = lock.open(bytes, &start, left)?;
        left = left.saturating_sub(plain.len() as u64);
        write(&mut copy, &name, &plain)?;
    }
    let bytes = copy.finish().map_err(|_| DAMAGED)?.into_inner();
    Ok(Some(bytes))
}

fn write(copy: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str, bytes: &[u8]) -> Result<(), ParseError> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    copy.start_file(name, options).map_err(|_| DAMAGED)?;
    copy.write_all(bytes).map_err(|_| DAMAGED)
}

/// How a part is encrypted.
#[derive(Default)]
struct Lock {
    is_known: Known,
    iv: Vec<u8>,
    salt: Vec<u8>,
    rounds: u32,
    checksum: Vec<u8>,
}

/// Which of the ways that it is encrypted in are known here.
#[derive(Default)]
struct Known {
    cipher: bool,
    derivation: bool,
    start: bool,
    checksum: bool,
}

impl Lock {
    fn open(&self, mut bytes: Vec<u8>, start: &[u8], left: u64) -> Result<Vec<u8>, ParseError> {
        let known = &self.is_known;
        if !(known.cipher && known.derivation && known.start && known.checksum) {
            return Err(UNKNOWN_WAY);
        }
        if self.rounds == 0 || self.rounds > ROUNDS {
            return Err(DAMAGED);
        }
        let mut key = [0; 32];
        pbkdf2_hmac::<Sha1>(start, &self.salt, self.rounds, &mut key);
        let aes = Aes::new(&key).ok_or(UNKNOWN_WAY)?;
        aes.cbc(fitted::<BLOCK>(&self.iv, 0), &mut bytes);
        // The last byte tells how many were added to fill the last block.
        let added = usize::from(bytes.last().copied().unwrap_or(0));
        if added == 0 || added > BLOCK || added > bytes.len() {
            return Err(ParseError::Encrypted);
        }
        bytes.truncate(bytes.len() - added);
        let checked = &bytes[..bytes.len().min(CHECKED_BYTES)];
        if Hash::Sha256.of(&[checked]) != self.checksum {
            return Err(ParseError::Encrypted);
        }
        let mut plain = Vec::new();
        let inflating = DeflateDecoder::new(&bytes[..]).take(left).read_to_end(&mut plain);
        inflating.map_err(|_| DAMAGED)?;
        if plain.len() as u64 == left {
            return Err(ParseError::ExpandsTooFar);
        }
        Ok(plain)
    }

    fn take(&mut self, element: &BytesStart<'_>) -> Result<(), ParseError> {
        let text = |name| attribute(element, name);
        let is = |name, ends: &str| Ok::<_, ParseError>(text(name)?.is_some_and(|of| of.ends_with(ends)));
        let binary = |name| {
            let text = text(name)?.ok_or(DAMAGED)?;
            BASE64_STANDARD.decode(text).map_err(|_| DAMAGED)
        };
        match element.local_name().as_ref() {
            "encryption-data" => {
                self.is_known.checksum = is("checksum-type", "#sha256-1k")?;
                self.checksum = binary("checksum")?;
            }
            "algorithm" => {
                self.is_known.cipher = is("algorithm-name", "#aes256-cbc")?;
                self.iv = binary("initialisation-vector")?;
            }
            "key-derivation" => {
                self.is_known.derivation = is("key-derivation-name", "PBKDF2")?;
                self.salt = binary("salt")?;
                self.rounds = text("iteration-count")?
                    .and_then(|count| count.parse().ok())
                    .unwrap_or(0);
            }
            "start-key-generation" => self.is_known.start = is("start-key-generation-name", "#sha256")?,
            _ => {}
        }
        Ok(())
    }
}

/// How each part is encrypted, and the manifest without saying so.
fn read_manifest(xml: &[u8]) -> Result<(HashMap<String, Lock>, Vec<u8>), ParseError> {
    let mut reader = Reader::from_reader(xml);
    let mut writer = Writer::new(Vec::new());
    let mut locks = HashMap::new();
    let mut part = String::new();
    let mut lock: Option<Lock> = None;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(|_| DAMAGED)?;
        match &event {
            Event::Eof => return Ok((locks, writer.into_inner())),
            Event::End(element) if element.local_name().as_ref() == "encryption-data" => {
                locks.extend(lock.take().map(|lock| (part.clone(), lock)));
                continue;
            }
            Event::Start(element) | Event::Empty(element) => {
                match element.local_name().as_ref() {
                    "file-entry" => part = attribute(element, "full-path")?.unwrap_or_default(),
                    "encryption-data" => lock = Some(Lock::default()),
                    _ => {}
                }
                if let Some(lock) = &mut lock {
                    lock.take(element)?;
                }
            }
            _ => {}
        }
        if lock.is_none() {
            writer.write_event(event).map_err(|_| DAMAGED)?;
        }
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, ParseError> {
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|_| DAMAGED)?;
        if attribute.key.local_name().as_ref() == name {
            return Ok(Some(attribute.value.into_owned()));
        }
    }
    Ok(None)
}
