//! Posting lists of visible chunks, changed in the transaction that shows or hides a version.
//!
//! A list is kept in blocks: one row a term and [`BLOCK`] chunks of one version, as `migrations/0002_create_index.sql` says.

use std::collections::BTreeMap;

use ids_core::id::OrganizationId;

use crate::codec::{decode_gaps, encode_gaps, walk_terms};
use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id};
use crate::statistics::{self, Totals};
use crate::transaction::Tx;

/// Chunks of one block: its row stays far below what an entry of an index may hold (a third of a page).
pub(crate) const BLOCK: i64 = 1_024;
/// Rows of one statement: some megabytes of parameters.
const ROWS: usize = 20_000;
/// Chunks read at once: some megabytes of terms.
const CHUNKS: i64 = 4_096;

/// The blocks of some chunks: chunk ids by term and first chunk of the block.
pub(crate) type Blocks = BTreeMap<(Box<[u8]>, i64), Vec<i64>>;

/// Puts the chunks of a version into postings and statistics.
pub(crate) async fn show(tx: &Tx<'_>, organization: OrganizationId, version_no: i64) -> DbResult<()> {
    let (blocks, totals) = read_version(tx, organization, version_no).await?;
    insert(tx, organization, &blocks).await?;
    statistics::append(tx, organization, &totals, 1).await
}

/// Takes the chunks of a version, which must be visible, out of postings and statistics.
pub(crate) async fn hide(tx: &Tx<'_>, organization: OrganizationId, version_no: i64) -> DbResult<()> {
    let (_, totals) = read_version(tx, organization, version_no).await?;
    let Some(ids) = totals.ids.clone() else {
        return Ok(());
    };
    let terms: Vec<&str> = totals.frequencies.keys().map(|term| text_of(term)).collect();
    for some in terms.chunks(ROWS) {
        // Each term is one step down the key: no list is read.
        tx.execute(
            "delete from postings
             where organization_no = (select o.organization_no from organizations o where o.organization_id = $1)
               and term = any($2) and first_chunk_id >= $3 and first_chunk_id < $4",
            &[&organization.to_uuid(), &some, &ids.start, &ids.end],
        )
        .await?;
    }
    statistics::append(tx, organization, &totals, -1).await
}

/// Goes through the chunks of a version, and adds them up.
pub(crate) async fn read_version(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
) -> DbResult<(Blocks, Totals)> {
    let mut blocks = Blocks::new();
    let mut totals = Totals::default();
    let mut next = 0i64;
    loop {
        let end = next.saturating_add(CHUNKS);
        let rows = tx
            .query(
                "select chunk_id, chunk_index, length, terms from chunks
                 where organization_id = $1 and version_no = $2 and chunk_index >= $3::int8 and chunk_index < $4::int8
                 order by chunk_index",
                &[&organization.to_uuid(), &version_no, &next, &end],
            )
            .await?;
        for row in &rows {
            let mut columns = Columns::new(row, "chunks");
            let chunk_id: i64 = columns.get()?;
            let index: i32 = columns.get()?;
            let length: i32 = columns.get()?;
            let terms: Vec<u8> = columns.get()?;
            let first = chunk_id - i64::from(index) % BLOCK;
            totals.add_chunk(chunk_id, length.into());
            walk_terms(&terms, |term, _| {
                totals.add_term(term);
                blocks.entry((term.into(), first)).or_default().push(chunk_id);
            })
            .ok_or_else(|| DbError::row("chunks", chunk_id))?;
        }
        // Indexes have no gaps.
        if (rows.len() as i64) < CHUNKS {
            return Ok((blocks, totals));
        }
        next = end;
    }
}

async fn insert(tx: &Tx<'_>, organization: OrganizationId, blocks: &Blocks) -> DbResult<()> {
    let blocks: Vec<_> = blocks.iter().collect();
    // In the order of the key: neighbors lie on one page.
    for some in blocks.chunks(ROWS) {
        let terms: Vec<&str> = some.iter().map(|((term, _), _)| text_of(term)).collect();
        let firsts: Vec<i64> = some.iter().map(|((_, first), _)| *first).collect();
        let chunks: Vec<Vec<u8>> = some
            .iter()
            .map(|((_, first), chunks)| encode_gaps(*first, chunks))
            .collect();
        tx.execute(
            "insert into postings (organization_no, term, first_chunk_id, chunks)
             select o.organization_no, block.term, block.first_chunk_id, block.chunks
             from organizations o
             cross join unnest($2::text[], $3::int8[], $4::bytea[]) as block (term, first_chunk_id, chunks)
             where o.organization_id = $1",
            &[&organization.to_uuid(), &terms, &firsts, &chunks],
        )
        .await?;
    }
    Ok(())
}

/// The chunks of a block as it is stored.
pub(crate) fn decode(first_chunk_id: i64, chunks: &[u8]) -> DbResult<Vec<i64>> {
    decode_gaps(first_chunk_id, chunks).ok_or_else(|| DbError::row("postings", first_chunk_id))
}

/// Terms are plain ASCII; anything else would be a broken row, and then no posting is better than a wrong one.
pub(crate) fn text_of(term: &[u8]) -> &str {
    str::from_utf8(term).unwrap_or_default()
}
