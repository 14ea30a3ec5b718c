//! Taking files in.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use ids_core::document::BlobKey;
use ids_core::id::OrganizationId;
use ids_core::job::JobRef;
use ids_core::limits;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{App, HOST, Reply, raw_form_request};

const TEXT: &[u8] = "O prazo é de cinco dias.".as_bytes();

async fn announce(app: &App) -> Value {
    let body = json!({"filename": "ata.txt", "file_size": TEXT.len(), "content_type": "text/plain", "tags": ["ata"]});
    app.post("/api/v1/documents/upload/presigned", body)
        .await
        .expect(200)
}

async fn put(app: &App, upload: &Value, bytes: &'static [u8]) -> Reply {
    let url = upload["upload_url"].as_str().unwrap();
    put_to(
        app,
        url,
        upload["headers"]["content-type"].as_str().unwrap(),
        bytes,
    )
    .await
}

async fn put_to(app: &App, url: &str, content_type: &str, bytes: &'static [u8]) -> Reply {
    let path = url.strip_prefix(&format!("http://{HOST}")).unwrap();
    let request = Request::put(path)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::CONTENT_LENGTH, bytes.len())
        .body(Body::from(bytes))
        .unwrap();
    app.send(request).await
}

async fn process(app: &App, upload: &Value, extra: Value) -> Reply {
    let mut body = json!({"upload_id": upload["upload_id"]});
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    app.post(
        &format!(
            "/api/v1/documents/{}/process",
            upload["document_id"].as_str().unwrap()
        ),
        body,
    )
    .await
}

#[tokio::test]
async fn an_announced_upload_goes_from_address_to_answer() {
    let app = App::new();
    let upload = announce(&app).await;
    assert_json_snapshot!("presigned", upload);
    let status_path = format!(
        "/api/v1/documents/{}/status",
        upload["document_id"].as_str().unwrap()
    );
    assert_json_snapshot!("status_awaiting_upload", app.get(&status_path).await.expect(200));

    let put = put(&app, &upload, TEXT).await;
    assert_eq!((put.status.as_u16(), put.body.len()), (200, 0));
    let processed = process(&app, &upload, json!({})).await.expect(202);
    assert_json_snapshot!("processed", processed);
    assert_json_snapshot!("status_uploaded", app.get(&status_path).await.expect(200));
    app.work().await;
    assert_eq!(app.get(&status_path).await.expect(200)["status"], "completed");

    let again = process(&app, &upload, json!({})).await.expect(202);
    assert_eq!(
        (&again["job_id"], &again["status"]),
        (&processed["job_id"], &json!("completed"))
    );
}

#[tokio::test]
async fn an_address_works_once_for_what_was_signed_and_not_for_ever() {
    let app = App::new();
    let upload = announce(&app).await;
    let url = upload["upload_url"].as_str().unwrap();

    let reply = process(&app, &upload, json!({})).await;
    assert_json_snapshot!("upload_incomplete", reply.expect_error(409, "UPLOAD_INCOMPLETE"));
    let reply = put_to(&app, url, "application/pdf", TEXT).await;
    assert_json_snapshot!(
        "upload_of_another_type",
        reply.expect_error(403, "UPLOAD_SIGNATURE_INVALID")
    );
    put(&app, &upload, b"shorter")
        .await
        .expect_error(403, "UPLOAD_SIGNATURE_INVALID");
    put_to(&app, &format!("{url}0"), "text/plain", TEXT)
        .await
        .expect_error(403, "UPLOAD_SIGNATURE_INVALID");

    assert_eq!(put(&app, &upload, TEXT).await.status.as_u16(), 200);
    let reply = put(&app, &upload, TEXT).await;
    assert_json_snapshot!("upload_url_used", reply.expect_error(409, "UPLOAD_URL_USED"));
    let reply = process(&app, &upload, json!({"file_hash": "0".repeat(64)})).await;
    assert_json_snapshot!("hash_mismatch", reply.expect_error(422, "HASH_MISMATCH"));

    let late = announce(&app).await;
    app.clock.advance(Duration::from_secs(3_601));
    let reply = put(&app, &late, TEXT).await;
    assert_json_snapshot!("upload_expired", reply.expect_error(410, "UPLOAD_EXPIRED"));
    process(&app, &late, json!({}))
        .await
        .expect_error(410, "UPLOAD_EXPIRED");

    // The cleanup leaves it for a day, so that whoever comes late reads why.
    app.reconcile().await;
    put(&app, &late, TEXT).await.expect_error(410, "UPLOAD_EXPIRED");
    app.clock.advance(Duration::from_secs(25 * 3_600));
    app.reconcile().await;
    put(&app, &late, TEXT).await.expect_error(404, "UPLOAD_NOT_FOUND");
}

#[tokio::test]
async fn the_cleanup_removes_old_bytes_without_an_owner_and_no_others() {
    let app = App::new();
    app.ingest("a.txt", "Um texto que fica.", &[]).await;
    let blobs = &app.library.ports().blobs;
    let kept = blobs.list("", None, 10).await.unwrap();
    assert_eq!(kept.len(), 1, "the original");
    for name in ["temp", "originals"] {
        let key = BlobKey(format!("{name}/{}/left-behind", OrganizationId::DEFAULT));
        let mut writer = blobs.create(&key).await.unwrap();
        writer.write(b"x").await.unwrap();
        writer.commit().await.unwrap();
    }

    app.reconcile().await;
    assert_eq!(blobs.list("", None, 10).await.unwrap().len(), 3, "too young");
    app.clock.advance(Duration::from_secs(25 * 3_600));
    app.reconcile().await;

    assert_eq!(blobs.list("", None, 10).await.unwrap(), kept);
}

#[tokio::test]
async fn a_further_version_may_bring_a_title_and_tags() {
    let app = App::new();
    let id = app
        .ingest(
            "a.txt",
            "Primeira versão.",
            &[("title", "Antigo"), ("tags", "um")],
        )
        .await;
    app.upload(
        "b.txt",
        b"Segunda vers\xc3\xa3o.",
        &[("document_id", &id), ("title", "Novo")],
    )
    .await
    .expect(202);
    app.work().await;
    let document = app.get(&format!("/api/v1/documents/{id}")).await.expect(200);
    assert_eq!(
        (&document["title"], &document["tags"]),
        (&json!("Novo"), &json!(["um"]))
    );
}

#[tokio::test]
async fn a_job_that_ends_its_worker_each_time_is_given_up() {
    let app = App::new();
    let uploaded = app.upload("a.txt", b"Texto.", &[]).await.expect(202);
    let job = JobRef {
        organization: OrganizationId::DEFAULT,
        job_id: uploaded["job_id"].as_str().unwrap().parse().unwrap(),
    };
    // Claimed and never heard of again.
    for _ in 0..limits::JOB_ATTEMPTS {
        let claimed = app.library.ports().jobs.claim(&job, "killed").await.unwrap();
        assert!(claimed.is_some());
        app.clock.advance(limits::LEASE);
    }

    app.work().await;

    let id = uploaded["document_id"].as_str().unwrap();
    let status = app
        .get(&format!("/api/v1/documents/{id}/status"))
        .await
        .expect(200);
    assert_eq!(status["status"], "failed");
    assert!(
        status["error"]["error"]
            .as_str()
            .unwrap()
            .contains("ended 5 times"),
        "{status}"
    );
}

#[tokio::test]
async fn more_bytes_than_were_signed_are_refused_while_they_come() {
    let app = App::new();
    let upload = announce(&app).await;
    let path = upload["upload_url"]
        .as_str()
        .unwrap()
        .strip_prefix(&format!("http://{HOST}"))
        .unwrap();
    // Without a length: only counting tells.
    let request = Request::put(path)
        .header(header::CONTENT_TYPE, "text/plain")
        .body(Body::from(vec![b'a'; 10_000]))
        .unwrap();
    app.send(request)
        .await
        .expect_error(403, "UPLOAD_SIGNATURE_INVALID");
    // It left nothing, and the right bytes may still come.
    assert_eq!(put(&app, &upload, TEXT).await.status.as_u16(), 200);
}

#[tokio::test]
async fn an_unknown_upload_address_is_not_found() {
    let app = App::new();
    let nobody = "00000000-0000-0000-0000-00000000ffff";
    for path in [
        format!("/api/v1/uploads/{nobody}/{nobody}?x=1"),
        "/api/v1/uploads/x/y".to_owned(),
    ] {
        put_to(&app, &format!("http://{HOST}{path}"), "text/plain", TEXT)
            .await
            .expect_error(404, "UPLOAD_NOT_FOUND");
    }
}

#[tokio::test]
async fn the_address_is_the_public_one_where_it_is_set() {
    let app = App::with(|mut options| {
        options.public_url = Some("https://ids.example.org/".to_owned());
        options
    });
    let url = announce(&app).await["upload_url"].as_str().unwrap().to_owned();
    assert!(
        url.starts_with("https://ids.example.org/api/v1/uploads/"),
        "{url}"
    );
}

#[tokio::test]
async fn one_step_takes_the_parts_in_any_order_and_only_the_files_name() {
    let app = App::new();
    let part = |head: &str, body: &str| {
        format!("--a-boundary\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n")
    };
    let form = part("name=\"tags\"", "b")
        + &part("name=\"unknown\"", "?")
        + &part(
            "name=\"file\"; filename=\"C:\\\\docs\\\\ata.txt\"",
            "Texto da ata.",
        )
        + &part("name=\"tags\"", "a, b")
        + &part("name=\"collection\"", "rh")
        + "--a-boundary--\r\n";
    let uploaded = app.send(raw_form_request(form.into_bytes())).await.expect(202);
    assert_json_snapshot!("uploaded", uploaded);

    let document = app
        .get(&format!(
            "/api/v1/documents/{}",
            uploaded["document_id"].as_str().unwrap()
        ))
        .await
        .expect(200);
    assert_eq!(document["filename"], "ata.txt");
    assert_eq!(document["title"], "ata");
    assert_eq!(document["tags"], json!(["b", "a"]));
    assert_eq!(document["collection"], "rh");
}

#[tokio::test]
async fn a_further_version_keeps_its_document() {
    let app = App::new();
    let id = app.ingest("ata.txt", "Versão um.", &[("collection", "rh")]).await;
    let second = app
        .upload("ata-2.txt", "Versão dois.".as_bytes(), &[("document_id", &id)])
        .await
        .expect(202);
    assert_eq!(second["document_id"], json!(id));
    app.work().await;
    assert_eq!(app.get("/api/v1/documents").await.expect(200)["total"], 1);
    let found = app
        .post("/api/v1/documents/search", json!({"query": "versão"}))
        .await
        .expect(200);
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
    assert_eq!(found["results"][0]["content"], "Versão dois.");
}
