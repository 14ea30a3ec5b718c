//! What is logged: ids in every line of a request or a job, nothing of a document, nothing secret.

use ids_testkit::{Script, ScriptedModelServer};
use serde_json::{Value, json};

use crate::cluster_place::Cluster;
use crate::place::Place;
use crate::server::{Background, Server, send};
use crate::wait;

const TEXT: &str = "marcadordocumento";
const QUESTION: &str = "marcadorpergunta";
const MODEL_KEY: &str = "sk-marcador-do-modelo";

/// Uploads, fails at an upload, searches and asks; returns the secrets that were used.
fn use_it(api: &Server, key: &str) {
    let bearer = format!("Bearer {key}");
    let call = |method: &str, path: &str, content_type: &str, body: &[u8]| {
        let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
        send(api.address(), method, path, &headers, body)
    };
    let form = |name: &str, bytes: &str| {
        format!(
            "--X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{bytes}\r\n--X--\r\n"
        )
    };
    let upload = |name: &str, bytes: &str| {
        let body = form(name, bytes);
        call(
            "POST",
            "/api/v1/documents",
            "multipart/form-data; boundary=X",
            body.as_bytes(),
        )
    };
    let good = upload("bom.txt", &format!("O {TEXT} vence em cinco dias úteis."));
    assert_eq!(good.status, 202, "{}", good.body);
    let broken = upload("ruim.pdf", &format!("%PDF-1.7\n{TEXT}"));
    for answer in [good, broken] {
        let Some(document_id) = answer.body["document_id"].as_str() else {
            continue;
        };
        let path = format!("/api/v1/documents/{document_id}/status");
        wait::until("the document's end", || {
            let status = call("GET", &path, "application/json", b"").body;
            matches!(status["status"].as_str(), Some("completed" | "failed")).then_some(())
        });
    }
    let search = json!({"query": format!("{QUESTION} vence")}).to_string();
    call(
        "POST",
        "/api/v1/documents/search",
        "application/json",
        search.as_bytes(),
    );
    for stream in [false, true] {
        let ask = json!({"message": format!("Quando vence o {QUESTION}?"), "stream": stream}).to_string();
        call("POST", "/api/v1/chat/ask", "application/json", ask.as_bytes());
    }
    call("GET", "/api/v1/documents/nobody", "application/json", b"");
    call("POST", "/api/v1/documents/search", "application/json", b"{");
}

fn lines(log: &str) -> Vec<Value> {
    let parsed = log.lines().map(|line| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: `{line}` is no JSON"))
    });
    parsed.collect()
}

#[tokio::test]
async fn nothing_of_documents_and_nothing_secret_is_logged_at_any_level() {
    let model = ScriptedModelServer::start([Script::status(500, &[], "no")]).await;
    let base_url = model.base_url();
    let done = tokio::task::spawn_blocking(move || {
        for level in ["info", "trace"] {
            let cluster = Cluster::new();
            let migrated = cluster.command(&["migrate"]).output().unwrap();
            assert!(migrated.status.success());
            let made = cluster
                .command(&[
                    "keys",
                    "create",
                    "--organization",
                    "default",
                    "--scopes",
                    "admin",
                    "--json",
                ])
                .output()
                .unwrap();
            let made: Value = serde_json::from_slice(&made.stdout).unwrap();
            let key = made["key"].as_str().unwrap().to_owned();
            let set = |mut command: std::process::Command| {
                command
                    .env("LOG_LEVEL", level)
                    .env("IDS_AUTH", "keys")
                    .env("OPENAI_BASE_URL", &base_url)
                    .env("OPENAI_API_KEY", MODEL_KEY);
                command
            };
            let log = cluster.place.root().join("all.log");
            let api = Server::run(set(cluster.command(&["api", "--port", "0"])), log.clone());
            let worker = Background::run(set(cluster.command(&["worker", "--all"])), &log);
            use_it(&api, &key);
            drop((worker, api));
            let log = std::fs::read_to_string(&log).unwrap();
            assert!(log.lines().count() > 10, "{log}");
            assert!(!log.contains(TEXT), "document text is logged at {level}");
            assert_eq!(
                log.contains(QUESTION),
                level == "trace",
                "questions are logged at debug and below only"
            );
            let mut secrets = cluster.secrets();
            secrets.extend([key, MODEL_KEY.to_owned()]);
            for secret in secrets {
                assert!(!log.contains(&secret), "a secret is logged at {level}");
            }
            lines(&log);
        }
    });
    done.await.unwrap();
}

#[test]
fn every_line_of_a_request_or_a_job_carries_its_id() {
    let place = Place::new();
    let server = Server::start_with(&place, &[("LOG_LEVEL", "debug")]);
    let document_id = server.upload("a.txt", b"Um texto curto.");
    server.until_completed(&document_id);
    server.search("texto", "hybrid");
    let job_id = server.status(&document_id)["job_id"].as_str().unwrap().to_owned();
    // The line that ends a job is written after its last word to the store.
    let lines = wait::until("the job's last line", || {
        let lines = lines(&server.log());
        let last = |line: &Value| {
            line["message"]
                .as_str()
                .is_some_and(|text| text.contains("finished"))
        };
        lines.iter().any(last).then_some(lines)
    });
    let of = |target: &str, words: &str| {
        let found: Vec<&Value> = lines
            .iter()
            .filter(|line| {
                line["target"].as_str().unwrap().starts_with(target)
                    && line["message"].as_str().is_some_and(|text| text.contains(words))
            })
            .collect();
        assert!(!found.is_empty(), "no `{words}` of {target} in {lines:#?}");
        found
    };
    for line in of("ids_http::observe", "GET") {
        assert!(line["span"]["request.id"].is_string(), "{line}");
    }
    let searched = of("ids_http::routes::search", "searched");
    assert!(searched[0]["span"]["request.id"].is_string(), "{}", searched[0]);
    for line in of("ids_core::jobs", "finished") {
        assert_eq!(line["span"]["job.id"], job_id.as_str(), "{line}");
    }
    for line in lines {
        assert!(
            line["span"]["name"].as_str().is_none_or(|name| name != "embed"),
            "spans for traces are no logs: {line}"
        );
    }
}
