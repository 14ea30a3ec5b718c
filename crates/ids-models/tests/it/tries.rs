//! What is tried again, how often, and when a server is left alone.

use std::time::Duration;

use ids_core::ports::ChatError;
use ids_models::{BaseUrl, ChatModelConfig, ConfigError, OpenAiChatModel, Secret};
use ids_testkit::contracts::chat_model_contract::ask;
use ids_testkit::{Script, ScriptedModelServer};
use serde_json::json;

use crate::support::served;

fn busy(retry_after: &str) -> Script {
    Script::status(429, &[("Retry-After", retry_after)], "")
}

#[tokio::test]
async fn what_may_pass_is_tried_again_until_it_does() {
    let reported = json!({"error": {"message": "overloaded"}});
    for failure in [
        busy("0"),
        Script::status(500, &[], ""),
        Script::status(503, &[("retry-after", "0.01")], ""),
        Script::raw(""),
        Script::stream(),
        Script::stream().event(&reported).done(),
        Script::stream().usage(1, 0),
    ] {
        let scripts = [failure.clone(), failure.clone(), Script::reply(&["a"])];
        let (server, model) = served(scripts, |_| ()).await;
        assert_eq!(ask(&model).await.unwrap().0, "a", "{failure:?}");
        assert_eq!(server.requests().len(), 3, "{failure:?}");
    }
}

#[tokio::test]
async fn tries_end_and_what_cannot_pass_is_tried_once() {
    for (script, requests) in [
        (Script::status(502, &[], ""), 3),
        (busy("0"), 3),
        // A pause nobody would wait for is passed on instead.
        (busy("600"), 1),
        (Script::status(401, &[], ""), 1),
        (Script::status(404, &[], ""), 1),
        (
            Script::status(307, &[("location", "http://elsewhere.example/")], ""),
            1,
        ),
        (Script::status(200, &[], "<html>"), 1),
        (Script::raw("nonsense\r\n\r\n"), 1),
        (Script::stream().piece("O prazo"), 1),
    ] {
        let (server, model) = served([script.clone()], |_| ()).await;
        assert!(ask(&model).await.is_err());
        assert_eq!(server.requests().len(), requests, "{script:?}");
    }
}

#[tokio::test]
async fn a_field_that_a_server_does_not_know_is_left_out_from_then_on() {
    let complaint = |text: &str| Script::status(400, &[], text);
    let scripts = [
        complaint("Unsupported value: 'temperature' does not support 0"),
        complaint("Use 'max_completion_tokens' instead of 'max_tokens'"),
        complaint("{\"detail\": \"extra fields not permitted\"}"),
        Script::reply(&["a"]),
    ];
    let (server, model) = served(scripts, |_| ()).await;
    assert_eq!(ask(&model).await.unwrap().0, "a");
    assert_eq!(ask(&model).await.unwrap().0, "a");
    let requests = server.requests();
    let fields = |number: usize| {
        let body = requests[number].body.as_object().unwrap();
        [
            "temperature",
            "max_tokens",
            "max_completion_tokens",
            "stream_options",
        ]
        .map(|name| body.contains_key(name))
    };
    assert_eq!(fields(0), [true, true, false, true]);
    assert_eq!(fields(1), [false, true, false, true]);
    assert_eq!(fields(2), [false, false, true, true]);
    assert_eq!(fields(3), [false, false, true, false]);
    assert_eq!(fields(4), fields(3));
    assert_eq!(requests.len(), 5);
}

#[tokio::test]
async fn a_complaint_about_something_else_teaches_nothing() {
    let too_long = Script::status(400, &[], "maximum context length exceeded");
    let scripts = [too_long.clone(), too_long, Script::reply(&["a"])];
    let (server, model) = served(scripts, |_| ()).await;
    let error = ask(&model).await.unwrap_err();
    assert!(matches!(error, ChatError::Refused { status: 400 }), "{error:?}");
    ask(&model).await.unwrap();
    assert!(server.requests()[2].body.get("stream_options").is_some());
}

#[tokio::test]
async fn a_server_that_fails_again_and_again_is_left_alone_and_then_asked_again() {
    let scripts = [
        Script::status(503, &[], ""),
        Script::status(503, &[], ""),
        Script::reply(&["a"]),
    ];
    let (server, model) = served(scripts, |config| {
        config.retry.tries = 1;
        config.breaker.failures = 2;
        config.breaker.pause = Duration::from_secs(3_600);
    })
    .await;
    for _ in 0..2 {
        ask(&model).await.unwrap_err();
    }
    let error = ask(&model).await.unwrap_err();
    assert!(
        matches!(error, ChatError::Unavailable { retry_after: Some(left), .. } if left > Duration::from_secs(3_500)),
        "{error:?}"
    );
    assert_eq!(server.requests().len(), 2, "the third call asked nobody");

    // From here on nothing is waited for but the clock.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3_600)).await;
    tokio::time::resume();
    assert_eq!(ask(&model).await.unwrap().0, "a");
}

#[tokio::test]
async fn refusals_are_no_outage() {
    let (server, model) = served([Script::status(401, &[], "")], |config| {
        config.breaker.failures = 1
    })
    .await;
    for asked in 1..=3 {
        assert!(matches!(
            ask(&model).await.unwrap_err(),
            ChatError::Refused { status: 401 }
        ));
        assert_eq!(server.requests().len(), asked);
    }
}

#[tokio::test]
async fn the_request_names_the_server_and_carries_the_key_where_there_is_one() {
    let (server, model) = served([Script::reply(&["a"])], |config| config.api_key = None).await;
    ask(&model).await.unwrap();
    let head = server.requests()[0].head.to_ascii_lowercase();
    let host = server.base_url().replace("http://", "").replace("/v1", "");
    assert!(
        head.starts_with("post /v1/chat/completions http/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains(&format!("host: {host}\r\n")), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(!head.contains("authorization"), "{head}");

    let (server, model) = served([Script::reply(&["a"])], |_| ()).await;
    ask(&model).await.unwrap();
    let head = &server.requests()[0].head;
    assert!(head.contains("authorization: Bearer sk-chave-secreta"), "{head}");
}

#[tokio::test]
async fn a_key_that_cannot_be_sent_is_refused_and_not_shown() {
    let url: BaseUrl = ScriptedModelServer::nobodys_base_url().await.parse().unwrap();
    let config = ChatModelConfig::new(url, Some(Secret::new("sk-1\r\nX-Evil: 1")), "m");
    assert!(!format!("{config:?}").contains("sk-1"));
    let Err(error) = OpenAiChatModel::new(config) else {
        panic!("a line feed went into a header")
    };
    assert!(matches!(error, ConfigError::ApiKey) && !error.to_string().contains("sk-1"));
}
