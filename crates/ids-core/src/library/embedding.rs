//! Texts to vectors, within the budget where somebody is paid for them: the most that they can cost is set aside first, and settled at what the
//! model's server counted (docs/adr/0012). The built-in model costs nothing, and is asked straight away.

use super::Library;
use crate::answer::spend::{Funds, Planned, TOKENS_AROUND};
use crate::budget::{BudgetParty, UsageKind};
use crate::embedding::Embedding;
use crate::error::{ErrorCode, Refusal, StoreError};
use crate::id::DocumentId;
use crate::limits;
use crate::ports::{EmbedError, EmbedTexts, Embedder};
use crate::scope::Scope;
use crate::session::TokenUsage;

/// Why there are no vectors.
#[derive(Debug)]
pub(crate) enum NoVectors {
    /// The model failed.
    Model(EmbedError),
    /// They would pass a limit of the month; whose.
    OverBudget(BudgetParty),
    /// The ledger cannot be asked.
    Ledger(StoreError),
}

impl Library {
    /// Embeds texts for a caller that keeps the vectors itself.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`: the model fails, or no money is left for it.
    pub async fn embed_texts(
        &self,
        scope: &Scope,
        embedder: &dyn Embedder,
        texts: EmbedTexts<'_>,
    ) -> Result<Vec<Embedding>, Refusal> {
        let embedded = self.embed(scope, embedder, texts, Vec::new()).await;
        embedded.map_err(|error| {
            error.refused(Refusal::new(
                ErrorCode::DependencyUnavailable,
                "the embedding model cannot be reached; try again in a moment",
            ))
        })
    }

    /// Embeds texts. `documents`: those they are of, for the record of use; none for a query.
    pub(crate) async fn embed(
        &self,
        scope: &Scope,
        embedder: &dyn Embedder,
        texts: EmbedTexts<'_>,
        documents: Vec<DocumentId>,
    ) -> Result<Vec<Embedding>, NoVectors> {
        let Some(model) = embedder.billed_as() else {
            let counted = embedder.embed(texts).await;
            return counted
                .map(|counted| counted.vectors)
                .map_err(|counted| NoVectors::Model(counted.error));
        };
        let planned = Planned {
            kind: UsageKind::Embedding,
            key_id: None,
            session_id: None,
            model,
            price: self.settings.budget.prices.of_embedding(model),
            most: TokenUsage {
                // No token is shorter than a byte; prefixes and control tokens come on top.
                prompt_tokens: texts.bytes() + TOKENS_AROUND * (texts.count() as u64 + 1),
                completion_tokens: 0,
            },
            documents,
        };
        let funds = self.set_aside(scope, planned).await.map_err(NoVectors::Ledger)?;
        let mut spending = match funds {
            Funds::Granted(spending) => spending,
            Funds::Refused(party) => return Err(NoVectors::OverBudget(party)),
        };
        spending.begin();
        match embedder.embed(texts).await {
            Ok(counted) => {
                let usage = counted.tokens.map(|prompt_tokens| TokenUsage {
                    prompt_tokens,
                    completion_tokens: 0,
                });
                spending.settle_at(usage).await;
                Ok(counted.vectors)
            }
            Err(counted) => {
                let nothing = counted.is_free.then(TokenUsage::default);
                spending.settle_at(nothing).await;
                Err(NoVectors::Model(counted.error))
            }
        }
    }
}

impl NoVectors {
    /// The refusal of what needs vectors; `of_model` where the model failed.
    pub(crate) fn refused(self, of_model: Refusal) -> Refusal {
        match self {
            Self::Model(error) => of_model.caused_by(error),
            Self::OverBudget(party) => Refusal::new(ErrorCode::DependencyUnavailable, Self::reason(party))
                .retry_after(limits::BUDGET_PAUSE),
            Self::Ledger(error) => error.into(),
        }
    }

    /// What a person reads where a limit stands in the way.
    pub(crate) const fn reason(party: BudgetParty) -> &'static str {
        match party {
            BudgetParty::Installation => {
                "the AI budget of the month is used up, so no embeddings can be bought; they are made when it is raised or the next month begins"
            }
            BudgetParty::Organization => {
                "the organization's AI budget of the month is used up, so no embeddings can be bought; they are made when it is raised or the next month begins"
            }
        }
    }
}
