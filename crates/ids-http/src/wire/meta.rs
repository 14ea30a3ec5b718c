//! What the server says of itself.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// Whether the server and what it needs are well.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HealthBody {
    /// healthy, degraded (something but the database is down) or unhealthy.
    #[schema(example = "healthy")]
    pub(crate) status: &'static str,
    /// The version.
    pub(crate) version: String,
    /// What it needs, by name.
    pub(crate) dependencies: BTreeMap<&'static str, DependencyBody>,
}

/// Something the server needs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DependencyBody {
    /// healthy or unhealthy.
    #[schema(example = "healthy")]
    pub(crate) status: &'static str,
    /// Milliseconds until it answered.
    pub(crate) latency_ms: f64,
}

/// A word on how the server is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PhaseBody {
    /// alive; or starting, migrating, ready, draining.
    #[schema(example = "ready")]
    pub(crate) status: &'static str,
}

/// What is running.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InfoBody {
    /// Always `ids`.
    pub(crate) name: &'static str,
    /// The version.
    pub(crate) version: String,
    /// The commit it was built from.
    pub(crate) commit: Option<String>,
    /// Since when it runs (RFC 3339, UTC).
    pub(crate) started_at: String,
    /// off: without keys, for this machine only; else keys.
    pub(crate) auth: &'static str,
    /// What the caller's key allows: search, ask, ingest, admin.
    pub(crate) scopes: Vec<&'static str>,
    /// Where announced uploads go, when that is another server; null when it is this one.
    pub(crate) upload_origin: Option<String>,
    /// The model that meaning is computed with.
    pub(crate) embedding_model: String,
    /// Values of one of its vectors.
    pub(crate) embedding_dimensions: usize,
    /// Bytes of the largest file that is taken.
    pub(crate) max_file_size: u64,
}
