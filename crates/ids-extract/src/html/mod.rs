//! HTML by html5ever's tokenizer alone: no tree is built, so nesting costs nothing (a tree builder took 24 s for
//! 100,000 nested elements).

mod blocks;
mod elements;

use encoding_rs::Encoding;
use html5ever::TokenizerResult;
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Tokenizer, TokenizerOpts};

use self::blocks::HtmlBlocks;
use crate::builder::PageBuilder;
use crate::encoding;
use crate::output::{Output, ParseError};

/// How far into a file its encoding is looked for; browsers stop at 1,024 bytes.
const DECLARATION_BYTES: usize = 4_096;

/// Writes the one page of an HTML file.
pub(crate) fn parse(bytes: Vec<u8>, output: &mut dyn Output) -> Result<(), ParseError> {
    let declared = declared_encoding(&bytes);
    parse_text(&encoding::decode(bytes, declared), output)
}

/// Writes the one page of HTML that is decoded already.
pub(crate) fn parse_text(text: &str, output: &mut dyn Output) -> Result<(), ParseError> {
    let found = tokenize(text, PageBuilder::new(1))?;
    output.details(found.title, found.author)?;
    output.total(1)?;
    output.page(found.builder.finish())
}

/// Adds the blocks of a piece of HTML inside another text to its page.
pub(crate) fn push_blocks(html: &str, builder: &mut PageBuilder) -> Result<(), ParseError> {
    let own = std::mem::replace(builder, PageBuilder::new(1));
    *builder = tokenize(html, own)?.builder;
    Ok(())
}

/// Adds the blocks of a whole HTML file to a page.
pub(crate) fn push_chapter(bytes: Vec<u8>, builder: &mut PageBuilder) -> Result<(), ParseError> {
    let declared = declared_encoding(&bytes);
    push_blocks(&encoding::decode(bytes, declared), builder)
}

fn tokenize(text: &str, builder: PageBuilder) -> Result<blocks::Found, ParseError> {
    let queue = BufferQueue::default();
    // In pieces, since a tendril holds at most 4 GiB and a piece of one tendril keeps the whole of it alive.
    let mut rest = text;
    let tokenizer = Tokenizer::new(HtmlBlocks::new(builder), TokenizerOpts::default());
    while !rest.is_empty() {
        let mut end = rest.len().min(64 * 1_024);
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        let (piece, after) = rest.split_at(end);
        queue.push_back(StrTendril::from_slice(piece));
        // A script is not run: the tokenizer goes on after it where it stopped.
        while !matches!(tokenizer.feed(&queue), TokenizerResult::Done) {}
        if tokenizer.sink.has_failed() {
            break;
        }
        rest = after;
    }
    tokenizer.end();
    tokenizer.sink.finish()
}

/// The encoding that a `<meta>` or an XML declaration at the beginning names.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(DECLARATION_BYTES)].to_ascii_lowercase();
    for key in [b"charset".as_slice(), b"encoding".as_slice()] {
        let mut from = 0;
        while let Some(at) = head[from..].windows(key.len()).position(|window| window == key) {
            let after = head[from + at + key.len()..].trim_ascii_start();
            if let Some(value) = after.strip_prefix(b"=") {
                let value = value.trim_ascii_start();
                let label: Vec<u8> = value
                    .iter()
                    .copied()
                    .skip_while(|byte| matches!(byte, b'"' | b'\''))
                    .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(byte))
                    .collect();
                if let Some(encoding) = Encoding::for_label(&label) {
                    return Some(encoding);
                }
            }
            from += at + key.len();
        }
    }
    None
}
