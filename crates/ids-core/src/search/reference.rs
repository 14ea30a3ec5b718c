//! How a hit in a text of law is cited.

use ids_text::legal;

use crate::chunk::ChunkDetail;
use crate::span::CharSpan;

/// The part of the law where most of the words stand that matched, or all that the passage runs over.
pub(super) fn of(chunk: &ChunkDetail, highlights: &[CharSpan]) -> Option<String> {
    let places: Vec<usize> = highlights.iter().map(|span| span.start as usize).collect();
    Some(legal::narrowed(chunk.reference()?, &chunk.content, &places))
}
