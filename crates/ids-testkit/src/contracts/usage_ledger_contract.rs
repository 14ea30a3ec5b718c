//! What every [`UsageLedger`](ids_core::ports::UsageLedger) promises, one function or more a clause of the port's doc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures_util::future::join_all;
use ids_core::budget::{
    BudgetNotice, BudgetParty, Currency, Limits, Money, MonthSums, NewReservation, Settlement, UsageBy,
    UsageCount, UsageKind,
};
use ids_core::error::StoreErrorKind;
use ids_core::id::{DocumentId, ReservationId, SessionId};
use ids_core::moving::CostRecord;
use ids_core::ports::{Clock, Ids};
use ids_core::scope::Scope;
use ids_core::session::TokenUsage;
use ids_core::time::Timestamp;

use crate::belongings::{create_key, exchange};
use crate::clock::ManualClock;
use crate::stores::Stores;

const SECOND: Duration = Duration::from_secs(1);
const MONTH: Timestamp = ManualClock::START;

const fn money(micros: i64) -> Money {
    Money::from_micros(micros)
}

/// Limits in dollars.
const fn limits(installation: Option<i64>) -> Limits {
    Limits {
        installation: match installation {
            Some(micros) => Some(money(micros)),
            None => None,
        },
        currency: Currency::Usd,
        rate: None,
    }
}

fn reservation(stores: &Stores, amount: i64) -> NewReservation {
    NewReservation {
        reservation_id: ReservationId::from_uuid(stores.ids.next()),
        kind: UsageKind::Answer,
        key_id: None,
        session_id: None,
        model: "um-modelo".to_owned(),
        month_from: MONTH,
        amount: money(amount),
        usage: TokenUsage {
            prompt_tokens: 1_000,
            completion_tokens: 100,
        },
        is_price_known: true,
        documents: Vec::new(),
    }
}

fn settlement(reservation: &NewReservation, cost: i64) -> Settlement {
    Settlement {
        reservation_id: reservation.reservation_id,
        usage: TokenUsage {
            prompt_tokens: 500,
            completion_tokens: 50,
        },
        cost: money(cost),
        is_estimated: false,
    }
}

async fn reserved(
    stores: &Stores,
    scope: &Scope,
    reservation: &NewReservation,
    limits: &Limits,
) -> Option<BudgetParty> {
    stores
        .ledger
        .reserve(scope, reservation, limits)
        .await
        .unwrap()
        .refused_by
}

async fn settle(stores: &Stores, scope: &Scope, settlement: &Settlement) -> Option<Vec<BudgetNotice>> {
    stores
        .ledger
        .settle(scope, settlement, &limits(None))
        .await
        .unwrap()
}

/// Spent and reserved of the organization and of all.
async fn sums(stores: &Stores, scope: &Scope) -> [(i64, i64); 2] {
    let state = stores
        .ledger
        .month_state(scope, MONTH, Currency::Usd)
        .await
        .unwrap();
    let of = |sums: MonthSums| (sums.spent.as_micros(), sums.reserved.as_micros());
    [of(state.organization), of(state.installation)]
}

async fn counted(stores: &Stores, scope: &Scope, by: UsageBy) -> Vec<UsageCount> {
    let until = stores.clock.now().plus(SECOND);
    stores.ledger.count_usage(scope, MONTH, until, by).await.unwrap()
}

async fn spent(stores: &Stores, scope: &Scope, by: UsageBy) -> Money {
    counted(stores, scope, by)
        .await
        .into_iter()
        .map(|row| row.cost)
        .sum()
}

/// UsageLedger, clause 1: what is granted at once never adds up to more than the limit.
pub async fn fifty_at_once_are_granted_no_more_than_the_limit(stores: &Stores) {
    let scope = Stores::scope();
    let other = stores.other_organization().await;
    let limit = limits(Some(70));
    let asked: Vec<NewReservation> = (0..50).map(|_| reservation(stores, 10)).collect();

    let refused = join_all(asked.iter().enumerate().map(|(at, reservation)| {
        let scope = if at % 2 == 0 { &scope } else { &other };
        reserved(stores, scope, reservation, &limit)
    }))
    .await;

    let granted = refused.iter().filter(|party| party.is_none()).count();
    assert_eq!(granted, 7);
    assert!(
        refused
            .into_iter()
            .flatten()
            .all(|party| party == BudgetParty::Installation)
    );
    assert_eq!(sums(stores, &scope).await[1], (0, 70));
    let [own, theirs] = [sums(stores, &scope).await[0], sums(stores, &other).await[0]];
    assert_eq!(own.1 + theirs.1, 70, "the sum of all is that of each");
}

/// UsageLedger, clause 1: an organization's own limit holds as well, and is named when it refuses.
pub async fn an_organization_has_a_limit_of_its_own(stores: &Stores) {
    let scope = Stores::scope();
    let other = stores.other_organization().await;
    let own = Some((money(15), Currency::Usd));
    stores.ledger.set_organization_limit(&scope, own).await.unwrap();
    let limit = limits(Some(30));
    let ask = async |scope: &Scope, amount| {
        let reservation = reservation(stores, amount);
        reserved(stores, scope, &reservation, &limit).await
    };

    assert_eq!(ask(&scope, 10).await, None);
    assert_eq!(ask(&scope, 10).await, Some(BudgetParty::Organization));
    assert_eq!(ask(&other, 20).await, None, "the refused one left nothing behind");
    assert_eq!(ask(&scope, 5).await, Some(BudgetParty::Installation));
    assert_eq!(ask(&other, 0).await, None, "what costs nothing is never refused");
    assert_eq!(sums(stores, &scope).await, [(0, 10), (0, 30)]);

    let state = async || {
        let state = stores.ledger.month_state(&scope, MONTH, Currency::Usd).await;
        state.unwrap().organization_limit
    };
    assert_eq!(state().await, own);
    stores.ledger.set_organization_limit(&scope, None).await.unwrap();
    assert_eq!(state().await, None);
    let nobody = Scope::organization(ids_core::id::OrganizationId::from_uuid(stores.ids.next()));
    let gone = stores
        .ledger
        .set_organization_limit(&nobody, own)
        .await
        .unwrap_err();
    assert_eq!(gone.kind(), StoreErrorKind::NotFound);
    let gone = stores
        .ledger
        .reserve(&nobody, &reservation(stores, 1), &limit)
        .await;
    assert_eq!(gone.unwrap_err().kind(), StoreErrorKind::NotFound);
}

/// UsageLedger, clause 1: months and currencies are counted apart.
pub async fn each_month_and_currency_begins_at_nothing(stores: &Stores) {
    let scope = Stores::scope();
    let full = limits(Some(10));
    let first = reservation(stores, 10);
    assert_eq!(reserved(stores, &scope, &first, &full).await, None);
    let next_month = NewReservation {
        month_from: MONTH.plus(SECOND * 3_600 * 24 * 30),
        ..reservation(stores, 10)
    };
    assert_eq!(reserved(stores, &scope, &next_month, &full).await, None);
    let reais = Limits {
        currency: Currency::Brl,
        ..full
    };
    let other = reservation(stores, 10);
    assert_eq!(reserved(stores, &scope, &other, &reais).await, None);
    assert_eq!(
        reserved(stores, &scope, &reservation(stores, 1), &full).await,
        Some(BudgetParty::Installation)
    );
}

/// UsageLedger, clause 2: a reservation becomes what the answer cost, once.
pub async fn a_reservation_is_settled_once(stores: &Stores) {
    let scope = Stores::scope();
    let first = reservation(stores, 100);
    assert_eq!(reserved(stores, &scope, &first, &limits(None)).await, None);
    assert_eq!(sums(stores, &scope).await, [(0, 100); 2]);

    assert!(settle(stores, &scope, &settlement(&first, 42)).await.is_some());
    assert_eq!(settle(stores, &scope, &settlement(&first, 42)).await, None);
    let never = reservation(stores, 100);
    assert_eq!(settle(stores, &scope, &settlement(&never, 42)).await, None);

    assert_eq!(sums(stores, &scope).await, [(42, 0); 2]);
    let rows = counted(stores, &scope, UsageBy::Model).await;
    let row = UsageCount {
        model: Some("um-modelo".to_owned()),
        currency: Some(Currency::Usd),
        questions: 1,
        prompt_tokens: 500,
        completion_tokens: 50,
        cost: money(42),
        ..UsageCount::default()
    };
    assert_eq!(rows, [row]);
}

/// UsageLedger, clause 5: what is no answer has tokens and a cost, and is no question.
pub async fn only_answers_are_questions(stores: &Stores) {
    let scope = Stores::scope();
    let mut expected = UsageCount {
        model: Some("um-modelo".to_owned()),
        currency: Some(Currency::Usd),
        ..UsageCount::default()
    };
    for (kind, is_left) in [
        (UsageKind::Answer, false),
        (UsageKind::Rewriting, false),
        (UsageKind::Embedding, false),
        (UsageKind::Embedding, true),
    ] {
        let aside = NewReservation {
            kind,
            ..reservation(stores, 100)
        };
        assert_eq!(reserved(stores, &scope, &aside, &limits(None)).await, None);
        if is_left {
            let before = stores.clock.now().plus(SECOND);
            let expired = stores
                .ledger
                .settle_expired(&scope, before, &limits(None), 10)
                .await;
            assert_eq!(expired.unwrap().0, 1);
        } else {
            settle(stores, &scope, &settlement(&aside, 42)).await;
        }
        expected.questions += u64::from(kind == UsageKind::Answer);
        expected.embeddings += u64::from(kind == UsageKind::Embedding);
        expected.estimated += u64::from(is_left);
        expected.prompt_tokens += if is_left { 1_000 } else { 500 };
        expected.completion_tokens += if is_left { 100 } else { 50 };
        expected.cost = expected.cost.plus(money(if is_left { 100 } else { 42 }));
    }
    assert_eq!(counted(stores, &scope, UsageBy::Model).await, [expected]);
    assert_eq!(sums(stores, &scope).await, [(226, 0); 2]);
}

/// UsageLedger, clause 2: an answer may cost more than was set aside, when its model's server does not keep to what it was asked for.
pub async fn what_was_really_spent_counts(stores: &Stores) {
    let scope = Stores::scope();
    let first = reservation(stores, 10);
    reserved(stores, &scope, &first, &limits(None)).await;
    settle(stores, &scope, &settlement(&first, 25)).await;
    assert_eq!(sums(stores, &scope).await, [(25, 0); 2]);
}

/// UsageLedger, clause 3: what nobody settled counts at its whole amount, once.
pub async fn what_runs_out_is_settled_at_its_amount_once(stores: &Stores) {
    let scope = Stores::scope();
    let left = reservation(stores, 100);
    reserved(stores, &scope, &left, &limits(None)).await;
    stores.clock.advance(SECOND * 600);
    let young = reservation(stores, 7);
    reserved(stores, &scope, &young, &limits(None)).await;
    let before = stores.clock.now();
    let none = limits(None);

    let settled = join_all((0..4).map(|_| stores.ledger.settle_expired(&scope, before, &none, 10))).await;

    let counts = settled.into_iter().map(|settled| settled.unwrap().0);
    assert_eq!(counts.sum::<usize>(), 1);
    assert_eq!(sums(stores, &scope).await, [(100, 7); 2]);
    assert_eq!(
        settle(stores, &scope, &settlement(&left, 1)).await,
        None,
        "too late"
    );
    let rows = counted(stores, &scope, UsageBy::Model).await;
    assert_eq!((rows[0].cost, rows[0].estimated), (money(100), 1));
    assert_eq!((rows[0].prompt_tokens, rows[0].completion_tokens), (1_000, 100));
    assert_eq!(
        settle(stores, &scope, &settlement(&young, 1)).await,
        Some(Vec::new())
    );
}

/// UsageLedger, clauses 4 and 5: whatever was settled how, every way of telling rows apart adds up to the month's sum.
pub async fn every_way_of_counting_adds_up_to_the_month(stores: &Stores) {
    let scope = Stores::scope();
    let key = create_key(stores, &scope).await.0.key_id;
    let documents: Vec<DocumentId> = (0..3).map(|_| stores.document_id()).collect();
    // A sequence that looks like chance, and is the same each time.
    let mut chance = 7u64;
    let mut next = |below: u64| {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % below
    };
    for round in 0..60 {
        let amount = 1 + next(1_000) as i64;
        let number = next(4) as usize;
        let reservation = NewReservation {
            kind: UsageKind::ALL[next(3) as usize],
            key_id: (next(2) == 0).then_some(key),
            session_id: (next(3) > 0).then(|| SessionId::from_uuid(stores.ids.next())),
            model: format!("modelo-{}", next(3)),
            is_price_known: next(5) > 0,
            documents: documents[..number.min(3)].to_vec(),
            ..reservation(stores, amount)
        };
        reserved(stores, &scope, &reservation, &limits(None)).await;
        match next(4) {
            0 => {}
            1 => {
                let extractive = exchange(stores, Some(key));
                stores.sessions.append(&scope, &extractive).await.unwrap();
            }
            _ => {
                settle(
                    stores,
                    &scope,
                    &settlement(&reservation, next(amount as u64 + 1) as i64),
                )
                .await;
            }
        }
        if round % 20 == 19 {
            stores.clock.advance(SECOND);
            let before = stores.clock.now();
            stores
                .ledger
                .settle_expired(&scope, before, &limits(None), 5)
                .await
                .unwrap();
        }
        let [own, all] = sums(stores, &scope).await;
        assert_eq!(own, all);
        for by in UsageBy::ALL {
            assert_eq!(
                spent(stores, &scope, by).await.as_micros(),
                own.0,
                "{by:?} after {round}"
            );
        }
    }
    let tokens = async |by| {
        let rows = counted(stores, &scope, by).await;
        let sum = |of: fn(&UsageCount) -> u64| rows.iter().map(of).sum::<u64>();
        (sum(|row| row.prompt_tokens), sum(|row| row.completion_tokens))
    };
    let by_model = tokens(UsageBy::Model).await;
    assert!(by_model.0 > 0);
    for by in UsageBy::ALL {
        assert_eq!(tokens(by).await, by_model, "{by:?}");
    }
}

/// UsageLedger, clause 5: rows are told apart by what was asked for, the dearest first, and no other time is counted.
pub async fn rows_are_told_apart_by_what_is_asked_for(stores: &Stores) {
    let scope = Stores::scope();
    let key = create_key(stores, &scope).await.0.key_id;
    let session = SessionId::from_uuid(stores.ids.next());
    let documents = vec![stores.document_id(), stores.document_id()];
    let cheap = NewReservation {
        key_id: Some(key),
        session_id: Some(session),
        documents: documents.clone(),
        ..reservation(stores, 100)
    };
    let dear = NewReservation {
        model: "outro".to_owned(),
        is_price_known: false,
        ..reservation(stores, 100)
    };
    for (reservation, cost) in [(&cheap, 5), (&dear, 50)] {
        reserved(stores, &scope, reservation, &limits(None)).await;
        settle(stores, &scope, &settlement(reservation, cost)).await;
    }

    let models: Vec<_> = counted(stores, &scope, UsageBy::Model).await;
    let told: Vec<_> = models
        .iter()
        .map(|row| (row.model.as_deref(), row.cost, row.unknown_prices))
        .collect();
    assert_eq!(
        told,
        [(Some("outro"), money(50), 1), (Some("um-modelo"), money(5), 0)]
    );
    let keys: Vec<_> = counted(stores, &scope, UsageBy::Key).await;
    assert_eq!([keys[0].key_id, keys[1].key_id], [None, Some(key)]);
    let sessions: Vec<_> = counted(stores, &scope, UsageBy::Session).await;
    assert_eq!(
        [sessions[0].session_id, sessions[1].session_id],
        [None, Some(session)]
    );
    let by_document: Vec<_> = counted(stores, &scope, UsageBy::Document).await;
    let told: Vec<_> = by_document
        .iter()
        .map(|row| (row.document_id, row.cost.as_micros()))
        .collect();
    assert_eq!(
        told,
        [(None, 50), (Some(documents[0]), 3), (Some(documents[1]), 2)]
    );
    let both: Vec<_> = counted(stores, &scope, UsageBy::KeyAndModel).await;
    assert_eq!(
        (both[1].key_id, both[1].model.as_deref()),
        (Some(key), Some("um-modelo"))
    );

    let later = MONTH.plus(SECOND);
    let outside = stores
        .ledger
        .count_usage(&scope, later, later.plus(SECOND), UsageBy::Key)
        .await;
    assert_eq!(outside.unwrap(), []);
}

/// UsageLedger, clause 6: a share of a limit is told of once a month, of the installation and of each organization.
pub async fn each_share_of_a_limit_is_told_once(stores: &Stores) {
    let scope = Stores::scope();
    let limit = limits(Some(100));
    let own = Some((money(50), Currency::Usd));
    stores.ledger.set_organization_limit(&scope, own).await.unwrap();
    let spend = async |amount| {
        let reservation = reservation(stores, amount);
        let reserved = stores.ledger.reserve(&scope, &reservation, &limit).await.unwrap();
        let settled = match reserved.refused_by {
            None => {
                let settled = stores
                    .ledger
                    .settle(&scope, &settlement(&reservation, amount), &limit)
                    .await;
                settled.unwrap().unwrap()
            }
            Some(_) => Vec::new(),
        };
        let notices = [reserved.notices, settled].concat();
        let told = notices
            .iter()
            .map(|notice| (notice.organization.is_some(), notice.percent));
        told.collect::<Vec<_>>()
    };
    assert_eq!(spend(39).await, []);
    assert_eq!(spend(1).await, [(true, 80)]);
    assert_eq!(spend(5).await, []);
    assert_eq!(spend(6).await, [(true, 100)], "it does not fit any more");
    assert_eq!(spend(6).await, []);
    let state = stores
        .ledger
        .month_state(&scope, MONTH, Currency::Usd)
        .await
        .unwrap();
    assert!(state.organization.is_used_up(money(50)) && !state.organization.is_used_up(money(51)));
    assert!(!state.installation.is_used_up(money(100)));
    stores.ledger.set_organization_limit(&scope, None).await.unwrap();
    assert_eq!(spend(40).await, [(false, 80)]);
    assert_eq!(spend(15).await, [(false, 100)], "all is spent");
    assert_eq!(spend(1).await, []);
}

/// UsageLedger, clause 6: a limit that was raised is another one.
pub async fn a_raised_limit_is_told_of_anew(stores: &Stores) {
    let scope = Stores::scope();
    let spend = async |amount, limit| {
        let reservation = reservation(stores, amount);
        let limit = limits(Some(limit));
        stores.ledger.reserve(&scope, &reservation, &limit).await.unwrap();
        let settled = stores
            .ledger
            .settle(&scope, &settlement(&reservation, amount), &limit)
            .await;
        let notices = settled.unwrap().unwrap();
        notices.iter().map(|notice| notice.percent).collect::<Vec<_>>()
    };
    assert_eq!(spend(100, 100).await, [80, 100]);
    assert_eq!(spend(1, 200).await, [0u8; 0]);
    assert_eq!(spend(60, 200).await, [80]);
    assert_eq!(spend(1, 190).await, [0u8; 0], "nor when it is lowered");
    assert_eq!(spend(38, 200).await, [100]);
}

/// UsageLedger, clause 7: a notice is one caller's at a time, and comes again until it was told.
pub async fn a_notice_comes_again_until_it_was_told(stores: &Stores) {
    let scope = Stores::scope();
    let since = MONTH.minus(SECOND);
    let limit = limits(Some(10));
    let first = reservation(stores, 9);
    stores.ledger.reserve(&scope, &first, &limit).await.unwrap();
    let made = stores
        .ledger
        .settle(&scope, &settlement(&first, 9), &limit)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(made.len(), 1);

    let taken = join_all((0..3).map(|_| stores.ledger.take_notice(&scope, since))).await;
    let taken: Vec<_> = taken.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(taken, made);
    stores.clock.advance(SECOND * 61);
    assert_eq!(
        stores.ledger.take_notice(&scope, since).await.unwrap(),
        Some(made[0])
    );
    stores.clock.advance(SECOND * 61);
    assert_eq!(
        stores.ledger.take_notice(&scope, since).await.unwrap(),
        None,
        "the pause doubles"
    );
    stores.clock.advance(SECOND * 61);
    assert_eq!(
        stores
            .ledger
            .take_notice(&scope, stores.clock.now())
            .await
            .unwrap(),
        None,
        "too old"
    );
    stores.ledger.end_notice(&scope, &made[0]).await.unwrap();
    stores.clock.advance(SECOND * 3_600 * 24);
    assert_eq!(stores.ledger.take_notice(&scope, since).await.unwrap(), None);
}

/// UsageLedger, clause 8: another organization's is not counted or told, and what one spent stays in the installation's sum when it goes.
pub async fn what_another_organization_spent_stays_apart(stores: &Stores) {
    let scope = Stores::scope();
    let other = stores.other_organization().await;
    let own = Some((money(10), Currency::Usd));
    stores.ledger.set_organization_limit(&other, own).await.unwrap();
    let theirs = reservation(stores, 10);
    reserved(stores, &other, &theirs, &limits(None)).await;
    assert_eq!(settle(stores, &scope, &settlement(&theirs, 1)).await, None);
    let later = stores.clock.now().plus(SECOND);
    let expired = stores
        .ledger
        .settle_expired(&scope, later, &limits(None), 10)
        .await
        .unwrap();
    assert_eq!(expired.0, 0);
    assert_eq!(
        settle(stores, &other, &settlement(&theirs, 9))
            .await
            .unwrap()
            .len(),
        1
    );
    let open = reservation(stores, 1);
    reserved(stores, &other, &open, &limits(None)).await;

    assert_eq!(counted(stores, &scope, UsageBy::Model).await, []);
    assert_eq!(sums(stores, &scope).await, [(0, 0), (9, 1)]);
    assert_eq!(
        stores
            .ledger
            .take_notice(&scope, MONTH.minus(SECOND))
            .await
            .unwrap(),
        None
    );

    stores.organizations.delete_organization(&other).await.unwrap();
    assert_eq!(
        sums(stores, &scope).await,
        [(0, 0), (10, 0)],
        "what was set aside counts as spent"
    );
    assert_eq!(sums(stores, &other).await[0], (0, 0));
}

/// UsageLedger, clause 5 and LibraryArchive, clause 7: what is moved counts where it comes to, in the same month.
pub async fn use_that_is_moved_counts_in_its_month(stores: &Stores) {
    let scope = Stores::scope();
    let first = NewReservation {
        documents: vec![stores.document_id(), stores.document_id()],
        ..reservation(stores, 100)
    };
    reserved(stores, &scope, &first, &limits(None)).await;
    settle(stores, &scope, &settlement(&first, 7)).await;
    let records = stores.archive.list_usage(&scope).await.unwrap();
    let cost = CostRecord {
        amount: money(7),
        currency: Currency::Usd,
        month_from: MONTH,
        is_price_known: true,
        is_estimated: false,
    };
    assert_eq!(
        (records[0].cost, &records[0].documents),
        (Some(cost), &first.documents)
    );

    let other = stores.other_organization().await;
    stores.archive.append_usage(&other, &records).await.unwrap();

    assert_eq!(stores.archive.list_usage(&other).await.unwrap(), records);
    assert_eq!(sums(stores, &other).await, [(7, 0), (14, 0)]);
    assert_eq!(spent(stores, &other, UsageBy::Document).await, money(7));
}

/// Runs every clause against an adapter: `usage_ledger_contract!(make);`, where `make` is an `async fn` without arguments
/// that returns new [`Stores`](crate::Stores).
#[macro_export]
macro_rules! usage_ledger_contract {
    ($make:path) => {
        $crate::usage_ledger_contract! { @clauses $make:
            fifty_at_once_are_granted_no_more_than_the_limit
            an_organization_has_a_limit_of_its_own
            each_month_and_currency_begins_at_nothing
            only_answers_are_questions
            a_reservation_is_settled_once
            what_was_really_spent_counts
            what_runs_out_is_settled_at_its_amount_once
            every_way_of_counting_adds_up_to_the_month
            rows_are_told_apart_by_what_is_asked_for
            each_share_of_a_limit_is_told_once
            a_raised_limit_is_told_of_anew
            a_notice_comes_again_until_it_was_told
            what_another_organization_spent_stays_apart
            use_that_is_moved_counts_in_its_month
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let stores = $make().await;
                $crate::contracts::usage_ledger_contract::$clause(&stores).await;
            }
        )+
    };
}
