//! Standard encryption: AES in single blocks under a key of SHA-1 ([MS-OFFCRYPTO] 2.3.4.5 to 2.3.4.9); Office 2007.

use super::UNKNOWN_WAY;
use super::crypto::{Aes, BLOCK, Hash, fitted};
use super::office::parts;
use crate::output::ParseError;

const ROUNDS: u32 = 50_000;
const DAMAGED: ParseError = ParseError::Corrupt("its encryption header is damaged");

/// The package. `info` is the whole stream, `password` in UTF-16.
pub(super) fn decrypt(info: &[u8], package: &[u8], password: &[u8]) -> Result<Vec<u8>, ParseError> {
    let header_bytes = number(info, 8)? as usize;
    let header = info
        .get(12..)
        .and_then(|rest| rest.get(..header_bytes))
        .ok_or(DAMAGED)?;
    let key_bytes = match number(header, 8)? {
        0x660e => 16,
        0x660f => 24,
        0x6610 => 32,
        _ => return Err(UNKNOWN_WAY),
    };
    let verifier = &info[12 + header_bytes..];
    let salt_bytes = number(verifier, 0)? as usize;
    let field = |from: usize, length: usize| {
        verifier
            .get(from..)
            .and_then(|rest| rest.get(..length))
            .ok_or(DAMAGED)
    };
    let salt = field(4, salt_bytes.min(64))?;
    let mut input = field(4 + salt.len(), BLOCK)?.to_vec();
    let mut hash = field(4 + salt.len() + BLOCK + 4, 32)?.to_vec();

    let aes = Aes::new(&key(password, salt, key_bytes)).ok_or(DAMAGED)?;
    aes.ecb(&mut input);
    aes.ecb(&mut hash);
    if Hash::Sha1.of(&[&input]) != hash[..20] {
        return Err(ParseError::Encrypted);
    }
    let (length, bytes) = parts(package)?;
    let mut plain = bytes.to_vec();
    aes.ecb(&mut plain);
    plain.truncate(length);
    Ok(plain)
}

fn key(password: &[u8], salt: &[u8], key_bytes: usize) -> Vec<u8> {
    let mut hash = Hash::Sha1.of(&[salt, password]);
    for round in 0..ROUNDS {
        hash = Hash::Sha1.of(&[&round.to_le_bytes(), &hash]);
    }
    // The block of the package has the number 0.
    let hash = Hash::Sha1.of(&[&hash, &[0; 4]]);
    let half = |pad: u8| {
        let mut buffer = [pad; 64];
        for (byte, hash) in buffer.iter_mut().zip(&hash) {
            *byte ^= hash;
        }
        Hash::Sha1.of(&[&buffer])
    };
    let both = [half(0x36), half(0x5c)].concat();
    fitted::<32>(&both, 0)[..key_bytes].to_vec()
}

fn number(bytes: &[u8], at: usize) -> Result<u32, ParseError> {
    let four = bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<4>())
        .ok_or(DAMAGED)?;
    Ok(u32::from_le_bytes(*four))
}
