//! The library as a model, as OpenAI's clients speak to it.

use axum::body::Body;
use axum::http::{Request, header};
use futures_util::StreamExt;
use ids_core::access::Permission;
use ids_core::scope::CollectionAccess;
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::chat::{QUESTION, chat, with_contract};
use crate::keys::{bearing, ingest, key, key_for, post, with_keys};
use crate::support::{App, json_request};

const PATH: &str = "/v1/chat/completions";

/// The model that embeds.
const SCRIPTED: &str = "multilingual-e5-small-scripted";

fn question(text: &str) -> Value {
    json!({"model": "ids", "messages": [{"role": "user", "content": text}]})
}

fn with(mut body: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// The pieces of a stream, without the end's mark, which must be there.
fn pieces(text: &str) -> Vec<Value> {
    let mut data: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .collect();
    assert_eq!(data.pop(), Some("[DONE]"), "{text}");
    data.iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn content(pieces: &[Value]) -> String {
    let texts = pieces
        .iter()
        .filter_map(|piece| piece["choices"][0]["delta"]["content"].as_str());
    texts.collect()
}

#[tokio::test]
async fn an_answer_names_its_sources_in_the_text_and_as_annotations() {
    let app = with_contract(App::new()).await;
    let body = app.post(PATH, question(QUESTION)).await.expect(200);

    let message = &body["choices"][0]["message"];
    let text = message["content"].as_str().unwrap();
    assert!(
        text.starts_with("A multa por atraso na entrega é de 2% ao mês. [1]"),
        "{text}"
    );
    let listed = "\n\nFontes:\n[1] Contrato 12, página 1: “A multa por atraso na entrega é de 2% ao mês.” http://localhost:8000/#/documents/";
    assert!(text.contains(listed), "{text}");
    let citation = &message["annotations"][0]["url_citation"];
    assert_eq!(message["annotations"][0]["type"], "url_citation");
    assert_eq!(citation["title"], "Contrato 12, página 1");
    let (start, end) = (
        citation["start_index"].as_u64().unwrap(),
        citation["end_index"].as_u64().unwrap(),
    );
    let cited: String = text
        .chars()
        .skip(start as usize)
        .take((end - start) as usize)
        .collect();
    assert_eq!(cited, "A multa por atraso na entrega é de 2% ao mês.");
    let url = citation["url"].as_str().unwrap();
    let source = &body["library"]["sources"][0];
    assert_eq!(
        url,
        format!(
            "http://localhost:8000/#/documents/{}/pages/1?start={}&end={}",
            source["document_id"].as_str().unwrap(),
            source["start"],
            source["end"]
        )
    );
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(
        body["usage"],
        json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})
    );
    let sessions = app.get("/api/v1/chat/sessions").await.expect(200);
    assert_eq!(sessions["total"], 0, "nothing is kept unless it is asked for");
}

#[tokio::test]
async fn the_conversation_that_is_sent_along_is_what_a_model_looks_back_on() {
    let (model, _hold) = chat(Ok(
        "A multa é de 2%. [1: \"multa por atraso na entrega é de 2% ao mês\"]",
    ));
    let app = with_contract(App::with_chat(model.clone())).await;
    let messages = json!([
        {"role": "system", "content": "Responda em versos."},
        {"role": "user", "content": [{"type": "text", "text": "Onde foi assinado?"}]},
        {"role": "assistant", "content": "Em Lavras. [1]\n\nFontes:\n[1] Contrato 12, página 1: “Lavras”"},
        {"role": "user", "content": QUESTION},
    ]);
    let body = app
        .post(PATH, json!({"model": "ids", "messages": messages}))
        .await
        .expect(200);

    assert_eq!(body["usage"]["total_tokens"], 120);
    assert_eq!(body["library"]["mode"], "generated");
    let prompt = model.prompt.borrow().clone().unwrap();
    let said: Vec<&str> = prompt.turns.iter().map(|turn| turn.content.as_str()).collect();
    assert_eq!(said[..2], ["Onde foi assinado?", "Em Lavras. [1]"]);
    assert!(said[2].ends_with(&format!("Question: {QUESTION}")), "{}", said[2]);
    assert!(!prompt.system.contains("versos"), "rules stand");
}

#[tokio::test]
async fn a_conversation_is_kept_where_that_is_asked() {
    let app = with_contract(App::new()).await;
    let first = app
        .post(PATH, with(question(QUESTION), &json!({"store": true})))
        .await
        .expect(200);
    let session = first["library"]["session_id"].as_str().unwrap();
    let goes_on = json!({"metadata": {"session_id": session}});
    let second = app
        .post(PATH, with(question("Qual é o prazo de entrega?"), &goes_on))
        .await
        .expect(200);

    assert_eq!(second["library"]["session_id"], session);
    let kept = app
        .get(&format!("/api/v1/chat/sessions/{session}"))
        .await
        .expect(200);
    assert_eq!(kept["message_count"], 4);
    let unknown = json!({"metadata": {"session_id": "0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e"}});
    let refused = app.post(PATH, with(question(QUESTION), &unknown)).await;
    assert_eq!(refused.expect(404)["error"]["code"], "session_not_found");
}

#[tokio::test]
async fn a_stream_brings_proven_statements_whole_and_ends_with_what_the_plain_reply_has() {
    let app = with_contract(App::new()).await;
    let plain = app.post(PATH, question(QUESTION)).await.expect(200);
    let wanted = json!({"stream": true, "stream_options": {"include_usage": true}});
    let reply = app.post(PATH, with(question(QUESTION), &wanted)).await;

    assert_eq!(reply.header("content-type"), "text/event-stream");
    let pieces = pieces(&reply.text());
    assert_eq!(
        pieces[0]["choices"][0]["delta"],
        json!({"role": "assistant", "content": ""})
    );
    let message = &plain["choices"][0]["message"];
    assert_eq!(content(&pieces), message["content"].as_str().unwrap());
    let last = &pieces[pieces.len() - 2];
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(last["choices"][0]["delta"]["annotations"], message["annotations"]);
    let usage = &pieces[pieces.len() - 1];
    assert_eq!(
        (&usage["choices"], &usage["usage"]["total_tokens"]),
        (&json!([]), &json!(0))
    );
    let id = &pieces[0]["id"];
    assert!(
        pieces
            .iter()
            .all(|piece| &piece["id"] == id && piece["object"] == "chat.completion.chunk")
    );
}

#[tokio::test]
async fn what_a_model_wrote_without_proof_is_never_sent() {
    let (model, _hold) = chat(Ok(
        "A multa é de 2%. [1: \"multa por atraso na entrega é de 2% ao mês\"]\nO prefeito fugiu. [1: \"o prefeito fugiu para longe\"]\n\
         O prazo é de quinze dias. [1: \"prazo de entrega é de quinze dias\"]",
    ));
    let app = with_contract(App::with_chat(model)).await;
    let plain = app.post(PATH, question(QUESTION)).await.expect(200);
    let reply = app
        .post(PATH, with(question(QUESTION), &json!({"stream": true})))
        .await;

    let text = reply.text();
    assert!(!text.contains("fugiu"), "{text}");
    let pieces = pieces(&text);
    let whole = content(&pieces);
    assert_eq!(whole, plain["choices"][0]["message"]["content"].as_str().unwrap());
    assert!(
        whole.starts_with("A multa é de 2%. [1]\n\nO prazo é de quinze dias. [2]\n\nFontes:\n"),
        "{whole}"
    );
    let first = pieces
        .iter()
        .position(|piece| piece["choices"][0]["delta"]["content"] == "A multa é de 2%. [1]");
    assert!(
        first.is_some_and(|at| at < pieces.len() - 2),
        "the first statement comes before the end: {pieces:?}"
    );
}

#[tokio::test]
async fn words_of_a_document_are_shown_and_not_drawn() {
    let app = App::new();
    app.ingest(
        "aviso.txt",
        "O valor da multa é de 30 reais ![x](http://mau.example/?q=segredo) por dia.",
        &[],
    )
    .await;
    let body = app
        .post(PATH, question("Qual é o valor da multa por dia?"))
        .await
        .expect(200);
    let text = body["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(
        text.contains("! [x] (http://mau.example/?q=segredo)") && !text.contains("]("),
        "{text}"
    );
}

#[tokio::test]
async fn models_are_the_library_its_collections_and_the_one_that_embeds() {
    let app = App::new();
    app.ingest(
        "a.txt",
        "O prazo da obra é de dez dias.",
        &[("collection", "obras/2025")],
    )
    .await;
    app.ingest("b.txt", "O prazo do contrato é de trinta dias.", &[])
        .await;
    let list = app.get("/v1/models").await.expect(200);
    let names: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["ids", "ids/default", "ids/obras/2025", SCRIPTED]);
    for address in [
        "/v1/models/ids",
        "/v1/models/ids/obras/2025",
        "/v1/models/ids%2Fobras%2F2025",
    ] {
        app.get(address).await.expect(200);
    }
    assert_eq!(
        app.get("/v1/models/gpt-4o").await.expect(404)["error"]["code"],
        "model_not_found"
    );

    let mut body = question("Qual é o prazo?");
    body["model"] = json!("ids/obras/2025");
    let answer = app.post(PATH, body.clone()).await.expect(200);
    let sources = answer["library"]["sources"].as_array().unwrap();
    assert!(
        !sources.is_empty() && sources.iter().all(|source| source["source"] == "a.txt"),
        "{sources:?}"
    );
    body["model"] = json!("ids/nada");
    assert_eq!(
        app.post(PATH, body).await.expect(404)["error"]["code"],
        "model_not_found"
    );
}

#[tokio::test]
async fn faults_have_the_shape_that_their_clients_read() {
    let app = App::new();
    let tool = json!({"tool_choice": "required", "n": 2, "response_format": {"type": "json_object"}, "logprobs": true, "metadata": {"collection": 3}});
    let bad = app.post(PATH, with(question(QUESTION), &tool)).await.expect(400);
    assert_json_snapshot!("openai_bad_fields", bad);
    let check = |reply: crate::support::Reply, status: u16, code: &str, param: Option<&str>| {
        let body = reply.expect(status);
        let error = &body["error"];
        assert_eq!(
            (error["code"].as_str(), error["param"].as_str()),
            (Some(code), param),
            "{error}"
        );
        assert!(
            error["message"].as_str().is_some_and(|text| !text.is_empty()) && error["type"].is_string(),
            "{error}"
        );
    };
    let messages = |messages: Value| json!({"model": "ids", "messages": messages});
    check(
        app.post(PATH, messages(json!([]))).await,
        400,
        "validation_failed",
        Some("messages"),
    );
    check(
        app.post(PATH, messages(json!([{"role": "user", "content": " "}])))
            .await,
        400,
        "validation_failed",
        Some("messages"),
    );
    let picture =
        json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]);
    check(
        app.post(PATH, messages(picture)).await,
        400,
        "validation_failed",
        Some("messages[0].content"),
    );
    check(
        app.post(PATH, messages(json!([{"role": "boss", "content": "x"}])))
            .await,
        400,
        "validation_failed",
        Some("messages[0].role"),
    );
    check(app.get("/v1/nothing").await, 404, "route_not_found", None);
    check(app.get(PATH).await, 405, "method_not_allowed", None);
    let streamed = with(question(QUESTION), &json!({"model": "gpt-4o", "stream": true}));
    check(app.post(PATH, streamed).await, 404, "model_not_found", None);
}

#[tokio::test]
async fn vectors_are_those_of_the_library_in_both_forms() {
    let app = App::new();
    let ask = |more: Value| {
        with(
            json!({"model": SCRIPTED, "input": ["multa", "prazo de entrega"]}),
            &more,
        )
    };
    let floats = app.post("/v1/embeddings", ask(json!({}))).await.expect(200);
    assert_eq!(floats["usage"], json!({"prompt_tokens": 4, "total_tokens": 4}));
    let values: Vec<f32> = serde_json::from_value(floats["data"][1]["embedding"].clone()).unwrap();
    let library = app
        .library
        .ports()
        .embedders
        .current()
        .embed_passages(&["prazo de entrega".to_owned()])
        .await
        .unwrap();
    assert_eq!(values, library[0].to_f32());
    let packed = app
        .post("/v1/embeddings", ask(json!({"encoding_format": "base64"})))
        .await
        .expect(200);
    let bytes = base64::Engine::decode(
        &base64::prelude::BASE64_STANDARD,
        packed["data"][1]["embedding"].as_str().unwrap(),
    )
    .unwrap();
    let unpacked: Vec<f32> = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&four| f32::from_le_bytes(four))
        .collect();
    assert_eq!(unpacked, values);
    app.post(
        "/v1/embeddings",
        ask(json!({"input": "multa", "dimensions": 17, "input_type": "query"})),
    )
    .await
    .expect(200);

    let long = vec!["palavra ".repeat(1_000); 33];
    for (more, param) in [
        (json!({"dimensions": 8}), "dimensions"),
        (json!({"input": [1, 2, 3]}), "input"),
        (json!({"input": []}), "input"),
        (json!({"input": ["a", " "]}), "input"),
        (json!({"input": vec!["a"; 257]}), "input"),
        (json!({"input": "a".repeat(10_001)}), "input"),
        (json!({"input": long}), "input"),
        (json!({"encoding_format": "int8"}), "encoding_format"),
    ] {
        let refused = app.post("/v1/embeddings", ask(more)).await.expect(400);
        assert_eq!(refused["error"]["param"], param, "{refused}");
    }
    let other = app
        .post("/v1/embeddings", ask(json!({"model": "text-embedding-3-small"})))
        .await;
    assert_eq!(other.expect(404)["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn keys_open_what_they_were_made_for_and_limits_hold() {
    let app = with_keys(1_000, 1_000);
    let admin = key(&app, "default", &[Permission::Admin]).await;
    ingest(
        &app,
        &admin,
        "a.txt",
        "O prazo da obra é de dez dias.",
        &[("collection", "obras")],
    )
    .await;
    let asker = key(&app, "default", &[Permission::Ask]).await;
    let searcher = key(&app, "default", &[Permission::Search]).await;
    let body = question("Qual é o prazo da obra?");
    let vectors = json!({"model": SCRIPTED, "input": "multa"});
    post(&app, &asker, PATH, body.clone()).await.expect(200);
    let refused = post(&app, &searcher, PATH, body.clone()).await.expect(403);
    assert_eq!(
        (
            refused["error"]["type"].as_str(),
            refused["error"]["code"].as_str()
        ),
        (Some("permission_error"), Some("forbidden"))
    );
    post(&app, &searcher, "/v1/embeddings", vectors.clone())
        .await
        .expect(200);
    post(&app, &asker, "/v1/embeddings", vectors).await.expect(403);
    let only = CollectionAccess::Only(vec!["outra".parse_name()]);
    let limited = key_for(&app, "default", &[Permission::Ask], only, None).await;
    let mut hidden = body.clone();
    hidden["model"] = json!("ids/obras");
    post(&app, &limited, PATH, hidden).await.expect(404);
    let answer = post(&app, &limited, PATH, body.clone()).await.expect(200);
    assert_eq!(answer["library"]["sources"], json!([]), "{answer}");

    let few = with_keys(2, 1_000);
    let asker = key(&few, "default", &[Permission::Ask]).await;
    for _ in 0..2 {
        post(&few, &asker, PATH, body.clone()).await.expect(200);
    }
    let limited = post(&few, &asker, PATH, body.clone()).await;
    assert!(!limited.header("retry-after").is_empty());
    let limited = limited.expect(429);
    assert_eq!(
        (
            limited["error"]["type"].as_str(),
            limited["error"]["code"].as_str()
        ),
        (Some("rate_limit_error"), Some("rate_limit_exceeded"))
    );
}

trait ParseName {
    fn parse_name(&self) -> ids_core::scope::CollectionName;
}

impl ParseName for str {
    fn parse_name(&self) -> ids_core::scope::CollectionName {
        ids_core::scope::CollectionName::parse(self).unwrap()
    }
}

#[tokio::test]
async fn without_keys_the_one_that_clients_always_send_is_not_looked_at() {
    let app = with_contract(App::new()).await;
    let request = bearing(json_request("POST", PATH, question(QUESTION)), "sk-anything");
    app.send(request).await.expect(200);
    let mut foreign = json_request("POST", PATH, question(QUESTION));
    foreign
        .headers_mut()
        .insert(header::ORIGIN, "https://mau.example".parse().unwrap());
    assert_eq!(
        app.send(foreign).await.expect(403)["error"]["code"],
        "origin_refused"
    );
}

#[tokio::test]
async fn what_cannot_be_read_and_who_may_not_ask_is_told_in_their_shape_too() {
    let app = with_keys(1_000, 1_000);
    let asker = key(&app, "default", &[Permission::Ask]).await;
    let send = async |content_type: &str, body: String, key: Option<&str>| {
        let request = Request::post(PATH).header(header::CONTENT_TYPE, content_type);
        let request = request.body(Body::from(body)).unwrap();
        let request = key.map_or_else(
            || Request::post(PATH).body(Body::empty()).unwrap(),
            |key| bearing(request, key),
        );
        app.send(request).await
    };
    let check = |reply: &crate::support::Reply, status: u16, kind: &str, code: &str| {
        let error = &reply.expect(status)["error"];
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!(kind), &json!(code)),
            "{error}"
        );
        assert_eq!(reply.header("content-type"), "application/json");
    };
    let json_type = "application/json";
    let bad = "invalid_request_error";
    let asker = Some(asker.as_str());
    for (body, status, code) in [
        ("{\"model\": ".to_owned(), 400, "invalid_json"),
        ("[".repeat(10_000), 400, "invalid_json"),
        ("[]".to_owned(), 400, "validation_failed"),
        ("null".to_owned(), 400, "validation_failed"),
        (
            format!("{{\"a\": \"{}\"}}", "x".repeat(1 << 20)),
            413,
            "file_too_large",
        ),
        (
            question(&"a".repeat(10_001)).to_string(),
            400,
            "validation_failed",
        ),
        (
            json!({"model": 3, "messages": {}}).to_string(),
            400,
            "validation_failed",
        ),
        (
            json!({"model": "ids/../x", "messages": []}).to_string(),
            400,
            "validation_failed",
        ),
    ] {
        check(&send(json_type, body, asker).await, status, bad, code);
    }
    check(
        &send("text/plain", "{}".to_owned(), asker).await,
        415,
        bad,
        "unsupported_type",
    );
    let nobody = send(json_type, String::new(), None).await;
    check(&nobody, 401, "authentication_error", "invalid_api_key");
    assert!(nobody.header("www-authenticate").starts_with("Bearer"));
    let wrong = send(json_type, question(QUESTION).to_string(), Some("sk-other")).await;
    check(&wrong, 401, "authentication_error", "invalid_api_key");
}

#[tokio::test]
async fn a_conversation_of_another_organization_is_not_there() {
    let app = with_keys(1_000, 1_000);
    let ours = key(&app, "default", &[Permission::Ask]).await;
    let theirs = key(&app, "Prefeitura de Lá", &[Permission::Ask]).await;
    let kept = post(
        &app,
        &ours,
        PATH,
        with(question(QUESTION), &json!({"store": true})),
    )
    .await
    .expect(200);
    let session = &kept["library"]["session_id"];
    let goes_on = with(question(QUESTION), &json!({"metadata": {"session_id": session}}));
    for is_streamed in [false, true] {
        let body = with(goes_on.clone(), &json!({"stream": is_streamed}));
        let stranger = post(&app, &theirs, PATH, body).await.expect(404);
        assert_eq!(stranger["error"]["code"], "session_not_found");
    }
    post(&app, &ours, PATH, goes_on).await.expect(200);
}

#[tokio::test]
async fn closing_the_stream_ends_the_model_s_call() {
    let (model, hold) = chat(Ok("A multa é de 2%"));
    hold.send_replace(true);
    let app = with_contract(App::with_chat(model.clone())).await;
    let sent = json_request("POST", PATH, with(question(QUESTION), &json!({"stream": true})));
    let reply = app.router.clone().oneshot(sent).await.unwrap();
    let mut pieces = reply.into_body().into_data_stream();
    let mut at_work = model.at_work.subscribe();
    loop {
        tokio::select! {
            piece = pieces.next() => assert!(piece.is_some_and(|piece| piece.is_ok()), "it goes on"),
            _ = at_work.wait_for(|is_at_work| *is_at_work) => break,
        }
    }

    drop(pieces);

    assert!(!*model.at_work.borrow());
}
