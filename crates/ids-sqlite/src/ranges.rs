//! What a search goes over, as ranges of chunk ids.
//!
//! The chunks of a version have consecutive ids, and ids are never used again: a scope with its filter is a short list of
//! ranges, by which posting lists and vectors are cut without a look at the database.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use ids_core::chunk::Filter;
use ids_core::scope::Scope;
use rusqlite::params_from_iter;

use crate::database::ReadTx;
use crate::error::DbResult;
use crate::scope_sql::Conditions;

/// Scopes remembered; people ask again and again over the same few.
const REMEMBERED: usize = 16;

/// Disjoint ranges of chunk ids, ascending; neighbours are joined.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    ranges: Vec<Range<i64>>,
    chunks: u64,
}

impl Ranges {
    /// From ranges ordered by their start.
    pub(crate) fn from_sorted(sorted: impl IntoIterator<Item = Range<i64>>) -> Self {
        let mut ranges: Vec<Range<i64>> = Vec::new();
        let mut chunks = 0;
        for range in sorted {
            chunks += range.end.saturating_sub(range.start).max(0).unsigned_abs();
            match ranges.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => ranges.push(range),
            }
        }
        Self { ranges, chunks }
    }

    /// The ranges, ascending.
    pub(crate) fn as_slice(&self) -> &[Range<i64>] {
        &self.ranges
    }

    /// How many chunks they hold.
    pub(crate) fn chunks(&self) -> u64 {
        self.chunks
    }
}

/// The ranges of the scopes asked for last, each valid for one generation of the library.
#[derive(Default)]
pub(crate) struct RangeCache {
    entries: Mutex<Vec<Entry>>,
}

struct Entry {
    generation: u64,
    scope: Scope,
    filter: Filter,
    ranges: Arc<Ranges>,
}

impl RangeCache {
    fn find(&self, generation: u64, scope: &Scope, filter: &Filter) -> Option<Arc<Ranges>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.generation >= generation);
        let found = entries.iter().find(|entry| {
            entry.generation == generation && entry.scope == *scope && entry.filter == *filter
        })?;
        Some(Arc::clone(&found.ranges))
    }

    fn keep(&self, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == REMEMBERED {
            entries.remove(0);
        }
        entries.push(entry);
    }
}

/// The visible chunks in scope that pass the filter.
pub(crate) fn visible(tx: &ReadTx<'_>, scope: &Scope, filter: &Filter) -> DbResult<Arc<Ranges>> {
    if let Some(known) = tx.shared.ranges.find(tx.generation, scope, filter) {
        return Ok(known);
    }
    let conditions = Conditions::in_scope(scope).filtered(filter);
    let sql = format!(
        "select v.first_chunk_id, v.chunk_count from documents d
         join collections c on c.collection_no = d.collection_no
         join versions v on v.version_no = d.visible_version_no
         where {} and v.chunk_count > 0 order by v.first_chunk_id",
        conditions.sql()
    );
    let mut statement = tx.prepare(&sql)?;
    let rows = statement
        .query_map(params_from_iter(conditions.values_with([])), |row| {
            let first: i64 = row.get(0)?;
            Ok(first..first + row.get::<_, i64>(1)?)
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let ranges = Arc::new(Ranges::from_sorted(rows));
    tx.shared.ranges.keep(Entry {
        generation: tx.generation,
        scope: scope.clone(),
        filter: filter.clone(),
        ranges: Arc::clone(&ranges),
    });
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::Ranges;

    #[test]
    fn neighbours_are_joined_and_chunks_counted() {
        let ranges = Ranges::from_sorted([1..4, 4..6, 9..10]);
        assert_eq!(ranges.as_slice(), [1..6, 9..10]);
        assert_eq!(ranges.chunks(), 6);
    }
}
