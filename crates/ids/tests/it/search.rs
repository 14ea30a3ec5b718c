//! `ids search` over real documents: other words, places, modes, filters, accents.

use std::sync::OnceLock;

use serde_json::Value;

use crate::place::{Place, corpus, texts};

/// One library for the tests of one process, with two handbooks in it; `None` where the corpus is absent.
fn library() -> Option<&'static Place> {
    static LIBRARY: OnceLock<Option<Place>> = OnceLock::new();
    let made = LIBRARY.get_or_init(|| {
        let corpus = corpus()?;
        let place = Place::new();
        place.copy(&corpus, "handbook-pt-sect.apparmor.pdf", "apparmor.pdf");
        place.copy(&corpus, "handbook-pt-sect.apt-get.pdf", "apt-get.pdf");
        place.write(
            "ferias.md",
            "# Férias\n\nA concessão de férias observará a escala publicada em dezembro.",
        );
        assert_eq!(
            place.json(&["ingest", "apparmor.pdf", "--tags", "seguranca"])["ingested"],
            1
        );
        assert_eq!(
            place.json(&["ingest", "apt-get.pdf", "ferias.md", "--collection", "outros"])["ingested"],
            2
        );
        Some(place)
    });
    made.as_ref()
}

fn results(place: &Place, arguments: &[&str]) -> Vec<Value> {
    place.json(&[&["search"], arguments].concat())["results"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn a_passage_is_found_by_other_words_with_its_page() {
    let Some(place) = library() else { return };
    // The text: "É um bom hábito marcar como automático qualquer pacote que é uma dependência de outro pacote" (page 8).
    let query = "convém assinalar dependências como instaladas automaticamente?";
    for mode in ["hybrid", "semantic"] {
        let hits = results(place, &[query, "--mode", mode, "-n", "5"]);
        let found = hits.iter().any(|hit| {
            hit["source"] == "apt-get.pdf"
                && matches!(hit["page"].as_u64(), Some(7 | 8))
                && hit["content"].as_str().unwrap().contains("automátic")
        });
        assert!(found, "{mode}: {hits:#?}");
    }
}

#[test]
fn each_mode_scores_in_its_own_way() {
    let Some(place) = library() else { return };
    let keyword = results(place, &["envoltório inteligente", "--mode", "keyword"]);
    assert!(
        keyword[0]["content"]
            .as_str()
            .unwrap()
            .contains("envoltório inteligente")
    );
    assert_eq!(keyword[0]["page"], 5);
    assert!(
        keyword
            .iter()
            .all(|hit| hit["keyword_score"].as_f64().unwrap() > 0.0)
    );
    let highlighted = keyword[0]["highlights"].as_array().unwrap();
    assert!(highlighted.len() >= 2, "{highlighted:?}");

    let semantic = results(place, &["envoltório inteligente", "--mode", "semantic"]);
    let scores: Vec<f64> = semantic
        .iter()
        .map(|hit| hit["similarity_score"].as_f64().unwrap())
        .collect();
    assert!(
        scores.is_sorted_by(|a, b| a >= b) && scores[0] > 0.0,
        "{scores:?}"
    );
}

#[test]
fn filters_leave_only_what_they_say() {
    let Some(place) = library() else { return };
    let sources = |arguments: &[&str]| {
        let mut sources: Vec<String> = results(place, &[&["sistema", "-n", "100"], arguments].concat())
            .iter()
            .map(|hit| hit["source"].as_str().unwrap().to_owned())
            .collect();
        sources.sort();
        sources.dedup();
        sources
    };
    assert_eq!(sources(&[]), ["apparmor.pdf", "apt-get.pdf", "ferias.md"]);
    assert_eq!(sources(&["--collection", "outros"]), ["apt-get.pdf", "ferias.md"]);
    assert_eq!(sources(&["--tags", "seguranca"]), ["apparmor.pdf"]);
    assert_eq!(sources(&["--type", "pdf"]), ["apparmor.pdf", "apt-get.pdf"]);
    assert_eq!(sources(&["--type", "md", "--type", "html"]), ["ferias.md"]);
    let listed = place.json(&["documents", "list", "--search", "ferias"]);
    let document_id = listed["documents"][0]["document_id"].as_str().unwrap();
    assert_eq!(sources(&["--document", document_id]), ["ferias.md"]);
    assert_eq!(results(place, &["sistema", "--threshold", "1"]).len(), 0);
}

#[test]
fn typing_without_accents_changes_no_keyword_hit() {
    let Some(place) = library() else { return };
    for (with, without) in [
        (
            "instalação automática de dependências",
            "instalacao automatica de dependencias",
        ),
        ("concessão de FÉRIAS", "concessao de ferias"),
    ] {
        let ids = |query| {
            let hits = results(place, &[query, "--mode", "keyword", "-n", "50"]);
            texts(&Value::Array(hits), "chunk_id")
        };
        let hits = ids(with);
        assert!(!hits.is_empty());
        assert_eq!(hits, ids(without), "{with}");
    }
}

#[test]
fn people_see_the_passage_and_where_its_score_comes_from() {
    let Some(place) = library() else { return };
    let run = place.ids(&[
        "search",
        "escala de ferias",
        "--collection",
        "outros",
        "-n",
        "1",
        "--explain",
    ]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    for part in [
        "ferias.md",
        "page 1",
        "A concessão de férias observará a escala",
        "BM25",
        "cosine",
        "(pt)",
        "(en)",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    assert!(
        !run.stdout.contains('\u{1b}'),
        "no escape sequences where there is no terminal"
    );
}
