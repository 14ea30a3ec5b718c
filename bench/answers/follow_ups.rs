//! Follow-ups made from the sets: of two questions about one document, the second one's name, which the first one has too, becomes a pronoun. Is
//! the document found again with the words that are carried over, and is a question about something else left as it is?

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use ids_core::answer::standalone;
use ids_core::id::{DocumentId, MessageId};
use ids_core::library::Library;
use ids_core::scope::Scope;
use ids_core::search::SearchRequest;
use ids_core::session::{AnswerDetails, AnswerMode, Message, TokenUsage};
use ids_core::time::Timestamp;

/// Questions of a set that are made into follow-ups at most.
const MOST: usize = 200;

/// What came of a set.
#[derive(Debug, Default)]
pub struct FollowUps {
    count: usize,
    /// Whether the document is first, and among ten: as it was asked, with the pronoun, with the words carried over.
    first: [usize; 3],
    found: [usize; 3],
    /// Questions after one about another document, and those of them that are taken for follow-ups.
    others: usize,
    mistaken: usize,
}

impl std::fmt::Display for FollowUps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        let three = |counts: [usize; 3]| {
            counts
                .map(|count| format!("{:.3}", share(count, self.count)))
                .join(" / ")
        };
        write!(
            f,
            "{} follow-ups: document first {}, among ten {} (as asked / with a pronoun / words carried over); of {} others {:.3} taken for one",
            self.count,
            three(self.first),
            three(self.found),
            self.others,
            share(self.mistaken, self.others),
        )
    }
}

/// Measures a set, whose questions come with the document that answers them.
pub async fn measure(
    library: &Library,
    scope: &Scope,
    questions: &[(String, String)],
    names: &HashMap<DocumentId, String>,
    is_english: bool,
) -> Result<FollowUps> {
    let mut result = FollowUps::default();
    for pair in questions.windows(2) {
        let [(before, document), (question, of)] = pair else {
            continue;
        };
        let history = [message(before, false), message("", true)];
        if document != of {
            result.others += 1;
            result.mistaken += usize::from(standalone(question, &history).is_some());
            continue;
        }
        let Some(leaning) = with_pronoun(question, before, is_english).filter(|_| result.count < MOST) else {
            continue;
        };
        result.count += 1;
        let whole = standalone(&leaning, &history).unwrap_or_else(|| leaning.clone());
        for (at, query) in [question, &leaning, &whole].into_iter().enumerate() {
            let hits = library
                .search(scope, &SearchRequest::new(query.clone()))
                .await?
                .hits;
            let rank = hits
                .iter()
                .position(|hit| names.get(&hit.chunk.document_id) == Some(of));
            result.first[at] += usize::from(rank == Some(0));
            result.found[at] += usize::from(rank.is_some());
        }
    }
    Ok(result)
}

/// The question with its name, if the one before has it too, as a pronoun.
fn with_pronoun(question: &str, before: &str, is_english: bool) -> Option<String> {
    let words: Vec<&str> = question.split_whitespace().collect();
    let is_name = |word: &str| {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric());
        plain.chars().next().is_some_and(char::is_uppercase) && before.contains(plain)
    };
    let from = (1..words.len()).find(|&at| is_name(words[at]))?;
    let to = (from..words.len()).take_while(|&at| is_name(words[at])).last()? + 1;
    let end = if words[to - 1].ends_with('?') { "?" } else { "" };
    let pronoun = format!("{}{end}", if is_english { "he" } else { "ele" });
    let parts = [&words[..from], &[pronoun.as_str()], &words[to..]].concat();
    Some(parts.join(" "))
}

fn message(content: &str, is_answer: bool) -> Message {
    Message {
        message_id: MessageId::from_uuid(uuid::Uuid::nil()),
        created_at: Timestamp::from_micros(0),
        content: content.to_owned(),
        answer: is_answer.then(|| AnswerDetails {
            mode: AnswerMode::Extractive,
            answered: false,
            sources: Vec::new(),
            claims: Vec::new(),
            nearest: Vec::new(),
            search_results: 0,
            model: None,
            usage: TokenUsage::default(),
            cost: None,
            fallback: None,
            processing_time: Duration::ZERO,
        }),
        feedback: None,
    }
}
