//! Embeddings over real HTTP: the port's contract, what is sent, and what is made of replies that are none.

use std::sync::Arc;
use std::time::Duration;

use ids_core::ports::{CountedError, CountedVectors, EmbedError, EmbedTexts, Embedder};
use ids_models::{EmbeddingModelConfig, OpenAiEmbedder, RetryPolicy, Secret};
use ids_testkit::{Script, ScriptedModelServer};
use serde_json::json;

fn config(server: &ScriptedModelServer, model: &str, dimensions: usize, asks: bool) -> EmbeddingModelConfig {
    let key = Some(Secret::new("sk-of-a-test"));
    EmbeddingModelConfig {
        retry: RetryPolicy {
            pause: Duration::from_millis(1),
            ..RetryPolicy::default()
        },
        ..EmbeddingModelConfig::new(server.base_url().parse().unwrap(), key, model, dimensions, asks)
    }
}

/// An embedder whose server lives as long as it does.
struct Served(
    OpenAiEmbedder,
    #[expect(dead_code, reason = "it answers as long as it is there")] ScriptedModelServer,
);

#[async_trait::async_trait]
impl Embedder for Served {
    fn model(&self) -> &ids_core::embedding::EmbeddingModel {
        self.0.model()
    }

    async fn embed(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError> {
        self.0.embed(texts).await
    }
}

async fn make() -> Arc<dyn Embedder> {
    let server = ScriptedModelServer::of_embeddings(48).await;
    let embedder = OpenAiEmbedder::new(config(&server, "ours", 48, false)).unwrap();
    Arc::new(Served(embedder, server))
}

ids_testkit::embedder_contract!(make);

#[tokio::test]
async fn texts_go_in_bounded_calls_with_the_prefixes_of_the_model() {
    let server = ScriptedModelServer::of_embeddings(512).await;
    let embedder = OpenAiEmbedder::new(config(&server, "multilingual-e5-base", 512, true)).unwrap();
    let texts: Vec<String> = (0..100).map(|number| format!("contrato {number}")).collect();

    let vectors = embedder.embed_passages(&texts).await.unwrap();
    embedder.embed_query("prazo").await.unwrap();

    assert_eq!(vectors.len(), 100);
    let requests = server.requests();
    let sizes: Vec<usize> = requests
        .iter()
        .map(|it| it.body["input"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [64, 36, 1]);
    assert!(
        requests[0].head.starts_with("POST /v1/embeddings HTTP/1.1"),
        "{}",
        requests[0].head
    );
    assert!(requests[0].head.contains("Bearer sk-of-a-test"));
    assert_eq!(requests[0].body["input"][0], "passage: contrato 0");
    assert_eq!(requests[2].body["input"][0], "query: prazo");
    assert_eq!(
        (
            &requests[0].body["model"],
            &requests[0].body["dimensions"],
            &requests[0].body["encoding_format"]
        ),
        (&json!("multilingual-e5-base"), &json!(512), &json!("float"))
    );
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_cannot_is_told_apart() {
    let good = json!({"data": [{"index": 0, "embedding": [3.0, 4.0]}]});
    let check = async |scripts: Vec<Script>, requests: usize, wanted: &str| {
        let server = ScriptedModelServer::start(scripts.clone()).await;
        let embedder = OpenAiEmbedder::new(config(&server, "ours", 2, false)).unwrap();
        let found = match embedder.embed_query("prazo").await {
            Ok(_) => "vector",
            Err(EmbedError::Unavailable(_)) => "unavailable",
            Err(EmbedError::Unusable(_)) => "unusable",
        };
        assert_eq!(
            (found, server.requests().len()),
            (wanted, requests),
            "{scripts:?}"
        );
    };
    let busy = |status| Script::status(status, &[("retry-after", "0")], "");
    check(vec![busy(429), busy(503), Script::json(&good)], 3, "vector").await;
    check(vec![Script::raw(""), Script::json(&good)], 2, "vector").await;
    check(vec![busy(500)], 3, "unavailable").await;
    check(vec![Script::status(401, &[], "")], 1, "unusable").await;
    check(vec![Script::json(&json!({"data": []}))], 1, "unusable").await;
    check(
        vec![Script::json(&json!({"data": [{"embedding": [1.0, 0.0, 0.0]}]}))],
        1,
        "unusable",
    )
    .await;
    check(vec![Script::status(200, &[], "<html>")], 1, "unusable").await;
}

#[tokio::test]
async fn an_error_names_neither_key_nor_text() {
    let server = ScriptedModelServer::start([Script::status(400, &[], "sk-of-a-test: prazo secreto")]).await;
    let embedder = OpenAiEmbedder::new(config(&server, "ours", 2, false)).unwrap();
    let error = embedder.embed_query("prazo secreto").await.unwrap_err();
    let words = format!("{error} {error:?}");
    assert!(!words.contains("sk-of") && !words.contains("secreto"), "{words}");
}
