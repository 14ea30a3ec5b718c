//! Hashes and ciphers as the formats name them.

use aes::cipher::{BlockCipherDecrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256, Block};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Bytes of an AES block.
pub(super) const BLOCK: usize = 16;

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By its name in Office files.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "SHA1" | "SHA-1" => Some(Self::Sha1),
            "SHA256" | "SHA-256" => Some(Self::Sha256),
            "SHA384" | "SHA-384" => Some(Self::Sha384),
            "SHA512" | "SHA-512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Of one text after the other.
    pub(super) fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut digest = D::new();
            for part in parts {
                digest.update(part);
            }
            digest.finalize().to_vec()
        }
        match self {
            Self::Sha1 => digest::<Sha1>(parts),
            Self::Sha256 => digest::<Sha256>(parts),
            Self::Sha384 => digest::<Sha384>(parts),
            Self::Sha512 => digest::<Sha512>(parts),
        }
    }

    /// Whether `mac` is what the key makes of a text.
    pub(super) fn verifies(self, key: &[u8], text: &[u8], mac: &[u8]) -> bool {
        macro_rules! verify {
            ($hash:ty) => {
                <Hmac<$hash> as KeyInit>::new_from_slice(key).is_ok_and(|mut made| {
                    made.update(text);
                    made.verify_slice(mac).is_ok()
                })
            };
        }
        match self {
            Self::Sha1 => verify!(Sha1),
            Self::Sha256 => verify!(Sha256),
            Self::Sha384 => verify!(Sha384),
            Self::Sha512 => verify!(Sha512),
        }
    }
}

/// AES with a key of any of its lengths.
pub(super) enum Aes {
    Of128(Aes128),
    Of192(Aes192),
    Of256(Aes256),
}

impl Aes {
    /// `None` for a key of another length.
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Aes128::new_from_slice(key).ok().map(Self::Of128),
            24 => Aes192::new_from_slice(key).ok().map(Self::Of192),
            32 => Aes256::new_from_slice(key).ok().map(Self::Of256),
            _ => None,
        }
    }

    fn block(&self, block: &mut Block) {
        match self {
            Self::Of128(aes) => aes.decrypt_block(block),
            Self::Of192(aes) => aes.decrypt_block(block),
            Self::Of256(aes) => aes.decrypt_block(block),
        }
    }

    /// Decrypts whole blocks, each by itself; what is left of the last one stays as it is.
    pub(super) fn ecb(&self, bytes: &mut [u8]) {
        for piece in bytes.chunks_exact_mut(BLOCK) {
            let mut block = block_of(piece);
            self.block(&mut block);
            piece.copy_from_slice(&block);
        }
    }

    /// Decrypts whole blocks in a chain that begins with `iv`.
    pub(super) fn cbc(&self, iv: [u8; BLOCK], bytes: &mut [u8]) {
        let mut before = iv;
        for piece in bytes.chunks_exact_mut(BLOCK) {
            let mut block = block_of(piece);
            let encrypted: [u8; BLOCK] = block.into();
            self.block(&mut block);
            for (byte, (plain, before)) in piece.iter_mut().zip(block.iter().zip(before)) {
                *byte = plain ^ before;
            }
            before = encrypted;
        }
    }
}

fn block_of(piece: &[u8]) -> Block {
    let mut bytes = [0; BLOCK];
    bytes.copy_from_slice(piece);
    Block::from(bytes)
}

/// The first bytes of a text, filled up where it is shorter.
pub(super) fn fitted<const N: usize>(bytes: &[u8], fill: u8) -> [u8; N] {
    let mut fitted = [fill; N];
    let length = bytes.len().min(N);
    fitted[..length].copy_from_slice(&bytes[..length]);
    fitted
}

/// As it stands in Office files: UTF-16, little endian.
pub(super) fn utf16(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::{Aes, Hash, fitted};

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits"))
            .collect()
    }

    /// NIST SP 800-38A, F.1.5 and F.2.5: ECB and CBC with AES-256.
    #[test]
    fn aes_is_aes() {
        let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let plain = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        let aes = Aes::new(&key).expect("a key");
        let mut ecb = hex("f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870");
        aes.ecb(&mut ecb);
        assert_eq!(ecb, plain);
        let mut cbc = hex("f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d");
        aes.cbc(fitted(&hex("000102030405060708090a0b0c0d0e0f"), 0), &mut cbc);
        assert_eq!(cbc, plain);
        assert!(Aes::new(&key[..20]).is_none());
    }

    /// FIPS 180-4 over `abc`, and RFC 4231, test case 2.
    #[test]
    fn hashes_are_hashes() {
        assert_eq!(
            Hash::Sha1.of(&[b"a", b"bc"]),
            hex("a9993e364706816aba3e25717850c26c9cd0d89d")
        );
        let mac = hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(Hash::Sha256.verifies(b"Jefe", b"what do ya want for nothing?", &mac));
        assert!(!Hash::Sha256.verifies(b"Jefe", b"what do ya want for something?", &mac));
    }
}
