//! What the life of a version writes: it is shown, hidden, stripped of its contents, removed.
//!
//! Whoever calls these has locked the version's document.

use ids_core::document::{BlobKey, Removed, title_from_filename};
use ids_core::id::{DocumentId, OrganizationId};

use crate::error::DbResult;
use crate::rows::{Columns, Id, as_number, folded};
use crate::transaction::Tx;
use crate::{chunks, postings};

/// What the version holds, as far as removing it goes.
struct Contents {
    version_no: i64,
    organization: OrganizationId,
    document_id: DocumentId,
    blob_key: Option<String>,
    is_visible: bool,
}

async fn contents(tx: &Tx<'_>, organization: OrganizationId, version_no: i64) -> DbResult<Option<Contents>> {
    let row = tx
        .query_opt(
            "select v.document_id, v.blob_key, d.visible_version_no is not distinct from v.version_no
             from versions v join documents d on d.document_id = v.document_id
             where v.organization_id = $1 and v.version_no = $2",
            &[&organization.to_uuid(), &version_no],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(&row, "versions");
    Ok(Some(Contents {
        version_no,
        organization,
        document_id: columns.id()?,
        blob_key: columns.get()?,
        is_visible: columns.get()?,
    }))
}

/// Makes a version the visible one; the one before must have been hidden.
pub(crate) async fn show(tx: &Tx<'_>, organization: OrganizationId, version_no: i64) -> DbResult<()> {
    let Some(version) = contents(tx, organization, version_no).await? else {
        return Ok(());
    };
    postings::show(tx, organization, version_no).await?;
    set_visible(tx, &version, Some(version_no)).await?;
    refresh_shown(tx, organization, version.document_id).await
}

/// Takes a version out of sight, if it is in sight.
pub(crate) async fn hide(tx: &Tx<'_>, organization: OrganizationId, version_no: i64) -> DbResult<()> {
    match contents(tx, organization, version_no).await? {
        Some(version) if version.is_visible => hide_contents(tx, &version).await,
        _ => Ok(()),
    }
}

async fn hide_contents(tx: &Tx<'_>, version: &Contents) -> DbResult<()> {
    postings::hide(tx, version.organization, version.version_no).await?;
    set_visible(tx, version, None).await
}

async fn set_visible(tx: &Tx<'_>, version: &Contents, visible: Option<i64>) -> DbResult<()> {
    tx.execute(
        "update documents set visible_version_no = $3 where organization_id = $1 and document_id = $2",
        &[
            &version.organization.to_uuid(),
            &version.document_id.to_uuid(),
            &visible,
        ],
    )
    .await?;
    Ok(())
}

/// Leaves of a version only its bytes: chunks, embeddings and pages go, and it is out of sight.
pub(crate) async fn strip(tx: &Tx<'_>, organization: OrganizationId, version_no: i64) -> DbResult<Removed> {
    let Some(version) = contents(tx, organization, version_no).await? else {
        return Ok(Removed::default());
    };
    strip_contents(tx, &version).await
}

async fn strip_contents(tx: &Tx<'_>, version: &Contents) -> DbResult<Removed> {
    if version.is_visible {
        hide_contents(tx, version).await?;
    }
    let (organization, version_no) = (version.organization.to_uuid(), version.version_no);
    let removed = chunks::remove(tx, version.organization, version_no).await?;
    for sql in [
        "delete from pages where organization_id = $1 and version_no = $2",
        "delete from extraction_notes where organization_id = $1 and version_no = $2",
        "delete from text_signatures where organization_id = $1 and version_no = $2",
        "delete from signature_bands where organization_id = $1 and version_no = $2",
        "update versions set stage = 'accepted', title_own = null, author = null, text_hash = null, page_count = null,
             characters = null, chunk_count = 0, embedded_count = 0
         where organization_id = $1 and version_no = $2",
    ] {
        tx.execute(sql, &[&organization, &version_no]).await?;
    }
    refresh_shown(tx, version.organization, version.document_id).await?;
    Ok(Removed {
        chunks: as_number(removed.chunks),
        embeddings: as_number(removed.embeddings),
        ..Removed::default()
    })
}

/// Removes a version with all that hangs on it, and names its bytes.
pub(crate) async fn remove(tx: &Tx<'_>, organization: OrganizationId, version_no: i64) -> DbResult<Removed> {
    let Some(version) = contents(tx, organization, version_no).await? else {
        return Ok(Removed::default());
    };
    let mut removed = strip_contents(tx, &version).await?;
    tx.execute(
        "delete from versions where organization_id = $1 and version_no = $2",
        &[&organization.to_uuid(), &version_no],
    )
    .await?;
    removed.blobs.extend(version.blob_key.map(BlobKey));
    Ok(removed)
}

/// Removes all versions of a document below `version_no`.
pub(crate) async fn remove_older(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
    version_no: i64,
) -> DbResult<Removed> {
    let mut sum = Removed::default();
    for older in numbers(tx, organization, document_id).await? {
        if older < version_no {
            add(&mut sum, remove(tx, organization, older).await?);
        }
    }
    Ok(sum)
}

/// The numbers of a document's versions, oldest first.
pub(crate) async fn numbers(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
) -> DbResult<Vec<i64>> {
    let rows = tx
        .query(
            "select version_no from versions where organization_id = $1 and document_id = $2 order by version_no",
            &[&organization.to_uuid(), &document_id.to_uuid()],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Adds up what was removed.
pub(crate) fn add(sum: &mut Removed, more: Removed) {
    sum.chunks += more.chunks;
    sum.embeddings += more.embeddings;
    sum.members += more.members;
    sum.blobs.extend(more.blobs);
}

/// Copies onto the document what is shown of it: of the visible version, else of the newest, else as announced.
pub(crate) async fn refresh_shown(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
) -> DbResult<()> {
    let (organization, id) = (organization.to_uuid(), document_id.to_uuid());
    let row = tx
        .query_opt(
            "select d.title_given, v.title_own, coalesce(v.filename, d.filename) from documents d
             left join versions v on v.version_no = d.shown_version_no
             where d.organization_id = $1 and d.document_id = $2",
            &[&organization, &id],
        )
        .await?;
    let Some(row) = row else { return Ok(()) };
    let mut columns = Columns::new(&row, "documents");
    let (given, own): (Option<String>, Option<String>) = (columns.get()?, columns.get()?);
    let filename: String = columns.get()?;
    let title = given.or(own).unwrap_or_else(|| title_from_filename(&filename));
    // Copied from one version, so that lists and filters read one table. Before the first version is accepted the
    // announcement stands, and so it does when the version shown is gone.
    tx.execute(
        "update documents d set title = $3, title_folded = $4, filename = $5, filename_folded = $6, updated_at = $7,
             content_type = coalesce(v.content_type, d.content_type), file_size = coalesce(v.file_size, d.file_size),
             file_hash = coalesce(v.file_hash, d.file_hash)
         from documents o
         left join versions v on v.version_no = o.shown_version_no
         where o.organization_id = $1 and o.document_id = $2 and d.document_id = o.document_id",
        &[
            &organization,
            &id,
            &title,
            &folded(&title),
            &filename,
            &folded(&filename),
            &tx.now().as_micros(),
        ],
    )
    .await?;
    Ok(())
}
