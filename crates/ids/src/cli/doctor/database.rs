//! Where documents and jobs are kept: PostgreSQL, or the data directory.

use std::sync::Arc;

use ids_core::ports::{Clock, DocumentStore};
use ids_postgres::{PostgresConfig, PostgresLibrary, ServerState};

use super::finding::Finding;
use super::{chain, clock, queues};
use crate::cli::output;
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};
use crate::system::SystemClock;

const WHAT: &str = "database";
/// Versions below are maintained by nobody since November 2026.
const OLDEST_MAINTAINED: u32 = 15;

/// The database and what is read from it.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    match &config.postgres {
        Some(settings) => postgres(config, settings).await,
        None => {
            let mut findings = vec![data_dir(config)];
            findings.extend(queues::of_data_dir(config).await);
            findings
        }
    }
}

async fn postgres(config: &Config, settings: &PostgresConfig) -> Vec<Finding> {
    let place = format!("{}:{}", settings.host, settings.port);
    let library = match PostgresLibrary::connect(settings, Arc::new(SystemClock)).await {
        Ok(library) => library,
        Err(error) => {
            return vec![Finding::fail(
                WHAT,
                format!("PostgreSQL at {place}: {}", chain(&error)),
                "check the variables of PostgreSQL, and that it runs",
            )];
        }
    };
    let before = SystemClock.now();
    let state = library.examine().await;
    let after = SystemClock.now();
    let mut findings = Vec::new();
    match library.ping().await {
        Ok(()) => findings.push(version(&library, &place, state.as_ref().ok())),
        Err(error) => findings.push(Finding::fail(
            WHAT,
            format!("{} at {place}: {}", library.capabilities(), chain(&error)),
            "run `ids migrate`, which makes its tables",
        )),
    }
    match &state {
        Ok(state) => {
            findings.push(connections(state, settings.pool_size as u64));
            findings.push(clock::compare("PostgreSQL", before, state.now, after));
        }
        Err(error) => findings.push(Finding::fail(WHAT, chain(error), "check the database")),
    }
    findings.extend(queues::of_postgres(config, &library).await);
    library.close();
    findings
}

fn version(library: &PostgresLibrary, place: &str, state: Option<&ServerState>) -> Finding {
    let can = library.capabilities();
    let mut found = format!("{can} at {place}");
    if let Some(state) = state {
        let way = if state.is_encrypted {
            "encrypted"
        } else {
            "not encrypted"
        };
        found.push_str(&format!(", {way}, {}", output::size(state.database_bytes)));
    }
    if state.is_some_and(|state| state.passes_by_policies) {
        return Finding::warn(
            WHAT,
            format!("{found}; its role passes by row level security, which keeps organizations apart"),
            "use a role that is neither superuser nor BYPASSRLS and owns the tables (POSTGRES_USER)",
        );
    }
    if !can.halfvec() || !can.iterative_scan() {
        return Finding::warn(
            WHAT,
            found,
            "install pgvector 0.8 or newer: before, searches with filters may miss hits in large libraries, and vectors take twice the room",
        );
    }
    if can.server_version / 10_000 < OLDEST_MAINTAINED {
        return Finding::warn(
            WHAT,
            found,
            "upgrade PostgreSQL: this version gets no corrections any more",
        );
    }
    Finding::ok(WHAT, found)
}

fn connections(state: &ServerState, pool_size: u64) -> Finding {
    const WHAT: &str = "connections";
    let left = state.connections_limit.saturating_sub(state.connections);
    let found = format!("{left} of {} left", state.connections_limit);
    let hint = format!(
        "each process of `ids` takes up to {pool_size} (POSTGRES_POOL_SIZE); run fewer, or raise the server's max_connections"
    );
    if left == 0 {
        Finding::fail(WHAT, found, hint)
    } else if left < pool_size {
        // A deployment starts a process beside those that run.
        Finding::warn(WHAT, format!("{found}: not enough for one process more"), hint)
    } else {
        Finding::ok(WHAT, found)
    }
}

fn data_dir(config: &Config) -> Finding {
    let path = config.data_dir.display();
    match DataDir::own(&config.data_dir) {
        Ok(_) => Finding::ok(WHAT, format!("SQLite in `{path}`; no server uses it now")),
        Err(DataDirError::Locked(_)) => Finding::ok(WHAT, format!("SQLite in `{path}`; a server uses it")),
        Err(error) => Finding::fail(
            WHAT,
            error.to_string(),
            "check the directory's owner and its disk",
        ),
    }
}

#[cfg(test)]
mod tests {
    use ids_core::time::Timestamp;
    use ids_postgres::ServerState;

    use super::super::finding::State;
    use super::connections;

    #[test]
    fn a_server_needs_room_for_one_process_more() {
        let with = |connections| ServerState {
            now: Timestamp::from_micros(0),
            connections,
            connections_limit: 22,
            database_bytes: 0,
            is_encrypted: true,
            passes_by_policies: false,
        };
        let check = |used, state| assert_eq!(connections(&with(used), 4).state, state, "{used}");
        check(18, State::Ok);
        check(19, State::Warn);
        check(22, State::Fail);
        check(23, State::Fail);
    }
}
