//! Addresses of the page that people read: those of one page of a document.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ids_core::id::DocumentId;
use ids_core::span::CharSpan;

use crate::access::{IsEncrypted, host};
use crate::state::AppState;

/// Makes them: over the public address, else that of the request; over the local socket, which no browser reaches, without one.
pub(crate) struct PageLinks {
    origin: String,
}

impl PageLinks {
    /// Whether they lead somewhere from outside.
    pub(crate) fn are_absolute(&self) -> bool {
        !self.origin.is_empty()
    }

    /// The view of a page; a range of its text is marked there.
    pub(crate) fn to(&self, document_id: DocumentId, page: u32, range: Option<CharSpan>) -> String {
        let marked = range.map(|range| format!("?start={}&end={}", range.start, range.end));
        format!(
            "{}/#/documents/{document_id}/pages/{page}{}",
            self.origin,
            marked.unwrap_or_default()
        )
    }
}

impl FromRequestParts<AppState> for PageLinks {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let IsEncrypted(is_encrypted) = IsEncrypted::from_request_parts(parts, state).await?;
        let origin = match (&state.options.public_url, host(&parts.headers)) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Some(host)) if !state.local => {
                let scheme = if is_encrypted { "https" } else { "http" };
                format!("{scheme}://{host}")
            }
            (None, _) => String::new(),
        };
        Ok(Self { origin })
    }
}
