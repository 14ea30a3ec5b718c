//! Scans through the real program: read where Tesseract is, marked where it is not, and read later.

use std::process::Command;

use serde_json::Value;

use crate::place::{Place, Run, corpus};
use crate::server::Server;

/// Whether scans can be read here; a machine that must have everything must have Tesseract.
fn can_read() -> bool {
    let listed = Command::new("/usr/bin/tesseract").arg("--list-langs").output();
    let languages = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let has_all = languages.is_ok_and(|text| text.contains("por") && text.contains("eng"));
    assert!(
        has_all || std::env::var_os("CI").is_none(),
        "Tesseract is not installed"
    );
    has_all
}

fn without_ocr(place: &Place, arguments: &[&str]) -> Run {
    let mut command = place.command(arguments);
    Run::of(&command.env("OCR_LANGUAGES", "off").output().unwrap())
}

/// A PDF of two pages: one of text, one that a picture without text covers.
fn text_and_picture() -> Vec<u8> {
    let text = "BT /F 18 Tf 70 700 Td (Ata da reuniao do conselho municipal de transportes) Tj ET";
    let picture = "q 400 0 0 500 90 150 cm BI /W 4 /H 4 /BPC 8 /CS /G /F /AHx ID 00ff00ffff00ff0000ff00ffff00ff00> EI Q";
    let page = |content: usize| {
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>/Contents {content} 0 R>>"
        )
    };
    let stream = |text: &str| format!("<</Length {}>>stream\n{text}\nendstream", text.len());
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Count 2/Kids[4 0 R 5 0 R]>>".to_owned(),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
        page(6),
        page(7),
        stream(text),
        stream(picture),
    ];
    let mut bytes = b"%PDF-1.4\n".to_vec();
    for (number, object) in objects.iter().enumerate() {
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", number + 1).into_bytes());
    }
    bytes.extend(b"trailer<</Size 8/Root 1 0 R>>\n%%EOF");
    bytes
}

#[test]
fn a_scan_is_read_found_and_shown_with_what_may_be_wrong() {
    let Some(corpus) = corpus() else { return };
    if !can_read() {
        return;
    }
    let place = Place::new();
    place.copy(&corpus, "scan-pt-page.png", "pagina.png");
    let report = place.json(&["ingest", "pagina.png"]);
    assert_eq!(report["ingested"], 1, "{report:#}");
    let id = report["documents"][0]["document_id"].as_str().unwrap().to_owned();

    let server = Server::start(&place);
    let hits = server.search("obter ainda mais perfis", "keyword");
    assert_eq!(hits[0]["document_id"], id, "{hits:#?}");
    let page = server.get(&format!("/documents/{id}/pages/1"));
    let sure = page["ocr"]["confidence"].as_u64().unwrap();
    assert!((70..=100).contains(&sure), "{page:#}");
    let text: Vec<char> = page["text"].as_str().unwrap().chars().collect();
    for doubt in page["ocr"]["low_confidence"].as_array().unwrap() {
        let (start, end) = (doubt["start"].as_u64().unwrap(), doubt["end"].as_u64().unwrap());
        let word: String = text[start as usize..end as usize].iter().collect();
        assert!(
            !word.is_empty() && !word.contains(char::is_whitespace),
            "{word:?}"
        );
    }
    // The quote has its place on the picture of the page.
    let hit = &hits[0];
    let boxes = server.get(&format!(
        "/documents/{id}/pages/1/boxes?start={}&end={}",
        hit["spans"][0]["start"], hit["spans"][0]["end"]
    ));
    assert!(!boxes["boxes"].as_array().unwrap().is_empty(), "{boxes:#}");
    let image = format!("/api/v1/documents/{id}/pages/1/image?width=300");
    assert_eq!(server.status_of(&image, None), 200);
    let analysis = server.get(&format!("/documents/{id}/analysis"));
    assert_eq!(analysis["needs_ocr"], false, "{analysis:#}");
}

#[test]
fn what_came_before_recognition_was_there_is_read_later() {
    let Some(corpus) = corpus() else { return };
    if !can_read() {
        return;
    }
    let place = Place::new();
    place.copy(&corpus, "scan-pt-page.png", "pagina.png");
    place.write("ata.pdf", text_and_picture());
    let report = without_ocr(&place, &["ingest", "pagina.png", "ata.pdf", "--json"]).body();
    assert_eq!(
        (&report["ingested"], report["failed"].as_array().unwrap().len()),
        (&Value::from(1), 1)
    );
    assert_eq!(report["failed"][0]["error_code"], "NO_TEXT");
    let error = report["failed"][0]["error"].as_str().unwrap();
    assert!(
        error.contains("needs OCR") && error.contains("ids reindex --ocr"),
        "{error}"
    );

    let refused = without_ocr(&place, &["reindex", "--ocr"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("OCR_LANGUAGES is off"),
        "{}",
        refused.stderr
    );

    let done = place.json(&["reindex", "--ocr"]);
    let names: Vec<&str> = done["reindexed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["filename"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "{done:#}");
    let found = place.json(&["search", "obter ainda mais perfis", "--mode", "keyword"]);
    assert_eq!(found["results"][0]["source"], "pagina.png", "{found:#}");
    // A picture without text was looked at, and is not asked about again.
    let again = place.json(&["reindex", "--ocr"]);
    assert_eq!(again["reindexed"].as_array().unwrap().len(), 0, "{again:#}");
}

#[test]
fn a_file_is_asked_for_again_where_the_original_was_not_kept() {
    if !can_read() {
        return;
    }
    let place = Place::new();
    place.write("ata.pdf", text_and_picture());
    let mut command = place.command(&["ingest", "ata.pdf", "--json"]);
    command.env("OCR_LANGUAGES", "off").env("KEEP_ORIGINALS", "off");
    let report = Run::of(&command.output().unwrap()).body();
    assert_eq!(report["ingested"], 1, "{report:#}");

    let run = place.ids(&["reindex", "--ocr"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(
        run.stdout
            .contains("ata.pdf: its original was not kept; upload the file again"),
        "{}",
        run.stdout
    );
    let told = place.ids(&["reindex", "--ocr", "--json"]).body();
    assert_eq!(told["original_not_kept"][0]["filename"], "ata.pdf", "{told:#}");
}

#[test]
fn languages_that_are_none_are_refused_and_the_doctor_tells_those_that_lack() {
    let place = Place::new();
    let mut command = place.command(&["doctor", "--json"]);
    let run = Run::of(&command.env("OCR_LANGUAGES", "por,eng").output().unwrap());
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("`OCR_LANGUAGES` must be"), "{}", run.stderr);
    let look = |languages: &str| {
        let mut command = place.command(&["doctor", "--json"]);
        let body = Run::of(&command.env("OCR_LANGUAGES", languages).output().unwrap()).body();
        let checks = body["checks"].as_array().unwrap();
        checks.iter().find(|it| it["check"] == "ocr").unwrap().clone()
    };
    assert!(look("off")["detail"].as_str().unwrap().contains("not used"));
    if !can_read() {
        assert_eq!(look("por+eng")["status"], "warn");
        return;
    }
    let ready = look("por+eng");
    assert_eq!(ready["status"], "ok", "{ready:#}");
    assert!(
        ready["detail"].as_str().unwrap().contains("`por+eng`"),
        "{ready:#}"
    );
    let lacking = look("por+xyz");
    assert_eq!(lacking["status"], "warn", "{lacking:#}");
    assert!(
        lacking["hint"].as_str().unwrap().contains("tesseract-ocr-xyz"),
        "{lacking:#}"
    );
}
