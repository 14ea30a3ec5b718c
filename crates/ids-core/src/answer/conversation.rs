//! A question that leans on the ones before it, as one that stands alone: `E o prazo dele?` cannot be looked up.
//!
//! Whether it leans is read off its words; what it leans on are the words of the last question, and the names of the last answer where a
//! pronoun may mean them. No model is asked here, so it costs nothing; where one is set it is asked to word the follow-up (`rewrite`), and this is what
//! counts when it cannot. What is shown and kept is the question as it was typed. `bench/answers` measures it on follow-ups made from the evaluation sets (docs/quality.md).

use super::facts::folded_words;
use crate::session::Message;

/// Words that are carried over at most.
const CARRIED_WORDS: usize = 12;
/// Questions that are looked back to, each leaning on the one before.
const LOOKED_BACK: usize = 3;
/// Content words from which on a question without a pronoun stands alone.
const OWN_WORDS: usize = 2;

/// How much of what was said before a question needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaning {
    /// It goes on with its own words (`And the deadline for appeals in the second phase?`): names and numbers tell of what.
    Names,
    /// It has next to none of its own.
    Words,
    /// A pronoun stands for something said before, perhaps in the answer.
    Pronoun,
}

const OPENINGS: [&str; 11] = [
    "e", "mas", "ou", "entao", "tambem", "and", "but", "or", "so", "also", "then",
];
const PRONOUNS: [&str; 38] = [
    "ele", "ela", "eles", "elas", "dele", "dela", "deles", "delas", "nele", "nela", "neles", "nelas", "isso",
    "isto", "aquilo", "disso", "disto", "nisso", "desse", "dessa", "desses", "dessas", "nesse", "nessa",
    "esse", "essa", "lhe", "he", "she", "they", "him", "her", "them", "his", "its", "their", "hers",
    "theirs",
];
/// These are mostly something else (`it takes`, `the fact that`), but not as a question's last word or before a verb of being.
const LAST_PRONOUNS: [&str; 8] = ["it", "that", "this", "those", "these", "there", "one", "la"];
const QUESTION_WORDS: [&str; 24] = [
    "qual", "quais", "quando", "quanto", "quantos", "quantas", "quanta", "quem", "onde", "como", "que",
    "por", "porque", "what", "which", "when", "who", "whom", "where", "why", "how", "many", "much", "whose",
];

/// The question with the words that it leans on; `None` when it stands alone. `history` ends with the last answer.
pub fn standalone(question: &str, history: &[Message]) -> Option<String> {
    let leaning = leaning(question)?;
    let mut carried: Vec<String> = Vec::new();
    let own = folded_words(question);
    let mut carry = |words: Vec<&str>| {
        for word in words {
            let folded = folded_words(word);
            let is_known = carried.iter().any(|known| folded_words(known) == folded)
                || folded.iter().all(|part| own.contains(part));
            if !is_known && carried.len() < CARRIED_WORDS {
                carried.push(word.to_owned());
            }
        }
    };
    if leaning == Leaning::Pronoun
        && let Some(answer) = history.iter().rev().find(|message| message.answer.is_some())
    {
        carry(names_of_answer(answer));
    }
    let asked = history.iter().filter(|message| message.answer.is_none());
    for message in asked.rev().take(LOOKED_BACK) {
        match leaning {
            Leaning::Names => carry(names_and_numbers(&message.content)),
            Leaning::Words | Leaning::Pronoun => carry(content_words(&message.content)),
        }
        // What stands alone leans on nothing before it.
        if self::leaning(&message.content).is_none() {
            break;
        }
    }
    if carried.is_empty() {
        return None;
    }
    Some(format!("{question} ({})", carried.join(" ")))
}

/// How `question` leans on what was said before, if it does.
fn leaning(question: &str) -> Option<Leaning> {
    let words = folded_words(question);
    let content = content_words(question);
    let has_name = !names_and_numbers(question).is_empty();
    let pronoun = words.iter().position(|word| PRONOUNS.contains(&word.as_str()));
    // `Quando Ana nasceu, e onde ela mora?` says itself whom it means.
    let names_before = pronoun.is_some_and(|at| {
        let before = question.split_whitespace().take(at).collect::<Vec<_>>().join(" ");
        !names_and_numbers(&before).is_empty()
    });
    let ends_in_pronoun = words
        .last()
        .is_some_and(|word| LAST_PRONOUNS.contains(&word.as_str()));
    if (pronoun.is_some() && !names_before) || (ends_in_pronoun && !has_name) {
        return Some(Leaning::Pronoun);
    }
    let opens = words
        .first()
        .is_some_and(|word| OPENINGS.contains(&word.as_str()))
        || matches!(words.as_slice(), [first, second, ..] if matches!(first.as_str(), "what" | "how") && second == "about");
    if opens {
        return Some(if content.len() > OWN_WORDS {
            Leaning::Names
        } else {
            Leaning::Words
        });
    }
    (content.len() < OWN_WORDS && !has_name).then_some(Leaning::Words)
}

/// The words of a question that say what it is about, as typed.
fn content_words(question: &str) -> Vec<&str> {
    pieces(question)
        .filter(|word| {
            let folded = folded_words(word);
            let is_asking = folded.iter().all(|part| {
                QUESTION_WORDS.contains(&part.as_str())
                    || OPENINGS.contains(&part.as_str())
                    || PRONOUNS.contains(&part.as_str())
                    || LAST_PRONOUNS.contains(&part.as_str())
            });
            !is_asking && !ids_text::index_terms(word).is_empty()
        })
        .collect()
}

/// Of them, those with a capital inside a sentence, and numbers.
fn names_and_numbers(text: &str) -> Vec<&str> {
    let first = pieces(text).next();
    content_words(text)
        .into_iter()
        .filter(|word| {
            let begins = first.is_some_and(|first| std::ptr::eq(first, *word));
            let is_capital = word.chars().next().is_some_and(char::is_uppercase) && !begins;
            is_capital || word.contains(|c: char| c.is_ascii_digit())
        })
        .collect()
}

/// Names in the first thing that an answer says.
fn names_of_answer(answer: &Message) -> Vec<&str> {
    const NAMES: usize = 4;
    let Some(details) = answer.answer.as_ref().filter(|details| details.answered) else {
        return Vec::new();
    };
    let first = details.claims.first().map_or("", |claim| claim.text.as_str());
    let mut names = names_and_numbers(first);
    names.retain(|name| !name.contains(|c: char| c.is_ascii_digit()));
    names.truncate(NAMES);
    names
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
        .map(|piece| piece.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::standalone;
    use crate::id::MessageId;
    use crate::session::{AnswerDetails, AnswerMode, Claim, ClaimStatus, Message, TokenUsage};
    use crate::time::Timestamp;

    fn message(content: &str, answer: Option<&str>) -> Message {
        Message {
            message_id: MessageId::from_uuid(Uuid::nil()),
            created_at: Timestamp::from_micros(0),
            content: content.to_owned(),
            feedback: None,
            answer: answer.map(|text| AnswerDetails {
                mode: AnswerMode::Extractive,
                answered: true,
                sources: Vec::new(),
                claims: vec![Claim {
                    text: text.to_owned(),
                    status: ClaimStatus::Verified,
                    sources: Vec::new(),
                }],
                nearest: Vec::new(),
                search_results: 1,
                model: None,
                usage: TokenUsage::default(),
                cost: None,
                fallback: None,
                processing_time: Duration::ZERO,
            }),
        }
    }

    fn history(turns: &[(&str, &str)]) -> Vec<Message> {
        turns
            .iter()
            .flat_map(|(question, answer)| [message(question, None), message(answer, Some(answer))])
            .collect()
    }

    #[test]
    fn a_question_that_stands_alone_stays_as_it_is() {
        let before = history(&[("Qual é a multa do contrato 12?", "A multa é de 2%.")]);
        for question in [
            "Qual é o prazo de entrega do contrato 14?",
            "Quantos dias de férias tem o servidor municipal?",
            "What is the deadline for appeals?",
            "Quando Ana nasceu e onde ela mora?",
            "Quem descobriu a penicilina?",
            "How long does it take to process a request?",
        ] {
            assert_eq!(standalone(question, &before), None, "{question}");
        }
    }

    #[test]
    fn a_follow_up_carries_the_words_it_leans_on() {
        let before = history(&[(
            "Quem assinou o contrato 12 com a Alfa?",
            "O contrato foi assinado por José da Silva.",
        )]);
        let check = |question: &str, expected: &str| {
            assert_eq!(
                standalone(question, &before).as_deref(),
                Some(expected),
                "{question}"
            );
        };
        check("E o prazo?", "E o prazo? (assinou contrato 12 Alfa)");
        check("Quando?", "Quando? (assinou contrato 12 Alfa)");
        check(
            "Que cargo ele ocupa?",
            "Que cargo ele ocupa? (José Silva assinou contrato 12 Alfa)",
        );
        check(
            "E o prazo para recurso administrativo interposto?",
            "E o prazo para recurso administrativo interposto? (12 Alfa)",
        );
        check(
            "What about the deadline?",
            "What about the deadline? (assinou contrato 12 Alfa)",
        );
    }

    #[test]
    fn a_chain_of_follow_ups_reaches_back_to_what_it_began_with() {
        let chain = history(&[
            ("Qual é a multa do contrato 12?", "A multa é de 2%."),
            ("E o prazo?", "O prazo é de quinze dias."),
        ]);
        assert_eq!(
            standalone("E se atrasar?", &chain).as_deref(),
            Some("E se atrasar? (prazo multa contrato 12)")
        );
        let first = history(&[]);
        assert_eq!(standalone("E o prazo?", &first), None);
    }
}
