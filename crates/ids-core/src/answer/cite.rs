//! Citations: a quote is shown only as it stands on its page, at a place that was looked up.

use super::evidence::Evidence;
use super::place;
use super::slips::find_with_slips;
use crate::chunk::ChunkDetail;
use crate::error::Refusal;
use crate::library::Library;
use crate::scope::Scope;
use crate::session::Citation;
use crate::span::{CharIndex, CharSpan, PageSpan};

/// Characters shown on each side of a quote.
const AROUND_CHARS: u32 = 120;

impl Library {
    /// The citation of a sentence; `None` when it does not stand at its place (any more).
    pub(super) async fn cite(&self, scope: &Scope, evidence: &Evidence) -> Result<Option<Citation>, Refusal> {
        self.cite_place(
            scope,
            &evidence.chunk,
            evidence.place,
            &evidence.text,
            evidence.similarity_score,
        )
        .await
    }

    /// The citation of words that a model says stand in `chunk`; `None` when they do not.
    pub(super) async fn cite_words(
        &self,
        scope: &Scope,
        chunk: &ChunkDetail,
        words: &str,
        similarity_score: f32,
    ) -> Result<Option<Citation>, Refusal> {
        let exact = find_words(&chunk.content, words);
        let Some(found) = exact.or_else(|| find_with_slips(&chunk.content, words)) else {
            return Ok(None);
        };
        let Some(place) = place::in_page(chunk, found.start, found.end) else {
            return Ok(None);
        };
        let Some(text) = place::in_content(chunk, place).map(|span| span.slice(&chunk.content)) else {
            return Ok(None);
        };
        self.cite_place(scope, chunk, place, text, similarity_score).await
    }

    async fn cite_place(
        &self,
        scope: &Scope,
        chunk: &ChunkDetail,
        place: PageSpan,
        text: &str,
        similarity_score: f32,
    ) -> Result<Option<Citation>, Refusal> {
        let found = self
            .ports
            .documents
            .find_page(scope, chunk.document_id, place.page_number)
            .await?;
        let Some((page, _)) = found else { return Ok(None) };
        let index = CharIndex::new(&page.text);
        if index.slice(place.span) != text {
            return Ok(None);
        }
        Ok(Some(Citation {
            document_id: chunk.document_id,
            document_title: chunk.document_title.clone(),
            chunk_id: chunk.chunk_id,
            filename: chunk.filename.clone(),
            place,
            quote: text.to_owned(),
            excerpt: excerpt(&index, place.span),
            similarity_score,
            boxes: page.lines_in(place.span).copied().collect(),
            verified: true,
        }))
    }
}

/// The quote with the words around it, on one line, cut between words.
fn excerpt(page: &CharIndex<'_>, quote: CharSpan) -> String {
    let length = page.len() as u32;
    let start = quote.start.saturating_sub(AROUND_CHARS);
    let end = quote.end.saturating_add(AROUND_CHARS).min(length);
    let before = page.slice(CharSpan::new(start, quote.start));
    let after = page.slice(CharSpan::new(quote.end, end));
    let before = if start == 0 {
        before
    } else {
        before
            .split_once(char::is_whitespace)
            .map_or("", |(_, rest)| rest)
    };
    let after = if end == length {
        after
    } else {
        after
            .rsplit_once(char::is_whitespace)
            .map_or("", |(rest, _)| rest)
    };
    let text = format!("{before}{}{after}", page.slice(quote));
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lead = if start == 0 { "" } else { "… " };
    let tail = if end == length { "" } else { " …" };
    format!("{lead}{line}{tail}")
}

/// Where `words` stand in `content`, whatever their case, accents, white space and quotation marks; `None` when they do not.
fn find_words(content: &str, words: &str) -> Option<CharSpan> {
    let (needle, _) = Matchable::of(words).into_parts();
    if needle.is_empty() {
        return None;
    }
    let (haystack, places) = Matchable::of(content).into_parts();
    let chars: Vec<char> = content.chars().collect();
    haystack
        .windows(needle.len())
        .enumerate()
        .filter(|(_, window)| *window == needle)
        .map(|(at, window)| CharSpan::new(places[at], places[at + window.len() - 1] + 1))
        .find(|span| is_whole(&chars, *span))
}

/// Whether no word or number is cut at the borders of `span`: `5 dias` does not stand in `15 dias`, nor `234` in `1.234`.
fn is_whole(chars: &[char], span: CharSpan) -> bool {
    let (start, end) = (span.start as usize, span.end as usize);
    let at = |place: Option<usize>| place.and_then(|place| chars.get(place)).copied();
    let goes_on = |inside: Option<char>, next: Option<char>, beyond: Option<char>| {
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        next.is_some_and(char::is_alphanumeric)
            || (is_digit(inside) && matches!(next, Some('.' | ',')) && is_digit(beyond))
    };
    !goes_on(
        at(Some(start)),
        at(start.checked_sub(1)),
        at(start.checked_sub(2)),
    ) && !goes_on(at(end.checked_sub(1)), at(Some(end)), at(Some(end + 1)))
}

/// A text reduced to what counts when quotes are compared: letters and digits, folded; each with the place it came from.
struct Matchable {
    chars: Vec<char>,
    places: Vec<u32>,
}

impl Matchable {
    fn of(text: &str) -> Self {
        let mut matchable = Self {
            chars: Vec::new(),
            places: Vec::new(),
        };
        let mut one = [0; 4];
        for (at, c) in text.chars().enumerate() {
            for folded in ids_text::fold(c.encode_utf8(&mut one)).chars() {
                for lower in folded.to_lowercase().filter(|c| c.is_alphanumeric()) {
                    matchable.chars.push(lower);
                    matchable.places.push(at as u32);
                }
            }
        }
        matchable
    }

    fn into_parts(self) -> (Vec<char>, Vec<u32>) {
        (self.chars, self.places)
    }
}

#[cfg(test)]
mod tests {
    use super::{excerpt, find_words};
    use crate::span::{CharIndex, CharSpan};

    #[test]
    fn words_are_found_whatever_their_case_accents_and_line_breaks() {
        let content = "Art. 5º O prazo será de\nquinze dias — “úteis”, na forma da lei.";
        let check = |words: &str, expected: Option<&str>| {
            let found = find_words(content, words).map(|span| span.slice(content));
            assert_eq!(found, expected, "{words}");
        };
        check(
            "O PRAZO sera de quinze dias",
            Some("O prazo será de\nquinze dias"),
        );
        check("dias \"úteis\"", Some("dias — “úteis"));
        check("vinte dias", None);
        check("uinze dias", None);
        check("quinze dia", None);
        check("…", None);
        check("", None);
    }

    #[test]
    fn words_and_numbers_are_not_cut() {
        let content = "São 15 dias úteis e 1.234 reais, ou 2,5% do total. Depois, 5 dias.";
        let check = |words: &str, expected: Option<&str>| {
            let found = find_words(content, words).map(|span| span.slice(content));
            assert_eq!(found, expected, "{words}");
        };
        check("5 dias úteis", None);
        check("234 reais", None);
        check("ou 2", None);
        check("1.234 reais", Some("1.234 reais"));
        check("2,5% do total", Some("2,5% do total"));
        check("5 dias", Some("5 dias"));
    }

    #[test]
    fn an_excerpt_is_cut_between_words() {
        let text = format!(
            "{} O prazo é de dez dias. {}",
            "antes ".repeat(40),
            "depois ".repeat(40)
        );
        let index = CharIndex::new(&text);
        let start = "antes ".repeat(40).chars().count() as u32 + 1;
        let shown = excerpt(&index, CharSpan::new(start, start + 22));
        assert!(shown.starts_with("… antes "), "{shown}");
        assert!(shown.contains("antes O prazo é de dez dias. depois"), "{shown}");
        assert!(shown.ends_with("depois …"), "{shown}");

        let short = "Só isto.";
        assert_eq!(excerpt(&CharIndex::new(short), CharSpan::new(0, 8)), "Só isto.");
    }
}
