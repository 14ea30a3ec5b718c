//! Files with passwords: opened at the door, kept without, and the password nowhere.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::place::{Place, Run, texts};
use crate::server::Server;
use crate::wait;

const LOCKED_PDF: &[u8] = include_bytes!("../../../ids-testkit/src/fixtures/locked.pdf");
const LOCKED_DOCX: &[u8] = include_bytes!("../../../ids-testkit/src/fixtures/locked.docx");
const PASSWORD: &str = "segredo";
const WRONG: &str = "senha-errada-9";

/// The files below a folder that hold a text.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(text.len()).any(|window| window == text.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn one_password_opens_what_needs_it_among_many_files() {
    let place = Place::new();
    place.write("docs/ata.pdf", LOCKED_PDF);
    place.write("docs/ata.docx", LOCKED_DOCX);
    place.write("docs/a.txt", "O prazo do recurso é de quinze dias.");

    let without = place.ids(&["ingest", "docs", "--json"]);
    assert_eq!(
        texts(&without.body()["failed"], "error_code"),
        ["ENCRYPTED"; 2],
        "{}",
        without.stdout
    );
    let wrong = place.ids(&["ingest", "docs", "--json", &format!("--password={WRONG}")]);
    assert_eq!(
        texts(&wrong.body()["failed"], "error_code"),
        ["ENCRYPTED"; 2],
        "{}",
        wrong.stdout
    );
    assert!(!format!("{}{}", wrong.stdout, wrong.stderr).contains(WRONG));

    let right = place.json(&["ingest", "docs", "--password=segredo"]);
    assert_eq!(texts(&right["skipped"], "reason"), ["unchanged"], "{right}");
    // One of the two says what the other does, but for an accent.
    assert_eq!(right["ingested"], 2, "{right}");
    let found = place.json(&["search", "protegido", "--mode", "keyword"]);
    let mut sources = texts(&found["results"], "source");
    sources.sort();
    assert_eq!(sources, ["ata.docx", "ata.pdf"]);
    // The same bytes are known again, with a password and without.
    let again = place.json(&["ingest", "docs"]);
    assert_eq!(texts(&again["skipped"], "reason"), ["unchanged"; 3], "{again}");
    // What is kept needs no password: the page can be drawn of it, and nowhere is the word itself.
    assert_eq!(files_with(place.data_dir(), PASSWORD), [""; 0]);
    assert_eq!(files_with(place.data_dir(), WRONG), [""; 0]);
}

#[test]
fn a_password_may_be_given_on_standard_input() {
    let place = Place::new();
    place.write("ata.pdf", LOCKED_PDF);
    let mut child = place
        .command(&["ingest", "ata.pdf", "--password", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!(run.body()["ingested"], 1, "{}{}", run.stdout, run.stderr);
}

#[test]
fn the_api_takes_a_password_and_keeps_a_copy_without() {
    let place = Place::new();
    let server = Server::start_with(&place, &[("LOG_LEVEL", "debug")]);
    let wrong = server.send_file("ata.pdf", LOCKED_PDF, Some(WRONG));
    assert_eq!(
        (wrong.status, wrong.body["error_code"].as_str()),
        (422, Some("ENCRYPTED")),
        "{}",
        wrong.body
    );
    assert!(!wrong.body.to_string().contains(WRONG));
    assert_eq!(
        server.get("/documents")["total"],
        0,
        "what was refused leaves nothing"
    );

    let right = server.send_file("ata.pdf", LOCKED_PDF, Some(PASSWORD));
    assert_eq!(right.status, 202, "{}", right.body);
    let document_id = right.body["document_id"].as_str().unwrap();
    server.until_completed(document_id);
    let document = server.get(&format!("/documents/{document_id}"));
    let sent = place.write("ata.pdf", LOCKED_PDF);
    let hash = std::process::Command::new("sha256sum")
        .arg(sent)
        .output()
        .unwrap();
    let hash = String::from_utf8(hash.stdout).unwrap();
    assert_eq!(
        document["file_hash"].as_str(),
        hash.split(' ').next(),
        "of the bytes that were sent"
    );
    assert_eq!(
        server.status_of(&format!("/api/v1/documents/{document_id}/pages/1/image"), None),
        200,
        "the kept copy is drawn without a password"
    );
    wait::until("the end of the temporary bytes", || {
        let status = server.status(document_id);
        (status["s3_file_deleted"] == true).then_some(())
    });
    let log = server.log();
    assert!(!log.contains(PASSWORD) && !log.contains(WRONG), "{log}");
    drop(server);
    assert_eq!(files_with(place.data_dir(), PASSWORD), [""; 0]);
    assert_eq!(
        files_with(place.data_dir(), "/Encrypt"),
        [""; 0],
        "no protected bytes are left"
    );
}
