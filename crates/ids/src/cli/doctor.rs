//! `ids doctor`: looks whether everything that is set can be used, and says what to do.

mod bucket;
mod services;

use std::fmt;

use clap::Args;
use serde_json::{Value, json};

use super::exit::Failed;
use super::output;
use crate::config::Config;

/// Look whether everything that is set can be used, and say what to do.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Set up what is missing: the bucket's rule that removes abandoned uploads
    #[arg(long)]
    fix: bool,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// As it should be.
    Ok,
    /// It works, and could be better.
    Warn,
    /// It does not work.
    Fail,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    what: &'static str,
    state: State,
    /// What was found.
    detail: String,
    /// What to do about it.
    hint: Option<String>,
}

impl Finding {
    fn ok(what: &'static str, detail: impl Into<String>) -> Self {
        Self {
            what,
            state: State::Ok,
            detail: detail.into(),
            hint: None,
        }
    }

    fn warn(what: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            state: State::Warn,
            hint: Some(hint.into()),
            ..Self::ok(what, detail)
        }
    }

    fn fail(what: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            state: State::Fail,
            ..Self::warn(what, detail, hint)
        }
    }

    fn to_json(&self) -> Value {
        json!({"check": self.what, "status": self.state.as_str(), "detail": self.detail, "hint": self.hint})
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.as_str();
        write!(f, "{state:<5} {:<10} {}", self.what, output::clean(&self.detail))?;
        match &self.hint {
            Some(hint) => write!(f, "\n      hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Looks at everything; exit code 1 when something does not work.
pub async fn run(args: DoctorArgs, config: &Config) -> Result<u8, Failed> {
    let mut findings = services::look(config).await;
    findings.extend(bucket::look(config, args.fix).await);
    let is_well = findings.iter().all(|finding| finding.state != State::Fail);
    if args.json {
        let list: Vec<Value> = findings.iter().map(Finding::to_json).collect();
        let status = if is_well { "ok" } else { "fail" };
        output::print(&json!({"status": status, "checks": list}).to_string())?;
    } else {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        output::print(&lines.join("\n"))?;
    }
    Ok(u8::from(!is_well))
}

/// An error with its causes on one line. Errors of adapters hold neither passwords nor keys.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Finding;

    #[test]
    fn a_finding_says_what_to_do() {
        let finding = Finding::fail("redis", "no answer", "start it");
        assert_eq!(
            finding.to_string(),
            "fail  redis      no answer\n      hint: start it"
        );
        assert_eq!(finding.to_json()["status"], "fail");
        assert_eq!(Finding::ok("redis", "7.0").to_string(), "ok    redis      7.0");
    }
}
