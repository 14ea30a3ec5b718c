//! Candidates by meaning. The f16 vectors in the file are the truth; memory holds centred int8 codes of all of them.
//!
//! Each code carries how far it is from its vector, so the scan gives an interval around every inner product, not a
//! guess: whatever cannot be shown to be worse than the last one wanted is read from the file and computed exactly. So
//! up to [`EXACT_VECTORS`] in scope the answer is the exact one, at half the memory of f16 (392 bytes a vector of 384
//! values), whatever the filter. Beyond, the intervals are narrower than what can be proven, and the number of vectors
//! read is bounded.
//!
//! Above some 300,000 vectors a 1-bit scan pays (design.md 4); it would stand beside `int8` and narrow what that looks at.

mod int8;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use ids_core::embedding::{EmbeddingModel, inner_product};
use ids_core::id::ChunkId;
use ids_core::limits::{EXACT_VECTORS, SIMILARITY_MARGIN};
use rusqlite::{Connection, params};

use crate::database::ReadTx;
use crate::error::{DbError, DbResult};
use crate::ranges::Ranges;
use int8::{Bound, CodeBook, Estimate, Query};

/// Vectors read from the file for one query when more than [`EXACT_VECTORS`] are in scope. Over e5 vectors the
/// intervals leave a few hundred; the bound is for collections of near-equal texts.
const RESCORED: usize = 4_000;
/// Vectors read before it is looked again whether any other can be among the best.
const RESCORED_AT_ONCE: usize = 64;
/// Vectors of which the first mean is taken; before there are as many, the codes are of the plain vectors.
const FIRST_MEAN: usize = 64;

/// A vector that was just written to the file.
pub(crate) struct StoredVector {
    pub(crate) chunk_id: i64,
    pub(crate) values: Vec<f32>,
}

/// The codes of every model, by its number in the file.
#[derive(Default)]
pub(crate) struct Vectors {
    models: BTreeMap<i64, CodeBook>,
}

impl Vectors {
    pub(crate) fn store(&mut self, model_no: i64, stored: &[StoredVector]) {
        let Some(first) = stored.first() else { return };
        let dimensions = first.values.len();
        let book = self
            .models
            .entry(model_no)
            .or_insert_with(|| CodeBook::new(vec![0.0; dimensions], 0));
        for vector in stored {
            book.insert(vector.chunk_id, &vector.values);
        }
    }

    pub(crate) fn remove(&mut self, chunk_ids: Range<i64>) {
        for book in self.models.values_mut() {
            book.remove(chunk_ids.clone());
        }
    }

    pub(crate) fn remove_of(&mut self, model_no: i64, chunk_id: i64) {
        if let Some(book) = self.models.get_mut(&model_no) {
            book.remove(chunk_id..chunk_id + 1);
        }
    }
}

/// Reads all vectors of the file once.
pub(crate) fn load(tx: &Connection) -> DbResult<Vectors> {
    let mut models = BTreeMap::new();
    let mut statement = tx.prepare("select model_no, dimensions from embedding_models")?;
    let found = statement
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, u32>(1)?)))?
        .collect::<Result<Vec<(i64, u32)>, _>>()?;
    for (model_no, dimensions) in found {
        models.insert(model_no, load_model(tx, model_no, dimensions as usize)?);
    }
    Ok(Vectors { models })
}

fn load_model(tx: &Connection, model_no: i64, dimensions: usize) -> DbResult<CodeBook> {
    let mut sum = vec![0.0f64; dimensions];
    let mut averaged = 0usize;
    each_vector(tx, model_no, dimensions, EXACT_VECTORS, |_, values| {
        averaged += 1;
        sum.iter_mut()
            .zip(values)
            .for_each(|(sum, &value)| *sum += f64::from(value));
    })?;
    let mean = if averaged < FIRST_MEAN {
        vec![0.0; dimensions]
    } else {
        sum.iter().map(|sum| (sum / averaged as f64) as f32).collect()
    };
    let mut book = CodeBook::new(mean, if averaged < FIRST_MEAN { 0 } else { averaged });
    each_vector(tx, model_no, dimensions, usize::MAX, |chunk_id, values| {
        book.insert(chunk_id, values)
    })?;
    Ok(book)
}

fn each_vector(
    tx: &Connection,
    model_no: i64,
    dimensions: usize,
    limit: usize,
    mut each: impl FnMut(i64, &[f32]),
) -> DbResult<()> {
    let mut statement =
        tx.prepare_cached("select chunk_id, vector from embeddings where model_no = ?1 limit ?2")?;
    let mut rows = statement.query(params![model_no, crate::rows::as_integer(limit)])?;
    let mut values = Vec::with_capacity(dimensions);
    while let Some(row) = rows.next()? {
        let chunk_id: i64 = row.get(0)?;
        let broken = || DbError::row("embeddings", chunk_id);
        let bytes = row.get_ref(1)?.as_blob().map_err(|_| broken())?;
        decode_into(bytes, dimensions, &mut values).ok_or_else(broken)?;
        each(chunk_id, &values);
    }
    Ok(())
}

/// Little-endian f16 to f32, many at once.
fn decode_into(bytes: &[u8], dimensions: usize, values: &mut Vec<f32>) -> Option<()> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != dimensions {
        return None;
    }
    let bits: Vec<u16> = pairs.iter().map(|&pair| u16::from_le_bytes(pair)).collect();
    let halves: &[f16] = bits.reinterpret_cast();
    values.resize(dimensions, 0.0);
    halves.convert_to_f32_slice(values);
    values.iter().all(|value| value.is_finite()).then_some(())
}

/// Computes codes anew around a better mean where a model has grown eightfold since its last one, up to
/// [`EXACT_VECTORS`]: from there on the mean of such vectors hardly moves, and any mean is correct.
pub(crate) fn refresh_means(tx: &Connection, vectors: &RwLock<Vectors>) -> DbResult<()> {
    let due: Vec<(i64, usize)> = {
        let vectors = vectors.read().unwrap_or_else(PoisonError::into_inner);
        let is_due = |book: &CodeBook| {
            let of = book.averaged();
            book.len() >= FIRST_MEAN.max(of.saturating_mul(8).min(EXACT_VECTORS)) && of < EXACT_VECTORS
        };
        let due = vectors.models.iter().filter(|(_, book)| is_due(book));
        due.map(|(&model_no, book)| (model_no, book.dimensions()))
            .collect()
    };
    for (model_no, dimensions) in due {
        // Only the writer changes the codes, and this is the writer: none can be missed meanwhile.
        let book = load_model(tx, model_no, dimensions)?;
        vectors
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .models
            .insert(model_no, book);
    }
    Ok(())
}

/// `ChunkIndex::nearest` over the chunks in `scope`.
pub(crate) fn nearest(
    tx: &ReadTx<'_>,
    scope: &Ranges,
    model_no: i64,
    query: &[f32],
    limit: usize,
) -> DbResult<Vec<ChunkId>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let (mut estimates, bound) = {
        let vectors = tx.shared.vectors.read().unwrap_or_else(PoisonError::into_inner);
        let Some(book) = vectors
            .models
            .get(&model_no)
            .filter(|book| book.dimensions() == query.len())
        else {
            return Ok(Vec::new());
        };
        let bound = if book.count_in(scope) <= EXACT_VECTORS as u64 {
            Bound::Proven
        } else {
            Bound::Likely
        };
        let query = Query::new(query, book.mean());
        (book.scan(&query, scope, bound, limit, SIMILARITY_MARGIN), bound)
    };
    if bound == Bound::Likely && estimates.len() > RESCORED {
        estimates.select_nth_unstable_by(RESCORED - 1, |a, b| b.score.total_cmp(&a.score));
        estimates.truncate(RESCORED);
    }
    let mut scored = rescore(tx, model_no, query, &mut estimates, limit)?;
    if scored.len() > limit {
        let border = kth_best(&mut scored, limit) - SIMILARITY_MARGIN;
        scored.retain(|&(score, _)| score >= border);
    }
    Ok(scored.into_iter().map(|(_, chunk_id)| chunk_id).collect())
}

/// The domain's inner product with the vectors of the file, the most hopeful first, until no other one can be among
/// the best `limit` or tie with them.
fn rescore(
    tx: &Connection,
    model_no: i64,
    query: &[f32],
    estimates: &mut [Estimate],
    limit: usize,
) -> DbResult<Vec<(f32, ChunkId)>> {
    estimates.sort_unstable_by(|a, b| b.at_most().total_cmp(&a.at_most()));
    let mut select =
        tx.prepare_cached("select vector from embeddings where chunk_id = ?1 and model_no = ?2")?;
    let mut values = Vec::with_capacity(query.len());
    let mut scored = Vec::with_capacity(estimates.len());
    for batch in estimates.chunks(RESCORED_AT_ONCE) {
        if scored.len() >= limit && batch[0].at_most() < kth_best(&mut scored, limit) - SIMILARITY_MARGIN {
            break;
        }
        for estimate in batch {
            let mut rows = select.query(params![estimate.chunk_id, model_no])?;
            // Gone since the codes were read: it is no candidate any more.
            let Some(row) = rows.next()? else { continue };
            let broken = || DbError::row("embeddings", estimate.chunk_id);
            let bytes = row.get_ref(0)?.as_blob().map_err(|_| broken())?;
            decode_into(bytes, query.len(), &mut values).ok_or_else(broken)?;
            scored.push((inner_product(query, &values), ChunkId(estimate.chunk_id)));
        }
    }
    Ok(scored)
}

/// The score of the `limit`-th best; there must be as many, and `limit` must not be 0.
fn kth_best(scored: &mut [(f32, ChunkId)], limit: usize) -> f32 {
    scored
        .select_nth_unstable_by(limit - 1, |a, b| b.0.total_cmp(&a.0))
        .1
        .0
}

/// `ChunkIndex::embedding_models` over the chunks in `scope`.
pub(crate) fn models(tx: &ReadTx<'_>, scope: &Ranges) -> DbResult<Vec<(EmbeddingModel, u64)>> {
    let mut statement = tx.prepare_cached("select model_no, name, dimensions from embedding_models")?;
    let known = statement
        .query_map([], |row| {
            let dimensions: u32 = row.get(2)?;
            Ok((
                row.get(0)?,
                EmbeddingModel {
                    name: row.get(1)?,
                    dimensions: dimensions as usize,
                },
            ))
        })?
        .collect::<Result<Vec<(i64, EmbeddingModel)>, _>>()?;
    let vectors = tx.shared.vectors.read().unwrap_or_else(PoisonError::into_inner);
    let count = |model_no: &i64| {
        vectors
            .models
            .get(model_no)
            .map_or(0, |book| book.count_in(scope))
    };
    let mut models: Vec<(EmbeddingModel, u64)> = known
        .into_iter()
        .map(|(model_no, model)| (model, count(&model_no)))
        .filter(|(_, count)| *count > 0)
        .collect();
    models.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.name.cmp(&b.name)));
    Ok(models)
}
