//! Embeddings as the domain holds them: f16, so that every store keeps the same bits (design.md 1).

use half::f16;

/// Which model made a vector, and how long it is. Vectors of two models are never compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmbeddingModel {
    /// The name stored beside each vector; it changes whenever the vectors would.
    pub name: String,
    /// Values of each vector.
    pub dimensions: usize,
}

/// A unit vector rounded to f16.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    values: Vec<f16>,
}

impl Embedding {
    /// Rounds `values` to f16.
    pub fn from_f32(values: &[f32]) -> Self {
        Self {
            values: values.iter().map(|&value| f16::from_f32(value)).collect(),
        }
    }

    /// From the little-endian bytes a store keeps; `None` for an odd length or a value that is not finite.
    pub fn from_le_bytes(bytes: &[u8]) -> Option<Self> {
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        let values: Vec<f16> = pairs.iter().map(|&pair| f16::from_le_bytes(pair)).collect();
        values
            .iter()
            .all(|value| value.is_finite())
            .then_some(Self { values })
    }

    /// The little-endian bytes a store keeps, two a value.
    pub fn to_le_bytes(&self) -> Vec<u8> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// The values.
    pub fn values(&self) -> &[f16] {
        &self.values
    }

    /// The values widened to f32.
    pub fn to_f32(&self) -> Vec<f32> {
        self.values.iter().map(|value| value.to_f32()).collect()
    }

    /// How many values it has.
    pub fn dimensions(&self) -> usize {
        self.values.len()
    }
}

/// The inner product, summed in one fixed order on every machine and in every store (sixteen lanes, then the lanes
/// in order), so that equal vectors give equal bits. Vectors of unequal length compare as 0.
pub fn inner_product(left: &[f32], right: &[f32]) -> f32 {
    const LANES: usize = 16;
    if left.len() != right.len() {
        return 0.0;
    }
    let mut sums = [0.0f32; LANES];
    let (left_blocks, left_rest) = left.as_chunks::<LANES>();
    let (right_blocks, right_rest) = right.as_chunks::<LANES>();
    for (a, b) in left_blocks.iter().zip(right_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let mut total: f32 = sums.iter().sum();
    for (a, b) in left_rest.iter().zip(right_rest) {
        total += a * b;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::{Embedding, inner_product};

    #[test]
    fn bytes_round_trip_and_odd_lengths_are_refused() {
        let embedding = Embedding::from_f32(&[0.5, -0.25, 0.125]);
        assert_eq!(
            Embedding::from_le_bytes(&embedding.to_le_bytes()),
            Some(embedding)
        );
        assert_eq!(Embedding::from_le_bytes(&[1, 2, 3]), None);
        assert_eq!(Embedding::from_le_bytes(&half::f16::NAN.to_le_bytes()), None);
    }

    #[test]
    fn the_inner_product_takes_any_length_and_refuses_unequal_ones() {
        let ones = vec![1.0f32; 37];
        assert_eq!(inner_product(&ones, &ones), 37.0);
        assert_eq!(inner_product(&ones, &ones[1..]), 0.0);
    }
}
