//! The page: `web/` as it lies in the repository, inside the binary, under a path that holds the hash of all of it.

use std::fmt::Write as _;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// `web/` as (path, bytes), by path.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// In HTML files, what stands for [`hash`].
const PLACEHOLDER: &str = "ASSETS_HASH";

/// The first half of the SHA-256 over all names and bytes: an asset changes only together with its address, so it may
/// be cached for ever.
pub(crate) static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    for (name, bytes) in FILES {
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    let digest = hasher.finalize();
    digest.iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
});

/// A file of `web/` with its MIME type.
pub(crate) fn find(path: &str) -> Option<(&'static [u8], &'static str)> {
    let (_, bytes) = FILES.iter().find(|(name, _)| *name == path)?;
    Some((bytes, content_type(path)?))
}

/// An HTML file of `web/`, its links leading to the assets of this build.
pub(crate) fn html(name: &str) -> Option<String> {
    let (bytes, _) = find(name)?;
    Some(String::from_utf8_lossy(bytes).replace(PLACEHOLDER, &HASH))
}

fn content_type(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{FILES, HASH, content_type, find, html};

    #[test]
    fn the_page_and_both_languages_are_embedded_with_known_types() {
        for path in [
            "index.html",
            "docs.html",
            "app.js",
            "i18n/pt.json",
            "i18n/en.json",
        ] {
            assert!(find(path).is_some(), "{path}");
        }
        assert!(FILES.iter().all(|(name, _)| content_type(name).is_some()));
    }

    #[test]
    fn the_page_links_to_the_assets_of_this_build() {
        let page = html("index.html").unwrap();
        assert!(page.contains(&format!("/assets/{}/app.js", *HASH)));
        assert_eq!(HASH.len(), 32);
    }

    #[test]
    fn no_page_needs_anything_inline_or_from_elsewhere() {
        for name in ["index.html", "docs.html"] {
            let page = html(name).unwrap();
            assert!(
                !page.contains("<style") && !page.contains(" style=") && !page.contains("onclick"),
                "{name}"
            );
            assert!(!page.contains("//cdn") && !page.contains("https://"), "{name}");
            assert!(
                page.matches("<script").count() == page.matches("<script type=\"module\" src=").count(),
                "{name}"
            );
        }
    }
}
