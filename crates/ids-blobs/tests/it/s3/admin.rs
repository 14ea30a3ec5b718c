//! What `ids doctor` asks of a bucket.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ids_blobs::{CorsState, LifecycleState, Secret};
use ids_core::ports::{BlobErrorKind, BlobStore};
use md5::{Digest, Md5};

use super::scripted::{Answer, Scripted};
use super::support::{Bucket, chain};

const ORIGIN: &str = "https://docs.example.org";
const CORS: &str = "<CORSConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><CORSRule>\
    <AllowedOrigin>https://docs.example.org</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>\
    <AllowedHeader>content-type</AllowedHeader></CORSRule></CORSConfiguration>";

#[tokio::test]
async fn the_cors_rules_of_a_real_bucket_are_read() {
    let bucket = Bucket::new().await;
    let store = bucket.store();
    assert_eq!(store.check_cors(ORIGIN).await, CorsState::Missing);
    let set = bucket
        .signed("PUT", "", &[("cors", "")], &[], CORS.as_bytes())
        .await;
    assert_eq!(set.status, 200, "{}", set.text);

    assert_eq!(store.check_cors(ORIGIN).await, CorsState::Allowed);
    assert_eq!(
        store.check_cors("https://other.example.org").await,
        CorsState::Missing
    );
    let stranger = bucket.store_with(|config| config.secret_key = Secret::new("wrong"));
    assert_eq!(stranger.check_cors(ORIGIN).await, CorsState::Unreadable);
}

#[tokio::test]
async fn a_server_without_cors_rules_of_buckets_is_unreadable() {
    for answer in [
        || Answer::error(501, "NotImplemented"),
        || Answer::text(200, "<html/>"),
        || Answer::text(200, "no xml"),
    ] {
        let server = Scripted::start(move |_, _| answer()).await;
        assert_eq!(server.store().check_cors(ORIGIN).await, CorsState::Unreadable);
    }
}

#[tokio::test]
async fn our_lifecycle_rule_is_set_in_a_real_bucket_beside_another() {
    let bucket = Bucket::new().await;
    let store = bucket.store();
    assert_eq!(
        store.lifecycle("temp/", 7).await.unwrap(),
        LifecycleState::Missing
    );
    let foreign = "<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule><ID>logs</ID>\
        <Filter><And><Prefix>logs/</Prefix><Tag><Key>class</Key><Value>a &amp; b</Value></Tag></And></Filter>\
        <Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>";
    let set = bucket
        .signed("PUT", "", &[("lifecycle", "")], &[], foreign.as_bytes())
        .await;
    assert_eq!(set.status, 200, "{}", set.text);

    for days in [3, 7] {
        store.ensure_lifecycle("temp/", days).await.unwrap();
        store.ensure_lifecycle("temp/", days).await.unwrap();

        assert_eq!(
            store.lifecycle("temp/", days).await.unwrap(),
            LifecycleState::Present
        );
    }
    assert_eq!(
        store.lifecycle("temp/", 9).await.unwrap(),
        LifecycleState::Different { days: 7 }
    );
    assert_eq!(
        store.lifecycle("logs/", 30).await.unwrap(),
        LifecycleState::Missing,
        "it is for one tag only"
    );
    // The other rule is still what it was: with its own name as prefix it would count.
    let stranger = bucket.store_with(|config| config.secret_key = Secret::new("wrong"));
    let refused = stranger.ensure_lifecycle("temp/", 7).await.unwrap_err();
    assert_eq!(refused.kind(), BlobErrorKind::Unavailable);
}

#[tokio::test]
async fn the_rules_of_others_are_sent_back_as_they_came() {
    let foreign = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LifecycleConfiguration xmlns=\"u\"><Rule><ID>x &amp; y</ID>\
        <Filter><Tag><Key>k</Key><Value/></Tag></Filter><Status>Disabled</Status><NoncurrentVersionTransition>\
        <NoncurrentDays>3</NoncurrentDays><StorageClass>GLACIER</StorageClass></NoncurrentVersionTransition></Rule>\
        </LifecycleConfiguration>";
    let server = Scripted::start(move |request, _| match request.method.as_str() {
        "GET" => {
            let smallest = (
                "x-amz-transition-default-minimum-object-size",
                "varies_by_storage_class".to_owned(),
            );
            Answer::Reply(200, vec![smallest], foreign.to_owned())
        }
        _ => Answer::status(200),
    })
    .await;

    server.store().ensure_lifecycle("temp/", 7).await.unwrap();

    let sent = server.requests().pop().unwrap();
    assert!(sent.is("PUT", "/docs/"));
    let begin = sent.body.find("<Rule><ID>ids-temp-uploads</ID>").unwrap();
    let end = sent.body.rfind("</LifecycleConfiguration>").unwrap();
    assert_eq!(format!("{}{}", &sent.body[..begin], &sent.body[end..]), foreign);
    let digest = BASE64_STANDARD.encode(Md5::digest(&sent.body));
    assert_eq!(sent.header("content-md5"), Some(digest.as_str()));
    assert_eq!(
        sent.header("x-amz-transition-default-minimum-object-size"),
        Some("varies_by_storage_class")
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_never_replaced() {
    for answer in [
        || Answer::error(403, "AccessDenied"),
        || Answer::text(200, "<html/>"),
        || Answer::text(200, ""),
    ] {
        let server = Scripted::start(move |_, _| answer()).await;

        server.store().ensure_lifecycle("temp/", 7).await.unwrap_err();

        assert!(server.requests().iter().all(|request| request.method == "GET"));
    }
}

#[tokio::test]
async fn a_round_trip_leaves_nothing() {
    let bucket = Bucket::new().await;
    let store = bucket.store();

    store.round_trip().await.unwrap();

    assert_eq!(store.list("", None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_round_trip_names_the_permission_that_lacks() {
    let listing = "<ListBucketResult/>";
    for (forbidden, permission) in [
        ("GET /docs/", "s3:ListBucket"),
        ("PUT /docs/temp", "s3:PutObject"),
        ("GET /docs/temp", "s3:GetObject"),
        ("PUT /docs/originals", "s3:PutObject"),
        ("DELETE /docs/originals", "s3:DeleteObject"),
        ("DELETE /docs/temp", "s3:DeleteObject"),
    ] {
        let server = Scripted::start(move |request, _| {
            let folder = request.path.rsplit_once('/').unwrap().0;
            let folder = if folder == "/docs" { "/docs/" } else { folder };
            match (request.method.as_str(), folder) {
                (method, folder) if format!("{method} {folder}") == forbidden => {
                    Answer::error(403, "AccessDenied")
                }
                ("GET", "/docs/") => Answer::text(200, listing),
                ("GET", _) => Answer::text(200, "ids doctor"),
                ("PUT", "/docs/originals") => Answer::text(200, "<CopyObjectResult/>"),
                _ => Answer::status(200),
            }
        })
        .await;

        let failure = server.store().round_trip().await.unwrap_err();

        assert_eq!(failure.permission, permission, "{forbidden}");
        assert!(failure.to_string().contains(permission), "{failure}");
        assert!(
            chain(&failure.source).contains("AccessDenied"),
            "{}",
            chain(&failure.source)
        );
    }
}
