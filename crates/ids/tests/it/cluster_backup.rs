//! `ids backup` and `ids restore` of the server shape: two organizations, open jobs, copies in the bucket, another database.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cluster_place::Cluster;
use crate::place::Run;
use crate::server::{Server, send};

const KEY: &str = "a key that only these tests have";

fn run(cluster: &Cluster, arguments: &[&str]) -> Run {
    let mut command = cluster.command(arguments);
    command.env("BACKUP_KEY", KEY).env("BACKUP_S3_PREFIX", "copies/");
    Run::of(&command.output().unwrap())
}

fn json(cluster: &Cluster, arguments: &[&str]) -> Value {
    let run = run(cluster, &[arguments, &["--json"]].concat());
    assert_eq!(run.code, Some(0), "{arguments:?}: {}{}", run.stdout, run.stderr);
    run.body()
}

fn api(cluster: &Cluster) -> Server {
    let mut command = cluster.command(&["api", "--port", "0"]);
    command.env("IDS_AUTH", "keys");
    Server::run(command, cluster.place.root().join("api.log"))
}

fn key_of(cluster: &Cluster, organization: &str) -> String {
    let arguments = [
        "keys",
        "create",
        "--organization",
        organization,
        "--scopes",
        "search,ask,ingest",
    ];
    json(cluster, &arguments)["key"].as_str().unwrap().to_owned()
}

fn asked(server: &Server, key: &str, method: &str, path: &str, content_type: &str, body: &[u8]) -> Value {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
    let answer = send(
        server.address(),
        method,
        &format!("/api/v1{path}"),
        &headers,
        body,
    );
    assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.body);
    answer.body
}

fn upload(server: &Server, key: &str, filename: &str, text: &str) -> String {
    let form = format!(
        "--X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n\r\n{text}\r\n--X--\r\n"
    );
    let body = asked(
        server,
        key,
        "POST",
        "/documents",
        "multipart/form-data; boundary=X",
        form.as_bytes(),
    );
    body["document_id"].as_str().unwrap().to_owned()
}

fn until_completed(server: &Server, key: &str, document_id: &str) {
    crate::wait::until("the document's end", || {
        let status = asked(
            server,
            key,
            "GET",
            &format!("/documents/{document_id}/status"),
            "",
            b"",
        );
        let word = status["status"].as_str().unwrap().to_owned();
        assert!(
            !matches!(word.as_str(), "failed" | "cancelled" | "duplicate"),
            "{status}"
        );
        (word == "completed").then_some(())
    });
}

/// What an organization sees.
fn seen(server: &Server, key: &str) -> Vec<Value> {
    let json = "application/json";
    let mut seen = Vec::new();
    for query in ["férias", "prazo de publicação", "contrato"] {
        let body = serde_json::json!({"query": query}).to_string();
        let mut found = asked(server, key, "POST", "/documents/search", json, body.as_bytes());
        found["query_time"].take();
        seen.push(found);
    }
    seen.push(asked(server, key, "GET", "/documents", json, b""));
    seen.push(asked(server, key, "GET", "/chat/sessions", json, b""));
    seen
}

/// Rows of every table, as somebody sees them from whom nothing is hidden.
fn rows(cluster: &Cluster) -> Vec<String> {
    let tables = cluster.column(
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind = 'r'
         and c.relname not in ('workers', 'leaderships', 'deliveries', 'backups', 'schema_migrations')
         order by 1",
    );
    let counted = tables.iter().map(|table| {
        let owner = cluster.column(&format!(
            "select a.attname::text from pg_attribute a where a.attrelid = 'public.{table}'::regclass
             and a.attname in ('organization_id', 'organization_no')"
        ));
        let owner = owner.first().map_or("'nobody'::text".to_owned(), Clone::clone);
        let sql = format!("select string_agg(line, ',' order by line) from (select {owner} || ' ' || count(*) as line from public.{table} group by {owner}) t");
        format!("{table}: {:?}", cluster.column(&sql))
    });
    counted.collect()
}

/// The new home of a library: a database, a Redis and a bucket of its own. Backups come by folder.
fn moved_to(copies: &Path) -> Cluster {
    let cluster = Cluster::new();
    let to = cluster.place.root().join("backups");
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .args([copies, to.as_path()])
        .status()
        .unwrap();
    assert!(copied.success());
    cluster
}

#[test]
fn two_organizations_come_back_in_an_empty_database_and_their_open_jobs_end() {
    let cluster = Cluster::new();
    let keys = ["default", "saude"].map(|name| key_of(&cluster, name));
    let server = api(&cluster);
    let worker = cluster.worker("w1");
    for (key, text) in keys.iter().zip([
        "As férias dos servidores seguem a escala.",
        "O prazo de publicação é de oito dias.",
    ]) {
        let document = upload(&server, key, "a.txt", text);
        until_completed(&server, key, &document);
        asked(
            &server,
            key,
            "POST",
            "/chat/ask",
            "application/json",
            r#"{"message": "Qual é o prazo?"}"#.as_bytes(),
        );
    }
    let before: Vec<_> = keys.iter().map(|key| seen(&server, key)).collect();
    worker.kill();
    let open = keys.clone().map(|key| {
        upload(
            &server,
            &key,
            "aberto.txt",
            &format!("O contrato {key} está aberto."),
        )
    });

    let made = json(&cluster, &["backup"]);

    assert_eq!(made["encrypted"], true);
    assert_eq!(made["originals"], 4, "two originals, two in work: {made}");
    let copied_to = format!("s3://{}/copies/", cluster.bucket);
    assert_eq!(made["copied_to"], copied_to.as_str());
    let expected = rows(&cluster);
    assert_eq!(
        cluster.column("select copied_to from public.backups"),
        [copied_to]
    );
    let listed = json(&cluster, &["backup", "list", "--from", "s3"]);
    assert_eq!(listed["backups"].as_array().unwrap().len(), 1);
    assert_eq!(
        json(&cluster, &["backup", "verify", "latest", "--from", "s3"])["verified"],
        true
    );
    let refused = run(&cluster, &["restore", "latest", "--replace", "--yes"]);
    assert!(refused.stderr.contains("is in use"), "{}", refused.stderr);

    let folder = PathBuf::from(made["file"].as_str().unwrap());
    let home = moved_to(folder.parent().unwrap());
    let body = json(&home, &["restore", "latest"]);

    assert_eq!(body["verified"], true, "{body}");
    assert_eq!(rows(&home), expected);
    let server = api(&home);
    let _worker = home.worker("w1");
    for ((key, before), open) in keys.iter().zip(before).zip(&open) {
        let answer = seen(&server, key);
        assert_eq!(answer[..3], before[..3], "the same searches find the same");
        assert_eq!(answer[4], before[4], "the same conversations");
        until_completed(&server, key, open);
        assert_eq!(asked(&server, key, "GET", "/documents", "", b"")["total"], 2);
    }
}

#[test]
fn a_library_is_replaced_from_the_bucket_with_nothing_of_before_left() {
    let cluster = Cluster::new();
    let key = key_of(&cluster, "default");
    let (server, worker) = (api(&cluster), cluster.worker("w1"));
    let first = upload(&server, &key, "a.txt", "As férias dos servidores.");
    until_completed(&server, &key, &first);
    let before = seen(&server, &key);
    json(&cluster, &["backup"]);
    let second = upload(&server, &key, "b.txt", "As férias de outro documento.");
    until_completed(&server, &key, &second);
    assert_ne!(seen(&server, &key), before);
    drop((server, worker));
    assert_eq!(originals(&cluster).len(), 2);

    crate::wait::until("the connections' end", || {
        let run = run(
            &cluster,
            &[
                "restore",
                "latest",
                "--from",
                "s3",
                "--replace",
                "--yes",
                "--json",
            ],
        );
        if run.stderr.contains("is in use") {
            return None;
        }
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        Some(())
    });

    let server = api(&cluster);
    assert_eq!(seen(&server, &key), before);
    assert_eq!(originals(&cluster).len(), 1, "{:?}", originals(&cluster));
}

fn originals(cluster: &Cluster) -> Vec<String> {
    let keys = cluster.s3.list_keys(&cluster.bucket);
    keys.into_iter()
        .filter(|key| key.starts_with("originals/"))
        .collect()
}

#[test]
fn a_bucket_that_is_away_leaves_a_whole_backup_in_the_folder_and_says_so() {
    let cluster = Cluster::new();
    assert_eq!(run(&cluster, &["migrate"]).code, Some(0));
    let away = |arguments: &[&str]| {
        let mut command = cluster.command(arguments);
        command
            .env("BACKUP_S3_PREFIX", "copies/")
            .env("S3_ENDPOINT", "http://127.0.0.1:1");
        Run::of(&command.output().unwrap())
    };

    let made = away(&["backup", "--json"]);

    assert_eq!(made.code, Some(1), "{}", made.stdout);
    assert!(
        made.stderr.contains("its copy in the bucket is not"),
        "{}",
        made.stderr
    );
    assert_eq!(made.body()["copied_to"], Value::Null);
    assert_eq!(json(&cluster, &["backup", "verify", "latest"])["verified"], true);
    let listed = away(&["backup", "list", "--from", "s3"]);
    assert_eq!(listed.code, Some(1));
    assert!(
        listed.stderr.contains("the bucket cannot be listed"),
        "{}",
        listed.stderr
    );
}

#[test]
fn an_original_that_cannot_be_read_ends_the_backup() {
    let cluster = Cluster::new();
    let key = key_of(&cluster, "default");
    let (server, _worker) = (api(&cluster), cluster.worker("w1"));
    let document = upload(&server, &key, "a.txt", "As férias dos servidores.");
    until_completed(&server, &key, &document);

    let mut command = cluster.command(&["backup"]);
    command.env("S3_ENDPOINT", "http://127.0.0.1:1");
    let failed = Run::of(&command.output().unwrap());

    assert_eq!(failed.code, Some(1), "{}", failed.stdout);
    assert!(
        failed.stderr.contains("uploads and originals cannot be read"),
        "{}",
        failed.stderr
    );
    let listed = json(&cluster, &["backup", "list"]);
    assert_eq!(listed["backups"], serde_json::json!([]));
    // Gone is another thing than away: all else is worth keeping, and it is said.
    cluster.column(
        "update public.versions set blob_key = 'originals/gone', version_id = gen_random_uuid(), file_hash = decode(repeat('00', 32), 'hex')",
    );
    let made = run(&cluster, &["backup", "--json"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert!(
        made.stderr.contains("1 original that the library names"),
        "{}",
        made.stderr
    );
    assert_eq!(made.body()["missing"].as_array().unwrap().len(), 1);
}
