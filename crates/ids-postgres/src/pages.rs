//! What extraction found: pages, notes, and whether the same text is there already.

use ids_core::document::{ContentHash, DocumentStatus, Removed, VersionStage};
use ids_core::id::{DocumentId, OrganizationId};
use ids_core::job::Lease;
use ids_core::page::{ExtractedDocument, ExtractionNote, NoteKind, Page};
use ids_core::ports::AnalysisRecord;
use ids_core::scope::Scope;
use tokio_postgres::Row;

use crate::codec::{decode_blocks, decode_lines, decode_words, encode_blocks, encode_lines, encode_words};
use crate::error::{DbError, DbResult};
use crate::leases::{HeldVersion, held_version, hold_version};
use crate::rows::{Columns, Id, as_integer, as_number, storable};
use crate::transaction::Tx;
use crate::{documents, members, signatures, versions};

/// Pages sent with one statement: some megabytes at most, and one round trip for most documents.
const PAGES_AT_ONCE: usize = 256;

/// `DocumentStore::save_extraction`.
pub(crate) async fn save_extraction(
    tx: &Tx<'_>,
    lease: &Lease,
    extracted: &ExtractedDocument,
    text_hash: ContentHash,
) -> DbResult<Removed> {
    let held = hold_version(tx, lease).await?;
    if held.stage >= VersionStage::Chunked {
        // Chunks were cut from the pages that are there: a late repeat must not put others under them.
        return Ok(Removed::default());
    }
    let removed = members::remove_gone(tx, held.organization, held.document_id, lease.version_id).await?;
    let organization = held.organization.to_uuid();
    for sql in [
        "delete from pages where organization_id = $1 and version_no = $2",
        "delete from extraction_notes where organization_id = $1 and version_no = $2",
    ] {
        tx.execute(sql, &[&organization, &held.version_no]).await?;
    }
    insert(tx, held.organization, held.version_no, &extracted.pages).await?;
    insert_notes(tx, held.organization, held.version_no, &extracted.notes).await?;
    signatures::remove(tx, held.organization, held.version_no).await?;
    if let Some(signature) = &extracted.signature {
        signatures::insert(tx, held.organization, held.version_no, signature).await?;
    }
    let characters: usize = extracted.pages.iter().map(|page| page.text.chars().count()).sum();
    let title = extracted.title.as_deref().map(str::trim);
    tx.execute(
        "update versions set stage = 'extracted', title_own = $3, author = $4, text_hash = $5, page_count = $6,
             characters = $7, content_type = coalesce($8, content_type)
         where organization_id = $1 and version_no = $2",
        &[
            &organization,
            &held.version_no,
            &title.filter(|title| !title.is_empty()).map(storable),
            &extracted.author.as_deref().map(storable),
            &text_hash.as_bytes().as_slice(),
            &as_number::<i32>(extracted.pages.len()),
            &as_integer(characters),
            &extracted.content_type.as_ref().map(|kind| kind.as_str()),
        ],
    )
    .await?;
    versions::refresh_shown(tx, held.organization, held.document_id).await?;
    Ok(removed)
}

/// Stores the pages of a version.
pub(crate) async fn insert(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
    pages: &[Page],
) -> DbResult<()> {
    for some in pages.chunks(PAGES_AT_ONCE) {
        insert_some(tx, organization, version_no, some).await?;
    }
    Ok(())
}

async fn insert_some(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
    pages: &[Page],
) -> DbResult<()> {
    let numbers: Vec<i32> = pages.iter().map(|page| as_number(page.number)).collect();
    let widths: Vec<Option<f32>> = pages.iter().map(|page| page.width).collect();
    let heights: Vec<Option<f32>> = pages.iter().map(|page| page.height).collect();
    let texts: Vec<_> = pages.iter().map(|page| storable(&page.text)).collect();
    let blocks: Vec<Vec<u8>> = pages.iter().map(|page| encode_blocks(&page.blocks)).collect();
    let lines: Vec<Vec<u8>> = pages.iter().map(|page| encode_lines(&page.lines)).collect();
    let words: Vec<Vec<u8>> = pages.iter().map(|page| encode_words(&page.words)).collect();
    tx.execute(
        "insert into pages (version_no, organization_id, page_number, width, height, text, blocks, lines, words)
         select $1, $2, page.* from unnest($3::int4[], $4::float4[], $5::float4[], $6::text[], $7::bytea[], $8::bytea[], $9::bytea[]) as page",
        &[
            &version_no,
            &organization.to_uuid(),
            &numbers,
            &widths,
            &heights,
            &texts,
            &blocks,
            &lines,
            &words,
        ],
    )
    .await?;
    Ok(())
}

/// Stores what extraction had to say of a version.
pub(crate) async fn insert_notes(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
    notes: &[ExtractionNote],
) -> DbResult<()> {
    if notes.is_empty() {
        return Ok(());
    }
    let pages: Vec<Option<i32>> = notes.iter().map(|note| note.page_number.map(as_number)).collect();
    let kinds: Vec<&str> = notes.iter().map(|note| note.kind.as_str()).collect();
    let texts: Vec<_> = notes.iter().map(|note| storable(&note.text)).collect();
    tx.execute(
        "insert into extraction_notes (version_no, organization_id, page_number, kind, text, position)
         select $1, $2, note.page_number, note.kind, note.text, note.position::int4 - 1
         from unnest($3::int4[], $4::text[], $5::text[]) with ordinality as note (page_number, kind, text, position)",
        &[
            &version_no,
            &organization.to_uuid(),
            &pages,
            &kinds,
            &texts,
        ],
    )
    .await?;
    Ok(())
}

/// `DocumentStore::find_duplicate`.
pub(crate) async fn find_duplicate(tx: &Tx<'_>, lease: &Lease) -> DbResult<Option<DocumentId>> {
    let held = held_version(tx, lease).await?;
    duplicate_of(tx, &held).await
}

/// Makes whoever is about to show a version of the same text in the same collection wait until this transaction ends: of two at
/// the same time, the second then sees the first (`duplicate_of`).
pub(crate) async fn lock_text(tx: &Tx<'_>, held: &HeldVersion) -> DbResult<()> {
    let Some(text_hash) = &held.text_hash else {
        return Ok(());
    };
    let words = text_hash
        .first_chunk::<8>()
        .map_or(0, |first| i64::from_be_bytes(*first));
    tx.query_one(
        "select pg_advisory_xact_lock($1)",
        &[&(words ^ held.collection_no)],
    )
    .await?;
    Ok(())
}

/// The oldest other document of the collection whose visible version has the same text.
pub(crate) async fn duplicate_of(tx: &Tx<'_>, held: &HeldVersion) -> DbResult<Option<DocumentId>> {
    let Some(text_hash) = &held.text_hash else {
        return Ok(None);
    };
    let row = tx
        .query_opt(
            // What came in an older version of the same archive may be about to go: it is no original.
            "select d.document_id from versions v join documents d on d.visible_version_no = v.version_no
             join documents own on own.document_id = $4
             where v.organization_id = $1 and v.text_hash = $2 and d.collection_no = $3 and d.document_id <> $4
                 and (d.parent_id is null or d.parent_id is distinct from own.parent_id
                     or d.parent_version_id is not distinct from own.parent_version_id)
             order by v.version_no limit 1",
            &[
                &held.organization.to_uuid(),
                text_hash,
                &held.collection_no,
                &held.document_id.to_uuid(),
            ],
        )
        .await?;
    row.map(|row| Columns::new(&row, "documents").id()).transpose()
}

const SELECT: &str = "select page_number, width, height, text, blocks, lines, words from pages
     where organization_id = $1 and version_no = $2";

/// `DocumentStore::load_pages`.
pub(crate) async fn load(tx: &Tx<'_>, lease: &Lease) -> DbResult<Vec<Page>> {
    let held = held_version(tx, lease).await?;
    of_version(tx, held.organization, held.version_no).await
}

/// All pages of a version, in order.
pub(crate) async fn of_version(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
) -> DbResult<Vec<Page>> {
    let rows = tx
        .query(
            &format!("{SELECT} order by page_number"),
            &[&organization.to_uuid(), &version_no],
        )
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> DbResult<Page> {
    let mut columns = Columns::new(row, "pages");
    let number: u32 = columns.number()?;
    let broken = || DbError::row("pages", number);
    let (width, height) = (columns.get()?, columns.get()?);
    let text = columns.get()?;
    let blocks: Vec<u8> = columns.get()?;
    let lines: Vec<u8> = columns.get()?;
    let words: Vec<u8> = columns.get()?;
    Ok(Page {
        number,
        width,
        height,
        text,
        blocks: decode_blocks(&blocks).ok_or_else(broken)?,
        lines: decode_lines(&lines).ok_or_else(broken)?,
        words: decode_words(&words).ok_or_else(broken)?,
    })
}

/// The version whose pages are shown, its number of pages, its author and its length.
struct Shown {
    version_no: i64,
    page_count: Option<u32>,
    author: Option<String>,
    characters: Option<i64>,
}

async fn shown_version(tx: &Tx<'_>, scope: &Scope, document_id: DocumentId) -> DbResult<Option<Shown>> {
    let row = tx
        .query_opt(
            "select v.version_no, v.page_count, v.author, v.characters from documents d
             join versions v on v.version_no = d.shown_version_no
             where d.organization_id = $1 and d.document_id = $2",
            &[&scope.organization.to_uuid(), &document_id.to_uuid()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(&row, "versions");
    Ok(Some(Shown {
        version_no: columns.get()?,
        page_count: columns.optional_number()?,
        author: columns.get()?,
        characters: columns.get()?,
    }))
}

/// `DocumentStore::find_page`.
pub(crate) async fn find(
    tx: &Tx<'_>,
    scope: &Scope,
    document_id: DocumentId,
    page_number: u32,
) -> DbResult<Option<(Page, u32)>> {
    if documents::find(tx, scope, document_id).await?.is_none() {
        return Ok(None);
    }
    let Some(Shown {
        version_no,
        page_count: Some(page_count),
        ..
    }) = shown_version(tx, scope, document_id).await?
    else {
        return Ok(None);
    };
    // Above what the column holds there is no page.
    let number = i32::try_from(page_number).unwrap_or(i32::MAX);
    let row = tx
        .query_opt(
            &format!("{SELECT} and page_number = $3"),
            &[&scope.organization.to_uuid(), &version_no, &number],
        )
        .await?;
    let page = row.as_ref().map(read).transpose()?;
    Ok(page.map(|page| (page, page_count)))
}

/// `DocumentStore::find_analysis`.
pub(crate) async fn find_analysis(
    tx: &Tx<'_>,
    scope: &Scope,
    document_id: DocumentId,
) -> DbResult<Option<AnalysisRecord>> {
    let Some(document) = documents::find(tx, scope, document_id).await? else {
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
    let Some(shown) = shown_version(tx, scope, document_id).await? else {
        return Ok(Some(analysis));
    };
    analysis.author = shown.author;
    analysis.characters = shown.characters.unwrap_or(0).unsigned_abs();
    analysis.notes = notes_of(tx, scope.organization, shown.version_no).await?;
    Ok(Some(analysis))
}

/// What extraction had to say of a version, in order.
pub(crate) async fn notes_of(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
) -> DbResult<Vec<ExtractionNote>> {
    let rows = tx
        .query(
            "select page_number, kind, text from extraction_notes where organization_id = $1 and version_no = $2
             order by position",
            &[&organization.to_uuid(), &version_no],
        )
        .await?;
    let mut notes = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut columns = Columns::new(row, "extraction_notes");
        notes.push(ExtractionNote {
            page_number: columns.optional_number()?,
            kind: columns.word(NoteKind::from_name)?,
            text: columns.get()?,
        });
    }
    Ok(notes)
}
