//! Who asks: the one place where a request gets its [`Scope`]. A handler that wants one says with [`Granted`] what a key must
//! allow; there is no other way to a scope, so no handler can forget to ask.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use ids_core::access::{KeySecret, Permission, Permissions};
use ids_core::error::{ErrorCode, Refusal};
use ids_core::id::{KeyId, OrganizationId};
use ids_core::scope::Scope;

use super::cookie;
use super::rate::within_limit;
use crate::error::ApiError;
use crate::options::Access;
use crate::state::AppState;

/// Names the organization that this machine's own command line acts for.
const ORGANIZATION: HeaderName = HeaderName::from_static("x-ids-organization");

/// Who asks, and what they may.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    scope: Scope,
    permissions: Permissions,
    key_id: Option<KeyId>,
}

impl Caller {
    /// Whoever reaches a server without keys, or its local socket: everything of one organization.
    const fn trusted(organization: OrganizationId) -> Self {
        Self {
            scope: Scope::organization(organization),
            permissions: Permissions::ADMIN,
            key_id: None,
        }
    }

    async fn of(state: &AppState, headers: &HeaderMap) -> Result<Self, Refusal> {
        if state.local {
            return local_organization(headers).map(Self::trusted);
        }
        let Access::Keys(keys) = &state.options.access else {
            // An `Authorization` header is ignored: clients of other systems always send one.
            return Ok(Self::trusted(OrganizationId::DEFAULT));
        };
        let secret = presented(headers)?;
        let key = state.options.library.authenticate(&secret).await?;
        let caller = format!("key:{}", key.key_id);
        within_limit(&*keys.limiter, &caller, keys.per_key_and_minute).await?;
        Ok(Self {
            scope: key.scope(),
            permissions: key.permissions,
            key_id: Some(key.key_id),
        })
    }
}

fn local_organization(headers: &HeaderMap) -> Result<OrganizationId, Refusal> {
    let Some(named) = headers.get(ORGANIZATION) else {
        return Ok(OrganizationId::DEFAULT);
    };
    let parsed = named.to_str().ok().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| Refusal::field("x-ids-organization", "must be the id of an organization"))
}

/// The key that a request brings: in its `Authorization`, else in the page's cookie.
fn presented(headers: &HeaderMap) -> Result<KeySecret, Refusal> {
    // Another scheme is a proxy's own password, not ours. The scheme's case does not matter (RFC 9110).
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, secret) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
    });
    let text = match bearer {
        Some(text) => text,
        None => cookie::key(headers).ok_or_else(|| {
            unauthenticated("this server asks for a key; send it as `Authorization: Bearer ids_…`")
        })?,
    };
    text.parse().map_err(|_| {
        unauthenticated("this is no key of this server; keys look like `ids_` and 43 characters")
    })
}

fn unauthenticated(message: &str) -> Refusal {
    Refusal::new(ErrorCode::Unauthenticated, message)
}

/// What a key must allow; one of several is enough.
pub(crate) trait Need: Send + Sync {
    /// Any of these.
    const ANY_OF: &'static [Permission];
}

macro_rules! needs {
    ($($(#[$doc:meta])* $name:ident: $($permission:ident),*;)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl Need for $name {
                const ANY_OF: &'static [Permission] = &[$(Permission::$permission),*];
            }
        )*
    };
}

needs! {
    /// Any valid key.
    Anything: Search, Ask, Ingest;
    /// Documents and how they stand.
    Reading: Search, Ingest;
    /// A document and its pages, which answers cite.
    ReadingPages: Search, Ask, Ingest;
    /// Search.
    Searching: Search;
    /// Questions and conversations.
    Asking: Ask;
    /// Uploads, changes, removals, and the jobs behind them.
    Ingesting: Ingest;
    /// Keys, cleanups, the record, usage.
    Administering: Admin;
}

/// A caller whose key allows what `N` needs.
pub(crate) struct Granted<N> {
    caller: Caller,
    need: PhantomData<N>,
}

impl<N> Granted<N> {
    /// What may be seen and touched.
    pub(crate) const fn scope(&self) -> &Scope {
        &self.caller.scope
    }

    /// The key, where one was needed.
    pub(crate) const fn key_id(&self) -> Option<KeyId> {
        self.caller.key_id
    }

    /// All that the key allows.
    pub(crate) const fn permissions(&self) -> Permissions {
        self.caller.permissions
    }
}

impl<N: Need> FromRequestParts<AppState> for Granted<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::of(state, &parts.headers).await?;
        if !N::ANY_OF.iter().any(|needed| caller.permissions.allow(*needed)) {
            let names: Vec<&str> = N::ANY_OF.iter().map(|needed| needed.as_str()).collect();
            return Err(ApiError::new(
                ErrorCode::Forbidden,
                format!("this needs a key with the scope `{}`", names.join("` or `")),
            ));
        }
        Ok(Self {
            caller,
            need: PhantomData,
        })
    }
}
