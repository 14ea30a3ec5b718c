//! What /health asks beside the database.

use std::sync::Arc;

use async_trait::async_trait;
use ids_core::ports::BlobStore;
use ids_http::HealthProbe;
use ids_redis::Redis;

/// Does in the store of bytes what an upload would do first.
pub(super) struct BlobsProbe(pub(super) Arc<dyn BlobStore>);

#[async_trait]
impl HealthProbe for BlobsProbe {
    fn name(&self) -> &'static str {
        "blobs"
    }

    async fn check(&self) -> Result<(), String> {
        self.0.ping().await.map_err(|error| format!("{error:?}"))
    }
}

/// Asks Redis.
pub(super) struct QueueProbe(pub(super) Redis);

#[async_trait]
impl HealthProbe for QueueProbe {
    fn name(&self) -> &'static str {
        "queue"
    }

    async fn check(&self) -> Result<(), String> {
        self.0.ping().await.map_err(|error| format!("{error:?}"))
    }
}
