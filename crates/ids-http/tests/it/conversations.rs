//! What belongs to a conversation beyond its questions: its limits, another answer, what somebody thought of one, and follow-ups.

use serde_json::{Value, json};

use crate::chat::{QUESTION, Stream, WRITTEN, ask, chat, with_contract};
use crate::support::App;

/// Another document about fines, so that limits make a difference.
async fn with_two_contracts(app: App) -> (App, String) {
    let app = with_contract(app).await;
    let other = app
        .ingest(
            "outro.pdf",
            "%PDF\nA multa por atraso na entrega é de 9% ao dia no outro contrato.",
            &[("title", "Outro"), ("collection", "outros")],
        )
        .await;
    (app, other)
}

fn quoted_titles(answer: &Value) -> Vec<&str> {
    let sources = answer["sources"].as_array().unwrap().iter();
    let mut titles: Vec<&str> = sources
        .map(|source| source["document_title"].as_str().unwrap())
        .collect();
    titles.sort_unstable();
    titles.dedup();
    titles
}

#[tokio::test]
async fn a_conversation_stays_within_its_limits_until_they_are_changed() {
    let (app, other) = with_two_contracts(App::new()).await;
    let first = ask(&app, json!({"message": QUESTION, "collection": "outros"})).await;
    let session = first["session_id"].as_str().unwrap();
    let path = format!("/api/v1/chat/sessions/{session}");
    assert_eq!(quoted_titles(&first), ["Outro"]);
    assert_eq!(app.get(&path).await.expect(200)["scope"]["collection"], "outros");

    let follow_up = ask(&app, json!({"message": QUESTION, "session_id": session})).await;
    assert_eq!(quoted_titles(&follow_up), ["Outro"]);
    // Named with one question, limits count for it alone.
    let once = json!({"message": QUESTION, "session_id": session, "collection": "default"});
    assert_eq!(quoted_titles(&ask(&app, once).await), ["Contrato 12"]);
    assert_eq!(app.get(&path).await.expect(200)["scope"]["collection"], "outros");

    let limited = app
        .patch(&path, json!({"scope": {"document_ids": [other], "tags": []}}))
        .await;
    let scope = &limited.expect(200)["scope"];
    assert_eq!(
        (&scope["document_ids"], &scope["collection"]),
        (&json!([other]), &Value::Null)
    );
    let lifted = app.patch(&path, json!({"scope": {}})).await.expect(200);
    assert_eq!(lifted["scope"]["document_ids"], json!([]));
    let all = ask(&app, json!({"message": QUESTION, "session_id": session})).await;
    assert_eq!(quoted_titles(&all), ["Contrato 12", "Outro"]);

    let unknown = app
        .patch(&path, json!({"scope": {"collection": "nenhuma"}}))
        .await;
    unknown.expect_error(404, "COLLECTION_NOT_FOUND");
    let faulty = app.patch(&path, json!({"scope": {"document_ids": ["x"]}})).await;
    assert!(
        faulty
            .expect_error(422, "VALIDATION_FAILED")
            .to_string()
            .contains("scope.document_ids")
    );
}

#[tokio::test]
async fn another_answer_takes_the_place_of_the_last() {
    let (model, _hold) = chat(Ok(WRITTEN));
    let app = with_contract(App::with_chat(model.clone())).await;
    let first = ask(&app, json!({"message": "O que diz o contrato?"})).await;
    let session = first["session_id"].as_str().unwrap();
    let second = ask(&app, json!({"message": QUESTION, "session_id": session})).await;
    assert_eq!(model.prompt.borrow().as_ref().unwrap().temperature, 0.0);

    let again = ask(&app, json!({"regenerate": true, "session_id": session})).await;

    let prompt = model.prompt.borrow().clone().unwrap();
    assert!(prompt.turns.last().unwrap().content.ends_with(QUESTION));
    assert_eq!(
        prompt.turns.len(),
        3,
        "the answer to be replaced is not among what was said before"
    );
    assert!(prompt.temperature > 0.0, "at 0 it would say the same");
    assert_eq!(again["metadata"]["conversation_length"], 4);
    let whole = app
        .get(&format!("/api/v1/chat/sessions/{session}"))
        .await
        .expect(200);
    let ids: Vec<&Value> = whole["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["message_id"])
        .collect();
    assert_eq!(ids.len(), 4);
    assert_eq!(ids[3], &again["metadata"]["message_id"]);
    assert!(!ids.contains(&&second["metadata"]["message_id"]));
    // As a stream it is the same.
    let mut stream = Stream::open(
        &app,
        json!({"regenerate": true, "session_id": session, "stream": true}),
    )
    .await;
    let mut last = None;
    while let Some(event) = stream.next().await {
        last = Some(event);
    }
    assert_eq!(last.unwrap().0, "done");
}

#[tokio::test]
async fn what_cannot_be_answered_again_is_said() {
    let app = with_contract(App::new()).await;
    let nobody = "0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e";
    let unknown = app
        .post(
            "/api/v1/chat/ask",
            json!({"regenerate": true, "session_id": nobody}),
        )
        .await;
    unknown.expect_error(404, "SESSION_NOT_FOUND");
    let without = app.post("/api/v1/chat/ask", json!({"regenerate": true})).await;
    assert!(
        without
            .expect_error(422, "VALIDATION_FAILED")
            .to_string()
            .contains("session_id")
    );
}

#[tokio::test]
async fn an_answer_is_rated_with_a_reason_and_the_rating_taken_back() {
    let app = with_contract(App::new()).await;
    let answer = ask(&app, json!({"message": QUESTION})).await;
    let session = format!("/api/v1/chat/sessions/{}", answer["session_id"].as_str().unwrap());
    let path = format!(
        "{session}/messages/{}/feedback",
        answer["metadata"]["message_id"].as_str().unwrap()
    );

    let down = app
        .post(
            &path,
            json!({"rating": "down", "reason": " É do outro contrato. "}),
        )
        .await;
    let feedback = &down.expect(200)["feedback"];
    assert_eq!(
        (&feedback["rating"], &feedback["reason"]),
        (&json!("down"), &json!("É do outro contrato."))
    );
    let kept = app.get(&session).await.expect(200);
    assert_eq!(kept["messages"][1]["feedback"], *feedback);
    assert_eq!(kept["messages"][0]["feedback"], Value::Null);
    let none = app.post(&path, json!({"rating": "none"})).await.expect(200);
    assert_eq!(none["feedback"], Value::Null);

    for (rating, reason) in [("sideways", "x".to_owned()), ("up", "x".repeat(2_001))] {
        app.post(&path, json!({"rating": rating, "reason": reason}))
            .await
            .expect_error(422, "VALIDATION_FAILED");
    }
    let question = kept["messages"][0]["message_id"].as_str().unwrap();
    for (path, code) in [
        (
            format!("{session}/messages/{question}/feedback"),
            "MESSAGE_NOT_FOUND",
        ),
        (format!("{session}/messages/x/feedback"), "MESSAGE_NOT_FOUND"),
        (
            "/api/v1/chat/sessions/x/messages/x/feedback".to_owned(),
            "SESSION_NOT_FOUND",
        ),
    ] {
        app.post(&path, json!({"rating": "up"}))
            .await
            .expect_error(404, code);
    }
}

#[tokio::test]
async fn a_follow_up_is_looked_up_with_the_words_it_leans_on() {
    let (model, _hold) = chat(Ok("NO_ANSWER"));
    let app = with_contract(App::with_chat(model.clone())).await;
    for (title, words) in [
        (
            "Portaria",
            "O relatório de atividades vence em março de cada ano.",
        ),
        ("Edital", "O concurso de bolsas vence em agosto de cada ano."),
    ] {
        app.ingest(
            &format!("{title}.pdf"),
            &format!("%PDF\n{words}"),
            &[("title", title)],
        )
        .await;
    }
    for (question, title) in [
        ("O que diz a portaria do relatório de atividades?", "Portaria"),
        ("O que diz o edital do concurso de bolsas?", "Edital"),
    ] {
        let first = ask(&app, json!({"message": question})).await;
        let session = &first["session_id"];
        ask(&app, json!({"message": "Quando vence?", "session_id": session})).await;
        let prompt = model.prompt.borrow().clone().unwrap();
        let read = &prompt.turns.last().unwrap().content;
        assert!(read.contains(&format!("[1] {title}, page 1")), "{read}");
        assert!(read.ends_with("Question: Quando vence?"), "{read}");
    }
}
