//! What every [`BlobStore`] promises, one function a clause of the port's doc.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::any::Any;
use std::fs;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ids_core::document::{BlobKey, ContentHash, ContentType, Upload, UploadState};
use ids_core::id::{DocumentId, OrganizationId, UploadId};
use ids_core::ports::{BlobErrorKind, BlobInfo, BlobStore, BlobWriter, Clock, SignedUpload};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Files whose time is set by another machine's clock (a bucket's) may differ from ours by this much.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Sends bytes to a signed address, with the headers that came with it, and gives the status of the reply.
pub type SendDirect =
    Box<dyn Fn(SignedUpload, Vec<u8>) -> Pin<Box<dyn Future<Output = u16> + Send>> + Send + Sync>;

/// An empty store of one test.
pub struct BlobStoreFixture {
    /// The store.
    pub store: Arc<dyn BlobStore>,
    /// The clock its times are compared with.
    pub clock: Arc<dyn Clock>,
    /// How bytes are sent to a signed address, where another server receives them.
    pub direct: Option<SendDirect>,
    /// What must live as long as the store: a temporary folder, a container.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// BlobStore, clause 1: a blob is there whole or not at all.
pub async fn a_writer_dropped_before_commit_leaves_nothing(fixture: &BlobStoreFixture) {
    let store = &*fixture.store;
    let key = key("temp/org/dropped");

    let mut untouched = store.create(&key).await.unwrap();
    untouched.write(&[]).await.unwrap();
    drop(untouched);
    let mut large = store.create(&key).await.unwrap();
    large.write(&pattern(700_000)).await.unwrap();
    assert_eq!(
        store.find(&key).await.unwrap(),
        None,
        "not visible while it is written"
    );
    drop(large);

    assert_eq!(store.find(&key).await.unwrap(), None);
    assert_eq!(
        store.open_local(&key).await.unwrap_err().kind(),
        BlobErrorKind::NotFound
    );
    assert_eq!(store.list("", None, 10).await.unwrap(), []);
    put(store, &key, b"whole").await;
    assert_eq!(read(store, &key).await, b"whole", "the key stayed free");
}

/// BlobStore, clause 2: `commit` reports length and SHA-256 of exactly the bytes written.
pub async fn commit_reports_length_and_hash_of_exactly_the_bytes_written(fixture: &BlobStoreFixture) {
    let store = &*fixture.store;
    for (name, size, piece) in [
        ("empty", 0, 1),
        ("one", 1, 1),
        ("odd-pieces", 600_001, 7_777),
        ("at-once", 600_001, 600_001),
    ] {
        let key = key(&format!("temp/org/{name}"));
        let bytes = pattern(size);
        let mut writer = store.create(&key).await.unwrap();
        for part in bytes.chunks(piece) {
            writer.write(part).await.unwrap();
        }

        let info = writer.commit().await.unwrap();

        assert_eq!(
            info,
            BlobInfo {
                size: size as u64,
                hash: hash_of(&bytes)
            },
            "{name}"
        );
        assert_eq!(store.find(&key).await.unwrap(), Some(size as u64), "{name}");
        assert!(read(store, &key).await == bytes, "{name}: other bytes came back");
    }
}

/// BlobStore, clause 3: a second `create` of a key fails at commit and leaves the first bytes.
pub async fn a_key_is_written_once(fixture: &BlobStoreFixture) {
    let store = &*fixture.store;
    let key = key("temp/org/once");
    let mut earlier = store.create(&key).await.unwrap();
    earlier.write(b"begun first, committed last").await.unwrap();
    put(store, &key, b"first").await;
    let mut later = store.create(&key).await.unwrap();
    later.write(b"second").await.unwrap();

    for writer in [later, earlier] {
        assert_eq!(writer.commit().await.unwrap_err().kind(), BlobErrorKind::Conflict);
        assert_eq!(read(store, &key).await, b"first");
    }
    assert_eq!(
        keys(store, "").await,
        ["temp/org/once"],
        "the losers left nothing"
    );
}

/// BlobStore, clause 4: `delete` of what is not there is no error.
pub async fn delete_is_idempotent(fixture: &BlobStoreFixture) {
    let store = &*fixture.store;
    let (gone, neighbor) = (key("temp/org/gone"), key("temp/org/neighbor"));
    put(store, &gone, b"bytes").await;
    put(store, &neighbor, b"bytes").await;

    store.delete(&gone).await.unwrap();
    store.delete(&gone).await.unwrap();
    store.delete(&key("never/was/there")).await.unwrap();
    // A part of the way to a blob is no blob.
    store.delete(&key("temp/org")).await.unwrap();

    assert_eq!(store.find(&gone).await.unwrap(), None);
    assert_eq!(keys(store, "").await, ["temp/org/neighbor"]);
    put(store, &gone, b"again").await;
    assert_eq!(read(store, &gone).await, b"again");
}

/// BlobStore, clause 5: `rename` moves a blob, and is no error when only the target is there.
pub async fn rename_moves_and_may_be_repeated(fixture: &BlobStoreFixture) {
    let store = &*fixture.store;
    let (from, to) = (key("temp/org/upload"), key("originals/org/version"));
    put(store, &from, b"original").await;

    for _ in 0..2 {
        store.rename(&from, &to).await.unwrap();

        assert_eq!(store.find(&from).await.unwrap(), None);
        assert_eq!(read(store, &to).await, b"original");
    }
    let neither = store
        .rename(&from, &key("originals/org/other"))
        .await
        .unwrap_err();
    assert_eq!(neither.kind(), BlobErrorKind::NotFound);
    assert_eq!(keys(store, "").await, ["originals/org/version"]);
}

/// BlobStore, clause 6: `list` names keys under a prefix with their age.
pub async fn list_names_keys_under_a_prefix_with_their_age(fixture: &BlobStoreFixture) {
    let store = &*fixture.store;
    let before = fixture.clock.now().minus(CLOCK_TOLERANCE);
    for name in [
        "temp/b/2",
        "temp/a/1",
        "temp/a-b/3",
        "temp/a/10",
        "originals/a/1",
        "temporary/1",
    ] {
        put(store, &key(name), b"bytes").await;
    }
    let mut unfinished = store.create(&key("temp/a/unfinished")).await.unwrap();
    unfinished.write(b"bytes").await.unwrap();
    let after = fixture.clock.now().plus(CLOCK_TOLERANCE);

    for (prefix, expected) in [
        ("temp/", &["temp/a-b/3", "temp/a/1", "temp/a/10", "temp/b/2"][..]),
        ("temp/a/", &["temp/a/1", "temp/a/10"]),
        ("temp/a/1", &["temp/a/1", "temp/a/10"]),
        ("originals/", &["originals/a/1"]),
        ("temp/c/", &[]),
        ("temp/a/1/", &[]),
    ] {
        assert_eq!(keys(store, prefix).await, expected, "{prefix}");
    }
    assert_eq!(store.list("temp/", None, 0).await.unwrap(), []);
    assert_eq!(store.list("temp/", None, 3).await.unwrap().len(), 3);
    // One at a time, each behind the one before, reaches each once; in one folder in the order of their bytes.
    let mut reached = one_by_one(store, "temp/").await;
    reached.sort_unstable();
    assert_eq!(reached, ["temp/a-b/3", "temp/a/1", "temp/a/10", "temp/b/2"]);
    assert_eq!(one_by_one(store, "temp/a/").await, ["temp/a/1", "temp/a/10"]);
    for (key, changed_at) in store.list("", None, 100).await.unwrap() {
        assert!(
            (before..=after).contains(&changed_at),
            "{key:?} changed at {changed_at:?}"
        );
    }
}

/// BlobStore, clause 7: a key never leads outside the store.
pub async fn a_key_never_leads_outside(fixture: &BlobStoreFixture) {
    let store = &*fixture.store;
    let inside = key("temp/org/inside");
    put(store, &inside, b"inside").await;
    let long = "a".repeat(2_000);
    for outside in [
        "",
        "/",
        "..",
        ".",
        "/etc/passwd",
        "../outside",
        "temp/../../outside",
        "temp/../inside",
        "temp/./inside",
        "temp//inside",
        "temp/",
        "temp/..",
        ".hidden",
        "temp/.hidden",
        "temp\\..\\outside",
        "temp/a b",
        "temp/%2e%2e/outside",
        "temp/a\0b",
        "temp/a\nb",
        "temp/ação",
        &long,
    ] {
        let outside = key(outside);
        let kinds = [
            store.create(&outside).await.err().map(|error| error.kind()),
            store.find(&outside).await.err().map(|error| error.kind()),
            store.open_local(&outside).await.err().map(|error| error.kind()),
            store
                .rename(&inside, &outside)
                .await
                .err()
                .map(|error| error.kind()),
            store
                .rename(&outside, &inside)
                .await
                .err()
                .map(|error| error.kind()),
            store.delete(&outside).await.err().map(|error| error.kind()),
        ];
        assert_eq!(kinds, [Some(BlobErrorKind::Internal); 6], "{outside:?}");
    }
    for prefix in [
        "/",
        "../",
        "temp/../",
        "temp//",
        "..",
        ".",
        "/etc/",
        "temp/../../",
    ] {
        let refused = store.list(prefix, None, 10).await.unwrap_err();
        assert_eq!(refused.kind(), BlobErrorKind::Internal, "{prefix}");
    }
    assert_eq!(read(store, &inside).await, b"inside");
    assert_eq!(keys(store, "").await, ["temp/org/inside"]);
}

/// BlobStore, clause 8: what another server received is pinned once and out of reach of its address; where none
/// receives, `pin` finds nothing.
pub async fn what_was_received_is_pinned_once(fixture: &BlobStoreFixture) {
    let store = &*fixture.store;
    let bytes = pattern(300_000);
    let upload = upload(fixture.clock.as_ref(), bytes.len() as u64);
    let (pinned, other) = (key("temp/org/pinned"), key("temp/org/other"));
    assert_eq!(
        store.pin(&upload.blob, &pinned).await.unwrap(),
        None,
        "nothing came yet"
    );
    let signed = store.sign_upload(organization(), &upload).unwrap();
    let Some(send) = &fixture.direct else {
        assert_eq!(store.upload_origin(), None);
        assert!(signed.url.starts_with('/'), "{}", signed.url);
        put(store, &upload.blob, &bytes).await;
        assert_eq!(store.pin(&upload.blob, &pinned).await.unwrap(), None);
        assert_eq!(read(store, &upload.blob).await, bytes, "it stays where it was");
        return;
    };
    let origin = store.upload_origin().expect("another server receives");
    assert!(signed.url.starts_with(&format!("{origin}/")), "{}", signed.url);
    assert!(!store.verify_upload(organization(), &upload, &signed.url));
    assert_eq!(send(signed.clone(), bytes.clone()).await, 200);

    let info = store.pin(&upload.blob, &pinned).await.unwrap();

    let expected = Some(BlobInfo {
        size: bytes.len() as u64,
        hash: hash_of(&bytes),
    });
    assert_eq!(info, expected);
    assert_eq!(store.find(&upload.blob).await.unwrap(), None);
    assert_eq!(
        store.pin(&upload.blob, &pinned).await.unwrap(),
        expected,
        "the same once more"
    );
    assert_eq!(
        store.pin(&upload.blob, &other).await.unwrap(),
        None,
        "nothing is left to take"
    );

    let mut changed = bytes.clone();
    changed.reverse();
    assert_eq!(
        send(signed, changed).await,
        200,
        "the address works until it expires"
    );
    assert!(read(store, &pinned).await == bytes, "but reaches nothing pinned");
    assert_eq!(store.pin(&upload.blob, &pinned).await.unwrap(), expected);
    assert!(read(store, &pinned).await == bytes);
    assert_eq!(keys(store, "").await, ["temp/org/pinned"]);
}

/// A store that is there says so, and leaves nothing behind.
pub async fn ping_leaves_nothing(fixture: &BlobStoreFixture) {
    let store = &*fixture.store;

    store.ping().await.unwrap();

    assert_eq!(store.list("", None, 10).await.unwrap(), []);
}

/// Runs every clause against an adapter: `blob_store_contract!(make);`, where `make` is an `async fn` without
/// arguments that returns a new [`BlobStoreFixture`].
#[macro_export]
macro_rules! blob_store_contract {
    ($make:path) => {
        $crate::blob_store_contract! { @clauses $make:
            a_writer_dropped_before_commit_leaves_nothing
            commit_reports_length_and_hash_of_exactly_the_bytes_written
            a_key_is_written_once
            delete_is_idempotent
            rename_moves_and_may_be_repeated
            list_names_keys_under_a_prefix_with_their_age
            a_key_never_leads_outside
            what_was_received_is_pinned_once
            ping_leaves_nothing
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let fixture = $make().await;
                $crate::contracts::blob_store_contract::$clause(&fixture).await;
            }
        )+
    };
}

fn key(name: &str) -> BlobKey {
    BlobKey(name.to_owned())
}

async fn put(store: &dyn BlobStore, key: &BlobKey, bytes: &[u8]) -> BlobInfo {
    let mut writer: Box<dyn BlobWriter> = store.create(key).await.unwrap();
    writer.write(bytes).await.unwrap();
    writer.commit().await.expect("the key is free")
}

async fn read(store: &dyn BlobStore, key: &BlobKey) -> Vec<u8> {
    let local = store.open_local(key).await.unwrap();
    fs::read(local.path()).unwrap()
}

/// Keys under a prefix, in the order of their bytes.
async fn keys(store: &dyn BlobStore, prefix: &str) -> Vec<String> {
    let mut keys: Vec<String> = store
        .list(prefix, None, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|(key, _)| key.0)
        .collect();
    keys.sort_unstable();
    keys
}

/// All keys under a prefix, each asked for behind the one before.
async fn one_by_one(store: &dyn BlobStore, prefix: &str) -> Vec<String> {
    let mut reached: Vec<String> = Vec::new();
    let mut last = None;
    while let Some((key, _)) = store.list(prefix, last.as_ref(), 1).await.unwrap().pop() {
        assert!(!reached.contains(&key.0), "{key:?} came twice");
        reached.push(key.0.clone());
        last = Some(key);
    }
    reached
}

/// An upload that was announced just now.
pub fn upload(clock: &dyn Clock, file_size: u64) -> Upload {
    Upload {
        upload_id: UploadId::from_uuid(Uuid::from_u128(1)),
        document_id: DocumentId::from_uuid(Uuid::from_u128(2)),
        content_type: ContentType::parse("application/pdf").unwrap(),
        file_size,
        filename: "edital.pdf".to_owned(),
        blob: key("temp/org/announced"),
        expires_at: clock.now().plus(Duration::from_secs(600)),
        state: UploadState::Awaiting,
    }
}

/// Whose it is.
pub fn organization() -> OrganizationId {
    OrganizationId::from_uuid(Uuid::from_u128(3))
}

/// Bytes that differ from place to place, so that a swapped or doubled piece shows.
fn pattern(size: usize) -> Vec<u8> {
    (0..size)
        .map(|index| (index % 251) as u8 ^ (index / 65_536) as u8)
        .collect()
}

fn hash_of(bytes: &[u8]) -> ContentHash {
    ContentHash::from_bytes(Sha256::digest(bytes).into())
}
