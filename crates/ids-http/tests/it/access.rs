//! Without keys only this machine may ask, and only its own pages.

use axum::body::Body;
use axum::http::{Request, header};
use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{App, json_request, reply};

fn request(host: &str, origin: Option<&str>) -> Request<Body> {
    let mut request = Request::get("/api/v1/collections").header(header::HOST, host);
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin);
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn only_names_of_this_machine_are_answered() {
    let app = App::new();
    for host in ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000"] {
        app.send(request(host, None)).await.expect(200);
    }
    let refused = app.send(request("attacker.example:8000", None)).await;
    assert_json_snapshot!("host_refused", refused.expect_error(403, "ORIGIN_REFUSED"));
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let app = App::new();
    app.send(request("localhost:8000", Some("http://localhost:8000")))
        .await
        .expect(200);
    let refused = app
        .send(request("localhost:8000", Some("https://attacker.example")))
        .await;
    assert_json_snapshot!("origin_refused", refused.expect_error(403, "ORIGIN_REFUSED"));
    for origin in [
        "null",
        "http://localhost:9000",
        "https://localhost:8000",
        "http://localhost:8000.attacker.example",
    ] {
        app.send(request("localhost:8000", Some(origin)))
            .await
            .expect_error(403, "ORIGIN_REFUSED");
    }
}

#[tokio::test]
async fn an_origin_on_the_list_may_ask() {
    let listed = "https://intranet.example.org";
    let app = App::with(|mut options| {
        options.cors_origins = vec![format!("{listed}/")];
        options
    });
    let asked = app.send(request("localhost:8000", Some(listed))).await;
    asked.expect(200);
    assert_eq!(asked.header("access-control-allow-origin"), listed);
    assert_eq!(asked.header("vary"), "origin");

    let preflight = Request::options("/api/v1/documents/search")
        .header(header::ORIGIN, listed)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .body(Body::empty())
        .unwrap();
    let answered = app.send(preflight).await;
    assert_eq!(answered.status.as_u16(), 204);
    assert!(answered.header("access-control-allow-methods").contains("POST"));
    assert!(
        answered
            .header("access-control-allow-headers")
            .contains("content-type")
    );

    // Its errors can be read too.
    let mut failing = json_request("POST", "/api/v1/documents/search", json!({}));
    failing
        .headers_mut()
        .insert(header::ORIGIN, listed.parse().unwrap());
    let failed = app.send(failing).await;
    failed.expect_error(422, "VALIDATION_FAILED");
    assert_eq!(failed.header("access-control-allow-origin"), listed);
    app.send(request("localhost:8000", Some("https://other.example")))
        .await
        .expect_error(403, "ORIGIN_REFUSED");
}

#[tokio::test]
async fn an_authorization_header_is_ignored() {
    let app = App::new();
    let request = Request::get("/api/v1/collections")
        .header(header::AUTHORIZATION, "Bearer x")
        .body(Body::empty());
    app.send(request.unwrap()).await.expect(200);
}

#[tokio::test]
async fn the_command_line_has_its_own_door() {
    let app = App::new();
    let hash = "0".repeat(64);
    let ask = || {
        json_request(
            "POST",
            "/local/source-state",
            json!({"collection": "default", "path": "/docs/a.txt", "file_hash": hash}),
        )
    };
    assert_eq!(
        reply(&app.local, ask()).await.expect(200),
        json!({"state": "new"})
    );
    app.send(ask()).await.expect_error(404, "ROUTE_NOT_FOUND");

    let upload =
        || crate::support::form_request("a.txt", b"Texto da ata.", &[("source_path", "/docs/a.txt")]);
    let accepted = reply(&app.local, upload()).await.expect(202);
    app.work().await;
    let state = reply(&app.local, ask()).await.expect(200);
    assert_eq!(
        state,
        json!({"state": "changed", "document_id": accepted["document_id"]})
    );

    let document = app
        .get(&format!(
            "/api/v1/documents/{}",
            accepted["document_id"].as_str().unwrap()
        ))
        .await
        .expect(200);
    let known = json_request(
        "POST",
        "/local/source-state",
        json!({"path": "/docs/a.txt", "file_hash": document["file_hash"]}),
    );
    assert_eq!(reply(&app.local, known).await.expect(200)["state"], "unchanged");

    // Over TCP the field means nothing: nobody elsewhere has files of this machine.
    app.send(upload()).await.expect(202);
    // Relative paths are no names of files.
    let relative = crate::support::form_request("a.txt", b"x", &[("source_path", "a.txt")]);
    reply(&app.local, relative)
        .await
        .expect_error(422, "VALIDATION_FAILED");
}

#[tokio::test]
async fn the_command_line_is_told_which_files_are_documents_and_moves_them() {
    let app = App::new();
    let upload =
        || crate::support::form_request("a.txt", b"Texto da ata.", &[("source_path", "/docs/a.txt")]);
    let accepted = reply(&app.local, upload()).await.expect(202);
    let list = |after: &str| {
        json_request(
            "POST",
            "/local/sources",
            json!({"folder": "/docs", "after": after}),
        )
    };
    let listed = reply(&app.local, list("/")).await.expect(200);
    assert_eq!(listed["sources"][0]["document_id"], accepted["document_id"]);
    assert_eq!(listed["sources"][0]["path"], "/docs/a.txt");
    assert_eq!(listed["sources"][0]["file_size"], 13);
    let rest = reply(&app.local, list("/docs/a.txt")).await.expect(200);
    assert_eq!(rest, json!({"sources": []}));

    let change = |path: &str| {
        let body = json!({"document_id": accepted["document_id"], "path": path});
        json_request("POST", "/local/source-move", body)
    };
    reply(&app.local, change("/docs/b.txt")).await.expect(200);
    let document_id = accepted["document_id"].as_str().unwrap();
    let document = app.get(&format!("/api/v1/documents/{document_id}")).await;
    assert_eq!(document.expect(200)["filename"], "b.txt");
    reply(&app.local, upload()).await.expect(202);
    for taken_or_bad in ["/docs/a.txt", "b.txt", "/docs/"] {
        reply(&app.local, change(taken_or_bad))
            .await
            .expect_error(422, "VALIDATION_FAILED");
    }
    // Nobody elsewhere has files of this machine.
    for request in [list("/"), change("/docs/c.txt")] {
        app.send(request).await.expect_error(404, "ROUTE_NOT_FOUND");
    }
}
