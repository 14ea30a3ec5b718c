//! What is kept of a person, and its removal.

use ids_core::access::Permission;
use serde_json::{Value, json};

use crate::chat::ask;
use crate::keys::{key, post, with_keys};
use crate::support::App;

const PERSON: &str = "Maria da Silva";

async fn library() -> (App, [String; 2]) {
    let app = App::new();
    let pages = "Nada aqui.\u{c}A servidora MARIA DA\nSILVA, CPF 529.982.247-25, foi nomeada em março.";
    let named = app.ingest("nomeacao.txt", pages, &[]).await;
    let other = app
        .ingest("edital.txt", "O prazo do edital é de dez dias.", &[])
        .await;
    (app, [named, other])
}

#[tokio::test]
async fn a_person_is_found_by_name_and_by_number_on_each_page() {
    let (app, [named, _]) = library().await;
    for person in [PERSON, "maria silva", "52998224725", "529.982.247-25"] {
        let found = app
            .post("/api/v1/privacy/find-person", json!({"person": person}))
            .await
            .expect(200);
        assert_eq!(found["next_offset"], Value::Null);
        let documents = found["documents"].as_array().unwrap();
        assert_eq!(documents.len(), 1, "{person}: {found}");
        assert_eq!(documents[0]["document_id"], named);
        assert_eq!(documents[0]["pages"][0]["page"], 2);
        assert_eq!(documents[0]["pages"][0]["kinds"], json!(["CPF"]));
    }
    let nobody = app
        .post("/api/v1/privacy/find-person", json!({"person": "Joana Prado"}))
        .await
        .expect(200);
    assert_eq!((&nobody["documents"], &nobody["total"]), (&json!([]), &json!(2)));
    app.post("/api/v1/privacy/find-person", json!({"person": "Ana"}))
        .await
        .expect_error(422, "VALIDATION_FAILED");
}

#[tokio::test]
async fn what_is_erased_is_gone_with_what_quotes_it_and_leaves_only_its_id_in_the_record() {
    let (app, [named, other]) = library().await;
    let quoting = ask(
        &app,
        json!({"message": "A servidora Maria da Silva foi nomeada em março?"}),
    )
    .await;
    assert_eq!(quoting["sources"][0]["document_id"], named, "{quoting}");
    let kept = ask(
        &app,
        json!({"message": "Qual é o prazo do edital?", "document_ids": [other]}),
    )
    .await;
    let asking = ask(
        &app,
        json!({"message": "O que há sobre Joana Prado no edital?", "document_ids": [other]}),
    )
    .await;

    let found = app
        .post("/api/v1/privacy/find-sessions", json!({"person": "joana prado"}))
        .await
        .expect(200);
    let ids: Vec<&Value> = found["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["session_id"])
        .collect();
    assert_eq!(ids, [&asking["session_id"]]);
    let wanted = json!({"document_ids": [named], "session_ids": ids});
    let erased = app
        .post("/api/v1/privacy/erase", wanted.clone())
        .await
        .expect(200);
    assert_eq!(erased["document_ids"], json!([named]));
    assert_eq!(
        erased["session_ids"],
        json!([asking["session_id"], quoting["session_id"]])
    );

    app.get(&format!("/api/v1/documents/{named}")).await.expect(404);
    app.get(&format!("/api/v1/documents/{other}")).await.expect(200);
    for (session, status) in [(&quoting, 404), (&asking, 404), (&kept, 200)] {
        let address = format!(
            "/api/v1/chat/sessions/{}",
            session["session_id"].as_str().unwrap()
        );
        app.get(&address).await.expect(status);
    }
    let record = app.get("/api/v1/audit").await;
    let shown = record.text();
    assert!(
        shown.contains("document.erased") && shown.contains("session.erased") && shown.contains(&named),
        "{shown}"
    );
    assert!(
        !shown.to_lowercase().contains("maria") && !shown.contains("529"),
        "{shown}"
    );
    let again = app.post("/api/v1/privacy/erase", wanted).await.expect(200);
    assert_eq!(
        again,
        json!({"document_ids": [], "session_ids": [], "still_in": []}),
        "repeating it is no error"
    );
}

#[tokio::test]
async fn only_an_administrator_may_look_for_persons() {
    let app = with_keys(1_000, 1_000);
    let all = [Permission::Search, Permission::Ask, Permission::Ingest];
    let key = key(&app, "default", &all).await;
    for (path, body) in [
        ("/api/v1/privacy/find-person", json!({"person": PERSON})),
        ("/api/v1/privacy/find-sessions", json!({"person": PERSON})),
        ("/api/v1/privacy/erase", json!({})),
    ] {
        post(&app, &key, path, body).await.expect_error(403, "FORBIDDEN");
    }
}
