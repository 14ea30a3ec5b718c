//! Where chunks stand, whatever id their store gave them.

use std::collections::BTreeMap;

use super::records::VersionRecord;
use crate::id::{ChunkId, VersionId};

/// The chunks of one store by version and index. The chunks of a version have ids that follow each other.
#[derive(Debug, Default)]
pub struct ChunkPlaces {
    /// By the first chunk's id: how many, and of which version.
    runs: BTreeMap<i64, (u32, VersionId)>,
    firsts: BTreeMap<VersionId, i64>,
}

impl ChunkPlaces {
    /// The id of no chunk: what a citation names whose chunk is gone. Kept as it was, the number might be another chunk's elsewhere.
    pub const NOWHERE: ChunkId = ChunkId(0);

    /// Notes where the chunks of a version stand.
    pub fn add(&mut self, version: &VersionRecord, first: Option<ChunkId>) {
        let Some(first) = first else { return };
        let count = u32::try_from(version.chunks.len()).unwrap_or(u32::MAX);
        self.runs.insert(first.0, (count, version.version_id));
        self.firsts.insert(version.version_id, first.0);
    }

    /// The version and index of a chunk; `None` when there is no such chunk.
    pub fn place_of(&self, chunk_id: ChunkId) -> Option<(VersionId, u32)> {
        let (first, (count, version_id)) = self.runs.range(..=chunk_id.0).next_back()?;
        let index = u32::try_from(chunk_id.0.checked_sub(*first)?).ok()?;
        (index < *count).then_some((*version_id, index))
    }

    /// The id of the chunk at a place, or [`Self::NOWHERE`].
    pub fn chunk_at(&self, place: Option<(VersionId, u32)>) -> ChunkId {
        place
            .and_then(|(version_id, index)| Some(ChunkId(self.firsts.get(&version_id)? + i64::from(index))))
            .unwrap_or(Self::NOWHERE)
    }
}
