//! A conversation that whoever asks keeps themselves, in the form of one that is kept here.

use std::time::Duration;

use crate::id::MessageId;
use crate::library::Library;
use crate::limits;
use crate::ports::{ChatRole, ChatTurn};
use crate::session::{AnswerDetails, AnswerMode, Message, TokenUsage};

impl Library {
    /// The last turns, as messages: as many as an answer looks back on.
    pub(super) fn brought(&self, conversation: &[ChatTurn]) -> Vec<Message> {
        let from = conversation.len().saturating_sub(limits::HISTORY_MESSAGES);
        let turns = conversation.iter().skip(from);
        turns.map(|turn| self.message_of(turn)).collect()
    }

    fn message_of(&self, turn: &ChatTurn) -> Message {
        Message {
            message_id: MessageId::from_uuid(self.ports.ids.next()),
            created_at: self.ports.clock.now(),
            content: turn.content.clone(),
            answer: (turn.role == ChatRole::Assistant).then(said_elsewhere),
            feedback: None,
        }
    }
}

/// Of an answer that somebody brings along only its words are known.
const fn said_elsewhere() -> AnswerDetails {
    AnswerDetails {
        mode: AnswerMode::Generated,
        answered: true,
        sources: Vec::new(),
        claims: Vec::new(),
        nearest: Vec::new(),
        search_results: 0,
        model: None,
        usage: TokenUsage {
            prompt_tokens: 0,
            completion_tokens: 0,
        },
        cost: None,
        fallback: None,
        processing_time: Duration::ZERO,
    }
}
