//! A library that is moved takes its bytes along: from the folder into a bucket, and back.

use std::sync::Arc;

use ids_blobs::StoreToStore;
use ids_core::moving::{BytesCopied, CopyBytes};
use ids_core::ports::BlobStore;

use super::support::Bucket;
use crate::support::{Folder, key, put};

async fn text(store: &dyn BlobStore, name: &str) -> Vec<u8> {
    let local = store.open_local(&key(name)).await.unwrap();
    std::fs::read(local.path()).unwrap()
}

fn copied(outcome: BytesCopied) -> u64 {
    match outcome {
        BytesCopied::Copied(info) => info.size,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bytes_go_into_a_bucket_and_back() {
    let (here, back, bucket) = (Folder::new(), Folder::new(), Bucket::new().await);
    let folder: Arc<dyn BlobStore> = Arc::new(here.open());
    let target: Arc<dyn BlobStore> = Arc::new(bucket.store());
    let home: Arc<dyn BlobStore> = Arc::new(back.open());
    let bytes = b"palavra ".repeat(100_000);
    put(folder.as_ref(), "originals/a/1", &bytes).await;
    let size = bytes.len() as u64;

    let out = StoreToStore {
        source: Arc::clone(&folder),
        target: Arc::clone(&target),
    };
    let (from, to) = (key("originals/a/1"), key("originals/b/1"));
    assert_eq!(copied(out.copy(&from, &to, size).await.unwrap()), size);
    assert_eq!(out.copy(&from, &to, size).await.unwrap(), BytesCopied::Present);
    assert_eq!(
        out.copy(&key("originals/a/2"), &to, 1).await.unwrap(),
        BytesCopied::Missing
    );
    assert_eq!(text(target.as_ref(), "originals/b/1").await, bytes);

    let return_way = StoreToStore {
        source: target,
        target: Arc::clone(&home),
    };
    assert_eq!(copied(return_way.copy(&to, &from, size).await.unwrap()), size);
    assert_eq!(text(home.as_ref(), "originals/a/1").await, bytes);

    // Other bytes under the key of a version are replaced by those of the version.
    put(home.as_ref(), "originals/a/3", b"other").await;
    let again = return_way.copy(&to, &key("originals/a/3"), size).await.unwrap();
    assert_eq!(copied(again), size);
}
