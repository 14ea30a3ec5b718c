//! What every [`ChunkIndex`](ids_core::ports::ChunkIndex) promises where a library changes over to another embedding model
//! (clauses 12 and 13 of the port's doc).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ids_core::chunk::{Filter, NewChunk};
use ids_core::embedding::EmbeddingModel;
use ids_core::id::ChunkId;

use crate::stores::{NewDocument, Prepared, Stores, chunk, direction, model};

fn other() -> EmbeddingModel {
    EmbeddingModel {
        name: "other".to_owned(),
        dimensions: 2,
    }
}

/// A document of so many chunks that all have a vector of the first model.
async fn embedded(stores: &Stores, name: &str, chunks: usize) -> Prepared {
    let texts: Vec<NewChunk> = (0..chunks).map(|at| chunk(at, &format!("{name} {at}"))).collect();
    let accepted = stores.accept(&Stores::scope(), &NewDocument::named(name)).await;
    let claimed = stores.claim(&accepted).await;
    let prepared = stores.prepare_chunks(&claimed, &texts).await;
    let vectors: Vec<_> = (0..chunks).map(|at| direction(at as f32)).collect();
    stores.embed(&prepared, &vectors).await;
    prepared
}

async fn lacking(stores: &Stores, of: &EmbeddingModel, after: ChunkId, limit: usize) -> Vec<ChunkId> {
    let scope = Stores::scope();
    stores
        .chunks
        .list_visible_unembedded(&scope, of, after, limit)
        .await
        .unwrap()
}

/// ChunkIndex, clause 12: just the visible chunks in scope without a vector of the model, by rising id.
pub async fn visible_chunks_without_a_vector_are_named_in_order(stores: &Stores) {
    embedded(stores, "a.txt", 3).await;
    let gone = embedded(stores, "gone.txt", 2).await;
    embedded(stores, "b.txt", 2).await;
    stores
        .documents
        .delete_document(&Stores::scope(), gone.document_id)
        .await
        .unwrap();

    assert_eq!(lacking(stores, &model(), ChunkId(0), 9).await, []);
    let all = lacking(stores, &other(), ChunkId(0), 9).await;
    assert_eq!(
        stores.contents(&Stores::scope(), &all).await,
        ["a.txt 0", "a.txt 1", "a.txt 2", "b.txt 0", "b.txt 1"]
    );
    assert!(all.is_sorted());
    assert_eq!(lacking(stores, &other(), ChunkId(0), 2).await, all[..2]);
    assert_eq!(lacking(stores, &other(), all[1], 2).await, all[2..4]);
    assert_eq!(lacking(stores, &other(), all[4], 2).await, []);
    let elsewhere = stores
        .chunks
        .list_visible_unembedded(&Stores::other_scope(), &other(), ChunkId(0), 9)
        .await
        .unwrap();
    assert_eq!(elsewhere, []);
}

/// ChunkIndex, clause 12: what is stored is found; what is gone, elsewhere or there already is left out.
pub async fn vectors_of_another_model_stand_beside_the_old_ones(stores: &Stores) {
    let scope = Stores::scope();
    let kept = embedded(stores, "a.txt", 2).await;
    let gone = embedded(stores, "gone.txt", 1).await;
    let all = lacking(stores, &other(), ChunkId(0), 9).await;
    stores
        .documents
        .delete_document(&scope, gone.document_id)
        .await
        .unwrap();

    let vectors: Vec<_> = all.iter().map(|&id| (id, direction(50.0))).collect();
    let elsewhere = stores
        .chunks
        .store_visible_embeddings(&Stores::other_scope(), &other(), &vectors)
        .await
        .unwrap();
    assert_eq!(elsewhere, 0);
    let new = other();
    let store = || stores.chunks.store_visible_embeddings(&scope, &new, &vectors);
    assert_eq!(store().await.unwrap(), 2);
    assert_eq!(store().await.unwrap(), 0);

    assert_eq!(lacking(stores, &other(), ChunkId(0), 9).await, []);
    for of in [model(), other()] {
        let found = stores
            .chunks
            .nearest(&scope, &Filter::default(), &of, &direction(0.0), 9)
            .await
            .unwrap();
        assert_eq!(found.len(), 2, "{of:?}");
    }
    let models = stores.chunks.embedding_models(&scope).await.unwrap();
    assert_eq!(models, [(other(), 2), (model(), 2)]);
    // A chunk with two vectors is one chunk that is embedded.
    let status = stores
        .documents
        .find_status(&scope, kept.document_id)
        .await
        .unwrap();
    assert_eq!(status.unwrap().chunks_processed, 2);
}

/// ChunkIndex, clause 13: vectors go only of chunks that have one of the model, and not more at once than is asked for.
pub async fn old_vectors_go_where_there_is_a_new_one(stores: &Stores) {
    let scope = Stores::scope();
    embedded(stores, "a.txt", 4).await;
    let new = other();
    let remove = |limit| stores.chunks.remove_other_embeddings(&scope, &new, limit);
    assert_eq!(remove(9).await.unwrap(), 0, "a model that has none removes none");
    let ids = lacking(stores, &other(), ChunkId(0), 3).await;
    let vectors: Vec<_> = ids.iter().map(|&id| (id, direction(50.0))).collect();
    stores
        .chunks
        .store_visible_embeddings(&scope, &other(), &vectors)
        .await
        .unwrap();

    let elsewhere = Stores::other_scope();
    let of_another = stores.chunks.remove_other_embeddings(&elsewhere, &new, 9);
    assert_eq!(of_another.await.unwrap(), 0);
    assert_eq!(remove(2).await.unwrap(), 2);
    assert_eq!(remove(2).await.unwrap(), 1);
    assert_eq!(remove(2).await.unwrap(), 0);

    let models = stores.chunks.embedding_models(&scope).await.unwrap();
    assert_eq!(models, [(other(), 3), (model(), 1)]);
    let found = stores
        .chunks
        .nearest(&scope, &Filter::default(), &model(), &direction(0.0), 9)
        .await
        .unwrap();
    assert_eq!(stores.contents(&scope, &found).await, ["a.txt 3"]);
}

/// Runs every clause against an adapter: `embedding_change_contract!(make);`, where `make` is an `async fn` without arguments
/// that returns new [`Stores`](crate::Stores).
#[macro_export]
macro_rules! embedding_change_contract {
    ($make:path) => {
        $crate::embedding_change_contract! { @clauses $make:
            visible_chunks_without_a_vector_are_named_in_order
            vectors_of_another_model_stand_beside_the_old_ones
            old_vectors_go_where_there_is_a_new_one
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let stores = $make().await;
                $crate::contracts::embedding_change_contract::$clause(&stores).await;
            }
        )+
    };
}
