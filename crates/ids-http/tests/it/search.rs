//! Searches.

use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::App;

const ATA: &str = "%PDF\n# Férias\n\nO pagamento das férias é feito até dois dias antes. 🎉 Férias em dobro.\u{c}Recursos são julgados em cinco dias.";

#[tokio::test]
async fn a_hit_says_where_it_stands_and_which_words_matched() {
    let app = App::new();
    app.ingest("ata.pdf", ATA, &[("title", "Ata")]).await;
    let reply = app
        .post(
            "/api/v1/documents/search",
            json!({"query": "ferias", "explain": true}),
        )
        .await
        .expect(200);

    let result = &reply["results"][0];
    let content: Vec<char> = result["content"].as_str().unwrap().chars().collect();
    for range in result["highlights"].as_array().unwrap() {
        let (start, end) = (range["start"].as_u64().unwrap(), range["end"].as_u64().unwrap());
        let word: String = content[start as usize..end as usize].iter().collect();
        assert_eq!(word.to_lowercase(), "férias");
    }
    // What ranks how is the domain's, and tested there.
    let number = || {
        insta::dynamic_redaction(|value, _| {
            assert!(value.as_f64().is_some_and(f64::is_finite), "{value:?}");
            "[number]"
        })
    };
    assert_json_snapshot!("search", reply, {
        ".query_time" => number(),
        ".results[].score" => number(),
        ".results[].similarity_score" => number(),
        ".results[].keyword_score" => number(),
        ".results[].explanation.words" => number(),
        ".results[].explanation.words_z" => number(),
        ".results[].explanation.cosine" => number(),
        ".results[].explanation.meaning_z" => number(),
        ".results[].explanation.terms[].contribution" => number(),
    });
}

#[tokio::test]
async fn without_explain_no_explanation_is_sent() {
    let app = App::new();
    app.ingest("ata.pdf", ATA, &[]).await;
    let reply = app
        .post("/api/v1/documents/search", json!({"query": "recursos"}))
        .await
        .expect(200);
    assert!(reply["results"][0].get("explanation").is_none());
}

#[tokio::test]
async fn filters_narrow_a_search() {
    let app = App::new();
    let id = app
        .ingest(
            "a.pdf",
            "%PDF\nprazo de recurso",
            &[("tags", "x,y"), ("collection", "rh")],
        )
        .await;
    app.ingest("b.txt", "prazo de entrega", &[("tags", "x")]).await;

    let found = async |filter: serde_json::Value| {
        let mut body = json!({"query": "prazo", "mode": "keyword"});
        body.as_object_mut()
            .unwrap()
            .extend(filter.as_object().unwrap().clone());
        let reply = app.post("/api/v1/documents/search", body).await.expect(200);
        reply["results"].as_array().unwrap().len()
    };
    assert_eq!(found(json!({})).await, 2);
    assert_eq!(found(json!({"tags": ["x", "y"]})).await, 1);
    assert_eq!(found(json!({"collection": "rh"})).await, 1);
    assert_eq!(found(json!({"document_ids": [id]})).await, 1);
    assert_eq!(found(json!({"content_types": ["text/plain"]})).await, 1);
    assert_eq!(
        found(json!({"content_types": ["text/plain"], "collection": "rh"})).await,
        0
    );
    assert_eq!(found(json!({"n_results": 1})).await, 1);
    assert_eq!(found(json!({"similarity_threshold": 1.0})).await, 0);
}

#[tokio::test]
async fn an_empty_library_finds_nothing() {
    let app = App::new();
    let reply = app
        .post("/api/v1/documents/search", json!({"query": "prazo"}))
        .await
        .expect(200);
    assert_eq!(reply["results"], json!([]));
    assert_eq!(reply["total_chunks_searched"], 0);
}
