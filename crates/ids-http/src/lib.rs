//! The HTTP face of a library: routes, wire types, the error table, OpenAPI, metrics and the page.
//!
//! Handlers translate between the wire and [`ids_core::library::Library`]; every rule stands there. What a client may
//! rely on (names, statuses, codes) is private to this crate's `wire` and [`error`] modules, so that no refactor of the domain
//! changes the API. A request passes `observe` (request id, log, metrics, rendering of errors, security headers), then
//! `access` (who may ask), then its route.

mod access;
mod assets;
mod classic;
pub mod error;
mod extract;
mod metrics;
mod observe;
mod openapi;
mod options;
mod process;
mod recent;
mod router;
mod routes;
mod starting;
mod state;
mod wire;

pub use metrics::Metrics;
pub use openapi::openapi;
pub use options::{Access, BuildInfo, HealthProbe, HttpOptions, KeyOptions, Phase, Readiness, origin_of};
pub use process::WatchedFolder;
pub use router::{local_router, router};
pub use starting::starting_router;
