//! Reading, writing and listing of many, large and foreign objects.

use std::sync::Arc;

use ids_core::ports::{BlobErrorKind, BlobStore};
use tokio::task::JoinSet;

use super::scripted::{Answer, Scripted};
use super::support::{Bucket, chain};
use crate::support::{key, put};

#[tokio::test]
async fn a_listing_of_thousands_is_read_page_by_page() {
    const COUNT: usize = 2_500;
    let bucket = Arc::new(Bucket::new().await);
    let mut writing = JoinSet::new();
    for worker in 0..8 {
        let bucket = Arc::clone(&bucket);
        writing.spawn(async move {
            for number in (worker..COUNT).step_by(8) {
                let object = format!("temp/org/{number:04}");
                let reply = bucket.signed("PUT", &object, &[], &[], b"x").await;
                assert_eq!(reply.status, 200);
            }
        });
    }
    writing.join_all().await;
    let store = bucket.store();
    let expected: Vec<String> = (0..COUNT).map(|number| format!("temp/org/{number:04}")).collect();

    // As the cleanup does it; then all at once, which takes three pages of the server.
    let mut reached = Vec::new();
    let mut pages = Vec::new();
    let mut last = None;
    loop {
        let page = store.list("temp/org/", last.as_ref(), 1_000).await.unwrap();
        pages.push(page.len());
        let Some((end, _)) = page.last() else { break };
        last = Some(end.clone());
        reached.extend(page.into_iter().map(|(key, _)| key.0));
    }
    let at_once = store.list("temp/", None, 10_000).await.unwrap();

    assert_eq!(pages, [1_000, 1_000, 500, 0]);
    assert_eq!(reached, expected);
    assert!(at_once.iter().map(|(key, _)| &key.0).eq(&expected));
    assert_eq!(store.list("temp/", None, 1_700).await.unwrap().len(), 1_700);
}

#[tokio::test]
async fn objects_of_others_with_odd_names_are_passed_over() {
    let bucket = Bucket::new().await;
    let store = bucket.store();
    for odd in [
        "a b", "a+b", "a%2Bb", "a&<b>\"'", "ação", "a=b?c#d", ".hidden", "folder/",
    ] {
        let reply = bucket
            .signed("PUT", &format!("temp/{odd}"), &[], &[], b"theirs")
            .await;
        assert_eq!(reply.status, 200, "{odd}");
    }
    for ours in ["temp/a", "temp/a-b", "temp/zz"] {
        put(&store, ours, b"ours").await;
    }

    for limit in [1, 2, 3, 100] {
        let mut reached = Vec::new();
        let mut last = None;
        loop {
            let page = store.list("temp/", last.as_ref(), limit).await.unwrap();
            let Some((end, _)) = page.last() else { break };
            last = Some(end.clone());
            reached.extend(page.into_iter().map(|(key, _)| key.0));
        }
        assert_eq!(reached, ["temp/a", "temp/a-b", "temp/zz"], "{limit} at a time");
    }
}

#[tokio::test]
async fn a_local_copy_goes_away_with_its_reader_and_nothing_stays_of_writers() {
    let bucket = Bucket::new().await;
    let store = bucket.store();
    let bytes: Vec<u8> = (0..3_000_001u32).map(|index| (index % 253) as u8).collect();
    put(&store, "originals/a", &bytes).await;
    assert_eq!(bucket.spooled(), 0, "what was sent");

    let local = store.open_local(&key("originals/a")).await.unwrap();
    let path = local.path().to_owned();
    // Another process that starts with the same folder takes no copy that is in use for a leftover.
    let _other = bucket.store();
    assert!(std::fs::read(&path).unwrap() == bytes);
    drop(local);

    assert!(!path.exists());
    let mut unfinished = store.create(&key("temp/unfinished")).await.unwrap();
    unfinished.write(&bytes).await.unwrap();
    assert_eq!(bucket.spooled(), 1);
    drop(unfinished);
    assert_eq!(bucket.spooled(), 0, "what was given up");

    bucket.remove_spool();
    put(&store, "originals/b", b"after a cleaner of temporary folders").await;
}

#[tokio::test]
async fn a_rename_to_itself_loses_nothing() {
    let bucket = Bucket::new().await;
    let store = bucket.store();
    put(&store, "originals/a", b"bytes").await;

    store
        .rename(&key("originals/a"), &key("originals/a"))
        .await
        .unwrap();

    assert_eq!(store.find(&key("originals/a")).await.unwrap(), Some(5));
    let absent = store
        .rename(&key("originals/b"), &key("originals/b"))
        .await
        .unwrap_err();
    assert_eq!(absent.kind(), BlobErrorKind::NotFound);
}

#[tokio::test]
async fn a_copy_that_fails_after_it_began_well_deletes_nothing() {
    let server = Scripted::start(|request, before| match request.method.as_str() {
        "PUT" if before == 0 => Answer::error(200, "SlowDown"),
        "PUT" => Answer::error(200, "AccessDenied"),
        _ => Answer::status(204),
    })
    .await;

    let error = server
        .store()
        .rename(&key("temp/a"), &key("originals/a"))
        .await
        .unwrap_err();

    assert_eq!(error.kind(), BlobErrorKind::Unavailable);
    assert!(chain(&error).contains("AccessDenied"), "{}", chain(&error));
    assert_eq!(server.calls(), ["PUT /docs/originals/a"; 2]);
}

#[tokio::test]
async fn a_writing_whose_reply_was_lost_is_known_again() {
    for is_ours in [true, false] {
        let written = std::sync::Mutex::new(String::new());
        let server = Scripted::start(move |request, before| match (request.method.as_str(), before) {
            ("HEAD", 0) => Answer::status(404),
            ("PUT", 0) => {
                assert_eq!(request.header("if-none-match"), Some("*"));
                assert_eq!(request.header("content-length"), Some("5"));
                // The SHA-256 of `bytes`.
                assert_eq!(
                    request.header("x-amz-checksum-sha256"),
                    Some("J3CJ2RwL308uaGK6fkoHYFEZQx9dE/cm3TUrBvGyBqk=")
                );
                *written.lock().unwrap() = request.header("x-amz-meta-ids-write").unwrap().to_owned();
                Answer::Hang
            }
            ("PUT", _) => Answer::error(412, "PreconditionFailed"),
            _ => {
                let id = if is_ours {
                    written.lock().unwrap().clone()
                } else {
                    "another's".to_owned()
                };
                let headers = vec![("x-amz-meta-ids-write", id), ("content-length", "5".to_owned())];
                Answer::Reply(200, headers, String::new())
            }
        })
        .await;
        let store = server.store();
        let mut writer = store.create(&key("temp/a")).await.unwrap();
        writer.write(b"bytes").await.unwrap();

        let committed = writer.commit().await;

        match committed {
            Ok(info) => assert!(is_ours && info.size == 5),
            Err(error) => assert!(!is_ours && error.kind() == BlobErrorKind::Conflict),
        }
    }
}

#[tokio::test]
async fn a_server_without_conditions_is_written_to_all_the_same() {
    let server = Scripted::start(|request, _| match request.method.as_str() {
        "HEAD" => Answer::status(404),
        _ if request.header("if-none-match").is_some() => Answer::error(501, "NotImplemented"),
        _ => Answer::status(200),
    })
    .await;

    put(&server.store(), "temp/a", b"bytes").await;

    assert_eq!(server.calls().len(), 3);
    assert_eq!(server.requests()[2].body, "bytes");
}

#[tokio::test]
async fn a_reply_that_ends_early_is_asked_for_again_and_never_taken_for_the_whole() {
    let cut = || Answer::Reply(200, vec![("content-length", "10".to_owned())], "bytes".to_owned());
    let server = Scripted::start(move |_, before| {
        if before == 0 {
            cut()
        } else {
            Answer::text(200, "ten bytes!")
        }
    })
    .await;
    let local = server.store().open_local(&key("temp/a")).await.unwrap();
    assert_eq!(std::fs::read(local.path()).unwrap(), b"ten bytes!");

    let server = Scripted::start(move |_, _| cut()).await;
    let error = server.store().open_local(&key("temp/a")).await.unwrap_err();
    assert_eq!(error.kind(), BlobErrorKind::Unavailable);
    assert_eq!(server.calls().len(), 3);
}

#[tokio::test]
async fn a_reply_whose_end_nobody_can_tell_is_refused() {
    let server =
        Scripted::start(|_, _| Answer::Raw("HTTP/1.1 200 x\r\nconnection: close\r\n\r\nperhaps more")).await;

    let error = server.store().open_local(&key("temp/a")).await.unwrap_err();

    assert!(chain(&error).contains("it tells no length"), "{}", chain(&error));
}

#[tokio::test]
async fn a_server_that_ignores_conditions_is_looked_at_before_it_is_written_to() {
    let server = Scripted::start(|_, _| Answer::text(200, "taken")).await;
    let store = server.store();
    let mut writer = store.create(&key("temp/a")).await.unwrap();
    writer.write(b"bytes").await.unwrap();

    let error = writer.commit().await.unwrap_err();

    assert_eq!(error.kind(), BlobErrorKind::Conflict);
    assert_eq!(server.calls(), ["HEAD /docs/temp/a"]);
}

#[tokio::test]
async fn a_full_server_is_told_from_one_that_is_away() {
    let server = Scripted::start(|request, _| match request.method.as_str() {
        "HEAD" => Answer::status(404),
        _ => Answer::error(507, "XMinioStorageFull"),
    })
    .await;
    let store = server.store();
    let mut writer = store.create(&key("temp/a")).await.unwrap();
    writer.write(b"bytes").await.unwrap();

    let error = writer.commit().await.unwrap_err();

    assert_eq!(error.kind(), BlobErrorKind::Full);
    assert_eq!(server.calls().len(), 2, "a full server is not asked again");
}

#[test]
fn a_spool_folder_that_others_can_look_into_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::Permissions::from_mode(0o755);
    let folder = tempfile::Builder::new().permissions(open).tempdir().unwrap();
    let connection = ids_testkit::services::s3();
    let config = super::support::config(connection, "docs", folder.path());
    let refused =
        ids_blobs::S3BlobStore::new(&config, std::sync::Arc::new(ids_testkit::ManualClock::default()));
    assert!(matches!(
        refused.err(),
        Some(ids_blobs::S3ConfigError::SpoolFolder { .. })
    ));
}
