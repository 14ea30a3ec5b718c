//! Why one try of a call ended, in the words of the log, and what that means for the next try and for the port.

use std::error::Error;
use std::time::Duration;

use ids_core::ports::{ChatError, EmbedError};

use crate::calls::NotMade;

/// Why a try gave no reply. No text holds what the server said: it may repeat the prompt, and some repeat the key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// No connection came about.
    #[error("no connection to the model's server")]
    Connect(#[source] std::io::Error),
    /// It ended, or was no HTTP.
    #[error("the connection to the model's server broke off")]
    Broken(#[source] hyper::Error),
    /// The reply ended before it was whole.
    #[error("the reply ended before it was whole")]
    CutShort,
    /// A deadline.
    #[error("the model's server took longer than {limit:?} {}", what)]
    TooSlow {
        /// To do what.
        what: &'static str,
        /// The deadline.
        limit: Duration,
    },
    /// A status that says: not now.
    #[error("the model's server answered with HTTP {status}")]
    NotNow {
        /// The status.
        status: u16,
        /// When to try again, where it said so.
        retry_after: Option<Duration>,
    },
    /// An error in the middle of a reply that began well.
    #[error("the model's server reported an error of its own in its reply")]
    Reported,
    /// A status that says: never.
    #[error("the model's server refused with HTTP {status}")]
    Refused {
        /// The status.
        status: u16,
    },
    /// It is no reply of this API, or one without words.
    #[error("{0}")]
    Unusable(&'static str),
    /// The reply is no HTTP.
    #[error("the model's server does not speak HTTP")]
    NoHttp(#[source] hyper::Error),
}

impl CallError {
    /// Whether the same may succeed in a moment.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Broken(_) | Self::CutShort | Self::NotNow { .. } | Self::Reported => {
                true
            }
            // Whoever asked has waited long enough.
            Self::TooSlow { .. } => false,
            Self::Refused { .. } | Self::Unusable(_) | Self::NoHttp(_) => false,
        }
    }

    /// Whether the server itself is at fault, so that other calls would fail as well.
    pub(crate) const fn is_outage(&self) -> bool {
        match self {
            Self::Connect(_)
            | Self::Broken(_)
            | Self::CutShort
            | Self::TooSlow { .. }
            | Self::NotNow { .. }
            | Self::Reported => true,
            Self::Refused { .. } | Self::Unusable(_) | Self::NoHttp(_) => false,
        }
    }

    /// Whether the server may have worked on the request, and counted what it did.
    pub(crate) const fn may_have_cost(&self) -> bool {
        match self {
            Self::Connect(_) | Self::NotNow { .. } | Self::Refused { .. } => false,
            Self::Broken(_)
            | Self::CutShort
            | Self::TooSlow { .. }
            | Self::Reported
            | Self::Unusable(_)
            | Self::NoHttp(_) => true,
        }
    }

    /// The pause the server asked for.
    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NotNow { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<CallError> for ChatError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused { status } => Self::Refused { status },
            CallError::Unusable(_) | CallError::NoHttp(_) => Self::Unusable(Box::new(error)),
            CallError::Connect(_)
            | CallError::Broken(_)
            | CallError::CutShort
            | CallError::TooSlow { .. }
            | CallError::NotNow { .. }
            | CallError::Reported => ChatError::Unavailable {
                retry_after: error.retry_after(),
                may_have_cost: error.may_have_cost(),
                source: Box::new(error),
            },
        }
    }
}

impl From<NotMade> for ChatError {
    fn from(error: NotMade) -> Self {
        match error {
            NotMade::Failed(error) => error.into(),
            NotMade::Busy(busy) => unavailable(busy.retry_after, busy),
            NotMade::LeftAlone(left_alone) => unavailable(Some(left_alone.left), left_alone),
        }
    }
}

impl From<NotMade> for EmbedError {
    fn from(error: NotMade) -> Self {
        match error {
            NotMade::Failed(CallError::Refused { .. } | CallError::Unusable(_) | CallError::NoHttp(_)) => {
                Self::Unusable(Box::new(error))
            }
            NotMade::Failed(_) | NotMade::Busy(_) | NotMade::LeftAlone(_) => {
                Self::Unavailable(Box::new(error))
            }
        }
    }
}

impl NotMade {
    /// Whether the server counted nothing for it.
    pub(crate) const fn is_free(&self) -> bool {
        match self {
            Self::Failed(error) => !error.may_have_cost(),
            Self::Busy(_) | Self::LeftAlone(_) => true,
        }
    }
}

/// The port's error for what may pass, of a request that was not sent.
fn unavailable(retry_after: Option<Duration>, source: impl Error + Send + Sync + 'static) -> ChatError {
    ChatError::Unavailable {
        retry_after,
        may_have_cost: false,
        source: Box::new(source),
    }
}
