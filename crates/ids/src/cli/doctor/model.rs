//! The model that writes answers: whether its server takes the key and knows the model.

use std::sync::Arc;

use ids_core::budget::BudgetSettings;
use ids_core::ports::{ChatModel, ChatPrompt, ChatRole, ChatTurn};
use ids_models::{ModelsState, OpenAiChatModel, examine};
use tokio::sync::mpsc;

use super::chain;
use super::finding::Finding;
use crate::config::{Config, ModelConfig};

const WHAT: &str = "model";

/// Asks for the list of models, which costs nothing; with `ask` for one token, which does.
pub(super) async fn look(config: &Config, ask: bool) -> Vec<Finding> {
    let Some(model) = &config.model else {
        return vec![Finding::not_used(
            WHAT,
            "answers are sentences of the documents (OPENAI_API_KEY, OPENAI_BASE_URL)",
        )];
    };
    let mut findings = vec![listed(model).await, price(&config.library.budget, &model.model)];
    if ask {
        findings.push(answers(model).await);
    }
    findings
}

async fn listed(model: &ModelConfig) -> Finding {
    let at = format!("`{}`", model.base_url);
    match examine(model.client()).await {
        Ok(ModelsState::HasModel) => {
            Finding::ok(WHAT, format!("{at} takes the key and has `{}`", model.model))
        }
        Ok(ModelsState::LacksModel) => Finding::warn(
            WHAT,
            format!("{at} does not name `{}` among its models", model.model),
            "correct OPENAI_MODEL; `ids doctor --ask-model` tries it for a fraction of a cent",
        ),
        Ok(ModelsState::NamesNone) => {
            Finding::ok(WHAT, format!("{at} takes the key; it does not name its models"))
        }
        Ok(ModelsState::RefusesKey(status)) => Finding::fail(
            WHAT,
            format!("{at} refuses the key (HTTP {status})"),
            "make another key at the provider and set OPENAI_API_KEY; answers are sentences of the documents meanwhile",
        ),
        Ok(ModelsState::DoesNotSay(status)) => Finding::warn(
            WHAT,
            format!("{at} does not say whether it takes the key (HTTP {status})"),
            "`ids doctor --ask-model` asks for one token, which costs a fraction of a cent",
        ),
        Err(error) => Finding::fail(
            WHAT,
            format!("{at}: {}", chain(&error)),
            "check OPENAI_BASE_URL and the network; answers are sentences of the documents meanwhile",
        ),
    }
}

/// Whether what answers cost can be counted.
fn price(budget: &BudgetSettings, model: &str) -> Finding {
    const WHAT: &str = "price";
    let (prices, of) = (&budget.prices, budget.prices.of(model));
    let (input, output, currency) = (of.input, of.output, prices.currency());
    if of.is_known {
        return Finding::ok(
            WHAT,
            format!(
                "a million tokens of `{model}` cost {input} {currency} to read, {output} {currency} to write (prices of {})",
                prices.date()
            ),
        );
    }
    let found = format!(
        "the price of `{model}` is not known: counted as the dearest there is, {input} {currency} to read, {output} {currency} to write"
    );
    if budget.monthly.is_some() {
        Finding::warn(
            WHAT,
            found,
            "write it into a file and name that by AI_PRICES_FILE, or the budget is used up too soon (a server of one's own costs 0)",
        )
    } else {
        Finding::ok(WHAT, found)
    }
}

/// One word of an answer.
async fn answers(model: &ModelConfig) -> Finding {
    const WHAT: &str = "model answer";
    let client = match OpenAiChatModel::new(model.client()) {
        Ok(client) => Arc::new(client),
        Err(error) => return Finding::fail(WHAT, chain(&error), "check OPENAI_API_KEY"),
    };
    let prompt = ChatPrompt {
        system: "Answer with one word.".to_owned(),
        turns: vec![ChatTurn {
            role: ChatRole::User,
            content: "ok?".to_owned(),
        }],
        max_tokens: 1,
        temperature: 0.0,
    };
    let (sender, mut pieces) = mpsc::channel(16);
    let drain = async { while pieces.recv().await.is_some() {} };
    let (answer, ()) = tokio::join!(client.stream(&prompt, sender), drain);
    match answer {
        Ok(usage) => Finding::ok(
            WHAT,
            format!(
                "it answers ({} tokens)",
                usage.prompt_tokens + usage.completion_tokens
            ),
        ),
        Err(error) => Finding::fail(
            WHAT,
            chain(&error),
            "check OPENAI_MODEL, the key and what is left of its credit",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::price;
    use crate::config::{Config, Variables};

    #[test]
    fn a_price_that_is_not_known_is_told_where_there_is_a_budget() {
        let check = |pairs: &[(&str, &str)], model: &str, state: State, words: &str| {
            let config = Config::new(&Variables::of(pairs).unwrap(), Some("/data".as_ref())).unwrap();
            let found = price(&config.library.budget, model);
            assert_eq!(found.state, state, "{found}");
            assert!(found.detail.contains(words), "{found}");
        };
        let budget = [("AI_BUDGET_MONTHLY", "50"), ("AI_BUDGET_CURRENCY", "USD")];
        check(&budget, "gpt-4o-mini", State::Ok, "to read");
        check(&budget, "qwen3:8b", State::Warn, "not known");
        check(&[], "qwen3:8b", State::Ok, "not known");
    }
}
