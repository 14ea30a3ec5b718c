//! What `ids doctor` asks of a server.

use ids_core::error::StoreError;

use crate::connection::{Redis, parse_info};
use crate::error::store_error;

/// How a server is, as far as it says; a user with few rights may not ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerState {
    /// Its version.
    pub version: Option<String>,
    /// Whether it writes an append-only file (`appendonly yes`).
    pub appends: Option<bool>,
    /// Whether the last write of that file went well.
    pub last_append_succeeded: Option<bool>,
    /// What it does when its memory is full (`maxmemory-policy`).
    pub eviction: Option<String>,
    /// Bytes it may use; 0 for no bound.
    pub memory_limit: Option<u64>,
    /// Bytes it uses.
    pub memory_used: Option<u64>,
}

impl Redis {
    /// Looks at the server.
    ///
    /// # Errors
    /// `Unavailable`, also where the user may not call `INFO`.
    pub async fn examine_server(&self) -> Result<ServerState, StoreError> {
        let text: String = self.query(&redis::cmd("INFO")).await.map_err(store_error)?;
        Ok(ServerState::read(&text))
    }
}

impl ServerState {
    fn read(text: &str) -> Self {
        let info = parse_info(text);
        let word = |name: &str| info.get(name).map(|value| (*value).to_owned());
        let number = |name: &str| info.get(name).and_then(|value| value.parse().ok());
        Self {
            version: word("redis_version"),
            appends: info.get("aof_enabled").map(|value| *value == "1"),
            last_append_succeeded: info.get("aof_last_write_status").map(|value| *value == "ok"),
            eviction: word("maxmemory_policy"),
            memory_limit: number("maxmemory"),
            memory_used: number("used_memory"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ServerState;

    #[test]
    fn what_a_server_says_of_itself_is_read() {
        let text = "# Server\r\nredis_version:7.0.15\r\n# Memory\r\nused_memory:1024\r\nmaxmemory:2048\r\n\
                    maxmemory_policy:noeviction\r\n# Persistence\r\naof_enabled:1\r\naof_last_write_status:err\r\n";
        let state = ServerState::read(text);
        assert_eq!(state.version.as_deref(), Some("7.0.15"));
        assert_eq!(
            (state.appends, state.last_append_succeeded),
            (Some(true), Some(false))
        );
        assert_eq!(state.eviction.as_deref(), Some("noeviction"));
        assert_eq!((state.memory_limit, state.memory_used), (Some(2048), Some(1024)));
        assert_eq!(ServerState::read(""), ServerState::default());
    }
}
