//! What every [`WorkerRegistry`](ids_core::ports::WorkerRegistry) promises, one function or more a clause of the port's doc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ids_core::job::QueueName;
use ids_core::limits::LEADERSHIP;
use ids_core::ports::{Clock, RegisteredWorker};
use ids_core::time::Timestamp;

use crate::ManualClock;
use crate::stores::Stores;

const SECOND: Duration = Duration::from_secs(1);
const ROLE: &str = "reconciler";
const BEGIN: Timestamp = Timestamp::from_micros(0);

async fn names(stores: &Stores, since: Timestamp) -> Vec<String> {
    let workers = stores.workers.list_workers(since).await.unwrap();
    workers.into_iter().map(|worker| worker.name).collect()
}

async fn leads(stores: &Stores, worker: &str) -> bool {
    stores.workers.lead(ROLE, worker, LEADERSHIP).await.unwrap()
}

/// WorkerRegistry, clause 1: a worker is listed with its last heartbeat, its queues and its beginning, until it leaves.
pub async fn a_worker_is_listed_until_it_leaves(stores: &Stores) {
    let workers = &stores.workers;
    assert_eq!(workers.list_workers(BEGIN).await.unwrap(), []);
    workers.beat("a", &[QueueName::DocumentProcessing]).await.unwrap();
    stores.clock.advance(SECOND);
    workers.beat("a", &QueueName::ALL).await.unwrap();

    let listed = workers.list_workers(BEGIN).await.unwrap();
    let expected = RegisteredWorker {
        name: "a".to_owned(),
        queues: QueueName::ALL.to_vec(),
        started_at: ManualClock::START,
        seen_at: ManualClock::START.plus(SECOND),
    };
    assert_eq!(listed, [expected]);

    workers.leave("a").await.unwrap();
    workers.leave("a").await.unwrap();
    assert_eq!(workers.list_workers(BEGIN).await.unwrap(), []);
    workers.beat("a", &QueueName::ALL).await.unwrap();
    let again = workers.list_workers(BEGIN).await.unwrap();
    assert_eq!(
        again[0].started_at,
        stores.clock.now(),
        "who comes back begins anew"
    );
}

/// WorkerRegistry, clause 1: those heard of since a moment are listed, by name.
pub async fn workers_heard_of_since_are_listed_by_name(stores: &Stores) {
    for name in ["c", "a"] {
        stores.workers.beat(name, &QueueName::ALL).await.unwrap();
    }
    stores.clock.advance(SECOND);
    stores.workers.beat("b", &QueueName::ALL).await.unwrap();

    assert_eq!(names(stores, ManualClock::START).await, ["a", "b", "c"]);
    assert_eq!(names(stores, stores.clock.now()).await, ["b"]);
    assert_eq!(names(stores, stores.clock.now().plus(SECOND)).await, [""; 0]);
}

/// WorkerRegistry, clause 2: a role is one worker's, until its time has run out.
pub async fn a_role_is_one_workers_until_its_time_has_run_out(stores: &Stores) {
    assert!(leads(stores, "a").await);
    assert!(!leads(stores, "b").await);
    assert!(
        stores
            .workers
            .lead("another role", "b", LEADERSHIP)
            .await
            .unwrap()
    );

    stores.clock.advance(LEADERSHIP - SECOND);
    assert!(leads(stores, "a").await, "who has it keeps it");
    stores.clock.advance(LEADERSHIP - SECOND);
    assert!(!leads(stores, "b").await, "for the whole time from then on");
    stores.clock.advance(SECOND);
    assert!(leads(stores, "b").await);
    assert!(!leads(stores, "a").await, "it is not given back by itself");
    stores.clock.advance(LEADERSHIP);
    assert!(
        leads(stores, "b").await,
        "nobody took it when its time had run out"
    );
}

/// WorkerRegistry, clause 2: of those who ask at once, one leads.
pub async fn of_those_who_ask_at_once_one_leads(stores: &Stores) {
    for _ in 0..3 {
        let asked = tokio::join!(
            leads(stores, "a"),
            leads(stores, "b"),
            leads(stores, "c"),
            leads(stores, "d")
        );
        let leaders = [asked.0, asked.1, asked.2, asked.3];
        assert_eq!(leaders.iter().filter(|leads| **leads).count(), 1, "{leaders:?}");
        stores.clock.advance(LEADERSHIP);
    }
}

/// WorkerRegistry, clause 3: who steps down lets the next one lead at once, and takes nothing from another.
pub async fn who_steps_down_takes_nothing_from_another(stores: &Stores) {
    assert!(leads(stores, "a").await);
    stores.workers.step_down(ROLE, "b").await.unwrap();
    stores.workers.step_down("another role", "a").await.unwrap();
    assert!(!leads(stores, "b").await);

    stores.workers.step_down(ROLE, "a").await.unwrap();
    assert!(leads(stores, "b").await);
    stores.workers.step_down(ROLE, "a").await.unwrap();
    assert!(!leads(stores, "a").await);
}

/// WorkerRegistry, clause 4: workers that were not heard of since a moment are forgotten.
pub async fn workers_that_were_not_heard_of_are_forgotten(stores: &Stores) {
    for name in ["silent", "alive"] {
        stores.workers.beat(name, &QueueName::ALL).await.unwrap();
    }
    stores.clock.advance(SECOND);
    stores.workers.beat("alive", &QueueName::ALL).await.unwrap();

    stores.workers.forget_workers(ManualClock::START).await.unwrap();
    assert_eq!(
        names(stores, BEGIN).await,
        ["alive", "silent"],
        "heard of at that moment"
    );
    stores.workers.forget_workers(stores.clock.now()).await.unwrap();
    assert_eq!(names(stores, BEGIN).await, ["alive"]);
}

/// Runs every clause against an adapter: `worker_registry_contract!(make);`, where `make` is an `async fn` without
/// arguments that returns new [`Stores`](crate::Stores).
#[macro_export]
macro_rules! worker_registry_contract {
    ($make:path) => {
        $crate::worker_registry_contract! { @clauses $make:
            a_worker_is_listed_until_it_leaves
            workers_heard_of_since_are_listed_by_name
            a_role_is_one_workers_until_its_time_has_run_out
            of_those_who_ask_at_once_one_leads
            who_steps_down_takes_nothing_from_another
            workers_that_were_not_heard_of_are_forgotten
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let stores = $make().await;
                $crate::contracts::worker_registry_contract::$clause(&stores).await;
            }
        )+
    };
}
