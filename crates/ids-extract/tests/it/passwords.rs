//! Files with passwords that programs of people made, and files that are no such thing any more.

use std::path::Path;

use ids_core::document::ContentType;
use ids_core::error::{ErrorCode, Failure};
use ids_core::password::Password;
use ids_core::ports::{Extractor, UnlockRequest};
use ids_testkit::contracts::extractor_contract::read;

use crate::support::{extractor, shared};

/// The unprotected copy.
async fn unlock(file: &Path, password: &str) -> Result<Option<Vec<u8>>, Failure> {
    let extractor = extractor();
    let content_type = extractor.detect(file, "x").await.ok();
    let request = UnlockRequest {
        file,
        filename: "x",
        content_type: content_type.as_ref(),
        password: &Password::new(password.to_owned()).unwrap(),
    };
    let Some(mut pieces) = extractor.unlock(request).await? else {
        return Ok(None);
    };
    let mut copy = Vec::new();
    while let Some(piece) = pieces.next().await? {
        copy.extend(piece);
    }
    Ok(Some(copy))
}

#[tokio::test]
async fn files_of_word_and_libreoffice_are_opened() {
    let Some(corpus) = shared("corpus") else { return };
    for (name, password, kind) in [
        (
            "libreoffice-writer-password.pdf",
            "openpassword",
            ContentType::PDF,
        ),
        ("testWORD_protected_passtika.docx", "tika", ContentType::DOCX),
        ("testODTEncrypted.odt", "tika", ContentType::ODT),
    ] {
        let file = corpus.join(name);
        let refused = unlock(&file, "errada").await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Encrypted, "{name}: {refused:?}");

        let copy = unlock(&file, password).await.unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let copied = folder.path().join("copy");
        std::fs::write(&copied, copy).unwrap();
        assert_eq!(
            extractor().detect(&copied, "x").await.unwrap().as_str(),
            kind,
            "{name}"
        );
        let document = read(&extractor(), &copied, "x").await.unwrap();
        assert!(!document.pages[0].text.trim().is_empty(), "{name}");
        // The copy is no protected file any more.
        assert_eq!(unlock(&copied, password).await.unwrap(), None, "{name}");
    }
}

/// One byte after the other: whatever the header says, an answer comes.
#[tokio::test]
async fn a_damaged_protected_file_is_a_clean_failure() {
    let bytes = include_bytes!("../../../ids-testkit/src/fixtures/locked.docx");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x");
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 0xff;
        std::fs::write(&file, &damaged).unwrap();
        match unlock(&file, "segredo").await {
            // What lies between the streams is of no account.
            Ok(_) => {}
            Err(failure) => assert!(
                matches!(failure.code, ErrorCode::Encrypted | ErrorCode::Corrupt),
                "{at}: {failure:?}"
            ),
        }
    }
    // The check over the whole package: its last byte lies in the last sector of its stream.
    let package = bytes.len() / 2;
    let mut changed = bytes.to_vec();
    changed[package] ^= 1;
    std::fs::write(&file, &changed).unwrap();
    assert!(
        unlock(&file, "segredo").await.is_err(),
        "a changed package is not taken for whole"
    );
}
