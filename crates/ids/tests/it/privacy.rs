//! What is kept of a person, and its removal, by the command line.

use serde_json::json;

use crate::members::{archive, mail};
use crate::place::Place;

const TEXT: &str = "A servidora Maria da Silva, CPF 529.982.247-25, foi nomeada em março de 2024.";

#[test]
fn a_person_is_found_and_erased_by_the_command_line() {
    let place = Place::new();
    place.write("nomeacao.md", TEXT);
    place.write("edital.md", "O prazo do edital é de dez dias.");
    place.json(&["ingest", "nomeacao.md", "edital.md"]);
    let found = place.json(&["documents", "find-person", "maria silva"]);
    assert_eq!(found["documents"][0]["pages"][0]["page"], 1, "{found}");
    let shown = place.ids(&["documents", "find-person", "52998224725"]);
    assert!(shown.stdout.contains("page 1"), "{}", shown.stdout);

    let unasked = place.ids(&["documents", "erase", "--person", "52998224725"]);
    assert_eq!(unasked.code, Some(2), "{}", unasked.stderr);
    let erased = place.json(&["documents", "erase", "--person", "52998224725", "--yes"]);
    assert_eq!(
        erased["document_ids"],
        json!([found["documents"][0]["document_id"]])
    );
    assert_eq!(place.json(&["documents", "list"])["total"], 1);
    let nobody = place.ids(&["documents", "find-person", "52998224725"]);
    assert_eq!(nobody.stdout.trim(), "nothing names this person");
}

#[test]
fn what_came_in_an_archive_is_looked_through_and_goes_with_it() {
    let place = Place::new();
    let letter = mail("Nomeações", "lista.txt", TEXT);
    place.write(
        "a.zip",
        archive(&[("carta.eml", &letter), ("leia.txt", b"A ponte fica sobre o rio.")]),
    );
    place.json(&["ingest", "a.zip"]);
    let found = place.json(&["documents", "find-person", "Maria Silva"]);
    let documents = found["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 1, "{found}");
    let (attachment, parent) = (&documents[0]["document_id"], &documents[0]["parent_id"]);
    assert_eq!(documents[0]["path"], "lista.txt");
    place.json(&["ask", "Quem foi nomeada em março de 2024?"]);
    let list = place.json(&["documents", "list"]);
    let archive = &list["documents"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["filename"] == "a.zip")
        .unwrap()["document_id"];
    let erase = |id: &serde_json::Value| {
        place.json(&["documents", "erase", "--document", id.as_str().unwrap(), "--yes"])
    };

    let alone = erase(attachment);
    assert_eq!(alone["document_ids"], json!([attachment]));
    assert_eq!(
        alone["session_ids"].as_array().unwrap().len(),
        1,
        "the conversation that quoted it"
    );
    assert_eq!(
        alone["still_in"],
        json!([archive]),
        "the original of the archive has it yet"
    );
    let all = erase(archive);
    assert_eq!(all["still_in"], json!([]));
    let gone = all["document_ids"].as_array().unwrap();
    assert_eq!(gone.len(), 3, "archive, mail and note: {all}");
    assert!(gone.contains(parent), "{all}");
    assert_eq!(place.json(&["documents", "list"])["total"], 0);
}
