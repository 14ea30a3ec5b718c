//! From a range of a chunk's content to a range of a page.

use crate::chunk::ChunkDetail;
use crate::span::{CharSpan, PageSpan};

/// Where characters `start..end` of a chunk's content stand on a page; what runs over a page's end is cut there.
/// `None` when nothing of it stands on a page.
pub(super) fn in_page(chunk: &ChunkDetail, start: u32, end: u32) -> Option<PageSpan> {
    let mut at = 0;
    for span in &chunk.spans {
        let next = at + span.span.len();
        if start < next {
            let first = span.span.start + start.saturating_sub(at);
            let last = span.span.start + (end.min(next) - at);
            return (first < last).then_some(PageSpan {
                page_number: span.page_number,
                span: CharSpan::new(first, last),
            });
        }
        // One line feed joins the texts of two spans.
        at = next + 1;
    }
    None
}

/// The range of the chunk's content that stands at `place`.
pub(super) fn in_content(chunk: &ChunkDetail, place: PageSpan) -> Option<CharSpan> {
    let mut at = 0;
    for span in &chunk.spans {
        let inside = span.page_number == place.page_number
            && span.span.start <= place.span.start
            && place.span.end <= span.span.end;
        if inside {
            let start = at + (place.span.start - span.span.start);
            return Some(CharSpan::new(start, start + place.span.len()));
        }
        at += span.span.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{in_content, in_page};
    use crate::chunk::ChunkDetail;
    use crate::document::ContentType;
    use crate::id::{ChunkId, DocumentId};
    use crate::scope::CollectionName;
    use crate::span::{CharSpan, PageSpan};

    fn chunk(spans: &[(u32, u32, u32)]) -> ChunkDetail {
        let span = |&(page_number, start, end): &(u32, u32, u32)| PageSpan {
            page_number,
            span: CharSpan::new(start, end),
        };
        ChunkDetail {
            chunk_id: ChunkId(1),
            document_id: DocumentId::from_uuid(uuid::Uuid::nil()),
            document_title: String::new(),
            filename: String::new(),
            content_type: ContentType::parse(ContentType::TEXT).unwrap(),
            collection: CollectionName::default(),
            chunk_index: 0,
            content: String::new(),
            heading: None,
            spans: spans.iter().map(span).collect(),
        }
    }

    #[test]
    fn a_quote_over_a_page_s_end_is_cut_there_and_round_trips() {
        let chunk = chunk(&[(3, 100, 110), (4, 0, 20)]);
        let check = |start, end, expected: Option<(u32, u32, u32)>| {
            let place = in_page(&chunk, start, end);
            let expected = expected.map(|(page_number, start, end)| PageSpan {
                page_number,
                span: CharSpan::new(start, end),
            });
            assert_eq!(place, expected);
        };
        check(2, 6, Some((3, 102, 106)));
        check(8, 15, Some((3, 108, 110)));
        check(11, 15, Some((4, 0, 4)));
        check(40, 50, None);
        let place = in_page(&chunk, 12, 15).unwrap();
        assert_eq!(in_content(&chunk, place), Some(CharSpan::new(12, 15)));
    }
}
