//! Each error a client can meet: status, code, headers, and the words.

use axum::body::Body;
use axum::http::{Request, header};
use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{App, MAX_FILE_SIZE, json_request, raw_form_request};

const NOBODY: &str = "00000000-0000-0000-0000-00000000ffff";

#[tokio::test]
async fn an_unknown_address_is_route_not_found() {
    let app = App::new();
    assert_json_snapshot!(
        "route_not_found",
        app.get("/api/v1/chat/none")
            .await
            .expect_error(404, "ROUTE_NOT_FOUND")
    );
    for path in [
        "/nothing",
        "/api/v1",
        "/assets/0/app.js",
        "/v2/models",
        "/api/v1/queue/info/none",
    ] {
        app.get(path).await.expect_error(404, "ROUTE_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_method_that_is_not_taken_names_those_that_are() {
    let app = App::new();
    let reply = app.delete("/api/v1/documents/search").await;
    assert_json_snapshot!(
        "method_not_allowed",
        reply.expect_error(405, "METHOD_NOT_ALLOWED")
    );
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let app = App::new();
    let request = |body: &'static str| {
        Request::post("/api/v1/documents/search")
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Body::from(body))
            .unwrap()
    };
    assert_json_snapshot!(
        "invalid_json",
        app.send(request("{\"query\": "))
            .await
            .expect_error(400, "INVALID_JSON")
    );
    app.send(request("")).await.expect_error(400, "INVALID_JSON");
    app.send(request("[1]"))
        .await
        .expect_error(422, "VALIDATION_FAILED");
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let app = App::new();
    let request = Request::post("/api/v1/documents/search")
        .body(Body::from("query=x"))
        .unwrap();
    assert_json_snapshot!(
        "not_json_type",
        app.send(request).await.expect_error(415, "UNSUPPORTED_TYPE")
    );
    app.send(json_request("POST", "/api/v1/documents", json!({})))
        .await
        .expect_error(415, "UNSUPPORTED_TYPE");
}

#[tokio::test]
async fn a_json_body_without_end_is_refused() {
    let app = App::new();
    let body = json!({ "query": "x".repeat(2 * 1024 * 1024) });
    app.post("/api/v1/documents/search", body)
        .await
        .expect_error(413, "FILE_TOO_LARGE");
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let app = App::new();
    let body =
        json!({ "n_results": "ten", "mode": "magic", "document_ids": ["x"], "tags": 1, "unknown": true });
    let reply = app.post("/api/v1/documents/search", body).await;
    assert_json_snapshot!("validation_of_json", reply.expect_error(422, "VALIDATION_FAILED"));
    let reply = app
        .get("/api/v1/documents?limit=0x&status=lost&sort_by=age")
        .await;
    assert_json_snapshot!(
        "validation_of_query",
        reply.expect_error(422, "VALIDATION_FAILED")
    );
    for body in [
        json!({"query": " "}),
        json!({"query": "x", "n_results": 0}),
        json!({"query": "x", "n_results": 101}),
    ] {
        app.post("/api/v1/documents/search", body)
            .await
            .expect_error(422, "VALIDATION_FAILED");
    }
    app.get("/api/v1/documents?limit=1001")
        .await
        .expect_error(422, "VALIDATION_FAILED");
}

#[tokio::test]
async fn unknown_things_are_not_found() {
    let app = App::new();
    let reply = app.get(&format!("/api/v1/documents/{NOBODY}")).await;
    assert_json_snapshot!(
        "document_not_found",
        reply.expect_error(404, "DOCUMENT_NOT_FOUND")
    );
    for path in [
        "",
        "/status",
        "/events",
        "/pages/1",
        "/pages/1/boxes",
        "/pages/1/image",
        "/chunks",
        "/analysis",
    ] {
        for id in [NOBODY, "not-an-id"] {
            let reply = app.get(&format!("/api/v1/documents/{id}{path}")).await;
            reply.expect_error(404, "DOCUMENT_NOT_FOUND");
        }
    }
    app.delete(&format!("/api/v1/documents/{NOBODY}"))
        .await
        .expect_error(404, "DOCUMENT_NOT_FOUND");
    app.patch(&format!("/api/v1/documents/{NOBODY}"), json!({"title": "x"}))
        .await
        .expect_error(404, "DOCUMENT_NOT_FOUND");

    let reply = app.get(&format!("/api/v1/queue/job/{NOBODY}")).await;
    assert_json_snapshot!("job_not_found", reply.expect_error(404, "JOB_NOT_FOUND"));
    for action in ["cancel", "retry"] {
        app.post(&format!("/api/v1/queue/job/{NOBODY}/{action}"), json!({}))
            .await
            .expect_error(404, "JOB_NOT_FOUND");
    }
    let reply = app
        .post(
            "/api/v1/documents/search",
            json!({"query": "x", "collection": "none"}),
        )
        .await;
    assert_json_snapshot!(
        "collection_not_found",
        reply.expect_error(404, "COLLECTION_NOT_FOUND")
    );
    let reply = app
        .post(
            &format!("/api/v1/documents/{NOBODY}/process"),
            json!({"upload_id": NOBODY}),
        )
        .await;
    assert_json_snapshot!("upload_not_found", reply.expect_error(404, "UPLOAD_NOT_FOUND"));
}

#[tokio::test]
async fn pages_that_are_not_there_and_pictures_are_not_found() {
    let app = App::new();
    let id = app.ingest("ata.txt", "Uma página só.", &[]).await;
    let reply = app.get(&format!("/api/v1/documents/{id}/pages/2")).await;
    assert_json_snapshot!("page_not_found", reply.expect_error(404, "PAGE_NOT_FOUND"));
    app.get(&format!("/api/v1/documents/{id}/pages/0"))
        .await
        .expect_error(404, "PAGE_NOT_FOUND");
    app.get(&format!("/api/v1/documents/{id}/pages/one"))
        .await
        .expect_error(422, "VALIDATION_FAILED");
    let reply = app
        .get(&format!("/api/v1/documents/{id}/pages/1/boxes?start=5&end=2"))
        .await;
    reply.expect_error(422, "VALIDATION_FAILED");
    let reply = app
        .get(&format!("/api/v1/documents/{id}/pages/1/image?width=200"))
        .await;
    assert_json_snapshot!(
        "page_image_unavailable",
        reply.expect_error(404, "PAGE_IMAGE_UNAVAILABLE")
    );
}

#[tokio::test]
async fn a_job_that_ended_is_neither_cancelled_nor_retried() {
    let app = App::new();
    let uploaded = app.upload("ata.txt", b"Texto.", &[]).await.expect(202);
    app.work().await;
    let job = uploaded["job_id"].as_str().unwrap();
    let reply = app
        .post(&format!("/api/v1/queue/job/{job}/cancel"), json!({}))
        .await;
    assert_json_snapshot!("job_already_ended", reply.expect_error(409, "JOB_ALREADY_ENDED"));
    app.post(&format!("/api/v1/queue/job/{job}/retry"), json!({}))
        .await
        .expect_error(409, "JOB_ALREADY_ENDED");
}

#[tokio::test]
async fn files_that_cannot_be_taken_are_refused_at_the_door_and_leave_nothing() {
    let app = App::new();
    let reply = app.upload("vazio.txt", b"", &[]).await;
    assert_json_snapshot!("empty_file", reply.expect_error(422, "EMPTY_FILE"));
    let reply = app.upload("foto.xyz", b"????", &[]).await;
    assert_json_snapshot!("unsupported_type", reply.expect_error(415, "UNSUPPORTED_TYPE"));
    let larger = vec![b'a'; usize::try_from(MAX_FILE_SIZE).unwrap() + 1];
    let reply = app.upload("grande.txt", &larger, &[]).await;
    assert_json_snapshot!("file_too_large", reply.expect_error(413, "FILE_TOO_LARGE"));
    let far_larger = vec![b'a'; 2 * larger.len()];
    app.upload("enorme.txt", &far_larger, &[])
        .await
        .expect_error(413, "FILE_TOO_LARGE");
    let announced =
        json!({"filename": "a.pdf", "file_size": MAX_FILE_SIZE + 1, "content_type": "application/pdf"});
    app.post("/api/v1/documents/upload/presigned", announced)
        .await
        .expect_error(413, "FILE_TOO_LARGE");

    assert_eq!(app.get("/api/v1/documents").await.expect(200)["total"], 0);
    let left = app.library.ports().blobs.list("", None, 10).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_form_that_is_not_right_is_refused() {
    let app = App::new();
    let reply = app
        .upload(
            "a.txt",
            b"x",
            &[
                ("password", "segredo"),
                ("document_id", "x"),
                ("tags", &"t".repeat(61)),
            ],
        )
        .await;
    let shown = reply.expect_error(422, "VALIDATION_FAILED");
    assert!(!reply.text().contains("segredo"));
    assert_json_snapshot!("validation_of_form", shown);
    app.upload("a.txt", b"x", &[("title", &"t".repeat(100 * 1024))])
        .await
        .expect_error(422, "VALIDATION_FAILED");
    let no_file =
        b"--a-boundary\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nx\r\n--a-boundary--\r\n";
    let reply = app.send(raw_form_request(no_file.to_vec())).await;
    assert_json_snapshot!("form_without_file", reply.expect_error(422, "VALIDATION_FAILED"));
    let broken =
        b"--a-boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhalf";
    app.send(raw_form_request(broken.to_vec()))
        .await
        .expect_error(422, "VALIDATION_FAILED");
    assert!(
        app.library
            .ports()
            .blobs
            .list("", None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_encrypted_file_ends_its_job_with_a_reason() {
    let app = App::new();
    let id = app.ingest("cofre.pdf", "%PDF-encrypted", &[]).await;
    let status = app
        .get(&format!("/api/v1/documents/{id}/status"))
        .await
        .expect(200);
    assert_json_snapshot!("status_of_an_encrypted_file", status);
    let job = status["job_id"].as_str().unwrap();
    assert_json_snapshot!(
        "job_of_an_encrypted_file",
        app.get(&format!("/api/v1/queue/job/{job}")).await.expect(200)
    );
}

#[tokio::test]
async fn a_fault_of_ours_says_nothing_but_the_request_id() {
    let app = App::new();
    let reply = app.upload("a.txt", b"panic", &[]).await;
    assert_json_snapshot!("internal", reply.expect_error(500, "INTERNAL"));
}

#[tokio::test]
async fn without_its_store_the_server_says_when_to_come_back() {
    let app = App::new();
    app.store.close().await;
    let reply = app.get("/api/v1/documents").await;
    assert_json_snapshot!(
        "dependency_unavailable",
        reply.expect_error(503, "DEPENDENCY_UNAVAILABLE")
    );
    app.get("/api/v1/queue/health")
        .await
        .expect_error(503, "DEPENDENCY_UNAVAILABLE");
}
