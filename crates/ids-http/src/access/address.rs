//! Where a request comes from: the peer, or what trusted proxies say of it.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, header};
use ipnet::IpNet;

use crate::state::AppState;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The address of who asks; `None` where the request came by no network (the socket of the command line, tests).
///
/// Behind trusted proxies it is the last address in `X-Forwarded-For` that is none of theirs: what stands before it was written by
/// whoever asks, and may say anything.
pub(crate) fn client_address(
    extensions: &Extensions,
    headers: &HeaderMap,
    trusted: &[IpNet],
) -> Option<IpAddr> {
    let peer = peer(extensions)?;
    if !is_trusted(peer, trusted) {
        return Some(peer);
    }
    let mut client = peer;
    let said: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .collect();
    for text in said.iter().rev() {
        // What cannot be read ends the chain: nothing before it can be trusted.
        let Ok(address) = text.trim().parse::<IpAddr>() else {
            break;
        };
        client = address.to_canonical();
        if !is_trusted(client, trusted) {
            break;
        }
    }
    Some(client)
}

/// Whether the browser speaks TLS to the proxy in front, as a trusted one says.
pub(crate) struct IsEncrypted(pub(crate) bool);

impl FromRequestParts<AppState> for IsEncrypted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let trusted = &state.options.trusted_proxies;
        let by_name = state.options.public_url.as_deref();
        Ok(Self(
            by_name.is_some_and(|url| url.starts_with("https://"))
                || is_encrypted(&parts.extensions, &parts.headers, trusted),
        ))
    }
}

/// A caller on this machine itself, not behind a proxy: whom /metrics answers without a key.
pub(crate) struct IsLoopback(pub(crate) bool);

impl FromRequestParts<AppState> for IsLoopback {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let trusted = &state.options.trusted_proxies;
        let address = client_address(&parts.extensions, &parts.headers, trusted);
        // A proxy on this machine that nobody told us of: who is behind it is not known.
        let is_direct = !came_through_a_proxy(&parts.headers);
        Ok(Self(
            is_direct && address.is_some_and(|address| address.is_loopback()),
        ))
    }
}

/// Whether a request says that a proxy passed it on.
pub(crate) fn came_through_a_proxy(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED_FOR)
        || headers.contains_key(header::FORWARDED)
        || headers.contains_key(header::VIA)
}

fn is_encrypted(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    peer(extensions).is_some_and(|peer| is_trusted(peer, trusted))
        && headers
            .get(FORWARDED_PROTO)
            .is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"))
}

fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let ConnectInfo(address) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(address.ip().to_canonical())
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::extract::ConnectInfo;
    use axum::http::{Extensions, HeaderMap};
    use ipnet::IpNet;

    use super::{client_address, is_encrypted};

    fn check(peer: &str, forwarded: &[&str], expected: &str) {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        let mut headers = HeaderMap::new();
        for list in forwarded {
            headers.append("x-forwarded-for", list.parse().unwrap());
        }
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "127.0.0.1/32".parse().unwrap()];
        let found = client_address(&extensions, &headers, &trusted);
        assert_eq!(found, Some(expected.parse().unwrap()), "{peer} {forwarded:?}");
    }

    #[test]
    fn only_what_trusted_proxies_say_counts() {
        check("203.0.113.5", &["198.51.100.1"], "203.0.113.5");
        check("10.1.2.3", &["198.51.100.1"], "198.51.100.1");
        check("10.1.2.3", &["1.1.1.1, 198.51.100.1, 10.0.0.7"], "198.51.100.1");
        check("10.1.2.3", &["1.1.1.1", "198.51.100.1"], "198.51.100.1");
        check("10.1.2.3", &["1.1.1.1, garbage"], "10.1.2.3");
        check("::ffff:127.0.0.1", &["2001:db8::1"], "2001:db8::1");
        check("10.1.2.3", &[], "10.1.2.3");
    }

    #[test]
    fn only_a_trusted_proxy_says_that_the_browser_speaks_tls() {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 1))));
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        assert!(is_encrypted(
            &extensions,
            &headers,
            &["10.0.0.0/8".parse().unwrap()]
        ));
        assert!(!is_encrypted(&extensions, &headers, &[]));
    }
}
