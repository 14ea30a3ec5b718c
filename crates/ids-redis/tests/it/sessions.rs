//! Copies of conversations:
//! 1. what was read is not read again from the store behind, in no process;
//! 2. what changed is never shown as it was before, whoever was slow, died or could not be reached;
//! 3. Redis may be away, stand still, or hold anything: conversations go on.

use std::sync::Arc;
use std::time::Duration;

use ids_core::id::SessionId;
use ids_core::ports::SessionStore;
use ids_redis::{CachedSessions, Patience, Redis, RedisConfig};
use ids_testkit::Stores;
use ids_testkit::services::{PrivateRedis, redis, unique_name};

use crate::queue_fixture::{LONG, eventually, raw};
use crate::session_fixture::WatchedSessions;

/// However slow the machine is, and without a pause.
const PATIENT: Patience = Patience {
    call: LONG,
    pause: Duration::ZERO,
};
const MANY: usize = 2_000;

/// As many processes as a test wants, over one store and one Redis.
struct Processes {
    store: Arc<WatchedSessions>,
    config: RedisConfig,
    name: String,
}

impl Processes {
    fn on(dsn: &str, store: Arc<WatchedSessions>) -> Self {
        let name = unique_name("test-");
        let config = RedisConfig::from_dsn(dsn).unwrap().under(&name).unwrap();
        Self { store, config, name }
    }

    fn over(store: Arc<WatchedSessions>) -> Self {
        Self::on(&redis().dsn, store)
    }

    async fn start(&self) -> CachedSessions {
        self.start_with(&self.connect().await)
    }

    async fn connect(&self) -> Redis {
        Redis::connect(&self.config).await.unwrap()
    }

    fn start_with(&self, redis: &Redis) -> CachedSessions {
        let store = Arc::clone(&self.store) as Arc<dyn SessionStore>;
        CachedSessions::with_patience(store, redis.clone(), PATIENT)
    }

    fn key(&self, session_id: SessionId) -> String {
        format!(
            "ids:{}:session:{}/{session_id}",
            self.name,
            Stores::scope().organization
        )
    }
}

async fn title(sessions: &CachedSessions, session_id: SessionId) -> String {
    let found = sessions.find_session(&Stores::scope(), session_id).await;
    found.unwrap().expect("it is there").title
}

async fn length(sessions: &CachedSessions, session_id: SessionId) -> usize {
    let listed = sessions.list_messages(&Stores::scope(), session_id, MANY).await;
    listed.unwrap().len()
}

#[tokio::test]
async fn what_one_process_read_another_does_not_read_again() {
    let processes = Processes::over(WatchedSessions::new());
    let session_id = processes.store.begin("Multa").await;
    let (one, other) = (processes.start().await, processes.start().await);
    for sessions in [&one, &other, &one] {
        assert_eq!(title(sessions, session_id).await, "Multa");
        assert_eq!(length(sessions, session_id).await, 2);
    }
    assert_eq!(
        processes.store.reads(),
        2,
        "the session and its messages, once each"
    );
    let last = other
        .list_messages(&Stores::scope(), session_id, 1)
        .await
        .unwrap();
    assert_eq!(last[0].content, "Não sei.", "another length is another copy");
    assert_eq!(processes.store.reads(), 1);
}

#[tokio::test]
async fn every_change_of_one_process_shows_in_another() {
    let processes = Processes::over(WatchedSessions::new());
    let session_id = processes.store.begin("antigo").await;
    let (one, other) = (processes.start().await, processes.start().await);
    let scope = Stores::scope();
    assert_eq!(
        (title(&other, session_id).await, length(&other, session_id).await),
        ("antigo".to_owned(), 2)
    );

    one.rename_session(&scope, session_id, "novo").await.unwrap();
    assert_eq!(title(&other, session_id).await, "novo");
    let more = processes.store.exchange(session_id, None, "E depois?");
    one.append(&scope, &more).await.unwrap();
    assert_eq!(length(&other, session_id).await, 4);
    let found = other.find_session(&scope, session_id).await.unwrap().unwrap();
    assert_eq!(found.message_count, 4);
    one.delete_session(&scope, session_id).await.unwrap();
    assert_eq!(other.find_session(&scope, session_id).await.unwrap(), None);
    assert!(other.list_messages(&scope, session_id, MANY).await.is_err());
}

#[tokio::test]
async fn a_reader_who_was_overtaken_by_a_change_leaves_no_copy() {
    let store = WatchedSessions::gated();
    store.changes_begin.close();
    let processes = Processes::over(Arc::clone(&store));
    let session_id = store.begin("antigo").await;
    let (reader, writer) = (processes.start().await, processes.start().await);

    let read = title(&reader, session_id);
    let overtake = async {
        // The reader has read the old title, and cannot go on until the change is over.
        store.arrived.acquire().await.unwrap().forget();
        writer
            .rename_session(&Stores::scope(), session_id, "novo")
            .await
            .unwrap();
        store.reads_end.close();
    };
    let (read, ()) = tokio::join!(read, overtake);
    assert_eq!(read, "antigo", "it began before the change");
    assert_eq!(title(&reader, session_id).await, "novo");
    assert_eq!(title(&writer, session_id).await, "novo");
}

#[tokio::test]
async fn a_writer_who_dies_in_the_middle_leaves_no_copy() {
    let store = WatchedSessions::gated();
    store.reads_end.close();
    let processes = Processes::over(Arc::clone(&store));
    let session_id = store.begin("antigo").await;
    let (reader, writer) = (processes.start().await, processes.start().await);
    assert_eq!(title(&reader, session_id).await, "antigo");
    store.arrived.forget_permits(usize::MAX >> 4);

    let scope = Stores::scope();
    let dying = async {
        let change = writer.rename_session(&scope, session_id, "novo");
        tokio::select! {
            _ = change => panic!("it stands before the store"),
            permit = store.arrived.acquire() => permit.unwrap().forget(),
        }
    };
    dying.await;
    // Another process than the dead one: it may not keep what it reads, since the change may be made at any time.
    assert_eq!(title(&reader, session_id).await, "antigo");
    store.changes_begin.close();
    store.rename_session(&scope, session_id, "novo").await.unwrap();
    assert_eq!(title(&reader, session_id).await, "novo");
}

#[tokio::test]
async fn a_change_that_redis_could_not_be_told_of_is_told_when_it_is_back() {
    let mut server = PrivateRedis::persistent();
    let processes = Processes::on(&server.dsn, WatchedSessions::new());
    let session_id = processes.store.begin("antigo").await;
    let connections = [processes.connect().await, processes.connect().await];
    let [one, other] = [&connections[0], &connections[1]].map(|redis| processes.start_with(redis));
    assert_eq!(title(&one, session_id).await, "antigo");

    server.kill();
    let renamed = one.rename_session(&Stores::scope(), session_id, "novo").await;
    assert_eq!(renamed.unwrap().title, "novo");
    assert_eq!(title(&one, session_id).await, "novo");
    assert_eq!(title(&other, session_id).await, "novo", "straight from the store");
    // The old copy comes back with the server, and both processes reach it.
    server.restart();
    for redis in &connections {
        eventually(async || redis.ping().await).await;
    }
    let held: Vec<String> = redis::cmd("HKEYS")
        .arg(processes.key(session_id))
        .query_async(&mut raw(&server.dsn).await)
        .await
        .unwrap();
    assert!(held.contains(&"session".to_owned()));
    assert_eq!(title(&one, session_id).await, "novo");
    assert_eq!(
        title(&other, session_id).await,
        "novo",
        "told by the first process"
    );
    assert_eq!(processes.store.reads(), 4, "and kept again");
    assert_eq!(title(&one, session_id).await, "novo");
    assert_eq!(processes.store.reads(), 0);
}

#[tokio::test]
async fn a_redis_that_stands_still_costs_a_moment_once() {
    let server = PrivateRedis::volatile();
    let processes = Processes::on(&server.dsn, WatchedSessions::new());
    let session_id = processes.store.begin("antigo").await;
    let redis = Redis::connect(&processes.config).await.unwrap();
    let store = Arc::clone(&processes.store) as Arc<dyn SessionStore>;
    let sessions = CachedSessions::with_patience(
        store,
        redis,
        Patience {
            call: Duration::from_millis(100),
            pause: LONG,
        },
    );
    server.freeze();
    let calls = async {
        for number in 0..50 {
            let name = format!("título {number}");
            sessions
                .rename_session(&Stores::scope(), session_id, &name)
                .await
                .unwrap();
            assert_eq!(title(&sessions, session_id).await, name);
        }
    };
    let begun = std::time::Instant::now();
    calls.await;
    // 100 calls of 100 ms and more would take ten seconds.
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    server.thaw();
}

#[tokio::test]
async fn a_copy_that_cannot_be_read_counts_as_none() {
    let processes = Processes::over(WatchedSessions::new());
    let session_id = processes.store.begin("Multa").await;
    let sessions = processes.start().await;
    let mut raw = raw(&redis().dsn).await;
    for spoiled in [b"{\"version\":99}".as_slice(), b"", b"\xff\xfe", b"[]"] {
        assert_eq!(title(&sessions, session_id).await, "Multa");
        let () = redis::cmd("HSET")
            .arg(processes.key(session_id))
            .arg("session")
            .arg(spoiled)
            .query_async(&mut raw)
            .await
            .unwrap();
    }
    assert_eq!(title(&sessions, session_id).await, "Multa");
    // A key of another type is trouble with Redis, and no trouble with the conversation.
    let () = redis::cmd("SET")
        .arg(processes.key(session_id))
        .arg("x")
        .query_async(&mut raw)
        .await
        .unwrap();
    assert_eq!(title(&sessions, session_id).await, "Multa");
    sessions
        .rename_session(&Stores::scope(), session_id, "novo")
        .await
        .unwrap();
    assert_eq!(title(&sessions, session_id).await, "novo");
}

#[tokio::test]
async fn long_conversations_and_many_lengths_are_not_kept() {
    let processes = Processes::over(WatchedSessions::new());
    let session_id = processes.store.begin("Multa").await;
    let sessions = processes.start().await;
    let scope = Stores::scope();
    for limit in 1..=20 {
        sessions.list_messages(&scope, session_id, limit).await.unwrap();
    }
    let mut raw = raw(&redis().dsn).await;
    let mut count = async || -> usize {
        let command = redis::cmd("HLEN").arg(processes.key(session_id)).clone();
        command.query_async(&mut raw).await.unwrap()
    };
    assert_eq!(count().await, 7, "six lengths and the generation");

    let long = processes
        .store
        .exchange(session_id, None, &"muito ".repeat(60_000));
    sessions.append(&scope, &long).await.unwrap();
    assert_eq!(length(&sessions, session_id).await, 4);
    assert_eq!(count().await, 1, "the generation alone");
}
