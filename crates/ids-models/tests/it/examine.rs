//! What a server says of its key and its models.

use std::time::Duration;

use ids_models::{ModelsState, examine};
use ids_testkit::contracts::chat_model_contract::{KEY, at};
use ids_testkit::{Script, ScriptedModelServer};
use serde_json::json;

use crate::support::config;

async fn state(script: Script) -> ModelsState {
    let server = ScriptedModelServer::start([script]).await;
    let config = config(&at(server.base_url(), Duration::from_secs(30)));
    let state = examine(config).await.unwrap();
    let request = &server.requests()[0];
    assert!(
        request.head.starts_with("GET ") && request.head.contains("/models "),
        "{}",
        request.head
    );
    assert!(
        request.head.contains(&format!("Bearer {KEY}")),
        "{}",
        request.head
    );
    state
}

#[tokio::test]
async fn a_key_and_a_model_are_known_by_the_list_of_models() {
    let list = |names: &[&str]| {
        let models: Vec<_> = names.iter().map(|name| json!({"id": name})).collect();
        Script::json(&json!({"object": "list", "data": models}))
    };
    assert_eq!(state(list(&["other", "a-model"])).await, ModelsState::HasModel);
    assert_eq!(state(list(&["a-model:latest"])).await, ModelsState::HasModel);
    assert_eq!(state(list(&["other"])).await, ModelsState::LacksModel);
    assert_eq!(state(list(&[])).await, ModelsState::NamesNone);
    assert_eq!(state(Script::json(&json!("hello"))).await, ModelsState::NamesNone);
}

#[tokio::test]
async fn a_refused_key_is_told_from_a_server_that_does_not_say() {
    let refusal = |status| Script::status(status, &[], "{\"error\": {\"message\": \"no\"}}");
    assert_eq!(state(refusal(401)).await, ModelsState::RefusesKey(401));
    assert_eq!(state(refusal(403)).await, ModelsState::RefusesKey(403));
    assert_eq!(state(refusal(404)).await, ModelsState::DoesNotSay(404));
    assert_eq!(state(refusal(503)).await, ModelsState::DoesNotSay(503));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_without_the_key() {
    let config = config(&at("http://127.0.0.1:9/v1".to_owned(), Duration::from_secs(30)));
    let error = examine(config).await.unwrap_err();
    assert!(!format!("{error:?}").contains(KEY), "{error:?}");
}
