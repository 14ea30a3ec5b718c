//! Where Redis is, whom to trust, and how long to wait.

use std::fmt;
use std::time::Duration;

use ids_net::TrustedRoots;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

/// Everything a connection is made of. [`RedisConfig::from_dsn`] has the usual values.
#[derive(Clone)]
pub struct RedisConfig {
    /// What the DSN (`REDIS_DSN`) says.
    pub(crate) connection: ConnectionInfo,
    /// What all keys begin with.
    pub(crate) prefix: String,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Whom to trust with `rediss://`.
    pub roots: TrustedRoots,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, its TLS and password included; 3 s.
    pub connect: Duration,
    /// For a reply; 3 s. Waiting for a delivery takes as long as it takes, and this on top.
    pub response: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            response: Duration::from_secs(3),
        }
    }
}

/// A DSN or a prefix that cannot be used. It never repeats the DSN, which holds the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Another scheme, or none.
    #[error("a Redis DSN begins with `redis://` or `rediss://`, as in `redis://user:password@host:6379/0`")]
    Scheme,
    /// No DSN at all behind the scheme.
    #[error(
        "the Redis DSN cannot be read ({reason}); it looks like `redis://user:password@host:6379/0`, and `@`, `/`, `#`, `?` and `%` \
         in a password are written `%40`, `%2F`, `%23`, `%3F` and `%25`"
    )]
    Unreadable {
        /// What is wrong.
        reason: &'static str,
    },
    /// A DSN that asks for what is not there.
    #[error("the Redis DSN has `{part}`, which is not supported; leave it out")]
    Unsupported {
        /// The part.
        part: &'static str,
    },
    /// A prefix with other characters.
    #[error("`{prefix}` cannot be part of Redis keys; use 1 to 64 letters, digits, `-` and `_`")]
    Prefix {
        /// What was given.
        prefix: String,
    },
}

impl RedisConfig {
    /// A server by its DSN: `redis://[user:password@]host[:port][/database]`, `rediss://` with TLS.
    ///
    /// # Errors
    /// What is wrong with the DSN.
    pub fn from_dsn(dsn: &str) -> Result<Self, ConfigError> {
        let dsn = dsn.trim();
        let (scheme, rest) = dsn.split_once("://").ok_or(ConfigError::Scheme)?;
        if !matches!(scheme, "redis" | "rediss") {
            return Err(ConfigError::Scheme);
        }
        // `#insecure` would switch off the check of certificates; a query would choose a protocol that is not tested.
        if rest.contains('#') {
            return Err(ConfigError::Unsupported { part: "#..." });
        }
        if rest.contains('?') {
            return Err(ConfigError::Unsupported { part: "?..." });
        }
        let connection = dsn
            .into_connection_info()
            .map_err(|error| ConfigError::Unreadable {
                reason: reason_of(&error),
            })?;
        Ok(Self {
            connection,
            prefix: "ids:".to_owned(),
            timeouts: Timeouts::default(),
            roots: TrustedRoots::System,
        })
    }

    /// The same server with keys of one's own, `ids:<name>:...`: for `eval` and tests.
    ///
    /// # Errors
    /// A name with other characters than letters, digits, `-` and `_`.
    pub fn under(mut self, name: &str) -> Result<Self, ConfigError> {
        // Braces would move the hash tag, `*` and `?` would widen the pattern by which the keys are removed.
        let plain = name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'));
        if !plain || name.is_empty() || name.len() > 64 {
            return Err(ConfigError::Prefix {
                prefix: name.to_owned(),
            });
        }
        self.prefix = format!("ids:{name}:");
        Ok(self)
    }

    /// Whether the DSN holds a password.
    pub fn has_password(&self) -> bool {
        self.connection.redis_settings().password().is_some()
    }

    /// The DSN for people: with `***` for the password.
    pub fn masked(&self) -> String {
        let (scheme, host, port) = match self.connection.addr() {
            ConnectionAddr::Tcp(host, port) => ("redis", host.as_str(), *port),
            ConnectionAddr::TcpTls { host, port, .. } => ("rediss", host.as_str(), *port),
            // `from_dsn` lets only the two above through; the type is open for more.
            _ => ("redis", "?", 0),
        };
        let settings = self.connection.redis_settings();
        let user = settings.username().unwrap_or_default();
        let secret = settings.password().map_or("", |_| ":***");
        let at = if user.is_empty() && secret.is_empty() {
            ""
        } else {
            "@"
        };
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        format!("{scheme}://{user}{secret}{at}{host}:{port}/{}", settings.db())
    }
}

/// The library's reasons are fixed texts, but only these are known to hold nothing of the DSN.
fn reason_of(error: &redis::RedisError) -> &'static str {
    let text = error.to_string();
    if text.contains("database number") {
        "the database after the port is not a number"
    } else if text.contains("hostname") {
        "there is no host"
    } else if text.contains("wildcard") {
        "a server cannot be reached at 0.0.0.0 or ::"
    } else {
        "it is no address"
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("dsn", &self.masked())
            .field("prefix", &self.prefix)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}
