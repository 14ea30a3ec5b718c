//! AVX-512 VNNI: 64 products an instruction, added in fours to 32 bits.
#![expect(
    unsafe_code,
    reason = "calls to functions compiled for AVX-512, and loads of registers from arrays"
)]

use std::arch::x86_64::{
    __m512i, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_storeu_si512,
};

use super::{IntegerDot, pairs_of};
use crate::engine::{Network, Scratch};
use crate::linear::{ActivationGroup, BLOCK_ROWS, PANEL_OUTPUTS, Sums, WeightGroup};

/// Proof that this machine has the features below: only [`Avx512Vnni::detect`] makes one.
#[derive(Clone, Copy)]
pub(super) struct Avx512Vnni(());

impl Avx512Vnni {
    pub fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni");
        all.then_some(Self(()))
    }

    pub fn run(self, network: &Network, ids: &[u32], scratch: &mut Scratch) -> Vec<f32> {
        // SAFETY: an `Avx512Vnni` exists only where all of the features were detected.
        unsafe { run(self, network, ids, scratch) }
    }
}

/// The whole network, compiled for AVX-512.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512vnni")]
fn run(dot: Avx512Vnni, network: &Network, ids: &[u32], scratch: &mut Scratch) -> Vec<f32> {
    network.run(dot, ids, scratch)
}

impl IntegerDot for Avx512Vnni {
    #[inline(always)]
    fn dot(self, rows: [&[ActivationGroup]; BLOCK_ROWS], panel: &[WeightGroup]) -> Sums {
        // SAFETY: an `Avx512Vnni` exists only where all of the features were detected.
        unsafe { dot(rows, panel) }
    }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
fn dot(rows: [&[ActivationGroup]; BLOCK_ROWS], panel: &[WeightGroup]) -> Sums {
    // Eight independent sums hide the instruction's latency, and each broadcast activation serves two of them.
    let mut sums = [[_mm512_setzero_si512(); 2]; BLOCK_ROWS];
    let (pairs, _) = panel.as_chunks::<2>();
    let rows = pairs_of(rows, pairs.len());
    for (index, pair) in pairs.iter().enumerate() {
        for (group, weights) in pair.iter().enumerate() {
            let (low, high) = load(weights);
            for row in 0..BLOCK_ROWS {
                let activations = _mm512_set1_epi32(i32::from_le_bytes(rows[row][index][group]));
                sums[row][0] = _mm512_dpbusd_epi32(sums[row][0], activations, low);
                sums[row][1] = _mm512_dpbusd_epi32(sums[row][1], activations, high);
            }
        }
    }
    let mut out = [[0; PANEL_OUTPUTS]; BLOCK_ROWS];
    for (out, sums) in out.iter_mut().zip(sums) {
        for (half, sums) in out.as_chunks_mut::<16>().0.iter_mut().zip(sums) {
            // SAFETY: `half` is 64 writable bytes; the store needs no alignment.
            unsafe { _mm512_storeu_si512(half.as_mut_ptr().cast(), sums) };
        }
    }
    out
}

/// The weights of outputs 0 to 15 and 16 to 31.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
fn load(group: &WeightGroup) -> (__m512i, __m512i) {
    let start: *const __m512i = group.as_ptr().cast();
    // SAFETY: a group is 128 readable bytes, two registers; the loads need no alignment.
    unsafe { (_mm512_loadu_si512(start), _mm512_loadu_si512(start.add(1))) }
}
