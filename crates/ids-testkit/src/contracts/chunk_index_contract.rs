//! What every [`ChunkIndex`](ids_core::ports::ChunkIndex) promises, one function or more a clause of the port's doc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use ids_core::chunk::{Filter, NewChunk};
use ids_core::document::{ContentType, DocumentChange};
use ids_core::embedding::{Embedding, EmbeddingModel, inner_product};
use ids_core::id::ChunkId;
use ids_core::limits::{
    LEXICAL_CANDIDATES, LEXICAL_CANDIDATES_WITH_TIES, POSTINGS_ENOUGH, POSTINGS_PER_TERM, SIMILARITY_MARGIN,
};
use ids_core::ports::{Replaced, WeightedTerm};
use ids_core::scope::{Scope, Tag};

pub use super::member_clauses::a_chunk_of_a_member_names_its_parent;
use crate::stores::{
    NewDocument, Stores, chunk, collection, content_type, direction, extracted, hash_of, model, term,
    weighted,
};

async fn lexical(stores: &Stores, filter: &Filter, terms: &[WeightedTerm]) -> Vec<ChunkId> {
    let found = stores
        .chunks
        .lexical_candidates(&Stores::scope(), filter, terms)
        .await
        .unwrap();
    let distinct: BTreeSet<ChunkId> = found.iter().copied().collect();
    assert_eq!(distinct.len(), found.len(), "a candidate came twice");
    found
}

async fn nearest(stores: &Stores, filter: &Filter, query: &Embedding, limit: usize) -> Vec<String> {
    let found = stores
        .chunks
        .nearest(&Stores::scope(), filter, &model(), query, limit)
        .await
        .unwrap();
    stores.contents(&Stores::scope(), &found).await
}

/// `count` chunks of the same words, each with its number as content.
fn many(count: usize, words: &str) -> Vec<NewChunk> {
    (0..count)
        .map(|at| NewChunk {
            content: format!("{at}"),
            ..chunk(at, words)
        })
        .collect()
}

async fn prepared(stores: &Stores, document: &NewDocument, chunks: &[NewChunk]) -> crate::stores::Prepared {
    let accepted = stores.accept(&Stores::scope(), document).await;
    let claimed = stores.claim(&accepted).await;
    stores.prepare_chunks(&claimed, chunks).await
}

/// ChunkIndex, clause 1: `replace` stores all chunks once, and a first version is found by words from then on.
pub async fn replace_stores_all_chunks_once(stores: &Stores) {
    let scope = Stores::scope();
    let prepared = stores
        .prepared(&scope, &NewDocument::named("a.txt"), &["um comum", "dois comum"])
        .await;
    assert_eq!(
        stores.found_by_word(&scope, "comum").await,
        ["dois comum", "um comum"]
    );
    let before = stores.chunks.statistics(&scope, &[term("comum")]).await.unwrap();

    let again = stores
        .chunks
        .replace(&prepared.lease, &[chunk(0, "outro comum")])
        .await
        .unwrap();

    assert_eq!(again, Replaced::Stored);
    assert_eq!(
        stores.found_by_word(&scope, "comum").await,
        ["dois comum", "um comum"]
    );
    assert_eq!(
        stores.chunks.statistics(&scope, &[term("comum")]).await.unwrap(),
        before
    );
    let shown = stores
        .documents
        .find_document(&scope, prepared.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(shown.total_chunks, 2);
}

/// ChunkIndex, clause 1: a further version is found only after `complete`.
pub async fn a_further_version_is_found_only_when_complete(stores: &Stores) {
    let scope = Stores::scope();
    let document_id = stores
        .completed(&scope, &NewDocument::named("a.txt"), &["velho comum"])
        .await;
    let accepted = stores.accept_version(&scope, document_id, "b.txt").await;
    let claimed = stores.claim(&accepted).await;
    let further = stores.prepare(&claimed, &["novo comum"]).await;
    stores.embed(&further, &[direction(0.0)]).await;
    assert_eq!(stores.found_by_word(&scope, "comum").await, ["velho comum"]);
    assert_eq!(
        nearest(stores, &Filter::default(), &direction(0.0), 10).await,
        [""; 0]
    );
    assert_eq!(
        stores
            .chunks
            .count_chunks(&scope, &Filter::default())
            .await
            .unwrap(),
        1
    );

    stores.jobs.complete(&further.lease, None).await.unwrap();
    assert_eq!(stores.found_by_word(&scope, "comum").await, ["novo comum"]);
    assert_eq!(
        nearest(stores, &Filter::default(), &direction(0.0), 10).await,
        ["novo comum"]
    );
    assert_eq!(
        stores
            .chunks
            .count_chunks(&scope, &Filter::default())
            .await
            .unwrap(),
        1
    );
}

/// ChunkIndex, clause 2: `replace` stores nothing when the same text became visible in the collection meanwhile.
pub async fn replace_names_the_original_of_a_duplicate(stores: &Stores) {
    let scope = Stores::scope();
    let mut leases = Vec::new();
    for name in ["a.txt", "b.txt"] {
        let accepted = stores.accept(&scope, &NewDocument::named(name)).await;
        let lease = stores.claim(&accepted).await.lease;
        stores
            .documents
            .save_extraction(&lease, &extracted(&["texto"]), hash_of("texto"))
            .await
            .unwrap();
        leases.push(lease);
    }
    let chunks = [chunk(0, "texto")];
    assert_eq!(
        stores.chunks.replace(&leases[0], &chunks).await.unwrap(),
        Replaced::Stored
    );
    let second = stores.chunks.replace(&leases[1], &chunks).await.unwrap();
    assert_eq!(second, Replaced::DuplicateOf(leases[0].document_id));
    let other = stores.other_organization().await;
    let accepted = stores.accept(&other, &NewDocument::named("c.txt")).await;
    let theirs = stores.claim(&accepted).await.lease;
    stores
        .documents
        .save_extraction(&theirs, &extracted(&["texto"]), hash_of("texto"))
        .await
        .unwrap();
    assert_eq!(
        stores.chunks.replace(&theirs, &chunks).await.unwrap(),
        Replaced::Stored,
        "of another organization"
    );
    assert_eq!(
        stores
            .chunks
            .count_chunks(&scope, &Filter::default())
            .await
            .unwrap(),
        1
    );
}

/// ChunkIndex, clause 3: statistics count the visible chunks of the organization, exactly.
pub async fn statistics_count_visible_chunks_exactly(stores: &Stores) {
    let scope = Stores::scope();
    let terms = [term("raro"), term("comum"), term("nenhum")];
    let statistics = || async {
        let found = stores.chunks.statistics(&scope, &terms).await.unwrap();
        (found.chunks, found.total_length, found.document_frequencies)
    };
    assert_eq!(statistics().await, (0, 0, vec![0, 0, 0]));
    let first = stores
        .prepared(
            &scope,
            &NewDocument::named("a.txt"),
            &["raro comum comum", "comum"],
        )
        .await;
    stores
        .completed(
            &stores.other_organization().await,
            &NewDocument::named("b.txt"),
            &["comum raro"],
        )
        .await;
    assert_eq!(statistics().await, (2, 4, vec![1, 2, 0]));
    stores.jobs.complete(&first.lease, None).await.unwrap();
    assert_eq!(statistics().await, (2, 4, vec![1, 2, 0]));

    let accepted = stores.accept_version(&scope, first.document_id, "c.txt").await;
    let claimed = stores.claim(&accepted).await;
    let second = stores.prepare(&claimed, &["comum novo"]).await;
    assert_eq!(statistics().await, (2, 4, vec![1, 2, 0]), "it is not visible yet");
    stores.jobs.complete(&second.lease, None).await.unwrap();
    assert_eq!(statistics().await, (1, 2, vec![0, 1, 0]));
    let narrow = stores
        .chunks
        .statistics(&Stores::scope_of(&["other"]), &terms)
        .await
        .unwrap();
    assert_eq!(narrow.chunks, 1, "the organization's, whatever may be seen");
    stores
        .documents
        .delete_document(&scope, first.document_id)
        .await
        .unwrap();
    assert_eq!(statistics().await, (0, 0, vec![0, 0, 0]));
    let other = stores
        .chunks
        .statistics(&Stores::other_scope(), &terms)
        .await
        .unwrap();
    assert_eq!(other.document_frequencies, [1, 1, 0]);
}

/// ChunkIndex, clause 4: the best by the sum of weights come back, cut at [`LEXICAL_CANDIDATES`].
pub async fn the_best_by_sum_of_weights_are_candidates(stores: &Stores) {
    const BITS: usize = 9;
    let chunks: Vec<NewChunk> = (0..400)
        .map(|number: usize| {
            let words: Vec<String> = (0..BITS)
                .filter(|bit| number >> bit & 1 == 1)
                .map(|bit| format!("bit{bit}"))
                .collect();
            NewChunk {
                content: format!("{number:03}"),
                ..chunk(number, &words.join(" "))
            }
        })
        .collect();
    prepared(stores, &NewDocument::named("a.txt"), &chunks).await;
    let terms: Vec<WeightedTerm> = (0..BITS)
        .map(|bit| weighted(&format!("bit{bit}"), 1 << bit))
        .collect();

    let found = lexical(stores, &Filter::default(), &terms).await;

    let best: Vec<String> = (400 - LEXICAL_CANDIDATES..400)
        .map(|number| format!("{number:03}"))
        .collect();
    assert_eq!(stores.contents(&Stores::scope(), &found).await, best);
    assert_eq!(lexical(stores, &Filter::default(), &[]).await, []);
    assert_eq!(
        lexical(stores, &Filter::default(), &[weighted("nenhum", 1)]).await,
        []
    );
}

/// ChunkIndex, clause 4: the first list is read, each next one while too few postings were.
pub async fn lists_are_read_until_enough_postings_were(stores: &Stores) {
    prepared(
        stores,
        &NewDocument::named("a.txt"),
        &many(POSTINGS_ENOUGH - 1, "muitos"),
    )
    .await;
    let mut last = vec![chunk(0, "segundo"), chunk(1, "terceiro")];
    last[0].content = "second list".to_owned();
    last[1].content = "third list".to_owned();
    prepared(stores, &NewDocument::named("b.txt"), &last).await;

    let terms = [
        weighted("muitos", 1),
        weighted("segundo", 10),
        weighted("terceiro", 100),
    ];
    let found = lexical(stores, &Filter::default(), &terms).await;

    let contents = stores.contents(&Stores::scope(), &found).await;
    assert_eq!(contents.len(), POSTINGS_ENOUGH);
    assert!(contents.contains(&"second list".to_owned()));
    assert!(
        !contents.contains(&"third list".to_owned()),
        "5,000 postings had been read"
    );
}

/// ChunkIndex, clause 4: of a list only the first postings by order of ingestion count, after the filter.
pub async fn of_a_list_only_the_first_by_ingestion_count(stores: &Stores) {
    prepared(
        stores,
        &NewDocument::named("a.txt").with_hash(9),
        &many(POSTINGS_PER_TERM, "muitos"),
    )
    .await;
    let late = prepared(
        stores,
        &NewDocument::named("b.txt").with_hash(1),
        &many(1, "muitos"),
    )
    .await;

    let found = lexical(stores, &Filter::default(), &[weighted("muitos", 1)]).await;
    assert_eq!(found.len(), LEXICAL_CANDIDATES_WITH_TIES);
    let details = stores
        .chunks
        .load_details(&Stores::scope(), &found)
        .await
        .unwrap();
    assert!(
        details
            .iter()
            .all(|detail| detail.document_id != late.document_id),
        "it came too late"
    );

    let only_late = Filter {
        document_ids: vec![late.document_id],
        ..Filter::default()
    };
    assert_eq!(
        lexical(stores, &only_late, &[weighted("muitos", 1)]).await.len(),
        1,
        "filters come first"
    );
}

/// ChunkIndex, clause 4: ties with the last candidate all come, up to a bound, and then by `TieKey`.
pub async fn ties_come_up_to_a_bound_by_tie_key(stores: &Stores) {
    let later_key = prepared(
        stores,
        &NewDocument::named("a.txt").with_hash(9),
        &many(3_000, "muitos"),
    )
    .await;
    let found = lexical(stores, &Filter::default(), &[weighted("muitos", 1)]).await;
    assert_eq!(found.len(), 3_000, "all tie");
    let first_key = prepared(
        stores,
        &NewDocument::named("b.txt").with_hash(1),
        &many(3_000, "muitos"),
    )
    .await;
    let mut best = many(10, "muitos melhor");
    best.iter_mut().for_each(|chunk| chunk.content.push_str(" best"));
    prepared(stores, &NewDocument::named("c.txt").with_hash(99), &best).await;

    let found = lexical(
        stores,
        &Filter::default(),
        &[weighted("melhor", 5), weighted("muitos", 1)],
    )
    .await;

    assert_eq!(found.len(), LEXICAL_CANDIDATES_WITH_TIES);
    let details = stores
        .chunks
        .load_details(&Stores::scope(), &found)
        .await
        .unwrap();
    let of = |document_id| {
        let mut indexes: Vec<u32> = details
            .iter()
            .filter(|detail| detail.document_id == document_id)
            .map(|detail| detail.chunk_index)
            .collect();
        indexes.sort_unstable();
        indexes
    };
    assert_eq!(of(first_key.document_id), (0..3_000).collect::<Vec<u32>>());
    assert_eq!(of(later_key.document_id), (0..1_990).collect::<Vec<u32>>());
}

/// Unit vectors spread over some dimensions, the same in every run.
fn spread(count: usize, dimensions: usize) -> Vec<Embedding> {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut next = || {
        // xorshift64: enough for points on a sphere.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    };
    (0..count)
        .map(|_| {
            let values: Vec<f32> = (0..dimensions).map(|_| next() + 0.3).collect();
            let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
            Embedding::from_f32(&values.iter().map(|value| value / norm).collect::<Vec<f32>>())
        })
        .collect()
}

/// ChunkIndex, clause 5: `nearest` is exact.
pub async fn nearest_is_exact(stores: &Stores) {
    let scope = Stores::scope();
    let model = EmbeddingModel {
        name: "test-32d".to_owned(),
        dimensions: 32,
    };
    let vectors = spread(700, model.dimensions);
    let prepared = prepared(
        stores,
        &NewDocument::named("a.txt"),
        &many(vectors.len(), "palavra"),
    )
    .await;
    let indexed: Vec<(u32, Embedding)> = (0..).zip(vectors.iter().cloned()).collect();
    for batch in indexed.chunks(100) {
        stores
            .chunks
            .store_embeddings(&prepared.lease, &model, batch)
            .await
            .unwrap();
    }
    for query in spread(720, model.dimensions).iter().skip(700) {
        let found = stores
            .chunks
            .nearest(&scope, &Filter::default(), &model, query, 25)
            .await
            .unwrap();
        let mut found: Vec<u32> = stores
            .chunks
            .load_details(&scope, &found)
            .await
            .unwrap()
            .iter()
            .map(|detail| detail.chunk_index)
            .collect();
        found.sort_unstable();

        let query = query.to_f32();
        let scores: Vec<f32> = vectors
            .iter()
            .map(|vector| inner_product(&query, &vector.to_f32()))
            .collect();
        let mut sorted = scores.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let border = sorted[24] - SIMILARITY_MARGIN;
        let exact: Vec<u32> = (0..)
            .zip(&scores)
            .filter(|(_, score)| **score >= border)
            .map(|(at, _)| at)
            .collect();
        assert_eq!(found, exact);
    }
}

/// ChunkIndex, clause 5: near ties with the last one all come.
pub async fn nearest_returns_all_near_ties(stores: &Stores) {
    let texts = ["best", "tie a", "tie b", "tie c", "far"];
    let prepared = stores
        .prepared(&Stores::scope(), &NewDocument::named("a.txt"), &texts)
        .await;
    stores
        .embed(&prepared, &[0.0, 30.0, 30.0, 30.0, 80.0].map(direction))
        .await;
    assert_eq!(
        nearest(stores, &Filter::default(), &direction(0.0), 1).await,
        ["best"]
    );
    assert_eq!(
        nearest(stores, &Filter::default(), &direction(0.0), 2).await,
        ["best", "tie a", "tie b", "tie c"]
    );
    assert_eq!(
        nearest(stores, &Filter::default(), &direction(0.0), 100)
            .await
            .len(),
        5
    );
    assert_eq!(
        nearest(stores, &Filter::default(), &direction(0.0), 0).await,
        [""; 0]
    );
}

/// ChunkIndex, clause 6: vectors of another model are never returned.
pub async fn vectors_of_another_model_are_never_returned(stores: &Stores) {
    let scope = Stores::scope();
    let prepared = stores
        .prepared(&scope, &NewDocument::named("a.txt"), &["um", "dois"])
        .await;
    stores.embed(&prepared, &[direction(10.0)]).await;
    let other = EmbeddingModel {
        name: "other".to_owned(),
        dimensions: 2,
    };
    let larger = EmbeddingModel {
        name: "test-2d".to_owned(),
        dimensions: 3,
    };
    for unknown in [&other, &larger] {
        let query = Embedding::from_f32(&vec![0.5; unknown.dimensions]);
        let found = stores
            .chunks
            .nearest(&scope, &Filter::default(), unknown, &query, 10)
            .await
            .unwrap();
        assert_eq!(found, []);
    }
    stores
        .chunks
        .store_embeddings(&prepared.lease, &other, &[(1, direction(20.0))])
        .await
        .unwrap();
    assert_eq!(
        nearest(stores, &Filter::default(), &direction(0.0), 10).await,
        ["um"]
    );
    let found = stores
        .chunks
        .nearest(&scope, &Filter::default(), &other, &direction(0.0), 10)
        .await
        .unwrap();
    let loaded = stores
        .chunks
        .load_candidates(&scope, &found, &[], Some(&other))
        .await
        .unwrap();
    assert_eq!(loaded.len(), 1);
    assert_eq!(loaded[0].embedding, Some(direction(20.0)));
    let of_first = stores
        .chunks
        .load_candidates(&scope, &found, &[], Some(&model()))
        .await
        .unwrap();
    assert_eq!(of_first[0].embedding, None);
    let models = stores.chunks.embedding_models(&scope).await.unwrap();
    assert_eq!(models, [(other, 1), (model(), 1)]);
    assert_eq!(
        stores
            .chunks
            .embedding_models(&Stores::other_scope())
            .await
            .unwrap(),
        []
    );
}

/// ChunkIndex, clause 7: `store_embeddings` skips what is there.
pub async fn a_stored_embedding_stays(stores: &Stores) {
    let scope = Stores::scope();
    let prepared = stores
        .prepared(&scope, &NewDocument::named("a.txt"), &["um"])
        .await;
    stores.embed(&prepared, &[direction(10.0)]).await;
    stores.embed(&prepared, &[direction(70.0)]).await;
    let found = stores
        .chunks
        .nearest(&scope, &Filter::default(), &model(), &direction(0.0), 1)
        .await
        .unwrap();
    let loaded = stores
        .chunks
        .load_candidates(&scope, &found, &[], Some(&model()))
        .await
        .unwrap();
    assert_eq!(loaded[0].embedding, Some(direction(10.0)));
    let status = stores
        .documents
        .find_status(&scope, prepared.document_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.chunks_processed, 1);
}

/// ChunkIndex, clause 8: all of the tags, any of the ids, any of the types, one collection.
pub async fn filters_narrow_words_vectors_and_counts(stores: &Stores) {
    let scope = Stores::scope();
    let put = |name: &'static str, document: NewDocument| async move {
        let prepared = stores
            .prepared(&Stores::scope(), &document, &[&format!("palavra {name}")])
            .await;
        stores.embed(&prepared, &[direction(5.0)]).await;
        prepared.document_id
    };
    let a = put("a", NewDocument::named("a.txt").tagged(&["obras", "2026"])).await;
    let b = put(
        "b",
        NewDocument::named("b.pdf")
            .tagged(&["obras"])
            .of_type(ContentType::PDF),
    )
    .await;
    put(
        "c",
        NewDocument::named("c.html")
            .of_type(ContentType::HTML)
            .in_collection("saude"),
    )
    .await;

    let check = |filter: Filter, expected: Vec<&'static str>| async move {
        let expected: Vec<String> = expected.iter().map(|name| format!("palavra {name}")).collect();
        let found = lexical(stores, &filter, &[weighted("palavra", 1)]).await;
        assert_eq!(
            stores.contents(&Stores::scope(), &found).await,
            expected,
            "{filter:?}"
        );
        assert_eq!(
            nearest(stores, &filter, &direction(0.0), 10).await,
            expected,
            "{filter:?}"
        );
        let count = stores
            .chunks
            .count_chunks(&Stores::scope(), &filter)
            .await
            .unwrap();
        assert_eq!(count, expected.len() as u64, "{filter:?}");
    };
    let none = Filter::default;
    let tags = |names: &[&str]| names.iter().map(|name| Tag::parse(name).unwrap()).collect();
    let types = |names: &[&str]| names.iter().map(|name| content_type(name)).collect();
    check(none(), vec!["a", "b", "c"]).await;
    check(
        Filter {
            tags: tags(&["obras"]),
            ..none()
        },
        vec!["a", "b"],
    )
    .await;
    check(
        Filter {
            tags: tags(&["obras", "2026"]),
            ..none()
        },
        vec!["a"],
    )
    .await;
    check(
        Filter {
            document_ids: vec![a, b, stores.document_id()],
            ..none()
        },
        vec!["a", "b"],
    )
    .await;
    check(
        Filter {
            document_ids: vec![stores.document_id()],
            ..none()
        },
        vec![],
    )
    .await;
    check(
        Filter {
            content_types: types(&[ContentType::PDF, ContentType::HTML]),
            ..none()
        },
        vec!["b", "c"],
    )
    .await;
    check(
        Filter {
            collection: Some(collection("saude")),
            ..none()
        },
        vec!["c"],
    )
    .await;
    let both = Filter {
        document_ids: vec![a, b],
        content_types: types(&[ContentType::PDF]),
        ..none()
    };
    check(both, vec!["b"]).await;

    let change = DocumentChange {
        tags: Some(tags(&["2027"])),
        ..DocumentChange::default()
    };
    stores
        .documents
        .change_document(&scope, b, &change)
        .await
        .unwrap();
    check(
        Filter {
            tags: tags(&["obras"]),
            ..none()
        },
        vec!["a"],
    )
    .await;
    check(
        Filter {
            tags: tags(&["2027"]),
            ..none()
        },
        vec!["b"],
    )
    .await;
}

/// ChunkIndex, clause 9: nothing of another organization, or of a collection that may not be seen.
pub async fn nothing_out_of_scope_is_found(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let inside = stores
        .prepared(
            &scope,
            &NewDocument::named("a.txt").in_collection("saude"),
            &["palavra a"],
        )
        .await;
    stores.embed(&inside, &[direction(0.0)]).await;
    let outside = stores
        .prepared(
            &other,
            &NewDocument::named("b.txt").in_collection("saude"),
            &["palavra b"],
        )
        .await;
    stores.embed(&outside, &[direction(0.0)]).await;

    let seen = |scope: Scope| async move {
        let terms = [weighted("palavra", 1)];
        let everything = Filter::default();
        let by_word = stores
            .chunks
            .lexical_candidates(&scope, &everything, &terms)
            .await
            .unwrap();
        let by_meaning = stores
            .chunks
            .nearest(&scope, &everything, &model(), &direction(0.0), 10)
            .await
            .unwrap();
        assert_eq!(by_word, by_meaning);
        assert_eq!(
            stores.chunks.count_chunks(&scope, &everything).await.unwrap(),
            by_word.len() as u64
        );
        let models = stores.chunks.embedding_models(&scope).await.unwrap();
        assert_eq!(models.len(), by_word.len().min(1));
        by_word
    };
    let ours = seen(scope).await;
    let theirs = seen(other).await;
    assert_eq!((ours.len(), theirs.len()), (1, 1));
    assert_ne!(ours, theirs);
    assert_eq!(seen(Stores::scope_of(&["saude"])).await, ours);
    assert_eq!(seen(Stores::scope_of(&["obras"])).await, []);
    assert_eq!(seen(Stores::scope_of(&[])).await, []);
    for hidden in [Stores::other_scope(), Stores::scope_of(&["obras"])] {
        assert_eq!(stores.chunks.load_details(&hidden, &ours).await.unwrap(), []);
        assert_eq!(
            stores
                .chunks
                .load_candidates(&hidden, &ours, &[], None)
                .await
                .unwrap(),
            []
        );
    }
}

/// ChunkIndex, clause 10: what lacks an embedding gets fewer with each batch and ends empty.
pub async fn what_is_unembedded_gets_fewer_and_ends_empty(stores: &Stores) {
    let mut chunks: Vec<NewChunk> = (0..5).map(|at| chunk(at, &format!("texto {at}"))).collect();
    chunks[3].heading = Some("Capítulo I › Seção 2".to_owned());
    let prepared = prepared(stores, &NewDocument::named("a.txt"), &chunks).await;
    let mut left = 5;
    let mut seen = Vec::new();
    while left > 0 {
        let batch = stores
            .chunks
            .list_unembedded(&prepared.lease, &model(), 2)
            .await
            .unwrap();
        assert_eq!(batch.len(), left.min(2));
        let vectors: Vec<_> = batch
            .iter()
            .map(|chunk| (chunk.chunk_index, direction(1.0)))
            .collect();
        stores
            .chunks
            .store_embeddings(&prepared.lease, &model(), &vectors)
            .await
            .unwrap();
        left -= batch.len();
        seen.extend(batch);
    }
    assert_eq!(
        stores
            .chunks
            .list_unembedded(&prepared.lease, &model(), 2)
            .await
            .unwrap(),
        []
    );
    for (unembedded, chunk) in seen.iter().zip(&chunks) {
        assert_eq!(
            (unembedded.chunk_index, &unembedded.content, &unembedded.heading),
            (chunk.chunk_index, &chunk.content, &chunk.heading)
        );
    }
    let other = EmbeddingModel {
        name: "other".to_owned(),
        dimensions: 2,
    };
    assert_eq!(
        stores
            .chunks
            .list_unembedded(&prepared.lease, &other, 9)
            .await
            .unwrap()
            .len(),
        5
    );
}

/// ChunkIndex, clause 11: loading keeps the order asked and leaves out what is gone.
pub async fn loading_keeps_the_order_asked(stores: &Stores) {
    let scope = Stores::scope();
    let document = NewDocument::named("a.txt").with_hash(3).in_collection("saude");
    let chunks = [
        chunk(0, "um dois dois"),
        chunk(1, "tres"),
        chunk(2, "dois quatro"),
    ];
    let prepared = prepared(stores, &document, &chunks).await;
    stores.embed(&prepared, &[direction(45.0)]).await;
    let gone = stores
        .prepared(&scope, &NewDocument::named("gone.txt"), &["um"])
        .await;
    let terms = [weighted("um", 1), weighted("dois", 1), weighted("tres", 1)];
    let mut found = lexical(stores, &Filter::default(), &terms).await;
    stores
        .documents
        .delete_document(&scope, gone.document_id)
        .await
        .unwrap();
    found.sort();
    found.reverse();

    let asked = [term("quatro"), term("dois"), term("nenhum"), term("um")];
    let candidates = stores
        .chunks
        .load_candidates(&scope, &found, &asked, Some(&model()))
        .await
        .unwrap();
    let indexes: Vec<u32> = candidates
        .iter()
        .map(|candidate| candidate.tie_key.chunk_index)
        .collect();
    assert_eq!(indexes, [2, 1, 0]);
    let frequencies: Vec<&[u32]> = candidates
        .iter()
        .map(|candidate| &candidate.term_frequencies[..])
        .collect();
    assert_eq!(frequencies, [[1, 1, 0, 0], [0, 0, 0, 0], [0, 2, 0, 1]]);
    let lengths: Vec<u32> = candidates.iter().map(|candidate| candidate.length).collect();
    assert_eq!(lengths, [2, 1, 3]);
    assert_eq!(
        (&candidates[2].embedding, &candidates[1].embedding),
        (&Some(direction(45.0)), &None)
    );
    let key = &candidates[0].tie_key;
    assert_eq!(
        (
            key.file_hash.as_bytes(),
            key.collection.as_str(),
            key.filename.as_str()
        ),
        (&[3; 32], "saude", "a.txt")
    );

    let details = stores.chunks.load_details(&scope, &found).await.unwrap();
    let contents: Vec<&str> = details.iter().map(|detail| detail.content.as_str()).collect();
    assert_eq!(contents, ["dois quatro", "tres", "um dois dois"]);
    assert_eq!(details[0].spans, chunks[2].spans);
    assert_eq!(
        (details[0].document_title.as_str(), details[0].document_id),
        ("a", prepared.document_id)
    );
}

/// Runs every clause against an adapter: `chunk_index_contract!(make);`, where `make` is an `async fn` without arguments
/// that returns new [`Stores`](crate::Stores).
#[macro_export]
macro_rules! chunk_index_contract {
    ($make:path) => {
        $crate::chunk_index_contract! { @clauses $make:
            replace_stores_all_chunks_once
            a_further_version_is_found_only_when_complete
            replace_names_the_original_of_a_duplicate
            statistics_count_visible_chunks_exactly
            the_best_by_sum_of_weights_are_candidates
            lists_are_read_until_enough_postings_were
            of_a_list_only_the_first_by_ingestion_count
            ties_come_up_to_a_bound_by_tie_key
            nearest_is_exact
            nearest_returns_all_near_ties
            vectors_of_another_model_are_never_returned
            a_stored_embedding_stays
            filters_narrow_words_vectors_and_counts
            nothing_out_of_scope_is_found
            what_is_unembedded_gets_fewer_and_ends_empty
            loading_keeps_the_order_asked
            a_chunk_of_a_member_names_its_parent
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let stores = $make().await;
                $crate::contracts::chunk_index_contract::$clause(&stores).await;
            }
        )+
    };
}
