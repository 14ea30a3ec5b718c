//! Signed addresses of a bucket: what they grant, and how the bytes are taken away from them.

use std::sync::Arc;
use std::time::Duration;

use ids_blobs::{PathStyle, S3BlobStore};
use ids_core::ports::{BlobErrorKind, BlobStore, Clock};
use ids_core::time::Timestamp;
use ids_testkit::contracts::blob_store_contract::{organization, upload};

use super::raw;
use super::scripted::{Answer, Scripted};
use super::support::{Bucket, SystemClock};
use crate::support::{key, put};

const PDF: (&str, &str) = ("content-type", "application/pdf");

#[tokio::test]
async fn an_address_takes_the_announced_type_and_length_and_no_other() {
    let bucket = Bucket::new().await;
    let store = bucket.store();
    let upload = upload(&SystemClock, 5);
    let url = store.sign_upload(organization(), &upload).unwrap().url;

    let other_key = url.replace("announced", "unannounced");
    let longer = url.replace("X-Amz-Expires=", "X-Amz-Expires=9");
    for (what, method, url, headers, body) in [
        (
            "another type",
            "PUT",
            &url,
            &[("content-type", "text/html")][..],
            &b"%PDF-"[..],
        ),
        ("no type", "PUT", &url, &[], b"%PDF-"),
        ("more bytes", "PUT", &url, &[PDF], b"%PDF-1"),
        ("fewer bytes", "PUT", &url, &[PDF], b"%PDF"),
        ("reading", "GET", &url, &[PDF], b""),
        ("deleting", "DELETE", &url, &[PDF], b""),
        ("another key", "PUT", &other_key, &[PDF], b"%PDF-"),
        ("a longer life", "PUT", &longer, &[PDF], b"%PDF-"),
    ] {
        assert_eq!(raw::send(method, url, headers, body).await.status, 403, "{what}");
    }
    assert_eq!(store.list("", None, 10).await.unwrap(), []);

    assert_eq!(raw::send("PUT", &url, &[PDF], b"%PDF-").await.status, 200);
    assert_eq!(store.find(&upload.blob).await.unwrap(), Some(5));
}

#[tokio::test]
async fn an_address_ends_with_its_upload() {
    struct Earlier;
    impl Clock for Earlier {
        fn now(&self) -> Timestamp {
            SystemClock.now().minus(Duration::from_secs(660))
        }
    }
    let bucket = Bucket::new().await;
    let store = S3BlobStore::new(&bucket.config(), Arc::new(Earlier)).unwrap();

    // Announced eleven minutes ago, for ten.
    let url = store
        .sign_upload(organization(), &upload(&Earlier, 5))
        .unwrap()
        .url;

    let reply = raw::send("PUT", &url, &[PDF], b"%PDF-").await;
    assert_eq!(reply.status, 403);
    assert!(reply.text.contains("expired"), "{}", reply.text);
}

#[tokio::test]
async fn an_address_names_the_public_endpoint_and_what_is_signed() {
    let bucket = Bucket::absent((**ids_testkit::services::s3()).clone());
    for (endpoint, style, url_begin, origin) in [
        (
            "https://files.example.org",
            PathStyle::Auto,
            "https://files.example.org/docs-1/temp/org/announced?",
            "https://files.example.org",
        ),
        (
            "https://files.example.org:8443/s3",
            PathStyle::Auto,
            "https://files.example.org:8443/s3/docs-1/temp/",
            "https://files.example.org:8443",
        ),
        (
            "https://docs-1.fra1.example.com",
            PathStyle::Auto,
            "https://docs-1.fra1.example.com/temp/",
            "https://docs-1.fra1.example.com",
        ),
        (
            "https://fra1.example.com",
            PathStyle::VirtualHost,
            "https://docs-1.fra1.example.com/temp/",
            "https://docs-1.fra1.example.com",
        ),
    ] {
        let store = bucket.store_with(|config| {
            config.bucket = "docs-1".to_owned();
            config.public_endpoint = Some(endpoint.to_owned());
            config.path_style = style;
            if style == PathStyle::VirtualHost {
                config.endpoint = None;
            }
        });
        let signed = store
            .sign_upload(organization(), &upload(&SystemClock, 1_234))
            .unwrap();
        assert!(signed.url.starts_with(url_begin), "{}", signed.url);
        assert!(
            signed
                .url
                .contains("X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost&"),
            "{}",
            signed.url
        );
        // As many seconds as are left, of which one may be gone.
        assert!(signed.url.contains("X-Amz-Expires=600&") || signed.url.contains("X-Amz-Expires=599&"));
        assert_eq!(
            signed.headers,
            [("content-type".to_owned(), "application/pdf".to_owned())]
        );
        assert_eq!(store.upload_origin().as_deref(), Some(origin));
    }
}

#[tokio::test]
async fn pinning_goes_on_wherever_it_was_broken_off() {
    let bucket = Bucket::new().await;
    let store = bucket.store();
    let (from, to) = (key("temp/org/upload"), key("temp/org/version"));
    // After the copy, before the deletion; meanwhile someone sent other bytes.
    put(&store, "temp/org/version", b"copied").await;
    put(&store, "temp/org/upload", b"sent later").await;

    for _ in 0..2 {
        let info = store.pin(&from, &to).await.unwrap().unwrap();

        assert_eq!(info.size, 6);
        assert_eq!(store.find(&from).await.unwrap(), None);
    }
    let same = store.pin(&to, &to).await.unwrap_err();
    assert_eq!(
        same.kind(),
        BlobErrorKind::Internal,
        "a blob is not pinned to itself"
    );
    assert_eq!(store.find(&to).await.unwrap(), Some(6));
}

#[tokio::test]
async fn an_upload_that_is_overwritten_while_it_is_pinned_is_a_conflict() {
    // A server that keeps the condition on copies refuses; one that does not copies other bytes than were looked at.
    for keeps_condition in [true, false] {
        let server = Scripted::start(move |request, _| match request.method.as_str() {
            "HEAD" if request.path.ends_with("/upload") => {
                let headers = vec![("etag", "\"one\"".to_owned()), ("content-length", "3".to_owned())];
                Answer::Reply(200, headers, String::new())
            }
            "HEAD" => Answer::status(404),
            "PUT" => {
                assert_eq!(request.header("x-amz-copy-source"), Some("/docs/temp/upload"));
                assert_eq!(request.header("x-amz-copy-source-if-match"), Some("\"one\""));
                if keeps_condition {
                    Answer::error(412, "PreconditionFailed")
                } else {
                    Answer::text(200, "<CopyObjectResult/>")
                }
            }
            "GET" => Answer::text(200, "other"),
            _ => Answer::status(204),
        })
        .await;

        let error = server
            .store()
            .pin(&key("temp/upload"), &key("temp/version"))
            .await
            .unwrap_err();

        assert_eq!(error.kind(), BlobErrorKind::Conflict);
        let deleted: Vec<String> = server
            .calls()
            .into_iter()
            .filter(|call| call.starts_with("DELETE"))
            .collect();
        let expected: &[&str] = if keeps_condition {
            &[]
        } else {
            &["DELETE /docs/temp/version"]
        };
        assert_eq!(
            deleted, expected,
            "what was sent stays, to be pinned by the next call"
        );
    }
}
