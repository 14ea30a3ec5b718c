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

/// Runs a command whose model is at `base_url`.
async fn run_with_model(place: &Place, arguments: &[&str], base_url: &str) -> Run {
    let mut command = place.command(arguments);
    command
        .env("OPENAI_BASE_URL", base_url)
        .env("OPENAI_MODEL", "gpt-4o-mini")
        .env("AI_BUDGET_MONTHLY", "278.60")
        .env("AI_BUDGET_CURRENCY", "BRL")
        .env("USD_BRL_RATE", "5.40");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let run = Run::of(&output.await.unwrap());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    run
}

#[tokio::test]
async fn what_answers_cost_is_shown_in_reais_and_as_values() {
    let reply = Script::stream()
        .piece("O prazo é de cinco dias úteis. [1: \"prazo para recurso é de cinco dias úteis\"]\n")
        .usage(1_000, 200)
        .done();
    let server = ScriptedModelServer::start([reply]).await;
    let place = library();
    let run = async |arguments: &[&str]| run_with_model(&place, arguments, &server.base_url()).await;

    run(&["ask", QUESTION]).await;

    // 1,000 tokens at R$ 0.81 and 200 at R$ 3.24 for a million.
    let usage = run(&["usage", "--json"]).await.body();
    assert_eq!(
        (&usage["spent"], &usage["currency"]),
        (&json!(0.001458), &json!("BRL"))
    );
    let shown = run(&["usage", "--by", "document"]).await.stdout;
    assert!(
        shown.contains("BRL 0.001458 spent") && shown.to_lowercase().contains("edital"),
        "{shown}"
    );
    let values = run(&["usage", "--csv"]).await.stdout;
    assert!(
        values.starts_with("month,key,model,id,questions,")
            && values.contains(",gpt-4o-mini,,1,1000,200,0.001458,BRL,0,0"),
        "{values}"
    );
    let estimate = run(&["usage", "--estimate"]).await.stdout;
    assert!(
        estimate.contains("BRL 278.600000 a month pay 123712 questions"),
        "{estimate}"
    );
    let limited = run(&["organizations", "budget", "default", "10"]).await.stdout;
    assert!(limited.contains("may spend BRL 10.00 a month"), "{limited}");
}

#[tokio::test]
async fn with_the_shield_neither_answers_nor_embeddings_take_personal_data_along() {
    const SECRETS: [&str; 3] = ["529.982.247-25", "ana@exemplo.org", "111.444.777-35"];
    const REPLY: &str = "O recurso foi de [CPF_1]. [1: \"recurso foi apresentado por Ana, CPF [CPF_1]\"]\n";
    let server = ScriptedModelServer::answering(|request| {
        let Some(input) = request.body["input"].as_array() else {
            return Script::reply(&[REPLY]);
        };
        let vectors = (0..input.len()).map(|index| json!({"index": index, "embedding": vec![0.25; 16]}));
        Script::json(&json!({"data": vectors.collect::<Vec<Value>>()}))
    })
    .await;
    let place = Place::new();
    place.write(
        "recurso.txt",
        "Edital 14/2021.\n\nO recurso foi apresentado por Ana, CPF 529.982.247-25, e-mail ana@exemplo.org, dentro do prazo.",
    );
    let run = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command
            .env("OPENAI_BASE_URL", server.base_url())
            .env("OPENAI_EMBEDDING_MODEL", "theirs")
            .env("OPENAI_EMBEDDING_DIMENSIONS", "16")
            // The server of the test is on this machine, where the shield is off by itself.
            .env("PII_SHIELD", "on");
        tokio::task::spawn_blocking(move || {
            let run = Run::of(&command.output().unwrap());
            assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
            run.body()
        })
    };
    run(&["ingest", "recurso.txt", "--json"]).await.unwrap();
    let question = "De quem foi o recurso no edital? Sou 111.444.777-35.";
    let body = run(&["ask", question, "--json"]).await.unwrap();

    assert_eq!(body["response"], "O recurso foi de 529.982.247-25.", "{body:#}");
    assert_eq!(body["metadata"]["shield"]["kinds"], json!({"CPF": 2, "EMAIL": 1}));
    let requests = server.requests();
    let embedded = requests.iter().filter(|request| request.body["input"].is_array());
    assert!(embedded.count() >= 2, "the passage and the question");
    for request in &requests {
        let sent = request.body.to_string();
        assert!(SECRETS.iter().all(|secret| !sent.contains(secret)), "{sent}");
    }
    let sent = requests.iter().map(|request| request.body.to_string());
    assert!(
        sent.collect::<String>().contains("Sou [CPF_"),
        "it was sent, but for that"
    );
}
