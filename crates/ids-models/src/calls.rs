//! What every call of a model's server goes through: a slot, the circuit breaker, tries with pauses.

use std::time::Duration;

use async_trait::async_trait;
use ids_core::error::Refusal;
use ids_core::slots::{Line, Slots};
use tokio::time::sleep;

use crate::backoff::pause;
use crate::breaker::{Breaker, LeftAlone};
use crate::config::{BreakerPolicy, RetryPolicy};
use crate::error::CallError;
use crate::http::within;

/// How calls of one server are made.
pub(crate) struct Calls {
    retry: RetryPolicy,
    /// For one try.
    whole: Duration,
    slots: Slots,
    breaker: Breaker,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMade {
    /// Too many wait.
    #[error(transparent)]
    Busy(Refusal),
    /// The server failed too often.
    #[error(transparent)]
    LeftAlone(LeftAlone),
    /// The last try failed.
    #[error(transparent)]
    Failed(CallError),
}

/// One kind of call; a trait and no closure, since nothing can say of a closure that what it awaits may change threads.
#[async_trait]
pub(crate) trait Try: Send {
    /// What the server gives.
    type Reply: Send;
    /// What it is given time for: `to reply`.
    const WHAT: &'static str;

    /// Asks once.
    async fn once(&mut self) -> Result<Self::Reply, Failed>;
}

/// A try that failed.
pub(crate) struct Failed {
    pub(crate) error: CallError,
    /// Nothing was passed on yet: what was passed on cannot be taken back.
    pub(crate) is_unheard: bool,
}

impl Calls {
    pub(crate) fn new(
        (slots, line): (usize, Line),
        retry: RetryPolicy,
        breaker: BreakerPolicy,
        whole: Duration,
    ) -> Self {
        Self {
            retry,
            whole,
            slots: Slots::new(slots, line),
            breaker: Breaker::new(breaker),
        }
    }

    /// Makes one call, in as many tries as its policy allows.
    pub(crate) async fn make<T: Try>(&self, call: T) -> Result<T::Reply, NotMade> {
        let _slot = self.slots.acquire().await.map_err(NotMade::Busy)?;
        // After the wait, in which other calls may have failed.
        self.breaker.check().map_err(NotMade::LeftAlone)?;
        let result = self.try_several_times(call).await;
        match &result {
            Err(error) if error.is_outage() => self.breaker.failed(),
            Ok(_) | Err(_) => self.breaker.succeeded(),
        }
        result.map_err(NotMade::Failed)
    }

    async fn try_several_times<T: Try>(&self, mut call: T) -> Result<T::Reply, CallError> {
        let mut tried = 0;
        loop {
            let failed = match within(self.whole, T::WHAT, call.once()).await {
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(failed)) => failed,
                Err(error) => Failed {
                    error,
                    is_unheard: false,
                },
            };
            tried += 1;
            let error = failed.error;
            let again = (error.may_pass() && failed.is_unheard)
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
