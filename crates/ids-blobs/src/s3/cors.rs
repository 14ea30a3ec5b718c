//! Whether a bucket's CORS rules let a page send an upload.

use super::xml::Element;

/// What a bucket's CORS rules say to the uploads of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorsState {
    /// A rule allows PUT with a content type from the origin.
    Allowed,
    /// No rule does.
    Missing,
    /// The server does not tell: the key may not ask (`s3:GetBucketCORS`), the server keeps no rules by bucket
    /// (MinIO), or it cannot be reached.
    Unreadable,
}

/// Judges a CORS configuration.
pub(super) fn state(root: &Element, origin: &str) -> CorsState {
    let is_allowed = root.all("CORSRule").any(|rule| {
        let any = |name, holds: &dyn Fn(&str) -> bool| rule.all(name).any(|value| holds(value.text.trim()));
        any("AllowedOrigin", &|allowed| matches(allowed, origin))
            && any("AllowedMethod", &|method| method == "PUT")
            && any("AllowedHeader", &|header| {
                matches(&header.to_ascii_lowercase(), "content-type")
            })
    });
    if is_allowed {
        CorsState::Allowed
    } else {
        CorsState::Missing
    }
}

/// Whether a pattern with at most one `*` fits.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((begin, end)) => {
            text.len() >= begin.len() + end.len() && text.starts_with(begin) && text.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://docs.example.org";

    fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> String {
        let tags = |name: &str, values: &[&str]| -> String {
            values
                .iter()
                .map(|value| format!("<{name}>{value}</{name}>"))
                .collect()
        };
        format!(
            "<CORSRule>{}{}{}</CORSRule>",
            tags("AllowedOrigin", origins),
            tags("AllowedMethod", methods),
            tags("AllowedHeader", headers)
        )
    }

    #[test]
    fn one_rule_must_allow_origin_method_and_header_together() {
        use CorsState::{Allowed, Missing};
        for (rules, expected) in [
            (String::new(), Missing),
            (rule(&[ORIGIN], &["GET", "PUT"], &["x", "Content-Type"]), Allowed),
            (rule(&["*"], &["PUT"], &["*"]), Allowed),
            (
                rule(&["https://*.example.org"], &["PUT"], &["content-*"]),
                Allowed,
            ),
            (rule(&["https://*.docs.example.org"], &["PUT"], &["*"]), Missing),
            (rule(&["http://docs.example.org"], &["PUT"], &["*"]), Missing),
            (rule(&[ORIGIN], &["GET"], &["*"]), Missing),
            (rule(&[ORIGIN], &["PUT"], &[]), Missing),
            (
                rule(&[ORIGIN], &["GET"], &["*"]) + &rule(&["https://other.org"], &["PUT"], &["*"]),
                Missing,
            ),
            (
                rule(&["https://other.org"], &["PUT"], &["*"]) + &rule(&[ORIGIN], &["PUT"], &["*"]),
                Allowed,
            ),
        ] {
            let document = format!("<CORSConfiguration xmlns=\"u\">{rules}</CORSConfiguration>");
            let root = Element::parse(&document).unwrap();
            assert_eq!(state(&root, ORIGIN), expected, "{rules}");
        }
    }
}
