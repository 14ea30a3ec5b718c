//! Signals: an orderly end with the right exit code, and nothing lost.

use std::process::Stdio;

use rustix::process::Signal;

use crate::place::{Place, Run, corpus};
use crate::server::{Server, send_signal};
use crate::wait;

#[test]
fn an_idle_server_ends_at_once() {
    for (signal, code) in [(Signal::TERM, 0), (Signal::INT, 130)] {
        let place = Place::new();
        let server = Server::start(&place);
        assert_eq!(server.stop(signal).code(), Some(code));
        assert!(
            !place.data_dir().join("ids.sock").exists() && !place.data_dir().join("server.json").exists()
        );
    }
}

#[test]
fn a_server_stopped_at_work_goes_on_after_the_next_start() {
    let Some(corpus) = corpus() else { return };
    let place = Place::new();
    let server = Server::start(&place);
    let bytes = std::fs::read(corpus.join("tracemonkey.pdf")).unwrap();
    let document_id = server.upload("book.pdf", &bytes);
    wait::until("some embeddings", || {
        (server.status(&document_id)["chunks_processed"].as_u64().unwrap() > 0).then_some(())
    });

    assert_eq!(server.stop(Signal::TERM).code(), Some(0));

    let server = Server::start(&place);
    server.until_completed(&document_id);
    let stats = server.get("/documents/stats");
    assert_eq!(stats["total_chunks"], stats["total_embeddings"]);
}

#[test]
fn ctrl_c_ends_an_ingest_and_the_server_goes_on() {
    let Some(corpus) = corpus() else { return };
    let place = Place::new();
    let server = Server::start(&place);
    place.copy(&corpus, "tracemonkey.pdf", "book.pdf");
    let child = place
        .command(&["ingest", "book.pdf"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let document_id = wait::until("the document", || {
        server.get("/documents")["documents"][0]["document_id"]
            .as_str()
            .map(str::to_owned)
    });

    send_signal(&child, Signal::INT);

    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    insta::assert_snapshot!("ingest_stopped_with_a_server", place.shown(&run));
    server.until_completed(&document_id);
}

#[test]
fn ctrl_c_ends_an_ingest_of_its_own_and_the_same_command_does_the_rest() {
    let Some(corpus) = corpus() else { return };
    let place = Place::new();
    place.copy(&corpus, "tracemonkey.pdf", "book.pdf");
    let child = place
        .command(&["ingest", "book.pdf"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait::until("the library", || {
        place.data_dir().join("library.db").exists().then_some(())
    });

    send_signal(&child, Signal::INT);

    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    insta::assert_snapshot!("ingest_stopped_without_a_server", place.shown(&run));
    place.json(&["ingest", "book.pdf"]);
    let documents = place.json(&["documents", "list"]);
    assert_eq!(
        (
            documents["total"].as_u64(),
            documents["documents"][0]["status"].as_str()
        ),
        (Some(1), Some("completed"))
    );
}
