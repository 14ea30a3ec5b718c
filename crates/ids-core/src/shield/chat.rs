//! In front of a model that writes.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{Placeholders, Restorer};
use crate::ports::{ChatError, ChatModel, ChatPrompt, ChatTurn, Outgoing};
use crate::session::TokenUsage;

/// Pieces that may wait to be put together again.
const PIECES_WAITING: usize = 64;

/// A model that is never told personal data, and whoever reads its reply never sees that.
pub struct ShieldedChatModel {
    model: Arc<dyn ChatModel>,
}

impl ShieldedChatModel {
    /// Stands in front of `model`.
    pub fn new(model: Arc<dyn ChatModel>) -> Self {
        Self { model }
    }
}

/// What a model is told of placeholders, where there are some.
const ADVICE: &str = "\nMarks such as [CPF_1] or [EMAIL_2] in the passages stand for data that is held back. Copy them exactly as they are.";

/// The prompt as it leaves. What the model is to do is our own text.
fn hide(prompt: &ChatPrompt) -> (ChatPrompt, Placeholders) {
    let mut placeholders = Placeholders::default();
    for turn in &prompt.turns {
        placeholders.avoid(&turn.content);
    }
    let hide = |turn: &ChatTurn| ChatTurn {
        role: turn.role,
        content: placeholders.hide(&turn.content),
    };
    let turns = prompt.turns.iter().map(hide).collect();
    let advice = if placeholders.is_empty() { "" } else { ADVICE };
    let hidden = ChatPrompt {
        temperature: prompt.temperature,
        turns,
        system: format!("{}{advice}", prompt.system),
        max_tokens: prompt.max_tokens,
    };
    (hidden, placeholders)
}

#[async_trait]
impl ChatModel for ShieldedChatModel {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn outgoing<'a>(&self, prompt: &'a ChatPrompt) -> Outgoing<'a> {
        let (prompt, placeholders) = hide(prompt);
        Outgoing {
            prompt: Cow::Owned(prompt),
            hidden: Some(placeholders.hidden().clone()),
        }
    }

    async fn stream(
        &self,
        prompt: &ChatPrompt,
        pieces: mpsc::Sender<String>,
    ) -> Result<TokenUsage, ChatError> {
        let (hidden, placeholders) = hide(prompt);
        let (sender, replied) = mpsc::channel::<String>(PIECES_WAITING);
        let restorer = Restorer::new(&placeholders);
        let (outcome, ()) = tokio::join!(
            self.model.stream(&hidden, sender),
            pass_on(replied, restorer, pieces)
        );
        outcome
    }
}

/// Passes a reply on, with the values back in. It owns the receiver: when it ends before the reply, the model finds no reader, as it would
/// without the shield.
async fn pass_on(
    mut replied: mpsc::Receiver<String>,
    mut restorer: Restorer<'_>,
    pieces: mpsc::Sender<String>,
) {
    loop {
        // A piece that is there is given by the next call; a reader that went away stays away.
        let piece = tokio::select! {
            piece = replied.recv() => piece,
            () = pieces.closed() => return,
        };
        let Some(piece) = piece else { break };
        let ready = restorer.push(&piece);
        if !ready.is_empty() && pieces.send(ready).await.is_err() {
            return;
        }
    }
    let rest = restorer.finish();
    if !rest.is_empty() {
        // Nobody reads it: then it is not missed.
        let _ = pieces.send(rest).await;
    }
}
