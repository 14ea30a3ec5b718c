//! The network: a BERT-like encoder, one text at a time, mean over its tokens, length 1.
//!
//! One text at a time because a vector must not depend on its neighbors in a batch, and because batches gain
//! nothing on one thread. Rows of tokens are worked off in tiles, so that what lies between two layers stays in the
//! processor's cache and the memory of a long text stays small.

use crate::attention::KeysAndValues;
use crate::file::{BLOCK_VALUES, Block, ModelFile, ModelFileError, Sizes, dequantize};
use crate::kernel::IntegerDot;
use crate::linear::{Linear, QuantizedRows};
use crate::math;

/// Tokens worked off together; a multiple of the linear layers' block. At 64 the widest intermediate result takes
/// 384 KB, which fits a second-level cache.
const TILE_ROWS: usize = 64;

/// All weights, in the form they are computed with.
pub(crate) struct Network {
    sizes: Sizes,
    /// The word table stays as it is in the file: a row is unpacked when its word occurs.
    words: Vec<Block>,
    /// Position vectors, the one token type added.
    positions: Vec<f32>,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

struct Layer {
    /// Query, key and value side by side.
    attention_in: Linear,
    attention_out: Linear,
    attention_norm: LayerNorm,
    feed_in: Linear,
    feed_out: Linear,
    feed_norm: LayerNorm,
}

impl Network {
    pub fn new(file: &ModelFile<'_>) -> Result<Self, ModelFileError> {
        let sizes = file.sizes;
        let hidden = sizes.hidden;
        let token_types = file.floats("emb.type", sizes.token_types * hidden)?;
        let mut positions = file.floats("emb.pos", sizes.positions * hidden)?;
        for row in positions.chunks_exact_mut(hidden) {
            math::add(row, &token_types[..hidden]);
        }
        Ok(Self {
            sizes,
            words: file.blocks("emb.word", sizes.vocabulary, hidden)?.to_vec(),
            positions,
            norm: LayerNorm::new(file, "emb.ln", hidden)?,
            layers: (0..sizes.layers)
                .map(|index| Layer::new(file, index))
                .collect::<Result<_, _>>()?,
        })
    }

    pub fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// The embedding of a text of 1 to `positions` tokens, each below `vocabulary`.
    #[inline(always)]
    pub fn run<D: IntegerDot>(&self, dot: D, ids: &[u32], scratch: &mut Scratch) -> Vec<f32> {
        let hidden = self.sizes.hidden;
        scratch.ensure(&self.sizes, ids.len());
        let Scratch {
            tokens: states,
            queries,
            keys_and_values,
            tile,
            ..
        } = scratch;
        let states = &mut states[..ids.len() * hidden];
        let queries = &mut queries[..ids.len() * hidden];

        for ((state, id), position) in states
            .chunks_exact_mut(hidden)
            .zip(ids)
            .zip(self.positions.chunks_exact(hidden))
        {
            let blocks_per_word = hidden / BLOCK_VALUES;
            dequantize(
                &self.words[*id as usize * blocks_per_word..][..blocks_per_word],
                state,
            );
            math::add(state, position);
            self.norm.apply(state, self.sizes.epsilon);
        }
        for layer in &self.layers {
            keys_and_values.start(ids.len());
            for (index, states) in states.chunks(TILE_ROWS * hidden).enumerate() {
                let queries = &mut queries[index * TILE_ROWS * hidden..][..states.len()];
                layer.project(
                    dot,
                    &self.sizes,
                    states,
                    index * TILE_ROWS,
                    queries,
                    keys_and_values,
                    tile,
                );
            }
            for (states, queries) in states
                .chunks_mut(TILE_ROWS * hidden)
                .zip(queries.chunks(TILE_ROWS * hidden))
            {
                layer.attend(dot, &self.sizes, states, queries, keys_and_values, tile);
                layer.feed_forward(dot, &self.sizes, states, tile);
            }
        }

        let mut embedding = vec![0.0; hidden];
        for state in states.chunks_exact(hidden) {
            math::add(&mut embedding, state);
        }
        // The mean is this sum over the number of tokens, which the normalization takes out again.
        math::normalize(&mut embedding);
        embedding
    }
}

impl LayerNorm {
    fn new(file: &ModelFile<'_>, name: &str, hidden: usize) -> Result<Self, ModelFileError> {
        Ok(Self {
            weight: file.floats(&format!("{name}.w"), hidden)?,
            bias: file.floats(&format!("{name}.b"), hidden)?,
        })
    }

    #[inline(always)]
    fn apply(&self, row: &mut [f32], epsilon: f32) {
        math::layer_norm(row, &self.weight, &self.bias, epsilon);
    }

    /// Adds `others` to `states`, row by row, and normalizes the sums (post-norm).
    #[inline(always)]
    fn add_and_apply(&self, states: &mut [f32], others: &[f32], epsilon: f32) {
        let hidden = self.weight.len();
        for (state, other) in states.chunks_exact_mut(hidden).zip(others.chunks_exact(hidden)) {
            math::add(state, other);
            self.apply(state, epsilon);
        }
    }
}

impl Layer {
    fn new(file: &ModelFile<'_>, index: usize) -> Result<Self, ModelFileError> {
        let Sizes {
            hidden, feed_forward, ..
        } = file.sizes;
        let part = |name: &str, inputs: usize, outputs: usize| {
            let blocks = file.blocks(&format!("l{index}.{name}.w"), outputs, inputs)?;
            let bias = file.floats(&format!("l{index}.{name}.b"), outputs)?;
            Ok::<_, ModelFileError>((blocks, bias))
        };
        let linear = |name: &str, inputs: usize, outputs: usize| {
            let (blocks, bias) = part(name, inputs, outputs)?;
            Ok::<_, ModelFileError>(Linear::new(inputs, &[(blocks, &bias)]))
        };
        let (query, query_bias) = part("q", hidden, hidden)?;
        let (key, key_bias) = part("k", hidden, hidden)?;
        let (value, value_bias) = part("v", hidden, hidden)?;
        Ok(Self {
            attention_in: Linear::new(
                hidden,
                &[(query, &query_bias), (key, &key_bias), (value, &value_bias)],
            ),
            attention_out: linear("ao", hidden, hidden)?,
            attention_norm: LayerNorm::new(file, &format!("l{index}.aln"), hidden)?,
            feed_in: linear("fi", hidden, feed_forward)?,
            feed_out: linear("fo", feed_forward, hidden)?,
            feed_norm: LayerNorm::new(file, &format!("l{index}.oln"), hidden)?,
        })
    }

    /// Queries, keys and values of a tile whose first token is `first_token`.
    #[inline(always)]
    #[expect(
        clippy::too_many_arguments,
        reason = "one step of the forward pass, over buffers that outlive it"
    )]
    fn project<D: IntegerDot>(
        &self,
        dot: D,
        sizes: &Sizes,
        states: &[f32],
        first_token: usize,
        queries: &mut [f32],
        keys_and_values: &mut KeysAndValues,
        tile: &mut Tile,
    ) {
        let hidden = sizes.hidden;
        let query_scale = 1.0 / ((hidden / sizes.heads) as f32).sqrt();
        tile.quantized.fill(states, hidden);
        self.attention_in.apply(dot, &tile.quantized, &mut tile.wide);
        let rows = tile.wide.chunks_exact(self.attention_in.outputs());
        for ((index, query), row) in queries.chunks_exact_mut(hidden).enumerate().zip(rows) {
            for (query, value) in query.iter_mut().zip(&row[..hidden]) {
                *query = value * query_scale;
            }
            keys_and_values.set(first_token + index, &row[hidden..2 * hidden], &row[2 * hidden..]);
        }
    }

    #[inline(always)]
    fn attend<D: IntegerDot>(
        &self,
        dot: D,
        sizes: &Sizes,
        states: &mut [f32],
        queries: &[f32],
        keys_and_values: &mut KeysAndValues,
        tile: &mut Tile,
    ) {
        let context = &mut tile.wide[..states.len()];
        keys_and_values.attend(queries, context);
        tile.quantized.fill(context, sizes.hidden);
        self.attention_out.apply(dot, &tile.quantized, &mut tile.narrow);
        self.attention_norm
            .add_and_apply(states, &tile.narrow, sizes.epsilon);
    }

    #[inline(always)]
    fn feed_forward<D: IntegerDot>(&self, dot: D, sizes: &Sizes, states: &mut [f32], tile: &mut Tile) {
        let rows = states.len() / sizes.hidden;
        tile.quantized.fill(states, sizes.hidden);
        self.feed_in.apply(dot, &tile.quantized, &mut tile.wide);
        let inner = &mut tile.wide[..rows * sizes.feed_forward];
        math::gelu(inner);
        tile.quantized.fill(inner, sizes.feed_forward);
        self.feed_out.apply(dot, &tile.quantized, &mut tile.narrow);
        self.feed_norm.add_and_apply(states, &tile.narrow, sizes.epsilon);
    }
}

/// The buffers of a forward pass; they grow to the longest text seen and are used again.
pub(crate) struct Scratch {
    capacity: usize,
    /// A row of `hidden` a token.
    tokens: Vec<f32>,
    /// The same, divided by the square root of a head's size.
    queries: Vec<f32>,
    keys_and_values: KeysAndValues,
    tile: Tile,
}

/// Buffers for the rows of one tile.
struct Tile {
    quantized: QuantizedRows,
    /// Rows of the widest layer.
    wide: Vec<f32>,
    /// Rows of `hidden`.
    narrow: Vec<f32>,
}

impl Scratch {
    pub fn new() -> Self {
        Self {
            capacity: 0,
            tokens: Vec::new(),
            queries: Vec::new(),
            keys_and_values: KeysAndValues::with_capacity(0, 1, 16),
            tile: Tile {
                quantized: QuantizedRows::with_capacity(0, 0),
                wide: Vec::new(),
                narrow: Vec::new(),
            },
        }
    }

    /// Bytes held at the moment.
    pub fn bytes(&self) -> usize {
        let floats = [&self.tokens, &self.queries, &self.tile.wide, &self.tile.narrow];
        floats
            .iter()
            .map(|buffer| size_of_val(buffer.as_slice()))
            .sum::<usize>()
            + self.keys_and_values.bytes()
            + self.tile.quantized.bytes()
    }

    /// Makes room for a text of `tokens` tokens; buffers only ever grow, up to those of `positions` tokens.
    pub fn ensure(&mut self, sizes: &Sizes, tokens: usize) {
        if tokens <= self.capacity {
            return;
        }
        let Sizes {
            hidden,
            heads,
            feed_forward,
            positions,
            ..
        } = *sizes;
        // In steps of a tile, so that texts of nearly the same length do not each allocate anew.
        let capacity = tokens.next_multiple_of(TILE_ROWS).min(positions.max(tokens));
        let tile_rows = TILE_ROWS;
        let widest = feed_forward.max(3 * hidden);
        *self = Self {
            capacity,
            tokens: vec![0.0; capacity * hidden],
            queries: vec![0.0; capacity * hidden],
            keys_and_values: KeysAndValues::with_capacity(capacity, heads, hidden / heads),
            tile: Tile {
                quantized: QuantizedRows::with_capacity(tile_rows, feed_forward.max(hidden)),
                wide: vec![0.0; tile_rows * widest],
                narrow: vec![0.0; tile_rows * hidden],
            },
        };
    }
}
