//! Messages as they travel (RFC 5322, MIME), and web pages kept as one.

use ids_core::member::SkipReason;
use mail_parser::{Address, Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::{Letter, is_look};
use crate::builder::PageBuilder;
use crate::members::Members;
use crate::output::{Output, ParseError};
use crate::{encoding, html, plain};

/// Writes the one page of a message.
pub(crate) fn parse_eml(bytes: &[u8], output: &mut dyn Output) -> Result<(), ParseError> {
    let message = parsed(bytes)?;
    let letter = letter_of(&message);
    let mut builder = PageBuilder::new(1);
    letter.write_header(&mut builder)?;
    for part in message.html_bodies() {
        push_part(&message, part, &mut builder)?;
    }
    letter.write_attachments(&mut builder)?;
    letter.finish(builder, output)?;
    give_attachments(&message, output)
}

/// Gives what is attached, a message that is passed on among it.
fn give_attachments(message: &Message<'_>, output: &mut dyn Output) -> Result<(), ParseError> {
    if !output.takes_members() {
        return Ok(());
    }
    let mut members = Members::default();
    for (number, part) in (1..).zip(message.attachments()) {
        let bytes = part.contents();
        let size = bytes.len() as u64;
        let name = member_name(part, number);
        if is_look(part.content_id().is_some(), bytes) {
            members.skip(&name, size, SkipReason::Ignored, output)?;
        } else {
            // Base64 is no compression: nothing unpacks here.
            members.give(&name, size, size, bytes, output)?;
        }
    }
    Ok(())
}

/// What an attachment is called; a message that is passed on by its subject.
fn member_name(part: &MessagePart<'_>, number: usize) -> String {
    if let Some(name) = part.attachment_name() {
        return name.to_owned();
    }
    match &part.body {
        PartType::Message(inner) => {
            let subject = inner.subject().map(|subject| subject.replace(['/', '\\'], "-"));
            format!("{}.eml", subject.unwrap_or_else(|| format!("message {number}")))
        }
        PartType::Html(_) => format!("attachment {number}.html"),
        PartType::Text(_) => format!("attachment {number}.txt"),
        _ => format!("attachment {number}"),
    }
}

/// Writes the one page of a web page in MIME: the HTML alone.
pub(crate) fn parse_mhtml(bytes: &[u8], output: &mut dyn Output) -> Result<(), ParseError> {
    let message = parsed(bytes)?;
    let page = message
        .html_bodies()
        .find(|part| matches!(part.body, PartType::Html(_)))
        .or_else(|| {
            message
                .parts
                .iter()
                .find(|part| matches!(part.body, PartType::Html(_)))
        });
    let Some(page) = page else {
        return Err(ParseError::Corrupt("it has no web page in it"));
    };
    html::parse_text(&text_of(&message, page), output)
}

fn parsed(bytes: &[u8]) -> Result<Message<'_>, ParseError> {
    MessageParser::default()
        .parse(bytes)
        .ok_or(ParseError::Corrupt("it has no header of a message"))
}

fn push_part(
    message: &Message<'_>,
    part: &MessagePart<'_>,
    builder: &mut PageBuilder,
) -> Result<(), ParseError> {
    let text = text_of(message, part);
    match part.body {
        PartType::Html(_) => html::push_blocks(&text, builder),
        _ => plain::push_paragraphs(&text, builder),
    }
}

/// The text of a part. Where no character set is told and the bytes are none of UTF-8, it is guessed: old programs send Latin-1 so.
fn text_of(message: &Message<'_>, part: &MessagePart<'_>) -> String {
    let (PartType::Text(text) | PartType::Html(text)) = &part.body else {
        return String::new();
    };
    let is_told = part
        .content_type()
        .is_some_and(|content_type| content_type.attribute("charset").is_some());
    if part.encoding == Encoding::None && !is_told && text.contains('\u{fffd}') {
        let raw = message
            .raw_message()
            .get(part.offset_body as usize..part.offset_end as usize);
        if let Some(raw) = raw {
            return encoding::decode(raw.to_vec(), None);
        }
    }
    text.clone().into_owned()
}

fn letter_of(message: &Message<'_>) -> Letter {
    let attachments = message.attachments().filter_map(|part| {
        let name = match &part.body {
            // A message that is passed on is known by its subject.
            PartType::Message(inner) => part.attachment_name().or_else(|| inner.subject()),
            _ => part.attachment_name(),
        };
        Some((name?.to_owned(), part.len() as u64))
    });
    Letter {
        subject: message.subject().map(str::to_owned),
        from: message.from().and_then(addresses),
        to: message.to().and_then(addresses),
        copy: message.cc().and_then(addresses),
        date: message.date().map(|date| date.to_rfc3339()),
        attachments: attachments.collect(),
    }
}

/// `Ana <ana@example.org>, Bia <...>`.
fn addresses(address: &Address<'_>) -> Option<String> {
    let one = |name: Option<&str>, address: Option<&str>| match (name, address) {
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (name, address) => name.or(address).map(str::to_owned),
    };
    let texts: Vec<String> = address
        .iter()
        .filter_map(|address| one(address.name(), address.address()))
        .collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}
