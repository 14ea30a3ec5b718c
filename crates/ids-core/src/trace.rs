//! Traces: how long a request or a job spends in which step, for an OpenTelemetry collector where one is set.

/// The target of spans that are made for traces alone. Nobody listens to it unless a collector is set, and then they cost nothing;
/// logs leave it out, so that their lines carry the ids of the request or job around it.
pub const TARGET: &str = "ids_trace";
