//! Multi-head self-attention over one text, in `f32`.
//!
//! Keys lie in blocks of 16 tokens, transposed, so that one load meets 16 scores; values lie token by token.

use crate::math::{LANES, Lanes, softmax_numerators};

/// Queries answered together: each key and value loaded serves all of them.
const QUERY_ROWS: usize = 4;
/// Score of the places that fill up the last block of keys: weighs 2^-126, far below the sum's last bit.
const NO_KEY: f32 = -1e30;

/// Keys and values of all heads for one text; a buffer that is filled again for each layer.
pub(crate) struct KeysAndValues {
    heads: usize,
    head_size: usize,
    tokens: usize,
    /// `[head][block of 16 tokens][dimension]`, a lane a token.
    keys: Vec<Lanes>,
    /// `[head][16 dimensions][token]`, a lane a dimension.
    values: Vec<Lanes>,
    /// Scores of [`QUERY_ROWS`] queries against every token.
    scores: [Vec<Lanes>; QUERY_ROWS],
}

impl KeysAndValues {
    pub fn with_capacity(tokens: usize, heads: usize, head_size: usize) -> Self {
        let blocks = tokens.div_ceil(LANES);
        Self {
            heads,
            head_size,
            tokens: 0,
            keys: vec![[0.0; LANES]; heads * blocks * head_size],
            values: vec![[0.0; LANES]; heads * tokens * head_size / LANES],
            scores: std::array::from_fn(|_| vec![[0.0; LANES]; blocks]),
        }
    }

    pub fn bytes(&self) -> usize {
        let scores: usize = self
            .scores
            .iter()
            .map(|scores| size_of_val(scores.as_slice()))
            .sum();
        size_of_val(self.keys.as_slice()) + size_of_val(self.values.as_slice()) + scores
    }

    /// Makes ready for a text of `tokens` tokens; all of them must then be [`set`](Self::set).
    pub fn start(&mut self, tokens: usize) {
        self.tokens = tokens;
    }

    /// Stores key and value of `token`, each all heads side by side.
    #[inline(always)]
    pub fn set(&mut self, token: usize, key: &[f32], value: &[f32]) {
        let blocks = self.tokens.div_ceil(LANES);
        let parts = self.head_size / LANES;
        for head in 0..self.heads {
            let key = &key[head * self.head_size..][..self.head_size];
            let first = (head * blocks + token / LANES) * self.head_size;
            for (lanes, component) in self.keys[first..].iter_mut().zip(key) {
                lanes[token % LANES] = *component;
            }
            let value = &value[head * self.head_size..][..self.head_size];
            for (part, components) in value.as_chunks::<LANES>().0.iter().enumerate() {
                self.values[(head * parts + part) * self.tokens + token] = *components;
            }
        }
    }

    /// What each row of `queries` (already divided by the square root of the head's size) gathers from all tokens;
    /// `queries` and `context` have the same rows.
    #[inline(always)]
    pub fn attend(&mut self, queries: &[f32], context: &mut [f32]) {
        let width = self.heads * self.head_size;
        let rows = queries.len() / width;
        for head in 0..self.heads {
            let mut first = 0;
            while first < rows {
                // A last, shorter block repeats its last row: computed twice, written once.
                let query = |row: usize| {
                    let start = (first + row).min(rows - 1) * width + head * self.head_size;
                    &queries[start..start + self.head_size]
                };
                self.score(head, [query(0), query(1), query(2), query(3)]);
                let mut inverse_sums = [0.0; QUERY_ROWS];
                for (row, inverse_sum) in inverse_sums.iter_mut().enumerate() {
                    *inverse_sum = self.weigh(row);
                }
                for part in 0..self.head_size / LANES {
                    let gathered = self.gather(head, part);
                    for row in 0..QUERY_ROWS.min(rows - first) {
                        let start = (first + row) * width + head * self.head_size + part * LANES;
                        let out = &mut context[start..][..LANES];
                        for lane in 0..LANES {
                            out[lane] = gathered[row][lane] * inverse_sums[row];
                        }
                    }
                }
                first += QUERY_ROWS;
            }
        }
    }

    /// Dot products of the queries with every key of `head`.
    #[inline(always)]
    fn score(&mut self, head: usize, queries: [&[f32]; QUERY_ROWS]) {
        let blocks = self.tokens.div_ceil(LANES);
        let keys = &self.keys[head * blocks * self.head_size..][..blocks * self.head_size];
        let queries = same_length(queries, self.head_size);
        for (block, keys) in keys.chunks_exact(self.head_size).enumerate() {
            let mut sums = [[0.0; LANES]; QUERY_ROWS];
            for (dimension, key) in keys.iter().enumerate() {
                for row in 0..QUERY_ROWS {
                    let query = queries[row][dimension];
                    for lane in 0..LANES {
                        sums[row][lane] += query * key[lane];
                    }
                }
            }
            for (scores, sums) in self.scores.iter_mut().zip(sums) {
                scores[block] = sums;
            }
        }
    }

    /// Softmax of one query's scores, all but the division, which is returned as a factor.
    #[inline(always)]
    fn weigh(&mut self, row: usize) -> f32 {
        let blocks = self.tokens.div_ceil(LANES);
        let scores = &mut self.scores[row][..blocks];
        for score in &mut scores.as_flattened_mut()[self.tokens..] {
            *score = NO_KEY;
        }
        softmax_numerators(scores)
    }

    /// The weighted sum of 16 dimensions of every value of `head`.
    #[inline(always)]
    fn gather(&self, head: usize, part: usize) -> [Lanes; QUERY_ROWS] {
        let parts = self.head_size / LANES;
        let values = &self.values[(head * parts + part) * self.tokens..][..self.tokens];
        let [first, second, third, fourth] = &self.scores;
        let weights = [first, second, third, fourth].map(|scores| scores.as_flattened());
        let weights = same_length(weights, self.tokens);
        let mut sums = [[0.0; LANES]; QUERY_ROWS];
        for (token, value) in values.iter().enumerate() {
            for row in 0..QUERY_ROWS {
                let weight = weights[row][token];
                for lane in 0..LANES {
                    sums[row][lane] += weight * value[lane];
                }
            }
        }
        sums
    }
}

/// The first `length` of each row: one length for all, so that the loops check no bounds.
#[inline(always)]
fn same_length(rows: [&[f32]; QUERY_ROWS], length: usize) -> [&[f32]; QUERY_ROWS] {
    let [first, second, third, fourth] = rows;
    [
        &first[..length],
        &second[..length],
        &third[..length],
        &fourth[..length],
    ]
}
