//! Candidates by words: posting lists in the order of the terms given, cut and summed by the domain's rule (design.md 4).

use std::cmp::Reverse;

use ids_core::chunk::{Filter, TieKey};
use ids_core::document::ContentHash;
use ids_core::id::ChunkId;
use ids_core::limits::{
    LEXICAL_CANDIDATES, LEXICAL_CANDIDATES_WITH_TIES, POSTINGS_ENOUGH, POSTINGS_PER_TERM,
};
use ids_core::ports::WeightedTerm;
use ids_core::scope::{CollectionName, Scope};
use rusqlite::{CachedStatement, Connection, params};

use crate::database::ReadTx;
use crate::error::{DbError, DbResult};
use crate::ranges::{self, Ranges};

/// A gap between two ranges from which on a new seek is cheaper than reading on: a seek costs about as much as some
/// thousand steps along a list.
const SEEK_GAP: i64 = 4_096;

/// `ChunkIndex::lexical_candidates`.
pub(crate) fn candidates(
    tx: &ReadTx<'_>,
    scope: &Scope,
    filter: &Filter,
    terms: &[WeightedTerm],
) -> DbResult<Vec<ChunkId>> {
    let visible = ranges::visible(tx, scope, filter)?;
    let mut postings = Vec::new();
    let mut statement = tx.prepare_cached(
        "select rowid from postings where postings match ?1 and rowid >= ?2 and rowid < ?3 order by rowid",
    )?;
    for term in terms {
        read_list(&mut statement, &visible, term, &mut postings)?;
        if postings.len() >= POSTINGS_ENOUGH {
            break;
        }
    }
    let sums = sum_by_chunk(postings);
    cut(tx, sums)
}

/// Appends at most [`POSTINGS_PER_TERM`] postings in scope, in order of ingestion.
fn read_list(
    statement: &mut CachedStatement<'_>,
    visible: &Ranges,
    term: &WeightedTerm,
    postings: &mut Vec<(i64, u64)>,
) -> DbResult<()> {
    let ranges = visible.as_slice();
    let Some(last) = ranges.last() else { return Ok(()) };
    let most = postings.len() + POSTINGS_PER_TERM;
    let mut at = 0;
    'seek: while at < ranges.len() {
        let mut rows = statement.query(params![term.term.as_str(), ranges[at].start, last.end])?;
        while let Some(row) = rows.next()? {
            let chunk_id: i64 = row.get(0)?;
            while ranges[at].end <= chunk_id {
                at += 1;
                if at == ranges.len() {
                    return Ok(());
                }
            }
            if chunk_id >= ranges[at].start {
                postings.push((chunk_id, term.weight));
                if postings.len() == most {
                    return Ok(());
                }
            } else if ranges[at].start - chunk_id > SEEK_GAP {
                continue 'seek;
            }
        }
        return Ok(());
    }
    Ok(())
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
fn cut(tx: &Connection, mut sums: Vec<(i64, u64)>) -> DbResult<Vec<ChunkId>> {
    if sums.len() > LEXICAL_CANDIDATES {
        let (_, last, _) = sums.select_nth_unstable_by_key(LEXICAL_CANDIDATES - 1, |&(_, sum)| Reverse(sum));
        let border = last.1;
        sums.retain(|&(_, sum)| sum >= border);
        if sums.len() > LEXICAL_CANDIDATES_WITH_TIES {
            return cut_ties(tx, sums, border);
        }
    }
    Ok(sums.into_iter().map(|(chunk_id, _)| ChunkId(chunk_id)).collect())
}

fn cut_ties(tx: &Connection, sums: Vec<(i64, u64)>, border: u64) -> DbResult<Vec<ChunkId>> {
    let (better, mut ties): (Vec<_>, Vec<_>) = sums.into_iter().partition(|&(_, sum)| sum > border);
    ties.sort_unstable();
    let mut keyed = tie_keys(tx, &ties)?;
    keyed.sort_unstable();
    keyed.truncate(LEXICAL_CANDIDATES_WITH_TIES - better.len());
    let better = better.into_iter().map(|(chunk_id, _)| ChunkId(chunk_id));
    Ok(better
        .chain(keyed.into_iter().map(|(_, chunk_id)| chunk_id))
        .collect())
}

/// The tie keys of chunks given by rising id: one look at the database per version.
fn tie_keys(tx: &Connection, chunks: &[(i64, u64)]) -> DbResult<Vec<(TieKey, ChunkId)>> {
    let mut select = tx.prepare_cached(
        "select v.first_chunk_id, v.chunk_count, v.file_hash, c.name, v.filename from versions v
         join documents d on d.visible_version_no = v.version_no
         join collections c on c.collection_no = d.collection_no
         where v.version_no = (select version_no from chunks where chunk_id = ?1)",
    )?;
    let mut keyed = Vec::with_capacity(chunks.len());
    let mut rest = chunks;
    while let Some(&(chunk_id, _)) = rest.first() {
        let (first, count, hash, collection, filename): (i64, i64, [u8; 32], String, String) = select
            .query_row([chunk_id], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })?;
        let collection =
            CollectionName::parse(&collection).map_err(|_| DbError::row("collections", &collection))?;
        let of_version = rest.partition_point(|&(chunk_id, _)| chunk_id < first + count);
        for &(chunk_id, _) in &rest[..of_version] {
            let key = TieKey {
                file_hash: ContentHash::from_bytes(hash),
                chunk_index: u32::try_from(chunk_id - first).map_err(|_| DbError::row("versions", first))?,
                collection: collection.clone(),
                filename: filename.clone(),
            };
            keyed.push((key, ChunkId(chunk_id)));
        }
        rest = &rest[of_version..];
    }
    Ok(keyed)
}
