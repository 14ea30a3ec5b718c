//! How much one caller may ask for.

use std::time::Duration;

use async_trait::async_trait;

use crate::error::StoreError;

/// Counts requests of callers over time, for one process or for all that share it.
///
/// Clauses: (1) a caller may ask `per_minute` times at once, and then each time a minute's share has passed; (2) who is refused learns when to come
/// back, and coming back then succeeds; a refused request costs nothing; (3) callers do not count for each other; (4) all processes that share it count together.
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Counts one request of `caller` against `per_minute` (at least 1); the time to wait where it is one too many.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn take(&self, caller: &str, per_minute: u32) -> Result<Option<Duration>, StoreError>;
}
