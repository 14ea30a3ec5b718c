//! Signed upload addresses: what they grant, and that nothing of it can be changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use ids_blobs::{FolderBlobStore, SigningKey};
use ids_core::document::{ContentType, Upload, UploadState};
use ids_core::id::{DocumentId, OrganizationId, UploadId};
use ids_core::ports::{BlobErrorKind, BlobStore};
use ids_core::time::Timestamp;
use uuid::Uuid;

use crate::support::{FixedClock, Folder, key};

#[test]
fn an_address_names_what_it_grants() {
    let folder = Folder::new();
    let store = folder.open();

    let signed = store.sign_upload(OrganizationId::DEFAULT, &upload()).unwrap();

    let (granted, signature) = signed.url.split_once("&signature=").unwrap();
    assert_eq!(
        granted,
        "/api/v1/uploads/00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-00000000000a\
         ?expires=1735693200&type=image%2Fsvg%2Bxml&length=1234"
    );
    assert_eq!(signature.len(), 64);
    assert_eq!(
        signed.headers,
        [("content-type".to_owned(), "image/svg+xml".to_owned())]
    );
}

#[test]
fn an_address_is_taken_as_given_and_however_its_values_are_encoded() {
    let folder = Folder::new();
    let store = folder.open();
    let query = signed_query(&store);
    let mut parts: Vec<&str> = query.split('&').collect();
    parts.reverse();

    for same in [
        query.clone(),
        parts.join("&"),
        query.replace("%2F", "/").replace("%2B", "+"),
        query.replace("%2F", "%2f"),
        query.replace("length=1234", "length=%31234"),
    ] {
        assert!(
            store.verify_upload(OrganizationId::DEFAULT, &upload(), &same),
            "{same}"
        );
    }
    // A process that shares the key (another replica, or this one restarted) takes it too.
    assert!(
        folder
            .open()
            .verify_upload(OrganizationId::DEFAULT, &upload(), &query)
    );
}

#[test]
fn a_changed_address_is_refused() {
    let folder = Folder::new();
    let store = folder.open();
    let query = signed_query(&store);
    let (granted, signature) = query.split_once("&signature=").unwrap();
    let flipped = if signature.starts_with('0') { "1" } else { "0" };

    for changed in [
        String::new(),
        "&".to_owned(),
        granted.to_owned(),
        format!("{granted}&signature="),
        format!("{granted}&signature=%"),
        format!("{granted}&signature=%f"),
        format!("{granted}&signature=%ff%fe"),
        format!("{granted}&signature={}", "0".repeat(64)),
        format!("{granted}&signature={}", &signature[..62]),
        format!("{granted}&signature={}", &signature[..63]),
        format!("{granted}&signature={signature}00"),
        format!("{granted}&signature={flipped}{}", &signature[1..]),
        query.replace("expires=1735693200", "expires=1735693201"),
        query.replace("expires=1735693200", "expires=01735693200"),
        query.replace("expires=1735693200", "expires=+1735693200"),
        query.replace("length=1234", "length=12345"),
        query.replace("length=1234", "length=-1"),
        query.replace("length=1234", "length"),
        query.replace("svg", "png"),
        query.replace("type=image", "type=Image"),
        query.replace("length=1234&", ""),
        query.replace("expires=", "Expires="),
        format!("{query}&length=1234"),
        format!("{query}&x=1"),
        format!("{query}&"),
        format!("?{query}"),
    ] {
        assert_ne!(changed, query);
        assert!(
            !store.verify_upload(OrganizationId::DEFAULT, &upload(), &changed),
            "{changed}"
        );
    }
}

#[test]
fn an_address_is_good_for_its_own_upload_only() {
    let folder = Folder::new();
    let store = folder.open();
    let query = signed_query(&store);
    let verify = |organization, upload| store.verify_upload(organization, &upload, &query);

    assert!(verify(OrganizationId::DEFAULT, upload()));
    assert!(
        !verify(OrganizationId::from_uuid(Uuid::from_u128(2)), upload()),
        "another organization"
    );
    let other_upload = UploadId::from_uuid(Uuid::from_u128(11));
    assert!(!verify(
        OrganizationId::DEFAULT,
        Upload {
            upload_id: other_upload,
            ..upload()
        }
    ));
    assert!(!verify(
        OrganizationId::DEFAULT,
        Upload {
            file_size: 1235,
            ..upload()
        }
    ));
    let other_type = ContentType::parse("image/png").unwrap();
    assert!(!verify(
        OrganizationId::DEFAULT,
        Upload {
            content_type: other_type,
            ..upload()
        }
    ));
    let later = Timestamp::from_micros(1_735_693_201_000_000);
    assert!(!verify(
        OrganizationId::DEFAULT,
        Upload {
            expires_at: later,
            ..upload()
        }
    ));

    let other_key = SigningKey::from_bytes([8; 32]);
    let other_store = FolderBlobStore::open(&folder.path(), other_key, Arc::new(FixedClock)).unwrap();
    assert!(
        !other_store.verify_upload(OrganizationId::DEFAULT, &upload(), &query),
        "another key"
    );
}

#[test]
fn the_key_file_is_made_once_and_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upload.key");
    let query_with_loaded_key = || {
        let loaded = SigningKey::load_or_create(&path).unwrap();
        let store =
            FolderBlobStore::open(&folder.path().join("blobs"), loaded, Arc::new(FixedClock)).unwrap();
        signed_query(&store)
    };

    let first = query_with_loaded_key();
    let bytes = fs::read(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let second = query_with_loaded_key();

    assert_eq!(first, second);
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(bytes.len(), 32);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["blobs", "upload.key"], "no draft is left");
}

#[test]
fn processes_that_start_at_once_share_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upload.key");
    let root = folder.path().join("blobs");
    let queries: Vec<String> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| SigningKey::load_or_create(&path).unwrap()))
            .collect();
        let keys = starts.into_iter().map(|start| start.join().unwrap());
        keys.map(|key| signed_query(&FolderBlobStore::open(&root, key, Arc::new(FixedClock)).unwrap()))
            .collect()
    });

    assert!(queries.iter().all(|query| *query == queries[0]));
}

#[test]
fn a_file_that_is_no_key_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upload.key");
    for bytes in [&b""[..], b"short", &[1; 33]] {
        fs::write(&path, bytes).unwrap();

        let refused = SigningKey::load_or_create(&path).unwrap_err();

        assert_eq!(refused.kind(), BlobErrorKind::Internal);
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_key_is_never_printed() {
    assert_eq!(format!("{:?}", SigningKey::from_bytes([7; 32])), "SigningKey(..)");
}

fn upload() -> Upload {
    Upload {
        upload_id: UploadId::from_uuid(Uuid::from_u128(10)),
        document_id: DocumentId::from_uuid(Uuid::from_u128(20)),
        content_type: ContentType::parse("image/svg+xml").unwrap(),
        file_size: 1234,
        filename: "brasão.svg".to_owned(),
        blob: key("temp/org/upload"),
        expires_at: Timestamp::from_micros(1_735_693_200_900_000),
        state: UploadState::Awaiting,
    }
}

fn signed_query(store: &FolderBlobStore) -> String {
    let url = store.sign_upload(OrganizationId::DEFAULT, &upload()).unwrap().url;
    url.split_once('?').unwrap().1.to_owned()
}
