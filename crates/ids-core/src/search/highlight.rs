//! Which words of a hit matched the query: by analyzed terms, so `decisões` marks `decisão`.

use std::collections::BTreeSet;

use ids_text::Term;

use crate::span::CharSpan;

/// The spans of `content` whose words have one of `terms`, in order.
pub(super) fn spans(content: &str, terms: &BTreeSet<Term>) -> Vec<CharSpan> {
    ids_text::highlights(content, terms)
        .into_iter()
        .map(|(start, end)| CharSpan::new(to_u32(start), to_u32(end)))
        .collect()
}

fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
