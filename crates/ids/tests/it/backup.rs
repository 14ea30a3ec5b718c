//! `ids backup` and `ids restore` of a data directory: while it is in use, whole or not at all, and what is said of what cannot be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::disk::SmallDisk;
use crate::place::{Place, Run};
use crate::server::{Server, send_signal, wait_for_end};
use crate::wait;

const KEY: &str = "a key that only these tests have";

/// Text that is cut into some hundreds of chunks: many seconds of embedding.
fn long_text() -> String {
    (0..3_000)
        .map(|number| format!("No artigo {number} o contrato {number} fixa o prazo de {number} dias. "))
        .collect()
}

fn library() -> Place {
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

fn with_key(place: &Place, arguments: &[&str]) -> Run {
    let mut command = place.command(arguments);
    command.env("BACKUP_KEY", KEY);
    Run::of(&command.output().unwrap())
}

fn back_up(place: &Place, arguments: &[&str]) -> PathBuf {
    let run = with_key(place, &[&["backup", "--json"], arguments].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    PathBuf::from(run.body()["file"].as_str().unwrap())
}

fn restored(place: &Place, arguments: &[&str]) -> Value {
    let run = with_key(place, &[&["restore", "--json"], arguments].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    run.body()
}

/// All files below a folder, without locks and sockets.
fn files(folder: &Path) -> Vec<String> {
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
fn what_cannot_be_restored_is_said_and_nothing_is_touched() {
    let place = library();
    let file = back_up(&place, &["--to", "copies"]);
    let whole = fs::read(&file).unwrap();
    let other = Place::new();
    let path = file.to_str().unwrap();
    let fails = |run: Run, code: i32, what: &str| {
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert!(run.stderr.contains(what), "{what}: {}", run.stderr);
        assert!(!run.stderr.contains(KEY) && !run.stdout.contains(KEY));
        let left = files(other.data_dir());
        assert!(left.iter().all(|name| name == "upload.key"), "{what}: {left:?}");
    };

    fails(other.ids(&["restore", path]), 1, "set BACKUP_KEY");
    let mut wrong = other.command(&["restore", path]);
    wrong.env("BACKUP_KEY", "another key of some other town");
    fails(
        Run::of(&wrong.output().unwrap()),
        1,
        "not opened by this BACKUP_KEY",
    );
    let mut short = other.command(&["restore", path]);
    short.env("BACKUP_KEY", "short");
    fails(
        Run::of(&short.output().unwrap()),
        2,
        "`BACKUP_KEY` must have at least 16 characters",
    );
    fails(
        with_key(&other, &["restore", "latest", "--from", "nowhere"]),
        1,
        "there is no backup in `nowhere`",
    );
    fails(
        with_key(&other, &["restore", "ids.zip"]),
        1,
        "not the name of a backup",
    );

    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    fs::write(&file, &changed).unwrap();
    fails(with_key(&other, &["restore", path]), 1, "is damaged");
    fs::write(&file, &whole[..whole.len() - 100]).unwrap();
    fails(with_key(&other, &["restore", path]), 1, "is damaged");
    fs::write(&file, &whole).unwrap();

    let original = walk(&place.root().join("copies/originals"));
    let bytes = fs::read(&original).unwrap();
    fs::write(&original, &bytes[..bytes.len() - 1]).unwrap();
    fails(with_key(&other, &["restore", path]), 1, "is damaged");
    fs::remove_file(&original).unwrap();
    fails(with_key(&other, &["restore", path]), 1, "--no-originals");
    let verified = with_key(&other, &["backup", "verify", path]);
    assert_eq!(verified.code, Some(1));
    assert!(verified.stderr.contains("it is missing"), "{}", verified.stderr);
    let without = restored(&other, &[path, "--no-originals"]);
    assert_eq!(without["originals"], 0);
    assert_eq!(other.json(&["documents", "list"])["total"], 2);
}

/// Some file below a folder.
fn walk(folder: &Path) -> PathBuf {
    let name = files(folder).into_iter().next().unwrap();
    folder.join(name)
}

#[test]
fn a_backup_of_a_server_is_sent_to_where_it_belongs() {
    let place = Place::new();
    let about = r#"{"format":1,"ids_version":"0.1.0","shape":"server","schema_version":5,"started_at":0,"tables":[]}"#;
    let hash = |text: &str| {
        use sha2::{Digest, Sha256};
        Sha256::digest(text.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let manifest = format!(
        r#"{{"about":{about},"tables":{{}},"originals":[],"missing":[],"without_originals":false,
            "members":[{{"name":"about.json","bytes":{},"sha256":"{}"}}]}}"#,
        about.len(),
        hash(about)
    );
    place.write("about.json", about);
    place.write("manifest.json", manifest);
    let name = "ids-20260131T031500Z.tar.gz";
    let made = Command::new("tar")
        .args(["--format=ustar", "-czf", name, "about.json", "manifest.json"])
        .current_dir(place.root())
        .status()
        .unwrap();
    assert!(made.success());

    let run = place.ids(&["restore", name]);

    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("of the server shape") && run.stderr.contains("ids migrate-data --to embedded"),
        "{}",
        run.stderr
    );
}

#[test]
fn an_archive_that_leads_outside_is_refused_and_writes_nothing() {
    let place = Place::new();
    let about = r#"{"format":1,"ids_version":"0.1.0","shape":"embedded","schema_version":4,"started_at":0,"tables":[]}"#;
    place.write("a/about.json", about);
    place.write("a/evil", "x");
    let name = "ids-20260131T031500Z.tar.gz";
    let made = Command::new("tar")
        .args([
            "-P",
            "--format=ustar",
            "--transform=s,^evil,included/../../../evil,",
            "-czf",
            name,
            "-C",
            "a",
            "about.json",
            "evil",
        ])
        .current_dir(place.root())
        .status()
        .unwrap();
    assert!(made.success());

    let run = place.ids(&["restore", name, "--included-to", "out"]);

    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("does not belong into a backup"),
        "{}",
        run.stderr
    );
    assert!(!place.root().join("out").exists() && files(place.data_dir()).is_empty());
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

#[test]
fn a_full_disk_leaves_no_backup_and_the_library_as_it_was() {
    let Some(disk) = SmallDisk::mount("256k") else {
        return;
    };
    let place = library();
    let target = disk.path().join("copies");

    let run = with_key(&place, &["backup", "--to", target.to_str().unwrap()]);

    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(
        run.stderr.contains("full") || run.stderr.contains("space"),
        "{}",
        run.stderr
    );
    assert_eq!(
        files(&target)
            .iter()
            .filter(|name| name.starts_with("ids-"))
            .count(),
        0,
        "{:?}",
        files(&target)
    );
    assert_eq!(place.json(&["documents", "list"])["total"], 2);
}

#[test]
fn a_restore_onto_a_full_disk_leaves_nothing_half_done() {
    let Some(disk) = SmallDisk::mount("300k") else {
        return;
    };
    let place = library();
    let file = back_up(&place, &[]);
    let other = Place::with_data_dir(&disk.data_dir());

    let run = with_key(&other, &["restore", file.to_str().unwrap()]);

    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert_eq!(
        files(other.data_dir())
            .iter()
            .filter(|name| *name != "upload.key")
            .count(),
        0
    );
}

#[test]
fn a_killed_backup_leaves_no_name_and_the_next_one_cleans_up() {
    let place = library();
    let copies = place.root().join("copies");
    fs::create_dir(&copies).unwrap();
    let begin = || {
        let mut command = place.command(&["backup", "--to", "copies", "--include", "waits"]);
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    place.write("waits/file", "x".repeat(64 * 1024 * 1024));
    let mut child = begin();
    wait::until("a half-written backup", || {
        files(&copies)
            .iter()
            .any(|name| name.starts_with(".partial-"))
            .then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        !files(&copies).iter().any(|name| name.starts_with("ids-")),
        "{:?}",
        files(&copies)
    );
    let none = with_key(&place, &["backup", "verify", "latest", "--from", "copies"]);
    assert!(none.stderr.contains("there is no backup"), "{}", none.stderr);

    back_up(&place, &["--to", "copies"]);

    assert!(
        !files(&copies).iter().any(|name| name.contains(".partial-")),
        "{:?}",
        files(&copies)
    );
}

#[test]
fn ctrl_c_ends_a_backup_with_nothing_left() {
    let place = library();
    let copies = place.root().join("copies");
    // Random, so that it takes a while and comes out of the compression at once.
    let noise: Vec<u8> = (0..48_000_000u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    place.write("noise.bin", noise);
    let mut child = place
        .command(&["backup", "--to", "copies", "--include", "noise.bin"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait::until("the beginning", || {
        files(&copies)
            .iter()
            .any(|name| name.starts_with(".partial-ids"))
            .then_some(())
    });
    send_signal(&child, rustix::process::Signal::INT);
    let status = wait_for_end(&mut child);
    assert_eq!(status.code(), Some(130));
    let left: Vec<String> = files(&copies)
        .into_iter()
        .filter(|name| name.starts_with("ids-") || name.contains(".partial-"))
        .collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn there_must_be_a_library() {
    let place = Place::new();
    let run = place.ids(&["backup", "--to", "copies"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("there is no library in the data directory"),
        "{}",
        run.stderr
    );
    assert!(
        !place.root().join("copies").exists() && !place.data_dir().exists(),
        "nothing was made"
    );
    let bucket = place.ids(&["backup", "list", "--from", "s3"]);
    assert_eq!(bucket.code, Some(2));
    assert!(bucket.stderr.contains("BACKUP_S3_PREFIX"), "{}", bucket.stderr);
}
