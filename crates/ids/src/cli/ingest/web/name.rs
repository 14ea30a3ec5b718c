//! What a page is called as a file.

use std::path::Path;

use axum::http::{HeaderMap, header};
use ids_core::document::FileType;
use ids_core::limits;
use url::Url;

/// The name that the server gives, else the last part of the address; with an extension that fits the type where it has none of a type that is read.
pub fn file_name(url: &Url, headers: &HeaderMap) -> String {
    let name = of_header(headers).or_else(|| of_address(url));
    let name = name.unwrap_or_else(|| url.host_str().unwrap_or("page").to_owned());
    let name: String = tame(&name);
    let extension = Path::new(&name)
        .extension()
        .and_then(|extension| extension.to_str());
    let is_known = extension.is_some_and(|extension| FileType::of_extension(extension).is_some());
    if is_known {
        return name;
    }
    let fitting = extension_of(headers).unwrap_or("html");
    format!("{name}.{fitting}")
}

/// `filename="…"`; the form for other alphabets is seldom, and the address as good.
fn of_header(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_DISPOSITION)?.to_str().ok()?;
    let (_, rest) = value.split_once("filename=")?;
    let name = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(';').next()?,
    };
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

fn of_address(url: &Url) -> Option<String> {
    let last = url.path_segments()?.rfind(|part| !part.is_empty())?;
    // As people would write it, where that is text.
    Some(String::from_utf8(decoded(last)).unwrap_or_else(|_| last.to_owned()))
}

/// `%20` is a space.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    bytes
}

fn extension_of(headers: &HeaderMap) -> Option<&'static str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next()?.trim().to_ascii_lowercase();
    FileType::of_content_type(&essence)?.extensions.first().copied()
}

/// A name without folders, control characters and dots in front.
fn tame(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|char| {
            if char.is_control() || matches!(char, '/' | '\\') {
                '_'
            } else {
                char
            }
        })
        .take(limits::FILE_NAME_CHARS / 2)
        .collect();
    let name = name.trim_start_matches('.').trim();
    if name.is_empty() {
        "page".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};
    use url::Url;

    use super::file_name;

    #[test]
    fn a_page_is_called_by_its_server_or_its_address() {
        let check = |url: &str, kind: &'static str, disposition: &'static str, expected: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            if !disposition.is_empty() {
                headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
            }
            assert_eq!(file_name(&Url::parse(url).unwrap(), &headers), expected, "{url}");
        };
        check(
            "https://e.org/lei/14133",
            "text/html; charset=utf-8",
            "",
            "14133.html",
        );
        check("https://e.org/a/b.pdf?x=1", "application/pdf", "", "b.pdf");
        check("https://e.org/get.php", "application/pdf", "", "get.php.pdf");
        check("https://e.org/", "text/html", "", "e.org.html");
        check("https://e.org/a%C3%A7%C3%A3o%20x/", "", "", "ação x.html");
        check("https://e.org/a+b&c=d.txt", "text/plain", "", "a+b&c=d.txt");
        check(
            "https://e.org/x",
            "application/pdf",
            "attachment; filename=\"Edital 7.pdf\"",
            "Edital 7.pdf",
        );
        check(
            "https://e.org/x",
            "text/html",
            "attachment; filename=../../.bashrc",
            "_.._.bashrc.html",
        );
        check(
            "https://e.org/x",
            "text/html",
            "attachment; filename=\"\"",
            "x.html",
        );
        check(
            "https://e.org/%2e%2e%2fetc%2fpasswd",
            "text/html",
            "",
            "_etc_passwd.html",
        );
    }
}
