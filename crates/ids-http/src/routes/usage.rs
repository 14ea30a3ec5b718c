//! What answers cost, and what they may.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use ids_core::budget::{BudgetMonth, Money, UsageBy, UsageCount};
use ids_core::error::Refusal;
use ids_core::scope::Scope;

use crate::access::{Administering, Granted};
use crate::error::ApiResult;
use crate::extract::{Fields, JsonBody, QueryOf};
use crate::state::AppState;
use crate::wire;
use crate::wire::usage::{BudgetBody, EstimateBody, UsageBody, UsageNames};

/// Documents whose titles are looked up; more rows than anybody reads.
const NAMED_DOCUMENTS: usize = 200;

/// What a month's questions took and cost.
#[utoipa::path(
    get, path = "/api/v1/usage", operation_id = "usage", tag = "chat",
    params(
        ("month" = Option<String>, Query, description = "`YYYY-MM`: the month of the budget that begins in it; this one if not given"),
        ("by" = Option<String>, Query, description = "key_model (if not given), key, model, document or session"),
    ),
    responses((status = 200, description = "The month so far", body = UsageBody)),
)]
pub(crate) async fn usage(
    State(state): State<AppState>,
    caller: Granted<Administering>,
    QueryOf(mut fields): QueryOf,
) -> ApiResult<Json<UsageBody>> {
    let month = fields.parsed("month", BudgetMonth::parse);
    let by = fields.parsed("by", told_apart_by).unwrap_or_default();
    fields.finish()?;
    let library = &state.options.library;
    let usage = library.usage(caller.scope(), month, by).await?;
    let names = names_of(&state, caller.scope(), &usage.counts).await?;
    let prices_of = library.settings().budget.prices.date();
    Ok(Json(UsageBody::new(&usage, by.as_str(), prices_of, &names)))
}

fn told_apart_by(word: &str) -> Result<UsageBy, String> {
    UsageBy::from_name(word).ok_or_else(|| {
        let words = UsageBy::ALL.map(UsageBy::as_str).join(", ");
        format!("must be one of {words}")
    })
}

async fn names_of(state: &AppState, scope: &Scope, counts: &[UsageCount]) -> Result<UsageNames, Refusal> {
    let ports = state.options.library.ports();
    let mut names = UsageNames::default();
    if counts.iter().any(|count| count.key_id.is_some()) {
        let keys = ports.organizations.list_keys(scope).await?;
        let named = keys
            .into_iter()
            .map(|key| (key.key_id, key.name.unwrap_or(key.hint)));
        names.keys = named.collect::<HashMap<_, _>>();
    }
    for document_id in counts
        .iter()
        .filter_map(|count| count.document_id)
        .take(NAMED_DOCUMENTS)
    {
        if let Some(document) = ports.documents.find_document(scope, document_id).await? {
            names.documents.insert(document_id, document.title);
        }
    }
    Ok(names)
}

/// How far a month's budget reaches, in questions and pages.
#[utoipa::path(
    get, path = "/api/v1/usage/estimate", operation_id = "estimate_usage", tag = "chat",
    params(
        ("budget" = Option<String>, Query, description = "For a month, such as `278.60`; the limit that is set if not given"),
        ("model" = Option<String>, Query, description = "The model that is asked; the one that is set if not given"),
    ),
    responses((status = 200, description = "What it pays", body = EstimateBody)),
)]
pub(crate) async fn estimate(
    State(state): State<AppState>,
    caller: Granted<Administering>,
    QueryOf(mut fields): QueryOf,
) -> ApiResult<Json<EstimateBody>> {
    let budget = fields.parsed("budget", amount);
    let model = fields.text("model").filter(|model| !model.trim().is_empty());
    fields.finish()?;
    let library = &state.options.library;
    let estimate = library.estimate(caller.scope(), model, budget).await?;
    let prices_of = library.settings().budget.prices.date();
    Ok(Json(EstimateBody::new(&estimate, prices_of)))
}

/// Sets what this organization may spend in a month. The installation's limit holds all the same.
#[utoipa::path(
    put, path = "/api/v1/usage/budget", operation_id = "set_budget", tag = "chat",
    request_body = wire::usage::BudgetRequest,
    responses((status = 200, description = "How it stands now", body = BudgetBody)),
)]
pub(crate) async fn set_budget(
    State(state): State<AppState>,
    caller: Granted<Administering>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Json<BudgetBody>> {
    let limit = read_limit(fields)?;
    let library = &state.options.library;
    library.set_organization_budget(caller.scope(), limit).await?;
    let currency = library.settings().budget.currency;
    let subject = limit.map_or_else(|| "none".to_owned(), |limit| format!("{limit} {currency}"));
    library
        .record(caller.scope(), caller.key_id(), "budget.set", &subject)
        .await;
    let standing = library.budget_standing(caller.scope()).await?;
    Ok(Json(BudgetBody::from(&standing)))
}

/// How this organization's month stands to its budget.
#[utoipa::path(
    get, path = "/api/v1/usage/budget", operation_id = "budget", tag = "chat",
    responses((status = 200, description = "How it stands", body = BudgetBody)),
)]
pub(crate) async fn budget(
    State(state): State<AppState>,
    caller: Granted<Administering>,
) -> ApiResult<Json<BudgetBody>> {
    let standing = state.options.library.budget_standing(caller.scope()).await?;
    Ok(Json(BudgetBody::from(&standing)))
}

/// The limit must be said, also that there is to be none: a body that lacks it takes none away.
pub(crate) fn read_limit(mut fields: Fields) -> Result<Option<Money>, Refusal> {
    let limit = fields.required_parsed("monthly", |text: &str| match text {
        "none" => Ok(None),
        text => amount(text).map(Some),
    });
    fields.finish()?;
    Ok(limit.flatten())
}

fn amount(text: &str) -> Result<Money, &'static str> {
    Money::parse(text)
        .ok_or("must be an amount such as `291.50`: at most six digits after the point, no sign")
}
