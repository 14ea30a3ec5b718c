//! Both shapes find the same candidates for the same questions over the same documents (design.md 1).

use std::sync::Arc;

use ids_core::chunk::{Filter, NewChunk};
use ids_core::ports::{Clock, WeightedTerm};
use ids_core::scope::{Scope, Tag};
use ids_sqlite::SqliteLibrary;
use ids_testkit::stores::{NewDocument, chunk, collection, content_type, direction, model, term};
use ids_testkit::{ManualClock, SequentialIds, Stores};

use crate::statistics::Numbers;

const WORDS: usize = 120;

fn embedded() -> Stores {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let library = SqliteLibrary::open_in(folder.path(), Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
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
        archive: Arc::new(library),
        clock,
        ids: Arc::new(SequentialIds::default()),
        keep: Box::new(folder),
    }
}

/// A word, the first ones far more often than the last.
fn word(numbers: &mut Numbers) -> String {
    let below = numbers.below(WORDS) + 1;
    format!("w{}", numbers.below(below))
}

/// Fills stores: the same from the same seed.
async fn fill(stores: &Stores, seed: u64) {
    let mut numbers = Numbers::new(seed);
    let scope = Stores::scope();
    for at in 0..50 {
        let document = NewDocument::named(&format!("{at}.txt"))
            .in_collection(["a", "b", "c"][numbers.below(3)])
            .tagged(&[["x", "y"][numbers.below(2)]])
            .of_type(["text/plain", "text/html"][numbers.below(2)]);
        let count = [3, 12, 60, 300][numbers.below(4)];
        let chunks: Vec<NewChunk> = (0..count)
            .map(|index| {
                let words: Vec<String> = (0..1 + numbers.below(12)).map(|_| word(&mut numbers)).collect();
                NewChunk {
                    // One of its own, so that a content names its chunk.
                    content: format!("{at}-{index}"),
                    ..chunk(index, &words.join(" "))
                }
            })
            .collect();
        let accepted = stores.accept(&scope, &document).await;
        let claimed = stores.claim(&accepted).await;
        let prepared = stores.prepare_chunks(&claimed, &chunks).await;
        let vectors: Vec<_> = chunks
            .iter()
            .map(|_| direction(numbers.below(36_000) as f32 / 100.0))
            .collect();
        stores.embed(&prepared, &vectors).await;
        stores.jobs.complete(&prepared.lease, None).await.unwrap();
        if numbers.below(8) == 0 {
            stores
                .documents
                .delete_document(&scope, prepared.document_id)
                .await
                .unwrap();
        }
    }
}

fn filter(numbers: &mut Numbers) -> Filter {
    let mut filter = Filter::default();
    if numbers.below(2) == 0 {
        filter.collection = Some(collection(["a", "b", "none"][numbers.below(3)]));
    }
    if numbers.below(3) == 0 {
        filter.tags = vec![Tag::parse("x").unwrap()];
    }
    if numbers.below(3) == 0 {
        filter.content_types = vec![content_type("text/html")];
    }
    filter
}

/// Terms as the domain asks them: by rising frequency, then by term.
async fn terms(stores: &Stores, numbers: &mut Numbers) -> Vec<WeightedTerm> {
    let mut words: Vec<String> = (0..1 + numbers.below(6)).map(|_| word(numbers)).collect();
    words.sort_unstable();
    words.dedup();
    let terms: Vec<_> = words.iter().map(|word| term(word)).collect();
    let statistics = stores.chunks.statistics(&Stores::scope(), &terms).await.unwrap();
    let mut known: Vec<_> = statistics.document_frequencies.into_iter().zip(terms).collect();
    known.sort_unstable();
    known
        .into_iter()
        .map(|(frequency, term)| WeightedTerm {
            term,
            weight: 9_000_000 / (frequency + 1),
        })
        .collect()
}

#[tokio::test]
async fn both_shapes_find_the_same_candidates() {
    for seed in 1..=2 {
        let (ours, theirs) = (crate::stores().await, embedded());
        fill(&ours, seed).await;
        fill(&theirs, seed).await;
        let mut numbers = Numbers::new(seed + 100);
        for _ in 0..60 {
            let scope = match numbers.below(4) {
                0 => Stores::scope_of(&["a", "c"]),
                _ => Stores::scope(),
            };
            let filter = filter(&mut numbers);
            let terms = terms(&ours, &mut numbers).await;
            let query = direction(numbers.below(360) as f32);
            let mut found = Vec::new();
            for stores in [&ours, &theirs] {
                found.push(ask(stores, &scope, &filter, &terms, &query).await);
            }
            assert_eq!(found[0], found[1], "{filter:?} {terms:?}");
        }
    }
}

/// Contents by words and by meaning, what the words are worth, and how many chunks the search goes over.
async fn ask(
    stores: &Stores,
    scope: &Scope,
    filter: &Filter,
    terms: &[WeightedTerm],
    query: &ids_core::embedding::Embedding,
) -> (Vec<String>, Vec<String>, ids_core::ports::CorpusStatistics, u64) {
    let by_words = stores
        .chunks
        .lexical_candidates(scope, filter, terms)
        .await
        .unwrap();
    let near = stores
        .chunks
        .nearest(scope, filter, &model(), query, 100)
        .await
        .unwrap();
    let asked: Vec<_> = terms.iter().map(|term| term.term.clone()).collect();
    (
        stores.contents(scope, &by_words).await,
        stores.contents(scope, &near).await,
        stores.chunks.statistics(scope, &asked).await.unwrap(),
        stores.chunks.count_chunks(scope, filter).await.unwrap(),
    )
}
