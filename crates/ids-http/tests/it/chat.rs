//! Questions and conversations.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Method, Request, header};
use futures_util::StreamExt;
use ids_core::ports::{ChatError, ChatModel, ChatPrompt};
use ids_core::session::TokenUsage;
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tower::ServiceExt;

use crate::support::{App, HOST, json_request};

const CONTRACT: &str = "%PDF\n# Das multas\n\nO contrato foi assinado em Lavras.\nA multa por atraso na entrega é de 2% ao mês.\n\nO prazo de entrega é de quinze dias.";
pub const QUESTION: &str = "Qual é a multa por atraso na entrega?";

/// Says what it is told to, in pieces of three characters.
pub struct ScriptedChat {
    reply: Result<&'static str, u16>,
    /// Waits here before it ends.
    held: watch::Receiver<bool>,
    /// Whether a call is under way.
    pub at_work: watch::Sender<bool>,
    /// The last prompt.
    pub prompt: watch::Sender<Option<ChatPrompt>>,
    /// Whether the connection breaks in the third statement.
    pub breaks_off: watch::Sender<bool>,
    /// How often it says it.
    repeats: watch::Sender<usize>,
}

struct AtWork<'a>(&'a watch::Sender<bool>);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

#[async_trait]
impl ChatModel for ScriptedChat {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn stream(
        &self,
        prompt: &ChatPrompt,
        pieces: mpsc::Sender<String>,
    ) -> Result<TokenUsage, ChatError> {
        self.prompt.send_replace(Some(prompt.clone()));
        self.at_work.send_replace(true);
        let _at_work = AtWork(&self.at_work);
        let reply = self.reply.map_err(|status| ChatError::Refused { status })?;
        let mut chars: Vec<char> = reply.repeat(*self.repeats.borrow()).chars().collect();
        if *self.breaks_off.borrow() {
            chars.truncate(chars.len() * 3 / 4);
        }
        for piece in chars.chunks(3) {
            if pieces.send(piece.iter().collect()).await.is_err() {
                break;
            }
        }
        if *self.breaks_off.borrow() {
            return Err(ChatError::Unusable("scripted".into()));
        }
        let mut held = self.held.clone();
        held.wait_for(|held| !held).await.unwrap();
        Ok(TokenUsage {
            prompt_tokens: 100,
            completion_tokens: 20,
        })
    }
}

pub fn chat(reply: Result<&'static str, u16>) -> (Arc<ScriptedChat>, watch::Sender<bool>) {
    let (hold, held) = watch::channel(false);
    let chat = ScriptedChat {
        reply,
        held,
        at_work: watch::Sender::new(false),
        prompt: watch::Sender::new(None),
        breaks_off: watch::Sender::new(false),
        repeats: watch::Sender::new(1),
    };
    (Arc::new(chat), hold)
}

pub async fn with_contract(app: App) -> App {
    app.ingest("contrato.pdf", CONTRACT, &[("title", "Contrato 12")])
        .await;
    app
}

pub async fn ask(app: &App, body: Value) -> Value {
    app.post("/api/v1/chat/ask", body).await.expect(200)
}

/// What hides in a snapshot what is the domain's to say: scores.
macro_rules! assert_answer {
    ($name:literal, $body:expr) => {
        assert_json_snapshot!($name, $body, {
            ".sources[].similarity_score" => insta::dynamic_redaction(|value, _| {
                assert!(value.as_f64().is_some_and(|score| (0.0..=1.0).contains(&score)), "{value:?}");
                "[score]"
            }),
        });
    };
}

fn texts(claims: &Value) -> Vec<&str> {
    claims
        .as_array()
        .unwrap()
        .iter()
        .map(|claim| claim["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn an_answer_quotes_sentences_with_their_place() {
    let app = with_contract(App::new()).await;
    let body = ask(&app, json!({"message": QUESTION, "metadata": {"from": "a test"}})).await;

    let first = &body["sources"][0];
    assert_eq!(
        body["claims"][0]["text"],
        "A multa por atraso na entrega é de 2% ao mês."
    );
    let page = app
        .get(&format!(
            "/api/v1/documents/{}/pages/{}",
            first["document_id"].as_str().unwrap(),
            first["page"]
        ))
        .await
        .expect(200);
    let text: Vec<char> = page["text"].as_str().unwrap().chars().collect();
    let range = first["start"].as_u64().unwrap() as usize..first["end"].as_u64().unwrap() as usize;
    assert_eq!(
        text[range].iter().collect::<String>(),
        first["quote"].as_str().unwrap()
    );
    assert_answer!("answer_extractive", body);
}

#[tokio::test]
async fn what_is_not_there_is_said_with_the_nearest_documents() {
    let app = with_contract(App::new()).await;
    let body = ask(
        &app,
        json!({"message": "Quem descobriu a penicilina em Londres?"}),
    )
    .await;
    assert_eq!(body["metadata"]["answered"], false);
    assert_eq!((&body["claims"], &body["sources"]), (&json!([]), &json!([])));
    assert_eq!(body["metadata"]["nearest"][0]["document_title"], "Contrato 12");
    assert_answer!("answer_none", body);
}

#[tokio::test]
async fn an_empty_library_answers_nothing() {
    let app = App::new();
    let body = ask(&app, json!({"message": QUESTION})).await;
    assert_eq!(body["metadata"]["answered"], false);
    assert_eq!(body["metadata"]["nearest"], json!([]));
}

pub const WRITTEN: &str = "A multa é de 2% ao mês. [1: \"a multa por atraso na entrega é de 2% ao mês\"]\n\
    O foro é o de Brasília. [1: \"fica eleito o foro de Brasília\"]\n\
    São 20 dias de prazo. [1: \"O prazo de entrega é de quinze dias\"]\n\
    Sem prova nenhuma.\n";

#[tokio::test]
async fn of_what_a_model_writes_only_what_the_document_bears_out_is_kept() {
    let (model, _hold) = chat(Ok(WRITTEN));
    let app = with_contract(App::with_chat(model.clone())).await;
    let body = ask(&app, json!({"message": QUESTION})).await;

    assert_eq!(
        texts(&body["claims"]),
        ["A multa é de 2% ao mês.", "São 20 dias de prazo."]
    );
    assert_answer!("answer_generated", body);
    let prompt = model.prompt.borrow().clone().unwrap();
    let question = &prompt.turns.last().unwrap().content;
    assert!(question.contains("[1] Contrato 12, page 1") && question.ends_with(QUESTION));
}

#[tokio::test]
async fn a_model_that_finds_no_answer_says_so() {
    let (model, _hold) = chat(Ok("NO_ANSWER"));
    let app = with_contract(App::with_chat(model)).await;
    let body = ask(&app, json!({"message": QUESTION})).await;
    assert_eq!(body["metadata"]["answered"], false);
    assert_eq!(body["metadata"]["mode"], "generated");
    assert_eq!(body["metadata"]["nearest"][0]["document_title"], "Contrato 12");
}

#[tokio::test]
async fn a_model_that_fails_or_proves_nothing_leaves_the_answer_to_the_documents() {
    for (reply, tokens) in [
        (Err(401), 0),
        (Ok("A multa é de 9%. [1: \"multa de nove por cento\"]"), 120),
    ] {
        let (model, _hold) = chat(reply);
        let app = with_contract(App::with_chat(model)).await;
        let body = ask(&app, json!({"message": QUESTION})).await;
        assert_eq!(body["metadata"]["mode"], "extractive");
        assert_eq!(
            body["claims"][0]["text"],
            "A multa por atraso na entrega é de 2% ao mês."
        );
        assert_eq!(
            body["token_usage"]["total_tokens"], tokens,
            "what was used counts"
        );
    }
}

/// A streamed answer: its events as (name, data), read as they come.
pub struct Stream {
    body: axum::body::BodyDataStream,
    buffer: String,
}

impl Stream {
    pub async fn open(app: &App, body: Value) -> Self {
        let mut request = json_request("POST", "/api/v1/chat/ask", body);
        request.headers_mut().insert(header::HOST, HOST.parse().unwrap());
        let response = app.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self {
            body: response.into_body().into_data_stream(),
            buffer: String::new(),
        }
    }

    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                };
                let parsed = field("event")
                    .zip(field("data"))
                    .map(|(name, data)| (name.to_owned(), serde_json::from_str(data).unwrap()));
                self.buffer = rest.to_owned();
                if parsed.is_some() {
                    return parsed;
                }
                continue;
            }
            let piece = self.body.next().await?.unwrap();
            self.buffer.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    async fn all(mut self) -> Vec<(String, Value)> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

/// The events in short: what is shown of a statement is one text.
fn in_short(events: &[(String, Value)]) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    for (name, data) in events {
        let text = match name.as_str() {
            "stage" => data["stage"].as_str().unwrap().to_owned(),
            "delta" => {
                let text = data["text"].as_str().unwrap();
                match shown
                    .last_mut()
                    .and_then(|last| last.strip_prefix("+").map(str::to_owned))
                {
                    Some(before) => {
                        shown.pop();
                        format!("+{before}{text}")
                    }
                    None => format!("+{text}"),
                }
            }
            "retract" => format!("-{}", data["claim"]),
            end => end.to_owned(),
        };
        shown.push(text);
    }
    shown
}

#[tokio::test]
async fn a_streamed_answer_shows_and_takes_back_and_ends_with_the_plain_reply() {
    let (model, _hold) = chat(Ok(WRITTEN));
    let app = with_contract(App::with_chat(model)).await;
    let events = Stream::open(&app, json!({"message": QUESTION, "stream": true}))
        .await
        .all()
        .await;

    assert_eq!(
        in_short(&events),
        [
            "searching",
            "writing",
            "+A multa é de 2% ao mês.\n\nO foro é o de Brasília.",
            "-1",
            "+\n\nSão 20 dias de prazo.\n\nSem prova nenhuma.",
            "-3",
            "checking",
            "done",
        ]
    );
    let done = &events.last().unwrap().1;
    let session = done["session_id"].as_str().unwrap();
    let kept = app
        .get(&format!("/api/v1/chat/sessions/{session}"))
        .await
        .expect(200);
    assert_eq!(kept["messages"][1]["claims"], done["claims"]);
    assert_eq!(kept["messages"][1]["sources"], done["sources"]);
    assert_eq!(kept["messages"][1]["content"], done["response"]);
}

#[tokio::test]
async fn without_a_model_the_stream_has_the_same_shape() {
    let app = with_contract(App::new()).await;
    let events = Stream::open(&app, json!({"message": QUESTION, "stream": true}))
        .await
        .all()
        .await;
    let short = in_short(&events);
    assert_eq!(short[..3], ["searching", "reading", "checking"]);
    assert!(
        short[3].starts_with("+A multa por atraso na entrega é de 2% ao mês."),
        "{short:?}"
    );
    assert_eq!(short[4..], ["done"]);
}

#[tokio::test]
async fn after_what_was_struck_the_documents_answer_in_a_new_paragraph() {
    let (model, _hold) = chat(Ok(
        "A multa é de 9%. [1: \"multa de nove por cento\"]\n```\nNO_ANSWER.",
    ));
    let app = with_contract(App::with_chat(model)).await;
    let events = Stream::open(&app, json!({"message": QUESTION, "stream": true}))
        .await
        .all()
        .await;
    let short = in_short(&events);
    assert_eq!(
        short[..6],
        [
            "searching",
            "writing",
            "+A multa é de 9%.",
            "-0",
            "checking",
            "reading"
        ]
    );
    assert_eq!(short[6], "checking");
    assert!(
        short[7].starts_with("+\n\nA multa por atraso na entrega é de 2% ao mês."),
        "{short:?}"
    );
}

#[tokio::test]
async fn a_reply_that_breaks_off_keeps_what_it_proved() {
    let (model, _hold) = chat(Ok(WRITTEN));
    model.breaks_off.send_replace(true);
    let app = with_contract(App::with_chat(model)).await;
    let events = Stream::open(&app, json!({"message": QUESTION, "stream": true}))
        .await
        .all()
        .await;
    let done = &events.last().unwrap().1;
    assert_eq!(texts(&done["claims"]), ["A multa é de 2% ao mês."]);
    assert_eq!(done["metadata"]["mode"], "generated");
}

#[tokio::test]
async fn an_endless_reply_is_cut_and_its_call_ended() {
    let (model, hold) = chat(Ok(WRITTEN));
    hold.send_replace(true);
    model.repeats.send_replace(400);
    let app = with_contract(App::with_chat(model.clone())).await;
    let body = ask(&app, json!({"message": QUESTION})).await;
    assert_eq!(body["claims"][0]["text"], "A multa é de 2% ao mês.");
    assert!(!*model.at_work.borrow());
}

#[tokio::test]
async fn a_session_deleted_while_its_answer_is_made_is_said() {
    let (model, hold) = chat(Ok(WRITTEN));
    let app = with_contract(App::with_chat(model)).await;
    let session = ask(&app, json!({"message": QUESTION})).await["session_id"].clone();
    hold.send_replace(true);
    let body = json!({"message": QUESTION, "stream": true, "session_id": session});
    let mut stream = Stream::open(&app, body).await;
    while stream.next().await.unwrap().0 != "delta" {}
    app.delete(&format!("/api/v1/chat/sessions/{}", session.as_str().unwrap()))
        .await
        .expect(200);
    hold.send_replace(false);

    let events = stream.all().await;
    let (name, error) = events.last().unwrap();
    assert_eq!(
        (name.as_str(), &error["error_code"]),
        ("error", &json!("SESSION_NOT_FOUND"))
    );
}

#[tokio::test]
async fn filters_leave_evidence_only_where_they_say() {
    let app = with_contract(App::new()).await;
    let other = app
        .ingest(
            "ata.txt",
            "A multa por atraso na entrega foi dispensada pelo conselho.",
            &[("collection", "atas"), ("tags", "conselho")],
        )
        .await;
    for filter in [
        json!({"collection": "atas"}),
        json!({"tags": ["conselho"]}),
        json!({"document_ids": [other]}),
        json!({"content_types": ["text/plain"]}),
    ] {
        let mut body = json!({"message": QUESTION});
        for (name, value) in filter.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = ask(&app, body).await;
        let sources = answer["sources"].as_array().unwrap();
        assert!(!sources.is_empty(), "{filter}");
        assert!(
            sources.iter().all(|source| source["document_id"] == other),
            "{filter}"
        );
    }
}

#[tokio::test]
async fn what_is_refused_before_the_first_event_is_an_ordinary_error() {
    let app = with_contract(App::new()).await;
    for (body, status, code) in [
        (json!({"message": " ", "stream": true}), 422, "VALIDATION_FAILED"),
        (json!({"stream": true, "metadata": 1}), 422, "VALIDATION_FAILED"),
        (
            json!({"message": "x", "stream": true, "session_id": "0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e"}),
            404,
            "SESSION_NOT_FOUND",
        ),
        (
            json!({"message": "x", "stream": true, "collection": "none"}),
            404,
            "COLLECTION_NOT_FOUND",
        ),
    ] {
        app.post("/api/v1/chat/ask", body)
            .await
            .expect_error(status, code);
    }
}

#[tokio::test]
async fn closing_the_connection_ends_the_model_s_call_and_keeps_nothing() {
    let (model, hold) = chat(Ok("A multa é de 2%"));
    hold.send_replace(true);
    let app = with_contract(App::with_chat(model.clone())).await;
    let mut stream = Stream::open(&app, json!({"message": QUESTION, "stream": true})).await;
    while stream.next().await.unwrap().0 != "delta" {}
    assert!(*model.at_work.borrow());

    drop(stream);

    assert!(!*model.at_work.borrow());
    let sessions = app.get("/api/v1/chat/sessions").await.expect(200);
    assert_eq!(sessions["total"], 0);
}

#[tokio::test]
async fn a_stopping_server_ends_the_stream_with_an_error() {
    let (model, hold) = chat(Ok("A multa é de 2%"));
    hold.send_replace(true);
    let app = with_contract(App::with_chat(model)).await;
    let mut stream = Stream::open(&app, json!({"message": QUESTION, "stream": true})).await;
    while stream.next().await.unwrap().0 != "delta" {}

    app.shutdown.cancel();

    let events = stream.all().await;
    let (name, error) = events.last().unwrap();
    assert_eq!(name, "error");
    assert_eq!(error["error_code"], "DEPENDENCY_UNAVAILABLE");
}

#[tokio::test]
async fn a_conversation_is_kept_renamed_found_and_removed() {
    let (model, _hold) = chat(Ok(WRITTEN));
    let app = with_contract(App::with_chat(model.clone())).await;
    let first = ask(&app, json!({"message": QUESTION})).await;
    let session = first["session_id"].as_str().unwrap();
    let path = format!("/api/v1/chat/sessions/{session}");
    let second = ask(&app, json!({"message": "E o prazo?", "session_id": session})).await;

    assert_eq!(second["session_id"], session);
    assert_eq!(second["metadata"]["conversation_length"], 4);
    let turns = model.prompt.borrow().clone().unwrap().turns;
    assert_eq!(turns.len(), 3, "the model sees what was said before");
    assert_json_snapshot!(
        "session_list",
        app.get("/api/v1/chat/sessions?search=PRAZO").await.expect(200)
    );
    let renamed = app.patch(&path, json!({"title": " Multas "})).await.expect(200);
    assert_eq!(renamed["title"], "Multas");
    let whole = app.get(&path).await.expect(200);
    let roles: Vec<&Value> = whole["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["role"])
        .collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    assert_eq!(whole["messages"][2]["metadata"], Value::Null);

    assert_json_snapshot!("session_deleted", app.delete(&path).await.expect(200));
    for request in [
        app.get(&path).await,
        app.delete(&path).await,
        app.patch(&path, json!({"title": "x"})).await,
        app.get("/api/v1/chat/sessions/nonsense").await,
    ] {
        request.expect_error(404, "SESSION_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_bad_title_is_refused() {
    let app = with_contract(App::new()).await;
    let session = ask(&app, json!({"message": QUESTION})).await["session_id"].clone();
    let path = format!("/api/v1/chat/sessions/{}", session.as_str().unwrap());
    for title in [json!(""), json!("a\nb"), json!("x".repeat(200)), json!(1)] {
        app.patch(&path, json!({"title": title}))
            .await
            .expect_error(422, "VALIDATION_FAILED");
    }
}

#[tokio::test]
async fn usage_counts_questions_by_model_and_month() {
    let (model, _hold) = chat(Ok(WRITTEN));
    let app = with_contract(App::with_chat(model)).await;
    ask(&app, json!({"message": QUESTION})).await;

    assert_json_snapshot!("usage", app.get("/api/v1/usage").await.expect(200));
    let before = app.get("/api/v1/usage?month=2025-10").await.expect(200);
    assert_eq!((&before["by"], &before["spent"]), (&json!([]), &json!(0.0)));
    app.get("/api/v1/usage?month=november")
        .await
        .expect_error(422, "VALIDATION_FAILED");
}

#[tokio::test]
async fn chat_health_names_the_model() {
    let (model, _hold) = chat(Ok(""));
    assert_json_snapshot!(
        "chat_health",
        App::with_chat(model).get("/api/v1/chat/health").await.expect(200)
    );
    let without = App::new().get("/api/v1/chat/health").await.expect(200);
    assert_eq!(without["mode"], "extractive");
}

#[tokio::test]
async fn no_other_method_asks() {
    let app = App::new();
    let request = Request::builder()
        .method(Method::GET)
        .uri("/api/v1/chat/ask")
        .body(Body::empty())
        .unwrap();
    app.send(request).await.expect_error(405, "METHOD_NOT_ALLOWED");
}
