//! Embedding models, and the indexes of each one's vectors.

use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::error::StoreError;
use ids_core::scope::Scope;
use pgvector::{HalfVector, Vector};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::database::Database;
use crate::error::{DbError, DbResult};
use crate::rows::{Columns, as_number};
use crate::scope_sql::Conditions;
use crate::transaction::Tx;

/// How vectors are stored, decided when the library was made (`migrations/0002_create_index.sql`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// `halfvec`: the bits of the domain.
    Half,
    /// `vector`: each value as the single it is equal to.
    Single,
}

impl Precision {
    /// The type in SQL.
    pub(crate) const fn type_name(self) -> &'static str {
        match self {
            Self::Half => "halfvec",
            Self::Single => "vector",
        }
    }

    /// The longest vectors that pgvector indexes; longer ones are always scanned.
    pub(crate) const fn indexed_dimensions(self) -> usize {
        match self {
            Self::Half => 4_000,
            Self::Single => 2_000,
        }
    }

    /// A vector to be bound.
    pub(crate) fn value(self, embedding: &Embedding) -> Box<dyn ToSql + Sync + Send> {
        match self {
            Self::Half => Box::new(half(embedding)),
            Self::Single => Box::new(Vector::from(embedding.to_f32())),
        }
    }

    /// Vectors to be bound as one array.
    pub(crate) fn values<'a>(
        self,
        embeddings: impl Iterator<Item = &'a Embedding>,
    ) -> Box<dyn ToSql + Sync + Send> {
        match self {
            Self::Half => Box::new(embeddings.map(half).collect::<Vec<_>>()),
            Self::Single => {
                let vectors = embeddings.map(|embedding| Vector::from(embedding.to_f32()));
                Box::new(vectors.collect::<Vec<_>>())
            }
        }
    }

    /// A stored vector, or null.
    pub(crate) fn read_column(self, row: &Row, at: usize) -> DbResult<Option<Embedding>> {
        Ok(match self {
            Self::Half => row.try_get::<_, Option<HalfVector>>(at)?.and_then(|vector| {
                let bytes: Vec<u8> = vector
                    .as_slice()
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                Embedding::from_le_bytes(&bytes)
            }),
            Self::Single => row
                .try_get::<_, Option<Vector>>(at)?
                .map(|vector| Embedding::from_f32(vector.as_slice())),
        })
    }
}

fn half(embedding: &Embedding) -> HalfVector {
    HalfVector::from(embedding.values().to_vec())
}

/// Indexes of one model, each over a part of its vectors.
///
/// A graph over many near copies of the same passages (contracts of one template) falls apart into islands of copies, and a
/// search sees the one it enters: of 1,000,000 vectors in 20,000 such heaps one index found 15 of 100 (docs/adr/0008). Copies
/// spread evenly over the parts, so that a part holds few of each.
pub(crate) const INDEX_PARTS: i64 = 8;

/// The condition of one part's index, on `chunk_id`: an id is the version's number times 2^20, plus the chunk's (see
/// `postings.rs`), and neither all first chunks nor one document's neighbors may meet in one part.
pub(crate) fn part_condition(chunk_id: &str, part: i64) -> String {
    format!("(({chunk_id} >> 20) + {chunk_id}) % {INDEX_PARTS} = {part}")
}

/// The name of one part's index.
pub(crate) fn index_name(model_no: i32, part: i64) -> String {
    format!("embeddings_hnsw_{model_no}_{part}")
}

/// A model whose vectors are stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownModel {
    pub(crate) model_no: i32,
    pub(crate) precision: Precision,
}

/// A model, once its vectors are met.
pub(crate) async fn find(tx: &Tx<'_>, model: &EmbeddingModel) -> DbResult<Option<KnownModel>> {
    let row = tx
        .query_opt(
            "select m.model_no, (
                 select t.typname = 'halfvec' from pg_attribute a join pg_type t on t.oid = a.atttypid
                 where a.attrelid = 'embeddings'::regclass and a.attname = 'vector')
             from embedding_models m where m.name = $1 and m.dimensions = $2",
            &[&model.name, &as_number::<i32>(model.dimensions)],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let is_half = row.try_get(1)?;
    Ok(Some(KnownModel {
        model_no: row.try_get(0)?,
        precision: if is_half {
            Precision::Half
        } else {
            Precision::Single
        },
    }))
}

/// A model that [`ensure`] was called for.
pub(crate) async fn get(tx: &Tx<'_>, model: &EmbeddingModel) -> DbResult<KnownModel> {
    find(tx, model).await?.ok_or(DbError::INTERNAL)
}

/// Makes a number and the indexes for a model that is met first. In a transaction of its own: building an index waits for those who
/// write vectors, and must hold nothing that they wait for.
pub(crate) async fn ensure(database: &Database, model: &EmbeddingModel) -> Result<(), StoreError> {
    let known = database
        .read_shared(|tx| Box::pin(async move { Ok(find(tx, model).await?.is_some()) }))
        .await?;
    if known {
        return Ok(());
    }
    database.write_shared(|tx| Box::pin(add(tx, model))).await
}

async fn add(tx: &Tx<'_>, model: &EmbeddingModel) -> DbResult<()> {
    // One at a time; the second one finds what the first one made.
    tx.query_one(
        "select pg_advisory_xact_lock(hashtextextended(current_schema() || 'ids adds a model', 0))",
        &[],
    )
    .await?;
    if find(tx, model).await?.is_some() {
        return Ok(());
    }
    tx.execute(
        "insert into embedding_models (name, dimensions) values ($1, $2)",
        &[&model.name, &as_number::<i32>(model.dimensions)],
    )
    .await?;
    let known = get(tx, model).await?;
    make_indexes(&***tx.client()?, model, known).await
}

/// Makes the indexes of a model's vectors, unless they are too long for one.
pub(crate) async fn make_indexes(
    client: &tokio_postgres::Client,
    model: &EmbeddingModel,
    KnownModel { model_no, precision }: KnownModel,
) -> DbResult<()> {
    if model.dimensions > precision.indexed_dimensions() {
        tracing::warn!(
            model = model.name,
            dimensions = model.dimensions,
            "vectors of this model are too long for an index: every search reads all of them"
        );
        return Ok(());
    }
    // Numbers of ours, not text of anyone's: neither can be bound here.
    let (name, dimensions) = (precision.type_name(), model.dimensions);
    for part in 0..INDEX_PARTS {
        let (index, condition) = (index_name(model_no, part), part_condition("chunk_id", part));
        client
            .batch_execute(&format!(
                "create index {index} on embeddings using hnsw ((vector::{name}({dimensions})) {name}_ip_ops)
                 where model_no = {model_no} and {condition}"
            ))
            .await?;
    }
    Ok(())
}

/// `ChunkIndex::embedding_models`.
pub(crate) async fn list(tx: &Tx<'_>, scope: &Scope) -> DbResult<Vec<(EmbeddingModel, u64)>> {
    let conditions = Conditions::in_scope(scope);
    let sql = format!(
        "select m.name, m.dimensions, count(*) as vectors
         from documents d
         join collections c on c.collection_no = d.collection_no
         join embeddings e on e.version_no = d.visible_version_no and e.organization_id = d.organization_id
         join embedding_models m on m.model_no = e.model_no
         where {} group by m.model_no order by vectors desc, m.name, m.dimensions",
        conditions.sql()
    );
    let mut models = Vec::new();
    for row in tx.query(&sql, &conditions.values()).await? {
        let mut columns = Columns::new(&row, "embedding_models");
        let model = EmbeddingModel {
            name: columns.get()?,
            dimensions: columns.number()?,
        };
        models.push((model, columns.count()?));
    }
    Ok(models)
}
