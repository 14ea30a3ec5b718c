//! Chunks of versions: stored, listed, loaded, removed.

use ids_core::chunk::{Candidate, ChunkDetail, Filter, NewChunk, TieKey, UnembeddedChunk};
use ids_core::document::VersionStage;
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::id::{ChunkId, DocumentId, OrganizationId};
use ids_core::job::Lease;
use ids_core::ports::{ChunkPage, Replaced};
use ids_core::scope::Scope;
use ids_text::Term;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::codec::{decode_spans, encode_spans, encode_terms, frequencies_of};
use crate::error::{DbError, DbResult};
use crate::leases::{held_version, hold_version};
use crate::models::{self, KnownModel};
use crate::rows::{Columns, Id, as_integer, as_number, storable};
use crate::scope_sql::{Conditions, uuid, value};
use crate::search_scope::{Visible, visible};
use crate::transaction::Tx;
use crate::{documents, pages, statistics, versions};

/// Bits of a chunk's id that are its index; the rest is the number of the run (`migrations/0002_create_index.sql`).
pub(crate) const RUN_BITS: u32 = 20;
/// Chunks of one statement: some megabytes of parameters.
pub(crate) const ROWS: usize = 2_000;

/// How much of a version was removed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RemovedChunks {
    pub(crate) chunks: u64,
    pub(crate) embeddings: u64,
}

/// `ChunkIndex::replace`.
pub(crate) async fn replace(tx: &Tx<'_>, lease: &Lease, chunks: &[NewChunk]) -> DbResult<Replaced> {
    let held = hold_version(tx, lease).await?;
    if held.stage >= VersionStage::Chunked {
        return Ok(Replaced::Stored);
    }
    // Whoever stores the same text at the same time waits here, and then sees that this one was faster.
    pages::lock_text(tx, &held).await?;
    if let Some(original) = pages::duplicate_of(tx, &held).await? {
        return Ok(Replaced::DuplicateOf(original));
    }
    let first_chunk_id = insert(tx, held.organization, held.version_no, chunks).await?;
    tx.execute(
        "update versions set stage = 'chunked', first_chunk_id = $3, chunk_count = $4, embedded_count = 0
         where organization_id = $1 and version_no = $2",
        &[
            &held.organization.to_uuid(),
            &held.version_no,
            &first_chunk_id,
            &as_number::<i32>(chunks.len()),
        ],
    )
    .await?;
    if held.visible_version_no.is_none() {
        versions::show(tx, held.organization, held.version_no).await?;
    }
    Ok(Replaced::Stored)
}

/// Stores the chunks of a version; gives the id of the first one.
pub(crate) async fn insert(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
    chunks: &[NewChunk],
) -> DbResult<i64> {
    let in_order = (0..).zip(chunks).all(|(index, chunk)| chunk.chunk_index == index);
    if !in_order || chunks.len() >= 1 << RUN_BITS {
        return Err(DbError::INTERNAL);
    }
    let run: i64 = tx
        .query_one("select nextval('chunk_runs')", &[])
        .await?
        .try_get(0)?;
    let first_chunk_id = run << RUN_BITS;
    for some in chunks.chunks(ROWS) {
        insert_some(tx, organization, version_no, first_chunk_id, some).await?;
    }
    Ok(first_chunk_id)
}

async fn insert_some(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
    first_chunk_id: i64,
    chunks: &[NewChunk],
) -> DbResult<()> {
    let indexes: Vec<i32> = chunks.iter().map(|chunk| as_number(chunk.chunk_index)).collect();
    let lengths: Vec<i32> = chunks.iter().map(|chunk| as_number(chunk.length)).collect();
    let terms: Vec<Vec<u8>> = chunks.iter().map(|chunk| encode_terms(&chunk.terms)).collect();
    let headings: Vec<Option<_>> = chunks
        .iter()
        .map(|chunk| chunk.heading.as_deref().map(storable))
        .collect();
    let contents: Vec<_> = chunks.iter().map(|chunk| storable(&chunk.content)).collect();
    let spans: Vec<Vec<u8>> = chunks.iter().map(|chunk| encode_spans(&chunk.spans)).collect();
    tx.execute(
        "insert into chunks (chunk_id, organization_id, version_no, chunk_index, length, terms, heading, content, spans)
         select $1::int8 + c.chunk_index, $2::uuid, $3::int8, c.chunk_index, c.length, c.terms, c.heading, c.content, c.spans
         from unnest($4::int4[], $5::int4[], $6::bytea[], $7::text[], $8::text[], $9::bytea[])
             as c (chunk_index, length, terms, heading, content, spans)",
        &[
            &first_chunk_id,
            &organization.to_uuid(),
            &version_no,
            &indexes,
            &lengths,
            &terms,
            &headings,
            &contents,
            &spans,
        ],
    )
    .await?;
    Ok(())
}

/// Removes what is stored of a version's chunks, which must not be visible any more.
pub(crate) async fn remove(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
) -> DbResult<RemovedChunks> {
    let first = first_chunk_id(tx, organization, version_no).await?;
    let Some(first) = first else {
        return Ok(RemovedChunks::default());
    };
    let (organization, end) = (organization.to_uuid(), first + (1 << RUN_BITS));
    let in_run: [&(dyn ToSql + Sync); 3] = [&organization, &first, &end];
    let embeddings = tx
        .execute(
            "delete from embeddings where organization_id = $1 and chunk_id >= $2 and chunk_id < $3",
            &in_run,
        )
        .await?;
    let chunks = tx
        .execute(
            "delete from chunks where organization_id = $1 and chunk_id >= $2 and chunk_id < $3",
            &in_run,
        )
        .await?;
    tx.execute(
        "update versions set first_chunk_id = null where organization_id = $1 and version_no = $2",
        &[&organization, &version_no],
    )
    .await?;
    Ok(RemovedChunks { chunks, embeddings })
}

async fn first_chunk_id(tx: &Tx<'_>, organization: OrganizationId, version_no: i64) -> DbResult<Option<i64>> {
    let row = tx
        .query_opt(
            "select first_chunk_id from versions where organization_id = $1 and version_no = $2",
            &[&organization.to_uuid(), &version_no],
        )
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.flatten())
}

/// `ChunkIndex::list_unembedded`.
pub(crate) async fn list_unembedded(
    tx: &Tx<'_>,
    lease: &Lease,
    model: &EmbeddingModel,
    limit: usize,
) -> DbResult<Vec<UnembeddedChunk>> {
    let held = held_version(tx, lease).await?;
    // 0 is the number of no model: then every chunk lacks its embedding.
    let model_no = models::find(tx, model).await?.map_or(0, |known| known.model_no);
    let rows = tx
        .query(
            "select c.chunk_index, c.content, c.heading from chunks c
             where c.organization_id = $1 and c.version_no = $2
               and not exists (select 1 from embeddings e where e.chunk_id = c.chunk_id and e.model_no = $3)
             order by c.chunk_index limit $4",
            &[
                &held.organization.to_uuid(),
                &held.version_no,
                &model_no,
                &as_integer(limit),
            ],
        )
        .await?;
    let read = |row: &Row| {
        let mut columns = Columns::new(row, "chunks");
        Ok(UnembeddedChunk {
            chunk_index: columns.number()?,
            content: columns.get()?,
            heading: columns.get()?,
        })
    };
    rows.iter().map(read).collect()
}

/// `ChunkIndex::store_embeddings`; the model is known.
pub(crate) async fn store_embeddings(
    tx: &Tx<'_>,
    lease: &Lease,
    model: &EmbeddingModel,
    embeddings: &[(u32, Embedding)],
) -> DbResult<()> {
    let held = hold_version(tx, lease).await?;
    let KnownModel { model_no, precision } = models::get(tx, model).await?;
    let fits = |(index, embedding): &(u32, Embedding)| {
        i64::from(*index) < i64::from(held.chunk_count) && embedding.dimensions() == model.dimensions
    };
    if !embeddings.iter().all(fits) {
        return Err(DbError::INTERNAL);
    }
    let Some(first) = first_chunk_id(tx, held.organization, held.version_no).await? else {
        return Ok(());
    };
    let chunk_ids: Vec<i64> = embeddings
        .iter()
        .map(|(index, _)| first + i64::from(*index))
        .collect();
    let vectors = precision.values(embeddings.iter().map(|(_, embedding)| embedding));
    let sql = format!(
        "with stored as (
             insert into embeddings (chunk_id, model_no, organization_id, version_no, vector)
             select g.chunk_id, $3::int4, $1::uuid, $2::int8, g.vector from unnest($4::int8[], $5::{}[]) as g (chunk_id, vector)
             on conflict (chunk_id, model_no) do nothing
             returning chunk_id
         )
         update versions set embedded_count = embedded_count + (
             select count(*) from stored s
             where not exists (select 1 from embeddings e where e.chunk_id = s.chunk_id and e.model_no <> $3))
         where organization_id = $1 and version_no = $2",
        precision.type_name()
    );
    tx.execute(
        &sql,
        &[
            &held.organization.to_uuid(),
            &held.version_no,
            &model_no,
            &chunk_ids,
            &*vectors,
        ],
    )
    .await?;
    Ok(())
}

/// `ChunkIndex::count_chunks`.
pub(crate) async fn count(tx: &Tx<'_>, scope: &Scope, filter: &Filter) -> DbResult<u64> {
    match visible(tx, scope, filter).await? {
        Visible::All => statistics::count_chunks(tx, scope.organization).await,
        Visible::Only(versions) => {
            let counts = versions.iter().map(|version| version.chunk_count.unsigned_abs());
            Ok(counts.sum())
        }
    }
}

/// What stands in front of every statement that loads chunks: `n` is the chunk, `v` its version, while that is visible and in
/// scope. The lateral limits keep to the keys whatever the planner thinks of the number of chunks.
fn load_sql(conditions: &mut Conditions, chunk_ids: &[ChunkId], columns: &str, more: &str) -> String {
    let ids: Vec<i64> = chunk_ids.iter().map(|chunk_id| chunk_id.0).collect();
    let ids = conditions.bind(value(ids));
    let conditions = conditions.sql();
    format!(
        "select n.chunk_id, n.chunk_index, {columns}
         from unnest({ids}::int8[]) with ordinality as asked (chunk_id, place)
         cross join lateral (
             select * from chunks n where n.organization_id = $1 and n.chunk_id = asked.chunk_id limit 1
         ) n
         cross join lateral (
             select d.document_id, coalesce(p.title || ' › ', '') || d.title as title, v.filename, v.content_type, v.file_hash,
                 c.name as collection
             from documents d
             join versions v on v.version_no = d.visible_version_no
             join collections c on c.collection_no = d.collection_no
             left join documents p on p.document_id = d.parent_id
             where d.visible_version_no = n.version_no and {conditions}
             limit 1
         ) v
         {more}
         order by asked.place"
    )
}

/// `ChunkIndex::load_candidates`.
pub(crate) async fn load_candidates(
    tx: &Tx<'_>,
    scope: &Scope,
    chunk_ids: &[ChunkId],
    terms: &[Term],
    model: Option<&EmbeddingModel>,
) -> DbResult<Vec<Candidate>> {
    let known = match model {
        Some(model) => models::find(tx, model).await?,
        None => None,
    };
    let mut conditions = Conditions::in_scope(scope);
    let (vector, join) = match known {
        Some(known) => {
            let model_no = conditions.bind(value(known.model_no));
            let join = format!(
                "left join lateral (
                     select e.vector from embeddings e
                     where e.organization_id = $1 and e.chunk_id = n.chunk_id and e.model_no = {model_no} limit 1
                 ) e on true"
            );
            (", e.vector", join)
        }
        None => ("", String::new()),
    };
    let columns = format!("v.file_hash, v.collection, v.filename, n.length, n.terms{vector}");
    let sql = load_sql(&mut conditions, chunk_ids, &columns, &join);
    let mut asked: Vec<(&[u8], usize)> = terms
        .iter()
        .enumerate()
        .map(|(at, term)| (term.as_str().as_bytes(), at))
        .collect();
    asked.sort_unstable();
    let rows = tx.query(&sql, &conditions.values()).await?;
    let read = |row: &Row| read_candidate(row, &asked, known);
    rows.iter().map(read).collect()
}

fn read_candidate(row: &Row, asked: &[(&[u8], usize)], known: Option<KnownModel>) -> DbResult<Candidate> {
    let mut columns = Columns::new(row, "chunks");
    let chunk_id = ChunkId(columns.get()?);
    let tie_key = TieKey {
        chunk_index: columns.number()?,
        file_hash: columns.hash()?,
        collection: columns.collection()?,
        filename: columns.get()?,
    };
    let length = columns.number()?;
    let encoded: Vec<u8> = columns.get()?;
    let mut term_frequencies = vec![0; asked.len()];
    frequencies_of(&encoded, asked, &mut term_frequencies).ok_or_else(|| DbError::row("chunks", chunk_id))?;
    let embedding = match known {
        Some(known) => known.precision.read_column(row, 7)?,
        None => None,
    };
    Ok(Candidate {
        chunk_id,
        tie_key,
        length,
        term_frequencies,
        embedding,
    })
}

const DETAILS: &str =
    "v.document_id, v.title, v.filename, v.content_type, v.collection, n.content, n.heading, n.spans";

fn read_detail(row: &Row) -> DbResult<ChunkDetail> {
    let mut columns = Columns::new(row, "chunks");
    let chunk_id = ChunkId(columns.get()?);
    Ok(ChunkDetail {
        chunk_id,
        chunk_index: columns.number()?,
        document_id: columns.id()?,
        document_title: columns.get()?,
        filename: columns.get()?,
        content_type: columns.content_type()?,
        collection: columns.collection()?,
        content: columns.get()?,
        heading: columns.get()?,
        spans: decode_spans(&columns.get::<Vec<u8>>()?).ok_or_else(|| DbError::row("chunks", chunk_id))?,
    })
}

/// `ChunkIndex::load_details`.
pub(crate) async fn load_details(
    tx: &Tx<'_>,
    scope: &Scope,
    chunk_ids: &[ChunkId],
) -> DbResult<Vec<ChunkDetail>> {
    let mut conditions = Conditions::in_scope(scope);
    let sql = load_sql(&mut conditions, chunk_ids, DETAILS, "");
    let rows = tx.query(&sql, &conditions.values()).await?;
    rows.iter().map(read_detail).collect()
}

/// `DocumentStore::list_chunks`.
pub(crate) async fn list(
    tx: &Tx<'_>,
    scope: &Scope,
    document_id: DocumentId,
    limit: usize,
    offset: usize,
) -> DbResult<ChunkPage> {
    documents::find(tx, scope, document_id)
        .await?
        .ok_or(DbError::NOT_FOUND)?;
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("d.document_id = ?", [uuid(document_id)]);
    let sql = format!(
        "select v.first_chunk_id, v.chunk_count from documents d
         join collections c on c.collection_no = d.collection_no
         join versions v on v.version_no = d.visible_version_no
         where {} and v.first_chunk_id is not null",
        conditions.sql()
    );
    let Some(row) = tx.query_opt(&sql, &conditions.values()).await? else {
        return Ok(ChunkPage {
            chunks: Vec::new(),
            total: 0,
        });
    };
    let (first, count): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
    let count = i64::from(count);
    let from = as_integer(offset).min(count);
    let to = from.saturating_add(as_integer(limit)).min(count);
    let ids: Vec<ChunkId> = (first + from..first + to).map(ChunkId).collect();
    Ok(ChunkPage {
        chunks: load_details(tx, scope, &ids).await?,
        total: count.unsigned_abs(),
    })
}
