//! What BM25 needs of visible chunks: exact, per organization, and no commit waits for another.
//!
//! Each commit that shows or hides a version appends its differences; reads add them to what was folded; and whoever commits and
//! sees that many have come together folds them, in a transaction of its own.

use std::collections::BTreeMap;
use std::ops::Range;

use ids_core::id::OrganizationId;
use ids_core::ports::CorpusStatistics;
use ids_text::Term;

use crate::database::Database;
use crate::error::DbResult;
use crate::postings::{self, Blocks, text_of};
use crate::rows::{Columns, Id};
use crate::transaction::Tx;

/// Under this stands how many chunks are visible. No term looks like it: terms are plain `[a-z0-9]`.
const CHUNKS: &str = "#chunks";
/// And under this the sum of their lengths.
const LENGTH: &str = "#length";
/// Differences that make it worth folding. A query reads up to as many rows for each of its terms: some 20 µs a term.
const FOLD_AT: i64 = 100;

/// A number kept beside the chunks that is not what the chunks say. Found by [`PostgresLibrary::verify_statistics`].
///
/// [`PostgresLibrary::verify_statistics`]: crate::PostgresLibrary::verify_statistics
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatisticsDifference {
    /// Whose.
    pub organization: OrganizationId,
    /// What: `#chunks`, `#length`, a term, or `postings of <term> from <chunk>`.
    pub what: String,
    /// What is kept.
    pub kept: i64,
    /// What the chunks say.
    pub counted: i64,
}

/// What some chunks add up to.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    chunks: i64,
    length: i64,
    pub(crate) frequencies: BTreeMap<Box<[u8]>, i64>,
    /// Their ids, when they are of one version.
    pub(crate) ids: Option<Range<i64>>,
}

impl Totals {
    pub(crate) fn add_chunk(&mut self, chunk_id: i64, length: i64) {
        self.chunks += 1;
        self.length += length;
        match &mut self.ids {
            Some(ids) => ids.end = chunk_id + 1,
            None => self.ids = Some(chunk_id..chunk_id + 1),
        }
    }

    pub(crate) fn add_term(&mut self, term: &[u8]) {
        match self.frequencies.get_mut(term) {
            Some(frequency) => *frequency += 1,
            None => {
                self.frequencies.insert(term.into(), 1);
            }
        }
    }

    fn named(&self) -> impl Iterator<Item = (&str, i64)> {
        let terms = self
            .frequencies
            .iter()
            .map(|(term, &count)| (text_of(term), count));
        [(CHUNKS, self.chunks), (LENGTH, self.length)]
            .into_iter()
            .chain(terms)
    }
}

/// Notes that chunks were shown (`sign` 1) or hidden (-1).
pub(crate) async fn append(
    tx: &Tx<'_>,
    organization: OrganizationId,
    totals: &Totals,
    sign: i64,
) -> DbResult<()> {
    if totals.chunks == 0 {
        return Ok(());
    }
    let (terms, counts): (Vec<&str>, Vec<i64>) =
        totals.named().map(|(term, count)| (term, sign * count)).unzip();
    tx.execute(
        "insert into term_statistic_deltas (organization_no, term, chunks)
         select o.organization_no, delta.term, delta.chunks
         from organizations o cross join unnest($2::text[], $3::int8[]) as delta (term, chunks)
         where o.organization_id = $1",
        &[&organization.to_uuid(), &terms, &counts],
    )
    .await?;
    Ok(())
}

/// The sums of some terms; what no chunk holds is left out.
async fn sums(tx: &Tx<'_>, organization: OrganizationId, terms: &[&str]) -> DbResult<BTreeMap<String, u64>> {
    // One statement: a fold in between would be counted twice or not at all.
    let rows = tx
        .query(
            "select s.term, sum(s.chunks)::int8 from (
                 select k.term, k.chunks from term_statistics k
                 where k.organization_no = (select o.organization_no from organizations o where o.organization_id = $1)
                   and k.term = any($2)
                 union all
                 select k.term, k.chunks from term_statistic_deltas k
                 where k.organization_no = (select o.organization_no from organizations o where o.organization_id = $1)
                   and k.term = any($2)
             ) s group by s.term",
            &[&organization.to_uuid(), &terms],
        )
        .await?;
    let mut sums = BTreeMap::new();
    for row in &rows {
        let mut columns = Columns::new(row, "term_statistics");
        sums.insert(columns.get()?, columns.count()?);
    }
    Ok(sums)
}

/// `ChunkIndex::statistics`.
pub(crate) async fn read(
    tx: &Tx<'_>,
    organization: OrganizationId,
    terms: &[Term],
) -> DbResult<CorpusStatistics> {
    let mut names: Vec<&str> = terms.iter().map(Term::as_str).collect();
    names.extend([CHUNKS, LENGTH]);
    let sums = sums(tx, organization, &names).await?;
    let of = |name: &str| sums.get(name).copied().unwrap_or(0);
    Ok(CorpusStatistics {
        chunks: of(CHUNKS),
        total_length: of(LENGTH),
        document_frequencies: terms.iter().map(|term| of(term.as_str())).collect(),
    })
}

/// How many chunks of the organization are visible.
pub(crate) async fn count_chunks(tx: &Tx<'_>, organization: OrganizationId) -> DbResult<u64> {
    let sums = sums(tx, organization, &[CHUNKS]).await?;
    Ok(sums.get(CHUNKS).copied().unwrap_or(0))
}

/// Folds the differences of an organization when there are many. Whatever goes wrong is for the next one to do.
pub(crate) async fn fold_if_due(database: &Database, organization: OrganizationId) {
    let folded = database
        .write(organization, |tx| Box::pin(fold(tx, organization, FOLD_AT)))
        .await;
    if let Err(error) = folded {
        tracing::debug!(%error, "the statistics were not folded this time");
    }
}

/// Folds, if there are `at_least` differences and nobody else folds them now. Says whether it did.
pub(crate) async fn fold(tx: &Tx<'_>, organization: OrganizationId, at_least: i64) -> DbResult<bool> {
    let waiting: i64 = tx
        .query_one(
            "select count(*) from (
                 select 1 from term_statistic_deltas k
                 where k.organization_no = (select o.organization_no from organizations o where o.organization_id = $1)
                   and k.term = $2 limit $3
             ) counted",
            &[&organization.to_uuid(), &CHUNKS, &at_least],
        )
        .await?
        .try_get(0)?;
    if waiting < at_least {
        return Ok(false);
    }
    let lock = format!("ids folds {organization}");
    let mine: bool = tx
        .query_one(
            "select pg_try_advisory_xact_lock(hashtextextended(current_schema() || $1, 0))",
            &[&lock],
        )
        .await?
        .try_get(0)?;
    if !mine {
        return Ok(false);
    }
    tx.execute(
        include_str!("../queries/fold_statistics.sql"),
        &[&organization.to_uuid()],
    )
    .await?;
    // Words that only removed documents held must not outlive them.
    tx.execute(
        "delete from term_statistics
         where organization_no = (select o.organization_no from organizations o where o.organization_id = $1)
           and chunks = 0",
        &[&organization.to_uuid()],
    )
    .await?;
    Ok(true)
}

/// All organizations.
pub(crate) async fn organizations(tx: &Tx<'_>) -> DbResult<Vec<OrganizationId>> {
    let rows = tx
        .query(
            "select organization_id from organizations order by organization_id",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| Columns::new(row, "organizations").id())
        .collect()
}

/// Counts again what is kept of one organization, from the chunks themselves, and names each difference.
pub(crate) async fn verify(tx: &Tx<'_>, organization: OrganizationId) -> DbResult<Vec<StatisticsDifference>> {
    let visible = tx
        .query(
            "select d.visible_version_no from documents d
             where d.organization_id = $1 and d.visible_version_no is not null order by d.visible_version_no",
            &[&organization.to_uuid()],
        )
        .await?;
    let mut counted = BTreeMap::new();
    let mut blocks = Blocks::new();
    for row in &visible {
        let (more, totals) = postings::read_version(tx, organization, row.try_get(0)?).await?;
        blocks.extend(more);
        for (term, count) in totals.named() {
            *counted.entry(term.to_owned()).or_insert(0) += count;
        }
    }
    let mut differences = Vec::new();
    let mut compare = |what: String, kept: i64, counted: i64| {
        if kept != counted {
            differences.push(StatisticsDifference {
                organization,
                what,
                kept,
                counted,
            });
        }
    };
    for (term, kept) in all_sums(tx, organization).await? {
        let counted = counted.remove(&term).unwrap_or(0);
        compare(term, kept, counted);
    }
    for (term, counted) in counted {
        compare(term, 0, counted);
    }
    let rows = tx
        .query(
            "select p.term, p.first_chunk_id, p.chunks from postings p where p.organization_no =
                 (select o.organization_no from organizations o where o.organization_id = $1)",
            &[&organization.to_uuid()],
        )
        .await?;
    for row in &rows {
        let mut columns = Columns::new(row, "postings");
        let (term, first): (String, i64) = (columns.get()?, columns.get()?);
        let kept = postings::decode(first, &columns.get::<Vec<u8>>()?)?;
        let wanted = blocks
            .remove(&(term.as_bytes().into(), first))
            .unwrap_or_default();
        let what = format!("postings of {term} from {first}");
        if kept.len() == wanted.len() && kept != wanted {
            compare(what, kept.len() as i64, -1);
        } else {
            compare(what, kept.len() as i64, wanted.len() as i64);
        }
    }
    for ((term, first), wanted) in blocks {
        let what = format!("postings of {} from {first}", text_of(&term));
        compare(what, 0, wanted.len() as i64);
    }
    Ok(differences)
}

async fn all_sums(tx: &Tx<'_>, organization: OrganizationId) -> DbResult<Vec<(String, i64)>> {
    let rows = tx
        .query(
            "select s.term, sum(s.chunks)::int8 from (
                 select k.organization_no, k.term, k.chunks from term_statistics k
                 union all
                 select k.organization_no, k.term, k.chunks from term_statistic_deltas k
             ) s
             where s.organization_no = (select o.organization_no from organizations o where o.organization_id = $1)
             group by s.term",
            &[&organization.to_uuid()],
        )
        .await?;
    let read = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
    rows.iter().map(read).collect()
}
