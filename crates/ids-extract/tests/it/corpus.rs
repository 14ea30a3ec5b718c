//! The shared corpus: every phrase on its page, every error as it should be.

use ids_core::error::{ErrorCode, Failure};
use ids_core::page::ExtractedDocument;
use ids_testkit::contracts::extractor_contract::{assert_pages_hold, read};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::support::{extractor, shared};

/// Phrases that are wrong in the manifest, with the reason.
const WRONG: [(&str, &str); 1] =
    // The content stream shows (abcdef) and the ligatures U+FB00 to U+FB06: four `f` before the first `i`, not five.
    [("copy_paste_ligatures.pdf", "abcdefffffiflffifflststghijklmno")];

#[tokio::test(flavor = "multi_thread")]
async fn every_phrase_of_the_corpus_is_found_on_its_page() {
    let Some(corpus) = shared("corpus") else { return };
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(corpus.join("manifest.json")).unwrap()).unwrap();
    let mut faults = Vec::new();
    for entry in manifest.as_array().unwrap() {
        let format = entry["format"].as_str().unwrap();
        // What a scan says is known after OCR.
        if !["pdf-scan", "image"].contains(&format) {
            let name = entry["file"].as_str().unwrap();
            let answer = read(&extractor(), &corpus.join(name), name).await;
            faults.extend(check(name, entry, &answer));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn a_scan_is_pages_that_need_ocr() {
    let Some(file) = shared("corpus/scan-pt-200dpi.pdf") else {
        return;
    };
    let document = read(&extractor(), &file, "scan.pdf").await.unwrap();
    assert_eq!(document.pages.len(), 3);
    let notes: Vec<_> = document
        .notes
        .iter()
        .filter(|note| !note.kind.is_fact())
        .map(|note| (note.page_number, note.kind.as_str()))
        .collect();
    assert_eq!(
        notes,
        [
            (Some(1), "needs_ocr"),
            (Some(2), "needs_ocr"),
            (Some(3), "needs_ocr")
        ]
    );
}

#[tokio::test]
async fn a_picture_is_a_page_that_needs_ocr() {
    let Some(file) = shared("corpus/scan-pt-page.png") else {
        return;
    };
    let document = read(&extractor(), &file, "scan.png").await.unwrap();
    let page = &document.pages[0];
    assert_eq!((page.width, page.height), (Some(1_654.0), Some(2_339.0)));
    assert_eq!(document.notes[0].kind.as_str(), "needs_ocr");
}

#[tokio::test]
async fn scripts_and_running_titles_stay_out_of_the_text() {
    let Some(corpus) = shared("corpus") else { return };
    let latin1 = read(&extractor(), &corpus.join("latin1.html"), "latin1.html")
        .await
        .unwrap();
    assert!(
        !latin1.pages[0].text.contains("indexar"),
        "{}",
        latin1.pages[0].text
    );
    assert_eq!(latin1.title.as_deref(), Some("Relatório"));

    let name = "debian-reference-pt-p1-40.pdf";
    let debian = read(&extractor(), &corpus.join(name), name).await.unwrap();
    let page = &debian.pages[29];
    let header = page
        .blocks
        .iter()
        .find(|block| block.kind.as_str() == "header")
        .unwrap();
    assert!(
        header.span.slice(&page.text).starts_with("Referência Debian"),
        "{}",
        page.text
    );
    let heading = page
        .blocks
        .iter()
        .find(|block| block.kind.as_str() == "heading")
        .unwrap();
    assert_eq!(heading.span.slice(&page.text), "1.1.2 The shell prompt under GUI");
}

/// What is wrong with an answer.
fn check(name: &str, entry: &Value, answer: &Result<ExtractedDocument, Failure>) -> Vec<String> {
    let mut faults = Vec::new();
    let expected = entry["expected_error"]
        .as_str()
        .map(|text| expected_code(text, entry));
    match (answer, expected) {
        (Err(failure), Some(Some(code))) if failure.code != code => {
            faults.push(format!("{name}: {:?} instead of {code}", failure));
        }
        (Ok(_), Some(Some(code))) => faults.push(format!("{name}: no {code}")),
        (Err(failure), None) if !entry["expected_phrases"].as_array().unwrap().is_empty() => {
            faults.push(format!("{name}: {failure:?}"));
        }
        _ => {}
    }
    // Whatever a file is, the child says so itself: it neither breaks, nor runs out of time or memory.
    if let Err(failure) = answer
        && matches!(
            failure.code,
            ErrorCode::ParserCrashed | ErrorCode::Timeout | ErrorCode::OutOfMemory | ErrorCode::Internal
        )
    {
        faults.push(format!("{name}: {failure:?}"));
    }
    let Ok(document) = answer else { return faults };
    assert_pages_hold(document);
    for phrase in entry["expected_phrases"].as_array().unwrap() {
        let text = phrase["text"].as_str().unwrap();
        let pages = match phrase["page"].as_u64() {
            Some(number) => &document.pages[number as usize - 1..number as usize],
            None => &document.pages[..],
        };
        let is_there = pages
            .iter()
            .any(|page| comparable(&page.text).contains(&comparable(text)));
        if is_there == WRONG.contains(&(name, text)) {
            faults.push(format!("{name}: page {}: `{text}`", phrase["page"]));
        }
    }
    if let Some(pages) = entry["pages"].as_u64()
        && !entry["expected_phrases"].as_array().unwrap().is_empty()
        && document.pages.len() as u64 != pages
    {
        faults.push(format!(
            "{name}: {} pages instead of {pages}",
            document.pages.len()
        ));
    }
    faults
}

/// The code that the manifest's words mean; `None` where text is right too.
fn expected_code(words: &str, entry: &Value) -> Option<ErrorCode> {
    match words {
        words if words.contains(" or ") => None,
        words if words.starts_with("encrypted") => Some(ErrorCode::Encrypted),
        words if words.starts_with("too large") => Some(ErrorCode::ExpandsTooFar),
        words if words.starts_with("malformed") && entry["bytes"] == 0 => Some(ErrorCode::EmptyFile),
        words if words.starts_with("malformed") => Some(ErrorCode::Corrupt),
        words => panic!("unknown words: {words}"),
    }
}

fn comparable(text: &str) -> String {
    let text: String = text.nfkc().filter(|&c| c != '\u{ad}').collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
