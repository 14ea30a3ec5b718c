//! RTF: control words and groups by `rtf-grimoire`, one token after the other; what they mean is here.

mod destination;
mod state;

use rtf_grimoire::tokenizer::{Token, read_token};

use self::state::Reader;
use crate::builder::PageBuilder;
use crate::output::{Output, ParseError};

/// Writes the one page of an RTF file.
pub(crate) fn parse(bytes: &[u8], output: &mut dyn Output) -> Result<(), ParseError> {
    let mut builder = PageBuilder::new(1);
    let mut reader = Reader::new(&mut builder);
    read(bytes, &mut reader)?;
    let (title, author) = reader.finish()?;
    output.details(title, author)?;
    output.total(1)?;
    output.page(builder.finish())
}

/// Adds the blocks of RTF inside another file to its page.
pub(crate) fn push_blocks(bytes: &[u8], builder: &mut PageBuilder) -> Result<(), ParseError> {
    let mut reader = Reader::new(builder);
    read(bytes, &mut reader)?;
    reader.finish().map(drop)
}

fn read(bytes: &[u8], reader: &mut Reader<'_>) -> Result<(), ParseError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match read_token(rest) {
            Ok((after, token)) if after.len() < rest.len() => {
                rest = after;
                reader.take(token)?;
            }
            // A byte that begins nothing: a lone backslash, a number out of range.
            _ => {
                rest = &rest[1..];
                reader.take(Token::ControlSymbol('?'))?;
            }
        }
    }
    Ok(())
}
