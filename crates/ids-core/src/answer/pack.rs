//! Hits to the passages that a model reads: each widened to what stands before and after it, neighbors made one passage, as many as fit.
//!
//! A passage is again a chunk with its places, so that a quote from it is looked up like any other.

use std::collections::{BTreeMap, HashMap};

use crate::chunk::ChunkDetail;
use crate::error::Refusal;
use crate::id::{ChunkId, DocumentId};
use crate::library::Library;
use crate::limits;
use crate::scope::Scope;
use crate::search::Hit;
use crate::span::{CharSpan, PageSpan};

/// Characters a token has at least, in Portuguese as models split it: the estimate is high rather than low.
const CHARS_A_TOKEN: usize = 3;

impl Library {
    /// The passages for a model, best first, of at most [`limits::PASSAGE_TOKENS`] in all.
    pub(super) async fn pack(&self, scope: &Scope, hits: &[Hit]) -> Result<Vec<Hit>, Refusal> {
        let beside: Vec<ChunkId> = hits.iter().flat_map(|hit| beside(&hit.chunk)).collect();
        let neighbors = self.ports.chunks.load_details(scope, &beside).await?;
        Ok(packed(hits, neighbors, limits::PASSAGE_TOKENS))
    }
}

/// The ids that the chunks before and after have, if there are any: ids of one version follow each other. What is loaded is compared.
fn beside(chunk: &ChunkDetail) -> impl Iterator<Item = ChunkId> + use<> {
    let (id, index) = (chunk.chunk_id.0, chunk.chunk_index);
    [(index > 0).then(|| id - 1), id.checked_add(1)]
        .into_iter()
        .flatten()
        .map(ChunkId)
}

/// What is read of one document: its chunks by index.
type Reading = BTreeMap<u32, ChunkDetail>;

fn packed(hits: &[Hit], neighbors: Vec<ChunkDetail>, tokens: usize) -> Vec<Hit> {
    let mut left = tokens;
    let mut readings: HashMap<DocumentId, Reading> = HashMap::new();
    let mut take = |chunk: &ChunkDetail, left: &mut usize| {
        let reading = readings.entry(chunk.document_id).or_default();
        let cost = tokens_of(chunk);
        if reading.contains_key(&chunk.chunk_index) || cost > *left {
            return;
        }
        *left -= cost;
        reading.insert(chunk.chunk_index, chunk.clone());
    };
    // What was found comes first; what stands around it has what is left.
    for hit in hits {
        take(&hit.chunk, &mut left);
    }
    for hit in hits {
        let around = neighbors.iter().filter(|chunk| is_beside(chunk, &hit.chunk));
        for chunk in around {
            take(chunk, &mut left);
        }
    }
    let mut passages: Vec<Hit> = Vec::new();
    for hit in hits {
        let index = hit.chunk.chunk_index;
        let Some(reading) = readings.get_mut(&hit.chunk.document_id) else {
            continue;
        };
        // Part of a better hit's passage, or beyond what fits.
        if !reading.contains_key(&index) {
            continue;
        }
        passages.push(Hit {
            chunk: merged(&hit.chunk, taken_run(reading, index)),
            ..hit.clone()
        });
    }
    passages
}

fn is_beside(chunk: &ChunkDetail, other: &ChunkDetail) -> bool {
    chunk.document_id == other.document_id && chunk.chunk_index.abs_diff(other.chunk_index) == 1
}

fn tokens_of(chunk: &ChunkDetail) -> usize {
    chunk.content.chars().count().div_ceil(CHARS_A_TOKEN)
}

/// Takes out the chunks that follow each other without a gap, `index` among them.
fn taken_run(reading: &mut Reading, index: u32) -> Vec<ChunkDetail> {
    let mut first = index;
    while first > 0 && reading.contains_key(&(first - 1)) {
        first -= 1;
    }
    (first..).map_while(|at| reading.remove(&at)).collect()
}

/// Chunks in order as one, under the name of the one that was found. What two of them share stands in it once.
fn merged(found: &ChunkDetail, run: Vec<ChunkDetail>) -> ChunkDetail {
    let mut parts: Vec<(PageSpan, String)> = Vec::new();
    for chunk in &run {
        let mut at = 0;
        for span in &chunk.spans {
            let text = CharSpan::new(at, at + span.span.len()).slice(&chunk.content);
            at += span.span.len() + 1;
            add(&mut parts, *span, text);
        }
    }
    let texts: Vec<&str> = parts.iter().map(|(_, text)| text.as_str()).collect();
    ChunkDetail {
        content: texts.join("\n"),
        spans: parts.iter().map(|(span, _)| *span).collect(),
        heading: run
            .first()
            .and_then(|chunk| chunk.heading.clone())
            .or_else(|| found.heading.clone()),
        ..found.clone()
    }
}

fn add(parts: &mut Vec<(PageSpan, String)>, place: PageSpan, text: &str) {
    let (start, end) = (place.span.start, place.span.end);
    let is_there = parts.iter().any(|(known, _)| {
        known.page_number == place.page_number && known.span.start <= start && end <= known.span.end
    });
    if is_there {
        return;
    }
    if let Some((last, whole)) = parts.last_mut()
        && last.page_number == place.page_number
        && last.span.start <= start
        && start <= last.span.end
    {
        whole.extend(text.chars().skip((last.span.end - start) as usize));
        last.span.end = end;
        return;
    }
    parts.push((place, text.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::packed;
    use crate::chunk::ChunkDetail;
    use crate::document::ContentType;
    use crate::id::{ChunkId, DocumentId};
    use crate::scope::CollectionName;
    use crate::search::{Explanation, Hit, SearchMode};
    use crate::span::{CharSpan, PageSpan};

    const PAGE: &str = "Um dois três quatro cinco seis sete oito nove dez onze doze treze";

    fn chunk(document: u128, index: u32, start: u32, end: u32) -> ChunkDetail {
        ChunkDetail {
            chunk_id: ChunkId(i64::from(index) + 10),
            document_id: DocumentId::from_uuid(uuid::Uuid::from_u128(document)),
            document_title: String::new(),
            filename: String::new(),
            content_type: ContentType::parse(ContentType::TEXT).unwrap(),
            collection: CollectionName::default(),
            chunk_index: index,
            content: CharSpan::new(start, end).slice(PAGE).to_owned(),
            heading: None,
            spans: vec![PageSpan {
                page_number: 1,
                span: CharSpan::new(start, end),
            }],
        }
    }

    fn hit(chunk: ChunkDetail) -> Hit {
        Hit {
            chunk,
            score: 1.0,
            similarity_score: 0.5,
            keyword_score: 1.0,
            highlights: Vec::new(),
            reference: None,
            explanation: Explanation {
                mode: SearchMode::Hybrid,
                words: 1.0,
                words_z: 0.0,
                cosine: None,
                meaning_z: 0.0,
                terms: Vec::new(),
                length: 1,
                chunks: 1,
            },
        }
    }

    fn texts(passages: &[Hit]) -> Vec<&str> {
        passages
            .iter()
            .map(|passage| passage.chunk.content.as_str())
            .collect()
    }

    #[test]
    fn neighbors_are_one_passage_without_what_they_share_and_stand_where_they_stood() {
        let hits = [
            hit(chunk(1, 1, 8, 19)),
            hit(chunk(2, 0, 0, 7)),
            hit(chunk(1, 2, 13, 31)),
        ];
        let neighbors = vec![chunk(1, 0, 0, 12), chunk(1, 3, 25, 40)];
        let passages = packed(&hits, neighbors, 1_000);
        assert_eq!(
            texts(&passages),
            [&PAGE[..PAGE.char_indices().nth(40).unwrap().0], "Um dois"]
        );
        let whole = &passages[0].chunk;
        assert_eq!(whole.chunk_id, ChunkId(11));
        assert_eq!(whole.spans[0].span, CharSpan::new(0, 40));
    }

    #[test]
    fn a_gap_keeps_passages_apart_and_another_document_s_chunk_is_no_neighbor() {
        let hits = [hit(chunk(1, 0, 0, 7)), hit(chunk(1, 2, 20, 31))];
        let passages = packed(&hits, vec![chunk(2, 1, 8, 19)], 1_000);
        assert_eq!(passages.len(), 2);
        // Not overlapping, and still neighbors: two spans of one passage, joined as chunks join theirs.
        let apart = packed(&[hit(chunk(1, 0, 0, 7))], vec![chunk(1, 1, 8, 12)], 1_000);
        assert_eq!(texts(&apart), ["Um dois\ntrês"]);
        assert_eq!(apart[0].chunk.spans.len(), 2);
    }

    #[test]
    fn no_more_than_fits_is_read_and_what_was_found_comes_first() {
        let hits = [hit(chunk(1, 1, 8, 19)), hit(chunk(2, 0, 0, 7))];
        let neighbors = vec![chunk(1, 0, 0, 12)];
        // 4 tokens and 3: nothing is left for the neighbor.
        assert_eq!(
            texts(&packed(&hits, neighbors.clone(), 7)),
            ["três quatro", "Um dois"]
        );
        assert_eq!(texts(&packed(&hits, neighbors, 4)), ["três quatro"]);
    }
}
