//! One archive: tar in gzip, in age's encryption where there is a key.

mod read;
mod write;

pub use read::{Part, ReadArchive, read_archive};
pub use write::{ArchiveWriter, WrittenArchive};

/// The first member.
const ABOUT: &str = "about.json";
/// The last one.
const MANIFEST: &str = "manifest.json";
/// The whole library of the embedded shape.
const LIBRARY: &str = "library.db";
/// Above the rows of the server's tables.
const TABLES: &str = "tables/";
/// Above what was asked to be put in.
const INCLUDED: &str = "included/";
