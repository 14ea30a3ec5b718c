//! What answers cost.

use std::collections::HashMap;

use ids_core::budget::{EstimateBasis, Money, MonthSums, PAGE_TOKENS, UsageCount};
use ids_core::id::{DocumentId, KeyId};
use ids_core::library::{BudgetStanding, MonthUsage, WholeEstimate};
use serde::Serialize;
use utoipa::ToSchema;

use super::time::rfc3339;

/// An amount as JSON's number. Dividing millionths gives the nearest number to the decimal, which is written as that decimal again: only
/// here, at the very end, and nothing is computed with it.
pub(crate) fn decimal(amount: Money) -> f64 {
    amount.as_micros() as f64 / 1e6
}

/// A month's use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageBody {
    /// `YYYY-MM`: the calendar month that it begins in.
    #[schema(example = "2026-11")]
    month: String,
    /// Its first moment: `AI_BUDGET_START_DAY` at midnight in `AI_BUDGET_TIMEZONE`.
    from: String,
    /// The first moment after it.
    until: String,
    /// What all amounts are in: USD or BRL.
    #[schema(example = "BRL")]
    currency: &'static str,
    /// What may be spent: this organization's own limit, else the installation's; null where there is none.
    budget: Option<f64>,
    /// What was spent: the sum of `cost` of all rows in `currency`.
    spent: f64,
    /// Set aside for answers being made.
    reserved: f64,
    /// What may still be spent: the least that either limit leaves; null where there is none.
    remaining: Option<f64>,
    /// 80 or 100: that share of a limit is spent (100 also when what is left pays no further question); null below.
    warning: Option<u8>,
    /// All organizations together.
    installation: InstallationBody,
    /// Of when the prices are that come with the program, or the file's own date.
    #[schema(example = "2026-03-21")]
    prices_of: String,
    /// What the rows are told apart by: key_model, key, model, document or session.
    #[schema(example = "key_model")]
    told_apart_by: &'static str,
    /// The rows, dearest first.
    by: Vec<UsageRowBody>,
}

/// The whole installation's month.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InstallationBody {
    /// `AI_BUDGET_MONTHLY`; null where it is not set.
    budget: Option<f64>,
    /// What was spent.
    spent: f64,
    /// Set aside for answers being made.
    reserved: f64,
    /// What is left of `budget`.
    remaining: Option<f64>,
}

/// What was asked, of one kind; what it is not told apart by is null.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageRowBody {
    /// The key that asked; null where none was needed.
    key: Option<String>,
    /// Its name, else how it begins.
    key_name: Option<String>,
    /// The model; null for sentences of the documents.
    model: Option<String>,
    /// The document whose passages were read.
    document: Option<String>,
    /// Its title; null once it is gone.
    document_title: Option<String>,
    /// The conversation.
    session: Option<String>,
    /// Questions answered. By document, an answer counts for each document it was read from.
    questions: u64,
    /// Calls of a model that embeds, of passages and queries (`OPENAI_EMBEDDING_MODEL`).
    embeddings: u64,
    /// Tokens read.
    prompt_tokens: u64,
    /// Tokens written.
    completion_tokens: u64,
    /// What they cost.
    cost: f64,
    /// What `cost` is in, which differs from the month's where the currency was changed; null where nothing cost anything.
    currency: Option<&'static str>,
    /// Answers of models whose price is not known; they count at the price of the dearest.
    unknown_prices: u64,
    /// Answers whose tokens were not told (left half way, or by a server that does not tell): they count at the most they can have been.
    estimated: u64,
    /// Whether this is the sum of all rows that are not shown.
    is_rest: bool,
}

/// Names of what rows are told apart by.
#[derive(Debug, Default)]
pub(crate) struct UsageNames {
    pub(crate) keys: HashMap<KeyId, String>,
    pub(crate) documents: HashMap<DocumentId, String>,
}

impl UsageBody {
    pub(crate) fn new(usage: &MonthUsage, by: &'static str, prices_of: &str, names: &UsageNames) -> Self {
        let standing = &usage.standing;
        let rows = usage
            .counts
            .iter()
            .map(|count| UsageRowBody::new(count, names, false));
        let rest = usage
            .rest
            .iter()
            .map(|count| UsageRowBody::new(count, names, true));
        Self {
            month: usage.month.to_string(),
            from: rfc3339(usage.from),
            until: rfc3339(usage.until),
            currency: standing.currency.as_str(),
            budget: standing.limit().map(decimal),
            spent: decimal(usage.spent()),
            reserved: decimal(standing.organization.reserved),
            remaining: standing.remaining().map(decimal),
            warning: standing.warning(),
            installation: InstallationBody::new(standing),
            prices_of: prices_of.to_owned(),
            told_apart_by: by,
            by: rows.chain(rest).collect(),
        }
    }
}

impl InstallationBody {
    fn new(standing: &BudgetStanding) -> Self {
        let MonthSums { spent, reserved, .. } = standing.installation;
        let left = |limit: Money| limit.minus(spent).minus(reserved).at_least_zero();
        Self {
            budget: standing.installation_limit.map(decimal),
            spent: decimal(spent),
            reserved: decimal(reserved),
            remaining: standing.installation_limit.map(left).map(decimal),
        }
    }
}

impl UsageRowBody {
    fn new(count: &UsageCount, names: &UsageNames, is_rest: bool) -> Self {
        let key_name = count.key_id.and_then(|id| names.keys.get(&id));
        let document_title = count.document_id.and_then(|id| names.documents.get(&id));
        Self {
            key: count.key_id.map(|id| id.to_string()),
            key_name: key_name.cloned(),
            model: count.model.clone(),
            document: count.document_id.map(|id| id.to_string()),
            document_title: document_title.cloned(),
            session: count.session_id.map(|id| id.to_string()),
            questions: count.questions,
            embeddings: count.embeddings,
            prompt_tokens: count.prompt_tokens,
            completion_tokens: count.completion_tokens,
            cost: decimal(count.cost),
            currency: count.currency.map(|currency| currency.as_str()),
            unknown_prices: count.unknown_prices,
            estimated: count.estimated,
            is_rest,
        }
    }
}

/// What an organization may spend.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::usage::read_limit` reads; a test holds both together"
)]
pub(crate) struct BudgetRequest {
    /// For a month, in the currency of the budget, as a decimal of at most six digits after the point; `none` for no limit of its own. The installation's
    /// holds all the same.
    #[schema(example = "100.00")]
    monthly: String,
}

/// How an organization's month stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BudgetBody {
    /// What all amounts are in.
    currency: &'static str,
    /// Its own limit; null where it has none.
    monthly: Option<f64>,
    /// What it spent this month.
    spent: f64,
    /// Set aside for answers being made.
    reserved: f64,
    /// What it may still spend: the least that its own limit and the installation's leave.
    remaining: Option<f64>,
    /// 80 or 100: that share of a limit is spent (100 also when what is left pays no further question); null below.
    warning: Option<u8>,
}

impl From<&BudgetStanding> for BudgetBody {
    fn from(standing: &BudgetStanding) -> Self {
        Self {
            currency: standing.currency.as_str(),
            monthly: standing.organization_limit.map(decimal),
            spent: decimal(standing.organization.spent),
            reserved: decimal(standing.organization.reserved),
            remaining: standing.remaining().map(decimal),
            warning: standing.warning(),
        }
    }
}

/// How far a budget reaches.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EstimateBody {
    /// What all amounts are in.
    #[schema(example = "BRL")]
    currency: &'static str,
    /// The budget of a month; null where none is set and none was given.
    budget: Option<f64>,
    /// The model that is asked.
    #[schema(example = "gpt-4o-mini")]
    model: String,
    /// Whether its price is known; if not, it counts as the dearest.
    price_known: bool,
    /// Of when the prices are.
    prices_of: String,
    /// recorded: the average of this library's answers, this month's and last month's; assumed where there are fewer than 20.
    #[schema(example = "assumed")]
    basis: &'static str,
    /// How many answers were recorded.
    answers: u64,
    /// Tokens that a question reads.
    prompt_tokens: u64,
    /// Tokens that its answer has.
    completion_tokens: u64,
    /// What a question costs.
    cost_per_question: f64,
    /// Questions that the budget pays; null without a budget, or where they cost nothing.
    questions: Option<u64>,
    /// What a page costs when it is taken in: nothing where the built-in model computes its meaning.
    cost_per_page: f64,
    /// The model that embeds, where `OPENAI_EMBEDDING_MODEL` names one; null where the built-in one does.
    embedding_model: Option<String>,
    /// Tokens of a page, for the two below.
    page_tokens: u64,
    /// What a page costs by `embedding_model`, or would cost where its meaning were computed by a small model of an API; null without a rate.
    remote_cost_per_page: Option<f64>,
    /// Pages that the budget would pay there.
    remote_pages: Option<u64>,
}

impl EstimateBody {
    pub(crate) fn new(estimate: &WholeEstimate, prices_of: &str) -> Self {
        let of = &estimate.questions;
        let (basis, answers) = match of.basis {
            EstimateBasis::Recorded(answers) => ("recorded", answers),
            EstimateBasis::Assumed => ("assumed", 0),
        };
        Self {
            currency: of.currency.as_str(),
            budget: estimate.budget.map(decimal),
            model: estimate.model.clone(),
            price_known: of.is_price_known,
            prices_of: prices_of.to_owned(),
            basis,
            answers,
            prompt_tokens: of.usage.prompt_tokens,
            completion_tokens: of.usage.completion_tokens,
            cost_per_question: decimal(of.cost),
            questions: of.questions,
            cost_per_page: match (&estimate.embedding_model, estimate.remote_page_cost) {
                (Some(_), Some(cost)) => decimal(cost),
                (_, _) => 0.0,
            },
            embedding_model: estimate.embedding_model.clone(),
            page_tokens: PAGE_TOKENS,
            remote_cost_per_page: estimate.remote_page_cost.map(decimal),
            remote_pages: estimate.remote_pages,
        }
    }
}

#[cfg(test)]
mod tests {
    use ids_core::budget::Money;

    use super::decimal;

    #[test]
    fn amounts_are_written_as_the_decimals_they_are() {
        let check = |micros, written: &str| {
            let amount = Money::from_micros(micros);
            assert_eq!(serde_json::to_string(&decimal(amount)).unwrap(), written);
        };
        check(0, "0.0");
        check(417, "0.000417");
        check(291_500_001, "291.500001");
        check(123_456_789_123_456, "123456789.123456");
    }
}
