//! A linear layer in 7-bit integers: weights per output, activations per row (design.md 4).
//!
//! A weight is `scale * w` with `w` in -63..=63, one scale an output. An activation is `low + step * a` with `a` in
//! 0..=127, one pair a row. So `sum(weight * activation) = step * scale * sum(w * a) + low * scale * sum(w)`, and
//! only `sum(w * a)` is work. Seven bits and not eight: `_mm256_maddubs_epi16` adds two products in 16 bits, which
//! would saturate at eight; at seven even two of its results (4 * 127 * 63 = 32,004) still fit.

use crate::file::{Block, dequantize};
use crate::kernel::IntegerDot;
use crate::math;

/// Outputs computed together: one panel of weights.
pub(crate) const PANEL_OUTPUTS: usize = 32;
/// Inputs of one group: the bytes that one 32-bit lane multiplies and adds.
pub(crate) const GROUP_INPUTS: usize = 4;
/// Rows computed together.
pub(crate) const BLOCK_ROWS: usize = 4;

const WEIGHT_MAX: f32 = 63.0;
const ACTIVATION_MAX: f32 = 127.0;
/// Keeps the division by the scale finite where a whole row is zero.
const SMALLEST_SCALE: f32 = 1e-9;

/// The weights of one group for one panel: for each output its four inputs.
pub(crate) type WeightGroup = [i8; PANEL_OUTPUTS * GROUP_INPUTS];
/// The four activations of one group.
pub(crate) type ActivationGroup = [u8; GROUP_INPUTS];
/// `sum(w * a)` of a block of rows and a panel of outputs.
pub(crate) type Sums = [[i32; PANEL_OUTPUTS]; BLOCK_ROWS];

/// Quantized weights of one layer, packed in panels.
pub(crate) struct Linear {
    inputs: usize,
    outputs: usize,
    /// Panel after panel, `inputs / 4` groups each.
    groups: Vec<WeightGroup>,
    panels: Vec<PanelScales>,
}

/// What turns the integer sums of a panel into outputs.
#[derive(Clone)]
struct PanelScales {
    scale: [f32; PANEL_OUTPUTS],
    /// `scale * sum(w)`.
    weight_sum: [f32; PANEL_OUTPUTS],
    bias: [f32; PANEL_OUTPUTS],
}

impl Linear {
    /// A layer of `inputs` (a multiple of 32) to as many outputs as `parts` have biases together (each a multiple
    /// of 32); a part's blocks hold its weights, one row of `inputs` an output.
    pub fn new(inputs: usize, parts: &[(&[Block], &[f32])]) -> Self {
        let outputs: usize = parts.iter().map(|(_, bias)| bias.len()).sum();
        let groups_per_panel = inputs / GROUP_INPUTS;
        let empty = PanelScales {
            scale: [0.0; PANEL_OUTPUTS],
            weight_sum: [0.0; PANEL_OUTPUTS],
            bias: [0.0; PANEL_OUTPUTS],
        };
        let mut layer = Self {
            inputs,
            outputs,
            groups: vec![[0; PANEL_OUTPUTS * GROUP_INPUTS]; outputs / PANEL_OUTPUTS * groups_per_panel],
            panels: vec![empty; outputs / PANEL_OUTPUTS],
        };
        let mut row = vec![0.0; inputs];
        let rows = parts.iter().flat_map(|(blocks, bias)| {
            let blocks_per_row = blocks.len() / bias.len();
            blocks.chunks_exact(blocks_per_row).zip(bias.iter())
        });
        for (output, (blocks, bias)) in rows.enumerate() {
            dequantize(blocks, &mut row);
            layer.set_output(output, &row, *bias);
        }
        layer
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    fn set_output(&mut self, output: usize, weights: &[f32], bias: f32) {
        let largest = weights
            .iter()
            .fold(SMALLEST_SCALE * WEIGHT_MAX, |largest, weight| {
                largest.max(weight.abs())
            });
        let scale = largest / WEIGHT_MAX;
        let (panel, column) = (output / PANEL_OUTPUTS, output % PANEL_OUTPUTS);
        let groups_per_panel = self.inputs / GROUP_INPUTS;
        let groups = &mut self.groups[panel * groups_per_panel..][..groups_per_panel];
        let mut sum = 0;
        for (group, weights) in groups.iter_mut().zip(weights.as_chunks::<GROUP_INPUTS>().0) {
            let slots = &mut group[column * GROUP_INPUTS..][..GROUP_INPUTS];
            for (slot, weight) in slots.iter_mut().zip(weights) {
                *slot = (weight / scale).round() as i8;
                sum += i32::from(*slot);
            }
        }
        let panel = &mut self.panels[panel];
        panel.scale[column] = scale;
        panel.weight_sum[column] = sum as f32 * scale;
        panel.bias[column] = bias;
    }

    /// Writes `rows * weights + bias` to `out`, [`outputs`](Self::outputs) values a row, padding rows included.
    #[inline(always)]
    pub fn apply<D: IntegerDot>(&self, dot: D, rows: &QuantizedRows, out: &mut [f32]) {
        let groups_per_panel = self.inputs / GROUP_INPUTS;
        assert_eq!(
            rows.row_groups, groups_per_panel,
            "rows and weights have the same inputs"
        );
        let panels = self.groups.chunks_exact(groups_per_panel).zip(&self.panels);
        for (panel_index, (weights, panel)) in panels.enumerate() {
            let column = panel_index * PANEL_OUTPUTS;
            for block in 0..rows.blocks() {
                let sums = dot.dot(rows.block(block), weights);
                for (row_in_block, sums) in sums.iter().enumerate() {
                    let row = block * BLOCK_ROWS + row_in_block;
                    let (low, step) = rows.ranges[row];
                    let out = &mut out[row * self.outputs + column..][..PANEL_OUTPUTS];
                    for lane in 0..PANEL_OUTPUTS {
                        out[lane] = sums[lane] as f32 * step * panel.scale[lane]
                            + (low * panel.weight_sum[lane] + panel.bias[lane]);
                    }
                }
            }
        }
    }
}

/// Rows of activations in 7 bits; a buffer that is filled again and again.
pub(crate) struct QuantizedRows {
    groups: Vec<ActivationGroup>,
    /// Lowest value and step of each row.
    ranges: Vec<(f32, f32)>,
    row_groups: usize,
    rows: usize,
}

impl QuantizedRows {
    /// Room for `rows` rows of up to `inputs` values; `rows` is a multiple of [`BLOCK_ROWS`].
    pub fn with_capacity(rows: usize, inputs: usize) -> Self {
        Self {
            groups: vec![[0; GROUP_INPUTS]; rows * inputs / GROUP_INPUTS],
            ranges: vec![(0.0, 0.0); rows],
            row_groups: 0,
            rows: 0,
        }
    }

    pub fn bytes(&self) -> usize {
        size_of_val(self.groups.as_slice()) + size_of_val(self.ranges.as_slice())
    }

    /// Takes over `values`, rows of `inputs` each. What fills up the last block is left over from before: rows
    /// do not mix, and nobody reads the outputs of these.
    #[inline(always)]
    pub fn fill(&mut self, values: &[f32], inputs: usize) {
        self.row_groups = inputs / GROUP_INPUTS;
        self.rows = values.len() / inputs;
        let groups = self.groups.chunks_exact_mut(self.row_groups);
        for ((row, groups), range) in values.chunks_exact(inputs).zip(groups).zip(&mut self.ranges) {
            let (low, high) = math::range(row);
            let step = (high - low) / ACTIVATION_MAX;
            let step = if step > SMALLEST_SCALE {
                step
            } else {
                SMALLEST_SCALE
            };
            let inverse = 1.0 / step;
            *range = (low, step);
            for (quantized, value) in groups.as_flattened_mut().iter_mut().zip(row) {
                // Adding 2^23 rounds to an integer and leaves it in the low bits; the mask holds what the integer
                // products rely on even if a hostile file's weights overflow to NaN.
                *quantized = (((value - low) * inverse + 8_388_608.0).to_bits() & 127) as u8;
            }
        }
    }

    fn blocks(&self) -> usize {
        self.rows.div_ceil(BLOCK_ROWS)
    }

    #[inline(always)]
    fn block(&self, index: usize) -> [&[ActivationGroup]; BLOCK_ROWS] {
        let first = index * BLOCK_ROWS * self.row_groups;
        let rows = &self.groups[first..first + BLOCK_ROWS * self.row_groups];
        let (first_half, second_half) = rows.split_at(2 * self.row_groups);
        let (first, second) = first_half.split_at(self.row_groups);
        let (third, fourth) = second_half.split_at(self.row_groups);
        [first, second, third, fourth]
    }
}
