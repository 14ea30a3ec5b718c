//! The page's key in a cookie: scripts cannot read it, and no other site's page can make a browser send it.

use axum::http::{HeaderMap, HeaderValue, header};
use ids_core::access::KeySecret;

const NAME: &str = "ids_key";
/// Ninety days; then the page asks for the key again.
const MAX_AGE_SECONDS: u32 = 90 * 24 * 3_600;

/// The key in a request's cookies.
pub(super) fn key(headers: &HeaderMap) -> Option<&str> {
    let lists = headers.get_all(header::COOKIE).iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(';'))
        .find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == NAME).then_some(value)
        })
}

/// The header that keeps `secret`; over TLS it is never sent in the open.
pub(crate) fn keep(secret: &KeySecret, is_encrypted: bool) -> Option<HeaderValue> {
    header_value(secret.expose(), MAX_AGE_SECONDS, is_encrypted)
}

/// The header that removes it.
pub(crate) fn forget(is_encrypted: bool) -> Option<HeaderValue> {
    header_value("", 0, is_encrypted)
}

fn header_value(value: &str, max_age: u32, is_encrypted: bool) -> Option<HeaderValue> {
    let secure = if is_encrypted { "; Secure" } else { "" };
    let text = format!("{NAME}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}");
    let mut header = HeaderValue::try_from(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, header};
    use ids_core::access::KeySecret;

    use super::{keep, key};

    #[test]
    fn the_key_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(key(&headers), None);
        headers.append(
            header::COOKIE,
            "theme=dark; ids_key=ids_abc ;x=1".parse().unwrap(),
        );
        assert_eq!(key(&headers), Some("ids_abc"));
    }

    #[test]
    fn the_cookie_is_for_this_site_and_not_for_scripts() {
        let secret = KeySecret::from_random(&[7; 32]);
        let plain = keep(&secret, false).unwrap();
        let text = plain.to_str().unwrap();
        assert!(text.contains("HttpOnly") && text.contains("SameSite=Strict") && !text.contains("Secure"));
        assert!(
            keep(&secret, true)
                .unwrap()
                .to_str()
                .unwrap()
                .ends_with("; Secure")
        );
        assert!(!format!("{plain:?}").contains(secret.expose()), "never logged");
    }
}
