//! The floating-point parts of the network, in one fixed order of operations.
//!
//! Every function here is plain Rust that each kernel compiles for its own instructions (hence `inline(always)`).
//! The results are the same bits everywhere, since Rust neither reorders nor fuses floating-point operations: sums
//! run in [`LANES`] separate accumulators that are added up one after another, minima and maxima are comparisons
//! (`f32::max` leaves the sign of zero open), and nothing calls the C library. No fused multiply-add: without the
//! instruction it would be a slow library call, and it gains little where the integer products dominate.

/// Accumulators of every sum; widths of rows are multiples of it.
pub(crate) const LANES: usize = 16;

pub(crate) type Lanes = [f32; LANES];

/// 1.5 * 2^23: adding it rounds a small `f32` to an integer (ties to even) and leaves that in the low bits.
const ROUND: f32 = 12_582_912.0;

/// `e^x` for `x <= 0`, relative error below 3e-6; at and below -87 it stays at 2^-126.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // e^x = 2^n * 2^f with n a whole number and f in -0.5..=0.5: the exponent's bits, and a polynomial.
    let power = x * std::f32::consts::LOG2_E;
    let power = if power < -126.0 { -126.0 } else { power };
    let rounded = power + ROUND;
    let fraction = power - (rounded - ROUND);
    let polynomial = 1.0
        + fraction
            * (std::f32::consts::LN_2
                + fraction
                    * (0.240_226_5
                        + fraction * (0.055_504_1 + fraction * (0.009_618_1 + fraction * 0.001_333_3))));
    let exponent = rounded.to_bits().wrapping_add(127) << 23;
    f32::from_bits(exponent) * polynomial
}

/// Gaussian error linear unit, `x / 2 * (1 + erf(x / sqrt 2))`, in place.
///
/// erf by Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7 (plus that of [`exp`]).
#[inline(always)]
pub(crate) fn gelu(values: &mut [f32]) {
    for value in values {
        let x = *value * std::f32::consts::FRAC_1_SQRT_2;
        let magnitude = x.abs();
        let t = 1.0 / (1.0 + 0.327_591_1 * magnitude);
        let series =
            t * (0.254_829_6 + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4))));
        let erf = (1.0 - series * exp(-(magnitude * magnitude))).copysign(x);
        *value = 0.5 * *value * (1.0 + erf);
    }
}

/// `row += other`.
#[inline(always)]
pub(crate) fn add(row: &mut [f32], other: &[f32]) {
    for (value, other) in row.iter_mut().zip(other) {
        *value += other;
    }
}

/// Shifts and scales `row` to mean 0 and variance 1, then by `weight` and `bias`, in place.
#[inline(always)]
pub(crate) fn layer_norm(row: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let size = row.len() as f32;
    let mut sums = [0.0; LANES];
    for chunk in row.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            sums[lane] += chunk[lane];
        }
    }
    let mean = sum(&sums) / size;
    let mut squares = [0.0; LANES];
    for chunk in row.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            let difference = chunk[lane] - mean;
            squares[lane] += difference * difference;
        }
    }
    let scale = 1.0 / (sum(&squares) / size + epsilon).sqrt();
    for ((value, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
        *value = (*value - mean) * scale * weight + bias;
    }
}

/// Turns scores into weights that are not yet divided by their sum; returns one over that sum.
#[inline(always)]
pub(crate) fn softmax_numerators(scores: &mut [Lanes]) -> f32 {
    let maximum = largest(scores);
    let mut sums = [0.0; LANES];
    for chunk in scores {
        for lane in 0..LANES {
            chunk[lane] = exp(chunk[lane] - maximum);
            sums[lane] += chunk[lane];
        }
    }
    1.0 / sum(&sums)
}

/// Scales `vector` to length 1, in place.
#[inline(always)]
pub(crate) fn normalize(vector: &mut [f32]) {
    let mut squares = [0.0; LANES];
    for chunk in vector.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            squares[lane] += chunk[lane] * chunk[lane];
        }
    }
    let length = sum(&squares).sqrt();
    let length = if length > 1e-12 { length } else { 1e-12 };
    for value in vector {
        *value /= length;
    }
}

/// The smallest and the largest value of `row`.
#[inline(always)]
pub(crate) fn range(row: &[f32]) -> (f32, f32) {
    let mut low = [f32::MAX; LANES];
    let mut high = [f32::MIN; LANES];
    for chunk in row.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            low[lane] = if chunk[lane] < low[lane] {
                chunk[lane]
            } else {
                low[lane]
            };
            high[lane] = if chunk[lane] > high[lane] {
                chunk[lane]
            } else {
                high[lane]
            };
        }
    }
    let mut lowest = low[0];
    let mut highest = high[0];
    for lane in 1..LANES {
        lowest = if low[lane] < lowest { low[lane] } else { lowest };
        highest = if high[lane] > highest { high[lane] } else { highest };
    }
    (lowest, highest)
}

#[inline(always)]
fn largest(chunks: &[Lanes]) -> f32 {
    range(chunks.as_flattened()).1
}

#[inline(always)]
fn sum(lanes: &Lanes) -> f32 {
    let mut total = 0.0;
    for lane in lanes {
        total += lane;
    }
    total
}
