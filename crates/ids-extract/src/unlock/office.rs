//! An Office file of 2007 or later inside an OLE container: how it is encrypted, and its package ([MS-OFFCRYPTO] 2.3.4).

use std::fs::File;

use super::crypto::utf16;
use super::{UNKNOWN_WAY, agile, standard};
use crate::ole::Ole;
use crate::output::ParseError;

const NO_PACKAGE: ParseError = ParseError::Corrupt("its encrypted package is damaged");

/// The package; `None` for an OLE file that holds none.
pub(super) fn unlock(file: File, password: &str) -> Result<Option<Vec<u8>>, ParseError> {
    let mut ole = Ole::open(file)?;
    let Some(info) = ole.stream("/EncryptionInfo") else {
        return Ok(None);
    };
    let package = ole.stream("/EncryptedPackage").ok_or(NO_PACKAGE)?;
    let version = info.first_chunk::<4>().ok_or(NO_PACKAGE)?;
    let password = utf16(password);
    let plain = match version {
        [4, 0, 4, 0] => agile::decrypt(info.get(8..).ok_or(NO_PACKAGE)?, &package, &password),
        [2..=4, 0, 2, 0] => standard::decrypt(&info, &package, &password),
        _ => Err(UNKNOWN_WAY),
    };
    plain.map(Some)
}

/// The length in front of a package, and the encrypted bytes behind it.
pub(super) fn parts(package: &[u8]) -> Result<(usize, &[u8]), ParseError> {
    let (length, bytes) = package.split_first_chunk::<8>().ok_or(NO_PACKAGE)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| NO_PACKAGE)?;
    if length > bytes.len() {
        return Err(NO_PACKAGE);
    }
    Ok((length, bytes))
}
