//! Chunks and their embeddings, and the port `ChunkIndex`.

use std::collections::HashMap;

use async_trait::async_trait;
use ids_core::chunk::{Candidate, ChunkDetail, Filter, NewChunk, TieKey, UnembeddedChunk};
use ids_core::document::{ContentHash, ContentType, VersionStage};
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::error::StoreError;
use ids_core::id::{ChunkId, DocumentId};
use ids_core::job::Lease;
use ids_core::ports::{ChunkIndex, ChunkPage, CorpusStatistics, Replaced, WeightedTerm};
use ids_core::scope::{CollectionName, Scope};
use ids_text::Term;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::codec::{decode_spans, frequencies_of};
use crate::database::{Durability, WriteTx};
use crate::error::{DbError, DbResult};
use crate::leases::held_version;
use crate::library::SqliteLibrary;
use crate::rows::{Columns, Id, as_integer};
use crate::vectors::{self, StoredVector};
use crate::{chunk_rows, documents, lexical, pages, ranges, reindex, versions};

fn replace(tx: &mut WriteTx<'_>, lease: &Lease, chunks: &[NewChunk]) -> DbResult<Replaced> {
    let held = held_version(tx, lease)?;
    if held.stage >= VersionStage::Chunked {
        return Ok(Replaced::Stored);
    }
    if let Some(original) = pages::duplicate_of(tx, &held)? {
        return Ok(Replaced::DuplicateOf(original));
    }
    let first_chunk_id = chunk_rows::insert(tx, held.organization, held.version_no, chunks)?;
    tx.execute(
        "update versions set stage = 'chunked', first_chunk_id = ?2, chunk_count = ?3, embedded_count = 0
         where version_no = ?1",
        params![held.version_no, first_chunk_id, as_integer(chunks.len())],
    )?;
    if held.visible_version_no.is_none() {
        versions::show(tx, held.version_no)?;
    }
    Ok(Replaced::Stored)
}

pub(crate) fn find_model(tx: &Connection, model: &EmbeddingModel) -> DbResult<Option<i64>> {
    Ok(tx
        .prepare_cached("select model_no from embedding_models where name = ?1 and dimensions = ?2")?
        .query_row(params![model.name, as_integer(model.dimensions)], |row| {
            row.get(0)
        })
        .optional()?)
}

pub(crate) fn ensure_model(tx: &Connection, model: &EmbeddingModel) -> DbResult<i64> {
    if let Some(model_no) = find_model(tx, model)? {
        return Ok(model_no);
    }
    tx.execute(
        "insert into embedding_models (name, dimensions) values (?1, ?2)",
        params![model.name, as_integer(model.dimensions)],
    )?;
    Ok(tx.last_insert_rowid())
}

fn list_unembedded(
    tx: &Connection,
    lease: &Lease,
    model: &EmbeddingModel,
    limit: usize,
) -> DbResult<Vec<UnembeddedChunk>> {
    let ids = held_version(tx, lease)?.chunk_ids();
    // 0 is the number of no model: then every chunk lacks its embedding.
    let model_no = find_model(tx, model)?.unwrap_or(0);
    let mut statement = tx.prepare_cached(
        "select c.chunk_index, c.content, c.heading from chunks c
         where c.chunk_id >= ?1 and c.chunk_id < ?2
           and not exists (select 1 from embeddings e where e.chunk_id = c.chunk_id and e.model_no = ?3)
         order by c.chunk_id limit ?4",
    )?;
    let rows = statement.query_map(params![ids.start, ids.end, model_no, as_integer(limit)], |row| {
        Ok(UnembeddedChunk {
            chunk_index: row.get(0)?,
            content: row.get(1)?,
            heading: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn store_embeddings(
    tx: &mut WriteTx<'_>,
    lease: &Lease,
    model: &EmbeddingModel,
    embeddings: &[(u32, Embedding)],
) -> DbResult<()> {
    let held = held_version(tx, lease)?;
    let model_no = ensure_model(tx, model)?;
    let ids = held.chunk_ids();
    let mut stored = Vec::with_capacity(embeddings.len());
    let mut newly_embedded = 0i64;
    {
        let mut other =
            tx.prepare_cached("select 1 from embeddings where chunk_id = ?1 and model_no <> ?2 limit 1")?;
        let mut insert = tx.prepare_cached(
            "insert or ignore into embeddings (chunk_id, model_no, organization_id, vector) values (?1, ?2, ?3, ?4)",
        )?;
        for (chunk_index, embedding) in embeddings {
            let chunk_id = ids.start + i64::from(*chunk_index);
            if !ids.contains(&chunk_id) || embedding.dimensions() != model.dimensions {
                return Err(DbError::INTERNAL);
            }
            let bytes = embedding.to_le_bytes();
            if insert.execute(params![chunk_id, model_no, held.organization.to_blob(), bytes])? == 0 {
                continue;
            }
            if other
                .query_row(params![chunk_id, model_no], |_| Ok(()))
                .optional()?
                .is_none()
            {
                newly_embedded += 1;
            }
            stored.push(StoredVector {
                chunk_id,
                values: embedding.to_f32(),
            });
        }
    }
    tx.prepare_cached("update versions set embedded_count = embedded_count + ?2 where version_no = ?1")?
        .execute(params![held.version_no, newly_embedded])?;
    tx.vectors_stored(model_no, stored);
    Ok(())
}

fn statistics(tx: &Connection, scope: &Scope, terms: &[Term]) -> DbResult<CorpusStatistics> {
    let organization = scope.organization.to_blob();
    let totals: Option<(i64, i64)> = tx
        .prepare_cached(
            "select visible_chunks, visible_length from organizations where organization_id = ?1",
        )?
        .query_row([organization], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (chunks, total_length) = totals.unwrap_or_default();
    let mut select = tx.prepare_cached(
        "select visible_chunks from term_statistics where organization_id = ?1 and term = ?2",
    )?;
    let mut document_frequencies = Vec::with_capacity(terms.len());
    for term in terms {
        let frequency: Option<i64> = select
            .query_row(params![organization, term.as_str()], |row| row.get(0))
            .optional()?;
        document_frequencies.push(frequency.unwrap_or(0).unsigned_abs());
    }
    Ok(CorpusStatistics {
        chunks: chunks.unsigned_abs(),
        total_length: total_length.unsigned_abs(),
        document_frequencies,
    })
}

/// What all chunks of a version share, as far as candidates and hits go.
struct VisibleVersion {
    document_id: DocumentId,
    title: String,
    filename: String,
    content_type: ContentType,
    collection: CollectionName,
    file_hash: ContentHash,
}

/// The visible versions met while loading chunks: a few for hundreds of chunks.
struct VisibleVersions<'a> {
    tx: &'a Connection,
    scope: &'a Scope,
    known: HashMap<i64, Option<VisibleVersion>>,
}

impl<'a> VisibleVersions<'a> {
    fn new(tx: &'a Connection, scope: &'a Scope) -> Self {
        Self {
            tx,
            scope,
            known: HashMap::new(),
        }
    }

    /// The version, if it is visible and in scope.
    fn find(&mut self, version_no: i64) -> DbResult<Option<&VisibleVersion>> {
        if !self.known.contains_key(&version_no) {
            let version = self
                .load(version_no)?
                .filter(|version| self.scope.allows(&version.collection));
            self.known.insert(version_no, version);
        }
        Ok(self.known.get(&version_no).and_then(Option::as_ref))
    }

    fn load(&self, version_no: i64) -> DbResult<Option<VisibleVersion>> {
        self.tx
            .prepare_cached(
                // What came in another document is named with it.
                "select d.document_id, coalesce(p.title || ' › ', '') || d.title, v.filename, v.content_type, c.name, v.file_hash
                 from versions v
                 join documents d on d.visible_version_no = v.version_no
                 left join documents p on p.document_id = d.parent_id
                 join collections c on c.collection_no = d.collection_no
                 where v.version_no = ?1 and d.organization_id = ?2",
            )?
            .query_row(params![version_no, self.scope.organization.to_blob()], |row| {
                let mut columns = Columns::new(row, "versions");
                Ok((|| {
                    Ok(VisibleVersion {
                        document_id: columns.id()?,
                        title: columns.get()?,
                        filename: columns.get()?,
                        content_type: columns.content_type()?,
                        collection: columns.collection()?,
                        file_hash: columns.hash()?,
                    })
                })())
            })
            .optional()?
            .transpose()
    }
}

/// Runs `load` for each chunk in the order of the file, and gives the results in the order asked.
fn in_order_asked<T>(
    chunk_ids: &[ChunkId],
    mut load: impl FnMut(ChunkId) -> DbResult<Option<T>>,
) -> DbResult<Vec<T>> {
    let mut order: Vec<usize> = (0..chunk_ids.len()).collect();
    order.sort_unstable_by_key(|&at| chunk_ids[at]);
    let mut loaded: Vec<Option<T>> = Vec::new();
    loaded.resize_with(chunk_ids.len(), || None);
    for at in order {
        loaded[at] = load(chunk_ids[at])?;
    }
    Ok(loaded.into_iter().flatten().collect())
}

fn load_candidates(
    tx: &Connection,
    scope: &Scope,
    chunk_ids: &[ChunkId],
    terms: &[Term],
    model: Option<&EmbeddingModel>,
) -> DbResult<Vec<Candidate>> {
    let model_no = match model {
        Some(model) => find_model(tx, model)?,
        None => None,
    };
    let mut asked: Vec<(&[u8], usize)> = terms
        .iter()
        .enumerate()
        .map(|(at, term)| (term.as_str().as_bytes(), at))
        .collect();
    asked.sort_unstable();
    let mut versions = VisibleVersions::new(tx, scope);
    let mut select =
        tx.prepare_cached("select version_no, chunk_index, length, terms from chunks where chunk_id = ?1")?;
    let mut select_vector =
        tx.prepare_cached("select vector from embeddings where chunk_id = ?1 and model_no = ?2")?;
    in_order_asked(chunk_ids, |chunk_id| {
        let mut rows = select.query([chunk_id.0])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let Some(version) = versions.find(row.get(0)?)? else {
            return Ok(None);
        };
        let broken = || DbError::row("chunks", chunk_id);
        let mut term_frequencies = vec![0; terms.len()];
        if !terms.is_empty() {
            let encoded = row.get_ref(3)?.as_blob().map_err(|_| broken())?;
            frequencies_of(encoded, &asked, &mut term_frequencies).ok_or_else(broken)?;
        }
        let embedding = match model_no {
            Some(model_no) => select_vector
                .query_row(params![chunk_id.0, model_no], |row| row.get::<_, Vec<u8>>(0))
                .optional()?
                .map(|bytes| {
                    Embedding::from_le_bytes(&bytes).ok_or_else(|| DbError::row("embeddings", chunk_id))
                })
                .transpose()?,
            None => None,
        };
        let chunk_index = row.get(1)?;
        Ok(Some(Candidate {
            chunk_id,
            tie_key: TieKey {
                file_hash: version.file_hash,
                chunk_index,
                collection: version.collection.clone(),
                filename: version.filename.clone(),
            },
            length: row.get(2)?,
            term_frequencies,
            embedding,
        }))
    })
}

fn read_detail(chunk_id: ChunkId, row: &Row<'_>, version: &VisibleVersion) -> DbResult<ChunkDetail> {
    let spans: Vec<u8> = row.get(4)?;
    Ok(ChunkDetail {
        chunk_id,
        document_id: version.document_id,
        document_title: version.title.clone(),
        filename: version.filename.clone(),
        content_type: version.content_type.clone(),
        collection: version.collection.clone(),
        chunk_index: row.get(1)?,
        content: row.get(2)?,
        heading: row.get(3)?,
        spans: decode_spans(&spans).ok_or_else(|| DbError::row("chunks", chunk_id))?,
    })
}

fn load_details(tx: &Connection, scope: &Scope, chunk_ids: &[ChunkId]) -> DbResult<Vec<ChunkDetail>> {
    let mut versions = VisibleVersions::new(tx, scope);
    let mut select = tx.prepare_cached(
        "select version_no, chunk_index, content, heading, spans from chunks where chunk_id = ?1",
    )?;
    in_order_asked(chunk_ids, |chunk_id| {
        let mut rows = select.query([chunk_id.0])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let Some(version) = versions.find(row.get(0)?)? else {
            return Ok(None);
        };
        read_detail(chunk_id, row, version).map(Some)
    })
}

/// `DocumentStore::list_chunks`.
pub(crate) fn list(
    tx: &Connection,
    scope: &Scope,
    document_id: DocumentId,
    limit: usize,
    offset: usize,
) -> DbResult<ChunkPage> {
    documents::find(tx, scope, document_id)?.ok_or(DbError::NOT_FOUND)?;
    let visible: Option<(i64, i64, i64)> = tx
        .prepare_cached(
            "select v.version_no, v.first_chunk_id, v.chunk_count from documents d
             join versions v on v.version_no = d.visible_version_no where d.document_id = ?1 and v.chunk_count > 0",
        )?
        .query_row([document_id.to_blob()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((version_no, first, count)) = visible else {
        return Ok(ChunkPage {
            chunks: Vec::new(),
            total: 0,
        });
    };
    let from = as_integer(offset).min(count);
    let to = from.saturating_add(as_integer(limit)).min(count);
    let ids: Vec<ChunkId> = (first + from..first + to).map(ChunkId).collect();
    debug_assert!(version_no > 0);
    Ok(ChunkPage {
        chunks: load_details(tx, scope, &ids)?,
        total: count.unsigned_abs(),
    })
}

#[async_trait]
impl ChunkIndex for SqliteLibrary {
    async fn replace(&self, lease: &Lease, chunks: &[NewChunk]) -> Result<Replaced, StoreError> {
        let (lease, chunks) = (lease.clone(), chunks.to_vec());
        self.database
            .write(Durability::Machine, move |tx| replace(tx, &lease, &chunks))
            .await
    }

    async fn list_unembedded(
        &self,
        lease: &Lease,
        model: &EmbeddingModel,
        limit: usize,
    ) -> Result<Vec<UnembeddedChunk>, StoreError> {
        let (lease, model) = (lease.clone(), model.clone());
        self.database
            .read(move |tx| list_unembedded(tx, &lease, &model, limit))
            .await
    }

    async fn store_embeddings(
        &self,
        lease: &Lease,
        model: &EmbeddingModel,
        embeddings: &[(u32, Embedding)],
    ) -> Result<(), StoreError> {
        let (lease, model, embeddings) = (lease.clone(), model.clone(), embeddings.to_vec());
        // A crash of the machine may cost the last batches: they are computed again.
        self.database
            .write(Durability::Process, move |tx| {
                store_embeddings(tx, &lease, &model, &embeddings)
            })
            .await
    }

    async fn statistics(&self, scope: &Scope, terms: &[Term]) -> Result<CorpusStatistics, StoreError> {
        let (scope, terms) = (scope.clone(), terms.to_vec());
        self.database.read(move |tx| statistics(tx, &scope, &terms)).await
    }

    async fn count_chunks(&self, scope: &Scope, filter: &Filter) -> Result<u64, StoreError> {
        let (scope, filter) = (scope.clone(), filter.clone());
        self.database
            .read(move |tx| Ok(ranges::visible(tx, &scope, &filter)?.chunks()))
            .await
    }

    async fn lexical_candidates(
        &self,
        scope: &Scope,
        filter: &Filter,
        terms: &[WeightedTerm],
    ) -> Result<Vec<ChunkId>, StoreError> {
        let (scope, filter, terms) = (scope.clone(), filter.clone(), terms.to_vec());
        self.database
            .read(move |tx| lexical::candidates(tx, &scope, &filter, &terms))
            .await
    }

    async fn nearest(
        &self,
        scope: &Scope,
        filter: &Filter,
        model: &EmbeddingModel,
        query: &Embedding,
        limit: usize,
    ) -> Result<Vec<ChunkId>, StoreError> {
        let (scope, filter, model, query) = (scope.clone(), filter.clone(), model.clone(), query.to_f32());
        self.database
            .read(move |tx| {
                let Some(model_no) = find_model(tx, &model)? else {
                    return Ok(Vec::new());
                };
                let scope = ranges::visible(tx, &scope, &filter)?;
                vectors::nearest(tx, &scope, model_no, &query, limit)
            })
            .await
    }

    async fn load_candidates(
        &self,
        scope: &Scope,
        chunk_ids: &[ChunkId],
        terms: &[Term],
        model: Option<&EmbeddingModel>,
    ) -> Result<Vec<Candidate>, StoreError> {
        let (scope, chunk_ids, terms, model) =
            (scope.clone(), chunk_ids.to_vec(), terms.to_vec(), model.cloned());
        self.database
            .read(move |tx| load_candidates(tx, &scope, &chunk_ids, &terms, model.as_ref()))
            .await
    }

    async fn load_details(
        &self,
        scope: &Scope,
        chunk_ids: &[ChunkId],
    ) -> Result<Vec<ChunkDetail>, StoreError> {
        let (scope, chunk_ids) = (scope.clone(), chunk_ids.to_vec());
        self.database
            .read(move |tx| load_details(tx, &scope, &chunk_ids))
            .await
    }

    async fn embedding_models(&self, scope: &Scope) -> Result<Vec<(EmbeddingModel, u64)>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| {
                let visible = ranges::visible(tx, &scope, &Filter::default())?;
                vectors::models(tx, &visible)
            })
            .await
    }

    async fn list_visible_unembedded(
        &self,
        scope: &Scope,
        model: &EmbeddingModel,
        after: ChunkId,
        limit: usize,
    ) -> Result<Vec<ChunkId>, StoreError> {
        let (scope, model) = (scope.clone(), model.clone());
        self.database
            .read(move |tx| reindex::list(tx, &scope, &model, after, limit))
            .await
    }

    async fn store_visible_embeddings(
        &self,
        scope: &Scope,
        model: &EmbeddingModel,
        embeddings: &[(ChunkId, Embedding)],
    ) -> Result<u64, StoreError> {
        let (scope, model, embeddings) = (scope.clone(), model.clone(), embeddings.to_vec());
        self.database
            .write(Durability::Process, move |tx| {
                reindex::store(tx, &scope, &model, &embeddings)
            })
            .await
    }

    async fn remove_other_embeddings(
        &self,
        scope: &Scope,
        model: &EmbeddingModel,
        limit: usize,
    ) -> Result<u64, StoreError> {
        let (scope, model) = (scope.clone(), model.clone());
        self.database
            .write(Durability::Process, move |tx| {
                reindex::remove_others(tx, &scope, &model, limit)
            })
            .await
    }
}
