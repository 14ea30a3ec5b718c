//! Signed upload addresses: whoever holds one may send these bytes, of this type and length, to this upload, once.

use std::fmt::{self, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use ids_core::document::Upload;
use ids_core::id::OrganizationId;
use ids_core::ports::{BlobError, BlobErrorKind};
use sha2::Sha256;

use crate::error::failed;

const KEY_BYTES: usize = 32;
/// Separates these signatures from any other use the key may get.
const PURPOSE: &str = "ids upload 1";

/// The secret that signs upload addresses. Whoever replaces it invalidates the addresses that are out.
#[derive(Clone)]
pub struct SigningKey([u8; KEY_BYTES]);

impl SigningKey {
    /// Takes a key made elsewhere: 32 random bytes.
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads the key file, or makes one from the system's randomness, readable by its owner only. Two processes that
    /// start at once get the same key. Does file I/O on the calling thread: for start-up.
    ///
    /// # Errors
    /// `Internal` when the file holds something else than 32 bytes or there is no randomness; `Full`, `Unavailable`.
    pub fn load_or_create(path: &Path) -> Result<Self, BlobError> {
        let name = path.display().to_string();
        if let Some(key) = read(path, &name)? {
            return Ok(key);
        }
        create(path).map_err(failed("create", &name))?;
        read(path, &name)?.ok_or_else(|| failed("read", &name)(io::ErrorKind::NotFound.into()))
    }

    /// The address of an upload, relative to this server.
    pub(crate) fn sign(&self, organization: OrganizationId, upload: &Upload) -> Result<String, BlobError> {
        let mac = self
            .mac(organization, upload)
            .ok_or_else(|| BlobError::new(BlobErrorKind::Internal))?
            .finalize()
            .into_bytes();
        let mut url = format!(
            "/api/v1/uploads/{organization}/{}?expires={}&type={}&length={}&signature=",
            upload.upload_id,
            upload.expires_at.as_unix_seconds(),
            percent_encode(upload.content_type.as_str()),
            upload.file_size,
        );
        for byte in mac {
            // Writing to a `String` never fails.
            let _ = write!(url, "{byte:02x}");
        }
        Ok(url)
    }

    /// Whether a query string is that of the address signed for `upload`, whatever the order and percent-encoding of
    /// its parameters. None may be missing, doubled, added or changed. The signature is compared in constant time.
    pub(crate) fn verify(&self, organization: OrganizationId, upload: &Upload, query: &str) -> bool {
        let Some(given) = SignedQuery::parse(query) else {
            return false;
        };
        let announced_values = given.expires == upload.expires_at.as_unix_seconds().to_string()
            && given.content_type == upload.content_type.as_str()
            && given.length == upload.file_size.to_string();
        let Some(signature) = decode_hex(&given.signature) else {
            return false;
        };
        let Some(mac) = self.mac(organization, upload) else {
            return false;
        };
        mac.verify_slice(&signature).is_ok() && announced_values
    }

    /// The code over everything an address grants, one a line: none of the values can hold a line feed. `None` never
    /// happens, since HMAC takes keys of any length, but the library cannot say so in a type.
    fn mac(&self, organization: OrganizationId, upload: &Upload) -> Option<Hmac<Sha256>> {
        let message = format!(
            "{PURPOSE}\n{organization}\n{}\n{}\n{}\n{}",
            upload.upload_id,
            upload.expires_at.as_unix_seconds(),
            upload.content_type,
            upload.file_size,
        );
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(message.as_bytes());
        Some(mac)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "`{name}` is no key for signing, which has {KEY_BYTES} bytes; remove it, and a new one is made at the next start"
)]
struct NotAKey {
    name: String,
}

fn read(path: &Path, name: &str) -> Result<Option<SigningKey>, BlobError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", name)(error)),
    };
    let mut bytes = Vec::with_capacity(KEY_BYTES + 1);
    file.take(KEY_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed("read", name))?;
    let key = <[u8; KEY_BYTES]>::try_from(bytes.as_slice()).map_err(|_| {
        BlobError::with_source(
            BlobErrorKind::Internal,
            NotAKey {
                name: name.to_owned(),
            },
        )
    })?;
    // A key restored from a backup may have come back readable by all.
    let mode = fs::metadata(path)
        .map_err(failed("read", name))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed("protect", name))?;
    }
    Ok(Some(SigningKey(key)))
}

/// Writes a new key beside its place and links it there, so that nobody ever reads half a key; one that another
/// process put there meanwhile stays.
fn create(path: &Path) -> io::Result<()> {
    let mut random = [0u8; KEY_BYTES + 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let (key, suffix) = random.split_at(KEY_BYTES);
    let suffix: String = suffix.iter().map(|byte| format!("{byte:02x}")).collect();
    let draft = path.with_extension(format!("{suffix}.new"));

    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let placed =
        file.write_all(key)
            .and_then(|()| file.sync_all())
            .and_then(|()| match fs::hard_link(&draft, path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                result => result,
            });
    // A draft that cannot be removed is an unused file of 32 bytes.
    let _ = fs::remove_file(&draft);
    placed?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// The parameters of a signed address, decoded.
struct SignedQuery {
    expires: String,
    content_type: String,
    length: String,
    signature: String,
}

impl SignedQuery {
    /// `None` unless each parameter is there exactly once and there is no other.
    fn parse(query: &str) -> Option<Self> {
        let [mut expires, mut content_type, mut length, mut signature] = [None, None, None, None];
        for parameter in query.split('&') {
            let (name, value) = parameter.split_once('=')?;
            let place = match name {
                "expires" => &mut expires,
                "type" => &mut content_type,
                "length" => &mut length,
                "signature" => &mut signature,
                _ => return None,
            };
            if place.replace(percent_decode(value)?).is_some() {
                return None;
            }
        }
        Some(Self {
            expires: expires?,
            content_type: content_type?,
            length: length?,
            signature: signature?,
        })
    }
}

/// Encodes all but the unreserved characters of RFC 3986, so that `/` and `+` survive every client and proxy.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => (hex_digit(bytes.next()?)? << 4) | hex_digit(bytes.next()?)?,
            _ => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|&[high, low]| Some((hex_digit(high)? << 4) | hex_digit(low)?))
        .collect()
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
