//! How a command ends: exit code and text.

use std::fmt;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failed {
    /// 1 failed, 2 bad usage or settings, 130 stopped by Ctrl-C.
    pub code: u8,
    /// What happened and what to do.
    pub message: String,
}

impl Failed {
    /// Bad usage or settings: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: 2,
            message: message.into(),
        }
    }

    /// Could not be done: exit code 1.
    pub fn because(message: impl Into<String>) -> Self {
        Self {
            code: 1,
            message: message.into(),
        }
    }

    /// Stopped by Ctrl-C: exit code 130.
    pub fn interrupted() -> Self {
        Self {
            code: 130,
            message: "stopped".to_owned(),
        }
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
