//! Documents as they are stored, for the port `LibraryArchive`.

use ids_core::chunk::NewChunk;
use ids_core::document::{BlobKey, SourcePath};
use ids_core::embedding::EmbeddingModel;
use ids_core::id::{ChunkId, DocumentId, OrganizationId};
use ids_core::job::Job;
use ids_core::moving::{DocumentRecord, ListedDocument, ModelEmbeddings, StoredState, VersionRecord};
use ids_core::scope::Scope;
use ids_text::Term;
use tokio_postgres::Row;

use crate::codec::{decode_spans, walk_terms};
use crate::error::{DbError, DbResult};
use crate::models;
use crate::rows::{Columns, Id, as_integer};
use crate::transaction::Tx;
use crate::{documents, job_reads, pages, signatures};

/// Chunks, or vectors, of one statement: some megabytes.
const ROWS: i64 = 2_000;

/// `LibraryArchive::list_stored`.
pub(crate) async fn list(tx: &Tx<'_>, organization: OrganizationId) -> DbResult<Vec<ListedDocument>> {
    tx.be_patient().await?;
    let rows = tx
        .query(
            include_str!("../queries/list_stored.sql"),
            &[&organization.to_uuid()],
        )
        .await?;
    rows.iter().map(read_listed).collect()
}

fn read_listed(row: &Row) -> DbResult<ListedDocument> {
    let mut columns = Columns::new(row, "documents");
    let (document_id, updated_at) = (columns.id()?, columns.time()?);
    let (is_open, is_announced): (bool, bool) = (columns.get()?, columns.get()?);
    Ok(ListedDocument {
        document_id,
        state: match (is_open, is_announced) {
            (true, _) => StoredState::Unfinished,
            (false, true) => StoredState::Announced,
            (false, false) => StoredState::Settled,
        },
        updated_at,
    })
}

/// `LibraryArchive::load_document`.
pub(crate) async fn load(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
) -> DbResult<Option<DocumentRecord>> {
    let scope = Scope::organization(organization);
    let Some(document) = documents::find(tx, &scope, document_id).await? else {
        return Ok(None);
    };
    let row = tx
        .query_one(
            "select source_path, title_given, visible_version_no, newest_version_no, parent_version_id from documents
             where organization_id = $1 and document_id = $2",
            &[&organization.to_uuid(), &document_id.to_uuid()],
        )
        .await?;
    let mut columns = Columns::new(&row, "documents");
    let mut record = DocumentRecord {
        document,
        source: columns.get::<Option<String>>()?.map(SourcePath),
        parent_version: None,
        title_given: columns.get()?,
        versions: Vec::new(),
        visible: None,
        newest: None,
        jobs: jobs_of(tx, &scope, document_id).await?,
    };
    let (visible_no, newest_no): (Option<i64>, Option<i64>) = (columns.get()?, columns.get()?);
    record.parent_version = columns.optional_id()?;
    let rows = tx
        .query(
            "select version_no, version_id, blob_key, filename, content_type, file_size, file_hash, kept_hash, title_own, author,
                 text_hash, stage, page_count, characters, created_at, first_chunk_id, chunk_count
             from versions where organization_id = $1 and document_id = $2 order by version_no",
            &[&organization.to_uuid(), &document_id.to_uuid()],
        )
        .await?;
    for row in &rows {
        let (version_no, version) = version_of(tx, organization, row).await?;
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

async fn jobs_of(tx: &Tx<'_>, scope: &Scope, document_id: DocumentId) -> DbResult<Vec<Job>> {
    let jobs = job_reads::of_document(tx, scope, document_id).await?;
    Ok(jobs.into_iter().filter(|job| job.status.is_end()).collect())
}

async fn version_of(tx: &Tx<'_>, organization: OrganizationId, row: &Row) -> DbResult<(i64, VersionRecord)> {
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
        signature: signatures::find(tx, organization, version_no).await?,
        stage: columns.stage()?,
        page_count: columns.optional_number()?,
        characters: columns.get::<Option<i64>>()?.map(i64::unsigned_abs),
        created_at: columns.time()?,
        pages: pages::of_version(tx, organization, version_no).await?,
        notes: pages::notes_of(tx, organization, version_no).await?,
        first_chunk: None,
        chunks: Vec::new(),
        embeddings: Vec::new(),
    };
    let first: Option<i64> = columns.get()?;
    let count: u32 = columns.number()?;
    // A version without text has a run of its own here, and no chunk.
    if let Some(first) = first.filter(|_| count > 0) {
        version.first_chunk = Some(ChunkId(first));
        version.chunks = chunks_of(tx, organization, version_no, first).await?;
        version.embeddings = embeddings_of(tx, organization, first, count).await?;
    }
    if version.chunks.len() == count as usize {
        Ok((version_no, version))
    } else {
        Err(DbError::row("versions", version_no))
    }
}

/// The chunks of a version by index; each must be there, behind the one before.
async fn chunks_of(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
    first: i64,
) -> DbResult<Vec<NewChunk>> {
    let mut chunks = Vec::new();
    loop {
        let from = as_integer(chunks.len());
        let rows = tx
            .query(
                "select chunk_id, chunk_index, length, terms, heading, content, spans from chunks
                 where organization_id = $1 and version_no = $2 and chunk_index >= $3::int8
                 order by chunk_index limit $4",
                &[&organization.to_uuid(), &version_no, &from, &ROWS],
            )
            .await?;
        for row in &rows {
            let mut columns = Columns::new(row, "chunks");
            let chunk_id: i64 = columns.get()?;
            let broken = || DbError::row("chunks", chunk_id);
            if chunk_id != first + as_integer(chunks.len()) {
                return Err(broken());
            }
            let (chunk_index, length): (u32, u32) = (columns.number()?, columns.number()?);
            if chunk_index as usize != chunks.len() {
                return Err(broken());
            }
            let terms: Vec<u8> = columns.get()?;
            chunks.push(NewChunk {
                chunk_index,
                length,
                terms: terms_of(&terms).ok_or_else(broken)?,
                heading: columns.get()?,
                content: columns.get()?,
                spans: decode_spans(&columns.get::<Vec<u8>>()?).ok_or_else(broken)?,
            });
        }
        if as_integer(rows.len()) < ROWS {
            return Ok(chunks);
        }
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

async fn embeddings_of(
    tx: &Tx<'_>,
    organization: OrganizationId,
    first: i64,
    count: u32,
) -> DbResult<Vec<ModelEmbeddings>> {
    let models = tx
        .query(
            "select name, dimensions from embedding_models order by name collate \"C\", dimensions",
            &[],
        )
        .await?;
    let end = first + i64::from(count);
    let mut found = Vec::new();
    for row in &models {
        let mut columns = Columns::new(row, "embedding_models");
        let model = EmbeddingModel {
            name: columns.get()?,
            dimensions: columns.number()?,
        };
        let known = models::get(tx, &model).await?;
        let mut vectors = Vec::new();
        let mut next = first;
        while next < end {
            let until = end.min(next + ROWS);
            let rows = tx
                .query(
                    "select chunk_id, vector from embeddings
                     where organization_id = $1 and chunk_id >= $2 and chunk_id < $3 and model_no = $4 order by chunk_id",
                    &[&organization.to_uuid(), &next, &until, &known.model_no],
                )
                .await?;
            for row in &rows {
                let chunk_id: i64 = row.try_get(0)?;
                let broken = || DbError::row("embeddings", chunk_id);
                let vector = known
                    .precision
                    .read_column(row, 1)?
                    .filter(|vector| vector.dimensions() == model.dimensions)
                    .ok_or_else(broken)?;
                vectors.push((u32::try_from(chunk_id - first).map_err(|_| broken())?, vector));
            }
            next = until;
        }
        if !vectors.is_empty() {
            found.push(ModelEmbeddings { model, vectors });
        }
    }
    Ok(found)
}
