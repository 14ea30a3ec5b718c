//! 100,000 chunks: no statement reads a whole table that grows, and a small organization is found beside a large one.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use deadpool_postgres::tokio_postgres::Client;
use ids_core::access::KeyHash;
use ids_core::budget::{Currency, Limits, UsageBy};
use ids_core::chunk::Filter;
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::id::ChunkId;
use ids_core::job::{Lane, QueueName};
use ids_core::ports::{Clock, DocumentOrder, DocumentQuery, SessionQuery};
use ids_core::scope::{Scope, Tag};
use ids_core::time::Timestamp;
use ids_postgres::{Capabilities, PostgresConfig, PostgresLibrary};
use ids_testkit::stores::{NewDocument, collection, term, weighted};
use ids_testkit::{ManualClock, SequentialIds, Stores};
use sha2::{Digest, Sha256};

use crate::Library;

/// Tables that grow with what is stored; reading one whole would make every library slower than the one before.
const GROWING: [&str; 17] = [
    "answer_usage",
    "usage_documents",
    "reservations",
    "api_keys",
    "chunks",
    "deliveries",
    "document_tags",
    "documents",
    "embeddings",
    "jobs",
    "messages",
    "pages",
    "postings",
    "sessions",
    "term_statistic_deltas",
    "term_statistics",
    "versions",
];

/// Of all stores over the library: an id is used once.
static IDS: LazyLock<Arc<SequentialIds>> = LazyLock::new(Arc::default);

fn model() -> EmbeddingModel {
    EmbeddingModel {
        name: "test-8d".to_owned(),
        dimensions: 8,
    }
}

/// A unit vector out of a number.
fn vector(seed: u32) -> Embedding {
    let values: Vec<f32> = (1..=8)
        .map(|at| ((seed * 8 + at) as f32 * 12.9898).sin())
        .collect();
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    Embedding::from_f32(&values.iter().map(|value| value / norm).collect::<Vec<_>>())
}

/// The library of `big_library.sql`, and a connection beside it.
async fn big() -> (Library, Client) {
    let opened = Library::with_pool(1).await;
    let client = opened.connect().await;
    let stores = stores_over(&opened.library);
    // One document as everyone has it makes the model and its index.
    let document = NewDocument::named("first.txt").in_collection("first");
    let first = stores.prepared(&Stores::scope(), &document, &["primeiro"]).await;
    let vectors = [(0, vector(1))];
    let model = model();
    let stored = stores.chunks.store_embeddings(&first.lease, &model, &vectors);
    stored.await.unwrap();
    stores.jobs.complete(&first.lease, None).await.unwrap();
    let indexes = client
        .query(
            "select m.model_no, c.oid::regclass::text, pg_get_indexdef(c.oid) from embedding_models m
             join pg_class c on c.relname like 'embeddings\\_hnsw\\_' || m.model_no || '\\_%'
             where c.relnamespace = current_schema()::regnamespace",
            &[],
        )
        .await
        .unwrap();
    let model_no: i32 = indexes[0].get(0);
    let names: Vec<String> = indexes.iter().map(|row| row.get(1)).collect();
    let definitions: Vec<String> = indexes.iter().map(|row| row.get(2)).collect();
    // Building them anew is ten times faster than filling them row by row.
    for sql in [
        format!("drop index {}", names.join(", ")),
        include_str!("big_library.sql").replace("$model", &model_no.to_string()),
        definitions.join(";"),
        format!("vacuum (analyze) {}", GROWING.join(", ")),
    ] {
        client.batch_execute(&sql).await.unwrap();
    }
    (opened, client)
}

fn stores_over(library: &PostgresLibrary) -> Stores {
    Stores {
        documents: Arc::new(library.clone()),
        chunks: Arc::new(library.clone()),
        jobs: Arc::new(library.clone()),
        queue: Arc::new(library.clone()),
        sessions: Arc::new(library.clone()),
        ledger: Arc::new(library.clone()),
        organizations: Arc::new(library.clone()),
        cleanups: Arc::new(library.clone()),
        workers: Arc::new(library.clone()),
        backups: Arc::new(library.clone()),
        archive: Arc::new(library.clone()),
        clock: Arc::new(ManualClock::default()),
        ids: Arc::clone(&IDS),
        keep: Box::new(()),
    }
}

/// Runs `ask` over a connection of its own, and gives how often it read each growing table whole and used each index.
async fn scans_of(opened: &Library, client: &Client, scope: &Scope) -> BTreeMap<String, i64> {
    let config = PostgresConfig {
        pool_size: 1,
        ..opened.schema.config()
    };
    let clock = Arc::clone(&opened.clock) as Arc<dyn Clock>;
    let library = PostgresLibrary::open(&config, clock).await.unwrap();
    client
        .query_one("select pg_stat_force_next_flush()", &[])
        .await
        .unwrap();
    let before = scans(client).await;
    ask_everything(&stores_over(&library), scope).await;
    // What a connection counted is seen once it ends.
    library.close();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let after = scans(client).await;
        let flushed = after["postings_key"] > before["postings_key"];
        if flushed || Instant::now() > deadline {
            return after
                .into_iter()
                .map(|(name, count)| (name.clone(), count - before.get(&name).copied().unwrap_or(0)))
                .collect();
        }
    }
}

/// How often each growing table was read whole, and how often each index was used, so far.
async fn scans(client: &Client) -> BTreeMap<String, i64> {
    let rows = client
        .query(
            "select relname::text, seq_scan from pg_stat_user_tables
             where schemaname = current_schema() and relname = any($1)
             union all
             select indexrelname, idx_scan from pg_stat_user_indexes where schemaname = current_schema()",
            &[&GROWING.as_slice()],
        )
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Everything that is asked often.
async fn ask_everything(stores: &Stores, scope: &Scope) {
    let everything = Filter::default();
    let some = Filter {
        tags: vec![Tag::parse("tag0").unwrap()],
        ..Filter::default()
    };
    let much = Filter {
        collection: Some(collection("default")),
        ..Filter::default()
    };
    let terms = [
        weighted("one77", 9),
        weighted("some5", 5),
        weighted("half", 2),
        weighted("all", 1),
    ];
    let asked = [term("all")];
    // Often enough that the server stops planning each statement for its own values.
    for round in 0..7 {
        for filter in [&everything, &some, &much] {
            let chunks = &stores.chunks;
            let found = chunks.lexical_candidates(scope, filter, &terms).await.unwrap();
            let query = vector(round);
            let near = chunks
                .nearest(scope, filter, &model(), &query, 100)
                .await
                .unwrap();
            assert!(
                found.len() >= 60 && near.len() >= 60,
                "{} {}",
                found.len(),
                near.len()
            );
            let model = model();
            let load = chunks.load_candidates(scope, &found, &asked, Some(&model));
            assert_eq!(load.await.unwrap().len(), found.len());
            chunks.load_candidates(scope, &near, &asked, None).await.unwrap();
            chunks.load_details(scope, &near[..20]).await.unwrap();
            chunks.count_chunks(scope, filter).await.unwrap();
        }
        let asked = [term("all"), term("one9")];
        stores.chunks.statistics(scope, &asked).await.unwrap();
        list_and_find(stores, scope).await;
    }
}

async fn list_and_find(stores: &Stores, scope: &Scope) {
    let query = DocumentQuery {
        descending: true,
        ..DocumentQuery::first(20, DocumentOrder::CreatedAt)
    };
    // It counts all rows that are to be shown, by the key of the organization.
    let listed = stores.documents.list_documents(scope, &query).await.unwrap();
    let document = &listed.documents[0];
    stores
        .documents
        .find_document(scope, document.document_id)
        .await
        .unwrap();
    stores
        .documents
        .find_page(scope, document.document_id, 1)
        .await
        .unwrap();
    stores
        .documents
        .list_chunks(scope, document.document_id, 20, 0)
        .await
        .unwrap();
    stores
        .jobs
        .find_job(scope, document.job_id.unwrap())
        .await
        .unwrap();
    let sessions = SessionQuery {
        limit: 20,
        ..SessionQuery::default()
    };
    let sessions = stores.sessions.list_sessions(scope, &sessions).await.unwrap();
    let session_id = sessions.sessions[0].session_id;
    stores
        .sessions
        .list_messages(scope, session_id, 20)
        .await
        .unwrap();
    let (from, until) = (Timestamp::from_micros(10), Timestamp::from_micros(20));
    for by in UsageBy::ALL {
        stores.ledger.count_usage(scope, from, until, by).await.unwrap();
    }
    let limits = Limits {
        installation: None,
        currency: Currency::Usd,
        rate: None,
    };
    let ledger = &stores.ledger;
    ledger.settle_expired(scope, until, &limits, 10).await.unwrap();
    let hash = KeyHash::from_bytes(Sha256::digest("key77").into());
    assert!(stores.organizations.find_key(&hash).await.unwrap().is_some());
    let (queue, lane) = (QueueName::DocumentProcessing, Lane::Prepare);
    let delivery = stores
        .queue
        .receive(queue, lane, "worker", Duration::ZERO)
        .await
        .unwrap()
        .expect("thousands wait");
    stores.queue.extend(&delivery).await.unwrap();
    stores.queue.ack(&delivery).await.unwrap();
    let accepted = stores.accept(scope, &NewDocument::named("another.txt")).await;
    let claimed = stores.claim(&accepted).await;
    stores.prepare(&claimed, &["mais um"]).await;
    stores
        .chunks
        .store_embeddings(&claimed.lease, &model(), &[(0, vector(3))])
        .await
        .unwrap();
    stores.jobs.complete(&claimed.lease, None).await.unwrap();
    let document_id = claimed.lease.document_id;
    stores
        .documents
        .delete_document(scope, document_id)
        .await
        .unwrap();
}

/// The best ten, by looking at each vector.
async fn best_ten(client: &Client, organization: &str, query: &Embedding) -> Vec<ChunkId> {
    let values: Vec<String> = query.to_f32().iter().map(f32::to_string).collect();
    // The sum keeps the index out.
    let sql = format!(
        "select chunk_id from embeddings where organization_id = '{organization}'
         order by (vector <#> '[{}]'::halfvec) + 0 limit 10",
        values.join(",")
    );
    client
        .batch_execute(&format!("set ids.organization = '{organization}'"))
        .await
        .unwrap();
    let rows = client.query(&sql, &[]).await.unwrap();
    rows.iter().map(|row| ChunkId(row.get(0))).collect()
}

/// Of the best ten of each of 20 questions, how many are found.
async fn found_of_200(stores: &Stores, client: &Client, scope: &Scope) -> usize {
    let mut found = 0;
    for seed in 100..120 {
        let query = vector(seed);
        let near = stores
            .chunks
            .nearest(scope, &Filter::default(), &model(), &query, 100)
            .await
            .unwrap();
        let best = best_ten(client, &scope.organization.to_string(), &query).await;
        found += best.iter().filter(|chunk_id| near.contains(chunk_id)).count();
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_asked_often_reads_a_whole_table() {
    let (opened, client) = big().await;
    let stores = stores_over(&opened.library);
    // 0.1 % of all vectors: an index of all finds next to none of them.
    let found = found_of_200(&stores, &client, &Stores::other_scope()).await;
    assert_eq!(found, 200);
    let found = found_of_200(&stores, &client, &Stores::scope()).await;
    assert!(found >= 196, "{found} of 200");
    let older = Capabilities {
        server_version: 160_000,
        pgvector: (0, 7),
    };
    let clock = Arc::clone(&opened.clock) as Arc<dyn Clock>;
    let older = PostgresLibrary::open_with(&opened.schema.config(), clock, Some(older))
        .await
        .unwrap();
    let older = stores_over(&older);
    let found = found_of_200(&older, &client, &Stores::scope()).await;
    assert!(found >= 196, "{found} of 200 without iterative scans");

    let small = scans_of(&opened, &client, &Stores::other_scope()).await;
    assert_eq!(read_whole(&small), [""; 0]);
    let large = scans_of(&opened, &client, &Stores::scope()).await;
    // Who owns nearly all of a table and asks for all that is his, reads it: how many documents and conversations there are,
    // and which documents pass a filter that lets all pass.
    let allowed = ["documents", "sessions", "versions"];
    let read: Vec<&str> = read_whole(&large)
        .into_iter()
        .filter(|table| !allowed.contains(table))
        .collect();
    assert_eq!(read, [""; 0]);
    for index in [
        "postings_key",
        "embeddings_by_version",
        "embeddings_hnsw_1_0",
        "embeddings_hnsw_1_7",
        "chunks_key",
    ] {
        assert!(large[index] > 0, "{index} was not used");
    }
}

fn read_whole(scans: &BTreeMap<String, i64>) -> Vec<&'static str> {
    GROWING.into_iter().filter(|&table| scans[table] > 0).collect()
}
