//! What happens to every request and reply, whatever the route: its id, its line in the log, its count, the one shape of
//! errors, and the headers that keep browsers careful.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use ids_core::error::{ErrorCode, Refusal};
use ids_core::trace::TARGET;
use tracing::{Instrument, Span};

use crate::error::{ApiError, title};
use crate::routes::mcp;
use crate::state::AppState;
use crate::wire::error::ErrorBody;
use crate::wire::openai::OpenAiErrorBody;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer ones are no ids but somebody's data.
const REQUEST_ID_CHARS: usize = 128;

/// Whose clients read an error.
#[derive(Debug, Clone, Copy)]
enum Door {
    Api,
    OpenAi,
    Mcp,
}

impl Door {
    fn of(path: &str) -> Self {
        if path.starts_with("/v1/") {
            Self::OpenAi
        } else if path == "/mcp" {
            Self::Mcp
        } else {
            Self::Api
        }
    }
}

/// Data is never a page.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// The request's id, for handlers whose errors do not pass here: those of a stream that has begun.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// The request's span in a trace, for those parts of an answer that are made while its body is sent.
#[derive(Debug, Clone)]
pub(crate) struct Traced(pub(crate) Span);

/// The outermost layer.
pub(crate) async fn observe(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = request_id(&state, request.headers());
    request.extensions_mut().insert(RequestId(request_id.clone()));
    let method = method_name(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    // For every line that is logged meanwhile, and for a collector of traces, where one is set.
    let logged = tracing::info_span!("request", request.id = %request_id);
    let traced = tracing::info_span!(
        target: TARGET,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        request.id = %request_id,
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    );
    request.extensions_mut().insert(Traced(traced.clone()));
    let door = Door::of(request.uri().path());
    let span = traced.clone();
    async move {
        // A panic is a fault of ours like any other; without this it would close the connection without a word.
        let reply = AssertUnwindSafe(next.run(request)).catch_unwind().await;
        let mut response = reply.unwrap_or_else(|_| {
            ApiError::new(ErrorCode::Internal, "internal error: the handler panicked").into_response()
        });
        let error = take_error(&mut response);
        if let Some(ApiError(refusal)) = &error {
            log_error(refusal);
            response = render(response, refusal, &request_id, door);
        }
        secure(&state, &mut response);
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }

        let took = started.elapsed();
        let status = response.status();
        traced.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            traced.record("otel.status_code", "ERROR");
        }
        // Neither the query string nor any text of people: addresses hold search words (house-style.md, 9).
        if !(is_probe(&route) && status.is_success()) {
            tracing::info!(
                http.method = method,
                http.route = route,
                http.status = status.as_u16(),
                error.code = error.map(|ApiError(refusal)| refusal.code.as_str()),
                elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "{method} {route} {}",
                status.as_u16()
            );
        }
        state
            .options
            .metrics
            .count(method, route, status_class(status), took);
        response
    }
    .instrument(logged)
    .instrument(span)
    .await
}

/// What a proxy and a supervisor ask every second or so: logged, "all is well" would push everything else out.
fn is_probe(route: &str) -> bool {
    matches!(route, "/live" | "/ready" | "/health")
}

/// The caller's id where it is one, else a new one.
fn request_id(state: &AppState, headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    match given.filter(|text| is_request_id(text)) {
        Some(text) => text.to_owned(),
        None => state.options.library.ports().ids.next().to_string(),
    }
}

fn is_request_id(text: &str) -> bool {
    (1..=REQUEST_ID_CHARS).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

/// The refusal that a handler, an extractor or the router itself left in the response.
fn take_error(response: &mut Response) -> Option<ApiError> {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        return Some(error);
    }
    // The router's own answer; it adds the `Allow` header after us.
    (response.status() == StatusCode::METHOD_NOT_ALLOWED).then(|| {
        ApiError::new(
            ErrorCode::MethodNotAllowed,
            "this address does not take that method; the `Allow` header lists those it takes",
        )
    })
}

/// Once, here, with all causes; what the caller did wrong is the caller's to read.
pub(crate) fn log_error(refusal: &Refusal) {
    let error = refusal as &dyn std::error::Error;
    match refusal.code {
        ErrorCode::Internal => tracing::error!(error, "a request failed by a fault of ours"),
        ErrorCode::DependencyUnavailable | ErrorCode::StorageFull | ErrorCode::Busy => {
            tracing::warn!(
                error,
                error.code = refusal.code.as_str(),
                "a request could not be served now"
            );
        }
        _ => tracing::debug!(error, error.code = refusal.code.as_str(), "a request was refused"),
    }
}

/// The body of an error, and its headers; what other layers said (CORS, `Allow`) stays.
fn render(response: Response, refusal: &Refusal, request_id: &str, door: Door) -> Response {
    let (parts, _) = response.into_parts();
    let mut rendered = match door {
        Door::OpenAi => {
            // Their clients know 400 for whatever is wrong with a request.
            let status = match parts.status {
                StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
                status => status,
            };
            (status, Json(OpenAiErrorBody::new(refusal, request_id))).into_response()
        }
        Door::Mcp => (parts.status, Json(mcp::refused(refusal, request_id))).into_response(),
        Door::Api => {
            let body = ErrorBody::new(title(refusal.code), refusal, request_id);
            (parts.status, Json(body)).into_response()
        }
    };
    for (name, value) in &parts.headers {
        if name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE {
            rendered.headers_mut().append(name, value.clone());
        }
    }
    if refusal.code == ErrorCode::Unauthenticated {
        let scheme = HeaderValue::from_static("Bearer realm=\"ids\"");
        rendered.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    if let Some(after) = refusal.retry_after {
        // Rounded up: who comes back a moment early is refused again.
        let seconds = after.as_millis().div_ceil(1_000).max(1).to_string();
        if let Ok(value) = HeaderValue::from_str(&seconds) {
            rendered.headers_mut().insert(header::RETRY_AFTER, value);
        }
    }
    rendered
}

fn secure(state: &AppState, response: &mut Response) {
    let headers = response.headers_mut();
    let is_page = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("text/html"));
    let policy = if is_page {
        state.page_policy.clone()
    } else {
        HeaderValue::from_static(DATA_POLICY)
    };
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// A bounded set of names: a client may send any word as a method.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::is_request_id;

    #[test]
    fn only_plain_short_words_are_taken_as_request_ids() {
        assert!(is_request_id("0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e"));
        assert!(is_request_id("trace:1.2_b"));
        for bad in ["", "a b", "a\"b", "{}", &"x".repeat(129)] {
            assert!(!is_request_id(bad), "{bad}");
        }
    }
}
