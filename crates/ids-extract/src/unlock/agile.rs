//! Agile encryption: AES in chains under a key that another key protects, with a check over the whole ([MS-OFFCRYPTO] 2.3.4.10 to
//! 2.3.4.15); Office 2010 and later.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::UNKNOWN_WAY;
use super::crypto::{Aes, BLOCK, Hash, fitted};
use super::office::parts;
use crate::output::ParseError;

/// The most rounds that the format allows.
const ROUNDS: u32 = 10_000_000;
/// Bytes of the package that are encrypted together.
const SEGMENT: usize = 4_096;
/// What fills up a text that is too short for a key.
const FILL: u8 = 0x36;
const DAMAGED: ParseError = ParseError::Corrupt("its encryption header is damaged");

const VERIFIER_INPUT: [u8; 8] = [0xfe, 0xa7, 0xd2, 0x76, 0x3b, 0x4b, 0x9e, 0x79];
const VERIFIER_VALUE: [u8; 8] = [0xd7, 0xaa, 0x0f, 0x6d, 0x30, 0x61, 0x34, 0x4e];
const KEY_VALUE: [u8; 8] = [0x14, 0x6e, 0x0b, 0xe7, 0xab, 0xac, 0xd0, 0xd6];
const HMAC_KEY: [u8; 8] = [0x5f, 0xb2, 0xad, 0x01, 0x0c, 0xb9, 0xe1, 0xf6];
const HMAC_VALUE: [u8; 8] = [0xa0, 0x67, 0x7f, 0x02, 0xb2, 0x2c, 0x84, 0x33];

/// The package. `info` is the XML, `password` in UTF-16.
pub(super) fn decrypt(info: &[u8], package: &[u8], password: &[u8]) -> Result<Vec<u8>, ParseError> {
    let description = Description::read(info)?;
    let (data, key) = (&description.data, &description.key);
    let protected = |name, block: [u8; 8]| {
        let mut bytes = binary(&description.key_attributes, name)?;
        let aes = Aes::new(&key.derived(password, description.rounds, block)).ok_or(UNKNOWN_WAY)?;
        aes.cbc(fitted(&key.salt, FILL), &mut bytes);
        Ok::<_, ParseError>(bytes)
    };
    let input = protected("encryptedVerifierHashInput", VERIFIER_INPUT)?;
    let value = protected("encryptedVerifierHashValue", VERIFIER_VALUE)?;
    let input = input.get(..key.salt.len()).ok_or(DAMAGED)?;
    let hash = key.hash.of(&[input]);
    if value.get(..hash.len()) != Some(&hash[..]) {
        return Err(ParseError::Encrypted);
    }
    let secret = protected("encryptedKeyValue", KEY_VALUE)?;
    let secret = secret.get(..data.key_bytes).ok_or(DAMAGED)?;
    let aes = Aes::new(secret).ok_or(UNKNOWN_WAY)?;

    let checked = |name, block: [u8; 8]| {
        let mut bytes = binary(&description.integrity, name)?;
        aes.cbc(data.iv(&block), &mut bytes);
        let length = data.hash.of(&[]).len();
        bytes.truncate(length);
        Ok::<_, ParseError>(bytes)
    };
    let mac_key = checked("encryptedHmacKey", HMAC_KEY)?;
    let mac = checked("encryptedHmacValue", HMAC_VALUE)?;
    if !data.hash.verifies(&mac_key, package, &mac) {
        return Err(ParseError::Corrupt(
            "its encrypted package was changed or is damaged",
        ));
    }

    let (length, bytes) = parts(package)?;
    let mut plain = bytes.to_vec();
    for (number, segment) in (0_u32..).zip(plain.chunks_mut(SEGMENT)) {
        aes.cbc(data.iv(&number.to_le_bytes()), segment);
    }
    plain.truncate(length);
    Ok(plain)
}

type Attributes = HashMap<String, String>;

struct Description {
    data: Cipher,
    key: Cipher,
    rounds: u32,
    key_attributes: Attributes,
    integrity: Attributes,
}

/// How something is encrypted.
struct Cipher {
    hash: Hash,
    key_bytes: usize,
    salt: Vec<u8>,
}

impl Description {
    fn read(xml: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::from_reader(xml);
        let (mut data, mut key, mut integrity) = (None, None, None);
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).map_err(|_| DAMAGED)? {
                Event::Start(element) | Event::Empty(element) => {
                    // Other encryptors than passwords have elements of other names.
                    match element.local_name().as_ref() {
                        "keyData" => data = Some(attributes(&element)?),
                        "dataIntegrity" => integrity = Some(attributes(&element)?),
                        "encryptedKey" => {
                            let found = attributes(&element)?;
                            if found.contains_key("spinCount") {
                                key = Some(found);
                            }
                        }
                        _ => {}
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let key_attributes = key.ok_or(UNKNOWN_WAY)?;
        let rounds = key_attributes
            .get("spinCount")
            .and_then(|rounds| rounds.parse().ok());
        Ok(Self {
            data: Cipher::read(&data.ok_or(DAMAGED)?)?,
            key: Cipher::read(&key_attributes)?,
            rounds: rounds.filter(|&rounds| rounds <= ROUNDS).ok_or(DAMAGED)?,
            integrity: integrity.ok_or(DAMAGED)?,
            key_attributes,
        })
    }
}

impl Cipher {
    fn read(attributes: &Attributes) -> Result<Self, ParseError> {
        let text = |name| attributes.get(name).map(String::as_str).ok_or(DAMAGED);
        if text("cipherAlgorithm")? != "AES" || text("cipherChaining")? != "ChainingModeCBC" {
            return Err(UNKNOWN_WAY);
        }
        let key_bits: usize = text("keyBits")?.parse().map_err(|_| DAMAGED)?;
        Ok(Self {
            hash: Hash::from_name(text("hashAlgorithm")?).ok_or(UNKNOWN_WAY)?,
            key_bytes: key_bits / 8,
            salt: binary(attributes, "saltValue")?,
        })
    }

    fn derived(&self, password: &[u8], rounds: u32, block: [u8; 8]) -> Vec<u8> {
        let mut hash = self.hash.of(&[&self.salt, password]);
        for round in 0..rounds {
            hash = self.hash.of(&[&round.to_le_bytes(), &hash]);
        }
        let hash = self.hash.of(&[&hash, &block]);
        fitted::<64>(&hash, FILL)[..self.key_bytes.min(64)].to_vec()
    }

    fn iv(&self, block: &[u8]) -> [u8; BLOCK] {
        fitted(&self.hash.of(&[&self.salt, block]), FILL)
    }
}

fn attributes(element: &BytesStart<'_>) -> Result<Attributes, ParseError> {
    let mut found = Attributes::new();
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|_| DAMAGED)?;
        let name = attribute.key.local_name().as_ref().to_owned();
        found.insert(name, attribute.value.into_owned());
    }
    Ok(found)
}

fn binary(attributes: &Attributes, name: &str) -> Result<Vec<u8>, ParseError> {
    let text = attributes.get(name).ok_or(DAMAGED)?;
    BASE64_STANDARD.decode(text).map_err(|_| DAMAGED)
}
