//! What a client is told: where the server is, how long to wait for it, and how often to try.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use hyper::Uri;
use hyper::http::uri::Scheme;
use ids_net::{Secret, TrustedRoots};

/// Everything a chat model is made of. [`ChatModelConfig::new`] has the usual values.
#[derive(Debug, Clone)]
pub struct ChatModelConfig {
    /// Where the API is (`OPENAI_BASE_URL`).
    pub base_url: BaseUrl,
    /// The key (`OPENAI_API_KEY`); servers of one's own network often need none.
    pub api_key: Option<Secret>,
    /// The model's name as the server knows it (`OPENAI_MODEL`).
    pub model: String,
    /// How long to wait.
    pub deadlines: Deadlines,
    /// How often to try.
    pub retry: RetryPolicy,
    /// When to stop trying for a while.
    pub breaker: BreakerPolicy,
    /// Calls at the same time; more wait. Hosted servers count them, small ones do one after the other.
    pub calls_at_once: usize,
    /// Whom to trust with `https://`.
    pub roots: TrustedRoots,
}

impl ChatModelConfig {
    /// A model with the usual deadlines and tries.
    pub fn new(base_url: BaseUrl, api_key: Option<Secret>, model: impl Into<String>) -> Self {
        Self {
            base_url,
            api_key,
            model: model.into(),
            deadlines: Deadlines::default(),
            retry: RetryPolicy::default(),
            breaker: BreakerPolicy::default(),
            calls_at_once: 4,
            roots: TrustedRoots::System,
        }
    }
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// For a connection, its TLS included; 5 s.
    pub connect: Duration,
    /// From the request to the first byte of the reply; 60 s: a model may be loaded first, and reads the prompt.
    pub first_byte: Duration,
    /// Between two pieces; 30 s.
    pub between_pieces: Duration,
    /// For the whole of one try; 5 min: a server that says a word every 29 s must not hold a slot for ever.
    pub whole: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(60),
            between_pieces: Duration::from_secs(30),
            whole: Duration::from_secs(300),
        }
    }
}

/// How often to try, as long as nothing was passed on yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all; 3.
    pub tries: u32,
    /// The pause after the first, which doubles each time and is shortened at random by up to half; 500 ms.
    pub pause: Duration,
    /// The longest pause that a server may ask for (`Retry-After`) and get; 10 s. When it asks for more, the call ends and says so.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            tries: 3,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(10),
        }
    }
}

/// When to stop asking a server that is down: people wait for each call that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Calls in a row that must fail; 5.
    pub failures: u32,
    /// How long calls then fail at once; 15 s.
    pub pause: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            failures: 5,
            pause: Duration::from_secs(15),
        }
    }
}

/// The address under which an API's calls lie, such as `https://api.openai.com/v1`: `http` or `https`, without user,
/// password, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    pub(crate) is_encrypted: bool,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What the `Host` header says.
    pub(crate) authority: String,
    /// Without a slash at its end.
    path: String,
}

impl BaseUrl {
    /// OpenAI's own.
    pub const OPENAI: &'static str = "https://api.openai.com/v1";

    /// Whether the server is on this machine or in a network of one's own: by its address, or by a name that no public server has
    /// (`localhost`, a name of one word as containers have, `.local`, `.internal`, `.lan`).
    pub fn is_private(&self) -> bool {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return match address.to_canonical() {
                IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
                IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
            };
        }
        let name = self.host.trim_end_matches('.').to_ascii_lowercase();
        !name.contains('.')
            || [".localhost", ".local", ".internal", ".lan"]
                .iter()
                .any(|end| name.ends_with(end))
    }

    /// The path of a call, such as `chat/completions`.
    pub(crate) fn path_of(&self, call: &str) -> String {
        format!("{}/{call}", self.path)
    }
}

impl FromStr for BaseUrl {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        // A fragment would be cut without a word.
        if text.contains('#') {
            return Err(ConfigError::BaseUrl);
        }
        let uri: Uri = text.parse().map_err(|_| ConfigError::BaseUrl)?;
        let scheme = uri.scheme().ok_or(ConfigError::BaseUrl)?;
        let is_encrypted = if *scheme == Scheme::HTTPS {
            true
        } else if *scheme == Scheme::HTTP {
            false
        } else {
            return Err(ConfigError::BaseUrl);
        };
        let authority = uri.authority().ok_or(ConfigError::BaseUrl)?;
        if authority.as_str().contains('@') || uri.query().is_some() || authority.host().is_empty() {
            return Err(ConfigError::BaseUrl);
        }
        // `host:` and `host:99999` parse, and would be taken for the usual port.
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str() != authority.host() => return Err(ConfigError::BaseUrl),
            None if is_encrypted => 443,
            None => 80,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            is_encrypted,
            host: host.to_owned(),
            port,
            authority: authority.as_str().to_owned(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

/// Why no client can be made of a configuration. No text repeats a value: it may be a secret in the wrong place.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The address.
    #[error(
        "the model's address must look like `https://api.openai.com/v1`, without user, query or fragment"
    )]
    BaseUrl,
    /// The key.
    #[error("the model's key has characters that no key has")]
    ApiKey,
    /// The certificates.
    #[error("the certificates for encrypted connections cannot be used")]
    Certificates(#[source] tokio_rustls::rustls::Error),
}

#[cfg(test)]
mod tests {
    use super::BaseUrl;

    #[test]
    fn addresses_are_taken_apart() {
        let check = |text: &str, shown: &str, host: &str, port: u16, path: &str| {
            let url: BaseUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!((url.host.as_str(), url.port), (host, port), "{text}");
            assert_eq!(url.path_of("models"), path, "{text}");
        };
        check(
            BaseUrl::OPENAI,
            BaseUrl::OPENAI,
            "api.openai.com",
            443,
            "/v1/models",
        );
        check(
            "http://ollama:11434/v1/",
            "http://ollama:11434/v1",
            "ollama",
            11_434,
            "/v1/models",
        );
        check("http://10.0.0.7", "http://10.0.0.7", "10.0.0.7", 80, "/models");
        check(
            "http://[::1]:8080/v1",
            "http://[::1]:8080/v1",
            "::1",
            8_080,
            "/v1/models",
        );
        check(
            "HTTPS://Example.org/a/b",
            "https://Example.org/a/b",
            "Example.org",
            443,
            "/a/b/models",
        );
    }

    #[test]
    fn what_is_no_address_of_an_api_is_refused_without_repeating_it() {
        for text in [
            "",
            "api.openai.com/v1",
            "/v1",
            "ftp://host/v1",
            "https://user:password@host/v1",
            "https://host/v1?key=password",
            "https://host/v1#password",
            "https://:8000/v1",
            "https://host:/v1",
            "https://host:99999/v1",
            "http://a b/v1",
        ] {
            let error = text.parse::<BaseUrl>().unwrap_err().to_string();
            assert!(!error.contains("password"), "{error}");
        }
    }
}
