//! The HTTP API as the commands speak it: JSON in, JSON out, errors with the API's own text.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use bytes::Bytes;
use serde_json::Value;

use super::exit::Failed;
use super::output;
use crate::config::Config;
use crate::local::{Access, Work, read_body};

/// A way to the library of a data directory, whoever owns it.
pub struct Client {
    access: Access,
}

/// A reply that is no error.
#[derive(Debug)]
pub struct Reply {
    /// The body as it came: what `--json` prints.
    pub raw: Bytes,
    /// The same, read.
    pub body: Value,
}

/// Why a call was not done.
#[derive(Debug)]
pub enum CallError {
    /// The API refused it.
    Refused(Refused),
    /// The library went away.
    Gone(anyhow::Error),
}

/// An error body of the API.
#[derive(Debug)]
pub struct Refused {
    /// The HTTP status.
    status: StatusCode,
    /// The body as it came.
    raw: Bytes,
    body: Value,
}

impl Refused {
    /// The code for programs.
    pub fn code(&self) -> &str {
        self.body["error_code"].as_str().unwrap_or("INTERNAL")
    }

    /// The text for people.
    pub fn detail(&self) -> String {
        match self.body["detail"].as_str() {
            Some(detail) => detail.to_owned(),
            None => format!("the server answered with the status {}", self.status.as_u16()),
        }
    }
}

impl CallError {
    /// The end of a command; with `json` the body goes to stdout first.
    pub fn into_failed(self, json: bool) -> Failed {
        let refused = match self {
            Self::Gone(error) => return error.into(),
            Self::Refused(refused) => refused,
        };
        if json && let Err(failed) = output::print_raw(&refused.raw) {
            return failed;
        }
        let told = |failed: Failed| if json { failed.told() } else { failed };
        // What the API calls a bad field was a bad argument here.
        match refused.code() {
            "VALIDATION_FAILED" => told(Failed::usage(refused.detail())),
            _ => told(Failed::because(refused.detail())),
        }
    }
}

impl Client {
    /// Reaches the library.
    ///
    /// # Errors
    /// When it can be neither reached nor owned.
    pub async fn open(config: &Config, work: Work) -> Result<Self, Failed> {
        Ok(Self {
            access: Access::open(config, work).await?,
        })
    }

    /// Whether a running server does the work.
    pub fn is_server(&self) -> bool {
        self.access.is_server()
    }

    /// GET.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn get(&self, path: &str) -> Result<Reply, CallError> {
        self.send(request(Method::GET, path, Body::empty())?).await
    }

    /// DELETE.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn delete(&self, path: &str) -> Result<Reply, CallError> {
        self.send(request(Method::DELETE, path, Body::empty())?).await
    }

    /// POST of a JSON body.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Reply, CallError> {
        let mut request = request(Method::POST, path, Body::from(body.to_string()))?;
        request.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/json"),
        );
        self.send(request).await
    }

    /// Any request.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn send(&self, request: Request<Body>) -> Result<Reply, CallError> {
        let response = self.access.send(request).await.map_err(CallError::Gone)?;
        let status = response.status();
        let raw = read_body(response).await.map_err(CallError::Gone)?;
        let body = serde_json::from_slice(&raw).unwrap_or(Value::Null);
        if status.is_success() {
            Ok(Reply { raw, body })
        } else {
            Err(CallError::Refused(Refused { status, raw, body }))
        }
    }

    /// Lets go of the library.
    pub async fn close(self) {
        self.access.close().await;
    }
}

/// Opens the library, does something with it, and lets go of it whatever came of that.
///
/// # Errors
/// Those of opening and of `act`.
pub async fn with_client<T>(
    config: &Config,
    work: Work,
    act: impl AsyncFnOnce(&Client) -> Result<T, Failed>,
) -> Result<T, Failed> {
    let client = Client::open(config, work).await?;
    let outcome = act(&client).await;
    client.close().await;
    outcome
}

/// A path with a query string, its values encoded.
pub fn with_query(path: &str, pairs: &[(&str, Option<String>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    format!("{path}?{}", query.finish())
}

/// A value as one segment of a path.
pub fn segment(text: &str) -> String {
    // Form encoding differs from that of paths in the space alone.
    form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

fn request(method: Method, path: &str, body: Body) -> Result<Request<Body>, CallError> {
    let built = Request::builder().method(method).uri(path).body(body);
    built.map_err(|error| CallError::Gone(error.into()))
}

#[cfg(test)]
mod tests {
    use super::{segment, with_query};

    #[test]
    fn values_in_addresses_are_encoded() {
        let pairs = [
            ("search", Some("a & b".to_owned())),
            ("status", None),
            ("limit", Some("2".to_owned())),
        ];
        assert_eq!(with_query("/x", &pairs), "/x?search=a+%26+b&limit=2");
        assert_eq!(segment("a b/../c"), "a%20b%2F..%2Fc");
    }
}
