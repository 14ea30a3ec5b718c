//! Redis: delivery of job ids, a cache of conversations, rate limits shared by many processes.
//!
//! Nothing in it is the truth: losing all of it costs time alone.

mod breaker;
mod config;
mod connection;
mod error;
mod examine;
mod queue;
mod rate_limit;
mod session_json;
mod sessions;
mod tls;

pub use breaker::Patience;
pub use config::{ConfigError, RedisConfig, Timeouts};
pub use connection::Redis;
pub use error::ConnectError;
pub use examine::ServerState;
pub use ids_net::TrustedRoots;
pub use queue::RedisJobQueue;
pub use rate_limit::{FallbackRateLimiter, RedisRateLimiter};
pub use sessions::CachedSessions;
