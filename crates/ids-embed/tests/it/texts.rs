//! A vector depends on its text alone, and memory on nothing a text can do.

use ids_embed::{TextKind, Workspace};
use proptest::prelude::*;

use crate::real_model;
use crate::tiny_model::{Shape, bytes};

#[test]
fn a_used_workspace_changes_nothing() {
    let model = real_model::model();
    let mut used = Workspace::new();
    model.embed_with(&mut used, TextKind::Passage, &"uma longa história ".repeat(60));
    for text in ["", "curto", "um pouco mais longo que o anterior, com vírgula"] {
        let fresh = model.embed_passage(text);
        assert_eq!(
            model.embed_with(&mut used, TextKind::Passage, text).vector,
            fresh,
            "{text}"
        );
    }
}

#[test]
fn threads_agree() {
    let texts = ["um", "dois textos", "três textos ao mesmo tempo", "quatro"];
    let expected = texts.map(|text| real_model::model().embed_passage(text));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                assert_eq!(
                    texts.map(|text| real_model::model().embed_passage(text)),
                    expected
                )
            });
        }
    });
}

#[test]
fn a_workspace_stays_under_four_megabytes_whatever_the_text() {
    let mut workspace = Workspace::new();
    let model = real_model::model();
    model.embed_with(&mut workspace, TextKind::Query, "curta");
    assert!(workspace.bytes() < 1_500_000, "{}", workspace.bytes());
    model.embed_with(&mut workspace, TextKind::Passage, &"palavra ".repeat(600));
    let longest = workspace.bytes();
    assert!(longest < 4_000_000, "{longest}");
    model.embed_with(&mut workspace, TextKind::Passage, &"x".repeat(1_000_000));
    assert_eq!(workspace.bytes(), longest);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_has_a_vector(text in any::<String>()) {
        let model = ids_embed::Model::load(&bytes(&Shape::default())).unwrap();
        let embedded = model.embed_with(&mut Workspace::new(), TextKind::Query, &text);
        prop_assert!(embedded.vector.iter().all(|value| value.is_finite()));
        prop_assert!(embedded.tokens <= model.max_tokens());
        prop_assert_eq!(model.token_count(&text), model.token_ids(&text, usize::MAX).len());
    }
}
