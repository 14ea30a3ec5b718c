//! `ids ask`: cited answers without any model, kept over restarts.

use serde_json::Value;

use crate::place::Place;
use crate::server::Server;

const CONTRACT: &str = "# Contrato 12/2024

## Das multas

O atraso injustificado na entrega sujeita a contratada à multa de 2% ao mês sobre o valor da parcela.
A rescisão depende de aviso prévio de sessenta dias.

## Da vigência

O contrato vigora por vinte e quatro meses a partir da assinatura.
";

fn with_contract() -> Place {
    let place = Place::new();
    place.write("contrato.md", CONTRACT);
    assert_eq!(place.json(&["ingest", "contrato.md"])["ingested"], 1);
    place
}

fn quotes(answer: &Value) -> Vec<&str> {
    answer["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["quote"].as_str().unwrap())
        .collect()
}

#[test]
fn a_question_in_other_words_is_answered_with_the_place_of_each_quote() {
    let place = with_contract();
    let answer = place.json(&["ask", "Quanto se paga por mês quando a entrega atrasa?"]);

    assert_eq!(answer["metadata"]["answered"], true, "{answer:#}");
    assert_eq!(answer["metadata"]["mode"], "extractive");
    assert!(quotes(&answer)[0].contains("multa de 2% ao mês"), "{answer:#}");
    let first = &answer["sources"][0];
    let range = first["start"].as_u64().unwrap() as usize..first["end"].as_u64().unwrap() as usize;
    let server = Server::start(&place);
    let page = server.get(&format!(
        "/documents/{}/pages/{}",
        first["document_id"].as_str().unwrap(),
        first["page"]
    ));
    let text: Vec<char> = page["text"].as_str().unwrap().chars().collect();
    assert_eq!(
        text[range].iter().collect::<String>(),
        first["quote"].as_str().unwrap()
    );
}

#[test]
fn people_read_the_answer_with_its_sources() {
    let place = with_contract();
    let run = place.ids(&["ask", "Por quantos meses vigora o contrato?"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stdout.contains("vigora por vinte e quatro meses"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("[1] ") && run.stdout.contains("page 1"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("word for word · session "), "{}", run.stdout);
}

#[test]
fn what_the_library_does_not_know_is_not_answered() {
    let place = with_contract();
    let answer = place.json(&["ask", "Quem descobriu a penicilina?"]);
    assert_eq!(answer["metadata"]["answered"], false, "{answer:#}");
    assert_eq!(answer["sources"], Value::Array(Vec::new()));
    assert_eq!(answer["metadata"]["nearest"][0]["document_title"], "contrato");

    let english = place.json(&["ask", "Who discovered the penicillin?"]);
    assert!(
        english["response"]
            .as_str()
            .unwrap()
            .starts_with("The documents hold no answer"),
        "{english:#}"
    );
}

#[test]
fn a_conversation_outlives_the_server() {
    let place = with_contract();
    let server = Server::start(&place);
    let first = place.json(&["ask", "Qual é a multa por atraso?"]);
    let session = first["session_id"].as_str().unwrap();
    server.kill();

    let second = place.json(&["ask", "E a rescisão, depende de aviso?", "--session", session]);
    assert_eq!(second["metadata"]["conversation_length"], 4);
    let server = Server::start(&place);
    let kept = server.get(&format!("/chat/sessions/{session}"));
    assert_eq!(kept["title"], "Qual é a multa por atraso?");
    assert_eq!(kept["messages"][1]["sources"], first["sources"]);
    assert_eq!(kept["messages"][3]["content"], second["response"]);
}

#[test]
fn an_unknown_conversation_and_an_empty_question_are_named() {
    let place = with_contract();
    let unknown = place.ids(&["ask", "x", "--session", "0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e"]);
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown.stderr.contains("there is no session"),
        "{}",
        unknown.stderr
    );
    let empty = place.ids(&["ask", " "]);
    assert_eq!(empty.code, Some(2));
    assert!(empty.stderr.contains("must not be empty"), "{}", empty.stderr);
}
