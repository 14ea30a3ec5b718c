//! A notice of the budget over real HTTP: what is sent, what is tried again, and what is given up.

use std::time::Duration;

use ids_core::budget::{BudgetNotice, Currency, Money};
use ids_core::id::OrganizationId;
use ids_core::ports::BudgetAlarm;
use ids_core::time::Timestamp;
use ids_models::{BudgetWebhook, RetryPolicy};
use ids_net::TrustedRoots;
use ids_testkit::{Script, ScriptedModelServer};
use serde_json::json;

const RETRY: RetryPolicy = RetryPolicy {
    tries: 3,
    pause: Duration::from_millis(1),
    longest_pause: Duration::from_secs(1),
};

fn notice(organization: Option<OrganizationId>) -> BudgetNotice {
    BudgetNotice {
        organization,
        // 2026-11-01 in São Paulo.
        month_from: Timestamp::from_micros(1_793_502_000_000_000),
        currency: Currency::Brl,
        percent: 80,
        limit: Money::from_micros(295_000_000),
        spent: Money::from_micros(236_500_001),
        created_at: Timestamp::from_micros(1_794_000_000_000_000),
    }
}

async fn told(scripts: impl IntoIterator<Item = Script>) -> (ScriptedModelServer, bool) {
    let server = ScriptedModelServer::start(scripts).await;
    let address = format!("{}/services/T1?sig=secret", server.base_url());
    let webhook = BudgetWebhook::with(address.parse().unwrap(), &TrustedRoots::System, RETRY).unwrap();
    let told = webhook.tell(&notice(None)).await;
    if let Err(error) = &told {
        let words = format!("{error} {error:?}");
        assert!(!words.contains("secret"), "{words}");
    }
    (server, told.is_ok())
}

#[tokio::test]
async fn a_notice_is_posted_as_json_with_a_line_for_people() {
    let (server, is_told) = told([Script::status(204, &[], "")]).await;
    assert!(is_told);
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let head = &requests[0].head;
    assert!(
        head.starts_with("POST /v1/services/T1?sig=secret HTTP/1.1"),
        "{head}"
    );
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(
        requests[0].body,
        json!({
            "event": "ai_budget",
            "scope": "installation",
            "organization_id": null,
            "percent": 80,
            "currency": "BRL",
            "limit": "295.00",
            "spent": "236.500001",
            "month_from": "2026-11-01T03:00:00Z",
            "at": "2026-11-06T21:20:00Z",
            "text": "ids: 80% of the AI budget of this installation for the month are used (R$ 236.500001 of R$ 295.00)",
        })
    );
}

#[tokio::test]
async fn a_notice_of_an_organization_names_it() {
    let server = ScriptedModelServer::start([Script::status(200, &[], "ok")]).await;
    let webhook =
        BudgetWebhook::with(server.base_url().parse().unwrap(), &TrustedRoots::System, RETRY).unwrap();
    let organization = OrganizationId::DEFAULT;
    webhook.tell(&notice(Some(organization))).await.unwrap();
    let body = &server.requests()[0].body;
    assert_eq!(body["scope"], "organization");
    assert_eq!(body["organization_id"], organization.to_string());
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_cannot_is_given_up() {
    let ok = || Script::status(200, &[], "");
    let busy = |status| Script::status(status, &[("retry-after", "0")], "");
    for (scripts, requests, wanted) in [
        (vec![busy(503), busy(429), ok()], 3, true),
        (vec![Script::raw(""), ok()], 2, true),
        (vec![busy(500)], 3, false),
        (vec![Script::status(410, &[], "gone")], 1, false),
        (
            vec![Script::status(
                302,
                &[("location", "http://elsewhere.example/")],
                "",
            )],
            1,
            false,
        ),
    ] {
        let (server, is_told) = told(scripts.clone()).await;
        assert_eq!(
            (server.requests().len(), is_told),
            (requests, wanted),
            "{scripts:?}"
        );
    }
    let nobody = ScriptedModelServer::nobodys_base_url().await;
    let webhook = BudgetWebhook::with(nobody.parse().unwrap(), &TrustedRoots::System, RETRY).unwrap();
    assert!(webhook.tell(&notice(None)).await.is_err());
}
