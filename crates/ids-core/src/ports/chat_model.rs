//! A model that writes.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::session::TokenUsage;
use crate::shield::Hidden;

/// Writes a reply to a conversation, piece by piece.
///
/// Clauses: (1) the pieces, in order, are the reply, and each is passed on when it comes; (2) a dropped future ends the call: the
/// model's server sees the connection close; (3) a server that is down, too slow, busy or refuses for now ends in
/// [`ChatError::Unavailable`] within the model's deadlines, a wrong key or an unknown model in [`ChatError::Refused`], a reply that
/// cannot be read in [`ChatError::Unusable`]; (4) no error holds the key or what the prompt says; (5) a reader that went away
/// ends the call without an error.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// The model's name, as answers and usage show it.
    fn name(&self) -> &str;

    /// What of `prompt` leaves for the model's server: all of it, unless something stands in between that holds personal data back.
    fn outgoing<'a>(&self, prompt: &'a ChatPrompt) -> Outgoing<'a> {
        Outgoing {
            prompt: Cow::Borrowed(prompt),
            hidden: None,
        }
    }

    /// Sends the reply's pieces into `pieces` as they come; returns what the model counted (zero where it does not tell).
    ///
    /// # Errors
    /// See [`ChatError`]. Pieces may have been sent before.
    async fn stream(
        &self,
        prompt: &ChatPrompt,
        pieces: mpsc::Sender<String>,
    ) -> Result<TokenUsage, ChatError>;
}

/// What leaves for a model's server.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing<'a> {
    /// The prompt as it is sent.
    pub prompt: Cow<'a, ChatPrompt>,
    /// What is held back of it; `None` where nothing looks at it.
    pub hidden: Option<Hidden>,
}

/// What a model is given.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatPrompt {
    /// What it is to do.
    pub system: String,
    /// The conversation, oldest first; the last one is the question.
    pub turns: Vec<ChatTurn>,
    /// Tokens of the reply at most.
    pub max_tokens: u32,
    /// How freely it words: 0 for what it thinks best, each time the same.
    pub temperature: f32,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatTurn {
    /// Who says it.
    pub role: ChatRole,
    /// What.
    pub content: String,
}

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChatRole {
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// Why there is no reply, or only a part of one.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// Down, too slow or too busy; the same may succeed later.
    #[error("the answering model cannot be reached")]
    Unavailable {
        /// When to try again, where the server said so.
        retry_after: Option<Duration>,
        /// Whether the server may have worked on it, and counted what it did.
        may_have_cost: bool,
        /// The cause: for the log.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server does not take our requests: a wrong key, an unknown model. Trying again changes nothing.
    #[error("the answering model refuses (HTTP {status})")]
    Refused {
        /// The status it answered with.
        status: u16,
    },
    /// It answered, but not with a reply that can be read.
    #[error("the answering model gave no usable reply")]
    Unusable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ChatError {
    /// Whether nothing was counted for it: the request never arrived, or was turned away.
    pub const fn is_free(&self) -> bool {
        match self {
            Self::Unavailable { may_have_cost, .. } => !*may_have_cost,
            Self::Refused { .. } => true,
            Self::Unusable(_) => false,
        }
    }
}
