//! Redis, which delivers jobs, keeps conversations at hand and counts requests for all processes together.

use ids_redis::RedisConfig;

use super::variables::{ConfigError, Variables};

/// The server that is set; `None` where `REDIS_DSN` is not, and the database delivers jobs.
pub(super) fn redis(variables: &Variables) -> Result<Option<RedisConfig>, ConfigError> {
    let Some(dsn) = variables.text("REDIS_DSN") else {
        return Ok(None);
    };
    RedisConfig::from_dsn(dsn)
        .map(Some)
        // It never repeats the DSN, which holds the password.
        .map_err(|error| ConfigError(format!("`REDIS_DSN`: {error}")))
}
