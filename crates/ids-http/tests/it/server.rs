//! What the server says of itself, and what every reply carries.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::Request;
use ids_http::{HealthProbe, Phase, Readiness};
use insta::assert_json_snapshot;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::App;

struct Probe(bool);

#[async_trait]
impl HealthProbe for Probe {
    fn name(&self) -> &'static str {
        "model"
    }

    async fn check(&self) -> Result<(), String> {
        if self.0 {
            Ok(())
        } else {
            Err("it is down".to_owned())
        }
    }
}

fn with_model(well: bool) -> App {
    App::with(move |mut options| {
        options.health = vec![Arc::new(Probe(well))];
        options
    })
}

#[tokio::test]
async fn health_is_unhealthy_only_without_the_database() {
    let app = with_model(true);
    assert_json_snapshot!("health", app.get("/health").await.expect(200), {
        ".dependencies.*.latency_ms" => "[milliseconds]",
    });
    let degraded = with_model(false).get("/health").await.expect(200);
    assert_eq!(
        (&degraded["status"], &degraded["dependencies"]["model"]["status"]),
        (&json!("degraded"), &json!("unhealthy"))
    );

    app.store.close().await;
    let unhealthy = app.get("/health").await.expect(503);
    assert_eq!(
        (
            &unhealthy["status"],
            &unhealthy["dependencies"]["database"]["status"]
        ),
        (&json!("unhealthy"), &json!("unhealthy"))
    );
    assert_eq!(app.get("/live").await.expect(200), json!({"status": "alive"}));
}

#[tokio::test]
async fn readiness_follows_the_phase() {
    let readiness = Readiness::new(Phase::Migrating);
    let shared = readiness.clone();
    let app = App::with(move |mut options| {
        options.readiness = shared.clone();
        options
    });
    assert_eq!(
        app.get("/ready").await.expect(503),
        json!({"status": "migrating"})
    );
    readiness.set(Phase::Ready);
    assert_eq!(app.get("/ready").await.expect(200), json!({"status": "ready"}));
    readiness.set(Phase::Draining);
    assert_eq!(app.get("/ready").await.expect(503), json!({"status": "draining"}));
}

#[tokio::test]
async fn info_and_queue_health_are_as_scripts_expect_them() {
    let app = App::new();
    assert_json_snapshot!("info", app.get("/info").await.expect(200));
    let health = app.get("/api/v1/queue/health").await;
    assert!(health.text().contains("\"status\":\"healthy\""));
    assert_json_snapshot!("queue_health", health.expect(200));
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_show_the_library() {
    let app = App::new();
    app.ingest("a.txt", "Texto.", &[]).await;
    app.upload("b.txt", b"Outro.", &[]).await.expect(202);
    app.get("/api/v1/documents/nobody")
        .await
        .expect_error(404, "DOCUMENT_NOT_FOUND");
    app.get("/made/up/by/a/client")
        .await
        .expect_error(404, "ROUTE_NOT_FOUND");
    app.clock.advance(Duration::from_secs(90));

    let reply = app.get("/metrics").await;
    assert!(
        reply
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = reply.text();
    for line in [
        "http_requests_total{method=\"POST\",route=\"/api/v1/documents\",status=\"2xx\"} 2",
        "http_requests_total{method=\"GET\",route=\"/api/v1/documents/{document_id}\",status=\"4xx\"} 1",
        "http_requests_total{method=\"GET\",route=\"unmatched\",status=\"4xx\"} 1",
        "http_request_duration_seconds_count{method=\"POST\",route=\"/api/v1/documents\",status=\"2xx\"} 2",
        "ids_documents{status=\"completed\"} 1",
        "ids_documents{status=\"uploaded\"} 1",
        "ids_documents{status=\"failed\"} 0",
        "ids_chunks 1",
        "ids_jobs{queue=\"document_processing\",status=\"queued\"} 1",
        "ids_oldest_job_age_seconds{queue=\"document_processing\"} 90.0",
        "ids_oldest_job_age_seconds{queue=\"cleanup_tasks\"} 0.0",
        "ids_workers{queue=\"document_processing\"} 0",
        "ids_dependency_up{name=\"database\"} 1",
        "ids_last_backup_timestamp_seconds 0.0",
        "# TYPE http_requests_total counter",
        "ids_store_up 1",
    ] {
        assert!(
            text.lines().any(|given| given == line),
            "{line} is not in\n{text}"
        );
    }
    assert!(text.contains("process_resident_memory_bytes "));
    assert!(!text.contains("made"));
}

#[tokio::test]
async fn every_reply_has_a_request_id_and_careful_headers() {
    let app = App::new();
    for path in ["/", "/health", "/api/v1/documents", "/nothing", "/openapi.json"] {
        let reply = app.get(path).await;
        assert!(!reply.header("x-request-id").is_empty(), "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert!(
            reply
                .header("content-security-policy")
                .contains("frame-ancestors 'none'"),
            "{path}"
        );
        let caching = if path == "/" { "no-cache" } else { "no-store" };
        assert_eq!(reply.header("cache-control"), caching, "{path}");
    }
    let with_id = |id: &str| {
        Request::get("/live")
            .header("x-request-id", id)
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(
        app.send(with_id("trace-1")).await.header("x-request-id"),
        "trace-1"
    );
    assert_ne!(
        app.send(with_id("two words")).await.header("x-request-id"),
        "two words"
    );
}

#[tokio::test]
async fn the_page_and_its_assets_are_served() {
    let app = App::new();
    let page = app.get("/").await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'self'")
    );
    let text = page.text();
    let script = text.split('"').find(|part| part.ends_with("/app.js")).unwrap();
    let asset = app.get(script).await;
    assert_eq!(
        (asset.status.as_u16(), asset.header("content-type")),
        (200, "text/javascript; charset=utf-8")
    );
    assert!(asset.header("cache-control").contains("immutable"));
    for other in [
        "lib/api.js",
        "lib/i18n.js",
        "lib/marked.js",
        "i18n/pt.json",
        "styles/page.css",
        "icon.svg",
    ] {
        assert_eq!(
            app.get(&script.replace("app.js", other)).await.status.as_u16(),
            200,
            "{other}"
        );
    }
    app.get(&script.replace("app.js", "../../Cargo.toml"))
        .await
        .expect_error(404, "ROUTE_NOT_FOUND");
    assert_eq!(app.get("/docs").await.status.as_u16(), 200);
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_names_each_request_and_never_what_was_looked_for() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    // For the whole process: with one for this thread alone, a line that another test's thread meets first is off for all of them.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let app = App::new();
    app.ingest("a.txt", "segredo de alguém", &[]).await;
    let mut search =
        crate::support::json_request("POST", "/api/v1/documents/search", json!({"query": "segredo"}));
    search
        .headers_mut()
        .insert("x-request-id", "trace-7".parse().unwrap());
    app.send(search).await.expect(200);
    app.get("/api/v1/documents?search=segredo").await.expect(200);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = text.lines().find(|line| line.contains("trace-7")).unwrap();
    assert!(
        line.contains("POST /api/v1/documents/search 200") && line.contains("elapsed_ms="),
        "{line}"
    );
    assert!(!text.contains("segredo"), "{text}");
}
