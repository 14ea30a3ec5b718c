//! Archives and mails: what comes in them is documents of their own, that come, change and go with them.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::place::{Place, texts};
use crate::server::Server;
use crate::wait;

pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn mail(subject: &str, attachment: &str, text: &str) -> Vec<u8> {
    format!(
        "From: a@exemplo.gov.br\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
         --x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSegue a minuta.\r\n\
         --x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: attachment; filename=\"{attachment}\"\r\n\r\n\
         {text}\r\n--x--\r\n"
    )
    .into_bytes()
}

/// Document ids by path, of all that came in others.
fn members(server: &Server) -> BTreeMap<String, String> {
    let all = server.get("/documents?limit=1000");
    let documents = all["documents"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    documents
        .iter()
        .filter(|document| !document["parent_id"].is_null())
        .map(|document| (text(&document["path"]), text(&document["document_id"])))
        .collect()
}

#[test]
fn what_comes_in_an_archive_comes_changes_and_goes_with_it() {
    let place = Place::new();
    let server = Server::start(&place);
    let letter = mail("Obra da ponte", "minuta.txt", "A jabuticabeira fica.");
    place.write(
        "a.zip",
        archive(&[
            ("leia.txt", "A ponte fica sobre o rio.".as_bytes()),
            ("anexos/carta.eml", &letter),
            ("anexos/programa.exe", b"MZ\x90\0\x03\0\0\0"),
            ("anexos/sai.txt", "O pequizeiro sai.".as_bytes()),
        ]),
    );

    let first = place.json(&["ingest", "a.zip", "--tags", "obras"]);

    assert_eq!(first["ingested"], 5, "{first}");
    let expected = [
        "a.zip",
        "a.zip!/anexos/carta.eml",
        "a.zip!/anexos/carta.eml!/minuta.txt",
        "a.zip!/anexos/sai.txt",
        "a.zip!/leia.txt",
    ];
    assert_eq!(texts(&first["documents"], "path"), expected);
    let archive_id = first["documents"][0]["document_id"].as_str().unwrap().to_owned();
    let analysis = server.get(&format!("/documents/{archive_id}/analysis"));
    assert_eq!(
        texts(&analysis["children"], "path"),
        ["anexos/carta.eml", "leia.txt", "anexos/sai.txt"]
    );
    assert_eq!(texts(&analysis["skipped"], "path"), ["anexos/programa.exe"]);
    assert_eq!(texts(&analysis["skipped"], "reason"), ["unsupported_type"]);
    let children = server.get(&format!("/documents?parent_id={archive_id}"));
    assert_eq!(children["total"], 3);
    assert_eq!(children["documents"][0]["tags"][0], "obras");
    let hits = server.search("jabuticabeira", "keyword");
    assert_eq!(
        texts(&Value::from(hits.clone()), "document_title"),
        ["Obra da ponte › minuta"]
    );
    assert_eq!(hits[0]["source"], "minuta.txt");
    assert_eq!(
        server.search("programa", "keyword").len(),
        1,
        "the list says what was passed over"
    );
    let before = members(&server);

    // One stays, one changes, one is gone, one is new.
    place.write(
        "a.zip",
        archive(&[
            ("leia.txt", "A ponte cai.".as_bytes()),
            ("anexos/carta.eml", &letter),
            ("novo.txt", "Um ipê novo.".as_bytes()),
        ]),
    );
    place.json(&["ingest", "a.zip"]);

    let after = members(&server);
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        ["anexos/carta.eml", "leia.txt", "minuta.txt", "novo.txt"]
    );
    for path in ["anexos/carta.eml", "leia.txt", "minuta.txt"] {
        assert_eq!(after[path], before[path], "{path} keeps its id");
    }
    assert_eq!(server.search("pequizeiro", "keyword").len(), 0);
    assert_eq!(server.search("rio", "keyword").len(), 0);
    assert_eq!(server.search("cai", "keyword").len(), 1);

    let deleted = place.json(&["documents", "delete", &archive_id, "--yes"]);
    assert_eq!(deleted["deleted"][0]["children_removed"], 4, "{deleted}");
    assert_eq!(server.get("/documents")["total"], 0);
    assert_eq!(server.get("/documents/stats")["total_chunks"], 0);
}

#[test]
fn a_kill_while_an_archive_is_unpacked_loses_and_doubles_nothing() {
    const FILES: usize = 400;
    let names: Vec<String> = (0..FILES)
        .map(|number| format!("pasta/{number:03}.txt"))
        .collect();
    let contents: Vec<String> = (0..FILES)
        .map(|number| format!("O processo número {number} segue."))
        .collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&contents)
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    let place = Place::new();
    let server = Server::start(&place);
    let archive_id = server.upload("a.zip", &archive(&files));
    let at_kill = wait::until("some of its files", || {
        let total = server.get("/documents")["total"].as_u64().unwrap();
        (total > 5).then_some(total)
    });
    assert!(at_kill <= FILES as u64, "too fast to be interrupted");
    server.kill();

    let server = Server::start(&place);
    server.until_completed(&archive_id);
    wait::until("all of them", || {
        let stats = server.get("/documents/stats");
        (stats["documents"]["completed"] == FILES as u64 + 1).then_some(())
    });
    let all = server.get(&format!("/documents?parent_id={archive_id}&limit=1000"));
    let mut paths = texts(&all["documents"], "path");
    paths.sort_unstable();
    assert_eq!(paths, names);
    assert_eq!(server.get("/documents")["total"], FILES as u64 + 1);
}
