//! Libraries as the released versions wrote them (tests/upgrade), opened by this one, in both shapes: what was in them is found, and
//! the work goes on. And the way back: which newer library this version may go on with.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cluster_place::Cluster;
use crate::place::{Place, Run, texts};

/// The folders of all releases, oldest first as far as their names tell.
fn releases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/upgrade");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    assert!(
        !found.is_empty(),
        "no release has left its data: scripts/write-upgrade-data.sh"
    );
    found
}

fn expected(release: &Path, shape: &str) -> Value {
    let text = std::fs::read_to_string(release.join("expected.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()[shape].clone()
}

/// Runs a command with `--json`, in whichever shape `command` stands for, and expects exit code 0.
fn json(command: &dyn Fn(&[&str]) -> Command, arguments: &[&str]) -> Value {
    let run = Run::of(&command(&[arguments, &["--json"]].concat()).output().unwrap());
    assert_eq!(run.code, Some(0), "{arguments:?}: {}{}", run.stdout, run.stderr);
    run.body()
}

/// What the program of then found is found by this one.
fn assert_all_is_there(command: &dyn Fn(&[&str]) -> Command, wanted: &Value, release: &Path) {
    let mut documents: Vec<(String, String)> = json(command, &["documents", "list"])["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|document| {
            let text = |field: &str| document[field].as_str().unwrap().to_owned();
            (text("title"), text("document_id"))
        })
        .collect();
    documents.sort();
    let ids: Vec<&String> = documents.iter().map(|(_, id)| id).collect();
    assert_eq!(
        ids.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
        texts(&wanted["documents"], "document_id"),
        "{release:?}"
    );
    for search in wanted["searches"].as_array().unwrap() {
        let text = |field: &str| search[field].as_str().unwrap();
        let found = json(command, &["search", text("query"), "--mode", text("mode")]);
        let best = &found["results"][0];
        // Scores may change from version to version; the passage that answers may not.
        for field in ["document_id", "source", "page", "content", "start", "end"] {
            assert_eq!(
                best[field], search["best"][field],
                "{release:?}: {field} of {search}"
            );
        }
    }
}

/// The conversation of then is remembered, and goes on.
fn assert_session_goes_on(command: &dyn Fn(&[&str]) -> Command, session: &Value) {
    let id = session["session_id"].as_str().unwrap();
    let further = json(command, &["ask", "Quando é feito o pagamento?", "--session", id]);
    assert_eq!(further["session_id"], *id);
    assert!(
        further["response"].as_str().unwrap().contains("décimo dia útil"),
        "{further}"
    );
}

#[test]
fn a_data_directory_of_each_release_opens_and_goes_on() {
    for release in releases() {
        let wanted = expected(&release, "embedded");
        let place = Place::new();
        let unpacked = Command::new("tar")
            .args(["--extract", "--gzip", "--file"])
            .arg(release.join("embedded.tar.gz"))
            .arg("--directory")
            .arg(place.root())
            .status()
            .unwrap();
        assert!(unpacked.success() && place.data_dir().join("library.db").is_file());
        let command = |arguments: &[&str]| place.command(arguments);

        assert_all_is_there(&command, &wanted, &release);
        let server = crate::server::Server::start(&place);
        let id = wanted["session"]["session_id"].as_str().unwrap();
        let kept = server.get(&format!("/chat/sessions/{id}"));
        let told = kept.to_string();
        for answer in wanted["session"]["answers"].as_array().unwrap() {
            let first_line = answer.as_str().unwrap().lines().next().unwrap();
            assert!(told.contains(first_line), "{release:?}: {first_line} in {told}");
        }
        assert_session_goes_on(&command, &wanted["session"]);

        // Bytes of then are still to be had, and what is new goes beside what is old.
        let document = wanted["documents"][1]["document_id"].as_str().unwrap();
        server.get(&format!("/documents/{document}/pages/1"));
        let new = server.upload("adendo.txt", "A jabuticaba entra no contrato.".as_bytes());
        server.until_completed(&new);
        assert_eq!(server.search("jabuticaba", "hybrid")[0]["document_id"], *new);
        let deleted = server.send(
            "DELETE",
            &format!("/api/v1/documents/{document}"),
            "application/json",
            b"",
        );
        assert!(deleted.status < 300, "{}", deleted.body);
        let left = server.get("/documents");
        assert_eq!(left["total"], wanted["documents"].as_array().unwrap().len());
    }
}

#[test]
fn a_database_of_each_release_opens_and_goes_on() {
    for release in releases() {
        let wanted = expected(&release, "server");
        let cluster = Cluster::of_dump(&release.join("server.sql.gz"));
        let command = |arguments: &[&str]| cluster.command(arguments);
        // First thing in an upgrade, while older processes still run.
        let migrated = Run::of(&command(&["migrate"]).output().unwrap());
        assert_eq!(migrated.code, Some(0), "{release:?}: {}", migrated.stderr);

        assert_all_is_there(&command, &wanted, &release);
        assert_session_goes_on(&command, &wanted["session"]);
        let api = cluster.api();
        let _worker = cluster.worker("w1");
        let new = api.upload("adendo.txt", "A jabuticaba entra no contrato.".as_bytes());
        api.until_completed(&new);
        assert_eq!(api.search("jabuticaba", "hybrid")[0]["document_id"], *new);
        let document = wanted["documents"][1]["document_id"].as_str().unwrap();
        let deleted = api.send(
            "DELETE",
            &format!("/api/v1/documents/{document}"),
            "application/json",
            b"",
        );
        assert!(deleted.status < 300, "{}", deleted.body);
    }
}

/// Old and new processes stand side by side in an upgrade, and a rollback starts the old ones again: the newest migration says which
/// of them may.
#[test]
fn a_database_one_migration_ahead_is_used_if_that_migration_allows_it_and_refused_otherwise() {
    let cluster = Cluster::new();
    let run = |arguments: &[&str]| Run::of(&cluster.command(arguments).output().unwrap());
    assert_eq!(run(&["migrate"]).code, Some(0));
    let known: u32 = cluster.column("select max(version) from schema_migrations")[0]
        .parse()
        .unwrap();
    let ahead = |oldest_binary: u32| {
        cluster.column(&format!(
            "insert into schema_migrations (version, name, checksum, oldest_binary, applied_at) \
             values ({next}, 'widen_something', '', {oldest_binary}, 0) \
             on conflict (version) do update set oldest_binary = {oldest_binary}",
            next = known + 1
        ));
    };

    // A column more that this binary does not know: what an expanding migration does.
    cluster.column("alter table documents add column known_to_the_next text");
    ahead(known);
    let api = cluster.api();
    let worker = cluster.worker("w1");
    let document = api.upload("jabuticaba.txt", "A jabuticaba é uma fruta.".as_bytes());
    api.until_completed(&document);
    assert_eq!(api.search("jabuticaba", "hybrid")[0]["document_id"], *document);
    drop((api, worker));

    ahead(known + 1);
    let refused = run(&["search", "jabuticaba"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("newer version"), "{}", refused.stderr);
}
