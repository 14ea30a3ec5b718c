//! The contract of the port.

use std::sync::Arc;

use ids_core::ports::Extractor;

async fn make() -> Arc<dyn Extractor> {
    Arc::new(crate::support::extractor())
}

ids_testkit::extractor_contract!(make);
