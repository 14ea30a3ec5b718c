//! What came in a file that was ingested: the files of an archive, the attachments of a mail, and what came in these.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::report::{FailedFile, IngestedFile, Outcome, SkipReason, SkippedFile};
use crate::cli::client::{CallError, Client, segment, with_query};

/// How soon it is looked again whether all are at their end, and how seldom at last.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK_LAST: Duration = Duration::from_secs(2);
/// Rows asked for at once, the most there may be.
const ROWS: usize = 1_000;

/// Waits for the end of all that came in the document that `file` became, at whatever depth, and says what came of each. Their paths are
/// `archive.zip!/anexos/contrato.pdf`.
///
/// # Errors
/// When the library went away.
pub async fn to_their_end(
    client: &Client,
    file: &Path,
    document_id: &str,
    waiting: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<Outcome>, CallError> {
    let mut outcomes = Vec::new();
    let mut open = vec![(file.to_owned(), document_id.to_owned())];
    while let Some((parent_path, parent_id)) = open.pop() {
        for child in ended(client, &parent_id, waiting).await? {
            let path = path_in(&parent_path, text(&child, "path"));
            if child["status"] == "completed" || child["status"] == "duplicate" {
                open.push((path.clone(), text(&child, "document_id").to_owned()));
            }
            outcomes.push(outcome(path, &child));
        }
    }
    Ok(outcomes)
}

/// What came in a document, once all of it is at its end.
async fn ended(
    client: &Client,
    parent_id: &str,
    waiting: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<Value>, CallError> {
    let mut pause = LOOK_FIRST;
    loop {
        let children = children(client, parent_id).await?;
        let done = children.iter().filter(|child| is_ended(child)).count();
        if done == children.len() {
            return Ok(children);
        }
        waiting(done, children.len());
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LOOK_LAST);
    }
}

async fn children(client: &Client, parent_id: &str) -> Result<Vec<Value>, CallError> {
    let mut all = Vec::new();
    loop {
        let path = with_query(
            "/api/v1/documents",
            &[
                ("parent_id", Some(segment(parent_id))),
                ("sort_by", Some("filename".to_owned())),
                ("sort_order", Some("asc".to_owned())),
                ("limit", Some(ROWS.to_string())),
                ("offset", Some(all.len().to_string())),
            ],
        );
        let page = client.get(&path).await?.body;
        let rows = page["documents"].as_array().cloned().unwrap_or_default();
        let is_last = rows.is_empty() || page["has_more"] != true;
        all.extend(rows);
        if is_last {
            return Ok(all);
        }
    }
}

fn is_ended(child: &Value) -> bool {
    matches!(
        child["status"].as_str(),
        Some("completed" | "duplicate" | "failed" | "cancelled")
    )
}

fn outcome(path: PathBuf, child: &Value) -> Outcome {
    match child["status"].as_str() {
        Some("completed") => Outcome::Ingested(IngestedFile {
            path,
            document_id: text(child, "document_id").to_owned(),
            pages: child["page_count"].as_u64(),
            chunks: child["total_chunks"].as_u64(),
        }),
        Some("duplicate") => Outcome::Skipped(SkippedFile {
            path,
            reason: SkipReason::Duplicate,
        }),
        Some("cancelled") => Outcome::Failed(FailedFile {
            path,
            error_code: "CANCELLED".to_owned(),
            error: "its job was cancelled".to_owned(),
        }),
        _ => Outcome::Failed(FailedFile {
            path,
            error_code: text(&child["error"], "error_code").to_owned(),
            error: text(&child["error"], "error").to_owned(),
        }),
    }
}

/// Where a member lies, as a path of its own: `!/` stands between an archive and what is in it.
fn path_in(parent: &Path, path: &str) -> PathBuf {
    let mut whole = parent.as_os_str().to_owned();
    whole.push("!/");
    whole.push(path);
    PathBuf::from(whole)
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::{Outcome, outcome, path_in};

    #[test]
    fn a_member_lies_behind_its_archive() {
        let inner = path_in(Path::new("/a/arquivo.zip"), "carta.eml");
        assert_eq!(
            path_in(&inner, "x/b.pdf"),
            Path::new("/a/arquivo.zip!/carta.eml!/x/b.pdf")
        );
    }

    #[test]
    fn each_end_is_told() {
        let of = |status: &str| {
            let child = json!({"document_id": "1", "status": status, "page_count": 2, "total_chunks": 3,
                "error": {"error_code": "CORRUPT", "error": "it is damaged"}});
            outcome("a".into(), &child)
        };
        assert!(matches!(of("completed"), Outcome::Ingested(file) if file.pages == Some(2)));
        assert!(matches!(of("duplicate"), Outcome::Skipped(_)));
        assert!(matches!(of("failed"), Outcome::Failed(file) if file.error_code == "CORRUPT"));
        assert!(matches!(of("cancelled"), Outcome::Failed(file) if file.error_code == "CANCELLED"));
    }
}
