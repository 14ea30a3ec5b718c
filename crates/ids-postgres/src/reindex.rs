//! Vectors of another model for what is visible already: `ids reindex --embeddings`.

use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::id::ChunkId;
use ids_core::scope::Scope;

use crate::error::{DbError, DbResult};
use crate::models::{self, KnownModel};
use crate::rows::{Id, as_integer};
use crate::scope_sql::{Conditions, value};
use crate::transaction::Tx;

/// `ChunkIndex::list_visible_unembedded`.
pub(crate) async fn list(
    tx: &Tx<'_>,
    scope: &Scope,
    model: &EmbeddingModel,
    after: ChunkId,
    limit: usize,
) -> DbResult<Vec<ChunkId>> {
    // 0 is the number of no model: then every chunk lacks its embedding.
    let model_no = models::find(tx, model).await?.map_or(0, |known| known.model_no);
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("k.chunk_id > ?", [value(after.0)]);
    conditions.and(
        "not exists (select 1 from embeddings e where e.chunk_id = k.chunk_id and e.model_no = ?)",
        [value(model_no)],
    );
    let sql = format!(
        "select k.chunk_id from documents d
         join collections c on c.collection_no = d.collection_no
         join chunks k on k.version_no = d.visible_version_no and k.organization_id = d.organization_id
         where {} order by k.chunk_id limit {}",
        conditions.sql(),
        as_integer(limit)
    );
    let rows = tx.query(&sql, &conditions.values()).await?;
    rows.iter().map(|row| Ok(ChunkId(row.try_get(0)?))).collect()
}

/// `ChunkIndex::store_visible_embeddings`; the model is known.
pub(crate) async fn store(
    tx: &Tx<'_>,
    scope: &Scope,
    model: &EmbeddingModel,
    embeddings: &[(ChunkId, Embedding)],
) -> DbResult<u64> {
    let KnownModel { model_no, precision } = models::get(tx, model).await?;
    if embeddings
        .iter()
        .any(|(_, embedding)| embedding.dimensions() != model.dimensions)
    {
        return Err(DbError::INTERNAL);
    }
    let chunk_ids: Vec<i64> = embeddings.iter().map(|(chunk, _)| chunk.0).collect();
    let vectors = precision.values(embeddings.iter().map(|(_, embedding)| embedding));
    // The versions are locked in their order, so that two of these cannot wait for each other; a version that goes away
    // meanwhile takes its chunks along.
    let sql = format!(
        "with given as (
             select g.chunk_id, g.vector, k.version_no
             from unnest($3::int8[], $4::{}[]) as g (chunk_id, vector)
             join chunks k on k.chunk_id = g.chunk_id and k.organization_id = $1
             join documents d on d.visible_version_no = k.version_no and d.organization_id = k.organization_id
         ), held as (
             select v.version_no from versions v
             where v.organization_id = $1 and v.version_no in (select version_no from given)
             order by v.version_no for update
         ), stored as (
             insert into embeddings (chunk_id, model_no, organization_id, version_no, vector)
             select g.chunk_id, $2::int4, $1::uuid, g.version_no, g.vector from given g join held h on h.version_no = g.version_no
             on conflict (chunk_id, model_no) do nothing
             returning chunk_id, version_no
         ), counted as (
             update versions v set embedded_count = embedded_count + n.first_ones
             from (select s.version_no, count(*) as first_ones from stored s
                   where not exists (select 1 from embeddings e where e.chunk_id = s.chunk_id and e.model_no <> $2)
                   group by s.version_no) n
             where v.organization_id = $1 and v.version_no = n.version_no
         )
         select count(*) from stored",
        precision.type_name()
    );
    let row = tx
        .query_one(
            &sql,
            &[&scope.organization.to_uuid(), &model_no, &chunk_ids, &*vectors],
        )
        .await?;
    let stored: i64 = row.try_get(0)?;
    Ok(stored.unsigned_abs())
}

/// `ChunkIndex::remove_other_embeddings`.
pub(crate) async fn remove_others(
    tx: &Tx<'_>,
    scope: &Scope,
    model: &EmbeddingModel,
    limit: usize,
) -> DbResult<u64> {
    let Some(KnownModel { model_no, .. }) = models::find(tx, model).await? else {
        return Ok(0);
    };
    let removed = tx
        .execute(
            "delete from embeddings e using (
                 select o.chunk_id, o.model_no from embeddings o
                 join documents d on d.visible_version_no = o.version_no and d.organization_id = o.organization_id
                 join embeddings kept on kept.chunk_id = o.chunk_id and kept.model_no = $2
                 where o.organization_id = $1 and o.model_no <> $2
                 limit $3) gone
             where e.chunk_id = gone.chunk_id and e.model_no = gone.model_no",
            &[&scope.organization.to_uuid(), &model_no, &as_integer(limit)],
        )
        .await?;
    Ok(removed)
}
