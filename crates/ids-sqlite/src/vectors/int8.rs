//! Centred int8 codes with a proven error: a flat scan that says which vectors may be among the best.
//!
//! A vector v becomes code c with v = mean + scale·c + r. For a query q with integer code p, q ≈ step·p:
//! `q·v = q·mean + scale·step·(p·c) + (q − step·p)·(scale·c) + q·r`, and the last two terms are at most
//! `|q − step·p|·|scale·c| + |q|·|r|` (Cauchy-Schwarz): that is [`Bound::Proven`]. What rounding leaves out points
//! nowhere in particular, so both terms are in truth near that bound divided by the root of the dimension;
//! [`Bound::Likely`] allows eight times as much. Without centring nearly all of the range would be spent on
//! what these vectors have in common (their mean has norm .89, design.md 4), and the intervals would be wide.

use std::ops::Range;

use crate::ranges::Ranges;

/// Chunk ids of one block: its codes are freed when all its chunks are gone.
const BLOCK: usize = 256;
const WORDS: usize = BLOCK / 64;
/// Values of a query's code: with int8 codes, sums of up to 8,000 products stay inside i32.
const QUERY_RANGE: f32 = 2_047.0;
const CODE_RANGE: f32 = 127.0;
/// For the rounding of all f32 sums involved: some hundred terms of size 1, each rounded to 2^-24.
const ROUNDING: f32 = 1e-5;

/// How wide the interval around an estimate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// The true value always lies in it.
    Proven,
    /// The true value lies in it but for one vector in 10^15, if rounding errors are independent of the query.
    Likely,
}

impl Bound {
    fn share(self, dimensions: usize) -> f32 {
        match self {
            Self::Proven => 1.0,
            Self::Likely => (8.0 / (dimensions as f32).sqrt()).min(1.0),
        }
    }
}

/// A vector that may be among the best.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimate {
    pub(super) chunk_id: i64,
    /// The estimated inner product.
    pub(super) score: f32,
    /// How far the true one may be from it.
    error: f32,
}

impl Estimate {
    /// The true inner product is at least this.
    fn at_least(&self) -> f32 {
        self.score - self.error
    }

    /// The true inner product is at most this.
    pub(super) fn at_most(&self) -> f32 {
        self.score + self.error
    }
}

/// A query prepared for a scan.
pub(super) struct Query {
    codes: Vec<i16>,
    step: f32,
    /// Its inner product with the mean.
    with_mean: f32,
    norm: f32,
    /// The norm of what its code leaves out.
    residual: f32,
}

impl Query {
    pub(super) fn new(values: &[f32], mean: &[f32]) -> Self {
        let largest = values
            .iter()
            .fold(0.0f32, |largest, value| largest.max(value.abs()));
        let step = if largest > 0.0 { largest / QUERY_RANGE } else { 1.0 };
        let codes: Vec<i16> = values.iter().map(|value| (value / step).round() as i16).collect();
        let residual = values
            .iter()
            .zip(&codes)
            .map(|(value, &code)| value - step * f32::from(code));
        Self {
            step,
            with_mean: values.iter().zip(mean).map(|(a, b)| a * b).sum(),
            norm: norm(values.iter().copied()),
            residual: norm(residual),
            codes,
        }
    }
}

fn norm(values: impl Iterator<Item = f32>) -> f32 {
    values.map(|value| value * value).sum::<f32>().sqrt()
}

/// [`BLOCK`] consecutive chunk ids, present or not.
struct Block {
    present: [u64; WORDS],
    scales: [f32; BLOCK],
    /// Norms of what the codes leave out.
    residuals: [f32; BLOCK],
    codes: Box<[i8]>,
}

impl Block {
    fn new(dimensions: usize) -> Self {
        Self {
            present: [0; WORDS],
            scales: [0.0; BLOCK],
            residuals: [0.0; BLOCK],
            codes: vec![0; BLOCK * dimensions].into_boxed_slice(),
        }
    }

    fn is_empty(&self) -> bool {
        self.present.iter().all(|&word| word == 0)
    }
}

/// All vectors of one model as codes, by chunk id.
pub(super) struct CodeBook {
    mean: Vec<f32>,
    /// Of how many vectors the mean is.
    averaged: usize,
    blocks: Vec<Option<Box<Block>>>,
    len: usize,
    /// No decoded vector (less the mean) is longer.
    longest: f32,
}

impl CodeBook {
    pub(super) fn new(mean: Vec<f32>, averaged: usize) -> Self {
        Self {
            mean,
            averaged,
            blocks: Vec::new(),
            len: 0,
            longest: 0.0,
        }
    }

    pub(super) fn mean(&self) -> &[f32] {
        &self.mean
    }

    pub(super) fn dimensions(&self) -> usize {
        self.mean.len()
    }

    pub(super) fn averaged(&self) -> usize {
        self.averaged
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a vector, or puts it in the place of the one of that chunk.
    pub(super) fn insert(&mut self, chunk_id: i64, values: &[f32]) {
        let dimensions = self.mean.len();
        let Ok(at) = usize::try_from(chunk_id) else { return };
        if values.len() != dimensions {
            return;
        }
        let (block, slot) = (at / BLOCK, at % BLOCK);
        if self.blocks.len() <= block {
            self.blocks.resize_with(block + 1, || None);
        }
        let block = self.blocks[block].get_or_insert_with(|| Box::new(Block::new(dimensions)));
        let centred = || values.iter().zip(&self.mean).map(|(value, mean)| value - mean);
        let largest = centred().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let scale = if largest > 0.0 { largest / CODE_RANGE } else { 1.0 };
        let codes = &mut block.codes[slot * dimensions..(slot + 1) * dimensions];
        let (mut residual, mut length) = (0.0f32, 0.0f32);
        for (code, value) in codes.iter_mut().zip(centred()) {
            *code = (value / scale).round() as i8;
            let decoded = scale * f32::from(*code);
            residual += (value - decoded) * (value - decoded);
            length += decoded * decoded;
        }
        block.scales[slot] = scale;
        block.residuals[slot] = residual.sqrt();
        self.longest = self.longest.max(length.sqrt());
        let bit = 1u64 << (slot % 64);
        if block.present[slot / 64] & bit == 0 {
            block.present[slot / 64] |= bit;
            self.len += 1;
        }
    }

    /// Forgets the vectors of these chunks.
    pub(super) fn remove(&mut self, chunk_ids: Range<i64>) {
        for (number, slots) in blocks_of(&chunk_ids, self.blocks.len()) {
            let Some(block) = &mut self.blocks[number] else {
                continue;
            };
            for slot in slots {
                let bit = 1u64 << (slot % 64);
                if block.present[slot / 64] & bit != 0 {
                    block.present[slot / 64] &= !bit;
                    self.len -= 1;
                }
            }
            if block.is_empty() {
                self.blocks[number] = None;
            }
        }
    }

    /// Vectors of these chunks.
    pub(super) fn count_in(&self, scope: &Ranges) -> u64 {
        let mut count = 0;
        for range in scope.as_slice() {
            for (number, slots) in blocks_of(range, self.blocks.len()) {
                let Some(block) = &self.blocks[number] else {
                    continue;
                };
                for (at, word) in block.present.iter().enumerate() {
                    count += u64::from((word & word_mask(at, &slots)).count_ones());
                }
            }
        }
        count
    }

    /// Every vector in scope that may be among the best `limit`, or within `margin` of the last of them.
    pub(super) fn scan(
        &self,
        query: &Query,
        scope: &Ranges,
        bound: Bound,
        limit: usize,
        margin: f32,
    ) -> Vec<Estimate> {
        let dimensions = self.mean.len();
        let share = bound.share(dimensions);
        let fixed_error = share * query.residual * self.longest + ROUNDING;
        let error_per_residual = share * query.norm;
        let mut best = Best::new(limit, margin);
        for range in scope.as_slice() {
            for (number, slots) in blocks_of(range, self.blocks.len()) {
                let Some(block) = &self.blocks[number] else {
                    continue;
                };
                for slot in slots {
                    if block.present[slot / 64] & (1 << (slot % 64)) == 0 {
                        continue;
                    }
                    let codes = &block.codes[slot * dimensions..(slot + 1) * dimensions];
                    let sum = dot(&query.codes, codes) as f32;
                    best.offer(Estimate {
                        chunk_id: (number * BLOCK + slot) as i64,
                        score: query.with_mean + block.scales[slot] * query.step * sum,
                        error: fixed_error + error_per_residual * block.residuals[slot],
                    });
                }
            }
        }
        best.finish()
    }
}

/// The blocks that a range of ids touches, each with its slots.
fn blocks_of(ids: &Range<i64>, blocks: usize) -> impl Iterator<Item = (usize, Range<usize>)> + use<> {
    let start = usize::try_from(ids.start).unwrap_or(0);
    let end = usize::try_from(ids.end).unwrap_or(0).min(blocks * BLOCK);
    let (first, last) = (start / BLOCK, end.div_ceil(BLOCK));
    (first..last.max(first)).map(move |number| {
        let base = number * BLOCK;
        (number, start.saturating_sub(base)..(end - base).min(BLOCK))
    })
}

/// The bits of word `at` that lie in `slots`.
fn word_mask(at: usize, slots: &Range<usize>) -> u64 {
    let from = slots.start.saturating_sub(at * 64).min(64);
    let to = slots.end.saturating_sub(at * 64).min(64);
    if from >= to {
        return 0;
    }
    (u64::MAX << from) & (u64::MAX >> (64 - to))
}

/// The sum of products of two codes of equal length, by AVX2 where the machine has it: more than twice as fast as what
/// every x86-64 can do. Integers: both ways give the same sum.
#[cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "a function compiled for AVX2 is called; there is no safe way to dispatch"
    )
)]
fn dot(query: &[i16], codes: &[i8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the machine has AVX2, which is all that the function asks for; it is safe code otherwise.
        return unsafe { dot_avx2(query, codes) };
    }
    dot_portable(query, codes)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_avx2(query: &[i16], codes: &[i8]) -> i32 {
    dot_portable(query, codes)
}

/// Written for the compiler, which multiplies and adds pairs at once (`pmaddwd`) even on the oldest x86-64; checks for
/// overflow, which [`QUERY_RANGE`] rules out, would keep it from that.
#[inline(always)]
fn dot_portable(query: &[i16], codes: &[i8]) -> i32 {
    query.iter().zip(codes).fold(0, |sum: i32, (&q, &c)| {
        sum.wrapping_add(i32::from(q).wrapping_mul(i32::from(c)))
    })
}

/// Keeps what may be among the best, and drops from time to time what by now cannot.
struct Best {
    limit: usize,
    margin: f32,
    /// At least `limit` vectors are this good.
    floor: f32,
    kept: Vec<Estimate>,
    next_cut: usize,
}

impl Best {
    fn new(limit: usize, margin: f32) -> Self {
        let next_cut = limit.saturating_mul(2).max(1_024);
        Self {
            limit,
            margin,
            floor: f32::NEG_INFINITY,
            kept: Vec::new(),
            next_cut,
        }
    }

    fn offer(&mut self, estimate: Estimate) {
        if estimate.at_most() < self.floor - self.margin {
            return;
        }
        self.kept.push(estimate);
        if self.kept.len() >= self.next_cut {
            self.cut();
            // Twice what is left: the work of all cuts together stays linear.
            self.next_cut = (self.kept.len() * 2).max(1_024);
        }
    }

    fn cut(&mut self) {
        if self.kept.len() <= self.limit {
            return;
        }
        let (_, last, _) = self
            .kept
            .select_nth_unstable_by(self.limit - 1, |a, b| b.at_least().total_cmp(&a.at_least()));
        self.floor = self.floor.max(last.at_least());
        let border = self.floor - self.margin;
        self.kept.retain(|estimate| estimate.at_most() >= border);
    }

    fn finish(mut self) -> Vec<Estimate> {
        self.cut();
        self.kept
    }
}
