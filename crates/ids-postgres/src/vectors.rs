//! Candidates by meaning: exact up to [`EXACT_VECTORS`] in scope, by a model's HNSW indexes beyond.
//!
//! The exact scan reads the vectors in scope by their key. It is what keeps a small organization findable beside large ones, and
//! what makes both shapes agree (design.md 1).

use futures_util::future;
use ids_core::chunk::Filter;
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::id::ChunkId;
use ids_core::limits::{EXACT_VECTORS, SIMILARITY_MARGIN};
use ids_core::scope::Scope;
use tokio_postgres::types::ToSql;

use crate::capability::Capabilities;
use crate::error::DbResult;
use crate::models::{self, INDEX_PARTS, Precision};
use crate::rows::{Id, as_integer};
use crate::search_scope::{Visible, visible};
use crate::statistics;
use crate::transaction::Tx;

/// Asked for beyond `limit`, so that near ties need no second question.
const SLACK: usize = 64;
/// Candidates that each part's index keeps while it searches up to [`SMALL`] vectors in all. More, with the root of how many there are
/// more, in larger ones; recall is in docs/adr/0008.
const EF_SEARCH: f64 = 100.0;
/// Vectors in a table that [`EF_SEARCH`] does for.
const SMALL: f64 = 100_000.0;
/// The most that pgvector takes.
const EF_SEARCH_MAX: usize = 1_000;
/// Candidates where the index cannot go on by itself when a filter leaves too few.
const EF_SEARCH_ONCE: usize = 400;
/// How many times its even share of the candidates each part is asked for: the shares of chance stay far below.
const PART_SLACK: usize = 3;
/// Vectors that a filtered search by one part's index looks at before it gives up: a quarter of a second for all parts.
const MAX_SCAN_TUPLES: usize = 6_000;
/// Looking at a vector through an index takes 5 µs, in a scan 0.7 µs (docs/adr/0008). The indexes look at some 500 vectors in scope,
/// and at `total / in_scope` times as many in all; a scan at all in scope. So the scan is faster while `in_scope²` is
/// below this many times `total`: an organization of 170,000 vectors among ten million is still scanned, in 120 ms.
const SCAN_BELOW: f64 = 3_000.0;

/// One question, with what all ways of answering it need.
struct Search<'a, 'tx> {
    tx: &'a Tx<'tx>,
    scope: &'a Scope,
    capabilities: Capabilities,
    precision: Precision,
    model_no: i32,
    dimensions: usize,
    query: Box<dyn ToSql + Sync + Send>,
    /// The versions in scope; `None` for all visible ones of the organization.
    versions: Option<Vec<i64>>,
    limit: usize,
}

/// `ChunkIndex::nearest`.
pub(crate) async fn nearest(
    tx: &Tx<'_>,
    capabilities: Capabilities,
    (scope, filter): (&Scope, &Filter),
    model: &EmbeddingModel,
    query: &Embedding,
    limit: usize,
) -> DbResult<Vec<ChunkId>> {
    // Where an organization owns most of the table the planner would rather read all of it, also for the few it needs first.
    let (set, known) = future::join(set(tx, "enable_seqscan", "off"), models::find(tx, model)).await;
    set?;
    let Some(known) = known? else {
        return Ok(Vec::new());
    };
    if limit == 0 || query.dimensions() != model.dimensions {
        return Ok(Vec::new());
    }
    let visible = visible(tx, scope, filter).await?;
    let embedded = match &visible {
        Visible::All => None,
        Visible::Only(versions) => Some(versions.iter().map(|version| version.embedded_count).sum::<i64>()),
    };
    let versions = match visible {
        Visible::All => None,
        Visible::Only(versions) => {
            let embedded = versions.iter().filter(|version| version.embedded_count > 0);
            Some(embedded.map(|version| version.version_no).collect())
        }
    };
    let search = Search {
        tx,
        scope,
        capabilities,
        precision: known.precision,
        model_no: known.model_no,
        dimensions: model.dimensions,
        query: known.precision.value(query),
        versions,
        limit,
    };
    // A chunk counts once there, whatever models it has vectors of: it can only be too many.
    let is_few = match embedded {
        Some(embedded) if embedded <= as_integer(EXACT_VECTORS) => true,
        _ => search.is_few().await?,
    };
    if !is_few
        && let Some(total) = search.indexed(embedded).await?
        && let Some(found) = search.by_index(total).await?
    {
        return Ok(found);
    }
    search.exact().await
}

impl Search<'_, '_> {
    /// Whether no more than [`EXACT_VECTORS`] vectors are in scope.
    async fn is_few(&self) -> DbResult<bool> {
        let organization = self.scope.organization.to_uuid();
        let bound = as_integer(EXACT_VECTORS) + 1;
        let row = match &self.versions {
            None => {
                let sql = include_str!("../queries/count_vectors.sql");
                self.tx
                    .query_one(sql, &[&organization, &self.model_no, &bound])
                    .await?
            }
            Some(versions) => {
                let sql = include_str!("../queries/count_vectors_in_scope.sql");
                self.tx
                    .query_one(sql, &[&organization, &self.model_no, &bound, versions])
                    .await?
            }
        };
        Ok(row.try_get(0)?)
    }

    /// How many vectors the indexes hold, those of other organizations too; `None` where there are none, or a scan is faster.
    async fn indexed(&self, embedded: Option<i64>) -> DbResult<Option<f64>> {
        let in_scope = match embedded {
            Some(embedded) => embedded as f64,
            None => statistics::count_chunks(self.tx, self.scope.organization).await? as f64,
        };
        let indexes: Vec<String> = (0..INDEX_PARTS)
            .map(|part| models::index_name(self.model_no, part))
            .collect();
        // As many as the server counted when it last looked: row level security hides other organizations' vectors, not that.
        let row = self
            .tx
            .query_one(
                "select count(c.oid), sum(c.reltuples)::float8
                 from unnest($1::text[]) as i (name) join pg_class c on c.oid = to_regclass(i.name)",
                &[&indexes],
            )
            .await?;
        let (count, total): (i64, Option<f64>) = (row.try_get(0)?, row.try_get(1)?);
        let total = total.unwrap_or_default();
        let pays = count == INDEX_PARTS && in_scope * in_scope >= SCAN_BELOW * total;
        Ok(pays.then_some(total))
    }

    async fn exact(&self) -> DbResult<Vec<ChunkId>> {
        let organization = self.scope.organization.to_uuid();
        let mut asked = self.limit.saturating_add(SLACK);
        loop {
            let count = as_integer(asked);
            let rows = match &self.versions {
                None => {
                    let sql = include_str!("../queries/nearest_exact.sql");
                    let values: [&(dyn ToSql + Sync); 4] =
                        [&organization, &self.model_no, &*self.query, &count];
                    self.tx.query(sql, &values).await?
                }
                Some(versions) => {
                    let sql = include_str!("../queries/nearest_exact_in_scope.sql");
                    let values: [&(dyn ToSql + Sync); 5] =
                        [&organization, &self.model_no, &*self.query, &count, versions];
                    self.tx.query(sql, &values).await?
                }
            };
            let scored = read(&rows)?;
            let border = border(&scored, self.limit);
            let is_cut = scored.len() == asked && scored.last().is_some_and(|last| last.0 <= border);
            if !is_cut {
                return Ok(within(scored, border));
            }
            // More near ties than were asked for: whole documents of equal passages.
            asked = asked.saturating_mul(8);
        }
    }

    /// By the indexes; `None` when one of them did not give as many as it was asked for: what it holds is scattered over more
    /// islands than it saw, or a filter leaves few.
    async fn by_index(&self, total: f64) -> DbResult<Option<Vec<ChunkId>>> {
        let wanted = self.limit.saturating_add(SLACK);
        let of_each_part = wanted.saturating_mul(PART_SLACK).div_ceil(INDEX_PARTS as usize);
        let ef_search = if self.capabilities.iterative_scan() {
            let grown = EF_SEARCH * (total / SMALL).max(1.0).sqrt();
            (grown as usize).max(of_each_part).min(EF_SEARCH_MAX)
        } else {
            EF_SEARCH_ONCE
        };
        let (ef_search, scan) = (ef_search.to_string(), MAX_SCAN_TUPLES.to_string());
        // An index is the only plan that needs no sort; whether it is the cheapest the planner cannot know.
        let mut settings = vec![("enable_sort", "off"), ("hnsw.ef_search", ef_search.as_str())];
        if self.capabilities.iterative_scan() {
            // The order is mended below.
            settings.extend([
                ("hnsw.iterative_scan", "relaxed_order"),
                ("hnsw.max_scan_tuples", scan.as_str()),
            ]);
        }
        let (names, values): (Vec<&str>, Vec<&str>) = settings.into_iter().unzip();
        self.tx
            .query(
                "select set_config(s.name, s.value, true) from unnest($1::text[], $2::text[]) as s (name, value)",
                &[&names, &values],
            )
            .await?;
        let sql = self.index_sql();
        let (organization, count) = (self.scope.organization.to_uuid(), as_integer(of_each_part));
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&organization, &*self.query, &count];
        if let Some(versions) = &self.versions {
            values.push(versions);
        }
        let rows = self.tx.query(&sql, &values).await?;
        set(self.tx, "enable_sort", "on").await?;
        if rows.len() < of_each_part * INDEX_PARTS as usize {
            return Ok(None);
        }
        let mut scored = read(&rows)?;
        scored.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let border = border(&scored, self.limit);
        Ok(Some(within(scored, border)))
    }

    /// The statement that the indexes of this model serve, one after the other. Its number and dimensions stand in the text, as they
    /// do in the definitions of the indexes: the planner cannot match bound values with them.
    fn index_sql(&self) -> String {
        let (model_no, name, dimensions) = (self.model_no, self.precision.type_name(), self.dimensions);
        let in_scope = match self.versions {
            None => {
                "exists (select 1 from documents d
                     where d.visible_version_no = e.version_no and d.organization_id = $1)"
            }
            Some(_) => "e.version_no = any($4)",
        };
        let of_part = |part| {
            let condition = models::part_condition("e.chunk_id", part);
            format!(
                "(select e.chunk_id, (e.vector::{name}({dimensions}) <#> $2::{name}({dimensions}))::float8
                 from embeddings e
                 where e.model_no = {model_no} and {condition} and e.organization_id = $1 and {in_scope}
                 order by e.vector::{name}({dimensions}) <#> $2::{name}({dimensions}) limit $3)"
            )
        };
        let parts: Vec<String> = (0..INDEX_PARTS).map(of_part).collect();
        parts.join(" union all ")
    }
}

/// Sets what holds until this transaction ends.
async fn set(tx: &Tx<'_>, name: &str, value: &str) -> DbResult<()> {
    tx.query_one("select set_config($1, $2, true)", &[&name, &value])
        .await?;
    Ok(())
}

/// Distances, which are negative inner products, with their chunks.
fn read(rows: &[tokio_postgres::Row]) -> DbResult<Vec<(f64, ChunkId)>> {
    rows.iter()
        .map(|row| Ok((row.try_get(1)?, ChunkId(row.try_get(0)?))))
        .collect()
}

/// The distance up to which near ties of the last one wanted go. The distances are sorted.
fn border(scored: &[(f64, ChunkId)], limit: usize) -> f64 {
    match scored.get(limit - 1) {
        Some(last) => last.0 + f64::from(SIMILARITY_MARGIN),
        None => f64::INFINITY,
    }
}

fn within(scored: Vec<(f64, ChunkId)>, border: f64) -> Vec<ChunkId> {
    let near = scored.into_iter().filter(|&(distance, _)| distance <= border);
    near.map(|(_, chunk_id)| chunk_id).collect()
}
