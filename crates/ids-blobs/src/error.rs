//! What the system says of a file, in the words of the port.

use std::io;

use ids_core::ports::{BlobError, BlobErrorKind};

/// Which file could not be used, and for what. Names are keys or file names, never document text.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} `{name}`")]
struct FileFailure {
    action: &'static str,
    name: String,
    #[source]
    source: io::Error,
}

/// A key that no blob can have. Keys are made by the domain, so this is a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no blob key; keys are relative, of segments like `a-1.b_c` that start with no dot")]
struct InvalidKey(String);

/// Wraps an error of the file system: a full disk or quota is `Full`, all else `Unavailable`.
pub(crate) fn failed(action: &'static str, name: &str) -> impl FnOnce(io::Error) -> BlobError {
    let name = name.to_owned();
    move |source| {
        let kind = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BlobErrorKind::Full,
            _ => BlobErrorKind::Unavailable,
        };
        BlobError::with_source(kind, FileFailure { action, name, source })
    }
}

/// Refuses a key, or a prefix of keys.
pub(crate) fn invalid_key(key: &str) -> BlobError {
    BlobError::with_source(BlobErrorKind::Internal, InvalidKey(key.to_owned()))
}

/// Whether an error of the file system says that nothing has that name. `NotADirectory`: a blob has the name of one
/// of the folders on the way, so nothing can be behind it.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::{self, Write};

    use ids_core::ports::BlobErrorKind;

    use super::failed;

    const ENOENT: i32 = 2;
    const EACCES: i32 = 13;
    const EROFS: i32 = 30;
    #[cfg(target_os = "linux")]
    const EDQUOT: i32 = 122;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_from_other_errors() {
        // The kernel's own words: a write to this device fails with ENOSPC.
        let mut device = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let full = device.write_all(b"x").unwrap_err();

        assert_eq!(failed("write", "temp/a")(full).kind(), BlobErrorKind::Full);
        for (code, expected) in [
            (EDQUOT, BlobErrorKind::Full),
            (EACCES, BlobErrorKind::Unavailable),
            (EROFS, BlobErrorKind::Unavailable),
            (ENOENT, BlobErrorKind::Unavailable),
        ] {
            let error = failed("write", "temp/a")(io::Error::from_raw_os_error(code));
            assert_eq!(error.kind(), expected, "errno {code}");
        }
    }
}
