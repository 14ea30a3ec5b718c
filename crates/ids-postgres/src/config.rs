//! Where the server is and how it is spoken to.

use std::time::Duration;

use ids_net::{Secret, TrustedRoots};

use crate::error::OpenError;

/// The settings of one library.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// A name, an address, or the folder of a Unix socket (`POSTGRES_HOST`).
    pub host: String,
    /// `POSTGRES_PORT`.
    pub port: u16,
    /// An ordinary role that owns the tables (`POSTGRES_USER`): a superuser, or a role with `BYPASSRLS`, would pass by row level
    /// security.
    pub user: String,
    /// `POSTGRES_PASSWORD`; none where the server asks for none.
    pub password: Option<Secret>,
    /// `POSTGRES_DB`.
    pub database: String,
    /// `POSTGRES_SSL_MODE`.
    pub ssl_mode: SslMode,
    /// Connections of this process at most (`POSTGRES_POOL_SIZE`).
    pub pool_size: usize,
    /// How long a caller waits for a free one before it hears `Unavailable`.
    pub pool_wait: Duration,
    /// How long one statement may take before the server ends it, and (half as long again) before a server that says nothing at all
    /// is given up. None of ours comes near the default.
    pub statement_timeout: Duration,
    /// Whether a role that passes by row level security is refused; else it is warned of (`ENVIRONMENT=production`).
    pub needs_row_security: bool,
    /// The schema that holds the tables, made where there is none; `None` is `public`. Tests and `ids eval` use one of their own.
    pub schema: Option<String>,
    /// Whose certificates are believed, for [`SslMode::VerifyCa`] and [`SslMode::VerifyFull`].
    pub roots: TrustedRoots,
}

impl PostgresConfig {
    /// The schema where none is given.
    pub const DEFAULT_SCHEMA: &'static str = "public";

    /// The usual settings: port 5432, TLS where the server offers it, four connections.
    pub fn new(host: impl Into<String>, user: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: 5432,
            user: user.into(),
            password: None,
            database: database.into(),
            ssl_mode: SslMode::Prefer,
            pool_size: 4,
            pool_wait: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(60),
            needs_row_security: false,
            schema: None,
            roots: TrustedRoots::System,
        }
    }

    /// The schema that holds the tables.
    pub fn schema(&self) -> &str {
        self.schema.as_deref().unwrap_or(Self::DEFAULT_SCHEMA)
    }

    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let schema = self.schema();
        let starts_well = schema
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_lowercase() || first == b'_');
        let good = starts_well
            && schema.len() <= 63
            && !schema.starts_with("pg_")
            && schema
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if good {
            Ok(())
        } else {
            Err(OpenError::BadSchemaName {
                schema: schema.to_owned(),
            })
        }
    }
}

/// How the way to the server is encrypted, in the words of libpq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SslMode {
    /// Not at all.
    Disable,
    /// Where the server offers it; its certificate is not looked at.
    #[default]
    Prefer,
    /// Always; its certificate is not looked at.
    Require,
    /// Always, and its certificate must come from a trusted root.
    VerifyCa,
    /// As `VerifyCa`, and the certificate must be made out to the host.
    VerifyFull,
}

impl SslMode {
    /// All, weakest first.
    pub const ALL: [Self; 5] = [
        Self::Disable,
        Self::Prefer,
        Self::Require,
        Self::VerifyCa,
        Self::VerifyFull,
    ];

    /// The word in `POSTGRES_SSL_MODE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    /// The mode of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use ids_net::Secret;

    use super::{PostgresConfig, SslMode};

    #[test]
    fn a_password_is_not_shown() {
        let mut config = PostgresConfig::new("localhost", "ids", "ids");
        config.password = Some(Secret::new("correct horse"));
        assert!(!format!("{config:?}").contains("horse"));
    }

    #[test]
    fn modes_are_known_by_the_words_of_libpq() {
        for mode in SslMode::ALL {
            assert_eq!(SslMode::from_name(mode.as_str()), Some(mode));
        }
        assert_eq!(SslMode::from_name("allow"), None);
    }

    #[test]
    fn only_plain_schema_names_are_taken() {
        let with = |schema: &str| PostgresConfig {
            schema: Some(schema.to_owned()),
            ..PostgresConfig::new("localhost", "ids", "ids")
        };
        for good in ["public", "ids_eval_7", "_x"] {
            assert!(with(good).check().is_ok(), "{good}");
        }
        for bad in ["", "Public", "a b", "7a", "pg_temp", "a\"b", &"a".repeat(64)] {
            assert!(with(bad).check().is_err(), "{bad}");
        }
    }
}
