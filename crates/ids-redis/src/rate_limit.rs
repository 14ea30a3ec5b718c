//! Requests counted for all processes together: the port `RateLimiter`.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use ids_core::error::{StoreError, StoreErrorKind};
use ids_core::ports::{Clock, RateLimiter};
use ids_core::rate_limit::{LocalRateLimiter, Quota};
use redis::Script;

use crate::breaker::{Breaker, Patience};
use crate::connection::Redis;
use crate::error::store_error;

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../scripts/take_token.lua")));

/// Counts requests in Redis. A bucket that is full again goes by itself.
#[derive(Clone)]
pub struct RedisRateLimiter {
    redis: Redis,
    clock: Arc<dyn Clock>,
}

impl RedisRateLimiter {
    /// A limiter on that server; time goes by `clock`.
    pub fn new(redis: Redis, clock: Arc<dyn Clock>) -> Self {
        Self { redis, clock }
    }
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn take(&self, caller: &str, per_minute: u32) -> Result<Option<Duration>, StoreError> {
        let quota = Quota::per_minute(per_minute);
        let mut call = TAKE.key(format!("{}rate:{caller}", self.redis.prefix()));
        call.arg(self.clock.now().as_micros())
            .arg(quota.interval_micros)
            .arg(quota.burst);
        let wait: String = self.redis.invoke(&call).await.map_err(store_error)?;
        let micros: u64 = wait
            .parse()
            .map_err(|error| StoreError::with_source(StoreErrorKind::Internal, error))?;
        Ok((micros > 0).then(|| Duration::from_micros(micros)))
    }
}

/// Counts together as long as that goes, and each process for itself while it does not: a limit that is too wide for a moment does
/// less harm than requests that wait, or are refused, because Redis is away.
pub struct FallbackRateLimiter {
    shared: Arc<dyn RateLimiter>,
    local: LocalRateLimiter,
    breaker: Breaker,
}

impl FallbackRateLimiter {
    /// `shared` first, then `local`.
    pub fn new(shared: Arc<dyn RateLimiter>, local: LocalRateLimiter) -> Self {
        Self::with_patience(shared, local, Patience::default())
    }

    /// The same with another patience.
    pub fn with_patience(shared: Arc<dyn RateLimiter>, local: LocalRateLimiter, patience: Patience) -> Self {
        Self {
            shared,
            local,
            breaker: Breaker::new("each process counts requests", patience),
        }
    }
}

#[async_trait]
impl RateLimiter for FallbackRateLimiter {
    async fn take(&self, caller: &str, per_minute: u32) -> Result<Option<Duration>, StoreError> {
        match self.breaker.call(self.shared.take(caller, per_minute)).await {
            Some(answer) => Ok(answer),
            None => self.local.take(caller, per_minute).await,
        }
    }
}
