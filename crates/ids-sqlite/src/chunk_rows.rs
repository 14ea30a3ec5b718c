//! The rows of a version's chunks, written and read whole.

use ids_core::chunk::NewChunk;
use ids_core::id::OrganizationId;
use ids_text::Term;
use rusqlite::{Connection, params};

use crate::codec::{decode_spans, encode_spans, encode_terms, walk_terms};
use crate::error::{DbError, DbResult};
use crate::rows::Id;

/// Stores chunks; gives the id of the first one. Writers come one at a time, so the ids of a transaction follow each other.
pub(crate) fn insert(
    tx: &Connection,
    organization: OrganizationId,
    version_no: i64,
    chunks: &[NewChunk],
) -> DbResult<Option<i64>> {
    let mut first_chunk_id = None;
    let mut insert = tx.prepare_cached(
        "insert into chunks (organization_id, version_no, chunk_index, length, terms, heading, content, spans)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (index, chunk) in chunks.iter().enumerate() {
        if chunk.chunk_index as usize != index {
            return Err(DbError::INTERNAL);
        }
        insert.execute(params![
            organization.to_blob(),
            version_no,
            chunk.chunk_index,
            chunk.length,
            encode_terms(&chunk.terms),
            chunk.heading,
            chunk.content,
            encode_spans(&chunk.spans),
        ])?;
        first_chunk_id.get_or_insert(tx.last_insert_rowid());
    }
    Ok(first_chunk_id)
}

/// The chunks of a version by index; each must be there, behind the one before.
pub(crate) fn load(
    tx: &Connection,
    organization: OrganizationId,
    version_no: i64,
    first_chunk_id: Option<i64>,
    chunk_count: u32,
) -> DbResult<Vec<NewChunk>> {
    let mut select = tx.prepare_cached(
        "select chunk_id, chunk_index, length, terms, heading, content, spans from chunks
         where organization_id = ?1 and version_no = ?2 order by chunk_index",
    )?;
    let mut rows = select.query(params![organization.to_blob(), version_no])?;
    let mut chunks = Vec::new();
    let mut next = first_chunk_id;
    while let Some(row) = rows.next()? {
        let chunk_id: i64 = row.get(0)?;
        let broken = || DbError::row("chunks", chunk_id);
        if next != Some(chunk_id) {
            return Err(broken());
        }
        next = Some(chunk_id + 1);
        let (terms, spans): (Vec<u8>, Vec<u8>) = (row.get(3)?, row.get(6)?);
        chunks.push(NewChunk {
            chunk_index: row.get(1)?,
            length: row.get(2)?,
            terms: terms_of(&terms).ok_or_else(broken)?,
            heading: row.get(4)?,
            content: row.get(5)?,
            spans: decode_spans(&spans).ok_or_else(broken)?,
        });
        if chunks.last().map(|chunk| chunk.chunk_index as usize) != Some(chunks.len() - 1) {
            return Err(broken());
        }
    }
    if chunks.len() == chunk_count as usize {
        Ok(chunks)
    } else {
        Err(DbError::row("versions", version_no))
    }
}

fn terms_of(bytes: &[u8]) -> Option<Vec<(Term, u32)>> {
    let mut terms = Vec::new();
    let mut is_whole = true;
    walk_terms(bytes, |term, frequency| {
        match str::from_utf8(term).ok().and_then(Term::from_encoded) {
            Some(term) => terms.push((term, frequency)),
            None => is_whole = false,
        }
    })?;
    is_whole.then_some(terms)
}
