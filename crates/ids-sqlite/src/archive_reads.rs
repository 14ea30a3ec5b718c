//! Documents as they are stored, for the port `LibraryArchive`.

use ids_core::document::{BlobKey, SourcePath};
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::id::{ChunkId, DocumentId, OrganizationId, VersionId};
use ids_core::job::Job;
use ids_core::moving::{DocumentRecord, ListedDocument, ModelEmbeddings, StoredState, VersionRecord};
use ids_core::scope::Scope;
use rusqlite::{Connection, Row, params};

use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id};
use crate::{chunk_rows, documents, job_reads, pages, signatures};

/// `LibraryArchive::list_stored`.
pub(crate) fn list(tx: &Connection, organization: OrganizationId) -> DbResult<Vec<ListedDocument>> {
    let mut select = tx.prepare(include_str!("../queries/list_stored.sql"))?;
    let mut rows = select.query([organization.to_blob()])?;
    let mut listed = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "documents");
        let (document_id, updated_at) = (columns.id()?, columns.time()?);
        let (is_open, is_announced): (bool, bool) = (columns.get()?, columns.get()?);
        listed.push(ListedDocument {
            document_id,
            state: match (is_open, is_announced) {
                (true, _) => StoredState::Unfinished,
                (false, true) => StoredState::Announced,
                (false, false) => StoredState::Settled,
            },
            updated_at,
        });
    }
    Ok(listed)
}

/// `LibraryArchive::load_document`.
pub(crate) fn load(
    tx: &Connection,
    organization: OrganizationId,
    document_id: DocumentId,
) -> DbResult<Option<DocumentRecord>> {
    let scope = Scope::organization(organization);
    let Some(document) = documents::find(tx, &scope, document_id)? else {
        return Ok(None);
    };
    let (source, title_given, visible_no, newest_no): (Option<String>, _, Option<i64>, Option<i64>) = tx
        .prepare_cached(
            "select source_path, title_given, visible_version_no, newest_version_no from documents where document_id = ?1",
        )?
        .query_row([document_id.to_blob()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
    let parent_version: Option<[u8; 16]> = tx
        .prepare_cached("select parent_version_id from documents where document_id = ?1")?
        .query_row([document_id.to_blob()], |row| row.get(0))?;
    let mut record = DocumentRecord {
        document,
        source: source.map(SourcePath),
        parent_version: parent_version.map(VersionId::from_blob),
        title_given,
        versions: Vec::new(),
        visible: None,
        newest: None,
        jobs: jobs_of(tx, &scope, document_id)?,
    };
    for (version_no, version) in versions_of(tx, organization, document_id)? {
        if visible_no == Some(version_no) {
            record.visible = Some(version.version_id);
        }
        if newest_no == Some(version_no) {
            record.newest = Some(version.version_id);
        }
        record.versions.push(version);
    }
    Ok(Some(record))
}

fn jobs_of(tx: &Connection, scope: &Scope, document_id: DocumentId) -> DbResult<Vec<Job>> {
    let jobs = job_reads::of_document(tx, scope, document_id)?;
    Ok(jobs.into_iter().filter(|job| job.status.is_end()).collect())
}

fn versions_of(
    tx: &Connection,
    organization: OrganizationId,
    document_id: DocumentId,
) -> DbResult<Vec<(i64, VersionRecord)>> {
    let mut select = tx.prepare_cached(
        "select version_no, version_id, blob_key, filename, content_type, file_size, file_hash, kept_hash, title_own, author, text_hash,
             stage, page_count, characters, created_at, first_chunk_id, chunk_count
         from versions where document_id = ?1 and organization_id = ?2 order by version_no",
    )?;
    let mut rows = select.query(params![document_id.to_blob(), organization.to_blob()])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        versions.push(version_of(tx, organization, row)?);
    }
    Ok(versions)
}

fn version_of(
    tx: &Connection,
    organization: OrganizationId,
    row: &Row<'_>,
) -> DbResult<(i64, VersionRecord)> {
    let mut columns = Columns::new(row, "versions");
    let version_no: i64 = columns.get()?;
    let mut version = VersionRecord {
        version_id: columns.id()?,
        blob: columns.get::<Option<String>>()?.map(BlobKey),
        filename: columns.get()?,
        content_type: columns.content_type()?,
        file_size: columns.count()?,
        file_hash: columns.hash()?,
        kept_hash: columns.optional_hash()?,
        title_own: columns.get()?,
        author: columns.get()?,
        text_hash: columns.optional_hash()?,
        signature: signatures::find(tx, version_no)?,
        stage: columns.stage()?,
        page_count: columns.get()?,
        characters: columns.get::<Option<i64>>()?.map(i64::unsigned_abs),
        created_at: columns.time()?,
        pages: pages::of_version(tx, version_no)?,
        notes: pages::notes_of(tx, version_no)?,
        first_chunk: None,
        chunks: Vec::new(),
        embeddings: Vec::new(),
    };
    let first: Option<i64> = columns.get()?;
    let count: u32 = columns.get()?;
    version.chunks = chunk_rows::load(tx, organization, version_no, first, count)?;
    if let Some(first) = first {
        version.first_chunk = Some(ChunkId(first));
        version.embeddings = embeddings_of(tx, first, count)?;
    }
    Ok((version_no, version))
}

fn embeddings_of(tx: &Connection, first: i64, count: u32) -> DbResult<Vec<ModelEmbeddings>> {
    let mut models = tx.prepare_cached(
        "select m.model_no, m.name, m.dimensions from embedding_models m order by m.name, m.dimensions",
    )?;
    let mut select = tx.prepare_cached(
        "select chunk_id, vector from embeddings
         where chunk_id >= ?1 and chunk_id < ?2 and model_no = ?3 order by chunk_id",
    )?;
    let mut found = Vec::new();
    let mut models = models.query([])?;
    while let Some(row) = models.next()? {
        let model_no: i64 = row.get(0)?;
        let model = EmbeddingModel {
            name: row.get(1)?,
            dimensions: row.get::<_, u32>(2)? as usize,
        };
        let mut vectors = Vec::new();
        let mut rows = select.query(params![first, first + i64::from(count), model_no])?;
        while let Some(row) = rows.next()? {
            let chunk_id: i64 = row.get(0)?;
            let vector = Embedding::from_le_bytes(&row.get::<_, Vec<u8>>(1)?)
                .filter(|vector| vector.dimensions() == model.dimensions)
                .ok_or_else(|| DbError::row("embeddings", chunk_id))?;
            let index = u32::try_from(chunk_id - first).map_err(|_| DbError::row("embeddings", chunk_id))?;
            vectors.push((index, vector));
        }
        if !vectors.is_empty() {
            found.push(ModelEmbeddings { model, vectors });
        }
    }
    Ok(found)
}
