//! Money for an answer: set aside before its model is asked, settled whatever becomes of it.

use super::AskRequest;
use crate::budget::{BudgetParty, NewReservation, Settlement, TokenPrice, UsageKind};
use crate::error::StoreError;
use crate::id::{DocumentId, KeyId, ReservationId, SessionId};
use crate::library::{LeftAnswer, Library};
use crate::ports::{ChatError, ChatPrompt};
use crate::scope::Scope;
use crate::search::Hit;
use crate::session::{AnswerCost, AnswerFallback, TokenUsage};

/// Tokens that servers put around each message, and around all of them; a handful each, generously.
pub(crate) const TOKENS_AROUND: u64 = 16;

/// What came of asking for money.
pub(crate) enum Funds {
    /// The model may be asked.
    Granted(Box<Spending>),
    /// It may not; whose limit that would pass.
    Refused(BudgetParty),
}

/// What money is asked for.
pub(crate) struct Planned<'a> {
    pub(crate) kind: UsageKind,
    pub(crate) key_id: Option<KeyId>,
    pub(crate) session_id: Option<SessionId>,
    pub(crate) model: &'a str,
    pub(crate) price: TokenPrice,
    /// The most tokens that it can take.
    pub(crate) most: TokenUsage,
    pub(crate) documents: Vec<DocumentId>,
}

/// Money set aside for one answer. Dropped without being settled (the connection closed, something failed), it is settled at what was read so
/// far by the process, or, when that ends too, at the whole amount ten minutes later.
pub(crate) struct Spending {
    library: Library,
    scope: Scope,
    reservation_id: ReservationId,
    price: TokenPrice,
    /// The most that the answer can take.
    most: TokenUsage,
    /// Whether the model was asked.
    is_asked: bool,
    /// Bytes that were read of the reply.
    bytes_read: u64,
    is_settled: bool,
}

impl Library {
    /// Sets aside the most that an answer can cost.
    pub(super) async fn reserve(
        &self,
        scope: &Scope,
        request: &AskRequest,
        session_id: Option<SessionId>,
        model: &str,
        prompt: &ChatPrompt,
        hits: &[Hit],
    ) -> Result<Funds, StoreError> {
        let planned = Planned {
            kind: UsageKind::Answer,
            key_id: request.key_id,
            session_id,
            model,
            price: self.settings.budget.prices.of(model),
            most: most_tokens(prompt),
            documents: documents_of(hits),
        };
        self.set_aside(scope, planned).await
    }

    /// Sets aside the most that what is planned can cost.
    pub(crate) async fn set_aside(&self, scope: &Scope, planned: Planned<'_>) -> Result<Funds, StoreError> {
        let budget = &self.settings.budget;
        let Planned {
            kind, price, most, ..
        } = planned;
        let reservation = NewReservation {
            reservation_id: ReservationId::from_uuid(self.ports.ids.next()),
            kind,
            key_id: planned.key_id,
            session_id: planned.session_id,
            model: planned.model.to_owned(),
            month_from: budget.calendar.begin_of(self.ports.clock.now()),
            amount: price.cost(most),
            usage: most,
            is_price_known: price.is_known,
            documents: planned.documents,
        };
        // From here on: a caller who leaves while the store is asked may leave a reservation, which is given back at once.
        let mut spending = Spending {
            library: self.clone(),
            scope: scope.clone(),
            reservation_id: reservation.reservation_id,
            price,
            most,
            is_asked: false,
            bytes_read: 0,
            is_settled: false,
        };
        let reserved = self
            .ports
            .ledger
            .reserve(scope, &reservation, &budget.limits())
            .await?;
        self.announce(&reserved.notices);
        let Some(party) = reserved.refused_by else {
            return Ok(Funds::Granted(Box::new(spending)));
        };
        spending.is_settled = true;
        tracing::debug!(
            model = planned.model,
            party = party.as_str(),
            kind = kind.as_str(),
            "no money is left for a model"
        );
        Ok(Funds::Refused(party))
    }
}

impl AnswerFallback {
    /// That a limit is used up, by whose it is.
    pub(crate) const fn of_budget(party: BudgetParty) -> Self {
        match party {
            BudgetParty::Installation => Self::Budget,
            BudgetParty::Organization => Self::OrganizationBudget,
        }
    }
}

impl Spending {
    /// The model is asked from now on.
    pub(crate) const fn begin(&mut self) {
        self.is_asked = true;
    }

    /// A piece of the reply came.
    pub(crate) const fn read(&mut self, piece: &str) {
        self.bytes_read = self.bytes_read.saturating_add(piece.len() as u64);
    }

    /// Settles it at what the model counted, or at the most it can have been where it did not tell; `None` for an answer that was left
    /// although it went on.
    pub(super) async fn settle(self, outcome: Option<&Result<TokenUsage, ChatError>>) -> AnswerCost {
        let settlement = match outcome {
            Some(Ok(usage)) if usage.total() > 0 => self.settlement(*usage, false),
            Some(Err(error)) if self.bytes_read == 0 && error.is_free() => {
                self.settlement(TokenUsage::default(), false)
            }
            Some(Ok(_) | Err(_)) => self.settlement(self.read_so_far(), true),
            None => self.settlement(self.most, true),
        };
        self.pay(settlement).await
    }

    /// Settles it at what was counted, or at all that was set aside where nobody told.
    pub(crate) async fn settle_at(self, counted: Option<TokenUsage>) -> AnswerCost {
        let settlement = match counted {
            Some(usage) => self.settlement(usage, false),
            None => self.settlement(self.most, true),
        };
        self.pay(settlement).await
    }

    async fn pay(mut self, settlement: Settlement) -> AnswerCost {
        let budget = &self.library.settings.budget;
        if settlement.cost > self.price.cost(self.most) {
            tracing::warn!(
                cost = %settlement.cost,
                reserved = %self.price.cost(self.most),
                "the model's server counted more tokens than it was asked for at most"
            );
        }
        let settled = self
            .library
            .ports
            .ledger
            .settle(&self.scope, &settlement, &budget.limits())
            .await;
        self.is_settled = true;
        match settled {
            Ok(notices) => self.library.announce(&notices.unwrap_or_default()),
            // The answer is there; the reservation stays, and runs out at its whole amount.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what an answer cost could not be written; it counts at the amount that was reserved"
            ),
        }
        AnswerCost {
            amount: settlement.cost,
            currency: budget.currency,
            is_price_known: self.price.is_known,
        }
    }

    /// The prompt was sent; of the reply at most so many tokens came as bytes did.
    fn read_so_far(&self) -> TokenUsage {
        if !self.is_asked {
            return TokenUsage::default();
        }
        TokenUsage {
            completion_tokens: self.bytes_read.min(self.most.completion_tokens),
            ..self.most
        }
    }

    fn settlement(&self, usage: TokenUsage, is_estimated: bool) -> Settlement {
        Settlement {
            reservation_id: self.reservation_id,
            usage,
            cost: self.price.cost(usage),
            is_estimated,
        }
    }
}

impl Drop for Spending {
    fn drop(&mut self) {
        if !self.is_settled {
            self.library.leave(LeftAnswer {
                scope: self.scope.clone(),
                settlement: self.settlement(self.read_so_far(), true),
            });
        }
    }
}

/// No token of these models is shorter than a byte, so a text has at most as many as bytes; what is written is bounded by the request.
pub(super) fn most_tokens(prompt: &ChatPrompt) -> TokenUsage {
    let texts = prompt.turns.iter().map(|turn| &turn.content);
    let around = TOKENS_AROUND * (prompt.turns.len() as u64 + 2);
    let bytes = texts.chain([&prompt.system]).map(|text| text.len() as u64);
    TokenUsage {
        prompt_tokens: bytes.fold(around, u64::saturating_add),
        completion_tokens: prompt.max_tokens.into(),
    }
}

/// The documents whose passages are read, best first, each once.
fn documents_of(hits: &[Hit]) -> Vec<DocumentId> {
    let mut documents = Vec::new();
    for hit in hits {
        if !documents.contains(&hit.chunk.document_id) {
            documents.push(hit.chunk.document_id);
        }
    }
    documents
}
