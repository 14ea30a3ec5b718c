//! The port's clauses.

use std::sync::Arc;

use ids_testkit::contracts::blob_store_contract::BlobStoreFixture;

use super::raw;
use super::support::{Bucket, SystemClock};

ids_testkit::blob_store_contract!(s3_store);

async fn s3_store() -> BlobStoreFixture {
    let bucket = Bucket::new().await;
    BlobStoreFixture {
        store: Arc::new(bucket.store()),
        clock: Arc::new(SystemClock),
        direct: Some(Box::new(|signed, bytes| {
            Box::pin(async move {
                let headers: Vec<(&str, &str)> = signed
                    .headers
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect();
                raw::send("PUT", &signed.url, &headers, &bytes).await.status
            })
        })),
        keep: Box::new(bucket),
    }
}
