//! Copies that are kept of protected files have a hash of their own: backups, moves and reindexing take them for what they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ids_testkit::services::PrivatePostgres;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::backup::files;
use crate::cluster_place::Cluster;
use crate::migrate_data::{json as json_of, run, server_env};
use crate::place::{Place, Run};
use crate::server::{Server, send};
use crate::wait;

const LOCKED_PDF: &[u8] = include_bytes!("../../../ids-testkit/src/fixtures/locked.pdf");
const LOCKED_DOCX: &[u8] = include_bytes!("../../../ids-testkit/src/fixtures/locked.docx");

/// A library that keeps copies of two protected files, and the bytes of one of them as they came besides: it failed without its password.
fn library() -> Place {
    let place = Place::new();
    place.write("ata.pdf", LOCKED_PDF);
    place.write("ata.docx", LOCKED_DOCX);
    let failed = place.ids(&["ingest", "ata.pdf", "--collection", "outra", "--json"]);
    assert_eq!(
        failed.body()["failed"][0]["error_code"],
        "ENCRYPTED",
        "{}",
        failed.stdout
    );
    let opened = place.json(&["ingest", "ata.pdf", "ata.docx", "--password=segredo"]);
    assert_eq!(opened["ingested"], 2, "{opened}");
    place
}

/// What is kept, by key.
fn kept(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let folder = place.data_dir().join("blobs");
    let read = |name: String| {
        let bytes = fs::read(folder.join(&name)).unwrap();
        (name, bytes)
    };
    files(&folder).into_iter().map(read).collect()
}

fn said(run: &Run) -> String {
    format!("{}{}", run.stdout, run.stderr)
}

fn is_protected(bytes: &[u8]) -> bool {
    bytes.windows(8).any(|window| window == b"/Encrypt")
}

#[test]
fn a_backup_holds_the_kept_copies_and_says_nothing_of_them() {
    let place = library();
    let before = kept(&place);
    assert_eq!(before.len(), 3, "{:?}", before.keys());
    assert_eq!(before.values().filter(|bytes| is_protected(bytes)).count(), 1);

    let made = place.ids(&["backup", "--to", "copies"]);
    assert_eq!(made.code, Some(0), "{}", said(&made));
    assert!(!said(&made).contains("other bytes"), "{}", said(&made));
    // Once more: what lies in the folder by then is taken for what it is.
    let again = place.ids(&["backup", "--to", "copies"]);
    assert!(!said(&again).contains("other bytes"), "{}", said(&again));

    let other = Place::new();
    let copies = place.root().join("copies");
    let copies = copies.to_str().unwrap();
    let verified = other.json(&["backup", "verify", "latest", "--from", copies]);
    assert_eq!(verified["originals"], 3, "{verified}");
    let restored = other.json(&["restore", "latest", "--from", copies]);
    assert_eq!(
        (&restored["verified"], &restored["originals"]),
        (&true.into(), &3.into())
    );
    assert_eq!(kept(&other), before, "each under its key");
    // And from there again.
    let further = other.ids(&["backup", "--to", "copies"]);
    assert!(!said(&further).contains("other bytes"), "{}", said(&further));
}

#[test]
fn a_copy_that_was_changed_on_the_disk_is_told() {
    let place = library();
    let originals = place.data_dir().join("blobs/originals");
    let copy = files(&originals)
        .into_iter()
        .map(|name| originals.join(name))
        .find(|path| fs::read(path).unwrap().starts_with(b"%PDF"))
        .unwrap();
    fs::write(&copy, b"%PDF-1.4 and other bytes").unwrap();
    let made = place.ids(&["backup", "--to", "copies"]);
    assert!(
        said(&made).contains("1 original hold other bytes")
            || said(&made).contains("other bytes than were accepted"),
        "{}",
        said(&made)
    );
}

#[test]
fn kept_copies_go_to_the_server_and_come_back_and_are_backed_up_there() {
    let server = PrivatePostgres::start();
    let environment = server_env(&server);
    let place = library();
    let before = kept(&place);

    let out = json_of(&place, &environment, &["migrate-data", "--to", "server"]);
    assert_eq!(
        (&out["verified"], &out["blobs"]["damaged"]),
        (&true.into(), &json!([])),
        "{out}"
    );

    // The server's own backup, and its restore over what is there.
    let made = run(&place, &environment, &["backup", "--to", "copies"]);
    assert_eq!(made.code, Some(0), "{}", said(&made));
    assert!(!said(&made).contains("other bytes"), "{}", said(&made));
    let verified = json_of(
        &place,
        &environment,
        &["backup", "verify", "latest", "--from", "copies"],
    );
    assert_eq!(verified["originals"], 3, "{verified}");
    let arguments = ["restore", "latest", "--from", "copies", "--replace", "--yes"];
    let restored = json_of(&place, &environment, &arguments);
    assert_eq!(restored["verified"], true, "{restored}");

    let other = Place::new();
    let shared = place.data_dir().to_str().unwrap();
    let back = ["migrate-data", "--to", "embedded", "--server-data-dir", shared];
    let home = json_of(&other, &environment, &back);
    assert_eq!(
        (&home["verified"], &home["blobs"]["copied"]),
        (&true.into(), &3.into()),
        "{home}"
    );
    assert_eq!(home["blobs"]["damaged"], json!([]));
    assert_eq!(home["content_hash"], out["content_hash"]);
    assert_eq!(kept(&other), before);
}

/// The document with the status `wanted`, once it has it.
fn until(server: &Server, document_id: &str, wanted: &str) -> Value {
    wait::until("the document's end", || {
        let document = server.get(&format!("/documents/{document_id}"));
        (document["status"] == wanted).then_some(document)
    })
}

fn reindex(server: &Server, document_id: &str, body: &Value) -> (u16, Value) {
    let path = format!("/api/v1/documents/{document_id}/reindex");
    let headers = [("content-type", "application/json")];
    let answer = send(
        server.address(),
        "POST",
        &path,
        &headers,
        body.to_string().as_bytes(),
    );
    (answer.status, answer.body)
}

/// The files below a folder in which a text stands.
fn holding(folder: &Path, text: &[u8]) -> usize {
    let names = files(folder).into_iter().map(|name| folder.join(name));
    let holds = |path: &std::path::PathBuf| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text)
    };
    names.filter(holds).count()
}

#[test]
fn a_document_that_failed_without_its_password_is_opened_where_it_lies() {
    let place = Place::new();
    let server = Server::start_with(&place, &[("LOG_LEVEL", "debug")]);
    let document_id = server.upload("ata.pdf", LOCKED_PDF);
    let failed = until(&server, &document_id, "failed");
    assert_eq!(failed["error"]["error_code"], "ENCRYPTED", "{failed}");

    let (status, wrong) = reindex(&server, &document_id, &json!({"password": "senha-errada-9"}));
    assert_eq!(
        (status, wrong["error_code"].as_str()),
        (422, Some("ENCRYPTED")),
        "{wrong}"
    );
    assert!(!wrong.to_string().contains("senha-errada-9"));
    let still = server.get(&format!("/documents/{document_id}"));
    assert_eq!(
        (&still["status"], &still["job_id"]),
        (&failed["status"], &failed["job_id"]),
        "nothing changed"
    );
    let (status, bad) = reindex(&server, &document_id, &json!({"password": 7}));
    assert_eq!(
        (status, bad["error_code"].as_str()),
        (422, Some("VALIDATION_FAILED")),
        "{bad}"
    );

    let (status, accepted) = reindex(&server, &document_id, &json!({"password": "segredo"}));
    assert_eq!(status, 202, "{accepted}");
    let opened = until(&server, &document_id, "completed");
    assert_eq!(
        opened["file_hash"], failed["file_hash"],
        "of the bytes that were sent"
    );
    assert_eq!(
        server.status_of(&format!("/api/v1/documents/{document_id}/pages/1/image"), None),
        200
    );

    // Read anew, from the copy, it is still known by what was sent.
    let (status, accepted) = reindex(&server, &document_id, &json!({}));
    assert_eq!(status, 202, "{accepted}");
    wait::until("the end of the second reading", || {
        let status = server.status(&document_id);
        (status["status"] == "completed" && status["job_id"] == accepted["job_id"]).then_some(())
    });
    let again = server.get(&format!("/documents/{document_id}"));
    assert_eq!(again["file_hash"], failed["file_hash"]);
    wait::until("the end of the temporary bytes", || {
        (holding(&place.data_dir().join("blobs"), b"/Encrypt") == 0).then_some(())
    });
    let log = server.log();
    assert!(
        !log.contains("segredo") && !log.contains("senha-errada-9"),
        "{log}"
    );
    drop(server);
    assert_eq!(holding(place.data_dir(), b"segredo"), 0);
    assert_eq!(holding(place.data_dir(), b"senha-errada-9"), 0);
    let made = place.ids(&["backup", "--to", "copies"]);
    assert!(!said(&made).contains("other bytes"), "{}", said(&made));
}

#[test]
fn copies_in_the_bucket_need_no_password_and_go_into_backups_and_home() {
    let cluster = Cluster::new();
    let (server, worker) = (cluster.api(), cluster.worker("w1"));
    let at_the_door = server.send_file("ata.docx", LOCKED_DOCX, Some("segredo"));
    assert_eq!(at_the_door.status, 202, "{}", at_the_door.body);
    let at_the_door = at_the_door.body["document_id"].as_str().unwrap().to_owned();
    let afterwards = server.upload("ata.pdf", LOCKED_PDF);
    let failed = until(&server, &afterwards, "failed");
    assert_eq!(failed["error"]["error_code"], "ENCRYPTED", "{failed}");
    let (status, accepted) = reindex(&server, &afterwards, &json!({"password": "segredo"}));
    assert_eq!(status, 202, "{accepted}");
    until(&server, &at_the_door, "completed");
    until(&server, &afterwards, "completed");
    let image = format!("/api/v1/documents/{afterwards}/pages/1/image");
    assert_eq!(server.status_of(&image, None), 200, "drawn without a password");
    wait::until("the end of the temporary objects", || {
        let keys = cluster.s3.list_keys(&cluster.bucket);
        (keys.len() == 2 && keys.iter().all(|key| key.starts_with("originals/"))).then_some(())
    });
    // In order: a worker that was killed counts as alive for a while.
    worker.stop(Signal::TERM);
    server.stop(Signal::TERM);

    let made = Run::of(&cluster.command(&["backup"]).output().unwrap());
    assert_eq!(made.code, Some(0), "{}", said(&made));
    assert!(!said(&made).contains("other bytes"), "{}", said(&made));
    let verify = ["backup", "verify", "latest", "--json"];
    let verified = Run::of(&cluster.command(&verify).output().unwrap());
    assert_eq!(verified.body()["originals"], 2, "{}", said(&verified));

    let home = ["migrate-data", "--to", "embedded", "--json"];
    let home = Run::of(&cluster.command(&home).output().unwrap());
    assert_eq!(home.code, Some(0), "{}", said(&home));
    let body = home.body();
    assert_eq!(
        (
            &body["verified"],
            &body["blobs"]["copied"],
            &body["blobs"]["damaged"]
        ),
        (&true.into(), &2.into(), &json!([])),
        "{body}"
    );
    let copies = kept(&cluster.place);
    assert_eq!(copies.len(), 2, "{:?}", copies.keys());
    let starts = |with: &[u8]| copies.values().any(|bytes| bytes.starts_with(with));
    assert!(
        starts(b"%PDF") && starts(b"PK"),
        "an open PDF, and the package of an open DOCX"
    );
    assert!(!copies.values().any(|bytes| is_protected(bytes)));
}
