//! What goes wrong with Redis, in the domain's words, and in words for whoever starts the program.

use ids_core::error::{StoreError, StoreErrorKind};
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why Redis cannot be used. Never holds the password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answers.
    #[error("Redis at `{server}` cannot be reached; is it running, and is `REDIS_DSN` right?")]
    Unreachable {
        /// The DSN without its password.
        server: String,
        /// What the system says.
        #[source]
        source: RedisError,
    },
    /// A wrong user or password, or none where one is asked for.
    #[error("Redis at `{server}` refuses the user or the password; check `REDIS_DSN`")]
    AccessDenied {
        /// The DSN without its password.
        server: String,
        /// What the server says.
        #[source]
        source: RedisError,
    },
    /// Too old.
    #[error("Redis at `{server}` is version {version}; 6.2 or newer is needed")]
    TooOld {
        /// The DSN without its password.
        server: String,
        /// What it says it is.
        version: String,
    },
    /// It answers, but refuses what was asked: a database that is not there, certificates that are none.
    #[error(
        "Redis at `{server}` cannot be used; check the database number in `REDIS_DSN` and the server's log"
    )]
    Refused {
        /// The DSN without its password.
        server: String,
        /// What the server says.
        #[source]
        source: RedisError,
    },
}

impl ConnectError {
    pub(crate) fn of(server: String, source: RedisError) -> Self {
        if is_access_denied(&source) {
            Self::AccessDenied { server, source }
        } else if source.is_io_error() {
            Self::Unreachable { server, source }
        } else {
            Self::Refused { server, source }
        }
    }
}

fn is_access_denied(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
}

/// Whether the connection is of no use any more. A reply that did not come in time counts: the server may have gone without a
/// word, and whoever waits on that connection would wait in vain each time.
pub(crate) fn is_lost(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error() || error.code() == Some("READONLY")
}

/// What the server says when it could do the same later. Inside a script, Redis 6.2 says `ERR`, and this further back.
const PASSING: [&str; 9] = [
    "OOM ",
    "READONLY ",
    "LOADING ",
    "MISCONF ",
    "MASTERDOWN ",
    "NOREPLICAS ",
    "CLUSTERDOWN ",
    "TRYAGAIN ",
    "BUSY ",
];

/// The domain's word for it.
pub(crate) fn store_error(error: RedisError) -> StoreError {
    let passing = match error.kind() {
        ErrorKind::Io
        | ErrorKind::AuthenticationFailed
        | ErrorKind::ClusterConnectionNotFound
        | ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::ReadOnly
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::TryAgain,
        ) => true,
        _ => {
            let text = error.to_string();
            is_access_denied(&error)
                || error
                    .code()
                    .is_some_and(|code| PASSING.iter().any(|word| word.trim_end() == code))
                || PASSING.iter().any(|word| text.contains(word))
        }
    };
    let kind = if passing {
        StoreErrorKind::Unavailable
    } else {
        StoreErrorKind::Internal
    };
    StoreError::with_source(kind, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(reply: &str) -> StoreErrorKind {
        let value = redis::parse_redis_value(format!("-{reply}\r\n").as_bytes()).unwrap();
        store_error(value.extract_error().unwrap_err()).kind()
    }

    #[test]
    fn what_may_pass_is_unavailable_and_a_fault_of_ours_is_internal() {
        for reply in [
            "OOM command not allowed when used memory > 'maxmemory'.",
            "LOADING Redis is loading the dataset in memory",
            "READONLY You can't write against a read only replica.",
            "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
            "NOAUTH Authentication required.",
            "BUSY Redis is busy running a script.",
            "ERR Error running script (call to f_ab): @user_script:1: -OOM command not allowed when used memory > 'maxmemory'.",
        ] {
            assert_eq!(kind_of(reply), StoreErrorKind::Unavailable, "{reply}");
        }
        for reply in [
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "ERR unknown command 'XADDD'",
        ] {
            assert_eq!(kind_of(reply), StoreErrorKind::Internal, "{reply}");
        }
    }
}
