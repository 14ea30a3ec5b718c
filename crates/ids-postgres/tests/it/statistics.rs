//! Statistics and postings stay exact whatever happens to documents, in any order and at the same time.

use std::sync::Arc;

use futures_util::future::join_all;
use ids_core::chunk::Filter;
use ids_core::error::{ErrorCode, Failure};
use ids_core::ports::Replaced;
use ids_postgres::PostgresLibrary;
use ids_testkit::Stores;
use ids_testkit::stores::{NewDocument, Prepared, chunk, direction, extracted, hash_of, model, term};

use crate::Library;

/// Numbers that look random and are the same in each run (xorshift).
pub struct Numbers(u64);

impl Numbers {
    /// From another seed others.
    pub fn new(seed: u64) -> Self {
        Self(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed))
    }

    /// The next one.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    /// Up to five chunks of up to eleven words out of nine.
    fn texts(&mut self) -> Vec<String> {
        (0..self.below(6))
            .map(|_| {
                let words = (0..self.below(12)).map(|_| format!("w{}", self.below(9)));
                words.collect::<Vec<_>>().join(" ")
            })
            .collect()
    }
}

async fn prepared(stores: &Stores, numbers: &mut Numbers, further: Option<&Prepared>) -> Prepared {
    let name = format!("{}.txt", numbers.below(1 << 30));
    let accepted = match further {
        Some(first) => {
            stores
                .accept_version(&Stores::scope(), first.document_id, &name)
                .await
        }
        None => stores.accept(&Stores::scope(), &NewDocument::named(&name)).await,
    };
    let claimed = stores.claim(&accepted).await;
    let texts = numbers.texts();
    stores
        .prepare(&claimed, &texts.iter().map(String::as_str).collect::<Vec<_>>())
        .await
}

/// One thing that may happen to a document. What the store refuses changes nothing.
async fn happen(stores: &Stores, numbers: &mut Numbers, prepared: &Prepared) {
    let scope = Stores::scope();
    match numbers.below(6) {
        0 => {
            let vectors = [(0, direction(1.0))];
            let _ = stores
                .chunks
                .store_embeddings(&prepared.lease, &model(), &vectors)
                .await;
        }
        1 | 2 => {
            let _ = stores.jobs.complete(&prepared.lease, None).await;
        }
        3 => {
            let code = [ErrorCode::Internal, ErrorCode::EmbeddingFailed][numbers.below(2)];
            let failure = Failure::passing(code, "failed");
            let _ = stores.jobs.fail(&prepared.lease, &failure, None).await;
        }
        4 => {
            let _ = stores.jobs.cancel(&scope, prepared.lease.job.job_id).await;
        }
        _ => {
            let _ = stores
                .documents
                .delete_document(&scope, prepared.document_id)
                .await;
        }
    }
}

async fn check(stores: &Stores, library: &PostgresLibrary) {
    let scope = Stores::scope();
    assert_eq!(library.verify_statistics().await.unwrap(), []);
    let counts = stores.documents.library_counts(&scope).await.unwrap();
    let statistics = stores.chunks.statistics(&scope, &[term("w0")]).await.unwrap();
    let counted = stores
        .chunks
        .count_chunks(&scope, &Filter::default())
        .await
        .unwrap();
    assert_eq!(counted, counts.chunks);
    assert_eq!(statistics.chunks, counts.chunks);
    let holding = stores.found_by_word(&scope, "w0").await;
    assert_eq!(statistics.document_frequencies, [holding.len() as u64]);
    assert!(
        holding
            .iter()
            .all(|text| text.split(' ').any(|word| word == "w0"))
    );
    let models = stores.chunks.embedding_models(&scope).await.unwrap();
    assert_eq!(
        models.iter().map(|(_, count)| count).sum::<u64>(),
        counts.embeddings
    );
}

#[tokio::test]
async fn statistics_stay_exact_whatever_happens() {
    for seed in 1..=4 {
        let opened = Library::open().await;
        let library = opened.library.clone();
        let stores = opened.stores();
        let mut numbers = Numbers::new(seed);
        let mut all: Vec<Prepared> = Vec::new();
        for _ in 0..30 {
            let at = numbers.below(all.len() + 1);
            let exists = match all.get(at) {
                Some(there) => stores
                    .documents
                    .find_document(&Stores::scope(), there.document_id)
                    .await
                    .unwrap()
                    .is_some(),
                None => false,
            };
            match (all.get(at).cloned(), numbers.below(3)) {
                (Some(there), 0) if exists => {
                    let further = prepared(&stores, &mut numbers, Some(&there)).await;
                    all.push(further);
                }
                (Some(there), _) => happen(&stores, &mut numbers, &there).await,
                (None, _) => {
                    let first = prepared(&stores, &mut numbers, None).await;
                    all.push(first);
                }
            }
        }
        check(&stores, &library).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_who_commit_at_once_all_count() {
    let opened = Library::with_pool(8).await;
    let library = opened.library.clone();
    let stores = Arc::new(opened.stores());
    // More than it takes to fold, so that some fold while others commit.
    let tasks = (0..8u64).map(|worker| {
        let stores = Arc::clone(&stores);
        crate::library::beside(async move {
            let mut numbers = Numbers::new(worker + 1);
            for round in 0..20 {
                let one = prepared(&stores, &mut numbers, None).await;
                if round % 4 == 0 {
                    let scope = Stores::scope();
                    stores
                        .documents
                        .delete_document(&scope, one.document_id)
                        .await
                        .unwrap();
                }
            }
        })
    });
    for done in join_all(tasks).await {
        done.unwrap();
    }
    check(&stores, &library).await;
}

#[tokio::test]
async fn differences_are_folded_when_there_are_many() {
    let library = Library::open().await;
    let client = library.connect().await;
    client
        .batch_execute("set ids.organization = '00000000-0000-0000-0000-000000000001'")
        .await
        .unwrap();
    let clone = library.library.clone();
    let stores = library.stores();
    let mut first = None;
    for number in 0..100 {
        let document = NewDocument::named(&format!("{number}.txt"));
        let one = stores.prepared(&Stores::scope(), &document, &["um dois"]).await;
        first.get_or_insert(one);
    }
    let count = async |table: &str| -> i64 {
        let sql = format!("select count(*) from {table}");
        client.query_one(&sql, &[]).await.unwrap().get(0)
    };
    assert_eq!(count("term_statistic_deltas").await, 0);
    assert_eq!(count("term_statistics").await, 4);
    let statistics = stores
        .chunks
        .statistics(&Stores::scope(), &[term("um"), term("nada")])
        .await
        .unwrap();
    assert_eq!((statistics.chunks, statistics.total_length), (100, 200));
    assert_eq!(statistics.document_frequencies, [100, 0]);

    let first = first.unwrap().document_id;
    stores
        .documents
        .delete_document(&Stores::scope(), first)
        .await
        .unwrap();
    assert!(count("term_statistic_deltas").await > 0);
    assert_eq!(clone.verify_statistics().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_equal_texts_stored_at_once_one_is_the_original() {
    let stores = Arc::new(Library::with_pool(8).await.stores());
    for round in 0..5 {
        let text = format!("texto {round}");
        let mut leases = Vec::new();
        for number in 0..6 {
            let document = NewDocument::named(&format!("{round}-{number}.txt"));
            let accepted = stores.accept(&Stores::scope(), &document).await;
            let lease = stores.claim(&accepted).await.lease;
            let pages = extracted(&[text.as_str()]);
            let saved = stores.documents.save_extraction(&lease, &pages, hash_of(&text));
            saved.await.unwrap();
            leases.push(lease);
        }
        let tasks = leases.iter().cloned().map(|lease| {
            let (stores, text) = (Arc::clone(&stores), text.clone());
            let replace = async move { stores.chunks.replace(&lease, &[chunk(0, &text)]).await };
            crate::library::beside(replace)
        });
        let replaced: Vec<Replaced> = join_all(tasks)
            .await
            .into_iter()
            .map(|done| done.unwrap().unwrap())
            .collect();
        let stored: Vec<usize> = (0..replaced.len())
            .filter(|&at| replaced[at] == Replaced::Stored)
            .collect();
        assert_eq!(stored.len(), 1, "{replaced:?}");
        let original = Replaced::DuplicateOf(leases[stored[0]].document_id);
        assert_eq!(replaced.iter().filter(|&one| *one == original).count(), 5);
    }
}
