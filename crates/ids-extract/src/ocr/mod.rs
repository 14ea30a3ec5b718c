//! Text of pages that have none of their own, by Tesseract (ADR 0014).
//!
//! A page comes to its text in three steps, each in a process of its own: the child that reads the document says which pages
//! need it (`quality`); a second one draws such a page in gray, straight and lying on its side rather than standing (`scan`,
//! `prepare`); Tesseract reads the pixels and writes words with their places (`tsv`). Here, in the parent, the words become a
//! page like any other (`page`). No file lies between: pixels and words go through pipes.

mod gray;
mod page;
mod prepare;
mod quality;
mod scan;
mod tsv;

pub(crate) use self::gray::Gray;
pub(crate) use self::page::{Sheet, read_page};
pub(crate) use self::prepare::{Placement, Prepared};
pub(crate) use self::quality::{Usable, judge};
pub(crate) use self::scan::{DOTS_PER_INCH, PIXELS, scan};
pub(crate) use self::tsv::{Word, confidence, words};
