//! Connections: one for all short calls, and one for each receiver that waits.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ids_core::error::StoreError;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, FromRedisValue, RedisError, RedisResult, ScriptInvocation, Value,
};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use crate::config::{RedisConfig, Timeouts};
use crate::error::{ConnectError, is_lost, store_error};
use crate::tls::certificates;

/// Who waits for a connection learns of a failure that happened while it waited, instead of trying by itself: with a server
/// that does not answer, many callers would stand in line for three seconds each.
const FAILURE_IS_SHARED: Duration = Duration::from_millis(200);
/// Connections of receivers that are kept between two waits.
const WAITING_CONNECTIONS_KEPT: usize = 64;

/// A Redis server. Cheap to clone; all clones share the connections.
///
/// It connects again by itself. Not the `ConnectionManager` of the `redis` crate: that one keeps a refused password (or a server
/// that was loading) as its answer for ever, and a connection whose peer vanished without a word.
#[derive(Clone)]
pub struct Redis {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    home: Handle,
    server: String,
    prefix: String,
    timeouts: Timeouts,
    current: Arc<tokio::sync::Mutex<Current>>,
    waiting: Mutex<Vec<MultiplexedConnection>>,
}

#[derive(Default)]
struct Current {
    /// Which connection it is, so that only the one that failed is thrown away.
    number: u64,
    connection: Option<MultiplexedConnection>,
    failed: Option<(Instant, RedisError)>,
}

#[derive(Clone, Copy)]
enum Call<'a, 's> {
    Script(&'a ScriptInvocation<'s>),
    Command(&'a redis::Cmd),
}

impl Call<'_, '_> {
    async fn run<T: FromRedisValue>(self, mut connection: MultiplexedConnection) -> RedisResult<T> {
        match self {
            Self::Script(script) => script.invoke_async(&mut connection).await,
            Self::Command(command) => command.query_async(&mut connection).await,
        }
    }
}

impl Redis {
    /// Connects, and looks whether the server will do: it answers, takes the password, and is 6.2 or newer. Connections
    /// live in the runtime that this is called in, whichever they are used in.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub async fn connect(config: &RedisConfig) -> Result<Self, ConnectError> {
        let redis = Self::prepare(config)?;
        redis.examine().await?;
        Ok(redis)
    }

    /// The same, also when nobody answers now: each call tries again. For services, which do without it meanwhile.
    ///
    /// # Errors
    /// Why it could not be used if it were there: a refused password, too old a server.
    pub async fn connect_when_there(config: &RedisConfig) -> Result<Self, ConnectError> {
        let redis = Self::prepare(config)?;
        match redis.examine().await {
            Ok(()) => {}
            Err(error @ ConnectError::Unreachable { .. }) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "starting without Redis; jobs wait until it is there"
            ),
            Err(error) => return Err(error),
        }
        Ok(redis)
    }

    fn prepare(config: &RedisConfig) -> Result<Self, ConnectError> {
        let failed = |error| ConnectError::of(config.masked(), error);
        let client = match config.connection.addr() {
            redis::ConnectionAddr::TcpTls { .. } => {
                Client::build_with_tls(config.connection.clone(), certificates(&config.roots))
            }
            _ => Client::open(config.connection.clone()),
        }
        .map_err(failed)?;
        Ok(Self {
            shared: Arc::new(Shared {
                client,
                home: Handle::current(),
                server: config.masked(),
                prefix: config.prefix.clone(),
                timeouts: config.timeouts,
                current: Arc::default(),
                waiting: Mutex::default(),
            }),
        })
    }

    /// The DSN without its password, for people.
    pub fn server(&self) -> &str {
        &self.shared.server
    }

    /// Asks whether it is there.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.query::<Value>(&redis::cmd("PING"))
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    /// Removes all keys below the prefix that was given by [`RedisConfig::under`]; without one it removes nothing, as the
    /// keys are those of a running system.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn remove_keys(&self) -> Result<(), StoreError> {
        if self.shared.prefix == "ids:" {
            return Ok(());
        }
        self.forget_library().await
    }

    /// Removes all keys of the library: after a restore, what is here is of the library before. Nothing in them is the truth.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn forget_library(&self) -> Result<(), StoreError> {
        let patterns = [
            format!("{}*", self.shared.prefix),
            format!("{{{}*", self.shared.prefix),
        ];
        for pattern in patterns {
            let mut cursor = 0u64;
            loop {
                let mut scan = redis::cmd("SCAN");
                scan.arg(cursor)
                    .arg("MATCH")
                    .arg(&pattern)
                    .arg("COUNT")
                    .arg(1_000);
                let (next, keys): (u64, Vec<Vec<u8>>) = self.query(&scan).await.map_err(store_error)?;
                for key in keys {
                    self.query::<Value>(redis::cmd("UNLINK").arg(key))
                        .await
                        .map_err(store_error)?;
                }
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// What keys begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.shared.prefix
    }

    /// Calls a script. It may run twice, when the connection breaks before the reply: each of ours then does no harm.
    pub(crate) async fn invoke<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> RedisResult<T> {
        self.call(Call::Script(script)).await
    }

    /// Calls a command that may run twice.
    pub(crate) async fn query<T: FromRedisValue>(&self, command: &redis::Cmd) -> RedisResult<T> {
        self.call(Call::Command(command)).await
    }

    async fn call<T: FromRedisValue>(&self, call: Call<'_, '_>) -> RedisResult<T> {
        let (connection, number) = self.connection().await?;
        let error = match call.run(connection).await {
            Err(error) if is_lost(&error) => error,
            other => return other,
        };
        self.forget(number).await;
        if error.is_timeout() {
            // It had its time.
            return Err(error);
        }
        let (connection, number) = self.connection().await?;
        let result = call.run(connection).await;
        if result.as_ref().is_err_and(is_lost) {
            self.forget(number).await;
        }
        result
    }

    /// Waits until a stream has an entry behind `after`, at most `at_most`; the caller looks for itself what there is.
    ///
    /// On a connection of its own, since whatever else is sent on one that waits stands behind it. When the call is dropped the
    /// connection goes with it, and with that the server's waiting client.
    pub(crate) async fn wait_for_entry(
        &self,
        stream: &str,
        after: &str,
        at_most: Duration,
    ) -> RedisResult<()> {
        // Rounded up: a millisecond early would find nothing, and go round. 0 would be for ever.
        let block = u64::try_from(at_most.as_micros().div_ceil(1_000))
            .unwrap_or(u64::MAX)
            .max(1);
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(1).arg("BLOCK").arg(block);
        command.arg("STREAMS").arg(stream).arg(after);
        let deadline = Duration::from_millis(block).saturating_add(self.shared.timeouts.response);
        loop {
            let kept = self.waiting_connections().pop();
            let fresh = kept.is_none();
            let mut connection = match kept {
                Some(connection) => connection,
                None => {
                    let redis = self.clone();
                    self.at_home(async move { redis.open(None).await }).await?
                }
            };
            match timeout(deadline, command.query_async::<Value>(&mut connection)).await {
                Ok(Ok(_)) => {
                    let mut kept = self.waiting_connections();
                    if kept.len() < WAITING_CONNECTIONS_KEPT {
                        kept.push(connection);
                    }
                    return Ok(());
                }
                // It died while it lay there, as the others there did.
                Ok(Err(error)) if !fresh && is_lost(&error) => self.waiting_connections().clear(),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(timed_out()),
            }
        }
    }

    fn waiting_connections(&self) -> std::sync::MutexGuard<'_, Vec<MultiplexedConnection>> {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open(&self, response: Option<Duration>) -> RedisResult<MultiplexedConnection> {
        let connect = self.shared.timeouts.connect;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(connect))
            .set_response_timeout(response);
        let opening = self
            .shared
            .client
            .get_multiplexed_async_connection_with_config(&config);
        timeout(connect, opening).await.map_err(|_| timed_out())?
    }

    async fn connection(&self) -> RedisResult<(MultiplexedConnection, u64)> {
        let mut current = Arc::clone(&self.shared.current).lock_owned().await;
        if let Some(connection) = &current.connection {
            return Ok((connection.clone(), current.number));
        }
        if let Some((at, error)) = &current.failed
            && at.elapsed() < FAILURE_IS_SHARED
        {
            return Err(error.clone());
        }
        let redis = self.clone();
        let connecting = async move {
            match redis.open(Some(redis.shared.timeouts.response)).await {
                Ok(connection) => {
                    current.number += 1;
                    current.connection = Some(connection.clone());
                    current.failed = None;
                    Ok((connection, current.number))
                }
                Err(error) => {
                    current.failed = Some((Instant::now(), error.clone()));
                    Err(error)
                }
            }
        };
        self.at_home(connecting).await
    }

    /// Opens a connection in the runtime this was made in: what drives it lives there, and must neither end with the runtime of a worker
    /// nor stand still while that one computes. It ends by itself within the time for a connection; whoever waits less for Redis does not
    /// break it off, or none that takes longer would ever come about.
    async fn at_home<T: Send + 'static>(
        &self,
        opening: impl Future<Output = RedisResult<T>> + Send + 'static,
    ) -> RedisResult<T> {
        // Fails where the runtime has ended.
        let opened = self.shared.home.spawn(opening).await;
        opened.unwrap_or_else(|_| Err(timed_out()))
    }

    async fn forget(&self, number: u64) {
        let mut current = self.shared.current.lock().await;
        if current.number == number {
            current.connection = None;
        }
    }

    async fn examine(&self) -> Result<(), ConnectError> {
        let server = || self.shared.server.clone();
        let text: String = match self.query(&redis::cmd("INFO")).await {
            Ok(text) => text,
            // A user with few rights may use the keys without being allowed to ask.
            Err(error) if error.code() == Some("NOPERM") => {
                tracing::warn!("Redis does not say which version it is: the user may not call `INFO`");
                return Ok(());
            }
            Err(error) => return Err(ConnectError::of(server(), error)),
        };
        let info = parse_info(&text);
        let version = info.get("redis_version").copied().unwrap_or_default();
        if is_too_old(version) {
            return Err(ConnectError::TooOld {
                server: server(),
                version: version.to_owned(),
            });
        }
        if let Some(policy) = info
            .get("maxmemory_policy")
            .filter(|it| it.starts_with("allkeys"))
        {
            tracing::warn!(
                policy,
                "Redis throws keys away when its memory is full: deliveries would be late by seconds each time; \
                 set `maxmemory-policy` to `noeviction` or `volatile-lru`"
            );
        }
        Ok(())
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("server", &self.shared.server)
            .field("prefix", &self.shared.prefix)
            .finish_non_exhaustive()
    }
}

fn timed_out() -> RedisError {
    RedisError::from(io::Error::from(io::ErrorKind::TimedOut))
}

pub(crate) fn parse_info(text: &str) -> HashMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.trim_end().split_once(':'))
        .collect()
}

/// Whether a version is below 6.2; one that cannot be read is not (other servers that speak the protocol have their own).
fn is_too_old(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < (6, 2),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_below_six_two_are_too_old() {
        for (version, too_old) in [
            ("5.0.14", true),
            ("6.0.16", true),
            ("6.2.0", false),
            ("7.0.15", false),
            ("10.1", false),
            ("unknown", false),
            ("", false),
        ] {
            assert_eq!(is_too_old(version), too_old, "{version}");
        }
    }
}
