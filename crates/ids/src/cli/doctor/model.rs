//! The model that writes answers: whether its server takes the key and knows the model.

use std::sync::Arc;

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
    let mut findings = vec![listed(model).await];
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
