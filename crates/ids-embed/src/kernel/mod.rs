//! Which machine instructions run the network.
//!
//! The integer products are written once per instruction set ([`IntegerDot`]); everything else is the same Rust,
//! compiled again inside each kernel's entry function so that LLVM may use its registers. Integer sums are exact
//! and the floating-point order is fixed (`math`), so **every kernel gives the same bits**, held by tests.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512_vnni;
mod scalar;

use crate::engine::{Network, Scratch};
use crate::linear::{ActivationGroup, BLOCK_ROWS, Sums, WeightGroup};

/// A way to compute, chosen at run time; the vectors are the same whichever runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Plain Rust for any machine; also what arm64 runs until a NEON path has been tested on one.
    Scalar,
    /// x86-64 with AVX2 (2013 and later).
    Avx2,
    /// x86-64 with AVX-512 F, BW, VL and VNNI (servers from 2019, Zen 4 and later).
    Avx512Vnni,
}

impl Kernel {
    /// All kernels, slowest first.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Avx2, Self::Avx512Vnni];

    /// Whether this machine can run it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::Avx2::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => avx512_vnni::Avx512Vnni::detect().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512Vnni => false,
        }
    }

    /// The fastest kernel this machine can run.
    pub fn best() -> Self {
        let available = Self::ALL.into_iter().rev().find(|kernel| kernel.is_available());
        available.unwrap_or(Self::Scalar)
    }

    /// Runs `network` over `ids`. A kernel that is not available gives way to the scalar one: the result is the same.
    pub(crate) fn run(self, network: &Network, ids: &[u32], scratch: &mut Scratch) -> Vec<f32> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                if let Some(avx2) = avx2::Avx2::detect() {
                    return avx2.run(network, ids, scratch);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => {
                if let Some(avx512_vnni) = avx512_vnni::Avx512Vnni::detect() {
                    return avx512_vnni.run(network, ids, scratch);
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512Vnni => {}
            Self::Scalar => {}
        }
        network.run(scalar::Scalar, ids, scratch)
    }
}

/// Exact integer dot products of a block of activation rows and a panel of weights.
pub(crate) trait IntegerDot: Copy {
    /// `rows` and `panel` have the same number of groups, a multiple of four; activations are at most 127, weights lie in
    /// -63..=63.
    fn dot(self, rows: [&[ActivationGroup]; BLOCK_ROWS], panel: &[WeightGroup]) -> Sums;
}

/// The rows' groups two by two, the first `count` pairs: one length for all, so that the loop checks no bounds.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn pairs_of(rows: [&[ActivationGroup]; BLOCK_ROWS], count: usize) -> [&[[ActivationGroup; 2]]; BLOCK_ROWS] {
    let [first, second, third, fourth] = rows;
    [
        &first.as_chunks().0[..count],
        &second.as_chunks().0[..count],
        &third.as_chunks().0[..count],
        &fourth.as_chunks().0[..count],
    ]
}
