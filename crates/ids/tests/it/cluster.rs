//! The server shape, end to end: API and workers apart, over PostgreSQL, Redis and S3.

use std::time::{Duration, Instant};

use ids_testkit::{Script, ScriptedModelServer};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cluster_place::Cluster;
use crate::place::Run;
use crate::server::{Answer, Server, send};
use crate::wait;

/// Text that is cut into some hundreds of chunks: many seconds of embedding.
fn long_text() -> String {
    (0..4_000)
        .map(|number| format!("No artigo {number} o contrato {number} fixa o prazo de {number} dias. "))
        .collect()
}

/// Waits until some of its chunks have embeddings, but not all.
fn until_midway(server: &Server, document_id: &str) -> u64 {
    wait::until("some embeddings", || {
        let status = server.status(document_id);
        assert_ne!(status["status"], "completed", "too fast to be interrupted");
        status["chunks_processed"].as_u64().filter(|&done| done > 0)
    })
}

fn assert_whole(server: &Server) {
    let stats = server.get("/documents/stats");
    assert_eq!(stats["total_chunks"], stats["total_embeddings"], "{stats}");
    assert!(stats["total_chunks"].as_u64().unwrap() > 0, "{stats}");
}

/// Announces, sends the bytes straight to the bucket, and has them processed.
fn upload_presigned(server: &Server, filename: &str, bytes: &[u8]) -> String {
    let announcement = json!({"filename": filename, "file_size": bytes.len(), "content_type": "text/plain"});
    let announced = post(server, "/api/v1/documents/upload/presigned", &announcement);
    assert_eq!(announced.status, 200, "{}", announced.body);
    let announced = announced.body;
    let url = announced["upload_url"].as_str().unwrap();
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    assert_ne!(address, server.address(), "the bytes do not go through the API");
    let headers: Vec<(&str, &str)> = announced["headers"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let put = send(address, "PUT", &format!("/{path}"), &headers, bytes);
    assert_eq!(put.status, 200, "{}", put.body);
    let document_id = announced["document_id"].as_str().unwrap();
    let path = format!("/api/v1/documents/{document_id}/process");
    let accepted = post(server, &path, &json!({"upload_id": announced["upload_id"]}));
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    document_id.to_owned()
}

fn post(server: &Server, path: &str, body: &Value) -> Answer {
    server.send("POST", path, "application/json", body.to_string().as_bytes())
}

#[test]
fn bytes_that_went_straight_to_the_bucket_are_found_and_kept_as_an_original() {
    let cluster = Cluster::new();
    let api = cluster.api();
    let _workers = [cluster.worker("w1"), cluster.worker("w2")];

    let document_id = upload_presigned(&api, "jabuticaba.txt", "A jabuticaba é uma fruta.".as_bytes());
    api.until_completed(&document_id);

    let found = api.search("jabuticaba", "hybrid");
    assert_eq!(found[0]["document_id"], *document_id);
    let keys = wait::until("the bucket to be tidy", || {
        let keys = cluster.s3.list_keys(&cluster.bucket);
        (keys.len() == 1).then_some(keys)
    });
    assert!(keys[0].starts_with("originals/"), "{keys:?}");
}

#[test]
fn the_job_of_a_killed_worker_ends_on_another() {
    let cluster = Cluster::new();
    let api = cluster.api();
    let first = cluster.worker("first");
    let document_id = api.upload("livro.txt", long_text().as_bytes());
    let at_kill = until_midway(&api, &document_id);
    let _second = cluster.worker("second");

    first.kill();

    let done = wait::until("the other worker", || {
        let done = api.status(&document_id)["chunks_processed"].as_u64().unwrap();
        assert!(done >= at_kill, "it goes on where it was");
        (done > at_kill + 32).then_some(done)
    });
    assert!(done > 0);
    api.until_completed(&document_id);
    assert_whole(&api);
    assert_eq!(api.get("/documents")["total"], 1);
}

#[test]
fn a_redis_that_forgot_everything_loses_no_job() {
    let cluster = Cluster::new();
    let api = cluster.api();
    let documents: Vec<String> = (0..5)
        .map(|number| {
            let text = format!("O contrato número {number} fixa o prazo.");
            api.upload(&format!("{number}.txt"), text.as_bytes())
        })
        .collect();

    assert_eq!(cluster.redis("FLUSHALL"), "+OK");
    let _worker = cluster.worker("w1");

    for document_id in &documents {
        api.until_completed(document_id);
    }
    assert_whole(&api);
}

#[test]
fn a_worker_that_is_asked_to_stop_gives_its_job_back_at_once() {
    let cluster = Cluster::new();
    let api = cluster.api();
    let first = cluster.worker("first");
    let document_id = api.upload("livro.txt", long_text().as_bytes());
    until_midway(&api, &document_id);
    let _second = cluster.worker("second");

    assert_eq!(first.stop(Signal::TERM).code(), Some(0));

    let given_back = Instant::now();
    let at_stop = api.status(&document_id)["chunks_processed"].as_u64().unwrap();
    wait::until("the other worker", || {
        let status = api.status(&document_id);
        let goes_on =
            status["chunks_processed"].as_u64().unwrap() > at_stop || status["status"] == "completed";
        goes_on.then_some(())
    });
    assert!(
        given_back.elapsed() < Duration::from_secs(5),
        "it waited for {:?}",
        given_back.elapsed()
    );
}

#[test]
fn an_api_that_is_asked_to_stop_ends_well() {
    let cluster = Cluster::new();
    let api = cluster.api();
    assert_eq!(api.stop(Signal::TERM).code(), Some(0));
}

#[test]
fn two_servers_may_make_the_same_library_at_the_same_time() {
    let cluster = Cluster::new();
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..2).map(|_| scope.spawn(|| cluster.api())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    for server in &servers {
        assert_eq!(server.get("/documents")["total"], 0);
    }
    let document_id = servers[0].upload("a.txt", b"O prazo.");
    assert_eq!(servers[1].status(&document_id)["status"], "uploaded");
}

#[test]
fn a_measurement_over_servers_gives_the_figures_of_the_embedded_shape_and_leaves_nothing() {
    let cluster = Cluster::new();
    crate::eval::tiny_set(&cluster.place);
    let measure = |mut command: std::process::Command| {
        let run = Run::of(&command.output().unwrap());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let mut body = run.body();
        for time in ["p50_ms", "p99_ms"] {
            body[time].take();
        }
        body
    };
    let arguments = ["eval", "set", "--json"];

    let over_servers = measure(cluster.command(&arguments));

    assert_eq!(over_servers, measure(cluster.place.command(&arguments)));
    let schemas = cluster.column("select nspname::text from pg_namespace where nspname like 'ids%'");
    assert_eq!(schemas, Vec::<String>::new());
    assert_eq!(cluster.redis("DBSIZE"), ":0");
    assert_eq!(cluster.s3.list_keys(&cluster.bucket), Vec::<String>::new());
}

#[test]
fn a_key_opens_its_organization_until_it_is_revoked() {
    let cluster = Cluster::new();
    let mut command = cluster.command(&["api", "--port", "0"]);
    command.env("IDS_AUTH", "keys");
    let api = Server::run(command, cluster.place.root().join("api.log"));
    let json = |arguments: &[&str]| {
        let run = Run::of(&cluster.command(arguments).output().unwrap());
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        run.body()
    };
    let made = json(&[
        "keys",
        "create",
        "--organization",
        "saude",
        "--scopes",
        "search",
        "--json",
    ]);
    assert_eq!(made["organization"], "saude");
    let key = made["key"].as_str().unwrap();

    assert_eq!(api.status_of("/api/v1/documents", None), 401);
    assert_eq!(api.status_of("/api/v1/documents", Some(key)), 200);

    let key_id = made["key_id"].as_str().unwrap();
    json(&["keys", "revoke", key_id, "--organization", "saude", "--json"]);
    assert_eq!(api.status_of("/api/v1/documents", Some(key)), 401);
}

/// Two API servers with one budget, whose model is at `base_url`.
fn servers_with_budget(cluster: &Cluster, base_url: &str, monthly: &str) -> [Server; 2] {
    [0, 1].map(|number| {
        let mut command = cluster.command(&["api", "--port", "0"]);
        command
            .env("OPENAI_BASE_URL", base_url)
            .env("OPENAI_MODEL", "gpt-4o-mini")
            .env("AI_BUDGET_MONTHLY", monthly);
        Server::run(command, cluster.place.root().join(format!("api-{number}.log")))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_do_not_spend_more_than_one_budget() {
    let script = Script::stream()
        .piece("O prazo é de cinco dias úteis. [1: \"prazo para recurso é de cinco dias úteis\"]\n")
        .usage(1_000, 200)
        .done();
    let model = ScriptedModelServer::start([script]).await;
    let base_url = model.base_url();
    let modes = tokio::task::spawn_blocking(move || {
        let cluster = Cluster::new();
        let servers = servers_with_budget(&cluster, &base_url, "0.004");
        let _worker = cluster.worker("w1");
        let document_id = servers[0].upload(
            "edital.txt",
            "O prazo para recurso é de cinco dias úteis.".as_bytes(),
        );
        servers[0].until_completed(&document_id);
        let question = json!({"message": "Qual é o prazo para recurso?"});
        let modes: Vec<String> = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..50)
                .map(|number| {
                    let (server, question) = (&servers[number % 2], &question);
                    scope.spawn(move || post(server, "/api/v1/chat/ask", question))
                })
                .collect();
            let answers = asked.into_iter().map(|asked| asked.join().unwrap());
            answers
                .map(|answer| {
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    answer.body["metadata"]["mode"].as_str().unwrap().to_owned()
                })
                .collect()
        });
        let month = servers[1].get("/usage");
        assert_eq!(month["reserved"], 0.0, "{month}");
        (modes, month)
    });
    let (modes, month) = modes.await.unwrap();

    let asked = model.requests().len();
    // 270 millionths each.
    assert!(asked > 0 && asked * 270 <= 4_000, "{asked} requests");
    assert_eq!(modes.iter().filter(|mode| *mode == "generated").count(), asked);
    assert_eq!(
        month["spent"].as_f64().unwrap(),
        (asked * 270) as f64 / 1e6,
        "{month}"
    );
}
