//! sha256 in the lower-case hexadecimal of assets.lock.

use std::path::Path;

use sha2::{Digest, Sha256};

/// The sum of `bytes`: 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether the file is there, readable, and has this sum.
pub fn is_intact(path: &Path, expected_sha256: &str) -> bool {
    std::fs::read(path).is_ok_and(|bytes| sha256(&bytes) == expected_sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_nothing_is_the_published_one() {
        assert_eq!(
            sha256(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn a_missing_file_and_a_changed_file_are_not_intact() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(!is_intact(&path, &sha256(b"right")));

        std::fs::write(&path, "wrong").unwrap();
        assert!(!is_intact(&path, &sha256(b"right")));

        std::fs::write(&path, "right").unwrap();
        assert!(is_intact(&path, &sha256(b"right")));
    }
}
