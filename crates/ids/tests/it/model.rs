//! Answers written by a model, through the whole program: a server that says what a test wrote down stands for the model's.

use ids_testkit::{Script, ScriptedModelServer};
use serde_json::{Value, json};

use crate::place::{Place, Run};

const QUESTION: &str = "Qual é o prazo para recurso?";
const KEY: &str = "sk-chave-secreta";

fn library() -> Place {
    let place = Place::new();
    let file = place.write(
        "edital.txt",
        "Edital 14/2021.\n\nO prazo para recurso é de cinco dias úteis.\n\nAs inscrições são gratuitas.",
    );
    place.json(&["ingest", file.to_str().unwrap()]);
    place
}

/// Asks the program, whose model is at `base_url`.
async fn ask(place: Place, base_url: String) -> (Run, Value) {
    let mut command = place.command(&["ask", QUESTION, "--json"]);
    command
        .env("OPENAI_BASE_URL", base_url)
        .env("OPENAI_API_KEY", KEY)
        .env("OPENAI_MODEL", "a-model")
        .env("LOG_LEVEL", "debug");
    let output = tokio::task::spawn_blocking(move || {
        let output = command.output().unwrap();
        drop(place);
        output
    });
    let run = Run::of(&output.await.unwrap());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let body = run.body();
    (run, body)
}

#[tokio::test]
async fn a_model_that_is_set_writes_the_answer() {
    let reply = [
        "O prazo é de cinco ",
        "dias úteis. [1: \"prazo para recurso é de cinco dias úteis\"]\n",
    ];
    let server = ScriptedModelServer::start([Script::reply(&reply)]).await;

    let (_, body) = ask(library(), server.base_url()).await;

    assert_eq!(body["metadata"]["mode"], "generated", "{body:#}");
    assert!(
        body["response"].as_str().unwrap().contains("cinco dias úteis"),
        "{body:#}"
    );
    assert_eq!(
        body["sources"][0]["quote"],
        "prazo para recurso é de cinco dias úteis"
    );
    let request = &server.requests()[0];
    assert_eq!(request.body["model"], "a-model");
    assert!(request.body["messages"].to_string().contains(QUESTION));
    assert!(
        request.head.contains(&format!("Bearer {KEY}")),
        "{}",
        request.head
    );
}

#[tokio::test]
async fn a_model_that_fails_leaves_the_sentences_of_the_documents_and_no_secret() {
    let echo = json!({"error": {"message": format!("wrong key {KEY}; asked: {QUESTION}")}});
    let server = ScriptedModelServer::start([Script::status(401, &[], &echo.to_string())]).await;

    let (run, body) = ask(library(), server.base_url()).await;

    assert_eq!(body["metadata"]["mode"], "extractive", "{body:#}");
    assert_eq!(server.requests().len(), 1);
    assert!(!run.stderr.contains(KEY), "{}", run.stderr);
}

#[test]
fn an_address_that_is_none_ends_the_program_without_repeating_it() {
    let place = Place::new();
    let output = place
        .command(&["documents", "list"])
        .env("OPENAI_BASE_URL", KEY)
        .output();
    let run = Run::of(&output.unwrap());
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.contains("`OPENAI_BASE_URL`") && !run.stderr.contains(KEY),
        "{}",
        run.stderr
    );
}
