//! Values from the address.

use std::fmt::Display;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use ids_core::error::{ErrorCode, Refusal};
use serde::de::DeserializeOwned;

use super::Fields;
use crate::error::ApiError;

/// Parameters of the path as texts; what they mean, and which error they give, is the handler's to say.
pub(crate) struct PathOf<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for PathOf<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            // Not UTF-8 after decoding: no address of ours looks like that.
            Err(_) => Err(ApiError::new(
                ErrorCode::RouteNotFound,
                "the address cannot be read",
            )),
        }
    }
}

/// The fields of the query string.
pub(crate) struct QueryOf(pub(crate) Fields);

impl<S: Send + Sync> FromRequestParts<S> for QueryOf {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Ok(Self(Fields::of_texts(pairs)))
    }
}

/// An id out of the path. Ids are opaque to callers, so a text that cannot be one is an id nobody has: `not_found`.
pub(crate) fn parse_id<T: std::str::FromStr>(
    text: &str,
    not_found: ErrorCode,
    thing: impl Display,
) -> Result<T, Refusal> {
    text.parse()
        .map_err(|_| Refusal::new(not_found, format!("there is no {thing} of that id")))
}
