//! AVX2: 32 products an instruction, added in pairs to 16 bits, in fours to 32 bits.
#![expect(
    unsafe_code,
    reason = "calls to functions compiled for AVX2, and loads of registers from arrays"
)]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_storeu_si256,
};

use super::{IntegerDot, pairs_of};
use crate::engine::{Network, Scratch};
use crate::linear::{ActivationGroup, BLOCK_ROWS, PANEL_OUTPUTS, Sums, WeightGroup};

/// Proof that this machine has AVX2: only [`Avx2::detect`] makes one.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    pub fn run(self, network: &Network, ids: &[u32], scratch: &mut Scratch) -> Vec<f32> {
        // SAFETY: an `Avx2` exists only where AVX2 was detected.
        unsafe { run(self, network, ids, scratch) }
    }
}

/// The whole network, compiled for AVX2.
#[target_feature(enable = "avx2")]
fn run(dot: Avx2, network: &Network, ids: &[u32], scratch: &mut Scratch) -> Vec<f32> {
    network.run(dot, ids, scratch)
}

impl IntegerDot for Avx2 {
    #[inline(always)]
    fn dot(self, rows: [&[ActivationGroup]; BLOCK_ROWS], panel: &[WeightGroup]) -> Sums {
        // SAFETY: an `Avx2` exists only where AVX2 was detected.
        unsafe { dot(rows, panel) }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn dot(rows: [&[ActivationGroup]; BLOCK_ROWS], panel: &[WeightGroup]) -> Sums {
    let mut sums = [[0; PANEL_OUTPUTS]; BLOCK_ROWS];
    // Half a panel at a time: eight sums, what they are made of, and no register left over.
    for half in 0..2 {
        for (row, [low, high]) in half_dot(rows, panel, half).into_iter().enumerate() {
            let out = &mut sums[row].as_chunks_mut::<8>().0[2 * half..];
            store(&mut out[0], low);
            store(&mut out[1], high);
        }
    }
    sums
}

/// Sums of outputs 0 to 7 and 8 to 15 of one half of the panel.
///
/// Not inlined: among its caller's values one sum was kept in memory, where a profile saw a third of the time go.
#[target_feature(enable = "avx2")]
#[inline(never)]
fn half_dot(
    rows: [&[ActivationGroup]; BLOCK_ROWS],
    panel: &[WeightGroup],
    half: usize,
) -> [[__m256i; 2]; BLOCK_ROWS] {
    let ones = _mm256_set1_epi16(1);
    let mut sums = [[_mm256_setzero_si256(); 2]; BLOCK_ROWS];
    let (pairs, _) = panel.as_chunks::<2>();
    let rows = pairs_of(rows, pairs.len());
    for (index, [weights_a, weights_b]) in pairs.iter().enumerate() {
        let (low_a, high_a) = load(&weights_a.as_chunks::<64>().0[half]);
        let (low_b, high_b) = load(&weights_b.as_chunks::<64>().0[half]);
        for row in 0..BLOCK_ROWS {
            let [activations_a, activations_b] = rows[row][index];
            let a = _mm256_set1_epi32(i32::from_le_bytes(activations_a));
            let b = _mm256_set1_epi32(i32::from_le_bytes(activations_b));
            // Two groups meet in 16 bits before the widening: 4 * 127 * 63 = 32,004 fits.
            let low = _mm256_add_epi16(_mm256_maddubs_epi16(a, low_a), _mm256_maddubs_epi16(b, low_b));
            let high = _mm256_add_epi16(_mm256_maddubs_epi16(a, high_a), _mm256_maddubs_epi16(b, high_b));
            sums[row][0] = _mm256_add_epi32(sums[row][0], _mm256_madd_epi16(low, ones));
            sums[row][1] = _mm256_add_epi32(sums[row][1], _mm256_madd_epi16(high, ones));
        }
    }
    sums
}

/// The weights of 8 outputs and of the next 8.
#[target_feature(enable = "avx2")]
#[inline]
fn load(weights: &[i8; 64]) -> (__m256i, __m256i) {
    let start: *const __m256i = weights.as_ptr().cast();
    // SAFETY: `weights` are 64 readable bytes, two registers; the loads need no alignment.
    unsafe { (_mm256_loadu_si256(start), _mm256_loadu_si256(start.add(1))) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store(out: &mut [i32; 8], sums: __m256i) {
    // SAFETY: `out` is 32 writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), sums) };
}
