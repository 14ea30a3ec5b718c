//! Candidates by meaning, cut on the domain's own inner product so that every store agrees (design.md 1).

use crate::chunk::Filter;
use crate::embedding::{Embedding, EmbeddingModel, inner_product};
use crate::error::StoreError;
use crate::id::ChunkId;
use crate::library::Ports;
use crate::limits;
use crate::scope::Scope;

/// The [`limits::FUSION_CANDIDATES`] best chunks by meaning.
pub(super) async fn best(
    ports: &Ports,
    scope: &Scope,
    filter: &Filter,
    (model, query): (&EmbeddingModel, &Embedding),
) -> Result<Vec<ChunkId>, StoreError> {
    let found = ports
        .chunks
        .nearest(scope, filter, model, query, limits::FUSION_CANDIDATES)
        .await?;
    let candidates = ports
        .chunks
        .load_candidates(scope, &found, &[], Some(model))
        .await?;
    let query = query.to_f32();
    let mut scored: Vec<_> = candidates
        .into_iter()
        .filter_map(|candidate| {
            cosine(Some(&query), candidate.embedding.as_ref()).map(|score| (score, candidate))
        })
        .collect();
    scored.sort_by(|(left, a), (right, b)| right.total_cmp(left).then_with(|| a.tie_key.cmp(&b.tie_key)));
    scored.truncate(limits::FUSION_CANDIDATES);
    Ok(scored
        .into_iter()
        .map(|(_, candidate)| candidate.chunk_id)
        .collect())
}

/// The cosine of query and chunk (both of length 1); `None` where either has no vector.
pub(super) fn cosine(query: Option<&[f32]>, chunk: Option<&Embedding>) -> Option<f32> {
    Some(inner_product(query?, &chunk?.to_f32()))
}
