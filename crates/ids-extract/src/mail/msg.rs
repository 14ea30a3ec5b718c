//! Messages of Outlook: an OLE file with a stream for each property ([MS-OXMSG]).

use std::fs::File;

use ids_core::limits;
use ids_core::member::SkipReason;

use super::{Letter, compressed, is_look, nested};
use crate::builder::PageBuilder;
use crate::members::Members;
use crate::ole::{Ole, u32_at, utf16};
use crate::output::{Output, ParseError};
use crate::{dates, encoding, html, plain, rtf};

/// Properties by number ([MS-OXPROPS]).
const SUBJECT: u16 = 0x0037;
const SENDER_NAME: u16 = 0x0c1a;
const SENDER_ADDRESS: u16 = 0x0c1f;
const SENDER_SMTP: u16 = 0x5d01;
const DISPLAY_TO: u16 = 0x0e04;
const DISPLAY_CC: u16 = 0x0e03;
const BODY: u16 = 0x1000;
const BODY_HTML: u16 = 0x1013;
const BODY_RTF: u16 = 0x1009;
const ATTACH_LONG_NAME: u16 = 0x3707;
const ATTACH_NAME: u16 = 0x3704;
const ATTACH_DATA: u16 = 0x3701;
const DISPLAY_NAME: u16 = 0x3001;
const ATTACH_CONTENT_ID: u16 = 0x3712;
/// Properties of fixed size, as they stand in the list: number in the upper half, kind in the lower.
const SUBMIT_TIME: u32 = 0x0039_0040;
const DELIVERY_TIME: u32 = 0x0e06_0040;
const CODE_PAGE: u32 = 0x3ffd_0003;
const INTERNET_CODE_PAGE: u32 = 0x3fde_0003;
/// Bytes before the list of a message that lies in no other.
const LIST_HEADER_BYTES: usize = 32;

/// Writes the one page of a message.
pub(crate) fn parse(file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut message = Properties::open(Ole::open(file)?);
    let sender = match (
        message.text("", SENDER_NAME),
        message
            .text("", SENDER_SMTP)
            .or_else(|| message.text("", SENDER_ADDRESS)),
    ) {
        (Some(name), Some(address)) if address.contains('@') && name != address => {
            Some(format!("{name} <{address}>"))
        }
        (name, address) => name.or(address),
    };
    let letter = Letter {
        subject: message.text("", SUBJECT),
        from: sender,
        to: message.text("", DISPLAY_TO),
        copy: message.text("", DISPLAY_CC),
        date: message
            .number(SUBMIT_TIME)
            .or_else(|| message.number(DELIVERY_TIME))
            .and_then(dates::of_windows),
        attachments: message.attachments(),
    };
    let mut builder = PageBuilder::new(1);
    letter.write_header(&mut builder)?;
    message.write_body(&mut builder)?;
    letter.write_attachments(&mut builder)?;
    if builder.is_empty() {
        return Err(ParseError::Corrupt("it has no message in it"));
    }
    letter.finish(builder, output)?;
    message.give_attachments(output)
}

struct Properties {
    ole: Ole,
    /// The list of properties of fixed size.
    list: Vec<u8>,
}

impl Properties {
    fn open(mut ole: Ole) -> Self {
        let list = ole.stream("/__properties_version1.0").unwrap_or_default();
        Self { ole, list }
    }

    /// A text of the message, or of what lies in `storage`: in UTF-16, or in the message's code page.
    fn text(&mut self, storage: &str, property: u16) -> Option<String> {
        let path = |kind: &str| format!("{storage}/__substg1.0_{property:04X}{kind}");
        let text = match self.ole.stream(&path("001F")) {
            Some(bytes) => utf16(&bytes),
            None => {
                let bytes = self.ole.stream(&path("001E"))?;
                match self.number(CODE_PAGE).or_else(|| self.number(INTERNET_CODE_PAGE)) {
                    Some(page) => encoding::of_code_page(page as u32).decode(&bytes).0.into_owned(),
                    None => encoding::decode(bytes, None),
                }
            }
        };
        let text = text.trim_end_matches('\0').to_owned();
        (!text.trim().is_empty()).then_some(text)
    }

    fn bytes(&mut self, property: u16) -> Option<Vec<u8>> {
        self.ole.stream(&format!("/__substg1.0_{property:04X}0102"))
    }

    /// A property of fixed size.
    fn number(&self, tag: u32) -> Option<u64> {
        let entries = self.list.get(LIST_HEADER_BYTES..)?.chunks_exact(16);
        let entry = entries.into_iter().find(|entry| u32_at(entry, 0) == Some(tag))?;
        Some(u64::from_le_bytes(entry[8..16].try_into().ok()?))
    }

    /// The body: as HTML, which has the structure, else as text, else as RTF.
    fn write_body(&mut self, builder: &mut PageBuilder) -> Result<(), ParseError> {
        if let Some(bytes) = self.bytes(BODY_HTML) {
            return html::push_chapter(bytes, builder);
        }
        if let Some(text) = self.text("", BODY_HTML) {
            return html::push_blocks(&text, builder);
        }
        if let Some(text) = self.text("", BODY) {
            return plain::push_paragraphs(&text, builder);
        }
        match self.bytes(BODY_RTF).and_then(|bytes| compressed::unpack(&bytes)) {
            Some(bytes) => rtf::push_blocks(&bytes, builder),
            None => Ok(()),
        }
    }

    /// Gives what is attached, a message that is passed on among it.
    fn give_attachments(&mut self, output: &mut dyn Output) -> Result<(), ParseError> {
        if !output.takes_members() {
            return Ok(());
        }
        let mut members = Members::default();
        for (number, storage) in (1..).zip(self.attachment_storages()) {
            let name = self.attachment_name(&storage);
            let data = format!("{storage}/__substg1.0_{ATTACH_DATA:04X}");
            if let Some(bytes) = self.ole.stream(&format!("{data}0102")) {
                let name = name.unwrap_or_else(|| format!("attachment {number}"));
                let size = bytes.len() as u64;
                if is_look(self.text(&storage, ATTACH_CONTENT_ID).is_some(), &bytes) {
                    members.skip(&name, size, SkipReason::Ignored, output)?;
                } else {
                    members.give(&name, size, size, bytes.as_slice(), output)?;
                }
            } else if let Some(bytes) = nested::message(&mut self.ole, &format!("{data}000D")) {
                let name = name.map_or_else(
                    || format!("message {number}"),
                    |name| name.replace(['/', '\\'], "-"),
                );
                let size = bytes.len() as u64;
                members.give(&format!("{name}.msg"), size, size, bytes.as_slice(), output)?;
            } else {
                // An object of a program, or something that lies elsewhere and is only named.
                let name = name.unwrap_or_else(|| format!("attachment {number}"));
                members.skip(&name, 0, SkipReason::Unsupported, output)?;
            }
        }
        Ok(())
    }

    fn attachment_name(&mut self, storage: &str) -> Option<String> {
        [ATTACH_LONG_NAME, ATTACH_NAME, DISPLAY_NAME]
            .into_iter()
            .find_map(|property| self.text(storage, property))
    }

    fn attachment_storages(&self) -> Vec<String> {
        self.ole
            .root_names()
            .into_iter()
            .filter(|name| name.starts_with("__attach_version1.0_"))
            .take(limits::MEMBERS_PER_FILE)
            .map(|name| format!("/{name}"))
            .collect()
    }

    fn attachments(&mut self) -> Vec<(String, u64)> {
        let mut attachments = Vec::new();
        for storage in self.attachment_storages().into_iter().take(super::ATTACHMENTS) {
            let name = self.attachment_name(&storage);
            let bytes = self
                .ole
                .stream(&format!("{storage}/__substg1.0_{ATTACH_DATA:04X}0102"));
            if let Some(name) = name {
                attachments.push((name, bytes.map_or(0, |bytes| bytes.len() as u64)));
            }
        }
        attachments
    }
}
