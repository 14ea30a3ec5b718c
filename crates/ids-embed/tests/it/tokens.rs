//! The tokenizer gives what Hugging Face's `tokenizers` gives (fixtures: `reference/make_reference.py`).

use std::fs;
use std::path::Path;

use ids_testkit::testdata;
use serde_json::Value;

use crate::real_model;

const SETS: [&str; 3] = ["faquad", "squad-pt", "xquad-en"];

/// Hash of the ids (FNV-1a over little-endian `u32`) and their number.
type Print = (u64, u16);

fn reference(bytes: &[u8]) -> Vec<Print> {
    let (prints, rest) = bytes.as_chunks::<10>();
    assert!(rest.is_empty());
    prints
        .iter()
        .map(|print| {
            let (hash, count) = print.split_at(8);
            (
                u64::from_le_bytes(hash.try_into().unwrap()),
                u16::from_le_bytes(count.try_into().unwrap()),
            )
        })
        .collect()
}

fn print_of(text: &str) -> Print {
    let ids = real_model::model().token_ids(text, usize::MAX);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in ids.iter().flat_map(|id| id.to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    (hash, ids.len() as u16)
}

/// As `evaluation_texts` in `make_reference.py`.
fn evaluation_texts(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for set in SETS {
        let mut paths: Vec<_> = fs::read_dir(folder.join(set))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        paths.sort();
        for path in paths {
            for line in fs::read_to_string(path).unwrap().lines() {
                let entry: Value = serde_json::from_str(line).unwrap();
                let fields = ["title", "text"].iter().filter_map(|key| entry.get(key));
                let answers = entry
                    .get("answers")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten();
                texts.extend(
                    fields
                        .chain(answers)
                        .map(|text| text.as_str().unwrap().to_owned()),
                );
            }
        }
    }
    texts
}

fn same_ids(texts: &[String], expected: &[Print]) {
    assert_eq!(
        texts.len(),
        expected.len(),
        "as many texts as prints: make the fixtures again"
    );
    let different: Vec<&String> = texts
        .iter()
        .zip(expected)
        .filter(|(text, expected)| print_of(text) != **expected)
        .map(|(text, _)| text)
        .collect();
    assert!(
        different.is_empty(),
        "{} texts differ, the first: {:?}",
        different.len(),
        different[0]
    );
}

#[test]
fn all_evaluation_texts_have_the_ids_of_the_reference() {
    let Some(folder) = testdata::shared("eval") else {
        return;
    };
    same_ids(
        &evaluation_texts(&folder),
        &reference(include_bytes!("../reference/tokens.bin")),
    );
}

#[test]
fn odd_sentences_have_the_ids_of_the_reference() {
    let texts: Vec<String> = real_model::sentences()
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    same_ids(
        &texts,
        &reference(include_bytes!("../reference/sentence_tokens.bin")),
    );
}

#[test]
fn control_pieces_written_in_a_text_stay_text() {
    let model = real_model::model();
    for text in ["<s>", "</s>", "<pad>", "<unk>", "a <s> b", "<s></s>"] {
        let ids = model.token_ids(text, usize::MAX);
        assert!(ids.iter().all(|id| *id > 3), "{text}: {ids:?}");
    }
}

#[test]
fn counting_and_encoding_agree() {
    let model = real_model::model();
    for (_, text) in real_model::sentences() {
        let ids = model.token_ids(&text, usize::MAX);
        assert_eq!(model.token_count(&text), ids.len());
        for max in [0, 1, 5, ids.len()] {
            assert_eq!(model.token_ids(&text, max), ids[..max.min(ids.len())]);
        }
    }
}

#[test]
fn an_empty_text_has_no_tokens() {
    assert_eq!(real_model::model().token_count(""), 0);
    assert_eq!(real_model::model().token_count("\u{1}\u{7f}"), 0);
}

#[test]
fn megabytes_without_a_space_are_counted_in_bounded_pieces() {
    let model = real_model::model();
    let four = model.token_count(&"ação".repeat(100_000));
    let eight = model.token_count(&"ação".repeat(200_000));
    assert!(eight.abs_diff(2 * four) <= 2, "{four} and {eight}");
    let unknown = model.token_count(&"𓀀".repeat(500_000));
    assert!(
        (1..200).contains(&unknown),
        "runs of unknown characters are one token a cut: {unknown}"
    );
}
