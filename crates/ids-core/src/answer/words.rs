//! What an answer says in its own words, in the language of the question.

use std::fmt::Write as _;

use ids_text::Language;

use crate::session::NearestDocument;

/// Whether what is said beside an answer to `question` is said in English; else in Portuguese.
pub fn is_in_english(question: &str) -> bool {
    ids_text::language::guess(question) == Some(Language::English)
}

/// There is no answer, and where one might look.
pub(super) fn no_answer(question: &str, nearest: &[NearestDocument]) -> String {
    let (none, look, page) = if is_in_english(question) {
        ("The documents hold no answer to that.", "Nearest to it:", "page")
    } else {
        (
            "Os documentos não trazem resposta para isso.",
            "O que mais se aproxima:",
            "página",
        )
    };
    let mut text = none.to_owned();
    if nearest.is_empty() {
        return text;
    }
    let _ = write!(text, " {look} ");
    for (at, document) in nearest.iter().enumerate() {
        let separator = if at == 0 { "" } else { "; " };
        let title: String = document
            .document_title
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let _ = write!(text, "{separator}{title} ({page} {})", document.page_number);
    }
    text.push('.');
    text
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::no_answer;
    use crate::id::DocumentId;
    use crate::session::NearestDocument;

    #[test]
    fn it_is_said_in_the_language_of_the_question() {
        let nearest = [(1, "Contrato 12"), (4, "Edital")].map(|(page_number, title)| NearestDocument {
            document_id: DocumentId::from_uuid(Uuid::nil()),
            document_title: title.to_owned(),
            page_number,
        });
        assert_eq!(
            no_answer("Qual é o prazo da obra?", &nearest),
            "Os documentos não trazem resposta para isso. O que mais se aproxima: Contrato 12 (página 1); Edital (página 4)."
        );
        assert_eq!(
            no_answer("What is the deadline of the work?", &nearest[..1]),
            "The documents hold no answer to that. Nearest to it: Contrato 12 (page 1)."
        );
        assert_eq!(
            no_answer("prazo", &[]),
            "Os documentos não trazem resposta para isso."
        );
    }
}
