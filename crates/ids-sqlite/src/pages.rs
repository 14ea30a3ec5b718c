//! What extraction found: pages, notes, and whether the same text is there already.

use ids_core::document::{ContentHash, DocumentStatus, Removed, VersionStage};
use ids_core::id::{DocumentId, OrganizationId};
use ids_core::job::Lease;
use ids_core::page::{ExtractedDocument, ExtractionNote, NoteKind, Page};
use ids_core::ports::AnalysisRecord;
use ids_core::scope::Scope;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::codec::{decode_blocks, decode_lines, decode_words, encode_blocks, encode_lines, encode_words};
use crate::database::WriteTx;
use crate::error::{DbError, DbResult};
use crate::leases::{HeldVersion, held_version};
use crate::rows::{Id, as_integer};
use crate::{documents, members, signatures, versions};

/// `DocumentStore::save_extraction`.
pub(crate) fn save_extraction(
    tx: &mut WriteTx<'_>,
    lease: &Lease,
    extracted: &ExtractedDocument,
    text_hash: ContentHash,
) -> DbResult<Removed> {
    let held = held_version(tx, lease)?;
    if held.stage >= VersionStage::Chunked {
        // Chunks were cut from the pages that are there: a late repeat must not put others under them.
        return Ok(Removed::default());
    }
    let removed = members::remove_gone(tx, held.document_id, lease.version_id)?;
    tx.execute("delete from pages where version_no = ?1", [held.version_no])?;
    tx.execute(
        "delete from extraction_notes where version_no = ?1",
        [held.version_no],
    )?;
    insert(tx, held.organization, held.version_no, &extracted.pages)?;
    insert_notes(tx, held.organization, held.version_no, &extracted.notes)?;
    signatures::remove(tx, held.version_no)?;
    if let Some(signature) = &extracted.signature {
        signatures::insert(tx, held.organization, held.version_no, signature)?;
    }
    let characters: usize = extracted.pages.iter().map(|page| page.text.chars().count()).sum();
    tx.execute(
        "update versions set stage = 'extracted', title_own = ?2, author = ?3, text_hash = ?4, page_count = ?5,
             characters = ?6, content_type = coalesce(?7, content_type)
         where version_no = ?1",
        params![
            held.version_no,
            extracted.title.as_deref().map(str::trim).filter(|title| !title.is_empty()),
            extracted.author,
            text_hash.as_bytes(),
            as_integer(extracted.pages.len()),
            as_integer(characters),
            extracted.content_type.as_ref().map(|kind| kind.as_str()),
        ],
    )?;
    versions::refresh_shown(tx, held.document_id)?;
    Ok(removed)
}

/// Stores the pages of a version.
pub(crate) fn insert(
    tx: &Connection,
    organization: OrganizationId,
    version_no: i64,
    pages: &[Page],
) -> DbResult<()> {
    let mut insert = tx.prepare_cached(
        "insert into pages (version_no, page_number, organization_id, width, height, text, blocks, lines, words)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for page in pages {
        insert.execute(params![
            version_no,
            page.number,
            organization.to_blob(),
            page.width,
            page.height,
            page.text,
            encode_blocks(&page.blocks),
            encode_lines(&page.lines),
            encode_words(&page.words),
        ])?;
    }
    Ok(())
}

/// Stores what extraction had to say of a version.
pub(crate) fn insert_notes(
    tx: &Connection,
    organization: OrganizationId,
    version_no: i64,
    notes: &[ExtractionNote],
) -> DbResult<()> {
    let mut insert = tx.prepare_cached(
        "insert into extraction_notes (version_no, position, organization_id, page_number, kind, text)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (position, note) in notes.iter().enumerate() {
        insert.execute(params![
            version_no,
            as_integer(position),
            organization.to_blob(),
            note.page_number,
            note.kind.as_str(),
            note.text,
        ])?;
    }
    Ok(())
}

/// `DocumentStore::find_duplicate`.
pub(crate) fn find_duplicate(tx: &Connection, lease: &Lease) -> DbResult<Option<DocumentId>> {
    let held = held_version(tx, lease)?;
    duplicate_of(tx, &held)
}

/// The oldest other document of the collection whose visible version has the same text.
pub(crate) fn duplicate_of(tx: &Connection, held: &HeldVersion) -> DbResult<Option<DocumentId>> {
    let Some(text_hash) = held.text_hash else {
        return Ok(None);
    };
    let found: Option<[u8; 16]> = tx
        .prepare_cached(
            // What came in an older version of the same archive may be about to go: it is no original.
            "select d.document_id from versions v join documents d on d.visible_version_no = v.version_no
             join documents own on own.document_id = ?4
             where v.organization_id = ?1 and v.text_hash = ?2 and d.collection_no = ?3 and d.document_id <> ?4
                 and (d.parent_id is null or d.parent_id is not own.parent_id
                     or d.parent_version_id is own.parent_version_id)
             order by v.version_no limit 1",
        )?
        .query_row(
            params![held.organization.to_blob(), text_hash, held.collection_no, held.document_id.to_blob()],
            |row| row.get(0),
        )
        .optional()?;
    Ok(found.map(DocumentId::from_blob))
}

/// `DocumentStore::load_pages`.
pub(crate) fn load(tx: &Connection, lease: &Lease) -> DbResult<Vec<Page>> {
    of_version(tx, held_version(tx, lease)?.version_no)
}

/// All pages of a version, in order.
pub(crate) fn of_version(tx: &Connection, version_no: i64) -> DbResult<Vec<Page>> {
    let mut statement = tx.prepare_cached(
        "select page_number, width, height, text, blocks, lines, words from pages where version_no = ?1 order by page_number",
    )?;
    let mut rows = statement.query([version_no])?;
    let mut pages = Vec::new();
    while let Some(row) = rows.next()? {
        pages.push(read(row)?);
    }
    Ok(pages)
}

fn read(row: &Row<'_>) -> DbResult<Page> {
    let number: u32 = row.get(0)?;
    let broken = || DbError::row("pages", number);
    let blocks: Vec<u8> = row.get(4)?;
    let lines: Vec<u8> = row.get(5)?;
    let words: Vec<u8> = row.get(6)?;
    Ok(Page {
        number,
        width: row.get(1)?,
        height: row.get(2)?,
        text: row.get(3)?,
        blocks: decode_blocks(&blocks).ok_or_else(broken)?,
        lines: decode_lines(&lines).ok_or_else(broken)?,
        words: decode_words(&words).ok_or_else(broken)?,
    })
}

/// The version whose pages are shown, and its number of pages.
fn shown_version(tx: &Connection, document_id: DocumentId) -> DbResult<Option<(i64, Option<u32>)>> {
    Ok(tx
        .prepare_cached(
            "select v.version_no, v.page_count from documents d
             join versions v on v.version_no = coalesce(d.visible_version_no, d.newest_version_no)
             where d.document_id = ?1",
        )?
        .query_row([document_id.to_blob()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// `DocumentStore::find_page`.
pub(crate) fn find(
    tx: &Connection,
    scope: &Scope,
    document_id: DocumentId,
    page_number: u32,
) -> DbResult<Option<(Page, u32)>> {
    if documents::find(tx, scope, document_id)?.is_none() {
        return Ok(None);
    }
    let Some((version_no, Some(page_count))) = shown_version(tx, document_id)? else {
        return Ok(None);
    };
    let page = tx
        .prepare_cached(
            "select page_number, width, height, text, blocks, lines, words from pages where version_no = ?1 and page_number = ?2",
        )?
        .query_row(params![version_no, page_number], |row| Ok(read(row)))
        .optional()?
        .transpose()?;
    Ok(page.map(|page| (page, page_count)))
}

/// `DocumentStore::find_analysis`.
pub(crate) fn find_analysis(
    tx: &Connection,
    scope: &Scope,
    document_id: DocumentId,
) -> DbResult<Option<AnalysisRecord>> {
    let Some(document) = documents::find(tx, scope, document_id)? else {
        return Ok(None);
    };
    let mut analysis = AnalysisRecord {
        author: None,
        page_count: document.page_count,
        total_chunks: document.total_chunks,
        characters: 0,
        notes: Vec::new(),
        failure: document
            .failure
            .filter(|_| document.status == DocumentStatus::Failed),
    };
    let Some((version_no, _)) = shown_version(tx, document_id)? else {
        return Ok(Some(analysis));
    };
    let (author, characters): (Option<String>, Option<i64>) = tx.query_row(
        "select author, characters from versions where version_no = ?1",
        [version_no],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    analysis.author = author;
    analysis.characters = characters.unwrap_or(0).unsigned_abs();
    analysis.notes = notes_of(tx, version_no)?;
    Ok(Some(analysis))
}

/// What extraction had to say of a version, in order.
pub(crate) fn notes_of(tx: &Connection, version_no: i64) -> DbResult<Vec<ExtractionNote>> {
    let mut statement = tx.prepare_cached(
        "select page_number, kind, text from extraction_notes where version_no = ?1 order by position",
    )?;
    let mut rows = statement.query([version_no])?;
    let mut notes = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(1)?;
        notes.push(ExtractionNote {
            page_number: row.get(0)?,
            kind: NoteKind::from_name(&kind).ok_or_else(|| DbError::row("extraction_notes", kind))?,
            text: row.get(2)?,
        });
    }
    Ok(notes)
}
