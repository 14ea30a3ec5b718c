//! kill -9, anywhere: nothing lost, nothing doubled, and the work goes on where it was.

use std::path::Path;

use serde_json::Value;

use crate::place::{Place, corpus, texts};
use crate::server::Server;
use crate::wait;

/// A book of 40 pages: some seconds of embedding.
const BOOK: &str = "debian-reference-pt-p1-40.pdf";

fn read(corpus: &Path, file: &str) -> Vec<u8> {
    std::fs::read(corpus.join(file)).unwrap()
}

/// Everything that must be the same however often the work was interrupted.
fn state(server: &Server, document_id: &str) -> (Value, Vec<String>, Value) {
    let chunks = server.get(&format!("/documents/{document_id}/chunks?limit=1000"));
    assert_eq!(chunks["has_more"], false);
    let mut stats = server.get("/documents/stats");
    assert_eq!(
        stats["total_chunks"], stats["total_embeddings"],
        "every chunk has its embedding"
    );
    assert_eq!(stats["total_chunks"], chunks["total"]);
    stats["collections"].take();
    (
        chunks["total"].clone(),
        texts(&chunks["chunks"], "content"),
        stats,
    )
}

fn undisturbed(bytes: &[u8]) -> (Value, Vec<String>, Value) {
    let place = Place::new();
    let server = Server::start(&place);
    let document_id = server.upload("book.pdf", bytes);
    server.until_completed(&document_id);
    state(&server, &document_id)
}

#[test]
fn a_kill_while_embedding_loses_and_doubles_nothing() {
    let Some(corpus) = corpus() else { return };
    let bytes = read(&corpus, BOOK);
    let place = Place::new();
    let server = Server::start(&place);
    let document_id = server.upload("book.pdf", &bytes);
    let at_kill = wait::until("some embeddings", || {
        let status = server.status(&document_id);
        assert_ne!(status["status"], "completed", "too fast to be interrupted");
        let is_midway = status["status"] == "embedding" && status["chunks_processed"].as_u64().unwrap() > 0;
        is_midway.then(|| status["chunks_processed"].as_u64().unwrap())
    });
    server.kill();

    let server = Server::start(&place);
    let after = server.status(&document_id);
    assert!(
        after["chunks_processed"].as_u64().unwrap() >= at_kill,
        "it goes on where it was: {after}"
    );
    server.until_completed(&document_id);

    assert_eq!(state(&server, &document_id), undisturbed(&bytes));
    assert_eq!(server.get("/documents")["total"], 1);
}

#[test]
fn a_kill_while_a_long_document_is_extracted_loses_nothing() {
    let Some(corpus) = corpus() else { return };
    let place = Place::new();
    let server = Server::start(&place);
    let document_id = server.upload("long.pdf", &read(&corpus, "pages-10000.pdf"));
    wait::until("the extraction", || {
        (server.status(&document_id)["status"] == "extracting").then_some(())
    });
    server.kill();

    let server = Server::start(&place);
    wait::until("its chunks", || {
        let status = server.status(&document_id);
        assert_ne!(status["status"], "failed", "{status}");
        matches!(status["status"].as_str(), Some("embedding" | "completed")).then_some(())
    });
    let document = server.get(&format!("/documents/{document_id}"));
    assert_eq!(document["page_count"], 10_000);
    assert_eq!(server.get("/documents")["total"], 1);
}

#[test]
fn a_kill_right_after_the_reply_loses_nothing() {
    let place = Place::new();
    let server = Server::start(&place);
    let document_id = server.upload("a.txt", "O prazo é de quinze dias.".as_bytes());
    server.kill();

    let server = Server::start(&place);
    server.until_completed(&document_id);
    assert_eq!(server.search("prazo", "keyword").len(), 1);
}

#[test]
fn a_further_version_that_was_killed_takes_over_at_last() {
    let Some(corpus) = corpus() else { return };
    let place = Place::new();
    let server = Server::start(&place);
    let path = place.write("book.txt", "A primeira versão fala de jabuticabas.");
    let first = place.json(&["ingest", "book.txt"]);
    let document_id = first["documents"][0]["document_id"].as_str().unwrap().to_owned();
    std::fs::write(&path, read(&corpus, BOOK)).unwrap();
    place.json(&["ingest", "book.txt", "--no-wait"]);
    wait::until("embeddings of the further version", || {
        let status = server.status(&document_id);
        (status["status"] == "embedding" && status["chunks_processed"].as_u64().unwrap() > 0).then_some(())
    });
    assert_eq!(
        server.search("jabuticabas", "keyword").len(),
        1,
        "the old version is shown meanwhile"
    );
    server.kill();

    let server = Server::start(&place);
    assert_eq!(server.search("jabuticabas", "keyword").len(), 1);
    server.until_completed(&document_id);
    assert_eq!(server.search("jabuticabas", "keyword").len(), 0);
    state(&server, &document_id);
    assert_eq!(server.get("/documents")["total"], 1);
}

#[test]
fn an_ingest_that_was_killed_is_finished_by_the_same_command() {
    let Some(corpus) = corpus() else { return };
    let place = Place::new();
    place.copy(&corpus, BOOK, "docs/book.pdf");
    place.write("docs/a.txt", "Um texto curto.");
    let mut child = place.command(&["ingest", "docs"]).spawn().unwrap();
    // Nobody but the process itself knows how far it is; its database is there when it has begun.
    wait::until("the library", || {
        place.data_dir().join("library.db").exists().then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();

    place.json(&["ingest", "docs"]);

    let documents = place.json(&["documents", "list"]);
    assert_eq!(documents["total"], 2, "{documents}");
    assert!(
        texts(&documents["documents"], "status")
            .iter()
            .all(|status| status == "completed"),
        "{documents}"
    );
}
