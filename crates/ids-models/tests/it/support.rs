//! What the tests share: a model that waits and pauses as briefly as a test likes.

use std::sync::Arc;
use std::time::Duration;

use ids_core::ports::ChatModel;
use ids_models::{ChatModelConfig, Deadlines, OpenAiChatModel, RetryPolicy, Secret};
use ids_testkit::contracts::chat_model_contract::{KEY, ModelAt, at};
use ids_testkit::{Script, ScriptedModelServer};

/// The usual configuration with one deadline for everything, and hardly a pause between tries.
pub(crate) fn config(model: &ModelAt) -> ChatModelConfig {
    let key = Some(Secret::new(model.api_key));
    ChatModelConfig {
        deadlines: Deadlines {
            connect: model.deadline,
            first_byte: model.deadline,
            between_pieces: model.deadline,
            whole: 4 * model.deadline,
        },
        retry: RetryPolicy {
            pause: Duration::from_millis(1),
            ..RetryPolicy::default()
        },
        ..ChatModelConfig::new(model.base_url.parse().unwrap(), key, "a-model")
    }
}

pub(crate) async fn make(model: ModelAt) -> Arc<dyn ChatModel> {
    Arc::new(OpenAiChatModel::new(config(&model)).unwrap())
}

/// A server and a patient model of it, whose configuration may be changed.
pub(crate) async fn served(
    scripts: impl IntoIterator<Item = Script>,
    change: impl FnOnce(&mut ChatModelConfig),
) -> (ScriptedModelServer, OpenAiChatModel) {
    let server = ScriptedModelServer::start(scripts).await;
    let mut config = config(&at(server.base_url(), Duration::from_secs(30)));
    assert!(
        config
            .api_key
            .as_ref()
            .is_some_and(|key| *key == Secret::new(KEY))
    );
    change(&mut config);
    (server, OpenAiChatModel::new(config).unwrap())
}
