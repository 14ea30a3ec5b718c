//! Plain Rust, for any machine; written so that the compiler can use whatever vectors are there.

use super::IntegerDot;
use crate::linear::{ActivationGroup, BLOCK_ROWS, GROUP_INPUTS, PANEL_OUTPUTS, Sums, WeightGroup};

/// Products of one group and one panel.
const PRODUCTS: usize = PANEL_OUTPUTS * GROUP_INPUTS;
/// Groups whose products add up in 16 bits: 4 * 127 * 63 = 32,004 fits.
const NARROW_GROUPS: usize = 4;

#[derive(Clone, Copy)]
pub(super) struct Scalar;

impl IntegerDot for Scalar {
    #[inline(always)]
    fn dot(self, rows: [&[ActivationGroup]; BLOCK_ROWS], panel: &[WeightGroup]) -> Sums {
        let mut sums = [[0; PANEL_OUTPUTS]; BLOCK_ROWS];
        for (activations, sums) in rows.iter().zip(&mut sums) {
            *sums = dot_row(activations, panel);
        }
        sums
    }
}

/// One row. The four inputs of an output are kept apart to the end: adding neighbors is what vectors do badly.
fn dot_row(activations: &[ActivationGroup], panel: &[WeightGroup]) -> [i32; PANEL_OUTPUTS] {
    let mut wide = [0_i32; PRODUCTS];
    let activations = activations.as_chunks::<NARROW_GROUPS>().0;
    for (activations, weights) in activations.iter().zip(panel.as_chunks::<NARROW_GROUPS>().0) {
        let mut narrow = [0_i16; PRODUCTS];
        for (activations, weights) in activations.iter().zip(weights) {
            add_products(&mut narrow, activations, weights);
        }
        for (wide, narrow) in wide.iter_mut().zip(&narrow) {
            *wide = wide.wrapping_add(i32::from(*narrow));
        }
    }
    let mut sums = [0; PANEL_OUTPUTS];
    for (sum, parts) in sums.iter_mut().zip(wide.as_chunks::<GROUP_INPUTS>().0) {
        *sum = parts.iter().sum();
    }
    sums
}

#[inline(always)]
fn add_products(sums: &mut [i16; PRODUCTS], activations: &ActivationGroup, weights: &WeightGroup) {
    // Repeated to the width of a common vector, so that one load serves a row of products.
    let [a, b, c, d] = activations.map(i16::from);
    let repeated = [a, b, c, d, a, b, c, d];
    for (sums, weights) in sums
        .as_chunks_mut::<8>()
        .0
        .iter_mut()
        .zip(weights.as_chunks::<8>().0)
    {
        for lane in 0..8 {
            // Wrapping, though nothing can overflow: the checks of a debug build would keep vectors out.
            sums[lane] = sums[lane].wrapping_add(repeated[lane].wrapping_mul(i16::from(weights[lane])));
        }
    }
}
