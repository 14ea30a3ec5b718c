//! Vectors of another model for what is visible already: `ids reindex --embeddings`.

use ids_core::chunk::Filter;
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::id::ChunkId;
use ids_core::scope::Scope;
use rusqlite::{OptionalExtension, params};

use crate::chunks::{ensure_model, find_model};
use crate::database::{ReadTx, WriteTx};
use crate::error::{DbError, DbResult};
use crate::ranges;
use crate::rows::{Id, as_integer};
use crate::vectors::StoredVector;

/// `ChunkIndex::list_visible_unembedded`.
pub(crate) fn list(
    tx: &ReadTx<'_>,
    scope: &Scope,
    model: &EmbeddingModel,
    after: ChunkId,
    limit: usize,
) -> DbResult<Vec<ChunkId>> {
    let visible = ranges::visible(tx, scope, &Filter::default())?;
    // 0 is the number of no model: then every chunk lacks its embedding.
    let model_no = find_model(tx, model)?.unwrap_or(0);
    let mut statement = tx.prepare_cached(
        "select c.chunk_id from chunks c
         where c.chunk_id >= ?1 and c.chunk_id < ?2
           and not exists (select 1 from embeddings e where e.chunk_id = c.chunk_id and e.model_no = ?3)
         order by c.chunk_id limit ?4",
    )?;
    let mut found = Vec::new();
    for range in visible.as_slice() {
        let start = range.start.max(after.0 + 1);
        if start >= range.end {
            continue;
        }
        let left = limit - found.len();
        let rows = statement.query_map(params![start, range.end, model_no, as_integer(left)], |row| {
            row.get(0).map(ChunkId)
        })?;
        for row in rows {
            found.push(row?);
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

/// The organization's visible chunk of that id: its organization and version.
const VISIBLE: &str = "select c.version_no from chunks c
     join versions v on v.version_no = c.version_no
     join documents d on d.document_id = v.document_id and d.visible_version_no = v.version_no
     where c.chunk_id = ?1 and d.organization_id = ?2";

/// `ChunkIndex::store_visible_embeddings`.
pub(crate) fn store(
    tx: &mut WriteTx<'_>,
    scope: &Scope,
    model: &EmbeddingModel,
    embeddings: &[(ChunkId, Embedding)],
) -> DbResult<u64> {
    let organization = scope.organization.to_blob();
    let model_no = ensure_model(tx, model)?;
    let mut stored = Vec::with_capacity(embeddings.len());
    {
        let mut visible = tx.prepare_cached(VISIBLE)?;
        let mut other =
            tx.prepare_cached("select 1 from embeddings where chunk_id = ?1 and model_no <> ?2 limit 1")?;
        let mut insert = tx.prepare_cached(
            "insert or ignore into embeddings (chunk_id, model_no, organization_id, vector) values (?1, ?2, ?3, ?4)",
        )?;
        let mut count = tx.prepare_cached(
            "update versions set embedded_count = embedded_count + 1 where version_no = ?1",
        )?;
        for (ChunkId(chunk_id), embedding) in embeddings {
            if embedding.dimensions() != model.dimensions {
                return Err(DbError::INTERNAL);
            }
            let version: Option<i64> = visible
                .query_row(params![chunk_id, organization], |row| row.get(0))
                .optional()?;
            let Some(version_no) = version else { continue };
            let bytes = embedding.to_le_bytes();
            if insert.execute(params![chunk_id, model_no, organization, bytes])? == 0 {
                continue;
            }
            let has_other = other
                .query_row(params![chunk_id, model_no], |_| Ok(()))
                .optional()?;
            if has_other.is_none() {
                count.execute([version_no])?;
            }
            stored.push(StoredVector {
                chunk_id: *chunk_id,
                values: embedding.to_f32(),
            });
        }
    }
    let count = stored.len() as u64;
    tx.vectors_stored(model_no, stored);
    Ok(count)
}

/// `ChunkIndex::remove_other_embeddings`.
pub(crate) fn remove_others(
    tx: &mut WriteTx<'_>,
    scope: &Scope,
    model: &EmbeddingModel,
    limit: usize,
) -> DbResult<u64> {
    let Some(model_no) = find_model(tx, model)? else {
        return Ok(0);
    };
    let removed: Vec<(i64, i64)> = tx
        .prepare_cached(
            "delete from embeddings where embedding_no in (
                 select e.embedding_no from embeddings e
                 join chunks c on c.chunk_id = e.chunk_id
                 join documents d on d.visible_version_no = c.version_no
                 where d.organization_id = ?1 and e.model_no <> ?2
                   and exists (select 1 from embeddings kept where kept.chunk_id = e.chunk_id and kept.model_no = ?2)
                 limit ?3)
             returning model_no, chunk_id",
        )?
        .query_map(
            params![scope.organization.to_blob(), model_no, as_integer(limit)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .collect::<Result<_, _>>()?;
    let count = removed.len() as u64;
    tx.vectors_removed(removed);
    Ok(count)
}
