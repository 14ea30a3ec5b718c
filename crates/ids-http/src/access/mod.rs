//! Who may ask. Without keys (`IDS_AUTH=off`) the server listens on this machine only, and the browser is the one program on it that
//! strangers can steer: a page of another site is told by its `Origin`, a name that was bent to this machine (DNS rebinding) by
//! its `Host`. With keys every name will do, and a request must bring one: see [`caller`].

mod address;
mod caller;
pub(crate) mod cookie;
mod rate;

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ids_core::error::{ErrorCode, Refusal};

use self::address::client_address;
pub(crate) use self::address::{IsEncrypted, IsLoopback};
pub(crate) use self::caller::{
    Administering, Anything, Asking, Granted, Ingesting, Reading, ReadingPages, Searching,
};
use crate::error::ApiError;
use crate::options::Access;
use crate::state::AppState;

/// What a page of an allowed origin may send and read beyond the plain.
const CORS_METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const CORS_HEADERS: &str =
    "authorization, content-type, last-event-id, mcp-method, mcp-protocol-version, x-request-id";
const CORS_EXPOSED: &str = "retry-after, x-request-id";
const CORS_MAX_AGE_SECONDS: &str = "600";
/// What supervisors ask, all from one address: never counted.
const NEVER_LIMITED: [&str; 4] = ["/live", "/ready", "/health", "/api/v1/queue/health"];

/// Refuses pages of other sites and callers that ask too much, and answers the preflights of those that may ask.
pub(crate) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // The socket of the command line is a file that only its owner can open; no browser reaches it.
    if state.local {
        return next.run(request).await;
    }
    // A body may not be shared between threads, and the limiter is waited for: what is looked at goes ahead of it.
    let (parts, body) = request.into_parts();
    if let Err(refusal) = check_caller(&state, &parts).await {
        return ApiError::from(refusal).into_response();
    }
    let request = Request::from_parts(parts, body);
    let allowed = match check_origin(&state, &request) {
        Ok(origin) => origin,
        Err(error) => return error.into_response(),
    };
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let Some(origin) = allowed else {
        return next.run(request).await;
    };
    let mut response = if is_preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    add_cors(response.headers_mut(), origin, is_preflight);
    response
}

/// The name it was called by, without keys; how often its address asks, with them.
async fn check_caller(state: &AppState, request: &Parts) -> Result<(), Refusal> {
    let Access::Keys(keys) = &state.options.access else {
        if address::came_through_a_proxy(&request.headers) {
            // Whoever can reach the proxy could do everything.
            return Err(Refusal::new(
                ErrorCode::OriginRefused,
                "the request came through a proxy; without keys the server answers to this machine only (set IDS_AUTH=keys)",
            ));
        }
        return match host(&request.headers).filter(|host| !is_loopback(host)) {
            None => Ok(()),
            Some(host) => Err(Refusal::new(
                ErrorCode::OriginRefused,
                format!(
                    "`{host}` is no name of this machine; without keys the server answers to `localhost` only"
                ),
            )),
        };
    };
    let trusted = &state.options.trusted_proxies;
    match client_address(&request.extensions, &request.headers, trusted) {
        Some(address) if !NEVER_LIMITED.contains(&request.uri.path()) => {
            let caller = format!("address:{address}");
            rate::within_limit(&*keys.limiter, &caller, keys.per_address_and_minute).await
        }
        _ => Ok(()),
    }
}

/// The request's `Host`.
pub(crate) fn host(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::HOST)
        .map(|value| value.to_str().unwrap_or("?"))
}

/// The other site's origin when it is on the list; `None` when the page is ours, or no page at all asks.
fn check_origin(state: &AppState, request: &Request) -> Result<Option<HeaderValue>, ApiError> {
    let Some(origin) = request.headers().get(header::ORIGIN) else {
        return Ok(None);
    };
    let text = origin.to_str().unwrap_or("?");
    if is_own(state, request.headers(), text) {
        return Ok(None);
    }
    let listed = &state.options.cors_origins;
    if listed.iter().any(|listed| listed.trim_end_matches('/') == text) {
        return Ok(Some(origin.clone()));
    }
    Err(ApiError::new(
        ErrorCode::OriginRefused,
        "a page of another site asked; list its origin in `CORS_ORIGINS` if it may",
    ))
}

fn is_own(state: &AppState, headers: &HeaderMap, origin: &str) -> bool {
    let Some(host) = host(headers) else {
        return false;
    };
    let named = |scheme: &str| origin.strip_prefix(scheme) == Some(host);
    match state.options.access {
        Access::Off => named("http://"),
        // A proxy in front may speak TLS, and call us by another name than people do.
        Access::Keys(_) => {
            named("http://") || named("https://") || state.options.public_origin().as_deref() == Some(origin)
        }
    }
}

/// `localhost`, `127.0.0.1` and `[::1]`, with any port.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(name, _)| name),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn add_cors(headers: &mut HeaderMap, origin: HeaderValue, is_preflight: bool) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let mut say =
        |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    if is_preflight {
        say(header::ACCESS_CONTROL_ALLOW_METHODS, CORS_METHODS);
        say(header::ACCESS_CONTROL_ALLOW_HEADERS, CORS_HEADERS);
        say(header::ACCESS_CONTROL_MAX_AGE, CORS_MAX_AGE_SECONDS);
    } else {
        say(header::ACCESS_CONTROL_EXPOSE_HEADERS, CORS_EXPOSED);
    }
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in [
            "localhost",
            "LocalHost:8000",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.2:8000",
            "[::1]",
            "[::1]:8000",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.org",
            "localhost.example.org",
            "127.0.0.1.nip.io:8000",
            "192.168.0.2",
            "[::2]:1",
            "?",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
