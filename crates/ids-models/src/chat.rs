//! The port of answers: one call a reply, its pieces passed on as they come.

use std::time::Duration;

use async_trait::async_trait;
use ids_core::ports::{ChatError, ChatModel, ChatPrompt};
use ids_core::session::TokenUsage;
use ids_core::slots::Line;
use tokio::sync::mpsc;

use crate::call::Caller;
use crate::calls::{Calls, Failed, Try};
use crate::config::{ChatModelConfig, ConfigError};
use crate::http::Server;
use crate::reply::Pieces;

/// Who may wait for a slot: whoever would wait longer is better served without the model.
const LINE: Line = Line {
    places: 32,
    patience: Duration::from_secs(30),
    refusal: "too many answers are being written at once; try again in a few seconds",
};

/// A [`ChatModel`] behind `POST {base}/chat/completions`.
pub struct OpenAiChatModel {
    caller: Caller,
    calls: Calls,
}

impl OpenAiChatModel {
    /// A client; nothing is asked yet. With `https://` the machine's certificates are read.
    ///
    /// # Errors
    /// A key that cannot be sent, certificates that are none.
    pub fn new(config: ChatModelConfig) -> Result<Self, ConfigError> {
        let server = Server::new(
            config.base_url,
            config.api_key.as_ref(),
            &config.roots,
            config.deadlines,
        )?;
        Ok(Self {
            caller: Caller::new(server, config.model),
            calls: Calls::new(
                (config.calls_at_once, LINE),
                config.retry,
                config.breaker,
                config.deadlines.whole,
            ),
        })
    }

    async fn call(
        &self,
        prompt: &ChatPrompt,
        sender: &mpsc::Sender<String>,
    ) -> Result<TokenUsage, ChatError> {
        let written = Written {
            caller: &self.caller,
            prompt,
            pieces: Pieces::new(sender),
        };
        Ok(self.calls.make(written).await?)
    }
}

/// A reply that is being written.
struct Written<'a> {
    caller: &'a Caller,
    prompt: &'a ChatPrompt,
    pieces: Pieces<'a>,
}

#[async_trait]
impl Try for Written<'_> {
    type Reply = TokenUsage;
    const WHAT: &'static str = "to reply";

    async fn once(&mut self) -> Result<TokenUsage, Failed> {
        let asked = self.caller.call(self.prompt, &mut self.pieces).await;
        // What was passed on cannot be taken back, so a reply that breaks off in the middle stays broken off.
        asked.map_err(|error| Failed {
            error,
            is_unheard: !self.pieces.has_begun,
        })
    }
}

#[async_trait]
impl ChatModel for OpenAiChatModel {
    fn name(&self) -> &str {
        self.caller.model()
    }

    async fn stream(
        &self,
        prompt: &ChatPrompt,
        pieces: mpsc::Sender<String>,
    ) -> Result<TokenUsage, ChatError> {
        // The call may be dropped anywhere: its connection and its slot go with it.
        tokio::select! {
            biased;
            ended = self.call(prompt, &pieces) => ended,
            // Nobody reads, so nothing more is to be paid for; what was counted so far is not told.
            () = pieces.closed() => Ok(TokenUsage::default()),
        }
    }
}
