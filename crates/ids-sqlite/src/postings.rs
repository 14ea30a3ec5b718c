//! Postings and statistics of visible chunks, changed in the transaction that shows or hides them.

use std::collections::HashMap;
use std::ops::Range;

use ids_core::id::OrganizationId;
use rusqlite::{Connection, OptionalExtension, params};

use crate::codec::walk_terms;
use crate::error::{DbError, DbResult};
use crate::rows::Id;

/// A number kept beside the chunks that is not what the chunks say. Found by [`SqliteLibrary::verify_statistics`].
///
/// [`SqliteLibrary::verify_statistics`]: crate::SqliteLibrary::verify_statistics
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatisticsDifference {
    /// Whose.
    pub organization: OrganizationId,
    /// What: `chunks`, `length`, `posting of <chunk>`, or a term.
    pub what: String,
    /// What is kept.
    pub kept: i64,
    /// What the chunks say.
    pub counted: i64,
}

/// Puts the chunks of `ids` into postings and statistics.
pub(crate) fn show(tx: &Connection, organization: OrganizationId, ids: Range<i64>) -> DbResult<()> {
    let mut insert = tx.prepare_cached("insert into postings (rowid, terms) values (?1, ?2)")?;
    let totals = walk(tx, organization, ids, |chunk_id, terms| {
        insert.execute(params![chunk_id, terms])?;
        Ok(())
    })?;
    add(tx, organization, &totals, 1)
}

/// Takes the chunks of `ids` out of postings and statistics.
pub(crate) fn hide(tx: &Connection, organization: OrganizationId, ids: Range<i64>) -> DbResult<()> {
    let mut delete = tx.prepare_cached("delete from postings where rowid = ?1")?;
    let totals = walk(tx, organization, ids, |chunk_id, _| {
        delete.execute([chunk_id])?;
        Ok(())
    })?;
    add(tx, organization, &totals, -1)
}

/// What some chunks add up to.
#[derive(Default)]
struct Totals {
    chunks: i64,
    length: i64,
    frequencies: HashMap<Box<[u8]>, i64>,
}

impl Totals {
    /// In the order of the table's key: neighbors lie on one page.
    fn sorted(&self) -> Vec<(&str, i64)> {
        let mut sorted: Vec<(&str, i64)> = self
            .frequencies
            .iter()
            .map(|(term, &count)| (text_of(term), count))
            .collect();
        sorted.sort_unstable();
        sorted
    }
}

/// Goes through chunks in order, giving each one's terms parted by spaces, and adds them up.
fn walk(
    tx: &Connection,
    organization: OrganizationId,
    ids: Range<i64>,
    mut each: impl FnMut(i64, &str) -> DbResult<()>,
) -> DbResult<Totals> {
    let mut totals = Totals::default();
    let mut text = String::new();
    let mut select = tx.prepare_cached(
        "select chunk_id, length, terms from chunks
         where organization_id = ?1 and chunk_id >= ?2 and chunk_id < ?3 order by chunk_id",
    )?;
    let mut rows = select.query(params![organization.to_blob(), ids.start, ids.end])?;
    while let Some(row) = rows.next()? {
        let chunk_id: i64 = row.get(0)?;
        totals.chunks += 1;
        totals.length += row.get::<_, i64>(1)?;
        text.clear();
        let terms = row
            .get_ref(2)?
            .as_blob()
            .map_err(|_| DbError::row("chunks", chunk_id))?;
        walk_terms(terms, |term, _| {
            match totals.frequencies.get_mut(term) {
                Some(frequency) => *frequency += 1,
                None => {
                    totals.frequencies.insert(term.into(), 1);
                }
            }
            // Terms are plain ASCII; anything else would be a broken row, and then no posting is better than a wrong one.
            text.push_str(str::from_utf8(term).unwrap_or_default());
            text.push(' ');
        })
        .ok_or_else(|| DbError::row("chunks", chunk_id))?;
        each(chunk_id, text.trim_end())?;
    }
    Ok(totals)
}

fn add(tx: &Connection, organization: OrganizationId, totals: &Totals, sign: i64) -> DbResult<()> {
    let organization = organization.to_blob();
    tx.prepare_cached(
        "update organizations set visible_chunks = visible_chunks + ?2, visible_length = visible_length + ?3
         where organization_id = ?1",
    )?
    .execute(params![organization, sign * totals.chunks, sign * totals.length])?;
    if sign > 0 {
        let mut more = tx.prepare_cached(
            "insert into term_statistics (organization_id, term, visible_chunks) values (?1, ?2, ?3)
             on conflict (organization_id, term) do update set visible_chunks = visible_chunks + excluded.visible_chunks",
        )?;
        for (term, count) in totals.sorted() {
            more.execute(params![organization, term, count])?;
        }
        return Ok(());
    }
    let mut remove = tx.prepare_cached(
        "delete from term_statistics where organization_id = ?1 and term = ?2 and visible_chunks <= ?3",
    )?;
    let mut fewer = tx.prepare_cached(
        "update term_statistics set visible_chunks = visible_chunks - ?3 where organization_id = ?1 and term = ?2",
    )?;
    for (term, count) in totals.sorted() {
        // The row goes before it would reach 0, which the table refuses.
        if remove.execute(params![organization, term, count])? == 0 {
            fewer.execute(params![organization, term, count])?;
        }
    }
    Ok(())
}

fn text_of(term: &[u8]) -> &str {
    str::from_utf8(term).unwrap_or_default()
}

/// Counts again what is kept, from the chunks themselves, and names each difference.
pub(crate) fn verify(tx: &Connection) -> DbResult<Vec<StatisticsDifference>> {
    let mut differences = Vec::new();
    let mut organizations =
        tx.prepare("select organization_id, visible_chunks, visible_length from organizations")?;
    let organizations = organizations
        .query_map([], |row| {
            Ok((
                row.get::<_, [u8; 16]>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
            ))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let mut postings = 0;
    for (organization, chunks, length) in organizations {
        let organization = OrganizationId::from_blob(organization);
        let counted = count_visible(tx, organization, &mut differences)?;
        postings += counted.chunks;
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
        compare("chunks".to_owned(), chunks, counted.chunks);
        compare("length".to_owned(), length, counted.length);
        let mut frequencies = counted.frequencies;
        let mut kept =
            tx.prepare("select term, visible_chunks from term_statistics where organization_id = ?1")?;
        let mut rows = kept.query([organization.to_blob()])?;
        while let Some(row) = rows.next()? {
            let term: String = row.get(0)?;
            let counted = frequencies.remove(term.as_bytes()).unwrap_or(0);
            compare(term, row.get(1)?, counted);
        }
        for (term, counted) in frequencies {
            compare(text_of(&term).to_owned(), 0, counted);
        }
    }
    let kept: i64 = tx.query_row("select count(*) from postings_docsize", [], |row| row.get(0))?;
    if kept != postings {
        let organization = OrganizationId::DEFAULT;
        differences.push(StatisticsDifference {
            organization,
            what: "postings".to_owned(),
            kept,
            counted: postings,
        });
    }
    Ok(differences)
}

fn count_visible(
    tx: &Connection,
    organization: OrganizationId,
    differences: &mut Vec<StatisticsDifference>,
) -> DbResult<Totals> {
    let mut versions = tx.prepare(
        "select v.first_chunk_id, v.chunk_count from documents d join versions v on v.version_no = d.visible_version_no
         where d.organization_id = ?1 and v.chunk_count > 0",
    )?;
    let ranges = versions
        .query_map([organization.to_blob()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let mut sum = Totals::default();
    let mut posted = tx.prepare("select 1 from postings_docsize where id = ?1")?;
    for (first, count) in ranges {
        let part = walk(tx, organization, first..first + count, |chunk_id, _| {
            if posted.query_row([chunk_id], |_| Ok(())).optional()?.is_none() {
                let what = format!("posting of {chunk_id}");
                differences.push(StatisticsDifference {
                    organization,
                    what,
                    kept: 0,
                    counted: 1,
                });
            }
            Ok(())
        })?;
        sum.chunks += part.chunks;
        sum.length += part.length;
        for (term, count) in part.frequencies {
            *sum.frequencies.entry(term).or_default() += count;
        }
    }
    Ok(sum)
}
