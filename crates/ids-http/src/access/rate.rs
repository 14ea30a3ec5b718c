//! How much one key, and one address, may ask for.

use ids_core::error::{ErrorCode, Refusal};
use ids_core::ports::RateLimiter;

/// Counts a request of `caller`.
///
/// # Errors
/// `RATE_LIMITED` with the time to wait. A limiter that cannot be reached lets everybody pass: its absence must not close the door.
pub(super) async fn within_limit(
    limiter: &dyn RateLimiter,
    caller: &str,
    per_minute: u32,
) -> Result<(), Refusal> {
    match limiter.take(caller, per_minute).await {
        Ok(None) => Ok(()),
        Ok(Some(wait)) => Err(Refusal::new(
            ErrorCode::RateLimited,
            format!("more than {per_minute} requests in a minute; wait a moment"),
        )
        .retry_after(wait)),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "requests are not counted now"
            );
            Ok(())
        }
    }
}
