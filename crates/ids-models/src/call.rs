//! One request for a reply, in words its server knows.

use std::sync::{Mutex, PoisonError};

use ids_core::ports::ChatPrompt;
use ids_core::session::TokenUsage;

use crate::error::CallError;
use crate::http::{Reply, Server};
use crate::reply::{self, Pieces};
use crate::wire::{self, Dialect};

/// The most that is read of a complaint.
const COMPLAINT_BYTES: usize = 16 * 1_024;

/// Asks one server for replies of one model.
pub(crate) struct Caller {
    server: Server,
    model: String,
    /// What the server is known to know; learned from its refusals.
    dialect: Mutex<Dialect>,
}

/// What a server did with a request.
enum Answered {
    Replied(TokenUsage),
    /// It does not take the request as it is; what it complains of.
    Complained(u16, Vec<u8>),
}

impl Caller {
    pub(crate) fn new(server: Server, model: String) -> Self {
        Self {
            server,
            model,
            dialect: Mutex::default(),
        }
    }

    /// The model's name.
    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    /// Asks once; again, with less, where the server does not know a field of the request.
    pub(crate) async fn call(
        &self,
        prompt: &ChatPrompt,
        pieces: &mut Pieces<'_>,
    ) -> Result<TokenUsage, CallError> {
        let known = *self.dialect.lock().unwrap_or_else(PoisonError::into_inner);
        let mut dialect = known;
        loop {
            match self.ask(prompt, dialect, pieces).await? {
                Answered::Replied(usage) => {
                    // Only now: a complaint about something else, such as a prompt too long, teaches nothing.
                    if dialect != known {
                        *self.dialect.lock().unwrap_or_else(PoisonError::into_inner) = dialect;
                    }
                    return Ok(usage);
                }
                Answered::Complained(status, complaint) => {
                    dialect = dialect
                        .without_what_is_refused(&complaint)
                        .ok_or(CallError::Refused { status })?;
                }
            }
        }
    }

    async fn ask(
        &self,
        prompt: &ChatPrompt,
        dialect: Dialect,
        pieces: &mut Pieces<'_>,
    ) -> Result<Answered, CallError> {
        let json = wire::request(&self.model, prompt, dialect)
            .map_err(|_| CallError::Unusable("the prompt cannot be put into JSON"))?;
        self.server
            .post("chat/completions", json, |reply| answered(reply, pieces))
            .await
    }
}

async fn answered(reply: Reply, pieces: &mut Pieces<'_>) -> Result<Answered, CallError> {
    if let status @ (400 | 422) = reply.status() {
        return Ok(Answered::Complained(status, complaint(reply).await));
    }
    reply.check_status()?;
    reply::read(reply, pieces).await.map(Answered::Replied)
}

/// The beginning of what a server complains of; it is looked at, never shown or logged.
async fn complaint(mut reply: Reply) -> Vec<u8> {
    let mut complaint = Vec::new();
    while let Ok(Some(bytes)) = reply.next().await {
        complaint.extend_from_slice(&bytes);
        if complaint.len() >= COMPLAINT_BYTES {
            break;
        }
    }
    complaint
}
