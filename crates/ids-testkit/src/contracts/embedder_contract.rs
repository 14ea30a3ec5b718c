//! What every [`Embedder`] promises, one function a clause of the port's doc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::pin::pin;

use futures_util::future::{Either, select};
use ids_core::embedding::inner_product;
use ids_core::ports::{EmbedTexts, Embedder};

/// How far the length of a vector may be from 1. Rounding to f16 moves each value by at most 2^-11 of itself, so the
/// length by less than .0005; the rest is for a model API that normalizes in f16 too.
const LENGTH_TOLERANCE: f32 = 1e-3;

/// Passages of clause 3: seconds of work for the built-in model on one thread, so that the query, milliseconds, comes
/// first on any machine that does not make it wait for all of them.
const MANY_PASSAGES: usize = 64;

/// Embedder, clause 1: equal texts give equal vectors, alone or beside others.
pub async fn equal_texts_give_equal_vectors_alone_or_beside_others(embedder: &dyn Embedder) {
    let texts = odd_texts();
    let together = embedder.embed_passages(&texts).await.unwrap();
    let mut reversed: Vec<String> = texts.clone();
    reversed.reverse();
    let mut beside_others = embedder.embed_passages(&reversed).await.unwrap();
    beside_others.reverse();
    assert!(
        together == beside_others,
        "a vector depends on its neighbors' order"
    );

    for (text, expected) in texts.iter().zip(&together) {
        let alone = embedder.embed_passages(std::slice::from_ref(text)).await.unwrap();
        assert!(
            alone == [expected.clone()],
            "alone, the vector is another: {text:.60}"
        );

        let query = embedder.embed_query(text).await.unwrap();
        let again = embedder.embed_query(text).await.unwrap();
        assert!(query == again, "asked twice, the vector is another: {text:.60}");
    }
}

/// Embedder, clause 2: as many vectors come back as texts went in, in their order, of the model's dimensions and of
/// length 1 within f16.
pub async fn vectors_come_back_in_order_and_of_length_one(embedder: &dyn Embedder) {
    let dimensions = embedder.model().dimensions;
    assert_eq!(embedder.embed_passages(&[]).await.unwrap().len(), 0);

    // One text twice, first and last: only the right order puts the same vector at both ends and no other there.
    let mut texts = odd_texts();
    texts.push(texts[0].clone());
    let vectors = embedder.embed_passages(&texts).await.unwrap();
    assert_eq!(vectors.len(), texts.len());
    assert!(vectors.first() == vectors.last());
    assert!(vectors[0] != vectors[1], "two texts, one vector");

    let mut all = vectors;
    for text in &texts {
        all.push(embedder.embed_query(text).await.unwrap());
    }
    for (index, vector) in all.iter().enumerate() {
        assert_eq!(vector.dimensions(), dimensions, "vector {index}");
        let values = vector.to_f32();
        let length = inner_product(&values, &values).sqrt();
        assert!(
            (length - 1.0).abs() <= LENGTH_TOLERANCE,
            "vector {index} has length {length}"
        );
    }

    // Each vector belongs to its text: what is alone in a call cannot be out of order.
    for (text, vector) in texts.iter().zip(&all) {
        let alone = embedder.embed_passages(std::slice::from_ref(text)).await.unwrap();
        assert!(alone == [vector.clone()], "another text's vector: {text:.60}");
    }
}

/// Embedder, clause 3: a query is answered while passages are being embedded.
pub async fn a_query_is_answered_while_passages_are_embedded(embedder: &dyn Embedder) {
    let passages: Vec<String> = (0..MANY_PASSAGES)
        .map(|number| {
            format!(
                "Contrato {number}. {}",
                "O prazo de vigência é de doze meses. ".repeat(12)
            )
        })
        .collect();

    // `select` polls the passages first, so they are under way before the query is.
    let embed = pin!(embedder.embed_passages(&passages));
    let query = pin!(embedder.embed_query("qual é o prazo do contrato?"));
    match select(embed, query).await {
        Either::Left(_) => panic!("the query waited for all {MANY_PASSAGES} passages"),
        Either::Right((vector, embed)) => {
            assert_eq!(vector.unwrap().dimensions(), embedder.model().dimensions);
            assert_eq!(embed.await.unwrap().len(), MANY_PASSAGES);
        }
    }
}

/// Embedder, clause 3: sentences are answered while passages are being embedded.
pub async fn sentences_are_answered_while_passages_are_embedded(embedder: &dyn Embedder) {
    let passages: Vec<String> = (0..MANY_PASSAGES)
        .map(|number| {
            format!(
                "Edital {number}. {}",
                "A proposta vale por sessenta dias. ".repeat(12)
            )
        })
        .collect();
    let sentences = ["A proposta vale por sessenta dias.", "O prazo é curto."].map(str::to_owned);

    let embed = pin!(embedder.embed_passages(&passages));
    let asked = pin!(embedder.embed(EmbedTexts::Sentences(&sentences)));
    match select(embed, asked).await {
        Either::Left(_) => panic!("the sentences waited for all {MANY_PASSAGES} passages"),
        Either::Right((vectors, embed)) => {
            assert_eq!(vectors.unwrap().vectors.len(), sentences.len());
            assert_eq!(embed.await.unwrap().len(), MANY_PASSAGES);
        }
    }
}

/// Embedder, clause 4: sentences have the vectors they have as passages.
pub async fn sentences_have_the_vectors_of_passages(embedder: &dyn Embedder) {
    let texts = odd_texts();
    let sentences = embedder.embed(EmbedTexts::Sentences(&texts)).await.unwrap();
    let passages = embedder.embed_passages(&texts).await.unwrap();
    assert!(
        sentences.vectors == passages,
        "a sentence's vector is another, or out of order"
    );
    let none = embedder.embed(EmbedTexts::Sentences(&[])).await.unwrap();
    assert!(none.vectors.is_empty());
}

/// Runs every clause against an adapter: `embedder_contract!(make);`, where `make` is an `async fn` without arguments
/// that returns an `Arc<dyn Embedder>`. On a runtime with two threads, as in production.
#[macro_export]
macro_rules! embedder_contract {
    ($make:path) => {
        $crate::embedder_contract! { @clauses $make:
            equal_texts_give_equal_vectors_alone_or_beside_others
            vectors_come_back_in_order_and_of_length_one
            a_query_is_answered_while_passages_are_embedded
            sentences_are_answered_while_passages_are_embedded
            sentences_have_the_vectors_of_passages
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                let embedder = $make().await;
                $crate::contracts::embedder_contract::$clause(&*embedder).await;
            }
        )+
    };
}

/// Texts that differ in what tends to leak between neighbors: length, case, accents, script, white space.
fn odd_texts() -> Vec<String> {
    [
        "O prazo para recurso é de dez dias úteis, contados da publicação.",
        "prazo",
        " \n\tprazo ",
        "The contractor shall keep the records for five years.",
        "PROCESSO Nº 0001234-56.2021.8.26.0100, CNPJ 12.345.678/0001-95",
        "日本語の文章 и русский текст 🙂",
        "<s> </s> <unk> query: passage: ",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([
        "A administração pública obedecerá aos princípios da legalidade e da publicidade. ".repeat(60),
        "x".repeat(5_000),
    ])
    .collect()
}
