//! Vectors against the f32 reference (ONNX Runtime, see `reference/make_reference.py`).

use ids_embed::{DIMENSIONS, TextKind, Workspace};

use crate::real_model;

fn reference() -> Vec<Vec<f32>> {
    let values = include_bytes!("../reference/vectors.bin").as_chunks::<2>().0;
    let values: Vec<f32> = values
        .iter()
        .map(|bytes| f32::from(i16::from_le_bytes(*bytes)))
        .collect();
    values.chunks_exact(DIMENSIONS).map(<[f32]>::to_vec).collect()
}

fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum::<f64>()
    };
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

#[test]
fn int8_vectors_stay_close_to_the_f32_reference() {
    let mut workspace = Workspace::new();
    let mut cosines: Vec<(f64, String)> = real_model::sentences()
        .into_iter()
        .zip(reference())
        .map(|((kind, text), expected)| {
            let found = real_model::model().embed_with(&mut workspace, kind, &text).vector;
            (cosine(&found, &expected), text)
        })
        .collect();
    cosines.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mean = cosines.iter().map(|(cosine, _)| cosine).sum::<f64>() / cosines.len() as f64;
    println!("cosine to f32: mean {mean:.5}, lowest:");
    for (cosine, text) in cosines.iter().take(5) {
        println!("  {cosine:.5} {text:.60}");
    }
    assert!(mean >= 0.998, "mean {mean}");
    assert!(cosines[0].0 >= 0.995, "lowest {:?}", cosines[0]);
}

#[test]
fn vectors_have_length_one() {
    for (_, text) in real_model::sentences().iter().step_by(5) {
        let vector = real_model::model().embed_passage(text);
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert_eq!(vector.len(), DIMENSIONS);
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }
}

#[test]
fn a_question_in_capitals_is_read_as_in_small_letters() {
    let model = real_model::model();
    assert_eq!(
        model.embed_query("PRAZO DE LICITAÇÃO?"),
        model.embed_query("prazo de licitação?")
    );
    assert_ne!(
        model.embed_query("Prazo DE LICITAÇÃO?"),
        model.embed_query("prazo de licitação?")
    );
    assert_ne!(model.embed_passage("PRAZO"), model.embed_passage("prazo"));
    assert_ne!(model.embed_query("prazo"), model.embed_passage("prazo"));
}

#[test]
fn accents_composed_or_not_give_the_same_vector() {
    let model = real_model::model();
    assert_eq!(
        model.embed_query("licitac\u{327}a\u{303}o"),
        model.embed_query("licitação")
    );
}

#[test]
fn a_question_finds_its_passage() {
    let model = real_model::model();
    let question = model.embed_query("quem assina o contrato?");
    let near = model.embed_passage("O contrato deve ser assinado pelo representante legal da empresa.");
    let far = model.embed_passage("A temperatura média anual da região fica em torno de vinte graus.");
    assert!(cosine(&question, &near) > cosine(&question, &far) + 0.02);
}

#[test]
fn a_long_text_is_cut_and_says_so() {
    let model = real_model::model();
    let long = "palavra ".repeat(2000);
    let embedded = model.embed_with(&mut Workspace::new(), TextKind::Passage, &long);
    assert_eq!((embedded.tokens, embedded.was_cut), (512, true));
    let short = model.embed_with(&mut Workspace::new(), TextKind::Passage, "palavra");
    assert!(!short.was_cut && short.tokens < 10);
    let same_start = model.embed_passage(&"palavra ".repeat(3000));
    assert_eq!(embedded.vector, same_start);
}
