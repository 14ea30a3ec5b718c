//! Every kernel gives the same bits. A kernel this machine lacks is left out, with a line that says so.

use ids_embed::{Kernel, Model, TextKind, Workspace};
use proptest::prelude::*;

use crate::real_model;
use crate::tiny_model::{Shape, bytes};

fn others(model: &Model) -> Vec<Model> {
    let mut models = Vec::new();
    for kernel in Kernel::ALL {
        match model.with_kernel(kernel) {
            Some(model) => models.push(model),
            None => println!("not tested: this machine cannot run {kernel:?}"),
        }
    }
    models
}

fn bits(vector: &[f32]) -> Vec<u32> {
    vector.iter().map(|value| value.to_bits()).collect()
}

fn same_on_all(model: &Model, kind: TextKind, text: &str) {
    let scalar = model.with_kernel(Kernel::Scalar).expect("always there");
    let expected = scalar.embed_with(&mut Workspace::new(), kind, text).vector;
    for other in others(model) {
        let found = other.embed_with(&mut Workspace::new(), kind, text).vector;
        assert_eq!(
            bits(&found),
            bits(&expected),
            "{:?} differs on {text:.40}",
            other.kernel()
        );
    }
}

#[test]
fn the_best_kernel_is_available_and_chosen() {
    assert!(Kernel::best().is_available());
    assert_eq!(real_model::model().kernel(), Kernel::best());
}

#[test]
fn the_real_model_gives_the_same_bits_on_every_kernel() {
    let sentences = real_model::sentences();
    // Not all, since the scalar kernel is slow; the last is longer than the model reads.
    for (kind, text) in sentences.iter().rev().step_by(9) {
        same_on_all(real_model::model(), *kind, text);
    }
}

/// Head sizes 16, 32 and 48; widths that do not fill a tile of anything.
fn shapes() -> impl Strategy<Value = Shape> {
    let heads = prop::sample::select(vec![(32, 1), (32, 2), (64, 2), (96, 2), (96, 6), (160, 5)]);
    (heads, 1..3_usize, 1..6_usize, 8..140_usize, any::<u64>()).prop_map(
        |((hidden, heads), layers, feed, positions, seed)| Shape {
            hidden,
            layers,
            heads,
            feed_forward: feed * 32,
            positions,
            seed,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_models_give_the_same_bits_on_every_kernel(shape in shapes(), text in "[a-e ostrçã:]{0,200}") {
        let model = Model::load(&bytes(&shape)).unwrap();
        same_on_all(&model, TextKind::Passage, &text);
    }
}
