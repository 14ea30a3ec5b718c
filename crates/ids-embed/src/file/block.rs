//! The file's 4-bit quantization: 32 values share one scale.

use half::f16;

/// Values in one [`Block`].
pub(crate) const BLOCK_VALUES: usize = 32;

/// An `f16` scale, then 32 four-bit values: the low nibbles are values 0 to 15, the high ones 16 to 31; a nibble
/// `n` stands for `(n - 8) * scale`.
pub(crate) type Block = [u8; 18];

fn scale(block: &Block) -> f16 {
    f16::from_le_bytes([block[0], block[1]])
}

pub(crate) fn scale_is_finite(block: &Block) -> bool {
    scale(block).is_finite()
}

/// Writes the values of `blocks` to `values`, which has 32 per block.
#[inline]
pub(crate) fn dequantize(blocks: &[Block], values: &mut [f32]) {
    debug_assert_eq!(blocks.len() * BLOCK_VALUES, values.len());
    for (block, values) in blocks.iter().zip(values.as_chunks_mut::<BLOCK_VALUES>().0) {
        let scale = scale(block).to_f32();
        let (low, high) = values.split_at_mut(BLOCK_VALUES / 2);
        for ((nibbles, low), high) in block[2..].iter().zip(low).zip(high) {
            *low = f32::from((nibbles & 15) as i8 - 8) * scale;
            *high = f32::from((nibbles >> 4) as i8 - 8) * scale;
        }
    }
}
