//! `ids doctor` over real servers, whole and broken.

use std::time::{Duration, Instant};

use ids_testkit::{Script, ScriptedModelServer};
use serde_json::Value;

use crate::cluster_place::Cluster;
use crate::place::{Place, Run};
use crate::server::Server;

/// The first finding of that name.
fn finding<'a>(body: &'a Value, check: &str) -> &'a Value {
    let mut checks = body["checks"].as_array().unwrap().iter();
    checks
        .find(|it| it["check"] == check)
        .unwrap_or_else(|| panic!("no `{check}` in {body:#}"))
}

#[track_caller]
fn expect(body: &Value, check: &str, status: &str, words: &str) {
    let found = finding(body, check);
    assert_eq!(found["status"], status, "{found:#}");
    assert!(
        found["detail"].as_str().unwrap().contains(words),
        "{words}: {found:#}"
    );
    assert_eq!(
        status == "ok",
        found["hint"].is_null(),
        "what is not well says what to do: {found:#}"
    );
}

#[test]
fn an_embedded_library_is_looked_at_with_and_without_its_server() {
    let place = Place::new();
    let alone = place.ids(&["doctor", "--json"]);
    assert_eq!(alone.code, Some(0), "{}", alone.stdout);
    let body = alone.body();
    expect(&body, "database", "ok", "no server uses it");
    expect(&body, "queue", "ok", "not used");
    expect(&body, "model", "ok", "not used");
    expect(&body, "address", "ok", "not used");
    expect(&body, "sandbox", "ok", "landlock");
    expect(&body, "sandbox", "ok", "seccomp");
    assert!(
        finding(&body, "memory")["detail"]
            .as_str()
            .unwrap()
            .contains("available")
    );
    assert!(
        finding(&body, "disk")["detail"]
            .as_str()
            .unwrap()
            .contains("the library")
    );

    let server = Server::start(&place);
    let body = place.json(&["doctor"]);
    expect(&body, "database", "ok", "a server uses it");
    expect(&body, "workers", "ok", "1 for document_processing");
    // A cleanup may wait at the start.
    expect(&body, "queue", "ok", "wait");
    expect(&body, "backup", "warn", "none was ever made");
    let text = place.ids(&["doctor"]);
    assert!(text.stdout.contains("ok    workers"), "{}", text.stdout);
    assert!(text.stderr.contains("it works; "), "{}", text.stderr);

    drop(server);
    expect(&place.json(&["doctor"]), "backup", "warn", "none was ever made");
    assert_eq!(place.ids(&["backup"]).code, Some(0));
    expect(&place.json(&["doctor"]), "backup", "ok", "the newest is");
}

#[test]
fn a_server_shape_is_looked_at_in_all_its_parts() {
    let cluster = Cluster::new();
    let before = Run::of(&cluster.command(&["doctor", "--json"]).output().unwrap());
    assert_eq!(before.code, Some(1), "no tables yet: {}", before.stdout);
    expect(&before.body(), "database", "fail", "PostgreSQL 18");

    let api = cluster.api();
    let worker = cluster.worker("first");
    let doctor = |arguments: &[&str]| {
        let mut command = cluster.command(&[&["doctor", "--json"], arguments].concat());
        command.env("PUBLIC_URL", format!("http://{}", api.address()));
        Run::of(&command.output().unwrap())
    };
    let run = doctor(&[]);
    let body = run.body();
    assert_eq!(run.code, Some(0), "{body:#}");
    expect(&body, "database", "ok", "pgvector");
    expect(&body, "connections", "ok", "left");
    expect(
        &body,
        "workers",
        "ok",
        "1 for document_processing, 1 for cleanup_tasks",
    );
    expect(&body, "redis", "ok", "***");
    expect(&body, "persistence", "warn", "forgets everything");
    expect(&body, "eviction", "warn", "all of the machine's memory");
    expect(&body, "s3", "ok", &cluster.bucket);
    expect(&body, "lifecycle", "warn", "no rule removes");
    expect(&body, "address", "ok", "healthy");
    expect(&body, "dns", "ok", "127.0.0.1");
    expect(&body, "certificate", "warn", "`http`");
    expect(&body, "headers", "ok", "careful");
    expect(&body, "clock", "ok", "PostgreSQL");
    expect(
        &body,
        "disk",
        finding(&body, "disk")["status"].as_str().unwrap(),
        "bytes on their way",
    );

    cluster.redis("CONFIG SET appendonly yes");
    cluster.redis("CONFIG SET maxmemory 64mb");
    cluster.redis("CONFIG SET maxmemory-policy allkeys-lru");
    let body = doctor(&["--fix"]).body();
    expect(&body, "persistence", "ok", "append-only");
    expect(&body, "eviction", "warn", "allkeys-lru");
    expect(&body, "lifecycle", "ok", "set up");
    expect(&doctor(&[]).body(), "lifecycle", "ok", "temp/");

    worker.kill();
    cluster.column("update workers set seen_at = 0");
    let document = api.upload("a.txt", b"Texto de um documento.");
    let body = doctor(&[]).body();
    expect(&body, "workers", "fail", "jobs wait there");
    cluster.column("update jobs set created_at = created_at - 4 * 24 * 3600 * 1000000::int8");
    expect(
        &doctor(&[]).body(),
        "queue",
        "warn",
        "the bucket removes its bytes",
    );
    assert!(!document.is_empty());

    for secret in cluster.secrets() {
        assert!(
            !run.stdout.contains(&secret),
            "a secret is printed: {}",
            run.stdout
        );
    }
}

#[test]
fn everything_broken_is_told_at_once_and_within_its_time() {
    let cluster = Cluster::new();
    let mut command = cluster.command(&["doctor", "--json"]);
    command
        .env("POSTGRES_PASSWORD", "wrong-password-of-postgres")
        .env(
            "REDIS_DSN",
            "redis://default:wrong-password-of-redis@127.0.0.1:9/0",
        )
        .env("AWS_SECRET_KEY", "wrong-key-of-s3")
        .env("OPENAI_API_KEY", "wrong-key-of-the-model")
        .env("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        .env("PUBLIC_URL", "https://nobody.invalid");
    let began = Instant::now();
    let run = Run::of(&command.output().unwrap());
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    let body = run.body();
    assert_eq!(
        (run.code, body["status"].as_str()),
        (Some(1), Some("fail")),
        "{body:#}"
    );
    for check in ["database", "redis", "s3", "model", "dns"] {
        assert_eq!(finding(&body, check)["status"], "fail", "{body:#}");
    }
    assert!(
        !run.stdout.contains("wrong-"),
        "a secret is printed: {}",
        run.stdout
    );
}

#[tokio::test]
async fn a_model_is_asked_for_a_word_only_when_that_is_wanted() {
    let list = serde_json::json!({"data": [{"id": "a-model"}]});
    let scripts = [Script::json(&list), Script::json(&list), Script::reply(&["ok"])];
    let server = ScriptedModelServer::start(scripts).await;
    let doctor = async |arguments: &'static [&'static str]| {
        let base_url = server.base_url();
        let run = tokio::task::spawn_blocking(move || {
            let place = Place::new();
            let mut command = place.command(&[&["doctor", "--json"], arguments].concat());
            command
                .env("OPENAI_BASE_URL", base_url)
                .env("OPENAI_MODEL", "a-model");
            Run::of(&command.output().unwrap())
        });
        run.await.unwrap().body()
    };
    let body = doctor(&[]).await;
    expect(&body, "model", "ok", "`a-model`");
    expect(&body, "price", "ok", "not known");
    assert_eq!(server.requests().len(), 1, "nothing that costs");
    let body = doctor(&["--ask-model"]).await;
    expect(&body, "model answer", "ok", "it answers");
    assert_eq!(server.requests().len(), 3);
}
