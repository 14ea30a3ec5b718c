//! The ports of `ids-core`.

use std::num::NonZeroUsize;
use std::pin::pin;

use ids_core::embedding::Embedding;
use ids_core::ports::{Embedder, Tokenizer};
use ids_embed::{BuiltInEmbedder, DIMENSIONS};

use crate::pool::poll_once;
use crate::real_model;

fn embedder() -> BuiltInEmbedder {
    BuiltInEmbedder::new(real_model::model().clone(), NonZeroUsize::new(1)).unwrap()
}

#[tokio::test]
async fn texts_become_f16_vectors_alone_or_beside_others() {
    let embedder = embedder();
    let texts = ["um contrato", "outra coisa", "um contrato"].map(str::to_owned);
    let together = embedder.embed_passages(&texts).await.unwrap();
    let alone = embedder.embed_passages(&texts[..1]).await.unwrap();
    assert_eq!(together.len(), 3);
    assert_eq!((&together[0], &together[2]), (&alone[0], &alone[0]));
    assert_eq!(
        together[0],
        Embedding::from_f32(&real_model::model().embed_passage("um contrato"))
    );
    assert_eq!(together[0].dimensions(), embedder.model().dimensions);
}

#[tokio::test]
async fn a_query_does_not_wait_behind_passages() {
    let embedder = embedder();
    let long: Vec<String> = (0..200)
        .map(|index| format!("{index} {}", "palavra ".repeat(200)))
        .collect();
    let mut passages = pin!(embedder.embed_passages(&long));
    assert!(poll_once(passages.as_mut()).is_pending());

    let query = embedder.embed_query("quem assina o contrato?").await.unwrap();

    assert_eq!(
        query,
        Embedding::from_f32(&real_model::model().embed_query("quem assina o contrato?"))
    );
    assert!(poll_once(passages.as_mut()).is_pending());
}

#[test]
fn the_model_is_named_and_tokens_are_counted_without_prefix() {
    let embedder = embedder();
    assert_eq!(embedder.model().dimensions, DIMENSIONS);
    assert_eq!(embedder.model().name, "multilingual-e5-small-enpt-q4/int8");
    assert_eq!(
        embedder.count("contrato"),
        real_model::model().token_count("contrato")
    );
}

async fn contract_embedder() -> std::sync::Arc<dyn Embedder> {
    std::sync::Arc::new(embedder())
}

ids_testkit::embedder_contract!(contract_embedder);
