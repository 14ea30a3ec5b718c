//! What an archive says of itself: first who it is for, at the end what it holds.

use std::collections::BTreeMap;
use std::fmt;

use ids_core::document::ContentHash;
use ids_core::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The format that this version writes; it reads this one and those before.
pub const FORMAT: u32 = 1;

/// Which store the archive is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// SQLite, as one file.
    Embedded,
    /// PostgreSQL, table by table.
    Server,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "embedded",
            Self::Server => "server",
        })
    }
}

/// The beginning of an archive: what must be known before anything of it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// [`FORMAT`] of the version that wrote it.
    pub format: u32,
    /// That version.
    pub ids_version: String,
    /// Of which store.
    pub shape: Shape,
    /// The store's schema.
    pub schema_version: u32,
    /// When it began, in microseconds since 1970: what was accepted later is not in it.
    #[serde(with = "micros")]
    pub started_at: Timestamp,
    /// The tables whose rows follow, in an order in which they can be filled; none of the embedded shape.
    pub tables: Vec<Table>,
}

/// A table, as its rows stand in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The columns of each row, in order.
    pub columns: Vec<String>,
}

/// The end of an archive: what it holds. A file without it was cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The beginning, once more.
    pub about: About,
    /// Rows of each table.
    pub tables: BTreeMap<String, TableRows>,
    /// Where the server's numbering stood.
    #[serde(default)]
    pub sequences: Vec<Sequence>,
    /// Bytes of documents, which lie beside the archive.
    pub originals: Vec<OriginalEntry>,
    /// Keys of bytes that the library names and that were not there when the backup was made.
    pub missing: Vec<String>,
    /// Whether originals of finished documents were left out on purpose.
    pub without_originals: bool,
    /// What opens the bytes of documents; only in an encrypted archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originals_key: Option<String>,
    /// Everything else in the archive, in order.
    pub members: Vec<Member>,
}

/// How many rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRows {
    /// Of all.
    pub rows: u64,
    /// Of each organization, by its id; empty where rows are nobody's.
    #[serde(default)]
    pub by_organization: BTreeMap<String, u64>,
}

/// Where a numbering stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its name.
    pub name: String,
    /// The last number.
    pub last_value: i64,
    /// Whether that one was given out.
    pub is_called: bool,
}

/// Bytes of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginalEntry {
    /// Where the library keeps them.
    pub key: String,
    /// Their hash, which is their name beside the archive.
    #[serde(with = "hex")]
    pub sha256: ContentHash,
    /// How many.
    pub bytes: u64,
}

/// A file in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    /// Its hash.
    #[serde(with = "hex")]
    pub sha256: ContentHash,
}

impl Manifest {
    /// Rows of all tables together.
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }
}

mod micros {
    use super::{Deserialize, Deserializer, Serializer, Timestamp};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(time.as_micros())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp::from_micros)
    }
}

mod hex {
    use super::{ContentHash, Deserialize, Deserializer, Serializer};
    use serde::de::Error;

    pub(super) fn serialize<S: Serializer>(hash: &ContentHash, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(hash)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ContentHash, D::Error> {
        let text = String::deserialize(from)?;
        ContentHash::from_hex(&text).ok_or_else(|| D::Error::custom("not a SHA-256"))
    }
}
