//! The port's adapter: a slot, the circuit breaker, tries.

use std::time::Duration;

use async_trait::async_trait;
use ids_core::ports::{ChatError, ChatModel, ChatPrompt};
use ids_core::session::TokenUsage;
use ids_core::slots::{Line, Slots};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::backoff::pause;
use crate::breaker::Breaker;
use crate::call::Caller;
use crate::config::{ChatModelConfig, ConfigError, RetryPolicy};
use crate::error::{CallError, unavailable};
use crate::http::{Server, within};
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
    retry: RetryPolicy,
    /// For one try.
    whole: Duration,
    slots: Slots,
    breaker: Breaker,
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
            retry: config.retry,
            whole: config.deadlines.whole,
            slots: Slots::new(config.calls_at_once, LINE),
            breaker: Breaker::new(config.breaker),
        })
    }

    async fn call(
        &self,
        prompt: &ChatPrompt,
        sender: &mpsc::Sender<String>,
    ) -> Result<TokenUsage, ChatError> {
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|busy| unavailable(busy.retry_after, busy))?;
        // After the wait, in which other calls may have failed.
        self.breaker
            .check()
            .map_err(|left_alone| unavailable(Some(left_alone.left), left_alone))?;
        let result = self.try_several_times(prompt, sender).await;
        match &result {
            Err(error) if error.is_outage() => self.breaker.failed(),
            Ok(_) | Err(_) => self.breaker.succeeded(),
        }
        Ok(result?)
    }

    async fn try_several_times(
        &self,
        prompt: &ChatPrompt,
        sender: &mpsc::Sender<String>,
    ) -> Result<TokenUsage, CallError> {
        let mut pieces = Pieces::new(sender);
        let mut tried = 0;
        loop {
            let trying = self.caller.call(prompt, &mut pieces);
            let error = match within(self.whole, "to reply", trying).await.flatten() {
                Ok(usage) => return Ok(usage),
                Err(error) => error,
            };
            tried += 1;
            // What was passed on cannot be taken back, so a reply that breaks off in the middle stays broken off.
            let again = (error.may_pass() && !pieces.has_begun)
                .then(|| pause(&self.retry, tried, error.retry_after()))
                .flatten();
            let Some(pause) = again else {
                return Err(error);
            };
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                tried,
                "asking the model again in {pause:?}"
            );
            sleep(pause).await;
        }
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
