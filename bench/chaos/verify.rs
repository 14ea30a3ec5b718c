//! After the storm: is everything that was promised there, once, and whole?

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;
use tokio_postgres::Client;

use crate::blobs;
use crate::cluster::Cluster;
use crate::http::send_json;
use crate::ledger::{Book, Fate, Ledger};
use crate::report::say;
use crate::watch::Sql;

/// How long what was accepted may take to end once nothing is broken any more.
const DRAINED_WITHIN: Duration = Duration::from_secs(240);
/// Reasons that are the file's own.
const TRUE_REASONS: [&str; 6] = [
    "CORRUPT",
    "ENCRYPTED",
    "EMPTY_FILE",
    "UNSUPPORTED_TYPE",
    "EXPANDS_TOO_FAR",
    "NO_TEXT",
];

/// What came of it.
#[derive(Debug, Default)]
pub struct Verdict {
    /// For each lost document the fault it met first.
    pub lost: Vec<&'static str>,
    /// For each doubled one.
    pub doubled: Vec<&'static str>,
    /// From acceptance to the end, the longest of those that met a fault first.
    pub slowest: BTreeMap<&'static str, Duration>,
    /// Figures to be told.
    pub counts: Vec<(String, usize)>,
}

/// A document as the database has it.
struct Stored {
    status: String,
    failure_code: Option<String>,
    failure_message: Option<String>,
    duplicate_of: Option<String>,
    /// Of the version that is shown.
    shown: Option<Shown>,
}

struct Shown {
    hash: Vec<u8>,
    chunk_count: i64,
    embedded_count: i64,
    chunks: i64,
    last_chunk_index: i64,
    embeddings: i64,
}

/// Waits until no job is open; names those that are at the end.
pub async fn until_drained(sql: &Client, ledger: &Ledger) -> Result<()> {
    let begun = Instant::now();
    let open = "select job_id::text || ' ' || status || ', try ' || attempts || ', ' || current_step || ', '
            || coalesce(failure_code || ': ' || failure_message, 'no failure') || ', held by ' || coalesce(worker, 'nobody')
        from jobs where status in ('queued', 'started', 'deferred') order by created_at";
    loop {
        let rows = sql.query(open, &[]).await?;
        if rows.is_empty() {
            say(&format!(
                "all jobs ended {:.1} s after the last fault",
                begun.elapsed().as_secs_f64()
            ));
            return Ok(());
        }
        if begun.elapsed() > DRAINED_WITHIN {
            for row in &rows {
                let what: String = row.try_get(0)?;
                ledger.violation(format!("stuck: job {what}"));
            }
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Looks at everything.
pub async fn verify(cluster: &Cluster, ledger: &Ledger) -> Result<Verdict> {
    let sql = Sql::connect(&cluster.superuser_url).await?;
    until_drained(&sql.client, ledger).await?;
    let stored = read_documents(&sql.client).await?;
    let mut verdict = Verdict::default();
    check_documents(ledger, &stored, &mut verdict);
    check_contents(ledger, &stored, &mut verdict);
    check_words(cluster, ledger, &stored, &mut verdict).await;
    verdict.slowest = slowest(&sql.client, ledger).await?;
    check_leftovers(&sql.client, ledger).await?;
    check_counts(cluster, ledger, &sql.client).await?;
    blobs::check_statistics(cluster, ledger).await?;
    blobs::check_bytes(cluster, ledger, &sql.client, &mut verdict).await?;
    let book = ledger.open();
    let count = |fate| book.documents.values().filter(|it| it.fate == fate).count();
    let mut by_status: BTreeMap<String, usize> = BTreeMap::new();
    for document in stored.values() {
        *by_status.entry(document.status.clone()).or_default() += 1;
    }
    verdict
        .counts
        .push(("uploads accepted".to_owned(), book.accepted.len()));
    verdict
        .counts
        .push(("deleted by us".to_owned(), count(Fate::Deleted)));
    verdict
        .counts
        .push(("cancelled by us".to_owned(), count(Fate::Cancelled)));
    for (status, count) in by_status {
        verdict.counts.push((format!("documents {status}"), count));
    }
    Ok(verdict)
}

async fn read_documents(sql: &Client) -> Result<BTreeMap<String, Stored>> {
    let rows = sql
        .query(
            "select d.document_id::text, d.status, d.failure_code, d.failure_message, d.duplicate_of::text, v.file_hash,
                v.chunk_count::bigint, v.embedded_count::bigint,
                (select count(*) from chunks c where c.version_no = v.version_no),
                (select coalesce(max(c.chunk_index), -1)::bigint from chunks c where c.version_no = v.version_no),
                (select count(*) from embeddings e where e.version_no = v.version_no)
             from documents d left join versions v on v.version_no = d.visible_version_no",
            &[],
        )
        .await?;
    let mut documents = BTreeMap::new();
    for row in rows {
        let hash: Option<Vec<u8>> = row.try_get(5)?;
        let shown = match hash {
            None => None,
            Some(hash) => Some(Shown {
                hash,
                chunk_count: row.try_get(6)?,
                embedded_count: row.try_get(7)?,
                chunks: row.try_get(8)?,
                last_chunk_index: row.try_get(9)?,
                embeddings: row.try_get(10)?,
            }),
        };
        let document = Stored {
            status: row.try_get(1)?,
            failure_code: row.try_get(2)?,
            failure_message: row.try_get(3)?,
            duplicate_of: row.try_get(4)?,
            shown,
        };
        documents.insert(row.try_get(0)?, document);
    }
    Ok(documents)
}

/// Each accepted document: is its end one that it may have?
fn check_documents(ledger: &Ledger, stored: &BTreeMap<String, Stored>, verdict: &mut Verdict) {
    let mut wrong: Vec<(String, bool, String)> = Vec::new();
    {
        let book = ledger.open();
        for (id, document) in &book.documents {
            let found = stored.get(id);
            let is_broken = document.versions.iter().any(|&it| book.contents[it].is_broken);
            let is_shared = document.versions.iter().any(|&it| book.contents[it].is_shared);
            let status = found.map_or("gone", |found| found.status.as_str());
            let is_right = match (document.fate, status) {
                (Fate::Kept, "completed" | "duplicate") if is_broken => is_shared || status == "completed",
                (Fate::Kept, "completed") => true,
                (Fate::Kept, "duplicate") => is_shared,
                (Fate::Kept, "failed") => is_broken,
                (Fate::Cancelled, status) => status == "cancelled",
                (Fate::Deleted, status) => status == "gone",
                (Fate::InDoubt, status) => matches!(status, "gone" | "completed" | "cancelled"),
                _ => false,
            };
            let reason = found.and_then(|found| found.failure_code.clone());
            let is_true = reason.as_deref().is_none_or(|code| TRUE_REASONS.contains(&code));
            if is_right && is_true {
                continue;
            }
            let said = found
                .and_then(|found| found.failure_message.clone())
                .unwrap_or_default();
            let names: Vec<&str> = document
                .versions
                .iter()
                .map(|&it| book.contents[it].filename.as_str())
                .collect();
            let line = format!(
                "document {id} ({names:?}, {:?}) is `{status}` {} {said}",
                document.fate,
                reason.unwrap_or_default()
            );
            let is_lost = document.fate == Fate::Kept
                && matches!(status, "gone" | "cancelled" | "failed" | "duplicate");
            wrong.push((id.clone(), is_lost && !is_broken, line));
        }
    }
    for (id, is_lost, line) in wrong {
        if is_lost {
            verdict.lost.push(fault_of_document(&ledger.open(), &id));
        }
        ledger.violation(line);
    }
}

/// Each content: is it shown as often as it must be, which is once, and whole?
fn check_contents(ledger: &Ledger, stored: &BTreeMap<String, Stored>, verdict: &mut Verdict) {
    let mut shown: BTreeMap<&[u8], Vec<&str>> = BTreeMap::new();
    let mut halves: Vec<String> = Vec::new();
    for (id, document) in stored {
        let Some(version) = &document.shown else { continue };
        shown.entry(&version.hash).or_default().push(id);
        let is_whole = version.chunks == version.chunk_count
            && version.embeddings == version.chunk_count
            && version.embedded_count == version.chunk_count
            && version.last_chunk_index == version.chunk_count - 1
            && version.chunk_count > 0;
        if !is_whole {
            halves.push(format!(
                "document {id} ({}) is half indexed: {} chunks said, {} there, the last is number {}, {} embeddings said, {} there",
                document.status,
                version.chunk_count,
                version.chunks,
                version.last_chunk_index,
                version.embedded_count,
                version.embeddings
            ));
        }
    }
    let mut lines = Vec::new();
    // Given back before violations are written into it.
    let book = ledger.open();
    for (number, content) in book.contents.iter().enumerate() {
        let found = shown.get(content.hash.as_slice()).map_or(&[][..], Vec::as_slice);
        let kept: Vec<&String> = book
            .documents
            .iter()
            .filter(|(_, it)| it.fate == Fate::Kept && it.versions.last() == Some(&number))
            .map(|(id, _)| id)
            .collect();
        let name = &content.filename;
        if found.len() > 1 {
            lines.push(format!("`{name}` is doubled: shown by {found:?}"));
            verdict.doubled.push(fault_of_content(&book, number));
        }
        let must_be_shown = kept
            .iter()
            .any(|id| book.documents[*id].versions_in_doubt.is_empty());
        if found.is_empty() && must_be_shown && !content.is_loose && !content.is_broken {
            lines.push(format!("`{name}` is lost: accepted as {kept:?}, shown nowhere"));
            verdict.lost.push(fault_of_content(&book, number));
        }
        for id in found {
            let known = book.documents.get(*id);
            let may_show = match known {
                Some(it) => {
                    it.versions_in_doubt.contains(&number)
                        || (it.versions.last() == Some(&number)
                            && matches!(it.fate, Fate::Kept | Fate::InDoubt))
                }
                // Its acceptance was never read.
                None => content.in_doubt > 0,
            };
            if !may_show {
                lines.push(format!(
                    "document {id} shows `{name}`, which it should not any more"
                ));
            }
        }
        for id in &kept {
            let Some(original) = stored.get(*id).and_then(|it| it.duplicate_of.as_deref()) else {
                continue;
            };
            if !found.contains(&original) && !content.is_loose {
                lines.push(format!(
                    "document {id} is said to be a duplicate of {original}, which does not show the same"
                ));
            }
        }
    }
    drop(book);
    for line in lines.into_iter().chain(halves) {
        ledger.violation(line);
    }
}

/// Each word: is it found in its document, once, and nowhere else?
async fn check_words(
    cluster: &Cluster,
    ledger: &Ledger,
    stored: &BTreeMap<String, Stored>,
    verdict: &mut Verdict,
) {
    let words: Vec<(usize, String, [u8; 32])> = {
        let book = ledger.open();
        let contents = book.contents.iter().enumerate();
        contents
            .filter_map(|(number, content)| Some((number, content.word.clone()?, content.hash)))
            .collect()
    };
    let Some(api) = cluster.apis.first() else { return };
    let mut found_words = 0;
    for (number, word, hash) in words {
        let body = json!({"query": word, "mode": "keyword", "n_results": 10});
        let answer = send_json(&api.address, "POST", "/api/v1/documents/search", &body).await;
        let hits: Vec<String> = match answer {
            Ok(answer) if answer.status == 200 => answer.body["results"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|hit| hit["document_id"].as_str().map(str::to_owned))
                .collect(),
            other => {
                ledger.violation(format!("the search for `{word}` failed: {other:?}"));
                continue;
            }
        };
        let expected: BTreeSet<&str> = stored
            .iter()
            .filter(|(_, it)| it.shown.as_ref().is_some_and(|shown| shown.hash == hash))
            .map(|(id, _)| id.as_str())
            .collect();
        let found: BTreeSet<&str> = hits.iter().map(String::as_str).collect();
        if found != expected || hits.len() != expected.len() {
            ledger.violation(format!(
                "`{word}` is found in {hits:?}, and shown by {expected:?}"
            ));
            let fault = fault_of_content(&ledger.open(), number);
            if hits.len() > expected.len() {
                verdict.doubled.push(fault);
            } else {
                verdict.lost.push(fault);
            }
        }
        found_words += hits.len();
    }
    verdict
        .counts
        .push(("words found once, in their document".to_owned(), found_words));
}

/// How long documents took that met a fault.
async fn slowest(sql: &Client, ledger: &Ledger) -> Result<BTreeMap<&'static str, Duration>> {
    let rows = sql
        .query(
            "select job_id::text, ended_at - created_at from jobs where ended_at is not null",
            &[],
        )
        .await?;
    let mut took: BTreeMap<String, i64> = BTreeMap::new();
    for row in rows {
        took.insert(row.try_get(0)?, row.try_get(1)?);
    }
    let book = ledger.open();
    let mut slowest: BTreeMap<&'static str, Duration> = BTreeMap::new();
    let mut names: BTreeMap<&'static str, &str> = BTreeMap::new();
    for accepted in &book.accepted {
        let Some(&micros) = took.get(&accepted.job_id) else {
            continue;
        };
        let fault = book.fault_met_by(accepted.at).unwrap_or("quiet time");
        let took = Duration::from_micros(u64::try_from(micros).unwrap_or_default());
        let longest = slowest.entry(fault).or_default();
        if took >= *longest {
            *longest = took;
            names.insert(fault, &accepted.job_id);
        }
    }
    for (fault, job_id) in names {
        say(&format!("slowest under {fault}: job {job_id}"));
    }
    Ok(slowest)
}

/// Chunks of what is not shown.
async fn check_leftovers(sql: &Client, ledger: &Ledger) -> Result<()> {
    for (what, query) in [
        (
            "chunks of versions that nobody sees",
            "select count(*) from chunks c where not exists
                (select 1 from documents d where d.visible_version_no = c.version_no)",
        ),
        (
            "embeddings without a chunk",
            "select count(*) from embeddings e where not exists (select 1 from chunks c where c.chunk_id = e.chunk_id)",
        ),
        (
            "documents in a state that is no end",
            "select count(*) from documents d where status not in ('completed', 'failed', 'duplicate', 'cancelled', 'awaiting_upload')",
        ),
        (
            "deliveries of jobs that have ended",
            "select count(*) from deliveries d join jobs j using (job_id)
             where j.status not in ('queued', 'started', 'deferred')",
        ),
    ] {
        let count: i64 = sql.query_one(query, &[]).await?.try_get(0)?;
        if count > 0 {
            ledger.violation(format!("{count} {what}"));
        }
    }
    Ok(())
}

/// The counts that people see are those of the rows.
async fn check_counts(cluster: &Cluster, ledger: &Ledger, sql: &Client) -> Result<()> {
    let api = &cluster.apis.first().context("no api")?.address;
    let info = send_json(api, "GET", "/api/v1/queue/info/document_processing", &json!({})).await;
    let info = info.map_err(|error| anyhow::anyhow!("{error:?}"))?.body;
    for (field, status) in [
        ("length", "queued"),
        ("started_count", "started"),
        ("deferred_count", "deferred"),
        ("finished_count", "finished"),
        ("failed_count", "failed"),
        ("cancelled_count", "cancelled"),
    ] {
        let row = sql
            .query_one("select count(*) from jobs where status = $1", &[&status])
            .await?;
        let counted: i64 = row.try_get(0)?;
        if info[field].as_i64() != Some(counted) {
            ledger.violation(format!(
                "{field} is {}, and there are {counted} jobs `{status}`",
                info[field]
            ));
        }
    }
    let stats = send_json(api, "GET", "/api/v1/documents/stats", &json!({})).await;
    let stats = stats.map_err(|error| anyhow::anyhow!("{error:?}"))?.body;
    for (field, query) in [
        ("total_chunks", "select count(*) from chunks"),
        ("total_embeddings", "select count(*) from embeddings"),
        ("total_documents", "select count(*) from documents"),
    ] {
        let counted: i64 = sql.query_one(query, &[]).await?.try_get(0)?;
        if stats[field].as_i64() != Some(counted) {
            ledger.violation(format!("{field} is {}, and there are {counted}", stats[field]));
        }
    }
    Ok(())
}

fn fault_of_content(book: &Book, content: usize) -> &'static str {
    let accepted = book.accepted.iter().find(|it| it.content == content);
    accepted
        .and_then(|it| book.fault_met_by(it.at))
        .unwrap_or("quiet time")
}

fn fault_of_document(book: &Book, id: &str) -> &'static str {
    let accepted = book.accepted.iter().find(|it| it.document_id == id);
    accepted
        .and_then(|it| book.fault_met_by(it.at))
        .unwrap_or("quiet time")
}
