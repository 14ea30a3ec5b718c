//! E-mail: a message as one page, its subject as the heading, then who wrote to whom and when, the text, and the names of what is
//! attached.

mod compressed;
mod eml;
mod msg;
mod nested;

use ids_core::page::{BlockKind, ExtractionNote, NoteKind};

pub(crate) use self::eml::{parse_eml, parse_mhtml};
pub(crate) use self::msg::parse as parse_msg;
use crate::builder::PageBuilder;
use crate::dates;
use crate::output::{Output, ParseError};
use crate::properties::Properties;

/// Attachments that are named.
const ATTACHMENTS: usize = 200;
/// Characters of one line of the header: a list of a thousand addresses is cut.
const HEADER_CHARS: usize = 2_000;

/// What a message says of itself.
#[derive(Debug, Default)]
struct Letter {
    subject: Option<String>,
    from: Option<String>,
    to: Option<String>,
    copy: Option<String>,
    /// RFC 3339.
    date: Option<String>,
    /// Their names, and bytes.
    attachments: Vec<(String, u64)>,
}

impl Letter {
    /// Writes subject and header.
    fn write_header(&self, builder: &mut PageBuilder) -> Result<(), ParseError> {
        if let Some(subject) = &self.subject {
            builder.push(BlockKind::Heading { level: 1 }, &one_line(subject))?;
        }
        let fields = [
            ("From", &self.from),
            ("To", &self.to),
            ("Cc", &self.copy),
            ("Date", &self.date),
        ];
        let lines: Vec<String> = fields
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}: {}", one_line(value.as_ref()?))))
            .collect();
        builder.push(BlockKind::Paragraph, &lines.join("\n"))
    }

    /// Writes the names of what is attached.
    fn write_attachments(&self, builder: &mut PageBuilder) -> Result<(), ParseError> {
        for (name, bytes) in self.attachments.iter().take(ATTACHMENTS) {
            let text = format!("Attachment: {} ({} KB)", one_line(name), bytes.div_ceil(1_024));
            builder.push(BlockKind::ListItem, &text)?;
        }
        Ok(())
    }

    /// Gives the page to `output`, and says that attachments were not read.
    fn finish(self, builder: PageBuilder, output: &mut dyn Output) -> Result<(), ParseError> {
        let properties = Properties {
            title: self.subject,
            author: self.from,
            created: self.date.as_deref().and_then(dates::of_xml),
            modified: None,
        };
        properties.write(output)?;
        output.total(1)?;
        output.page(builder.finish())?;
        // Those that were taken are documents of their own.
        let left_out = match output.takes_members() {
            true => 0,
            false => ATTACHMENTS,
        };
        for (name, _) in self.attachments.iter().take(left_out) {
            output.note(ExtractionNote {
                page_number: None,
                kind: NoteKind::Other,
                text: format!(
                    "the attachment `{}` was not read; upload it on its own",
                    one_line(name)
                ),
            })?;
        }
        Ok(())
    }
}

/// Bytes up to which a picture in a mail's text is taken for a part of its look: a logo, an icon, a dot that tells who reads.
const LOOK_BYTES: usize = 64 * 1_024;

/// Whether an attachment is a small picture that the text shows.
fn is_look(is_shown_in_text: bool, bytes: &[u8]) -> bool {
    const PICTURES: [&[u8]; 4] = [b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM"];
    is_shown_in_text && bytes.len() <= LOOK_BYTES && PICTURES.iter().any(|magic| bytes.starts_with(magic))
}

fn one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(HEADER_CHARS).collect()
}
