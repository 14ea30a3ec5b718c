//! Vectors: exact up to the limit of the domain whatever the filter, and as good as exact beyond.

use ids_core::chunk::{Filter, NewChunk};
use ids_core::embedding::{Embedding, EmbeddingModel, inner_product};
use ids_core::id::DocumentId;
use ids_core::limits::{EXACT_VECTORS, SIMILARITY_MARGIN};
use ids_testkit::stores::{NewDocument, chunk};

use crate::{Stores, library, open, stores_over};

const DIMENSIONS: usize = 64;

/// Vectors in clusters around a common mean, as those of embedding models are: most of their length is shared.
struct Maker {
    state: u64,
    mean: Vec<f32>,
    clusters: Vec<Vec<f32>>,
}

impl Maker {
    fn new(seed: u64) -> Self {
        let mut maker = Self {
            state: seed,
            mean: Vec::new(),
            clusters: Vec::new(),
        };
        maker.mean = maker.direction(0.89);
        maker.clusters = (0..200).map(|_| maker.direction(0.33)).collect();
        maker
    }

    fn next(&mut self) -> f32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    }

    fn direction(&mut self, length: f32) -> Vec<f32> {
        let values: Vec<f32> = (0..DIMENSIONS)
            .map(|_| self.next() + self.next() + self.next())
            .collect();
        let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        values.iter().map(|value| value * length / norm).collect()
    }

    fn vector(&mut self) -> Embedding {
        let cluster = (self.next() + 0.5) * self.clusters.len() as f32;
        let own = self.direction(0.31);
        let cluster = &self.clusters[(cluster as usize).min(self.clusters.len() - 1)];
        let sum: Vec<f32> = (0..DIMENSIONS)
            .map(|at| self.mean[at] + cluster[at] + own[at])
            .collect();
        let norm = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
        Embedding::from_f32(&sum.iter().map(|value| value / norm).collect::<Vec<_>>())
    }
}

fn clustered() -> EmbeddingModel {
    EmbeddingModel {
        name: "clustered".to_owned(),
        dimensions: DIMENSIONS,
    }
}

/// A document of that many chunks with vectors; its name is its document id's place in what comes back.
async fn put(stores: &Stores, name: &str, maker: &mut Maker, count: usize) -> (DocumentId, Vec<Vec<f32>>) {
    let chunks: Vec<NewChunk> = (0..count).map(|at| chunk(at, "p")).collect();
    let accepted = stores.accept(&Stores::scope(), &NewDocument::named(name)).await;
    let claimed = stores.claim(&accepted).await;
    let prepared = stores.prepare_chunks(&claimed, &chunks).await;
    let vectors: Vec<Embedding> = (0..count).map(|_| maker.vector()).collect();
    let indexed: Vec<(u32, Embedding)> = (0..).zip(vectors.iter().cloned()).collect();
    for batch in indexed.chunks(2_000) {
        stores
            .chunks
            .store_embeddings(&prepared.lease, &clustered(), batch)
            .await
            .unwrap();
    }
    (
        prepared.document_id,
        vectors.iter().map(Embedding::to_f32).collect(),
    )
}

/// Indexes of the chunks that an exact scan finds: the best `limit` and near ties.
fn exact(vectors: &[Vec<f32>], query: &[f32], limit: usize) -> Vec<u32> {
    let scores: Vec<f32> = vectors
        .iter()
        .map(|vector| inner_product(query, vector))
        .collect();
    let mut sorted = scores.clone();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let border = sorted[limit.min(sorted.len()) - 1] - SIMILARITY_MARGIN;
    (0..)
        .zip(&scores)
        .filter(|(_, score)| **score >= border)
        .map(|(at, _)| at)
        .collect()
}

async fn nearest(stores: &Stores, filter: &Filter, query: &Embedding, limit: usize) -> Vec<u32> {
    let scope = Stores::scope();
    let found = stores
        .chunks
        .nearest(&scope, filter, &clustered(), query, limit)
        .await
        .unwrap();
    let details = stores.chunks.load_details(&scope, &found).await.unwrap();
    let mut indexes: Vec<u32> = details.iter().map(|detail| detail.chunk_index).collect();
    indexes.sort_unstable();
    indexes
}

#[tokio::test]
async fn a_scan_is_exact_up_to_the_limit_and_under_a_filter_beyond_it() {
    let (stores, library, folder) = library();
    let mut maker = Maker::new(0x5EED);
    let (small, few) = put(&stores, "small.txt", &mut maker, 1_500).await;
    let (large, many) = put(&stores, "large.txt", &mut maker, EXACT_VECTORS).await;
    let queries: Vec<Embedding> = (0..6).map(|_| maker.vector()).collect();
    check_exact(&stores, &queries, &[(small, &few), (large, &many)]).await;
    library.close().await;

    let again = open(folder.path(), &stores.clock);
    let stores = stores_over(&again, &stores.clock, folder);
    check_exact(&stores, &queries, &[(small, &few), (large, &many)]).await;
}

async fn check_exact(stores: &Stores, queries: &[Embedding], documents: &[(DocumentId, &[Vec<f32>])]) {
    for query in queries {
        for (document_id, vectors) in documents {
            let filter = Filter {
                document_ids: vec![*document_id],
                ..Filter::default()
            };
            let found = nearest(stores, &filter, query, 100).await;
            assert_eq!(found, exact(vectors, &query.to_f32(), 100));
        }
    }
}

#[tokio::test]
async fn recall_at_ten_beyond_the_limit_is_as_good_as_exact() {
    let (stores, _library, _folder) = library();
    let mut maker = Maker::new(0xFACE);
    let (_, vectors) = put(&stores, "all.txt", &mut maker, EXACT_VECTORS + 5_000).await;
    let (mut hits, mut wanted) = (0, 0);
    for _ in 0..30 {
        let query = maker.vector();
        let found = nearest(&stores, &Filter::default(), &query, 100).await;
        let best = exact(&vectors, &query.to_f32(), 10);
        wanted += best.len();
        hits += best.iter().filter(|index| found.contains(index)).count();
    }
    assert!(hits * 1_000 >= wanted * 995, "recall@10 is {hits} of {wanted}");
}

#[tokio::test]
async fn what_is_removed_is_never_found_again() {
    let (stores, _library, _folder) = library();
    let mut maker = Maker::new(0xD0D0);
    let (first, _) = put(&stores, "first.txt", &mut maker, 300).await;
    let (_, kept) = put(&stores, "second.txt", &mut maker, 300).await;
    stores
        .documents
        .delete_document(&Stores::scope(), first)
        .await
        .unwrap();
    let query = maker.vector();
    let found = nearest(&stores, &Filter::default(), &query, 50).await;
    assert_eq!(found, exact(&kept, &query.to_f32(), 50));
    let models = stores.chunks.embedding_models(&Stores::scope()).await.unwrap();
    assert_eq!(models, [(clustered(), 300)]);
}
