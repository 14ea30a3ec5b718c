//! Properties: (1) units hold all of the paragraphs once, in order; (2) chunks hold all units, advance, keep to their
//! size; (3) overlap only where a paragraph is cut.

use proptest::prelude::*;

use super::*;

/// A token is up to three characters of a word.
struct Thirds;

impl TokenCounter for Thirds {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace()
            .map(|word| word.chars().count().div_ceil(3))
            .sum()
    }
}

fn whole(text: &str, max_tokens: usize) -> Vec<(String, usize)> {
    let chars: Vec<char> = text.chars().collect();
    units(text, &[(0, chars.len())], max_tokens, &Thirds)
        .iter()
        .map(|unit| (chars[unit.start..unit.end].iter().collect(), unit.tokens))
        .collect()
}

fn unit(tokens: usize, paragraph: usize) -> Unit {
    Unit {
        start: 0,
        end: 0,
        tokens,
        paragraph,
    }
}

/// Units from (tokens, paragraph).
fn listed(units: &[(usize, usize)]) -> Vec<Unit> {
    units
        .iter()
        .map(|&(tokens, paragraph)| unit(tokens, paragraph))
        .collect()
}

#[test]
fn a_unit_is_a_sentence_or_a_piece_of_a_long_one() {
    let pieces = whole("Um dois. Três quatro cinco seis. Fim.", 4);
    let texts: Vec<&str> = pieces.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(texts, ["Um dois.", "Três quatro", "cinco seis.", "Fim."]);
}

#[test]
fn a_word_too_long_is_cut_inside() {
    let pieces = whole(&"ã".repeat(100), 4);
    assert!(pieces.iter().all(|(_, tokens)| *tokens <= 4));
    assert_eq!(
        pieces.iter().map(|(text, _)| text.chars().count()).sum::<usize>(),
        100
    );
}

#[test]
fn units_know_their_paragraph_and_stay_inside_it() {
    let found = units("Aa bb. Cc!\nDd ee", &[(0, 10), (11, 13), (14, 99)], 50, &Thirds);
    let places: Vec<_> = found
        .iter()
        .map(|unit| (unit.start, unit.end, unit.paragraph))
        .collect();
    assert_eq!(places, [(0, 6, 0), (7, 10, 0), (11, 13, 1), (14, 16, 2)]);
}

#[test]
fn a_chunk_takes_what_fits() {
    assert_eq!(pack(&listed(&[(4, 0), (4, 0), (4, 0)]), 8, 0), [0..2, 2..3]);
    assert_eq!(pack(&listed(&[(4, 0), (4, 1), (4, 2)]), 100, 50), vec![0..3; 1]);
    assert_eq!(pack(&[], 8, 2), []);
}

#[test]
fn a_cut_paragraph_overlaps_and_a_whole_one_does_not() {
    assert_eq!(
        pack(&listed(&[(4, 0), (2, 0), (2, 0), (4, 0)]), 8, 3),
        [0..3, 2..4]
    );
    assert_eq!(
        pack(&listed(&[(4, 0), (2, 0), (2, 0), (4, 1)]), 8, 3),
        [0..3, 3..4]
    );
}

#[test]
fn a_chunk_half_full_ends_with_its_paragraph() {
    assert_eq!(
        pack(&listed(&[(3, 0), (3, 0), (3, 1), (3, 1)]), 10, 0),
        [0..2, 2..4]
    );
    // A third full: rather a cut paragraph than a stub.
    assert_eq!(
        pack(&listed(&[(3, 0), (3, 1), (3, 1), (3, 1)]), 10, 0),
        [0..3, 3..4]
    );
}

#[test]
fn overlap_leaves_room_for_what_is_new() {
    assert_eq!(pack(&listed(&[(4, 0), (4, 0), (6, 0)]), 8, 4), [0..2, 2..3]);
    assert_eq!(pack(&listed(&[(9, 0), (9, 0)]), 8, 8), [0..1, 1..2]);
}

fn any_units() -> impl Strategy<Value = Vec<Unit>> {
    prop::collection::vec((0_usize..12, any::<bool>()), 0..40).prop_map(|list| {
        let mut paragraph = 0;
        list.into_iter()
            .map(|(tokens, new)| {
                paragraph += usize::from(new);
                unit(tokens, paragraph)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn chunks_hold_all_units_and_advance(units in any_units(), size in 0_usize..20, overlap in 0_usize..20) {
        let chunks = pack(&units, size, overlap);
        let (mut covered, mut last_start) = (0, None);
        for chunk in &chunks {
            prop_assert!(chunk.start < chunk.end && chunk.start <= covered && chunk.end > covered);
            prop_assert!(last_start.is_none_or(|last| chunk.start > last));
            let tokens: usize = units[chunk.clone()].iter().map(|unit| unit.tokens).sum();
            prop_assert!(tokens <= size || chunk.len() == 1);
            let repeated = &units[chunk.start..covered];
            prop_assert!(repeated.iter().map(|unit| unit.tokens).sum::<usize>() <= overlap);
            prop_assert!(repeated.iter().all(|unit| unit.paragraph == units[covered].paragraph));
            (covered, last_start) = (chunk.end, Some(chunk.start));
        }
        prop_assert_eq!(covered, units.len());
    }

    #[test]
    fn units_hold_every_visible_character_once(text in "[a-cÁé .!?\\n😀]{0,200}", cut in 0_usize..200, max_tokens in 0_usize..12) {
        let chars: Vec<char> = text.chars().collect();
        let cut = cut.min(chars.len());
        let units = units(&text, &[(0, cut), (cut, chars.len())], max_tokens, &Thirds);
        let mut seen = vec![0; chars.len()];
        let mut end = 0;
        for unit in &units {
            prop_assert!(end <= unit.start && unit.start < unit.end);
            let inside = if unit.paragraph == 0 { unit.end <= cut } else { unit.start >= cut };
            prop_assert!(inside);
            let content: String = chars[unit.start..unit.end].iter().collect();
            prop_assert_eq!(unit.tokens, Thirds.count(&content));
            prop_assert!(unit.tokens <= max_tokens.max(1) || content.chars().count() == 1);
            seen[unit.start..unit.end].iter_mut().for_each(|count| *count += 1);
            end = unit.end;
        }
        for (c, count) in chars.iter().zip(seen) {
            prop_assert!(count == 1 || c.is_whitespace(), "`{}` {} times", c, count);
        }
    }
}
