//! Whatever the bytes, loading them ends in a model or in an error that says what is wrong.

use ids_embed::{Model, ModelFileError};
use proptest::prelude::*;

use crate::real_model;
use crate::tiny_model::{Shape, bytes};

/// Loads, and computes with what loads.
fn load_and_use(bytes: &[u8]) -> Result<(), ModelFileError> {
    let model = Model::load(bytes)?;
    model.token_count("um contrato, ação \u{1}\n<s>");
    model.embed_passage("o contrato");
    Ok(())
}

/// Writes `replacement` over the tiny file at `offset` and expects the error's text to hold `expected`.
fn check(offset: usize, replacement: &[u8], expected: &str) {
    let mut file = bytes(&Shape::default());
    file[offset..offset + replacement.len()].copy_from_slice(replacement);
    let message = load_and_use(&file).unwrap_err().to_string();
    assert!(
        message.contains(expected),
        "`{message}` does not hold `{expected}`"
    );
}

fn offset_of(text: &str) -> usize {
    let file = bytes(&Shape::default());
    file.windows(text.len())
        .position(|window| window == text.as_bytes())
        .unwrap()
}

#[test]
fn a_small_model_loads() {
    load_and_use(&bytes(&Shape::default())).unwrap();
}

#[test]
fn a_file_of_another_kind_is_named_as_such() {
    assert_eq!(Model::load(b"%PDF-1.7 ...").unwrap_err(), ModelFileError::Magic);
    check(4, &[9, 0, 0, 0], "version `9`");
}

#[test]
fn sizes_no_model_has_are_refused_with_what_is_allowed() {
    check(8, &[0, 0, 0, 0], "hidden size `0`; allowed is 32 to 2048");
    check(8, &[33, 0, 0, 0], "hidden size `33`; allowed is a multiple of 32");
    check(8, &[0xff; 4], "hidden size `-1`");
    check(12, &[0xff, 0xff, 0xff, 0x7f], "layers `2147483647`");
    check(16, &[5, 0, 0, 0], "hidden size `32`; allowed is a multiple of 5");
    check(
        16,
        &[4, 0, 0, 0],
        "size of a head `8`; allowed is a multiple of 16",
    );
    check(36, &f32::NAN.to_le_bytes(), "epsilon `NaN`");
    check(
        40,
        &[16, 0, 0, 0],
        "values per quantized block `16`; allowed is only `32`",
    );
    check(44, &[200, 0, 0, 0], "pieces `200`; allowed is only `24`");
    check(
        48,
        &[24, 0, 0, 0],
        "id of the begin piece `24`; allowed is 0 to 23",
    );
}

#[test]
fn lengths_beyond_the_file_are_refused() {
    check(
        64,
        &u64::MAX.to_le_bytes(),
        "the pieces' text: 18446744073709551615 bytes are needed",
    );
    check(72, &u32::MAX.to_le_bytes(), "piece `0` in the vocabulary");
}

#[test]
fn tensors_are_checked_by_name_kind_count_and_place() {
    let name = offset_of("l0.aln.w");
    check(
        name,
        b"l0.xln.w",
        "tensor `l0.aln.w` of the embedding model file is missing",
    );
    check(
        name,
        b"l0.oln.w",
        "tensor `l0.oln.w` of the embedding model file is there twice",
    );
    check(name, &[0xff], "not valid UTF-8");
    check(name + 8, &[1], "bytes for 32 values in blocks");
    check(name + 8, &[7], "unknown kind `7`");
    check(name + 9, &[31, 0, 0, 0], "128 bytes for 31 values");
    check(name + 13, &u64::MAX.to_le_bytes(), "lies outside the file");
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    let file = bytes(&Shape::default());
    check(
        file.len() - 4,
        &f32::INFINITY.to_le_bytes(),
        "tensor `l0.oln.b` of the embedding model file has a value",
    );
}

#[test]
fn every_cut_of_a_file_is_an_error() {
    let file = bytes(&Shape::default());
    for length in 0..file.len() {
        assert!(Model::load(&file[..length]).is_err(), "cut at {length}");
    }
    let real = real_model::bytes();
    for length in [1, 43, 100, 400_000, 757_608, 1_000_000, real.len() - 1] {
        assert!(Model::load(&real[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn extreme_numbers_anywhere_before_the_weights_never_panic() {
    let file = bytes(&Shape::default());
    let end_of_table = offset_of("l0.oln.b") + 8 + 21;
    for offset in 0..end_of_table {
        for value in [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            let mut broken = file.clone();
            broken[offset..offset + 4].copy_from_slice(&u32::to_le_bytes(value));
            let _ = load_and_use(&broken);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_changes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut file = bytes(&Shape::default());
        for (index, value) in changes {
            let place = index.index(file.len());
            file[place] = value;
        }
        let _ = load_and_use(&file);
    }

    #[test]
    fn random_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut file = b"E5S1\x01\0\0\0".to_vec();
        file.extend(tail);
        prop_assert!(Model::load(&file).is_err());
    }
}
