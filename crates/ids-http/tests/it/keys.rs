//! With keys: nobody comes in without one, each opens what it was made for, and nothing of another organization.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, header};
use ids_core::access::{OrganizationName, Permission};
use ids_core::document::BlobKey;
use ids_core::library::KeyRequest;
use ids_core::rate_limit::LocalRateLimiter;
use ids_core::scope::{CollectionAccess, Scope};
use ids_http::{Access, KeyOptions};
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{App, Reply, form_request, json_request, reply};

/// What answers without a key (design.md 3.3). Signed upload addresses carry their own proof.
const OPEN: [&str; 8] = [
    "/health",
    "/live",
    "/ready",
    "/metrics",
    "/api/v1/queue/health",
    "/api/v1/login",
    "/api/v1/logout",
    "/api/v1/uploads/{organization}/{upload_id}",
];

pub fn with_keys(per_key: u32, per_address: u32) -> App {
    App::with(move |mut options| {
        let clock = Arc::clone(&options.library.ports().clock);
        options.access = Access::Keys(KeyOptions {
            limiter: Arc::new(LocalRateLimiter::new(clock)),
            per_key_and_minute: per_key,
            per_address_and_minute: per_address,
        });
        options
    })
}

/// A key of an organization, made where there is none.
pub async fn key(app: &App, organization: &str, permissions: &[Permission]) -> String {
    key_for(app, organization, permissions, CollectionAccess::All, None).await
}

pub async fn key_for(
    app: &App,
    organization: &str,
    permissions: &[Permission],
    collections: CollectionAccess,
    lifetime: Option<Duration>,
) -> String {
    let name = OrganizationName::parse(organization).unwrap();
    let organization = app.library.ensure_organization(&name).await.unwrap();
    let scope = Scope::organization(organization.organization_id);
    let request = KeyRequest {
        name: Some("test".to_owned()),
        permissions: permissions.iter().copied().collect(),
        collections,
        lifetime,
    };
    let created = app.library.create_key(&scope, request).await.unwrap();
    created.secret.expose().to_owned()
}

pub fn bearing(mut request: Request<Body>, key: &str) -> Request<Body> {
    let value = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, value);
    request
}

pub async fn get(app: &App, key: &str, path: &str) -> Reply {
    let request = Request::get(path).body(Body::empty()).unwrap();
    app.send(bearing(request, key)).await
}

pub async fn post(app: &App, key: &str, path: &str, body: Value) -> Reply {
    app.send(bearing(json_request("POST", path, body), key)).await
}

pub async fn ingest(app: &App, key: &str, filename: &str, text: &str, texts: &[(&str, &str)]) -> Value {
    let request = bearing(form_request(filename, text.as_bytes(), texts), key);
    let uploaded = app.send(request).await.expect(202);
    app.work().await;
    uploaded
}

/// Every operation of the API, with `id` for each parameter of its path.
fn operations(id: &str) -> Vec<(Method, String, String)> {
    let api = serde_json::to_value(ids_http::openapi()).unwrap();
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                continue;
            };
            let address: Vec<&str> = path
                .split('/')
                .map(|part| match part {
                    "{page}" => "1",
                    "{queue}" => "document_processing",
                    part if part.starts_with('{') => id,
                    part => part,
                })
                .collect();
            found.push((method, path.clone(), address.join("/")));
        }
    }
    assert!(found.len() > 40, "{}", found.len());
    found
}

#[tokio::test]
async fn no_route_but_the_open_ones_answers_without_a_key() {
    let app = with_keys(1_000_000, 1_000_000);
    for (method, path, address) in operations("0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e") {
        let request = Request::builder()
            .method(method.clone())
            .uri(&address)
            .body(Body::empty())
            .unwrap();
        let reply = app.send(request).await;
        if OPEN.contains(&path.as_str()) {
            // /metrics is open to this machine only, and a test comes from nowhere.
            assert_eq!(
                reply.status.as_u16() == 401,
                path == "/metrics",
                "{method} {path}"
            );
            continue;
        }
        if path.starts_with("/v1/") {
            assert_eq!(
                reply.expect(401)["error"]["code"],
                "invalid_api_key",
                "{method} {path}"
            );
            continue;
        }
        let error = reply.expect_error(401, "UNAUTHENTICATED");
        assert!(
            reply.header("www-authenticate").starts_with("Bearer"),
            "{method} {path}"
        );
        if path == "/api/v1/documents" && method == Method::GET {
            assert_json_snapshot!("no_key", error);
        }
    }
    for open in ["/", "/docs", "/openapi.json"] {
        let reply = app.send(Request::get(open).body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status.as_u16(), 200, "{open}");
    }
}

#[tokio::test]
async fn a_key_that_is_wrong_revoked_or_expired_opens_nothing() {
    let app = with_keys(1_000, 1_000);
    let hour = Some(Duration::from_secs(3_600));
    let good = key_for(&app, "default", &[Permission::Admin], CollectionAccess::All, hour).await;
    get(&app, &good, "/api/v1/documents").await.expect(200);
    let other_scheme = Request::get("/api/v1/documents")
        .header(header::AUTHORIZATION, "bEaReR  ".to_owned() + &good)
        .body(Body::empty())
        .unwrap();
    app.send(other_scheme).await.expect(200);

    let strange = format!("ids_{}", "x".repeat(43));
    for wrong in ["", "x", "sk-123", "ids_short", strange.as_str()] {
        let reply = get(&app, wrong, "/api/v1/documents").await;
        let error = reply.expect_error(401, "UNAUTHENTICATED");
        assert!(
            wrong.len() < 4 || !error.to_string().contains(wrong),
            "it is not repeated"
        );
    }

    let brief = key(&app, "default", &[Permission::Search]).await;
    get(&app, &brief, "/api/v1/documents").await.expect(200);
    let listed = get(&app, &good, "/api/v1/keys").await.expect(200);
    let id = listed["keys"][0]["key_id"].as_str().unwrap();
    let revoke = Request::delete(format!("/api/v1/keys/{id}"))
        .body(Body::empty())
        .unwrap();
    app.send(bearing(revoke, &good)).await.expect(200);
    get(&app, &brief, "/api/v1/documents")
        .await
        .expect_error(401, "UNAUTHENTICATED");

    app.clock.advance(Duration::from_secs(3_600));
    get(&app, &good, "/api/v1/documents")
        .await
        .expect_error(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn each_permission_opens_its_own_routes() {
    let app = with_keys(1_000, 1_000);
    let admin = key(&app, "default", &[Permission::Admin]).await;
    let uploaded = ingest(&app, &admin, "a.txt", "O prazo é de dez dias.", &[]).await;
    let id = uploaded["document_id"].as_str().unwrap();
    let job = uploaded["job_id"].as_str().unwrap();
    let document = format!("/api/v1/documents/{id}");
    let page = format!("{document}/pages/1");
    let job = format!("/api/v1/queue/job/{job}");
    // search, ask, ingest
    let table: [(&str, [bool; 3]); 9] = [
        ("/api/v1/documents", [true, false, true]),
        (&document, [true, true, true]),
        (&page, [true, true, true]),
        (&job, [false, false, true]),
        ("/api/v1/queue/jobs", [false, false, true]),
        ("/api/v1/chat/sessions", [false, true, false]),
        ("/api/v1/usage", [false, false, false]),
        ("/api/v1/keys", [false, false, false]),
        ("/info", [true, true, true]),
    ];
    for (number, permission) in [Permission::Search, Permission::Ask, Permission::Ingest]
        .into_iter()
        .enumerate()
    {
        let key = key(&app, "default", &[permission]).await;
        for (path, opens) in table {
            let reply = get(&app, &key, path).await;
            let expected = if opens[number] { 200 } else { 403 };
            assert_eq!(reply.status.as_u16(), expected, "{} {path}", permission.as_str());
            get(&app, &admin, path).await.expect(200);
        }
        let search = post(&app, &key, "/api/v1/documents/search", json!({"query": "prazo"})).await;
        assert_eq!(search.status.as_u16() == 200, permission == Permission::Search);
        let ask = post(
            &app,
            &key,
            "/api/v1/chat/ask",
            json!({"message": "Qual é o prazo?"}),
        )
        .await;
        assert_eq!(ask.status.as_u16() == 200, permission == Permission::Ask);
        let upload = bearing(form_request("b.txt", b"Outro texto.", &[]), &key);
        let may_upload = app.send(upload).await.status.as_u16() == 202;
        assert_eq!(may_upload, permission == Permission::Ingest);
    }
    let reader = key(&app, "default", &[Permission::Search]).await;
    let refused = get(&app, &reader, "/api/v1/keys").await;
    assert_json_snapshot!("key_lacks_scope", refused.expect_error(403, "FORBIDDEN"));
}

#[tokio::test]
async fn no_route_gives_anything_of_another_organization() {
    let app = with_keys(1_000_000, 1_000_000);
    let ours = key(&app, "default", &[Permission::Admin]).await;
    let theirs = key(&app, "Prefeitura de Lá", &[Permission::Admin]).await;
    let text = "Segredo municipal guardado aqui.";
    let uploaded = ingest(&app, &ours, "segredo.txt", text, &[("collection", "gabinete")]).await;
    let question = json!({"message": "Onde está o segredo municipal?"});
    let asked = post(&app, &ours, "/api/v1/chat/ask", question).await.expect(200);
    let keys = get(&app, &ours, "/api/v1/keys").await.expect(200);
    let announced = json!({"filename": "b.txt", "file_size": 3, "content_type": "text/plain"});
    let upload = post(&app, &ours, "/api/v1/documents/upload/presigned", announced)
        .await
        .expect(200);
    let ids = [
        uploaded["document_id"].as_str().unwrap(),
        uploaded["job_id"].as_str().unwrap(),
        asked["session_id"].as_str().unwrap(),
        keys["keys"][0]["key_id"].as_str().unwrap(),
        upload["document_id"].as_str().unwrap(),
        "gabinete",
    ];
    let hidden = [
        text, "segredo", "gabinete", ids[0], ids[1], ids[2], ids[3], ids[4],
    ];
    for id in ids {
        for (method, path, address) in operations(id) {
            if OPEN.contains(&path.as_str()) {
                continue;
            }
            let body = match path.as_str() {
                "/api/v1/documents/search" => json!({"query": "segredo municipal", "document_ids": [ids[0]]}),
                "/api/v1/chat/ask" => json!({"message": "segredo municipal", "session_id": ids[2]}),
                "/v1/chat/completions" => {
                    json!({"model": "ids", "messages": [{"role": "user", "content": "segredo municipal"}]})
                }
                "/api/v1/documents/{document_id}/process" => json!({"upload_id": upload["upload_id"]}),
                "/api/v1/chat/sessions/{session_id}" => json!({"title": "Outro"}),
                _ => json!({"title": "Outro", "name": "nova"}),
            };
            let request = bearing(json_request(method.as_str(), &address, body), &theirs);
            let reply = app.send(request).await;
            let named = path.contains('{') && !path.ends_with("{queue}");
            let status = reply.status.as_u16();
            assert!(
                !named || matches!(status, 404 | 422),
                "{method} {address}: {status} {}",
                reply.text()
            );
            let shown = reply.text().to_lowercase();
            for secret in hidden {
                // The id that was sent may come back in the error.
                let is_echo = address.contains(secret) || (status == 404 && ids.contains(&secret));
                let is_title = matches!(
                    path.as_str(),
                    "/api/v1/documents/search" | "/api/v1/chat/ask" | "/v1/chat/completions"
                );
                let is_own_words = is_title && "segredo municipal".contains(&secret.to_lowercase());
                let leaks = !is_echo && !is_own_words && shown.contains(&secret.to_lowercase());
                assert!(!leaks, "{method} {address} shows `{secret}`: {shown}");
            }
        }
    }
    let intact = get(&app, &ours, "/api/v1/documents").await.expect(200);
    assert_eq!(intact["total"], 2, "nothing of ours was changed");
    assert_eq!(
        get(&app, &theirs, "/api/v1/documents").await.expect(200)["total"],
        0
    );
}

#[tokio::test]
async fn a_key_limited_to_collections_sees_no_others() {
    let app = with_keys(1_000, 1_000);
    let admin = key(&app, "default", &[Permission::Admin]).await;
    ingest(
        &app,
        &admin,
        "a.txt",
        "Licitação da saúde.",
        &[("collection", "saude")],
    )
    .await;
    let hidden = ingest(
        &app,
        &admin,
        "b.txt",
        "Licitação da educação.",
        &[("collection", "educacao")],
    )
    .await;
    let only = CollectionAccess::Only(vec![ids_core::scope::CollectionName::parse("saude").unwrap()]);
    let permissions = [Permission::Search, Permission::Ask, Permission::Ingest];
    let limited = key_for(&app, "default", &permissions, only, None).await;

    let listed = get(&app, &limited, "/api/v1/documents").await.expect(200);
    assert_eq!(listed["total"], 1);
    let query = json!({"query": "licitação"});
    let found = post(&app, &limited, "/api/v1/documents/search", query)
        .await
        .expect(200);
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
    let path = format!("/api/v1/documents/{}", hidden["document_id"].as_str().unwrap());
    get(&app, &limited, &path)
        .await
        .expect_error(404, "DOCUMENT_NOT_FOUND");
    let elsewhere = form_request("c.txt", b"Texto novo.", &[("collection", "educacao")]);
    app.send(bearing(elsewhere, &limited))
        .await
        .expect_error(403, "FORBIDDEN");
    let job = format!("/api/v1/queue/job/{}", hidden["job_id"].as_str().unwrap());
    get(&app, &limited, &job).await.expect_error(404, "JOB_NOT_FOUND");

    // A conversation cites what its questioner could see: who sees less does not see it.
    let question = json!({"message": "Qual é a licitação da educação?"});
    let asked = post(&app, &admin, "/api/v1/chat/ask", question).await.expect(200);
    let session = format!("/api/v1/chat/sessions/{}", asked["session_id"].as_str().unwrap());
    get(&app, &admin, &session).await.expect(200);
    get(&app, &limited, &session)
        .await
        .expect_error(404, "SESSION_NOT_FOUND");
    assert_eq!(
        get(&app, &limited, "/api/v1/chat/sessions").await.expect(200)["total"],
        0
    );
    let own = json!({"message": "Qual é a licitação?"});
    post(&app, &limited, "/api/v1/chat/ask", own).await.expect(200);
    assert_eq!(
        get(&app, &limited, "/api/v1/chat/sessions").await.expect(200)["total"],
        1
    );
    assert_eq!(
        get(&app, &admin, "/api/v1/chat/sessions").await.expect(200)["total"],
        2
    );
}

#[tokio::test]
async fn who_asks_too_much_is_told_when_to_come_back() {
    let app = with_keys(2, 1_000);
    let busy = key(&app, "default", &[Permission::Search]).await;
    let other = key(&app, "default", &[Permission::Search]).await;
    for _ in 0..2 {
        get(&app, &busy, "/api/v1/collections").await.expect(200);
    }
    let refused = get(&app, &busy, "/api/v1/collections").await;
    assert_json_snapshot!("rate_limited", refused.expect_error(429, "RATE_LIMITED"));
    get(&app, &other, "/api/v1/collections").await.expect(200);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    app.clock.advance(Duration::from_secs(wait));
    get(&app, &busy, "/api/v1/collections").await.expect(200);
}

#[tokio::test]
async fn an_address_is_limited_before_its_keys_are_looked_at_and_supervisors_never() {
    let app = with_keys(1_000, 3);
    let from = |path: &str, address: [u8; 4]| {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::from((address, 1))));
        request
    };
    for _ in 0..3 {
        let guessed = bearing(from("/api/v1/documents", [203, 0, 113, 1]), "ids_guess");
        app.send(guessed).await.expect_error(401, "UNAUTHENTICATED");
    }
    let again = app.send(from("/", [203, 0, 113, 1])).await;
    again.expect_error(429, "RATE_LIMITED");
    let other = app.send(from("/", [203, 0, 113, 2])).await;
    assert_eq!(other.status.as_u16(), 200);
    for path in ["/live", "/ready", "/health", "/api/v1/queue/health"] {
        for _ in 0..5 {
            let reply = app.send(from(path, [203, 0, 113, 1])).await;
            assert_eq!(reply.status.as_u16(), 200, "{path}");
        }
    }
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_administrators() {
    let app = with_keys(1_000, 1_000);
    let admin = key(&app, "default", &[Permission::Admin]).await;
    let reader = key(&app, "default", &[Permission::Search]).await;
    let from = |address: [u8; 4]| {
        let mut request = Request::get("/metrics").body(Body::empty()).unwrap();
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::from((address, 1))));
        request
    };
    assert_eq!(app.send(from([127, 0, 0, 1])).await.status.as_u16(), 200);
    app.send(from([203, 0, 113, 1]))
        .await
        .expect_error(401, "UNAUTHENTICATED");
    app.send(bearing(from([203, 0, 113, 1]), &reader))
        .await
        .expect_error(403, "FORBIDDEN");
    assert_eq!(
        app.send(bearing(from([203, 0, 113, 1]), &admin))
            .await
            .status
            .as_u16(),
        200
    );
}

#[tokio::test]
async fn the_page_keeps_its_key_in_a_cookie_that_only_its_own_site_can_use() {
    let app = with_keys(1_000, 1_000);
    let secret = key(&app, "default", &[Permission::Admin]).await;
    let login = |key: &str| json_request("POST", "/api/v1/login", json!({ "key": key }));
    app.send(login("ids_wrong"))
        .await
        .expect_error(422, "VALIDATION_FAILED");
    let strange = format!("ids_{}", "x".repeat(43));
    app.send(login(&strange))
        .await
        .expect_error(401, "UNAUTHENTICATED");
    let kept = app.send(login(&secret)).await;
    assert_eq!(kept.status.as_u16(), 204);
    let cookie = kept.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(kept.header("set-cookie").contains("HttpOnly; SameSite=Strict"));

    let with_cookie = |host: &str, origin: Option<&str>| {
        let mut request = Request::get("/api/v1/documents")
            .header(header::COOKIE, &cookie)
            .header(header::HOST, host);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        request.body(Body::empty()).unwrap()
    };
    // Any name will do, by TLS too; another site's page will not.
    let name = "busca.example.org";
    app.send(with_cookie(name, None)).await.expect(200);
    app.send(with_cookie(name, Some("https://busca.example.org")))
        .await
        .expect(200);
    app.send(with_cookie(name, Some("https://attacker.example")))
        .await
        .expect_error(403, "ORIGIN_REFUSED");

    let forgotten = app.send(json_request("POST", "/api/v1/logout", json!({}))).await;
    assert!(forgotten.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn keys_are_made_shown_once_and_recorded() {
    let app = with_keys(1_000, 1_000);
    let admin = key(&app, "default", &[Permission::Admin]).await;
    let request =
        json!({"scopes": ["search", "ask"], "collections": ["saude"], "expires_in": 3_600, "name": "Saúde"});
    let made = post(&app, &admin, "/api/v1/keys", request).await.expect(201);
    assert_json_snapshot!("key_created", made, { ".key" => "[secret]", ".hint" => "[hint]" });
    let secret = made["key"].as_str().unwrap();
    get(&app, secret, "/api/v1/documents").await.expect(200);
    let listed = get(&app, &admin, "/api/v1/keys").await;
    assert!(!listed.text().contains(secret), "never shown again");

    for (bad, field) in [
        (json!({}), "scopes"),
        (json!({"scopes": []}), "scopes"),
        (json!({"scopes": ["root"]}), "scopes"),
        (
            json!({"scopes": ["admin"], "collections": ["saude"]}),
            "collections",
        ),
        (json!({"scopes": ["ask"], "expires_in": 0}), "expires"),
        (json!({"scopes": ["ask"], "name": ""}), "name"),
    ] {
        let error = post(&app, &admin, "/api/v1/keys", bad.clone()).await;
        let error = error.expect_error(422, "VALIDATION_FAILED");
        assert!(
            error["body"]["detail"].as_str().unwrap().contains(field),
            "{bad}: {error}"
        );
    }
    let record = get(&app, &admin, "/api/v1/audit").await.expect(200);
    assert_json_snapshot!("audit", record);
}

#[tokio::test]
async fn cleanups_and_collections_are_steered_over_the_api() {
    let app = with_keys(1_000, 1_000);
    let admin = key(&app, "default", &[Permission::Admin]).await;
    let asked = json!({"task_type": "orphaned_files", "older_than_hours": 24});
    let queued = post(&app, &admin, "/api/v1/queue/cleanup", asked)
        .await
        .expect(202);
    assert_json_snapshot!("cleanup_queued", queued);
    let job = format!("/api/v1/queue/job/{}", queued["job_id"].as_str().unwrap());
    let counts = get(&app, &admin, "/api/v1/queue/info/cleanup_tasks")
        .await
        .expect(200);
    assert_eq!(counts["length"], 1);
    app.clean_up().await;
    assert_json_snapshot!("cleanup_finished", get(&app, &admin, &job).await.expect(200));
    let counts = get(&app, &admin, "/api/v1/queue/info/cleanup_tasks")
        .await
        .expect(200);
    assert_eq!(
        (&counts["length"], &counts["finished_count"]),
        (&json!(0), &json!(1))
    );
    for bad in [
        json!({}),
        json!({"task_type": "all"}),
        json!({"task_type": "s3_cleanup", "older_than_hours": 0}),
    ] {
        post(&app, &admin, "/api/v1/queue/cleanup", bad)
            .await
            .expect_error(422, "VALIDATION_FAILED");
    }

    post(&app, &admin, "/api/v1/collections", json!({"name": "obras"}))
        .await
        .expect(201);
    post(&app, &admin, "/api/v1/collections", json!({"name": "obras"}))
        .await
        .expect(201);
    let listed = get(&app, &admin, "/api/v1/collections").await.expect(200);
    assert_eq!(listed["collections"], json!([{"name": "obras", "documents": 0}]));
    ingest(&app, &admin, "a.txt", "Um texto.", &[("collection", "obras")]).await;
    let remove = |name: &str| {
        let request = Request::delete(format!("/api/v1/collections/{name}"))
            .body(Body::empty())
            .unwrap();
        bearing(request, &admin)
    };
    let refused = app.send(remove("obras")).await;
    assert_json_snapshot!(
        "collection_not_empty",
        refused.expect_error(409, "COLLECTION_NOT_EMPTY")
    );
    app.send(remove("nada"))
        .await
        .expect_error(404, "COLLECTION_NOT_FOUND");
    let jobs = get(&app, &admin, "/api/v1/queue/jobs?limit=1").await.expect(200);
    assert_eq!(
        jobs["jobs"][0]["meta"]["queue"], "document_processing",
        "newest first"
    );
    let jobs = get(
        &app,
        &admin,
        "/api/v1/queue/jobs?queue=cleanup_tasks&status=finished",
    )
    .await
    .expect(200);
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_organization_goes_with_all_its_bytes_and_no_others() {
    let app = with_keys(1_000, 1_000);
    let (ours, theirs) = ("default", "Prefeitura");
    for organization in [ours, theirs] {
        let key = key(&app, organization, &[Permission::Admin]).await;
        ingest(&app, &key, "a.txt", &format!("Texto de {organization}."), &[]).await;
    }
    let blobs = &app.library.ports().blobs;
    let scope = app
        .library
        .get_organization(&OrganizationName::parse(theirs).unwrap())
        .await
        .unwrap();
    // Left behind by a crash: no row names it.
    let lost = BlobKey(format!("temp/{}/lost", scope.organization_id));
    let mut writer = blobs.create(&lost).await.unwrap();
    writer.write(b"x").await.unwrap();
    writer.commit().await.unwrap();
    assert_eq!(blobs.list("", None, 10).await.unwrap().len(), 3);

    let request = Request::delete(format!("/local/organizations/{theirs}"))
        .body(Body::empty())
        .unwrap();
    reply(&app.local, request).await.expect(200);

    let left = blobs.list("", None, 10).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    let refused = Request::delete("/local/organizations/default")
        .body(Body::empty())
        .unwrap();
    reply(&app.local, refused)
        .await
        .expect_error(422, "VALIDATION_FAILED");
}
