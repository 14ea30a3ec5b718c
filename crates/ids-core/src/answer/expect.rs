//! What kind of thing an answer must hold, read off the question's own words.

use std::collections::HashSet;

use ids_text::Term;

use super::facts::folded_words;

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expects {
    /// A date, an amount, a length.
    Number,
    /// A person, a place, an institution.
    Name,
    /// Anything else.
    Anything,
}

const NUMBER_WORDS: [&str; 14] = [
    "quando",
    "quantos",
    "quantas",
    "quanto",
    "quanta",
    "when",
    "ano",
    "data",
    "year",
    "percentual",
    "porcentagem",
    "prazo",
    "valor",
    "idade",
];
const HOW: [&str; 6] = ["many", "much", "long", "old", "far", "large"];
const NAME_WORDS: [&str; 6] = ["quem", "who", "whom", "whose", "onde", "where"];
/// Numbers that stand as words, as texts write small ones.
const NUMERALS: [&str; 34] = [
    "um", "dois", "duas", "tres", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez", "onze", "doze",
    "quinze", "vinte", "trinta", "cem", "mil", "milhao", "milhoes", "metade", "two", "three", "four", "five",
    "six", "seven", "eight", "nine", "ten", "twelve", "hundred", "million", "half",
];

impl Expects {
    /// What `question` asks for.
    pub(super) fn of(question: &str) -> Self {
        let words = folded_words(question);
        let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        let how = words
            .windows(2)
            .any(|two| two[0] == "how" && HOW.contains(&two[1].as_str()));
        if how || any(&NUMBER_WORDS) {
            Self::Number
        } else if any(&NAME_WORDS) {
            Self::Name
        } else {
            Self::Anything
        }
    }

    /// Whether `sentence` holds such a thing, beyond what the question says itself.
    pub(super) fn is_met_by(self, sentence: &str, question: &HashSet<Term>) -> bool {
        match self {
            Self::Anything => false,
            Self::Number => {
                sentence.chars().any(|c| c.is_ascii_digit())
                    || folded_words(sentence)
                        .iter()
                        .any(|word| NUMERALS.contains(&word.as_str()))
            }
            // A capital inside the sentence, of a word that the question does not have itself.
            Self::Name => sentence.split_whitespace().skip(1).any(|word| {
                word.chars().next().is_some_and(char::is_uppercase)
                    && ids_text::index_terms(word)
                        .iter()
                        .any(|term| !question.contains(term))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Expects;

    #[test]
    fn a_question_says_what_its_answer_holds() {
        let check = |question, expected| assert_eq!(Expects::of(question), expected, "{question}");
        check("Quantos alunos há?", Expects::Number);
        check("Em que ano foi fundada?", Expects::Number);
        check("How many people?", Expects::Number);
        check("Quem assina o contrato?", Expects::Name);
        check("O que é um edital?", Expects::Anything);
    }

    #[test]
    fn a_sentence_holds_what_is_asked_for_or_not() {
        let question: HashSet<_> = ids_text::query_terms("Quem é o prefeito de Lavras?")
            .into_iter()
            .collect();
        let check = |expects: Expects, sentence, expected| {
            assert_eq!(expects.is_met_by(sentence, &question), expected, "{sentence}");
        };
        check(Expects::Number, "O prazo é de 15 dias.", true);
        check(Expects::Number, "O prazo é de quinze dias.", true);
        check(Expects::Number, "O prazo corre.", false);
        check(Expects::Name, "O prefeito, José da Silva, assina.", true);
        check(Expects::Name, "O prefeito de Lavras assina.", false);
        check(Expects::Anything, "Qualquer Coisa 1", false);
    }
}
