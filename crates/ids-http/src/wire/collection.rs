//! Collections.

use ids_core::ports::CollectionSummary;
use serde::Serialize;
use utoipa::ToSchema;

/// A collection and how much is in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollectionBody {
    /// Its name.
    name: String,
    /// Documents in it.
    documents: u64,
}

impl From<&CollectionSummary> for CollectionBody {
    fn from(summary: &CollectionSummary) -> Self {
        Self {
            name: summary.name.to_string(),
            documents: summary.documents,
        }
    }
}

/// The collections that may be seen, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollectionListBody {
    pub(crate) collections: Vec<CollectionBody>,
}
