//! Every clause of the index, deliveries and conversations; the index also as older versions of pgvector are asked.

use std::sync::Arc;

use deadpool_postgres::tokio_postgres::Client;
use futures_util::future::join_all;
use ids_core::ports::Clock;
use ids_postgres::{Capabilities, PostgresLibrary};
use ids_testkit::stores::{NewDocument, direction, model};
use ids_testkit::{ManualClock, Stores};

use crate::library::{Library, Schema};

ids_testkit::job_queue_contract!(crate::stores);
ids_testkit::session_store_contract!(crate::stores);

mod newest {
    ids_testkit::chunk_index_contract!(crate::stores);
    ids_testkit::embedding_change_contract!(crate::stores);
}

mod without_iterative_scans {
    ids_testkit::chunk_index_contract!(crate::search::pgvector_0_7);
    ids_testkit::embedding_change_contract!(crate::search::pgvector_0_7);
}

mod without_half_precision {
    ids_testkit::chunk_index_contract!(crate::search::pgvector_0_6);
    ids_testkit::embedding_change_contract!(crate::search::pgvector_0_6);
}

pub async fn pgvector_0_7() -> Stores {
    with_pgvector((0, 7)).await.stores()
}

pub async fn pgvector_0_6() -> Stores {
    with_pgvector((0, 6)).await.stores()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_model_met_by_several_at_once_has_its_indexes_once() {
    let opened = Library::with_pool(8).await;
    let client = opened.connect().await;
    let stores = opened.stores();
    let mut leases = Vec::new();
    for number in 0..6 {
        let document = NewDocument::named(&format!("{number}.txt"));
        leases.push(stores.prepared(&Stores::scope(), &document, &["um"]).await.lease);
    }
    let (model, vectors) = (model(), [(0, direction(1.0))]);
    let storing = leases
        .iter()
        .map(|lease| stores.chunks.store_embeddings(lease, &model, &vectors));
    for stored in join_all(storing).await {
        stored.unwrap();
    }
    let models = stores.chunks.embedding_models(&Stores::scope()).await.unwrap();
    assert_eq!(models, [(model, 6)]);
    assert_eq!(vector_indexes(&client).await.len(), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_one_index_of_a_library_of_before_is_split() {
    let opened = Library::with_pool(2).await;
    let client = opened.connect().await;
    let stores = opened.stores();
    let prepared = stores
        .prepared(&Stores::scope(), &NewDocument::named("a.txt"), &["um"])
        .await;
    let (model, vectors) = (model(), [(0, direction(1.0))]);
    let storing = stores.chunks.store_embeddings(&prepared.lease, &model, &vectors);
    storing.await.unwrap();
    let now = vector_indexes(&client).await;
    let dropping = now.iter().map(|(name, _)| format!("drop index {name}"));
    let dropping: Vec<String> = dropping.collect();
    client.batch_execute(&dropping.join(";")).await.unwrap();
    let (name, definition) = &now[0];
    let before = definition.replace(name, name.strip_suffix("_0").unwrap());
    let (before, _) = before.split_once(" AND ").unwrap();
    client.batch_execute(&format!("{before})")).await.unwrap();
    assert_eq!(vector_indexes(&client).await.len(), 1);

    client
        .batch_execute(include_str!("../../migrations/0007_split_vector_indexes.sql"))
        .await
        .unwrap();

    assert_eq!(vector_indexes(&client).await, now);
}

/// Names and definitions.
async fn vector_indexes(client: &Client) -> Vec<(String, String)> {
    let rows = client
        .query(
            "select indexname::text, indexdef from pg_indexes
             where schemaname = current_schema() and indexdef like '%hnsw%' order by 1",
            &[],
        )
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// A library that takes the server's pgvector for an older one.
pub async fn with_pgvector(pgvector: (u32, u32)) -> Library {
    let schema = Schema::new();
    let clock = Arc::new(ManualClock::default());
    let capabilities = Capabilities {
        server_version: 180_000,
        pgvector,
    };
    let library = PostgresLibrary::open_with(
        &schema.config(),
        Arc::clone(&clock) as Arc<dyn Clock>,
        Some(capabilities),
    )
    .await
    .expect("the library opens");
    Library {
        library,
        clock,
        schema,
    }
}
