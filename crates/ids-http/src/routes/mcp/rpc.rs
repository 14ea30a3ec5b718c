//! JSON-RPC as the protocol uses it: what a message is, and of which of the protocol's two eras. Up to 2025-11-25 a client begins with a
//! handshake (`initialize`); since 2026-07-28 each request says itself what it speaks, in `_meta` and in headers.

use axum::http::{HeaderMap, StatusCode};
use ids_core::error::ErrorCode;
use serde_json::{Value, json};

use super::header;

/// The version that needs no handshake.
const STATELESS: &str = "2026-07-28";
/// Versions that are spoken, the newest first.
pub(super) const VERSIONS: [&str; 5] = [STATELESS, "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
const VERSION_HEADER: &str = "mcp-protocol-version";
const METHOD_HEADER: &str = "mcp-method";

const PARSE_ERROR: i32 = -32_700;
const INVALID_REQUEST: i32 = -32_600;
const METHOD_NOT_FOUND: i32 = -32_601;
const INVALID_PARAMS: i32 = -32_602;
const INTERNAL_ERROR: i32 = -32_603;
/// What JSON-RPC leaves to servers.
const SERVER_ERROR: i32 = -32_000;
const HEADER_MISMATCH: i32 = -32_020;
const UNSUPPORTED_VERSION: i32 = -32_022;

/// What a client sent.
pub(super) enum Message {
    /// It waits for an answer.
    Request {
        /// A text or a number, sent back as it is.
        id: Value,
        method: String,
        params: Value,
    },
    /// A notification, or an answer to something that nobody asked.
    Unanswered,
    Unreadable(Fault),
}

/// Reads a message.
pub(super) fn read(bytes: &[u8]) -> Message {
    let Ok(message) = serde_json::from_slice::<Value>(bytes) else {
        return Message::Unreadable(Fault::new(PARSE_ERROR, "the message is not JSON"));
    };
    let invalid = |reason: &str| Message::Unreadable(Fault::new(INVALID_REQUEST, reason));
    let Value::Object(mut message) = message else {
        return invalid("a message must be one JSON object; batches are not taken");
    };
    if message.get("jsonrpc") != Some(&json!("2.0")) {
        return invalid("a message must be of JSON-RPC 2.0");
    }
    let Some(Value::String(method)) = message.remove("method") else {
        let is_answer = message.contains_key("result") || message.contains_key("error");
        return if is_answer {
            Message::Unanswered
        } else {
            invalid("a message must name its method")
        };
    };
    let params = message.remove("params").filter(|params| !params.is_null());
    let params = params.unwrap_or_else(|| json!({}));
    match message.remove("id") {
        None => Message::Unanswered,
        Some(id @ (Value::String(_) | Value::Number(_))) => Message::Request { id, method, params },
        Some(_) => invalid("an id must be a text or a number"),
    }
}

/// How a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// With `initialize` first.
    Handshake,
    /// Each request by itself.
    Stateless,
}

impl Era {
    /// That of a request; `headers` where it came by HTTP.
    ///
    /// # Errors
    /// A version that is not spoken here; headers that say something else than the message.
    pub(super) fn of(method: &str, params: &Value, headers: Option<&HeaderMap>) -> Result<Self, Fault> {
        if !params.is_object() {
            return Err(Fault::params("`params` must be an object"));
        }
        let named = headers.and_then(|headers| header(headers, VERSION_HEADER));
        let meta = &params["_meta"];
        let version = match &meta[VERSION_KEY] {
            Value::Null => {
                return match named.filter(|named| !VERSIONS.contains(named)) {
                    Some(unknown) if method != "initialize" => Err(Fault::unsupported(unknown)),
                    _ => Ok(Self::Handshake),
                };
            }
            Value::String(version) if method != "initialize" => version,
            Value::String(_) => return Ok(Self::Handshake),
            _ => return Err(Fault::params(&format!("`_meta.{VERSION_KEY}` must be text"))),
        };
        if let Some(headers) = headers {
            if named != Some(version) {
                return Err(Fault::mismatch(VERSION_HEADER));
            }
            if header(headers, METHOD_HEADER) != Some(method) {
                return Err(Fault::mismatch(METHOD_HEADER));
            }
        }
        if version != STATELESS {
            return Err(Fault::unsupported(version));
        }
        if !meta[CAPABILITIES_KEY].is_object() {
            return Err(Fault::params(&format!(
                "`_meta.{CAPABILITIES_KEY}` must be an object"
            )));
        }
        Ok(Self::Stateless)
    }
}

/// The version of a handshake: the one asked for where it is spoken, else the newest that has one.
pub(super) fn agreed_version(asked: Option<&str>) -> &'static str {
    let with_handshake = &VERSIONS[1..];
    let spoken = with_handshake.iter().find(|version| Some(**version) == asked);
    spoken.unwrap_or(&with_handshake[0])
}

/// Why a message has no result.
#[derive(Debug)]
pub(super) struct Fault {
    code: i32,
    message: String,
    data: Option<Value>,
}

impl Fault {
    fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    pub(super) fn unknown_method(method: &str) -> Self {
        Self::new(METHOD_NOT_FOUND, format!("there is no method `{method}` here"))
    }

    pub(super) fn params(reason: &str) -> Self {
        Self::new(INVALID_PARAMS, reason)
    }

    /// What was refused before it was read as a message.
    pub(super) fn refused(code: ErrorCode, message: &str, data: Value) -> Self {
        let number = match code {
            ErrorCode::Internal => INTERNAL_ERROR,
            _ => SERVER_ERROR,
        };
        Self {
            data: Some(data),
            ..Self::new(number, message)
        }
    }

    fn mismatch(header: &str) -> Self {
        Self::new(
            HEADER_MISMATCH,
            format!("the header `{header}` does not say what the message says"),
        )
    }

    fn unsupported(version: &str) -> Self {
        Self {
            data: Some(json!({"supported": VERSIONS, "requested": version})),
            ..Self::new(UNSUPPORTED_VERSION, "Unsupported protocol version")
        }
    }

    pub(super) fn body(&self) -> Value {
        let mut body = json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            body["data"] = data.clone();
        }
        body
    }

    /// The status it is sent with. Clients that began with a handshake read the body of a 200; what they could not read is a 400 for all.
    pub(super) fn status(&self, era: Era) -> StatusCode {
        match (self.code, era) {
            (PARSE_ERROR | INVALID_REQUEST | HEADER_MISMATCH | UNSUPPORTED_VERSION, _) => {
                StatusCode::BAD_REQUEST
            }
            (_, Era::Handshake) => StatusCode::OK,
            (METHOD_NOT_FOUND, Era::Stateless) => StatusCode::NOT_FOUND,
            (INVALID_PARAMS, Era::Stateless) => StatusCode::BAD_REQUEST,
            (_, Era::Stateless) => StatusCode::OK,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use serde_json::{Value, json};

    use super::{Era, Message, agreed_version, read};

    fn faulty(text: &str) -> i64 {
        match read(text.as_bytes()) {
            Message::Unreadable(fault) => fault.body()["code"].as_i64().unwrap(),
            Message::Request { .. } | Message::Unanswered => panic!("read: {text}"),
        }
    }

    #[test]
    fn what_is_no_message_is_refused_and_what_needs_no_answer_gets_none() {
        assert_eq!(faulty("{"), -32_700);
        assert_eq!(faulty("[]"), -32_600, "no batches");
        assert_eq!(faulty(r#"{"method": "ping", "id": 1}"#), -32_600);
        assert_eq!(faulty(r#"{"jsonrpc": "2.0", "id": 1}"#), -32_600);
        assert_eq!(
            faulty(r#"{"jsonrpc": "2.0", "method": "ping", "id": null}"#),
            -32_600
        );
        for text in [
            r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#,
            r#"{"jsonrpc": "2.0", "id": 1, "result": {}}"#,
        ] {
            assert!(matches!(read(text.as_bytes()), Message::Unanswered), "{text}");
        }
    }

    #[test]
    fn a_handshake_agrees_on_a_version_that_both_speak() {
        assert_eq!(agreed_version(Some("2025-06-18")), "2025-06-18");
        assert_eq!(agreed_version(Some("1999-01-01")), "2025-11-25");
        assert_eq!(
            agreed_version(Some("2026-07-28")),
            "2025-11-25",
            "that one has no handshake"
        );
        assert_eq!(agreed_version(None), "2025-11-25");
    }

    fn era(params: &Value, headers: &[(&'static str, &str)]) -> Result<Era, i64> {
        let headers: HeaderMap = headers
            .iter()
            .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let era = Era::of("tools/list", params, Some(&headers));
        era.map_err(|fault| fault.body()["code"].as_i64().unwrap())
    }

    #[test]
    fn a_request_says_what_it_speaks_the_same_in_message_and_headers() {
        let meta = |version: &str| {
            json!({"_meta": {
                "io.modelcontextprotocol/protocolVersion": version,
                "io.modelcontextprotocol/clientCapabilities": {},
            }})
        };
        let with = |version| [("mcp-protocol-version", version), ("mcp-method", "tools/list")];
        assert_eq!(era(&json!({}), &[]), Ok(Era::Handshake));
        assert_eq!(era(&json!([1]), &[]), Err(-32_602));
        assert_eq!(
            era(&json!({}), &[("mcp-protocol-version", "2025-06-18")]),
            Ok(Era::Handshake)
        );
        assert_eq!(era(&json!({}), &[("mcp-protocol-version", "1.0")]), Err(-32_022));
        assert_eq!(era(&meta("2026-07-28"), &with("2026-07-28")), Ok(Era::Stateless));
        assert_eq!(era(&meta("2026-07-28"), &with("2025-06-18")), Err(-32_020));
        assert_eq!(era(&meta("2026-07-28"), &[]), Err(-32_020));
        assert_eq!(era(&meta("2027-01-01"), &with("2027-01-01")), Err(-32_022));
        let bare = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}});
        assert_eq!(era(&bare, &with("2026-07-28")), Err(-32_602));
    }
}
