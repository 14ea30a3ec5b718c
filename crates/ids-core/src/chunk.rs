//! Chunks: the passages that are indexed, found and cited.

use std::cmp::Ordering;

use ids_text::{Term, legal};

use crate::document::{ContentHash, ContentType};
use crate::embedding::Embedding;
use crate::id::{ChunkId, DocumentId};
use crate::scope::{CollectionName, Tag};
use crate::span::PageSpan;

/// A chunk as chunking makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChunk {
    /// From 0, in reading order, without gaps.
    pub chunk_index: u32,
    /// The texts of its spans, joined by one line feed.
    pub content: String,
    /// The headings it stands under, outermost first, joined by ` › `; in a text of law the last one is how it is cited.
    pub heading: Option<String>,
    /// Where it stands; never empty.
    pub spans: Vec<PageSpan>,
    /// How often each index term stands in it (title and headings included), ordered by term.
    pub terms: Vec<(Term, u32)>,
    /// All terms counted with their repeats, both kinds (design.md 4).
    pub length: u32,
}

/// A stored chunk that still lacks its embedding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnembeddedChunk {
    /// From 0.
    pub chunk_index: u32,
    /// Its text.
    pub content: String,
    /// The headings it stands under.
    pub heading: Option<String>,
}

/// What a chunk is found by: everything fusion needs of one candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The chunk.
    pub chunk_id: ChunkId,
    /// What orders it among equals.
    pub tie_key: TieKey,
    /// All its terms counted with repeats.
    pub length: u32,
    /// How often each asked term stands in it, in the order asked.
    pub term_frequencies: Vec<u32>,
    /// Its embedding by the asked model, if there is one yet.
    pub embedding: Option<Embedding>,
}

/// A chunk as a hit shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkDetail {
    /// The chunk.
    pub chunk_id: ChunkId,
    /// Its document.
    pub document_id: DocumentId,
    /// The document's title as it is now.
    pub document_title: String,
    /// The file's name.
    pub filename: String,
    /// The document's type.
    pub content_type: ContentType,
    /// Its collection.
    pub collection: CollectionName,
    /// From 0.
    pub chunk_index: u32,
    /// Its text.
    pub content: String,
    /// The headings it stands under.
    pub heading: Option<String>,
    /// Where it stands; never empty.
    pub spans: Vec<PageSpan>,
}

impl ChunkDetail {
    /// The page it begins on, from 1.
    pub fn first_page(&self) -> u32 {
        self.spans.first().map_or(1, |span| span.page_number)
    }

    /// Title, page and headings, as a model is told where a passage stands.
    pub fn place(&self) -> String {
        let heading = self.heading.as_deref();
        let heading = heading.map_or(String::new(), |heading| format!(", {heading}"));
        format!("{}, page {}{heading}", self.document_title, self.first_page())
    }

    /// The headings it stands under, without how it is cited.
    pub fn headings(&self) -> Option<&str> {
        self.heading
            .as_deref()
            .and_then(|heading| legal::split_reference(heading).0)
    }

    /// How it is cited in a text of law: `Lei 14.133/2021, art. 75, I a III`.
    pub fn reference(&self) -> Option<&str> {
        self.heading
            .as_deref()
            .and_then(|heading| legal::split_reference(heading).1)
    }
}

/// What orders equals, the same in every store (design.md 1): never a random id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TieKey {
    /// SHA-256 of the version's bytes.
    pub file_hash: ContentHash,
    /// From 0.
    pub chunk_index: u32,
    /// The collection's name.
    pub collection: CollectionName,
    /// The file's name.
    pub filename: String,
}

impl TieKey {
    fn parts(&self) -> (&ContentHash, u32, &CollectionName, &str) {
        (
            &self.file_hash,
            self.chunk_index,
            &self.collection,
            &self.filename,
        )
    }
}

impl Ord for TieKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for TieKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What narrows a search or a list: all of the tags, any of the ids, any of the types.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only this collection.
    pub collection: Option<CollectionName>,
    /// Only these documents; empty means any.
    pub document_ids: Vec<DocumentId>,
    /// Only these types; empty means any.
    pub content_types: Vec<ContentType>,
    /// Documents that have every one of these.
    pub tags: Vec<Tag>,
}

impl Filter {
    /// Whether it narrows nothing.
    pub fn is_empty(&self) -> bool {
        self.collection.is_none()
            && self.document_ids.is_empty()
            && self.content_types.is_empty()
            && self.tags.is_empty()
    }
}
