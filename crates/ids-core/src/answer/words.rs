//! What an answer says in its own words, in the language of the question.

use std::fmt::Write as _;

use ids_text::Language;

use crate::session::NearestDocument;

/// What somebody who gets no answer might try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// To look in other documents: the question was limited to some.
    Widen,
    /// To ask in other words.
    Rephrase,
    /// To add documents: there are none.
    AddDocuments,
}

struct Words {
    none: &'static str,
    look: &'static str,
    page: &'static str,
    widen: &'static str,
    rephrase: &'static str,
    add: &'static str,
}

const PORTUGUESE: Words = Words {
    none: "Os documentos não trazem resposta para isso.",
    look: "O que mais se aproxima:",
    page: "página",
    widen: "Tente com outras palavras, ou sem limitar a busca a uma parte dos documentos.",
    rephrase: "Tente com outras palavras, como as que o documento usaria, ou acrescente o documento que trata disso.",
    add: "Ainda não há documentos onde procurar: acrescente os que tratam disso.",
};
const ENGLISH: Words = Words {
    none: "The documents hold no answer to that.",
    look: "Nearest to it:",
    page: "page",
    widen: "Try other words, or ask without limiting the search to some of the documents.",
    rephrase: "Try other words, such as the document would use, or add the document that speaks of it.",
    add: "There are no documents to look in yet: add those that speak of it.",
};

/// Whether what is said beside an answer to `question` is said in English; else in Portuguese.
pub fn is_in_english(question: &str) -> bool {
    ids_text::language::guess(question) == Some(Language::English)
}

/// There is no answer, where one might look, and what to try.
pub(super) fn no_answer(question: &str, nearest: &[NearestDocument], advice: Advice) -> String {
    let words = if is_in_english(question) {
        ENGLISH
    } else {
        PORTUGUESE
    };
    let mut text = words.none.to_owned();
    for (at, document) in nearest.iter().enumerate() {
        let separator = if at == 0 {
            format!(" {} ", words.look)
        } else {
            "; ".to_owned()
        };
        let title = document.document_title.split_whitespace();
        let title = title.collect::<Vec<_>>().join(" ");
        let _ = write!(
            text,
            "{separator}{title} ({} {})",
            words.page, document.page_number
        );
    }
    if !nearest.is_empty() {
        text.push('.');
    }
    let advice = match advice {
        Advice::Widen => words.widen,
        Advice::Rephrase => words.rephrase,
        Advice::AddDocuments => words.add,
    };
    text.push(' ');
    text.push_str(advice);
    text
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Advice, no_answer};
    use crate::id::DocumentId;
    use crate::session::NearestDocument;

    #[test]
    fn it_is_said_in_the_language_of_the_question_with_what_to_try() {
        let nearest = [(1, "Contrato 12"), (4, "Edital")].map(|(page_number, title)| NearestDocument {
            document_id: DocumentId::from_uuid(Uuid::nil()),
            document_title: title.to_owned(),
            page_number,
        });
        assert_eq!(
            no_answer("Qual é o prazo da obra?", &nearest, Advice::Widen),
            "Os documentos não trazem resposta para isso. O que mais se aproxima: Contrato 12 (página 1); Edital (página 4). \
             Tente com outras palavras, ou sem limitar a busca a uma parte dos documentos."
        );
        assert_eq!(
            no_answer(
                "What is the deadline of the work?",
                &nearest[..1],
                Advice::Rephrase
            ),
            "The documents hold no answer to that. Nearest to it: Contrato 12 (page 1). Try other words, such as the document \
             would use, or add the document that speaks of it."
        );
        assert_eq!(
            no_answer("prazo", &[], Advice::AddDocuments),
            "Os documentos não trazem resposta para isso. Ainda não há documentos onde procurar: acrescente os que tratam disso."
        );
    }
}
