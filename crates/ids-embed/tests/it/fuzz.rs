//! The reader of model files on damaged files: see `ids_testkit::fuzz`.

use std::path::Path;

use ids_embed::Model;
use ids_testkit::fuzz::{Fuzz, no_container};

use crate::tiny_model::{Shape, bytes};

#[test]
fn fuzz_model() {
    let fuzz = Fuzz {
        name: "model",
        seeds: vec![bytes(&Shape::default())],
        words: &[],
        crashers: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crashers"),
    };
    let cases = fuzz.run(&no_container, &|bytes| {
        if let Ok(model) = Model::load(bytes) {
            model.embed_passage("o contrato, ação \u{1}\n<s>");
        }
    });
    println!("model: {cases} cases");
    assert!(cases > 0);
}
