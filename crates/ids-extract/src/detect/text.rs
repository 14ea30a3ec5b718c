//! What kind of text a text is: by its beginning, then by its name.

use ids_core::document::{ContentType, FileType};

use super::{Kind, extension};
use crate::encoding;

/// Header fields that only mail begins with.
const MAIL_FIELDS: [&str; 6] = [
    "mime-version",
    "received",
    "message-id",
    "return-path",
    "delivered-to",
    "dkim-signature",
];
/// Header fields that letters in plain text may have too.
const LETTER_FIELDS: [&str; 5] = ["from", "to", "date", "subject", "reply-to"];

/// The kind of a text whose beginning is `head`.
pub(super) fn kind(head: &[u8], filename: &str) -> Kind {
    let named = FileType::of_extension(&extension(filename)).map(|of| of.content_type);
    let text = encoding::decode(head.to_vec(), None);
    let text = text.trim_start();
    if let Some(content_type) = markup(text) {
        // XHTML of any name is HTML; Markdown may begin with HTML.
        let is_markdown = named == Some(ContentType::MARKDOWN) && content_type == ContentType::HTML;
        return Kind::Known(if is_markdown {
            ContentType::MARKDOWN
        } else {
            content_type
        });
    }
    match named {
        Some(ContentType::EML) => return Kind::Known(mail_of(text)),
        Some(ContentType::MHTML) => return Kind::Known(ContentType::MHTML),
        Some(name @ (ContentType::CSV | ContentType::MARKDOWN | ContentType::HTML | ContentType::JSON)) => {
            return Kind::Known(name);
        }
        Some(ContentType::XML) if text.starts_with('<') => return Kind::Known(ContentType::XML),
        _ => {}
    }
    if text.starts_with("From ") && is_mail(text.split_once('\n').map_or("", |(_, rest)| rest)) {
        return Kind::Other("a mailbox of many messages");
    }
    if is_mail(text) {
        return Kind::Known(mail_of(text));
    }
    // What programs export "to Excel" is often a table as text.
    let is_table =
        named == Some(ContentType::XLS) && text.lines().next().is_some_and(|line| line.contains(['\t', ';']));
    Kind::Known(if is_table {
        ContentType::CSV
    } else {
        ContentType::TEXT
    })
}

/// HTML or XML, by what the text begins with.
fn markup(text: &str) -> Option<&'static str> {
    let has_declaration = text.starts_with("<?xml");
    let after = if has_declaration {
        text.split_once("?>").map_or("", |(_, rest)| rest)
    } else {
        text
    };
    let after = after.trim_start().to_lowercase();
    let is_html = ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|tag| after.starts_with(tag))
        || after.starts_with("<!--") && after.contains("<html");
    if is_html {
        return Some(ContentType::HTML);
    }
    has_declaration.then_some(ContentType::XML)
}

/// Whether a text begins with the header of a message: fields only, up to an empty line, one at least that only mail has.
fn is_mail(text: &str) -> bool {
    let mut mail_fields = 0;
    let mut letter_fields = 0;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() {
            break;
        }
        let is_folded = line.starts_with([' ', '\t']) && mail_fields + letter_fields > 0;
        // The head that is looked at may end inside a line.
        if is_folded || lines.peek().is_none() {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else {
            return false;
        };
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_name {
            return false;
        }
        let name = name.to_ascii_lowercase();
        mail_fields += usize::from(MAIL_FIELDS.contains(&name.as_str()));
        letter_fields += usize::from(LETTER_FIELDS.contains(&name.as_str()));
    }
    mail_fields > 0 && mail_fields + letter_fields >= 2
}

/// A message, or a web page kept as one.
fn mail_of(text: &str) -> &'static str {
    let header = text.split("\n\n").next().unwrap_or_default();
    let header = header.split("\r\n\r\n").next().unwrap_or_default().to_lowercase();
    let is_page = header.contains("multipart/related")
        && (header.contains("snapshot-content-location") || header.contains("saved by "));
    if is_page {
        ContentType::MHTML
    } else {
        ContentType::EML
    }
}

#[cfg(test)]
mod tests {
    use ids_core::document::ContentType;

    use super::{Kind, kind};

    #[test]
    fn texts_are_told_apart_by_how_they_begin_then_by_name() {
        let check = |text: &str, name: &str, content_type: &'static str| {
            assert_eq!(
                kind(text.as_bytes(), name),
                Kind::Known(content_type),
                "{name}: {text}"
            );
        };
        let mail = "Received: from a\n by b\nFrom: Ana <a@b>\nSubject: x\nMIME-Version: 1.0\n\nOi";
        check(mail, "x.txt", ContentType::EML);
        check("From: Ana\nSubject: carta\n\nOi", "x.txt", ContentType::TEXT);
        check("From: Ana\nSubject: carta\n\nOi", "x.eml", ContentType::EML);
        check(
            "Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/related;\nSnapshot-Content-Location: y\n\n",
            "x",
            ContentType::MHTML,
        );
        check("<?xml version='1.0'?><nfeProc/>", "x.txt", ContentType::XML);
        check("<html><table>", "x.xls", ContentType::HTML);
        check("nome\tvalor\na\t1", "x.xls", ContentType::CSV);
        check("nome;valor", "x.csv", ContentType::CSV);
        check("<html>", "x.csv", ContentType::HTML);
        check("{\"a\": 1}", "x.json", ContentType::JSON);
        check("uma carta", "x.doc", ContentType::TEXT);
        assert_eq!(
            kind(format!("From a@b Mon\n{mail}").as_bytes(), "x.mbox"),
            Kind::Other("a mailbox of many messages")
        );
    }
}
