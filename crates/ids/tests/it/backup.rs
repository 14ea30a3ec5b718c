//! `ids backup` and `ids restore` of a data directory, while it is in use.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::place::{Place, Run};
use crate::server::Server;
use crate::wait;

pub const KEY: &str = "a key that only these tests have";

/// Text that is cut into some hundreds of chunks: many seconds of embedding.
fn long_text() -> String {
    (0..3_000)
        .map(|number| format!("No artigo {number} o contrato {number} fixa o prazo de {number} dias. "))
        .collect()
}

pub fn library() -> Place {
    let place = Place::new();
    place.write(
        "ferias.md",
        "# Férias\n\nA concessão de férias dos servidores observará a escala publicada em dezembro.",
    );
    place.write(
        "edital.md",
        "# Edital\n\n## Do prazo\n\nA licitação terá prazo de publicação de oito dias úteis.",
    );
    let ingested = place.json(&["ingest", "ferias.md", "edital.md", "--tags", "teste"]);
    assert_eq!(ingested["ingested"], 2);
    place.json(&["ask", "Qual é o prazo de publicação da licitação?"]);
    place
}

/// Searches, documents and jobs as the commands show them.
fn seen(place: &Place) -> Vec<Value> {
    let mut seen: Vec<Value> = ["férias dos servidores", "prazo", "licitação"]
        .iter()
        .map(|query| {
            let mut body = place.json(&["search", query]);
            body["query_time"].take();
            body
        })
        .collect();
    seen.push(place.json(&["documents", "list"]));
    seen.push(place.json(&["queue", "info"]));
    seen
}

pub fn with_key(place: &Place, arguments: &[&str]) -> Run {
    let mut command = place.command(arguments);
    command.env("BACKUP_KEY", KEY);
    Run::of(&command.output().unwrap())
}

pub fn back_up(place: &Place, arguments: &[&str]) -> PathBuf {
    let run = with_key(place, &[&["backup", "--json"], arguments].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    PathBuf::from(run.body()["file"].as_str().unwrap())
}

pub fn restored(place: &Place, arguments: &[&str]) -> Value {
    let run = with_key(place, &[&["restore", "--json"], arguments].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    run.body()
}

/// All files below a folder, without locks and sockets.
pub fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            names.extend(
                files(&entry.path())
                    .into_iter()
                    .map(|below| format!("{name}/{below}")),
            );
        } else if kind.is_file() && !matches!(name.as_str(), "lock" | ".lock") {
            names.push(name);
        }
    }
    names.sort_unstable();
    names
}

#[test]
fn a_library_comes_back_from_its_backup_as_it_was() {
    let place = library();
    let before = seen(&place);
    let file = back_up(&place, &["--to", "copies"]);
    assert!(file.to_str().unwrap().ends_with(".tar.gz.age"));
    // The program alone goes on, in another place.
    let other = Place::new();
    let copies = place.root().join("copies");
    let copies = copies.to_str().unwrap();
    let listed = other.json(&["backup", "list", "--from", copies]);
    assert_eq!(listed["backups"].as_array().unwrap().len(), 1);
    let verified = with_key(
        &other,
        &["backup", "verify", "latest", "--from", copies, "--json"],
    );
    assert_eq!(
        (verified.code, &verified.body()["originals"]),
        (Some(0), &2.into())
    );

    let body = restored(&other, &["latest", "--from", copies]);

    assert_eq!((&body["verified"], &body["originals"]), (&true.into(), &2.into()));
    assert_eq!(seen(&other), before);
    let sessions = |place: &Place| {
        let server = Server::start(place);
        let mut list = server.get("/chat/sessions");
        let session = list["sessions"][0]["session_id"].as_str().unwrap().to_owned();
        (
            list["sessions"].take(),
            server.get(&format!("/chat/sessions/{session}")),
            server.get("/documents/stats"),
        )
    };
    assert_eq!(sessions(&other), sessions(&place));
    let blobs = |place: &Place| files(&place.data_dir().join("blobs"));
    assert_eq!(blobs(&other), blobs(&place));
}

#[test]
fn a_backup_of_a_running_server_has_its_open_jobs_which_end_after_the_restore() {
    let place = Place::new();
    let server = Server::start(&place);
    let done = server.upload("pronto.txt", "A jabuticaba é uma fruta.".as_bytes());
    server.until_completed(&done);
    let open = server.upload("livro.txt", long_text().as_bytes());
    wait::until("some embeddings", || {
        let status = server.status(&open);
        assert_ne!(status["status"], "completed", "too fast to be interrupted");
        status["chunks_processed"].as_u64().filter(|&count| count > 0)
    });

    // Without originals: what is in work comes along all the same.
    let file = back_up(&place, &["--no-originals"]);

    assert_ne!(
        server.status(&open)["status"],
        "completed",
        "it was in work until here"
    );
    drop(server);
    let other = Place::new();
    restored(&other, &[file.to_str().unwrap()]);
    let server = Server::start(&other);
    server.until_completed(&open);
    let stats = server.get("/documents/stats");
    assert_eq!(stats["total_chunks"], stats["total_embeddings"], "{stats}");
    assert_eq!(server.search("jabuticaba", "hybrid")[0]["document_id"], *done);
}

#[test]
fn each_original_is_kept_once_and_goes_with_the_last_backup_that_needs_it() {
    let place = library();
    let copies = place.root().join("copies");
    let first = back_up(&place, &["--to", "copies"]);
    let originals = || files(&copies.join("originals"));
    assert_eq!(originals().len(), 2);
    place.write("novo.md", "# Novo\n\nOutro documento.");
    place.json(&["ingest", "novo.md"]);
    back_up(&place, &["--to", "copies"]);
    assert_eq!(originals().len(), 3);
    // As it lies there after some weeks.
    for suffix in [".tar.gz.age", ".sha256", ".originals"] {
        let name = first.file_name().unwrap().to_str().unwrap();
        let stem = name.split('.').next().unwrap();
        fs::rename(
            copies.join(format!("{stem}{suffix}")),
            copies.join(format!("ids-20200101T000000Z{suffix}")),
        )
        .unwrap();
    }
    let id = place.json(&["documents", "list"])["documents"][0]["document_id"]
        .as_str()
        .unwrap()
        .to_owned();
    place.json(&["documents", "delete", &id, "--yes"]);

    let run = with_key(&place, &["backup", "--to", "copies", "--json"]);

    assert_eq!(
        run.body()["removed"],
        serde_json::json!(["ids-20200101T000000Z.tar.gz.age"])
    );
    assert_eq!(originals().len(), 3, "the backup of yesterday needs all three");
    let list = place.json(&["backup", "list", "--from", "copies"]);
    assert_eq!(list["backups"].as_array().unwrap().len(), 2);
}

#[test]
fn a_library_with_something_in_it_is_replaced_only_when_asked_and_whole() {
    let place = library();
    let file = back_up(&place, &[]);
    let before = seen(&place);
    let other = Place::new();
    other.write("meu.md", "# Meu\n\nUm documento que só está aqui.");
    other.json(&["ingest", "meu.md"]);
    let mine = seen(&other);
    let file = file.to_str().unwrap();

    let refused = with_key(&other, &["restore", file]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("1 document") && refused.stderr.contains("--replace"),
        "{}",
        refused.stderr
    );
    let unasked = with_key(&other, &["restore", file, "--replace"]);
    assert_eq!(unasked.code, Some(2), "nobody can be asked: {}", unasked.stderr);
    assert_eq!(seen(&other), mine);

    restored(&other, &[file, "--replace", "--yes"]);

    assert_eq!(seen(&other), before);
    assert_eq!(
        files(&other.data_dir().join("blobs")).len(),
        2,
        "the originals of before are gone"
    );
}

#[test]
fn a_library_in_use_is_not_replaced() {
    let place = library();
    let file = back_up(&place, &[]);
    let _server = Server::start(&place);
    let run = with_key(&place, &["restore", file.to_str().unwrap(), "--replace", "--yes"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("in use; stop `ids serve`"), "{}", run.stderr);
}

#[test]
fn included_files_come_along_and_are_taken_out_where_asked() {
    let place = library();
    place.write("config/nginx.conf", "worker_processes 1;");
    place.write("dump.rdb", "REDIS0011");
    back_up(
        &place,
        &["--to", "copies", "--include", "config", "--include", "dump.rdb"],
    );
    let other = Place::new();
    let copies = place.root().join("copies");

    let body = restored(
        &other,
        &[
            "latest",
            "--from",
            copies.to_str().unwrap(),
            "--included-to",
            "out",
        ],
    );

    assert_eq!(body["included"].as_array().unwrap().len(), 2);
    assert_eq!(
        files(&other.root().join("out")),
        ["config/nginx.conf", "dump.rdb"]
    );
    let text = fs::read_to_string(other.root().join("out/config/nginx.conf")).unwrap();
    assert_eq!(text, "worker_processes 1;");
}
