//! Personal data and the model: what is sent, what comes back, what is told of it.

use std::sync::Arc;

use ids_core::shield::ShieldedChatModel;
use serde_json::{Value, json};

use crate::chat::{ask, chat};
use crate::support::App;

const TEXT: &str = "O contrato foi assinado por Maria da Silva, CPF 529.982.247-25, e-mail maria@exemplo.org, na sede do município. A multa é de 2% ao mês.";
const QUESTION: &str = "Qual é o CPF de quem assinou o contrato? O meu é 111.444.777-35.";
/// Copies its proof as it was shown it; pieces of three characters cut each placeholder.
const REPLY: &str =
    "O CPF de Maria da Silva é [CPF_1]. [1: \"assinado por Maria da Silva, CPF [CPF_1], e-mail [EMAIL_1]\"]";

#[tokio::test]
async fn a_model_is_told_placeholders_and_people_read_what_they_stand_for() {
    let (model, _hold) = chat(Ok(REPLY));
    let app = App::with_chat(Arc::new(ShieldedChatModel::new(model.clone())));
    app.ingest("contrato.txt", TEXT, &[("title", "Contrato")]).await;
    let body = ask(&app, json!({"message": QUESTION})).await;

    let prompt = model.prompt.borrow().clone().unwrap();
    let sent: String = prompt.turns.iter().map(|turn| turn.content.as_str()).collect();
    for secret in ["529.982.247-25", "maria@exemplo.org", "111.444.777-35"] {
        assert!(!sent.contains(secret), "{sent}");
    }
    assert!(
        sent.contains("Question: Qual é o CPF de quem assinou o contrato? O meu é [CPF_2]."),
        "{sent}"
    );
    assert!(
        prompt.system.contains("[CPF_1]"),
        "the model is told what to do with them"
    );
    assert_eq!(body["response"], "O CPF de Maria da Silva é 529.982.247-25.");
    assert_eq!(
        body["claims"][0]["status"], "verified",
        "checked against the document's own words"
    );
    let quote = body["sources"][0]["quote"].as_str().unwrap();
    assert_eq!(
        quote,
        "assinado por Maria da Silva, CPF 529.982.247-25, e-mail maria@exemplo.org"
    );
    assert_eq!(
        body["metadata"]["shield"],
        json!({"replaced": 3, "kinds": {"CPF": 2, "EMAIL": 1}})
    );
}

#[tokio::test]
async fn a_streamed_answer_is_put_together_before_it_is_shown() {
    let (model, _hold) = chat(Ok(REPLY));
    let app = App::with_chat(Arc::new(ShieldedChatModel::new(model)));
    app.ingest("contrato.txt", TEXT, &[]).await;
    let reply = app
        .post("/api/v1/chat/ask", json!({"message": QUESTION, "stream": true}))
        .await;
    let text = reply.text();
    assert!(!text.contains("CPF_") && !text.contains("EMAIL_"), "{text}");
    let shown: String = text
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("event: delta\ndata: "))
        .map(|data| {
            serde_json::from_str::<Value>(data).unwrap()["text"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(shown, "O CPF de Maria da Silva é 529.982.247-25.");
}

#[tokio::test]
async fn what_was_said_before_and_what_is_answered_anew_is_held_back_too() {
    let (model, _hold) = chat(Ok(REPLY));
    let app = App::with_chat(Arc::new(ShieldedChatModel::new(model.clone())));
    app.ingest("contrato.txt", TEXT, &[]).await;
    let sent = || {
        let prompt = model.prompt.borrow().clone().unwrap();
        let turns = prompt.turns.iter().map(|turn| turn.content.as_str());
        turns.collect::<Vec<&str>>().join("\n")
    };
    let is_held_back = |sent: &str| {
        for secret in ["529.982.247-25", "maria@exemplo.org", "111.444.777-35"] {
            assert!(!sent.contains(secret), "{sent}");
        }
    };
    let first = ask(&app, json!({"message": QUESTION})).await;
    let session_id = &first["session_id"];

    let again = ask(&app, json!({"session_id": session_id, "regenerate": true})).await;
    is_held_back(&sent());
    assert_eq!(again["response"], first["response"]);
    assert_eq!(again["metadata"]["shield"]["replaced"], 3);

    ask(
        &app,
        json!({"message": "E o e-mail dela?", "session_id": session_id}),
    )
    .await;
    let follow_up = sent();
    is_held_back(&follow_up);
    assert!(
        follow_up.starts_with(
            "Qual é o CPF de quem assinou o contrato? O meu é [CPF_1].\nO CPF de Maria da Silva é [CPF_2]."
        ),
        "{follow_up}"
    );
}

#[tokio::test]
async fn what_was_held_back_of_a_rewriting_is_told_though_nothing_was_found_to_answer_from() {
    let (model, _hold) = chat(Ok(REPLY));
    let app = App::with_chat(Arc::new(ShieldedChatModel::new(model.clone())));
    let document_id = app.ingest("contrato.txt", TEXT, &[]).await;
    let first = ask(&app, json!({"message": QUESTION})).await;
    app.delete(&format!("/api/v1/documents/{document_id}")).await;

    let body = json!({"message": "E o e-mail dela?", "session_id": first["session_id"]});
    let follow_up = ask(&app, body).await;

    assert_eq!(follow_up["metadata"]["answered"], false, "{follow_up}");
    let sent = model.prompt.borrow().clone().unwrap();
    assert!(sent.system.starts_with("You rewrite"), "{sent:?}");
    assert_eq!(
        follow_up["metadata"]["shield"],
        json!({"replaced": 2, "kinds": {"CPF": 2}})
    );
}

#[tokio::test]
async fn at_the_door_of_other_programs_the_conversation_they_bring_is_held_back_too() {
    let (model, _hold) = chat(Ok(REPLY));
    let app = App::with_chat(Arc::new(ShieldedChatModel::new(model.clone())));
    app.ingest("contrato.txt", TEXT, &[]).await;
    let messages = json!([
        {"role": "user", "content": "Meu CPF é 111.444.777-35."},
        {"role": "assistant", "content": "Anotado: 111.444.777-35."},
        {"role": "user", "content": "Qual é o CPF de quem assinou o contrato?"},
    ]);
    for stream in [false, true] {
        let body = json!({"model": "ids", "messages": messages, "stream": stream});
        let reply = app.post("/v1/chat/completions", body).await;
        let prompt = model.prompt.borrow().clone().unwrap();
        assert!(
            prompt.turns.iter().all(|turn| !turn.content.contains("111.444")),
            "{prompt:?}"
        );
        let text = reply.text();
        assert!(text.contains("\"shield\":{\"replaced\":3"), "{text}");
    }
}

#[tokio::test]
async fn without_a_shield_nothing_is_told_of_one() {
    let (model, _hold) = chat(Ok("A multa é de 2% ao mês. [1: \"A multa é de 2% ao mês\"]"));
    let app = App::with_chat(model);
    app.ingest("contrato.txt", TEXT, &[]).await;
    let body = ask(&app, json!({"message": "Qual é a multa?"})).await;
    assert_eq!(body["metadata"]["shield"], Value::Null);
}
