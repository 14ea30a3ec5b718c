//! `ids ingest`: what goes in, what does not and why, again and again, with a server and without.

use std::path::Path;

use serde_json::{Value, json};

use crate::place::{Place, corpus, texts};
use crate::server::Server;

/// A folder with all that can happen to a file.
fn mixed_folder(place: &Place, corpus: &Path) {
    place.write("docs/a.txt", "Os prazos contam-se em dias úteis.");
    place.write(
        "docs/deep/b.md",
        "# Férias\n\nO servidor tem direito a trinta dias de férias.",
    );
    place.write("docs/copy-of-a.txt", "Os prazos contam-se em dias úteis.");
    place.write("docs/.hidden.txt", "hidden");
    place.write("docs/fake.pdf", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    place.copy(corpus, "handbook-pt-sect.apparmor.pdf", "docs/manual.pdf");
    place.copy(corpus, "handbook-pt-apparmor.docx", "docs/manual.docx");
    place.write("docs/manual.rar", b"PK\x05\x06");
    place.copy(corpus, "empty.pdf", "docs/empty.pdf");
    place.copy(corpus, "libreoffice-writer-password.pdf", "docs/locked.pdf");
    place.copy(corpus, "truncated-60pct.pdf", "docs/torn.pdf");
}

/// The report with ids hidden (each checked first), and what is chance between the two equal files settled.
fn redacted(mut report: Value) -> Value {
    for document in report["documents"].as_array_mut().unwrap() {
        assert_eq!(document["document_id"].as_str().unwrap().len(), 36);
        document["document_id"] = json!("<id>");
    }
    let text = report.to_string().replace("copy-of-a.txt", "a.txt");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_mixed_folder_goes_in_and_every_exception_is_explained() {
    let Some(corpus) = corpus() else { return };
    let (alone, served) = (Place::new(), Place::new());
    let server = Server::start(&served);
    for place in [&alone, &served] {
        mixed_folder(place, &corpus);
    }

    let first = alone.ids(&["ingest", "docs", "--json"]);
    let with_server = served.ids(&["ingest", "docs", "--json"]);

    assert_eq!(
        (first.code, with_server.code),
        (Some(1), Some(1)),
        "{}{}",
        first.stderr,
        with_server.stderr
    );
    let report = redacted(first.body());
    assert_eq!(
        report,
        redacted(with_server.body()),
        "the same with a running server"
    );
    insta::assert_snapshot!(
        "ingest_mixed_folder",
        serde_json::to_string_pretty(&report).unwrap()
    );

    let again = alone.ids(&["ingest", "docs"]);
    assert_eq!(again.code, Some(1), "what failed is tried again");
    insta::assert_snapshot!(
        "ingest_mixed_folder_again",
        alone.shown(&again).replace("copy-of-a.txt", "a.txt")
    );
    drop(server);
}

#[test]
fn what_is_written_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    // A directory that was there before, open to all.
    std::fs::create_dir(place.data_dir()).unwrap();
    std::fs::set_permissions(place.data_dir(), std::fs::Permissions::from_mode(0o755)).unwrap();
    place.write("a.txt", "Um texto.");
    place.json(&["ingest", "a.txt"]);
    let library = std::fs::metadata(place.data_dir().join("library.db")).unwrap();
    assert_eq!(library.permissions().mode() & 0o077, 0);
}

#[test]
fn an_unchanged_folder_is_skipped_and_a_changed_file_gets_a_further_version() {
    let place = Place::new();
    let _server = Server::start(&place);
    place.write("docs/a.txt", "O prazo do recurso é de quinze dias.");
    place.write("docs/b.txt", "A multa é de dez por cento.");
    let first = place.json(&["ingest", "docs"]);
    assert_eq!(first["ingested"], 2);

    let second = place.json(&["ingest", "docs"]);
    assert_eq!(
        (second["ingested"].as_u64(), texts(&second["skipped"], "reason")),
        (Some(0), vec!["unchanged".to_owned(); 2])
    );

    place.write("docs/a.txt", "O prazo da impugnação é de trinta dias.");
    let third = place.json(&["ingest", "docs"]);
    assert_eq!(third["ingested"], 1);
    assert_eq!(
        third["documents"][0]["document_id"], first["documents"][0]["document_id"],
        "the same document"
    );

    let sources = |query: &str| {
        texts(
            &place.json(&["search", query, "--mode", "keyword"])["results"],
            "source",
        )
    };
    assert_eq!(sources("impugnação"), ["a.txt"]);
    assert_eq!(sources("recurso"), [""; 0], "the old version is gone");
    assert_eq!(place.json(&["documents", "list"])["total"], 2);
}

#[test]
fn the_same_file_in_another_collection_is_another_document() {
    let place = Place::new();
    place.write("a.txt", "O prazo é de quinze dias.");
    for collection in ["juridico", "compras"] {
        let report = place.json(&[
            "ingest",
            "a.txt",
            "--collection",
            collection,
            "--tags",
            "prazo, norma",
        ]);
        assert_eq!(report["ingested"], 1, "{report}");
    }
    let collections = place.json(&["collections", "list"]);
    assert_eq!(
        texts(&collections["collections"], "name"),
        ["compras", "juridico"]
    );
    let listed = place.json(&[
        "documents",
        "list",
        "--collection",
        "compras",
        "--tags",
        "prazo,norma",
    ]);
    assert_eq!(listed["total"], 1);
    assert_eq!(place.json(&["documents", "list", "--tags", "outra"])["total"], 0);
}

#[test]
fn a_duplicate_whose_original_was_removed_goes_in_at_last() {
    let place = Place::new();
    place.write("a.txt", "O mesmo texto duas vezes.");
    let first = place.json(&["ingest", "a.txt"]);
    place.write("b.txt", "O mesmo texto duas vezes.");
    for _ in 0..2 {
        assert_eq!(
            texts(&place.json(&["ingest", "b.txt"])["skipped"], "reason"),
            ["duplicate"]
        );
    }
    let original = first["documents"][0]["document_id"].as_str().unwrap();
    let deleted = place.json(&["documents", "delete", original, "--yes"]);
    assert_eq!(deleted["deleted"][0]["chunks_removed"], 1, "{deleted}");

    assert_eq!(place.json(&["ingest", "b.txt"])["ingested"], 1);
}

#[test]
fn a_named_file_is_always_tried_and_a_missing_one_does_not_stop_the_others() {
    let place = Place::new();
    place.write("LEIAME", "Texto sem extensão.");
    place.write("program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0");
    let run = place.ids(&["ingest", "LEIAME", "program", "none.txt", "--json"]);
    let report = run.body();
    assert_eq!(
        (run.code, report["ingested"].as_u64()),
        (Some(1), Some(1)),
        "{report}"
    );
    assert_eq!(
        texts(&report["failed"], "error_code"),
        ["FILE_NOT_FOUND", "UNSUPPORTED_TYPE"]
    );
}

#[test]
fn names_that_are_hard_on_forms_and_addresses_go_in_as_they_are() {
    let place = Place::new();
    let names = [
        "ata \"final\" (ção).txt",
        "50% & mais=?#.txt",
        "açúcar;name=x.txt",
    ];
    for (number, name) in names.iter().enumerate() {
        place.write(&format!("docs/{name}"), format!("Texto número {number} de três."));
    }
    assert_eq!(place.json(&["ingest", "docs"])["ingested"], 3);
    let mut kept = texts(&place.json(&["documents", "list"])["documents"], "filename");
    kept.sort();
    let mut expected = names.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(kept, expected);
    assert_eq!(
        place.json(&["documents", "list", "--search", "50% & mais"])["total"],
        1
    );
}

#[test]
fn work_left_to_the_server_is_not_waited_for() {
    let place = Place::new();
    let server = Server::start(&place);
    place.write("a.txt", "Um texto.");
    let report = place.json(&["ingest", "a.txt", "--no-wait"]);
    assert_eq!(
        (report["ingested"].as_u64(), &report["documents"][0]["chunks"]),
        (Some(1), &Value::Null)
    );
    server.until_completed(report["documents"][0]["document_id"].as_str().unwrap());
    let run = place.ids(&["ingest", "a.txt"]);
    assert_eq!(run.code, Some(0));
}

#[test]
fn a_server_is_found_and_is_healthy_in_its_own_words() {
    let place = Place::new();
    let server = Server::start(&place);
    assert_eq!(place.json(&["healthcheck"])["status"], "healthy");
    let url = format!("http://{}", server.address());
    assert_eq!(place.json(&["healthcheck", "--url", &url])["status"], "healthy");
    // As a supervisor asks: without a home, and so without a data directory.
    let bare = std::process::Command::new(env!("CARGO_BIN_EXE_ids"))
        .args(["healthcheck", "--url", &url])
        .env_clear()
        .output()
        .unwrap();
    assert!(bare.status.success(), "{}", String::from_utf8_lossy(&bare.stderr));
    assert_eq!(place.ids(&["queue", "info"]).code, Some(0));
}

#[test]
fn a_job_is_stopped_and_goes_on_when_asked_to() {
    let Some(corpus) = corpus() else { return };
    let place = Place::new();
    let server = Server::start(&place);
    place.copy(&corpus, "tracemonkey.pdf", "book.pdf");
    let report = place.json(&["ingest", "book.pdf", "--no-wait"]);
    let document_id = report["documents"][0]["document_id"].as_str().unwrap();
    let job_id = server.status(document_id)["job_id"].as_str().unwrap().to_owned();

    assert_eq!(place.json(&["queue", "cancel", &job_id])["status"], "cancelled");
    assert_eq!(
        place.json(&["documents", "show", document_id])["status"],
        "cancelled"
    );
    assert_eq!(server.get("/documents/stats")["total_chunks"], 0);

    assert_eq!(place.json(&["queue", "retry", &job_id])["id"], job_id.as_str());
    server.until_completed(document_id);
    let queues = place.json(&["queue", "info"]);
    assert_eq!(queues["queues"][0]["finished_count"], 1, "{queues}");
    assert_eq!(
        place.ids(&["queue", "cancel", &job_id]).code,
        Some(1),
        "it has ended"
    );
}
