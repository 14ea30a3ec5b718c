//! The port's clauses.

use std::sync::Arc;

use ids_testkit::contracts::blob_store_contract::BlobStoreFixture;

use crate::support::{FixedClock, Folder};

ids_testkit::blob_store_contract!(folder_store);

async fn folder_store() -> BlobStoreFixture {
    let folder = Folder::new();
    BlobStoreFixture {
        store: Arc::new(folder.open()),
        clock: Arc::new(FixedClock),
        direct: None,
        keep: Box::new(folder),
    }
}
