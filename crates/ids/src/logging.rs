//! Logs: text for a person at a terminal, JSON otherwise, always on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Sets up logging for the process; the first call counts. `quiet` is for commands whose output is their result:
/// only warnings are shown unless `LOG_LEVEL` says otherwise.
pub fn init(config: &LogConfig, quiet: bool) {
    let level = if quiet && config.level == "info" {
        "warn"
    } else {
        &config.level
    };
    // The level was checked when it was read.
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let format = config.format.unwrap_or(if terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    // An error here means that logging is set up already, as in tests.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(terminal).with_target(false).try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
    };
}
