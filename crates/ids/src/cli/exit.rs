//! How a command ends: exit code and text.

use std::fmt;

use ids_core::error::ErrorCode;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failed {
    /// 1 failed, 2 bad usage or settings, 130 stopped by Ctrl-C.
    pub code: u8,
    /// What happened and what to do.
    pub message: String,
    /// Whether a program that asked for JSON has the error's body already.
    pub is_told: bool,
}

impl Failed {
    /// Bad usage or settings: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: 2,
            message: message.into(),
            is_told: false,
        }
    }

    /// Could not be done: exit code 1.
    pub fn because(message: impl Into<String>) -> Self {
        Self {
            code: 1,
            message: message.into(),
            is_told: false,
        }
    }

    /// Stopped by Ctrl-C: exit code 130.
    pub fn interrupted() -> Self {
        Self {
            code: 130,
            message: "stopped".to_owned(),
            is_told: false,
        }
    }

    /// The same, whose body was printed.
    #[must_use]
    pub fn told(mut self) -> Self {
        self.is_told = true;
        self
    }

    /// The error as a program reads it that asked for JSON: the body of the API's errors. There was no request, so it has no id.
    pub fn to_json(&self) -> serde_json::Value {
        let (error, code) = match self.code {
            2 => ("bad usage or settings", ErrorCode::ValidationFailed),
            130 => ("stopped", ErrorCode::DependencyUnavailable),
            _ => ("failed", ErrorCode::DependencyUnavailable),
        };
        serde_json::json!({
            "error": error, "detail": self.message, "error_code": code.as_str(), "request_id": "",
        })
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::because(format!("{error:#}"))
    }
}

impl From<crate::config::ConfigError> for Failed {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}
