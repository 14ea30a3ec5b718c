//! Collections.

use ids_core::ports::CollectionSummary;
use ids_core::scope::CollectionName;
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

/// A collection to be made.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::documents::read_collection` reads; a test holds both together"
)]
pub(crate) struct CollectionRequest {
    /// Its name.
    #[schema(max_length = 100, example = "procurement")]
    name: String,
}

/// A collection's name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollectionNameBody {
    name: String,
}

impl From<&CollectionName> for CollectionNameBody {
    fn from(name: &CollectionName) -> Self {
        Self {
            name: name.to_string(),
        }
    }
}
