//! Candidates by words: posting lists in the order of the terms given, cut and summed by the domain's rule (design.md 4).

use std::cmp::Reverse;
use std::collections::HashMap;

use ids_core::chunk::{Filter, TieKey};
use ids_core::document::ContentHash;
use ids_core::id::ChunkId;
use ids_core::limits::{
    LEXICAL_CANDIDATES, LEXICAL_CANDIDATES_WITH_TIES, POSTINGS_ENOUGH, POSTINGS_PER_TERM,
};
use ids_core::ports::WeightedTerm;
use ids_core::scope::{CollectionName, Scope};

use crate::error::{DbError, DbResult};
use crate::postings::{BLOCK, decode};
use crate::rows::{Columns, Id};
use crate::search_scope::{Visible, visible};
use crate::transaction::Tx;

/// Terms whose lists are begun in one statement.
const TERMS_AT_ONCE: usize = 16;
/// Blocks read of each of them then: a rare term's whole list, at 0.3 ms for sixteen that may turn out not to be needed.
const FIRST_BLOCKS: i64 = 256;
/// Blocks read at once of a list that goes on: at one posting a block, five statements for the longest.
const MORE_BLOCKS: i64 = 4_096;

/// `ChunkIndex::lexical_candidates`.
pub(crate) async fn candidates(
    tx: &Tx<'_>,
    scope: &Scope,
    filter: &Filter,
    terms: &[WeightedTerm],
) -> DbResult<Vec<ChunkId>> {
    let lists = Lists {
        tx,
        scope,
        starts: starts(&visible(tx, scope, filter).await?),
    };
    let mut postings = Vec::new();
    'read: for some in terms.chunks(TERMS_AT_ONCE) {
        for (list, term) in lists.begin(some).await?.into_iter().zip(some) {
            let chunk_ids = lists.finish(list, term).await?;
            postings.extend(chunk_ids.into_iter().map(|chunk_id| (chunk_id, term.weight)));
            if postings.len() >= POSTINGS_ENOUGH {
                break 'read;
            }
        }
    }
    cut(tx, scope, sum_by_chunk(postings)).await
}

/// First chunks of the blocks in scope, rising; `None` when no block is out of scope.
fn starts(visible: &Visible) -> Option<Vec<i64>> {
    match visible {
        Visible::All => None,
        Visible::Only(versions) => {
            let blocks = versions.iter().flat_map(|version| {
                let end = version.first_chunk_id + version.chunk_count;
                (version.first_chunk_id..end).step_by(BLOCK as usize)
            });
            Some(blocks.collect())
        }
    }
}

/// The beginning of a list.
#[derive(Default)]
struct List {
    chunk_ids: Vec<i64>,
    /// Rows read of it so far.
    blocks: i64,
    last_block: i64,
}

impl List {
    fn push(&mut self, first_chunk_id: i64, chunks: &[u8]) -> DbResult<()> {
        self.chunk_ids.extend(decode(first_chunk_id, chunks)?);
        self.blocks += 1;
        self.last_block = first_chunk_id;
        Ok(())
    }
}

struct Lists<'a, 'tx> {
    tx: &'a Tx<'tx>,
    scope: &'a Scope,
    starts: Option<Vec<i64>>,
}

impl Lists<'_, '_> {
    /// The first blocks in scope of each term's list.
    async fn begin(&self, terms: &[WeightedTerm]) -> DbResult<Vec<List>> {
        let mut lists: Vec<List> = Vec::new();
        lists.resize_with(terms.len(), List::default);
        let names: Vec<&str> = terms.iter().map(|term| term.term.as_str()).collect();
        let organization = self.scope.organization.to_uuid();
        let rows = match &self.starts {
            None => {
                let sql = include_str!("../queries/begin_lists.sql");
                self.tx
                    .query(sql, &[&organization, &names, &FIRST_BLOCKS])
                    .await?
            }
            Some(starts) => {
                let sql = include_str!("../queries/begin_lists_in_scope.sql");
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                    [&organization, &names, &FIRST_BLOCKS, starts];
                self.tx.query(sql, &values).await?
            }
        };
        for row in &rows {
            let mut columns = Columns::new(row, "postings");
            let place: i64 = columns.get()?;
            let first_chunk_id = columns.get()?;
            let chunks: Vec<u8> = columns.get()?;
            // `with ordinality` counts from 1.
            let list = usize::try_from(place - 1).ok().and_then(|at| lists.get_mut(at));
            list.ok_or(DbError::INTERNAL)?.push(first_chunk_id, &chunks)?;
        }
        Ok(lists)
    }

    /// The rest of the list, up to [`POSTINGS_PER_TERM`] postings.
    async fn finish(&self, mut list: List, term: &WeightedTerm) -> DbResult<Vec<i64>> {
        let mut asked = FIRST_BLOCKS;
        while list.blocks == asked && list.chunk_ids.len() < POSTINGS_PER_TERM {
            asked += MORE_BLOCKS;
            let organization = self.scope.organization.to_uuid();
            let name = term.term.as_str();
            let rows = match &self.starts {
                None => {
                    let sql = include_str!("../queries/continue_list.sql");
                    self.tx
                        .query(sql, &[&organization, &name, &list.last_block, &MORE_BLOCKS])
                        .await?
                }
                Some(starts) => {
                    let sql = include_str!("../queries/continue_list_in_scope.sql");
                    let rest = &starts[starts.partition_point(|&start| start <= list.last_block)..];
                    self.tx
                        .query(sql, &[&organization, &name, &rest, &MORE_BLOCKS])
                        .await?
                }
            };
            for row in &rows {
                let mut columns = Columns::new(row, "postings");
                let first_chunk_id = columns.get()?;
                list.push(first_chunk_id, &columns.get::<Vec<u8>>()?)?;
            }
        }
        list.chunk_ids.truncate(POSTINGS_PER_TERM);
        Ok(list.chunk_ids)
    }
}

/// Chunks with the sum of their weights, by rising id.
fn sum_by_chunk(mut postings: Vec<(i64, u64)>) -> Vec<(i64, u64)> {
    postings.sort_unstable_by_key(|&(chunk_id, _)| chunk_id);
    postings.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    postings
}

/// The best [`LEXICAL_CANDIDATES`] and all that tie with the last, at most [`LEXICAL_CANDIDATES_WITH_TIES`] by `TieKey`.
async fn cut(tx: &Tx<'_>, scope: &Scope, mut sums: Vec<(i64, u64)>) -> DbResult<Vec<ChunkId>> {
    if sums.len() > LEXICAL_CANDIDATES {
        let (_, last, _) = sums.select_nth_unstable_by_key(LEXICAL_CANDIDATES - 1, |&(_, sum)| Reverse(sum));
        let border = last.1;
        sums.retain(|&(_, sum)| sum >= border);
        if sums.len() > LEXICAL_CANDIDATES_WITH_TIES {
            return cut_ties(tx, scope, sums, border).await;
        }
    }
    Ok(sums.into_iter().map(|(chunk_id, _)| ChunkId(chunk_id)).collect())
}

async fn cut_ties(tx: &Tx<'_>, scope: &Scope, sums: Vec<(i64, u64)>, border: u64) -> DbResult<Vec<ChunkId>> {
    let (better, ties): (Vec<_>, Vec<_>) = sums.into_iter().partition(|&(_, sum)| sum > border);
    let mut keyed = tie_keys(tx, scope, &ties).await?;
    let kept = LEXICAL_CANDIDATES_WITH_TIES - better.len();
    if keyed.len() > kept {
        keyed.select_nth_unstable(kept);
        keyed.truncate(kept);
    }
    let better = better.into_iter().map(|(chunk_id, _)| ChunkId(chunk_id));
    Ok(better
        .chain(keyed.into_iter().map(|(_, chunk_id)| chunk_id))
        .collect())
}

/// What all tie keys of a version share.
struct VersionKey {
    file_hash: ContentHash,
    collection: CollectionName,
    filename: String,
}

async fn tie_keys(tx: &Tx<'_>, scope: &Scope, chunks: &[(i64, u64)]) -> DbResult<Vec<(TieKey, ChunkId)>> {
    let mut runs: Vec<i64> = chunks.iter().map(|&(chunk_id, _)| run_start(chunk_id)).collect();
    runs.sort_unstable();
    runs.dedup();
    let rows = tx
        .query(
            include_str!("../queries/tie_keys.sql"),
            &[&scope.organization.to_uuid(), &runs],
        )
        .await?;
    let mut versions = HashMap::new();
    for row in &rows {
        let mut columns = Columns::new(row, "versions");
        let first_chunk_id: i64 = columns.get()?;
        let key = VersionKey {
            file_hash: columns.hash()?,
            collection: columns.collection()?,
            filename: columns.get()?,
        };
        versions.insert(first_chunk_id, key);
    }
    let mut keyed = Vec::with_capacity(chunks.len());
    for &(chunk_id, _) in chunks {
        let first = run_start(chunk_id);
        // All is read in one snapshot, so the version is there.
        let version = versions
            .get(&first)
            .ok_or_else(|| DbError::row("versions", first))?;
        let key = TieKey {
            file_hash: version.file_hash,
            chunk_index: u32::try_from(chunk_id - first).map_err(|_| DbError::row("versions", first))?,
            collection: version.collection.clone(),
            filename: version.filename.clone(),
        };
        keyed.push((key, ChunkId(chunk_id)));
    }
    Ok(keyed)
}

/// The first chunk of the version that a chunk belongs to.
fn run_start(chunk_id: i64) -> i64 {
    chunk_id & !((1 << crate::chunks::RUN_BITS) - 1)
}
