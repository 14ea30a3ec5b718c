//! Where values come from: the process environment, then a `.env` file in the working directory.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

/// A setting that cannot be used: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// All variables, read once.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    values: BTreeMap<String, String>,
}

/// Every variable of ours that begins with `IDS_`; any other such name is a typing error.
const OWN: [&str; 2] = ["IDS_DATA_DIR", "IDS_AUTH"];

impl Variables {
    /// Reads the environment and `.env`; the environment wins.
    ///
    /// # Errors
    /// An unreadable `.env`, an unknown `IDS_*` name, a variable that this version cannot honor.
    pub fn read(working_directory: &Path) -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        let file = working_directory.join(".env");
        if file.is_file() {
            let pairs = dotenvy::from_path_iter(&file)
                .map_err(|error| ConfigError(format!("`.env` cannot be read: {error}")))?;
            for pair in pairs {
                // The error of this library quotes the line, which may hold a password.
                let (name, value) =
                    pair.map_err(|_| ConfigError("`.env` has a line that is not `NAME=value`".to_owned()))?;
                values.insert(name, value);
            }
        }
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str() else { continue };
            match value.into_string() {
                Ok(value) => values.insert(name.to_owned(), value),
                Err(_) if name.starts_with("IDS_") => {
                    return Err(ConfigError(format!("`{name}` is not valid UTF-8")));
                }
                Err(_) => None,
            };
        }
        Self::checked(values)
    }

    /// Only these, as if they were the whole environment.
    ///
    /// # Errors
    /// Those of [`Variables::read`].
    #[cfg(test)]
    pub fn of(pairs: &[(&str, &str)]) -> Result<Self, ConfigError> {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::checked(owned.collect())
    }

    fn checked(values: BTreeMap<String, String>) -> Result<Self, ConfigError> {
        for (name, value) in &values {
            if name.starts_with("IDS_") && !OWN.contains(&name.as_str()) {
                if is_injected_by_kubernetes(name, value) {
                    // stderr is not set up yet; the caller prints what `ignored` says.
                    continue;
                }
                let known = OWN.join("`, `");
                return Err(ConfigError(format!(
                    "unknown variable `{name}`; known are `{known}`"
                )));
            }
        }
        Ok(Self { values })
    }

    /// The value of a variable; an empty one counts as not set, and so does what Kubernetes puts there for a service of that name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .map(String::as_str)
            .map(str::trim)
            .filter(|value| !value.is_empty() && !is_injected_by_kubernetes(name, value))
    }

    /// A value of any type, or `default`.
    ///
    /// # Errors
    /// When it cannot be read, saying what is expected.
    pub fn parsed<T: FromStr>(&self, name: &str, default: T, expected: &str) -> Result<T, ConfigError> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| unreadable(name, expected)),
        }
    }

    /// A number inside a range, or `default`.
    ///
    /// # Errors
    /// When it is no number, or out of range.
    pub fn number(
        &self,
        name: &str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let value = self.parsed(name, default, &expected)?;
        if range.contains(&value) {
            Ok(value)
        } else {
            Err(unreadable(name, &expected))
        }
    }

    /// A switch, or `default`.
    ///
    /// # Errors
    /// When it is neither on nor off.
    pub fn switch(&self, name: &str, default: bool) -> Result<bool, ConfigError> {
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(default),
            Some("on" | "true" | "yes" | "1") => Ok(true),
            Some("off" | "false" | "no" | "0") => Ok(false),
            Some(_) => Err(unreadable(name, "on or off")),
        }
    }

    /// A list separated by commas; empty when not set.
    pub fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Variables that look like ours, that Kubernetes put there, and that are passed over.
    pub fn ignored(&self) -> impl Iterator<Item = &str> {
        const OURS: [&str; 6] = ["IDS_", "POSTGRES_", "REDIS_", "S3_", "OPENAI_", "AWS_"];
        self.values
            .iter()
            .filter(|(name, value)| {
                OURS.iter().any(|prefix| name.starts_with(prefix)) && is_injected_by_kubernetes(name, value)
            })
            .map(|(name, _)| name.as_str())
    }
}

/// The error for a value that cannot be read. The value is not repeated: it may be a secret in the wrong place.
pub fn unreadable(name: &str, expected: &str) -> ConfigError {
    ConfigError(format!("`{name}` must be {expected}"))
}

/// Kubernetes describes each service by such variables unless `enableServiceLinks` is false.
fn is_injected_by_kubernetes(name: &str, value: &str) -> bool {
    // A name of OpenTelemetry's specification, and no service of that name.
    if name == "OTEL_SERVICE_NAME" {
        return false;
    }
    (name.ends_with("_PORT") && value.starts_with("tcp://"))
        || name.contains("_PORT_") && name.rsplit('_').any(|part| part == "TCP" || part == "UDP")
        || name.contains("_SERVICE_")
}

#[cfg(test)]
mod tests {
    use super::Variables;

    fn variables(pairs: &[(&str, &str)]) -> Result<Variables, String> {
        Variables::of(pairs).map_err(|error| error.to_string())
    }

    #[test]
    fn an_unknown_name_of_ours_is_an_error_that_names_it() {
        let error = variables(&[("IDS_DATADIR", "x")]).unwrap_err();
        assert!(
            error.contains("`IDS_DATADIR`") && error.contains("`IDS_DATA_DIR`"),
            "{error}"
        );
    }

    #[test]
    fn what_kubernetes_injects_is_passed_over() {
        let read = variables(&[
            ("IDS_PORT", "tcp://10.0.0.1:8000"),
            ("IDS_PORT_8000_TCP_ADDR", "10.0.0.1"),
            ("IDS_SERVICE_HOST", "10.0.0.1"),
        ])
        .unwrap();
        assert_eq!(read.ignored().count(), 3);
    }

    #[test]
    fn an_unreadable_value_names_the_variable_and_not_the_value() {
        let read = variables(&[("A", "secret"), ("B", "7"), ("C", "on"), ("D", "a, b,,c")]).unwrap();
        let error = read.number("A", 1, 1..=10).unwrap_err().to_string();
        assert!(error.contains("`A`") && !error.contains("secret"), "{error}");
        assert_eq!(read.number("B", 1, 1..=10).unwrap(), 7);
        assert!(read.number("B", 1, 1..=5).is_err());
        assert!(read.switch("C", false).unwrap() && read.switch("B", false).is_err());
        assert_eq!(read.list("D"), ["a", "b", "c"]);
    }
}
