//! Redis: whether it answers, keeps what it is given, and throws nothing away.

use ids_redis::{Redis, RedisConfig, ServerState};

use super::chain;
use super::finding::Finding;
use crate::config::Config;

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let Some(settings) = &config.redis else {
        return Vec::new();
    };
    let redis = match Redis::connect(settings).await {
        Ok(redis) => redis,
        Err(error) => {
            return vec![Finding::fail(
                "redis",
                chain(&error),
                "check REDIS_DSN, and that Redis runs; jobs wait meanwhile and are not lost",
            )];
        }
    };
    let mut findings = vec![password(settings, redis.server())];
    match redis.examine_server().await {
        Ok(state) => {
            findings.push(persistence(&state));
            findings.push(eviction(&state));
        }
        Err(_) => findings.push(Finding::warn(
            "persistence",
            "the user may not ask how Redis is set",
            "let it call `INFO`, or look at `appendonly` and `maxmemory-policy` by hand",
        )),
    }
    findings
}

fn password(settings: &RedisConfig, server: &str) -> Finding {
    const WHAT: &str = "redis";
    if settings.has_password() {
        return Finding::ok(WHAT, server);
    }
    Finding::warn(
        WHAT,
        format!("{server} asks for no password"),
        "set `requirepass` in redis.conf, and put the password into REDIS_DSN: whoever reaches the port can delete everything",
    )
}

fn persistence(state: &ServerState) -> Finding {
    const WHAT: &str = "persistence";
    match (state.appends, state.last_append_succeeded) {
        (Some(true), Some(false)) => Finding::fail(
            WHAT,
            "Redis could not write its append-only file",
            "look at the disk of Redis: it takes no writes until that works again",
        ),
        (Some(true), _) => Finding::ok(WHAT, "Redis writes an append-only file"),
        (Some(false), _) => Finding::warn(
            WHAT,
            "Redis forgets everything when it ends: jobs are delivered again by the database, seconds later",
            "set `appendonly yes` in redis.conf",
        ),
        (None, _) => Finding::warn(WHAT, "Redis does not say", "look at `appendonly` by hand"),
    }
}

fn eviction(state: &ServerState) -> Finding {
    const WHAT: &str = "eviction";
    let used = state.memory_used.unwrap_or(0);
    match (state.eviction.as_deref(), state.memory_limit) {
        (Some("noeviction"), Some(0)) => Finding::warn(
            WHAT,
            "Redis throws nothing away, and may use all of the machine's memory",
            "set `maxmemory` in redis.conf, such as 384mb",
        ),
        (Some("noeviction"), Some(limit)) if used > limit / 10 * 9 => Finding::warn(
            WHAT,
            "the memory of Redis is nearly full: soon it takes no deliveries",
            "raise `maxmemory`, or look which keys are large",
        ),
        (Some("noeviction"), _) => Finding::ok(WHAT, "Redis throws nothing away (noeviction)"),
        (Some(policy), _) => Finding::warn(
            WHAT,
            format!("Redis throws keys away when its memory is full ({policy}); deliveries come late then"),
            "set `maxmemory-policy noeviction` in redis.conf",
        ),
        (None, _) => Finding::warn(WHAT, "Redis does not say", "look at `maxmemory-policy` by hand"),
    }
}

#[cfg(test)]
mod tests {
    use ids_redis::{RedisConfig, ServerState};

    use super::super::finding::State;
    use super::{eviction, password, persistence};

    fn good() -> ServerState {
        ServerState {
            appends: Some(true),
            last_append_succeeded: Some(true),
            eviction: Some("noeviction".to_owned()),
            memory_limit: Some(1_000),
            memory_used: Some(100),
            ..ServerState::default()
        }
    }

    #[test]
    fn what_redis_would_lose_is_told() {
        let check = |change: fn(&mut ServerState), persistent: State, kept: State| {
            let mut state = good();
            change(&mut state);
            assert_eq!(persistence(&state).state, persistent, "{state:?}");
            assert_eq!(eviction(&state).state, kept, "{state:?}");
        };
        check(|_| {}, State::Ok, State::Ok);
        check(|it| it.appends = Some(false), State::Warn, State::Ok);
        check(
            |it| it.last_append_succeeded = Some(false),
            State::Fail,
            State::Ok,
        );
        check(
            |it| it.eviction = Some("allkeys-lru".to_owned()),
            State::Ok,
            State::Warn,
        );
        check(|it| it.memory_limit = Some(0), State::Ok, State::Warn);
        check(|it| it.memory_used = Some(950), State::Ok, State::Warn);
        check(|it| *it = ServerState::default(), State::Warn, State::Warn);
    }

    #[test]
    fn an_open_redis_is_told_and_a_password_is_not() {
        let of = |dsn: &str| {
            let settings = RedisConfig::from_dsn(dsn).unwrap();
            password(&settings, &settings.masked())
        };
        assert_eq!(of("redis://redis:6379/0").state, State::Warn);
        let closed = of("redis://default:geheim@redis:6379/0");
        assert!(
            closed.state == State::Ok && !closed.detail.contains("geheim"),
            "{closed}"
        );
    }
}
