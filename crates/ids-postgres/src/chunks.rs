//! Chunks of versions. (A stand-in until the index is here.)

use ids_core::id::{DocumentId, OrganizationId};
use ids_core::ports::ChunkPage;
use ids_core::scope::Scope;

use crate::error::DbResult;
use crate::transaction::Tx;

/// How much of a version was removed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RemovedChunks {
    pub(crate) chunks: u64,
    pub(crate) embeddings: u64,
}

pub(crate) async fn remove(_: &Tx<'_>, _: OrganizationId, _version_no: i64) -> DbResult<RemovedChunks> {
    Ok(RemovedChunks::default())
}

/// `DocumentStore::list_chunks`.
pub(crate) async fn list(
    _: &Tx<'_>,
    _: &Scope,
    _: DocumentId,
    _limit: usize,
    _offset: usize,
) -> DbResult<ChunkPage> {
    Ok(ChunkPage {
        chunks: Vec::new(),
        total: 0,
    })
}
