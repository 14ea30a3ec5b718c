//! What the tokenizer's tags mean: which elements are shown, which part text, which hold text without markup.

use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{Tag, TagKind, TokenSinkResult};

/// Elements that are never shown, or that the page hides.
pub(crate) fn leaves_out(tag: &Tag, name: &str) -> bool {
    let is_never_shown = matches!(
        name,
        "script"
            | "style"
            | "template"
            | "noscript"
            | "svg"
            | "iframe"
            | "object"
            | "noframes"
            | "noembed"
            | "select"
            | "datalist"
            | "canvas"
            | "audio"
            | "video"
    );
    if is_never_shown {
        return true;
    }
    // Elements whose end may be left out are not hidden as a whole: the rest of the file would go with them.
    let may_lack_end = matches!(
        name,
        "li" | "dt"
            | "dd"
            | "tr"
            | "td"
            | "th"
            | "tbody"
            | "thead"
            | "tfoot"
            | "option"
            | "html"
            | "body"
            | "head"
    );
    if may_lack_end || is_void(name) {
        return false;
    }
    attribute(tag, "hidden").is_some_and(|value| !value.eq_ignore_ascii_case("until-found"))
        || attribute(tag, "aria-hidden").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || attribute(tag, "style").is_some_and(hides)
}

fn hides(style: &str) -> bool {
    let style: String = style
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase();
    style.contains("display:none") || style.contains("visibility:hidden")
}

/// The value of an attribute.
pub(crate) fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    tag.attrs
        .iter()
        .find(|attribute| &*attribute.name.local == name)
        .map(|attribute| &*attribute.value)
}

/// The text with white space folded.
pub(crate) fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Elements without content.
fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements that begin and end a block.
pub(crate) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "center"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "fieldset"
            | "figure"
            | "footer"
            | "form"
            | "head"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "option"
            | "p"
            | "section"
            | "summary"
            | "tbody"
            | "tfoot"
            | "thead"
            | "ul"
            | "xmp"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "table"
            | "pre"
            | "li"
            | "dt"
            | "dd"
    )
}

/// Elements in whose content `<` is no markup.
pub(crate) fn is_raw(name: &str) -> bool {
    raw_kind(name).is_some()
}

fn raw_kind(name: &str) -> Option<RawKind> {
    match name {
        "title" | "textarea" => Some(RawKind::Rcdata),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => Some(RawKind::Rawtext),
        "script" => Some(RawKind::ScriptData),
        _ => None,
    }
}

/// Tells the tokenizer about such an element: that is a tree builder's work in a browser.
pub(crate) fn raw_text(tag: &Tag, name: &str) -> TokenSinkResult<()> {
    match (tag.kind, raw_kind(name)) {
        (TagKind::StartTag, Some(kind)) => TokenSinkResult::RawData(kind),
        _ => TokenSinkResult::Continue,
    }
}
