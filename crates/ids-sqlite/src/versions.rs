//! What the life of a version writes: it is shown, hidden, stripped of its contents, removed.

use std::ops::Range;

use ids_core::document::{BlobKey, Removed, title_from_filename};
use ids_core::id::{DocumentId, OrganizationId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::WriteTx;
use crate::error::DbResult;
use crate::postings;
use crate::rows::{Id, as_integer, folded};
use crate::signatures;

/// What the version holds, as far as removing it goes.
struct Contents {
    organization: OrganizationId,
    document_id: DocumentId,
    blob_key: Option<String>,
    chunk_ids: Range<i64>,
    is_visible: bool,
}

fn contents(tx: &Connection, version_no: i64) -> DbResult<Option<Contents>> {
    let mut select = tx.prepare_cached(
        "select v.organization_id, v.document_id, v.blob_key, coalesce(v.first_chunk_id, 0), v.chunk_count,
                d.visible_version_no is not null and d.visible_version_no = v.version_no
         from versions v join documents d on d.document_id = v.document_id where v.version_no = ?1",
    )?;
    Ok(select
        .query_row([version_no], |row| {
            let first: i64 = row.get(3)?;
            Ok(Contents {
                organization: OrganizationId::from_blob(row.get(0)?),
                document_id: DocumentId::from_blob(row.get(1)?),
                blob_key: row.get(2)?,
                chunk_ids: first..first + row.get::<_, i64>(4)?,
                is_visible: row.get(5)?,
            })
        })
        .optional()?)
}

/// Makes a version the visible one; the one before must have been hidden.
pub(crate) fn show(tx: &mut WriteTx<'_>, version_no: i64) -> DbResult<()> {
    let Some(version) = contents(tx, version_no)? else {
        return Ok(());
    };
    postings::show(tx, version.organization, version.chunk_ids)?;
    tx.execute(
        "update documents set visible_version_no = ?2 where document_id = ?1",
        params![version.document_id.to_blob(), version_no],
    )?;
    tx.ranges_changed();
    refresh_shown(tx, version.document_id)
}

/// Takes a version out of sight, if it is in sight.
pub(crate) fn hide(tx: &mut WriteTx<'_>, version_no: i64) -> DbResult<()> {
    match contents(tx, version_no)? {
        Some(version) if version.is_visible => hide_contents(tx, &version),
        _ => Ok(()),
    }
}

fn hide_contents(tx: &mut WriteTx<'_>, version: &Contents) -> DbResult<()> {
    postings::hide(tx, version.organization, version.chunk_ids.clone())?;
    tx.execute(
        "update documents set visible_version_no = null where document_id = ?1",
        [version.document_id.to_blob()],
    )?;
    tx.ranges_changed();
    Ok(())
}

/// Leaves of a version only its bytes: chunks, embeddings and pages go, and it is out of sight.
pub(crate) fn strip(tx: &mut WriteTx<'_>, version_no: i64) -> DbResult<Removed> {
    let Some(version) = contents(tx, version_no)? else {
        return Ok(Removed::default());
    };
    if version.is_visible {
        hide_contents(tx, &version)?;
    }
    let ids = version.chunk_ids.clone();
    let embeddings = tx
        .prepare_cached("delete from embeddings where chunk_id >= ?1 and chunk_id < ?2")?
        .execute(params![ids.start, ids.end])?;
    let chunks = tx
        .prepare_cached("delete from chunks where chunk_id >= ?1 and chunk_id < ?2")?
        .execute(params![ids.start, ids.end])?;
    tx.execute("delete from pages where version_no = ?1", [version_no])?;
    tx.execute("delete from extraction_notes where version_no = ?1", [version_no])?;
    signatures::remove(tx, version_no)?;
    tx.execute(
        "update versions set stage = 'accepted', title_own = null, author = null, text_hash = null, page_count = null,
             characters = null, first_chunk_id = null, chunk_count = 0, embedded_count = 0
         where version_no = ?1",
        [version_no],
    )?;
    tx.chunks_removed(ids);
    refresh_shown(tx, version.document_id)?;
    Ok(Removed {
        chunks: as_u32(chunks),
        embeddings: as_u32(embeddings),
        ..Removed::default()
    })
}

/// Removes a version with all that hangs on it, and names its bytes.
pub(crate) fn remove(tx: &mut WriteTx<'_>, version_no: i64) -> DbResult<Removed> {
    let Some(version) = contents(tx, version_no)? else {
        return Ok(Removed::default());
    };
    let mut removed = strip(tx, version_no)?;
    tx.execute("delete from versions where version_no = ?1", [version_no])?;
    removed.blobs.extend(version.blob_key.map(BlobKey));
    Ok(removed)
}

/// Removes all versions of a document below `version_no`.
pub(crate) fn remove_older(
    tx: &mut WriteTx<'_>,
    document_id: DocumentId,
    version_no: i64,
) -> DbResult<Removed> {
    let mut sum = Removed::default();
    for older in numbers(tx, document_id)? {
        if older < version_no {
            add(&mut sum, remove(tx, older)?);
        }
    }
    Ok(sum)
}

/// The numbers of a document's versions, oldest first.
pub(crate) fn numbers(tx: &Connection, document_id: DocumentId) -> DbResult<Vec<i64>> {
    let mut select =
        tx.prepare_cached("select version_no from versions where document_id = ?1 order by version_no")?;
    Ok(select
        .query_map([document_id.to_blob()], |row| row.get(0))?
        .collect::<Result<Vec<_>, _>>()?)
}

/// Adds up what was removed.
pub(crate) fn add(sum: &mut Removed, more: Removed) {
    sum.chunks += more.chunks;
    sum.embeddings += more.embeddings;
    sum.members += more.members;
    sum.blobs.extend(more.blobs);
}

/// Copies onto the document what is shown of it: of the visible version, else of the newest, else as announced.
pub(crate) fn refresh_shown(tx: &mut WriteTx<'_>, document_id: DocumentId) -> DbResult<()> {
    tx.prepare_cached(include_str!("../queries/copy_shown_version.sql"))?
        .execute([document_id.to_blob()])?;
    let (given, own, filename): (Option<String>, Option<String>, String) = tx
        .prepare_cached(
            "select d.title_given, v.title_own, d.filename from documents d
             left join versions v on v.version_no = coalesce(d.visible_version_no, d.newest_version_no)
             where d.document_id = ?1",
        )?
        .query_row([document_id.to_blob()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let title = given.or(own).unwrap_or_else(|| title_from_filename(&filename));
    tx.prepare_cached(
        "update documents set title = ?2, title_folded = ?3, filename_folded = ?4, updated_at = ?5
         where document_id = ?1",
    )?
    .execute(params![
        document_id.to_blob(),
        title,
        folded(&title),
        folded(&filename),
        tx.now().as_micros()
    ])?;
    // The type may have changed, which filters look at.
    tx.ranges_changed();
    Ok(())
}

fn as_u32(count: usize) -> u32 {
    u32::try_from(as_integer(count)).unwrap_or(u32::MAX)
}
