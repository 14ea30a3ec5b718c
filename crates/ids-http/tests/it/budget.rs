//! What answers cost, and what happens when the money ends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ids_core::budget::{BudgetNotice, BudgetSettings, Currency, ModelPrice, Money, PriceTable};
use ids_core::id::OrganizationId;
use ids_core::ports::{AlarmError, BudgetAlarm};
use ids_core::scope::Scope;
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::chat::{QUESTION, Stream, WRITTEN, ask, chat, with_contract};
use crate::support::{App, json_request};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Dollars: one for a million tokens read, two for a million written; an answer of the scripted model costs 140 millionths.
pub fn budget(monthly: Option<&str>) -> BudgetSettings {
    let mut prices = PriceTable::empty(Currency::Usd, "2025-11-01");
    let price = ModelPrice {
        model: "scripted".to_owned(),
        input: Money::from_micros(1_000_000),
        output: Money::from_micros(2_000_000),
        currency: Currency::Usd,
    };
    prices.set(&price, None).unwrap();
    BudgetSettings {
        monthly: monthly.map(|text| Money::parse(text).unwrap()),
        prices,
        ..BudgetSettings::default()
    }
}

/// Writes down what it is told, once it works.
#[derive(Default)]
struct Listener {
    is_down: Mutex<bool>,
    told: Mutex<Vec<(Option<OrganizationId>, u8)>>,
}

#[async_trait]
impl BudgetAlarm for Listener {
    async fn tell(&self, notice: &BudgetNotice) -> Result<(), AlarmError> {
        if *self.is_down.lock().unwrap() {
            return Err(AlarmError("scripted".into()));
        }
        self.told
            .lock()
            .unwrap()
            .push((notice.organization, notice.percent));
        Ok(())
    }
}

async fn usage(app: &App) -> Value {
    app.get("/api/v1/usage").await.expect(200)
}

/// What is set aside for the answers being made.
async fn set_aside(app: &App) -> f64 {
    usage(app).await["reserved"].as_f64().unwrap()
}

#[tokio::test]
async fn an_answer_tells_what_it_cost_and_so_does_the_month() {
    let (model, _hold) = chat(Ok(WRITTEN));
    let app = with_contract(App::with_budget(model, budget(Some("5")), None)).await;

    let answer = ask(&app, json!({"message": QUESTION})).await;

    let metadata = &answer["metadata"];
    assert_eq!(
        (&metadata["cost"], &metadata["currency"]),
        (&json!(0.00014), &json!("USD"))
    );
    assert_eq!(
        (&metadata["price_known"], &metadata["fallback"]),
        (&json!(true), &Value::Null)
    );
    assert_json_snapshot!("usage_with_budget", usage(&app).await);
    let session = answer["session_id"].as_str().unwrap();
    let kept = app
        .get(&format!("/api/v1/chat/sessions/{session}"))
        .await
        .expect(200);
    assert_eq!(kept["messages"][1]["metadata"]["cost"], 0.00014);
    for by in ["key", "model", "document", "session"] {
        let body = app.get(&format!("/api/v1/usage?by={by}")).await.expect(200);
        let rows = body["by"].as_array().unwrap();
        let sum: f64 = rows.iter().map(|row| row["cost"].as_f64().unwrap()).sum();
        assert_eq!(sum, body["spent"].as_f64().unwrap(), "{by}");
    }
    let by_document = app.get("/api/v1/usage?by=document").await.expect(200);
    assert_eq!(by_document["by"][0]["document_title"], "Contrato 12");
    app.get("/api/v1/usage?by=weather")
        .await
        .expect_error(422, "VALIDATION_FAILED");
}

#[tokio::test]
async fn without_money_answers_are_sentences_of_the_documents_until_the_next_month() {
    let (model, _hold) = chat(Ok(WRITTEN));
    // Less than what one answer may cost at most.
    let app = with_contract(App::with_budget(model.clone(), budget(Some("0.001")), None)).await;

    let answer = ask(&app, json!({"message": QUESTION})).await;

    assert_eq!(answer["metadata"]["mode"], "extractive");
    assert_eq!(answer["metadata"]["fallback"], "budget");
    assert_eq!(answer["metadata"]["cost"], 0.0);
    assert!(model.prompt.borrow().is_none(), "the model was not asked");
    assert!(answer["sources"][0]["verified"] == true);
    let month = usage(&app).await;
    assert_eq!((&month["spent"], &month["reserved"]), (&json!(0.0), &json!(0.0)));
    assert_eq!(month["by"][0]["questions"], 1);

    let (model, _hold) = chat(Ok(WRITTEN));
    let app = with_contract(App::with_budget(model, budget(Some("0.005")), None)).await;
    let mut modes = Vec::new();
    for _ in 0..40 {
        let answer = ask(&app, json!({"message": QUESTION})).await;
        modes.push(answer["metadata"]["mode"].as_str().unwrap().to_owned());
    }
    assert!(
        modes.is_sorted_by(|one, next| one >= next),
        "generated first: {modes:?}"
    );
    assert!(modes.iter().any(|mode| mode == "generated") && modes.iter().any(|mode| mode == "extractive"));
    let month = usage(&app).await;
    assert!(month["spent"].as_f64().unwrap() <= 0.005, "{month}");
    app.clock.advance(DAY * 31);
    let answer = ask(&app, json!({"message": QUESTION})).await;
    assert_eq!(answer["metadata"]["mode"], "generated", "a new month");
    assert_eq!(usage(&app).await["spent"], 0.00014);
}

#[tokio::test]
async fn an_unknown_price_counts_as_the_dearest_and_is_flagged() {
    let (model, _hold) = chat(Ok(WRITTEN));
    let app = with_contract(App::with_budget(model, BudgetSettings::default(), None)).await;
    let answer = ask(&app, json!({"message": QUESTION})).await;
    // gpt-4: 30 and 60 dollars for a million.
    assert_eq!(answer["metadata"]["cost"], 0.0042);
    assert_eq!(answer["metadata"]["price_known"], false);
    assert_eq!(usage(&app).await["by"][0]["unknown_prices"], 1);
}

#[tokio::test]
async fn an_answer_that_is_left_is_settled_at_what_was_read_of_it() {
    let (model, hold) = chat(Ok("A multa é de 2%"));
    hold.send_replace(true);
    let app = with_contract(App::with_budget(model, budget(None), None)).await;
    let mut stream = Stream::open(&app, json!({"message": QUESTION, "stream": true})).await;
    while stream.next().await.unwrap().0 != "delta" {}
    let reserved = set_aside(&app).await;
    assert!(reserved > 0.002, "{reserved}");

    drop(stream);
    let stop = CancellationToken::new();
    stop.cancel();
    app.library.settle_left_answers(&stop).await;

    let month = usage(&app).await;
    let spent = month["spent"].as_f64().unwrap();
    assert!(spent > 0.0 && spent < reserved, "{month}");
    assert_eq!(
        (&month["reserved"], &month["by"][0]["estimated"]),
        (&json!(0.0), &json!(1))
    );
}

#[tokio::test]
async fn what_a_process_that_ended_left_is_settled_at_what_was_reserved() {
    let (model, hold) = chat(Ok("A multa é de 2%"));
    hold.send_replace(true);
    let app = with_contract(App::with_budget(model, budget(None), None)).await;
    let mut stream = Stream::open(&app, json!({"message": QUESTION, "stream": true})).await;
    while stream.next().await.unwrap().0 != "delta" {}
    let reserved = set_aside(&app).await;
    // Nobody works on what is left: the process is gone.
    drop(stream);

    app.clock.advance(Duration::from_secs(599));
    app.reconcile().await;
    assert_eq!(usage(&app).await["spent"], 0.0);
    app.clock.advance(Duration::from_secs(2));
    app.reconcile().await;
    app.reconcile().await;

    let month = usage(&app).await;
    assert_eq!(month["spent"].as_f64().unwrap(), reserved, "once, and whole");
    assert_eq!(month["reserved"], 0.0);
}

#[tokio::test]
async fn a_model_that_turns_the_question_away_costs_nothing_and_one_that_breaks_off_what_it_may_have() {
    let (model, _hold) = chat(Err(401));
    let app = with_contract(App::with_budget(model, budget(None), None)).await;
    let answer = ask(&app, json!({"message": QUESTION})).await;
    assert_eq!(
        (&answer["metadata"]["fallback"], &answer["metadata"]["cost"]),
        (&json!("model_failed"), &json!(0.0))
    );
    assert_eq!(usage(&app).await["spent"], 0.0);

    let (model, _hold) = chat(Ok(WRITTEN));
    model.breaks_off.send_replace(true);
    let app = with_contract(App::with_budget(model, budget(None), None)).await;
    ask(&app, json!({"message": QUESTION})).await;
    let month = usage(&app).await;
    assert!(month["spent"].as_f64().unwrap() > 0.001, "{month}");
    assert_eq!(
        (&month["reserved"], &month["by"][0]["estimated"]),
        (&json!(0.0), &json!(1))
    );
}

#[tokio::test]
async fn eighty_and_a_hundred_percent_are_told_once_each() {
    let (model, _hold) = chat(Ok(WRITTEN));
    let listener = Arc::new(Listener::default());
    *listener.is_down.lock().unwrap() = true;
    let app = with_contract(App::with_budget(
        model,
        budget(Some("0.04")),
        Some(listener.clone()),
    ))
    .await;
    for _ in 0..300 {
        ask(&app, json!({"message": QUESTION})).await;
    }
    let month = usage(&app).await;
    assert_eq!(month["warning"], 100, "the last cents pay no question");
    assert!(month["remaining"].as_f64().unwrap() > 0.0, "{month}");
    app.reconcile().await;
    assert_eq!(*listener.told.lock().unwrap(), []);
    *listener.is_down.lock().unwrap() = false;
    app.clock.advance(Duration::from_secs(300));
    app.reconcile().await;
    app.reconcile().await;
    assert_eq!(*listener.told.lock().unwrap(), [(None, 80), (None, 100)]);

    let metrics = app.get("/metrics").await.text();
    for line in [
        "ids_ai_budget_micros{currency=\"USD\"} 40000",
        "ids_ai_reserved_micros{currency=\"USD\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    assert!(metrics.contains("ids_ai_budget_used_ratio 1.0"), "{metrics}");
}

#[tokio::test]
async fn an_organization_may_have_a_limit_of_its_own() {
    let (model, _hold) = chat(Ok(WRITTEN));
    let app = with_contract(App::with_budget(model, budget(Some("5")), None)).await;
    let put = async |body: Value| app.send(json_request("PUT", "/api/v1/usage/budget", body)).await;

    let set = put(json!({"monthly": "0.001"})).await.expect(200);
    assert_json_snapshot!("budget_set", set);
    assert_eq!(app.get("/api/v1/usage/budget").await.expect(200), set);
    let answer = ask(&app, json!({"message": QUESTION})).await;
    assert_eq!(answer["metadata"]["fallback"], "organization_budget");
    let month = usage(&app).await;
    assert_eq!(
        (&month["budget"], &month["installation"]["budget"]),
        (&json!(0.001), &json!(5.0))
    );

    put(json!({"monthly": "none"})).await.expect(200);
    let answer = ask(&app, json!({"message": QUESTION})).await;
    assert_eq!(answer["metadata"]["mode"], "generated");
    for body in [
        json!({}),
        json!({"monthly": null}),
        json!({"monthly": "-1"}),
        json!({"monthly": 5}),
        json!({"monthly": "1,50"}),
    ] {
        put(body).await.expect_error(422, "VALIDATION_FAILED");
    }
    let record = app.get("/api/v1/audit").await.expect(200);
    assert_eq!(record["entries"][0]["action"], "budget.set");
    assert_eq!(record["entries"][1]["subject"], "0.001 USD");
}

#[tokio::test]
async fn an_estimate_says_how_far_the_budget_reaches() {
    let (model, _hold) = chat(Ok(WRITTEN));
    let app = with_contract(App::with_budget(model, budget(Some("5")), None)).await;
    assert_json_snapshot!(
        "estimate_assumed",
        app.get("/api/v1/usage/estimate").await.expect(200)
    );
    for _ in 0..20 {
        ask(&app, json!({"message": QUESTION})).await;
    }
    let recorded = app.get("/api/v1/usage/estimate?budget=1.40").await.expect(200);
    assert_eq!(
        (&recorded["basis"], &recorded["answers"]),
        (&json!("recorded"), &json!(20))
    );
    assert_eq!(
        (&recorded["cost_per_question"], &recorded["questions"]),
        (&json!(0.00014), &json!(10_000))
    );
    let other = app.get("/api/v1/usage/estimate?model=gpt-9").await.expect(200);
    assert_eq!(
        (&other["price_known"], &other["basis"]),
        (&json!(false), &json!("assumed"))
    );
    app.get("/api/v1/usage/estimate?budget=lots")
        .await
        .expect_error(422, "VALIDATION_FAILED");
    App::new()
        .get("/api/v1/usage/estimate")
        .await
        .expect_error(422, "VALIDATION_FAILED");
}

#[tokio::test]
async fn fifty_questions_at_once_do_not_go_past_the_limit() {
    let (model, _hold) = chat(Ok(WRITTEN));
    // Fifty would cost 0.007, even one after another.
    let app = with_contract(App::with_budget(model, budget(Some("0.005")), None)).await;
    let asked = (0..50).map(|_| app.post("/api/v1/chat/ask", json!({"message": QUESTION})));
    let answers = futures_util::future::join_all(asked).await;
    let generated = answers
        .iter()
        .filter(|answer| answer.json()["metadata"]["mode"] == "generated")
        .count();
    assert!((1..=35).contains(&generated), "{generated}");
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let standing = app.library.budget_standing(&scope).await.unwrap();
    assert_eq!(standing.installation.spent.as_micros(), 140 * generated as i64);
    assert_eq!(standing.installation.reserved, Money::ZERO);
}
