//! `ids reindex --ocr`: reads scans anew that came before text recognition was there.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::client::{CallError, Client, segment, with_client, with_query};
use crate::cli::exit::Failed;
use crate::cli::output;
use crate::config::Config;
use crate::local::Work;
use crate::ocr::Ocr;

/// Documents asked for at once.
const PAGE: u64 = 200;
/// How often an unfinished document is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A document with pages that need OCR.
#[derive(Debug)]
struct Scan {
    document_id: String,
    filename: String,
}

#[derive(Debug, Default)]
struct Report {
    reindexed: Vec<Scan>,
    /// With what the API said of each.
    not_kept: Vec<Scan>,
    failed: Vec<(Scan, String)>,
}

/// Runs the command. Exit code 1 when a document could not be read anew.
pub async fn run(no_wait: bool, is_json: bool, config: &Config) -> Result<u8, Failed> {
    let languages = config.ocr_languages.clone();
    let found = tokio::task::spawn_blocking(move || Ocr::find(&languages)).await;
    match found {
        Ok(Ok(Ocr::Ready { .. })) => {}
        // A server elsewhere may have what is lacking here.
        Ok(Ok(found)) if config.postgres.is_none() => {
            let (what, hint) = found.complaint(&config.ocr_languages).unwrap_or_else(|| {
                (
                    "OCR_LANGUAGES is off".to_owned(),
                    "set it, such as to `por+eng`".to_owned(),
                )
            });
            return Err(Failed::because(format!("{what}; {hint}")));
        }
        _ => {}
    }
    let report = with_client(config, Work::Jobs, async |client: &Client| {
        reindex(client, no_wait, is_json).await
    })
    .await?;
    if is_json {
        output::print(&report.to_json().to_string())?;
    } else {
        output::print(&report.to_text())?;
    }
    Ok(u8::from(!report.not_kept.is_empty() || !report.failed.is_empty()))
}

async fn reindex(client: &Client, no_wait: bool, is_json: bool) -> Result<Report, Failed> {
    let gone = |error: CallError| error.into_failed(is_json);
    let mut report = Report::default();
    for scan in scans(client).await.map_err(gone)? {
        let path = format!("/api/v1/documents/{}/reindex", segment(&scan.document_id));
        match client.post(&path, &json!({})).await {
            Ok(_) => report.reindexed.push(scan),
            Err(CallError::Refused(refused)) if refused.code() == "ORIGINAL_NOT_KEPT" => {
                report.not_kept.push(scan)
            }
            Err(CallError::Refused(refused)) => report.failed.push((scan, refused.detail())),
            Err(error) => return Err(gone(error)),
        }
    }
    if no_wait && client.is_server() {
        return Ok(report);
    }
    for scan in std::mem::take(&mut report.reindexed) {
        match end_of(client, &scan).await.map_err(gone)? {
            None => report.reindexed.push(scan),
            Some(error) => report.failed.push((scan, error)),
        }
    }
    Ok(report)
}

/// All documents with pages that need OCR, also those that failed for it.
async fn scans(client: &Client) -> Result<Vec<Scan>, CallError> {
    let mut scans = Vec::new();
    let mut offset = 0;
    loop {
        let query = [
            ("limit", Some(PAGE.to_string())),
            ("offset", Some(offset.to_string())),
            ("sort_by", Some("created_at".to_owned())),
            ("sort_order", Some("asc".to_owned())),
        ];
        let listed = client.get(&with_query("/api/v1/documents", &query)).await?.body;
        let documents = listed["documents"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        for document in documents {
            if needs_ocr(client, document).await? {
                let text = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
                scans.push(Scan {
                    document_id: text("document_id"),
                    filename: text("filename"),
                });
            }
        }
        offset += PAGE;
        if documents.is_empty() || listed["has_more"] != true {
            return Ok(scans);
        }
    }
}

async fn needs_ocr(client: &Client, document: &Value) -> Result<bool, CallError> {
    let content_type = document["content_type"].as_str().unwrap_or_default();
    // Only these have pages that are pictures.
    if content_type != "application/pdf" && !content_type.starts_with("image/") {
        return Ok(false);
    }
    match document["status"].as_str() {
        Some("failed") => Ok(document["error"]["error_code"] == "NO_TEXT"),
        Some("completed") => {
            let id = document["document_id"].as_str().unwrap_or_default();
            let analysis = client
                .get(&format!("/api/v1/documents/{}/analysis", segment(id)))
                .await?;
            Ok(analysis.body["needs_ocr"] == true)
        }
        _ => Ok(false),
    }
}

/// Waits for a document's end; what went wrong, if something did.
async fn end_of(client: &Client, scan: &Scan) -> Result<Option<String>, CallError> {
    let path = format!("/api/v1/documents/{}/status", segment(&scan.document_id));
    loop {
        let status = client.get(&path).await?.body;
        match status["status"].as_str() {
            Some("completed" | "duplicate") => return Ok(None),
            Some("failed" | "cancelled") => {
                let error = status["error"]["error"].as_str().unwrap_or("it was cancelled");
                return Ok(Some(error.to_owned()));
            }
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

impl Report {
    fn to_json(&self) -> Value {
        let plain = |scans: &[Scan]| -> Vec<Value> {
            scans
                .iter()
                .map(|scan| json!({"document_id": scan.document_id, "filename": scan.filename}))
                .collect()
        };
        let failed: Vec<Value> = self
            .failed
            .iter()
            .map(|(scan, error)| json!({"document_id": scan.document_id, "filename": scan.filename, "error": error}))
            .collect();
        json!({
            "reindexed": plain(&self.reindexed),
            "original_not_kept": plain(&self.not_kept),
            "failed": failed,
        })
    }

    fn to_text(&self) -> String {
        let mut lines = vec![
            match self.reindexed.len() + self.not_kept.len() + self.failed.len() {
                0 => "no document needs OCR".to_owned(),
                _ => format!(
                    "{} read anew",
                    output::count(self.reindexed.len() as u64, "document")
                ),
            },
        ];
        for scan in &self.not_kept {
            lines.push(format!(
                "{}: its original was not kept; upload the file again, or run `ids ingest` on it (document {})",
                output::clean(&scan.filename),
                scan.document_id
            ));
        }
        for (scan, error) in &self.failed {
            lines.push(format!(
                "{}: {}",
                output::clean(&scan.filename),
                output::clean(error)
            ));
        }
        lines.join("\n")
    }
}
