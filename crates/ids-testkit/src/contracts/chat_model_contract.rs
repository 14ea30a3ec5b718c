//! What every [`ChatModel`] promises, one function a clause of the port's doc, against a server that says what a test wrote
//! down.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use ids_core::ports::{ChatError, ChatModel, ChatPrompt, ChatRole, ChatTurn};
use ids_core::session::TokenUsage;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::model_server::{Gate, Script, ScriptedModelServer};

/// What an adapter is made for.
#[derive(Debug, Clone)]
pub struct ModelAt {
    /// Where the server's API is.
    pub base_url: String,
    /// The key.
    pub api_key: &'static str,
    /// How long to wait for the server, for whatever. Pauses between tries must be shorter than this.
    pub deadline: Duration,
}

/// The key.
pub const KEY: &str = "sk-chave-secreta";
/// What no error may hold of the prompt.
const QUESTION: &str = "Qual é a senha do cofre?";
/// What hangs past this hangs for ever.
const PATIENCE: Duration = Duration::from_secs(60);
/// For servers that answer in the end.
const LONG: Duration = Duration::from_secs(30);
/// For servers that do not.
const SHORT: Duration = Duration::from_millis(300);

/// Makes an adapter; see [`chat_model_contract!`](crate::chat_model_contract).
pub trait MakeModel: AsyncFn(ModelAt) -> Arc<dyn ChatModel> {}

impl<F: AsyncFn(ModelAt) -> Arc<dyn ChatModel>> MakeModel for F {}

/// ChatModel, clause 1: the pieces, in order, are the reply, and each is passed on when it comes.
pub async fn pieces_are_passed_on_in_order_when_they_come(make: impl MakeModel) {
    let gate = Gate::default();
    let script = Script::stream()
        .piece("O prazo ")
        .gate(&gate)
        .piece("é de cinco ")
        .piece("dias.\n")
        .usage(70, 9)
        .done();
    let server = ScriptedModelServer::start([script]).await;
    let model = make(at(server.base_url(), LONG)).await;
    let (sender, mut pieces) = mpsc::channel::<String>(8);
    let prompt = prompt();
    let call = model.stream(&prompt, sender);
    let read = async {
        // The server goes on only when its first piece is here.
        let mut text = pieces.recv().await.expect("a piece");
        gate.open();
        while let Some(piece) = pieces.recv().await {
            text.push_str(&piece);
        }
        text
    };
    let (usage, text) = timeout(PATIENCE, async { tokio::join!(call, read) })
        .await
        .expect("a piece is held back");
    assert_eq!(text, "O prazo é de cinco dias.\n");
    let expected = TokenUsage {
        prompt_tokens: 70,
        completion_tokens: 9,
    };
    assert_eq!(usage.unwrap(), expected);
    let sent = &server.requests()[0].body;
    assert_eq!(sent["messages"][0]["content"], "Responda com as fontes.");
    assert_eq!(sent["messages"][1]["content"], QUESTION);
    assert_eq!(sent["model"], model.name());
}

/// ChatModel, clause 2: a dropped future ends the call: the model's server sees the connection close.
pub async fn a_dropped_future_closes_the_connection(make: impl MakeModel) {
    for begins in [false, true] {
        let gate = Gate::default();
        let begun = if begins {
            Script::stream().piece("O")
        } else {
            Script::default()
        };
        let server = ScriptedModelServer::start([begun.gate(&gate).then_hang()]).await;
        let model = make(at(server.base_url(), LONG)).await;
        let (sender, _pieces) = mpsc::channel::<String>(8);
        let prompt = prompt();
        let mut call = model.stream(&prompt, sender);
        tokio::select! {
            ended = &mut call => panic!("there is no reply yet: {ended:?}"),
            reached = timeout(PATIENCE, gate.reached()) => reached.expect("no request"),
        }
        drop(call);
        timeout(PATIENCE, server.was_left(1))
            .await
            .unwrap_or_else(|_| panic!("the connection is still open (begins: {begins})"));
    }
}

/// ChatModel, clause 3: what may pass is `Unavailable` within the deadlines, a wrong key or model `Refused`, nonsense
/// `Unusable`.
pub async fn each_failure_is_of_its_kind(make: impl MakeModel) {
    let deny = |status| Script::status(status, &[], "{\"error\": {\"message\": \"no\"}}");
    let later = Script::status(429, &[("retry-after", "600")], "");
    let begun = || Script::stream().piece("O prazo");
    let cases = [
        ("down for now", deny(503), "unavailable"),
        ("broken", deny(500), "unavailable"),
        ("busy", later.clone(), "unavailable"),
        ("gone before a word", Script::raw(""), "unavailable"),
        ("gone in the middle", begun(), "unavailable"),
        ("an end too early", begun().bytes("0\r\n\r\n"), "unavailable"),
        ("a wrong key", deny(401), "refused 401"),
        ("no right", deny(403), "refused 403"),
        ("an unknown model", deny(404), "refused 404"),
        ("a prompt too long", deny(400), "refused 400"),
        (
            "another service",
            Script::raw("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
            "unusable",
        ),
        (
            "a page",
            Script::status(200, &[], "<html>Bem-vindo</html>"),
            "unusable",
        ),
        (
            "broken JSON",
            Script::stream().chunk("data: {\"choices\n\n").done(),
            "unusable",
        ),
        ("no words", Script::reply(&[]), "unusable"),
    ];
    for (name, script, expected) in cases {
        let server = ScriptedModelServer::start([script]).await;
        let error = failure(&*make(at(server.base_url(), LONG)).await).await;
        assert_eq!(kind(&error), expected, "{name}: {error:?}");
    }
    for silent in [Script::hang(), begun().then_hang()] {
        let server = ScriptedModelServer::start([silent]).await;
        let error = failure(&*make(at(server.base_url(), SHORT)).await).await;
        assert_eq!(kind(&error), "unavailable", "{error:?}");
    }
    let nobody = ScriptedModelServer::nobodys_base_url().await;
    assert_eq!(
        kind(&failure(&*make(at(nobody, LONG)).await).await),
        "unavailable"
    );

    let server = ScriptedModelServer::start([later]).await;
    let error = failure(&*make(at(server.base_url(), LONG)).await).await;
    let wait = Some(Duration::from_secs(600));
    assert!(
        matches!(error, ChatError::Unavailable { retry_after, .. } if retry_after == wait),
        "{error:?}"
    );
}

/// ChatModel, clause 4: no error holds the key or what the prompt says, though the server repeats both.
pub async fn no_error_holds_the_key_or_the_prompt(make: impl MakeModel) {
    let echo = format!("Incorrect API key: {KEY}; asked: {QUESTION}");
    let error = serde_json::json!({"error": {"message": echo, "code": KEY}});
    let scripts = [
        Script::status(401, &[("x-echo", KEY)], &error.to_string()),
        Script::status(400, &[], &error.to_string()),
        Script::status(503, &[("retry-after", KEY)], &echo),
        Script::stream().event(&error).done(),
        Script::stream().chunk(&format!("data: \"{echo}\"\n\n")).done(),
        Script::stream()
            .event(&serde_json::json!({"choices": echo}))
            .done(),
        Script::json(&serde_json::json!(echo)),
        Script::raw(format!("{echo}\r\n\r\n")),
        Script::raw(format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{echo}"
        )),
    ];
    for script in scripts {
        let server = ScriptedModelServer::start([script.clone()]).await;
        let error = failure(&*make(at(server.base_url(), LONG)).await).await;
        let shown = everything_of(&error);
        for secret in [KEY, QUESTION, "senha"] {
            assert!(!shown.contains(secret), "{script:?} gives {shown}");
        }
        let head = server.requests()[0].head.clone();
        assert!(head.contains(KEY), "the key is sent: {head}");
    }
}

/// ChatModel, clause 5: a reader that went away ends the call without an error.
pub async fn a_reader_that_went_away_ends_the_call(make: impl MakeModel) {
    for script in [
        Script::hang(),
        Script::stream().then_hang(),
        Script::stream().piece("O").then_hang(),
    ] {
        let server = ScriptedModelServer::start([script]).await;
        let model = make(at(server.base_url(), LONG)).await;
        let (sender, pieces) = mpsc::channel::<String>(1);
        let prompt = prompt();
        let call = model.stream(&prompt, sender);
        let go_away = async { drop(pieces) };
        let (ended, ()) = timeout(PATIENCE, async { tokio::join!(call, go_away) })
            .await
            .expect("the call goes on");
        assert!(ended.is_ok(), "{ended:?}");
    }
    // In the middle of a reply: the server sees it.
    let gate = Gate::default();
    let script = Script::stream().piece("O").gate(&gate).then_hang();
    let server = ScriptedModelServer::start([script]).await;
    let model = make(at(server.base_url(), LONG)).await;
    let (sender, mut pieces) = mpsc::channel::<String>(1);
    let prompt = prompt();
    let call = model.stream(&prompt, sender);
    let go_away = async {
        assert_eq!(pieces.recv().await.as_deref(), Some("O"));
        drop(pieces);
    };
    let (ended, ()) = timeout(PATIENCE, async { tokio::join!(call, go_away) })
        .await
        .expect("the call goes on");
    assert!(ended.is_ok(), "{ended:?}");
    timeout(PATIENCE, server.was_left(1))
        .await
        .expect("the connection is still open");
}

/// Runs every clause against an adapter: `chat_model_contract!(make);`, where `make` is an `async fn` from a [`ModelAt`] to
/// an `Arc<dyn ChatModel>`.
#[macro_export]
macro_rules! chat_model_contract {
    ($make:path) => {
        $crate::chat_model_contract! { @clauses $make:
            pieces_are_passed_on_in_order_when_they_come
            a_dropped_future_closes_the_connection
            each_failure_is_of_its_kind
            no_error_holds_the_key_or_the_prompt
            a_reader_that_went_away_ends_the_call
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                $crate::contracts::chat_model_contract::$clause($make).await;
            }
        )+
    };
}

/// A model of that server with this suite's key.
pub fn at(base_url: String, deadline: Duration) -> ModelAt {
    ModelAt {
        base_url,
        api_key: KEY,
        deadline,
    }
}

/// A question.
pub fn prompt() -> ChatPrompt {
    ChatPrompt {
        system: "Responda com as fontes.".to_owned(),
        turns: vec![ChatTurn {
            role: ChatRole::User,
            content: QUESTION.to_owned(),
        }],
        max_tokens: 300,
        temperature: 0.0,
    }
}

/// The whole reply, and what the model counted.
///
/// # Errors
/// Those of the port.
pub async fn ask(model: &dyn ChatModel) -> Result<(String, TokenUsage), ChatError> {
    let (sender, mut pieces) = mpsc::channel::<String>(8);
    let prompt = prompt();
    let read = async {
        let mut text = String::new();
        while let Some(piece) = pieces.recv().await {
            text.push_str(&piece);
        }
        text
    };
    let (usage, text) = timeout(PATIENCE, async {
        tokio::join!(model.stream(&prompt, sender), read)
    })
    .await
    .expect("it hangs");
    usage.map(|usage| (text, usage))
}

async fn failure(model: &dyn ChatModel) -> ChatError {
    ask(model).await.expect_err("there is no reply")
}

fn kind(error: &ChatError) -> String {
    match error {
        ChatError::Unavailable { .. } => "unavailable".to_owned(),
        ChatError::Refused { status } => format!("refused {status}"),
        ChatError::Unusable(_) => "unusable".to_owned(),
    }
}

/// All that an error can be made to say.
fn everything_of(error: &ChatError) -> String {
    let mut shown = format!("{error:?} {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(shown, " {error:?} {error}").unwrap();
        cause = error.source();
    }
    shown
}
