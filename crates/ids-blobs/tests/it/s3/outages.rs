//! Servers that are away, die in the middle, refuse or dawdle.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ids_blobs::{RetryPolicy, S3BlobStore, Secret};
use ids_core::ports::{BlobError, BlobErrorKind, BlobStore};
use ids_testkit::services::{PrivateS3, s3};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::scripted::{Answer, Scripted};
use super::support::{Bucket, chain};
use crate::support::{key, put};

/// What each method that reads says.
async fn refusals(store: &S3BlobStore) -> Vec<BlobError> {
    let a = key("temp/a");
    vec![
        store.find(&a).await.unwrap_err(),
        store.open_local(&a).await.unwrap_err(),
        store.list("temp/", None, 1).await.unwrap_err(),
        store.ping().await.unwrap_err(),
        store.pin(&a, &key("temp/b")).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn a_wrong_secret_is_told_in_the_servers_words_and_never_shown() {
    let bucket = Bucket::new().await;
    let secret = "a-secret-that-nobody-may-read";
    let store = bucket.store_with(|config| {
        config.secret_key = Secret::new(secret);
        assert!(!format!("{config:?}").contains(secret));
    });

    let mut refusals = refusals(&store).await;
    let mut writer = store.create(&key("temp/a")).await.unwrap();
    writer.write(b"bytes").await.unwrap();
    refusals.push(writer.commit().await.unwrap_err());
    refusals.push(store.delete(&key("temp/a")).await.unwrap_err());
    refusals.push(store.rename(&key("temp/a"), &key("temp/b")).await.unwrap_err());

    for refusal in refusals {
        assert_eq!(refusal.kind(), BlobErrorKind::Unavailable);
        let told = chain(&refusal);
        // A reply to HEAD has no text to take a code from.
        assert!(
            told.contains("SignatureDoesNotMatch") || told.contains("403 `AccessDenied`"),
            "{told}"
        );
        let shown = format!("{refusal:?} {told}");
        for hidden in [secret, bucket.connection.secret_key.as_str(), "Signature="] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_no_absent_blob() {
    let bucket = Bucket::absent((**s3()).clone());
    let store = bucket.store();

    for refusal in refusals(&store).await {
        assert_eq!(refusal.kind(), BlobErrorKind::Unavailable);
        assert!(chain(&refusal).contains("NoSuchBucket"), "{}", chain(&refusal));
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let free = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let bucket = Bucket::absent((**s3()).clone());
    let store = bucket.store_with(|config| config.endpoint = Some(free));

    for refusal in refusals(&store).await {
        assert_eq!(refusal.kind(), BlobErrorKind::Unavailable);
        assert!(
            chain(&refusal).contains("cannot be reached: "),
            "{}",
            chain(&refusal)
        );
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_not_for_ever() {
    let listing = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    let server = Scripted::start(move |_, before| match before {
        0 => Answer::error(503, "SlowDown"),
        1 => Answer::Hang,
        _ => Answer::text(200, listing),
    })
    .await;
    server.store().ping().await.unwrap();
    assert_eq!(server.calls(), ["GET /docs/"; 3]);

    let server = Scripted::start(|_, _| Answer::error(500, "InternalError")).await;
    let error = server.store().ping().await.unwrap_err();
    assert_eq!(error.kind(), BlobErrorKind::Unavailable);
    assert_eq!(server.calls().len(), 3);

    let server = Scripted::start(|_, _| Answer::error(403, "AccessDenied")).await;
    server.store().ping().await.unwrap_err();
    assert_eq!(server.calls().len(), 1, "a refusal stays one");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_once() {
    let server = Scripted::start(|_, _| Answer::Silence).await;

    let error = server.store().ping().await.unwrap_err();

    assert_eq!(error.kind(), BlobErrorKind::Unavailable);
    assert!(
        chain(&error).contains("took longer than 200ms to begin its reply"),
        "{}",
        chain(&error)
    );
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn a_server_that_takes_no_bytes_is_given_up() {
    // Accepts and never reads: what is sent fills the kernel's buffers.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut first = true;
        let mut kept = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            if std::mem::take(&mut first) {
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 404 x\r\nconnection: close\r\n\r\n")
                    .await;
            } else {
                kept.push(stream);
            }
        }
    });
    let bucket = Bucket::absent((**s3()).clone());
    let store = bucket.store_with(|config| {
        config.endpoint = Some(endpoint);
        config.deadlines.between_pieces = Duration::from_millis(200);
    });
    let mut writer = store.create(&key("temp/a")).await.unwrap();
    writer.write(&vec![7; 32 * 1_024 * 1_024]).await.unwrap();
    let begin = Instant::now();

    let error = writer.commit().await.unwrap_err();

    assert!(
        chain(&error).contains("to take the next piece"),
        "{}",
        chain(&error)
    );
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_leaves_nothing_half_and_is_used_again() {
    let server = Arc::new(Mutex::new(PrivateS3::start()));
    let connection = (**server.lock().unwrap()).clone();
    let bucket = Bucket::at(connection.clone()).await;
    let bytes: Vec<u8> = (0..8_000_000u32).map(|index| (index % 249) as u8).collect();
    put(&bucket.store(), "originals/there", &bytes).await;
    // Between the two stands what kills the server once 2 MB have passed.
    let killer = Arc::clone(&server);
    let (proxy, _tasks) = proxy(&connection.endpoint, 2_000_000, move || {
        killer.lock().unwrap().kill()
    })
    .await;
    let store = bucket.store_with(|config| config.endpoint = Some(proxy));

    let mut writer = store.create(&key("temp/new")).await.unwrap();
    writer.write(&bytes).await.unwrap();
    let put_error = writer.commit().await.unwrap_err();
    assert_eq!(
        put_error.kind(),
        BlobErrorKind::Unavailable,
        "{}",
        chain(&put_error)
    );
    assert_eq!(store.ping().await.unwrap_err().kind(), BlobErrorKind::Unavailable);
    server.lock().unwrap().restart();
    store.ping().await.unwrap();
    assert_eq!(store.find(&key("temp/new")).await.unwrap(), None);

    let read_error = store.open_local(&key("originals/there")).await.unwrap_err();
    assert_eq!(
        read_error.kind(),
        BlobErrorKind::Unavailable,
        "{}",
        chain(&read_error)
    );
    server.lock().unwrap().restart();
    // It answers before it finds its volumes again.
    let direct = bucket.store_with(|config| {
        config.retry = RetryPolicy {
            tries: 9,
            pause: Duration::from_millis(50),
        };
    });
    let local = direct.open_local(&key("originals/there")).await.unwrap();
    assert!(std::fs::read(local.path()).unwrap() == bytes);
    drop(local);
    put(&direct, "temp/new", &bytes).await;
    assert_eq!(bucket.spooled(), 0);
}

/// Passes bytes on, and calls `cut` in the middle of each connection over which `after` bytes have gone one way.
async fn proxy(endpoint: &str, after: u64, cut: impl Fn() + Send + Sync + 'static) -> (String, JoinSet<()>) {
    let upstream = endpoint.strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let cut: Arc<dyn Fn() + Send + Sync> = Arc::new(cut);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (client, _) = listener.accept().await.unwrap();
            // Dropped, a connection is closed: as if nobody listened here either.
            let Ok(server) = TcpStream::connect(&upstream).await else {
                continue;
            };
            let (client_reads, client_writes) = client.into_split();
            let (server_reads, server_writes) = server.into_split();
            connections.spawn(pass(client_reads, server_writes, after, Arc::clone(&cut)));
            connections.spawn(pass(server_reads, client_writes, after, Arc::clone(&cut)));
        }
    });
    (address, tasks)
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    after: u64,
    cut: Arc<dyn Fn() + Send + Sync>,
) {
    let mut passed = 0;
    let mut piece = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
        let before = passed;
        passed += length as u64;
        if before < after && passed >= after {
            cut();
        }
    }
}
