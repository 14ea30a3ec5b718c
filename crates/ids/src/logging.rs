//! Logs: text for a person at a terminal, JSON otherwise, always on stderr. And traces, where a collector is set.

use std::io::IsTerminal;

use ids_core::trace::TARGET;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Directive;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogConfig, LogFormat};
use crate::traces::Traces;

/// Sets up logging for the process; the first call counts. `quiet` is for commands whose output is their result:
/// only warnings are shown unless `LOG_LEVEL` says otherwise.
pub fn init(config: &LogConfig, quiet: bool, traces: Option<&Traces>) {
    let level = if quiet && config.level == "info" {
        "warn"
    } else {
        &config.level
    };
    let terminal = std::io::stderr().is_terminal();
    let format = config.format.unwrap_or(if terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(terminal).with_target(false).boxed(),
        // The innermost span is that of the request or the job, and has its id.
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
    };
    let registry = tracing_subscriber::registry()
        .with(lines.with_filter(filter(level)))
        .with(traces.map(Traces::layer));
    // An error here means that logging is set up already, as in tests.
    let _ = registry.try_init();
}

/// What is logged: never spans that are made for traces.
fn filter(level: &str) -> EnvFilter {
    // The level was checked when it was read.
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    match format!("{TARGET}={}", LevelFilter::OFF).parse::<Directive>() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    }
}
