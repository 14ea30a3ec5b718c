//! What is asked of XML everywhere: local names, attributes, references.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart};

/// The value of the attribute of that local name, whatever its prefix.
pub(crate) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attributes = element.attributes();
    attributes
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)
        .map(|attribute| {
            attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_or_else(|_| String::new(), std::borrow::Cow::into_owned)
        })
}

/// Whether a switch such as `<w:b w:val="0"/>` is on.
pub(crate) fn is_on(element: &BytesStart<'_>) -> bool {
    !matches!(
        attribute(element, "val").as_deref(),
        Some("0" | "false" | "off" | "none")
    )
}

/// The character of `&#233;` or `&amp;`. Entities that a file defines itself are left out: a few lines of them can
/// stand for gigabytes.
pub(crate) fn reference(reference: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return Some(c);
    }
    match &**reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}
