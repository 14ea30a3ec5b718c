//! The model file that `xtask assets` fetches, and the fixtures made from it.

use std::path::Path;
use std::sync::OnceLock;

use ids_embed::{Model, TextKind};

pub fn bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/e5-small-enpt-q4.bin");
        std::fs::read(path).expect("the model file is missing; run `cargo run -p xtask -- assets`")
    })
}

pub fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| Model::load(bytes()).expect("the pinned file is a model"))
}

/// The texts of `reference/sentences.json`.
pub fn sentences() -> Vec<(TextKind, String)> {
    let json: serde_json::Value =
        serde_json::from_str(include_str!("../reference/sentences.json")).expect("valid JSON");
    let entries = json.as_array().expect("a list");
    entries
        .iter()
        .map(|entry| {
            let kind = match entry["kind"].as_str() {
                Some("query") => TextKind::Query,
                Some("passage") => TextKind::Passage,
                other => panic!("unknown kind {other:?}"),
            };
            (kind, entry["text"].as_str().expect("a text").to_owned())
        })
        .collect()
}
