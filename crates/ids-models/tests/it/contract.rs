//! The contract of the port.

use crate::support::make;

ids_testkit::chat_model_contract!(make);

/// The same client behind the shield.
mod shielded {
    use std::sync::Arc;

    use ids_core::ports::ChatModel;
    use ids_core::shield::ShieldedChatModel;
    use ids_testkit::contracts::chat_model_contract::ModelAt;

    async fn make(model: ModelAt) -> Arc<dyn ChatModel> {
        Arc::new(ShieldedChatModel::new(crate::support::make(model).await))
    }

    ids_testkit::chat_model_contract!(make);
}
