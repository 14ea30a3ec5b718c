//! What was found, and how it is said.

use std::fmt;

use serde_json::{Value, json};

use crate::cli::output;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// As it should be, or not used.
    Ok,
    /// It works, and could be better.
    Warn,
    /// It does not work.
    Fail,
}

impl State {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) state: State,
    /// What was found.
    pub(super) detail: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

impl Finding {
    pub(super) fn ok(what: &'static str, detail: impl Into<String>) -> Self {
        Self {
            what,
            state: State::Ok,
            detail: detail.into(),
            hint: None,
        }
    }

    /// Something this installation does without.
    pub(super) fn not_used(what: &'static str, why: &str) -> Self {
        Self::ok(what, format!("not used: {why}"))
    }

    pub(super) fn warn(what: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            state: State::Warn,
            hint: Some(hint.into()),
            ..Self::ok(what, detail)
        }
    }

    pub(super) fn fail(what: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            state: State::Fail,
            ..Self::warn(what, detail, hint)
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"check": self.what, "status": self.state.as_str(), "detail": self.detail, "hint": self.hint})
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.as_str();
        write!(f, "{state:<5} {:<12} {}", self.what, output::clean(&self.detail))?;
        match &self.hint {
            Some(hint) => write!(f, "\n      hint: {}", output::clean(hint)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, State};

    #[test]
    fn a_finding_says_what_to_do() {
        let finding = Finding::fail("redis", "no answer", "start it");
        assert_eq!(
            finding.to_string(),
            "fail  redis        no answer\n      hint: start it"
        );
        assert_eq!(finding.to_json()["status"], "fail");
        assert_eq!(Finding::ok("redis", "7.0").to_string(), "ok    redis        7.0");
    }

    #[test]
    fn the_worst_state_is_the_greatest() {
        assert_eq!(
            [State::Warn, State::Fail, State::Ok].iter().max(),
            Some(&State::Fail)
        );
    }
}
