//! An embedding model that somebody is paid for: what it takes counts, and it is not asked when no money is left.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ids_core::budget::{BudgetSettings, Currency, ModelPrice, Money, PriceTable};
use ids_core::job::Lane;
use serde_json::{Value, json};

use crate::chat::{QUESTION, ask, chat};
use crate::support::App;

const MODEL: &str = "multilingual-e5-small-scripted";

/// A dollar for a thousand tokens: ten of a text cost a cent.
fn budget(monthly: &str) -> BudgetSettings {
    let mut prices = PriceTable::empty(Currency::Usd, "2025-11-01");
    for (model, micros) in [(MODEL, 1_000_000_000), ("scripted", 0)] {
        let price = ModelPrice {
            model: model.to_owned(),
            input: Money::from_micros(micros),
            output: Money::ZERO,
            currency: Currency::Usd,
        };
        prices.set(&price, None).unwrap();
    }
    BudgetSettings {
        monthly: Money::parse(monthly),
        prices,
        ..BudgetSettings::default()
    }
}

fn app(monthly: &str) -> App {
    let (model, _hold) = chat(Ok("NO_ANSWER"));
    let app = App::with_budget(model, budget(monthly), None);
    app.embedder.is_billed.store(true, Ordering::SeqCst);
    app
}

async fn usage(app: &App, by: &str) -> Value {
    app.get(&format!("/api/v1/usage?by={by}")).await.expect(200)
}

fn sum(usage: &Value, field: &str) -> f64 {
    let rows = usage["by"].as_array().unwrap().iter();
    rows.map(|row| row[field].as_f64().unwrap()).sum()
}

async fn search(app: &App, mode: &str) -> crate::support::Reply {
    app.post(
        "/api/v1/documents/search",
        json!({"query": QUESTION, "mode": mode}),
    )
    .await
}

#[tokio::test]
async fn every_text_counts_and_the_month_is_the_sum_of_its_rows() {
    let app = app("100");
    let document = app
        .ingest(
            "contrato.txt",
            "A multa por atraso na entrega é de 2% ao dia.",
            &[],
        )
        .await;
    search(&app, "hybrid").await.expect(200);
    search(&app, "keyword").await.expect(200);
    ask(&app, json!({"message": QUESTION})).await;

    let texts = app.embedder.texts.load(Ordering::SeqCst);
    // A passage, the query of the search by meaning, that of the question; words alone need none.
    assert_eq!(texts, 3);
    for by in ["key", "model", "document", "session"] {
        let usage = usage(&app, by).await;
        assert_eq!(sum(&usage, "embeddings"), 3.0, "{by}: {usage}");
        assert_eq!(sum(&usage, "questions"), 1.0, "{by}: {usage}");
        assert!(
            (usage["spent"].as_f64().unwrap() - 0.03).abs() < 1e-9,
            "{by}: {usage}"
        );
        assert!((sum(&usage, "cost") - 0.03).abs() < 1e-9, "{by}: {usage}");
        assert_eq!(usage["reserved"], 0.0);
    }
    let by_model = usage(&app, "model").await;
    let rows = by_model["by"].as_array().unwrap();
    let embedding = rows.iter().find(|row| row["model"] == MODEL).unwrap();
    assert_eq!(
        (
            &embedding["embeddings"],
            &embedding["prompt_tokens"],
            &embedding["unknown_prices"]
        ),
        (&json!(3), &json!(30), &json!(0))
    );
    let by_document = usage(&app, "document").await;
    let rows = by_document["by"].as_array().unwrap();
    let of_it = rows
        .iter()
        .find(|row| row["document"] == json!(document))
        .unwrap();
    assert_eq!(of_it["embeddings"], 1);
    let estimate = app.get("/api/v1/usage/estimate?budget=7").await.expect(200);
    // 700 tokens are 70 cents.
    assert_eq!(
        (
            &estimate["embedding_model"],
            &estimate["cost_per_page"],
            &estimate["remote_pages"]
        ),
        (&json!(MODEL), &json!(0.7), &json!(10))
    );
}

#[tokio::test]
async fn the_question_of_an_answer_made_of_sentences_is_bought_once() {
    let (model, _hold) = chat(Err(401));
    let app = App::with_budget(model, budget("100"), None);
    app.embedder.is_billed.store(true, Ordering::SeqCst);
    app.ingest(
        "contrato.txt",
        "A multa por atraso na entrega é de 2% ao dia.",
        &[],
    )
    .await;
    let before = app.embedder.texts.load(Ordering::SeqCst);

    let answer = ask(&app, json!({"message": QUESTION})).await;

    assert_eq!(answer["metadata"]["mode"], "extractive", "{answer}");
    // The question, which the search looked for and the sentence is compared with, and that sentence.
    assert_eq!(app.embedder.texts.load(Ordering::SeqCst) - before, 2);
}

#[tokio::test]
async fn without_money_documents_wait_found_by_their_words_and_so_do_queries() {
    let app = app("0.001");
    let uploaded = app
        .upload(
            "contrato.txt",
            "A multa por atraso na entrega é de 2% ao dia.".as_bytes(),
            &[],
        )
        .await
        .expect(202);
    app.work().await;
    assert_eq!(app.embedder.texts.load(Ordering::SeqCst), 0, "not asked");

    let found = search(&app, "hybrid").await.expect(200);
    assert_eq!(found["words_alone"], "budget");
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
    assert_eq!(
        search(&app, "keyword").await.expect(200)["words_alone"],
        Value::Null
    );
    let refused = search(&app, "semantic")
        .await
        .expect_error(503, "DEPENDENCY_UNAVAILABLE");
    assert!(refused.to_string().contains("budget"), "{refused}");
    let job = format!("/api/v1/queue/job/{}", uploaded["job_id"].as_str().unwrap());
    let job = app.get(&job).await.expect(200);
    assert!(
        job.to_string().contains("AI budget of the month is used up"),
        "{job}"
    );
    let usage = usage(&app, "model").await;
    assert_eq!((&usage["spent"], &usage["reserved"]), (&json!(0.0), &json!(0.0)));

    // Asking again and again would not help: minutes pass, and nothing was counted as a try.
    app.clock.advance(Duration::from_secs(60));
    app.work_in(Lane::Embed).await;
    assert_eq!(search(&app, "hybrid").await.expect(200)["words_alone"], "budget");
    // The next month has money, and then the document goes on by itself.
    app.clock.advance(Duration::from_secs(32 * 24 * 3_600));
    app.work().await;
    assert_eq!(
        app.embedder.texts.load(Ordering::SeqCst),
        0,
        "a tenth of a cent is never enough"
    );
}

#[tokio::test]
async fn a_document_that_waited_for_money_goes_on_when_there_is_some() {
    let app = app("0.5");
    let text = "A multa por atraso na entrega é de 2% ao dia.";
    app.ingest("um.txt", text, &[]).await;
    // What a text may take at most is set aside, and does not fit any more.
    for _ in 0..60 {
        search(&app, "hybrid").await.expect(200);
    }
    assert_eq!(search(&app, "hybrid").await.expect(200)["words_alone"], "budget");
    let before = app.embedder.texts.load(Ordering::SeqCst);
    app.upload("dois.txt", "O prazo de entrega é de quinze dias.".as_bytes(), &[])
        .await
        .expect(202);
    app.work().await;
    assert_eq!(app.embedder.texts.load(Ordering::SeqCst), before);

    app.clock.advance(Duration::from_secs(32 * 24 * 3_600));
    app.work().await;
    assert_eq!(app.embedder.texts.load(Ordering::SeqCst), before + 1);
    assert_eq!(
        search(&app, "hybrid").await.expect(200)["words_alone"],
        Value::Null
    );
}
