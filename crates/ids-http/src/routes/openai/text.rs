//! An answer as one text that any client shows: statements with numbers, and at the end what each number stands for.

use ids_core::answer::is_in_english;
use ids_core::session::{AnswerDetails, Citation, ClaimStatus};

use crate::routes::links::PageLinks;
use crate::wire::openai::{AnnotationBody, UrlCitationBody};

/// Between statements.
pub(super) const BETWEEN: &str = "\n\n";
/// What the list of sources begins with, in either language: what comes after is no part of what was said.
const HEADS: [&str; 2] = ["\n\nFontes:\n", "\n\nSources:\n"];
/// Characters of a quote in the list; the whole one is in the annotation.
const QUOTE_CHARS: usize = 200;

/// The whole text, and which part of it rests on which page.
pub(super) struct Written {
    pub(super) text: String,
    pub(super) annotations: Vec<AnnotationBody>,
}

/// Writes an answer.
pub(super) fn written(question: &str, content: &str, details: &AnswerDetails, links: &PageLinks) -> Written {
    if details.claims.is_empty() {
        return Written {
            text: inert(content),
            annotations: Vec::new(),
        };
    }
    let is_english = is_in_english(question);
    let (mut text, mut annotations) = (String::new(), Vec::new());
    for (at, claim) in details.claims.iter().enumerate() {
        if at > 0 {
            text.push_str(BETWEEN);
        }
        let start_index = text.chars().count();
        let said = inert(&claim.text);
        let end_index = start_index + said.chars().count();
        text.push_str(&numbered(&said, at + 1));
        annotations.extend(citations(details, at).map(|citation| AnnotationBody {
            r#type: "url_citation",
            url_citation: UrlCitationBody {
                start_index,
                end_index,
                title: title(citation, is_english),
                url: links.to(
                    citation.document_id,
                    citation.place.page_number,
                    Some(citation.place.span),
                ),
                document_id: citation.document_id.to_string(),
                page: citation.place.page_number,
                quote: citation.quote.clone(),
            },
        }));
    }
    text.push_str(HEADS[usize::from(is_english)]);
    let lines: Vec<String> = (0..details.claims.len())
        .flat_map(|at| citations(details, at).map(move |citation| (at, citation)))
        .map(|(at, citation)| line(at, citation, details, is_english, links))
        .collect();
    text.push_str(&lines.join("\n"));
    Written { text, annotations }
}

/// A statement with its number.
pub(super) fn numbered(statement: &str, number: usize) -> String {
    format!("{statement} [{number}]")
}

/// What an answer said, without the list at its end: for those that come back as part of a conversation.
pub(super) fn without_sources(content: &str) -> &str {
    let ends = HEADS.iter().filter_map(|head| content.rfind(head));
    ends.min().map_or(content, |end| &content[..end])
}

fn citations(details: &AnswerDetails, claim: usize) -> impl Iterator<Item = &Citation> {
    let sources = details.claims.get(claim).map(|claim| claim.sources.as_slice());
    sources
        .unwrap_or_default()
        .iter()
        .filter_map(|&source| details.sources.get(source as usize))
}

fn line(
    claim: usize,
    citation: &Citation,
    details: &AnswerDetails,
    is_english: bool,
    links: &PageLinks,
) -> String {
    let doubt = match (details.claims[claim].status, is_english) {
        (ClaimStatus::Verified, _) => "",
        (ClaimStatus::Unconfirmed, true) => " (numbers not confirmed by the quote)",
        (ClaimStatus::Unconfirmed, false) => " (números não confirmados pela citação)",
    };
    let place = citation.place;
    format!(
        "[{}] {}{doubt}: “{}” {}",
        claim + 1,
        title(citation, is_english),
        short(&inert(&one_line(&citation.quote))),
        links.to(citation.document_id, place.page_number, Some(place.span)),
    )
}

fn title(citation: &Citation, is_english: bool) -> String {
    let page = if is_english { "page" } else { "página" };
    format!(
        "{}, {page} {}",
        inert(&one_line(&citation.document_title)),
        citation.place.page_number
    )
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn short(text: &str) -> String {
    if text.chars().count() <= QUOTE_CHARS {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(QUOTE_CHARS - 1).collect();
    cut.push('…');
    cut
}

/// Chat front ends read answers as Markdown. Words of a document must not become a picture that is fetched from somewhere, a link that
/// says something else than where it leads, or a tag: a space takes their power, and leaves them to be read.
pub(super) fn inert(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        let would_be_active = match before {
            ']' => matches!(c, '(' | '[' | ':'),
            '!' => c == '[',
            '<' => c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'),
            _ => false,
        };
        if would_be_active {
            safe.push(' ');
        }
        safe.push(c);
        before = c;
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{inert, without_sources};

    #[test]
    fn words_of_a_document_become_no_picture_no_link_and_no_tag() {
        assert_eq!(inert("![x](http://a/?q=1)"), "! [x] (http://a/?q=1)");
        assert_eq!(
            inert("[banco][1] e [1]: http://a"),
            "[banco] [1] e [1] : http://a"
        );
        assert_eq!(inert("<img src=x> </b> <!--"), "< img src=x> < /b> < !--");
        assert_eq!(inert("2 < 3, a[1], olá! (sim)"), "2 < 3, a[1], olá! (sim)");
    }

    #[test]
    fn the_list_of_sources_is_no_part_of_what_was_said() {
        assert_eq!(without_sources("A. [1]\n\nFontes:\n[1] x"), "A. [1]");
        assert_eq!(without_sources("A. [1]\n\nSources:\n[1] x"), "A. [1]");
        assert_eq!(without_sources("Fontes: nenhuma"), "Fontes: nenhuma");
    }
}
