//! People at work: uploads, changes, removals, searches and questions, without pause, whatever breaks meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::cluster::Cluster;
use crate::http::{Answer, NoAnswer, send, send_json};
use crate::ledger::{Fate, Ledger};
use crate::texts::{Dice, READABLE, UNREADABLE, broken_pdf, question, text, unique_word};

/// Faults in which a process that answers requests is not there for a moment.
const API_IS_AWAY: [&str; 1] = ["kill -9 api"];
/// Faults in which the bucket is not there.
const S3_IS_AWAY: [&str; 1] = ["break S3"];
/// Jobs that wait, past which uploads slow down, so that the end is seen the same day.
pub const ENOUGH_WAITING: i64 = 40;

/// What all tasks of the load share.
#[derive(Clone)]
pub struct Load {
    /// The system.
    pub cluster: Arc<Cluster>,
    /// The book.
    pub ledger: Ledger,
    /// The corpus, where it is.
    pub corpus: Option<PathBuf>,
    /// True once the load is to end.
    pub stop: watch::Receiver<bool>,
    /// How many jobs wait.
    pub waiting: watch::Receiver<i64>,
    /// What chance begins with.
    pub seed: u64,
}

impl Load {
    fn is_over(&self) -> bool {
        *self.stop.borrow()
    }

    fn address(&self, dice: &mut Dice) -> String {
        dice.any(&self.cluster.apis)
            .map(|api| api.address.clone())
            .unwrap_or_default()
    }

    /// Uploads and acts on what was uploaded, until the end.
    pub async fn upload_without_pause(self, stream: u64) {
        let mut dice = Dice::new(self.seed, stream);
        while !self.is_over() {
            match dice.below(100) {
                0..60 => self.upload_new(&mut dice).await,
                60..72 => self.upload_again(&mut dice).await,
                72..84 => self.upload_version(&mut dice).await,
                84..90 => self.cancel_one(&mut dice).await,
                90..95 => self.delete_one(&mut dice).await,
                _ => self.upload_corpus_file(&mut dice).await,
            }
            let pause = if *self.waiting.borrow() > ENOUGH_WAITING {
                1_500
            } else {
                120
            };
            tokio::time::sleep(Duration::from_millis(pause + dice.next() % 200)).await;
        }
    }

    /// Searches until the end.
    pub async fn search_without_pause(self) {
        let mut dice = Dice::new(self.seed, 1_000);
        while !self.is_over() {
            let address = self.address(&mut dice);
            let mode = *dice.any(&["keyword", "hybrid", "semantic"]).unwrap_or(&"hybrid");
            let body = json!({"query": question(&mut dice), "mode": mode});
            self.ask_of(&address, "search", "/api/v1/documents/search", &body)
                .await;
            tokio::time::sleep(Duration::from_millis(300 + dice.next() % 200)).await;
        }
    }

    /// Asks questions until the end.
    pub async fn ask_without_pause(self) {
        let mut dice = Dice::new(self.seed, 1_001);
        while !self.is_over() {
            let address = self.address(&mut dice);
            let body = json!({"message": question(&mut dice)});
            self.ask_of(&address, "ask", "/api/v1/chat/ask", &body).await;
            tokio::time::sleep(Duration::from_millis(900 + dice.next() % 400)).await;
        }
    }

    async fn ask_of(&self, address: &str, what: &'static str, path: &str, body: &Value) {
        let begun = Instant::now();
        let answer = send_json(address, "POST", path, body).await;
        if let Some(answer) = self.judged(what, answer, begun, &[200])
            && answer.status == 200
            && answer.body.is_null()
        {
            self.ledger
                .violation(format!("{what}: 200 without a body of JSON"));
        }
    }

    /// Notes an answer; anything but `good` codes, "come again" (503, 429, both with Retry-After) and what the fault under way explains is a violation.
    fn judged(
        &self,
        what: &'static str,
        answer: Result<Answer, NoAnswer>,
        begun: Instant,
        good: &[u16],
    ) -> Option<Answer> {
        let took = begun.elapsed();
        match answer {
            Ok(answer) => {
                self.ledger.open().answered(what, answer.status, took);
                let is_good = good.contains(&answer.status)
                    || (matches!(answer.status, 429 | 503) && answer.says_when)
                    || (answer.status == 507 && self.ledger.is_under(&["fill the disk"]));
                if !is_good {
                    let (status, when) = (answer.status, answer.says_when);
                    let text: String = answer.text.chars().take(400).collect();
                    self.ledger
                        .violation(format!("{what}: {status} (Retry-After: {when}) {text}"));
                }
                Some(answer)
            }
            Err(error) => {
                self.ledger.open().answered(what, 0, took);
                let is_explained = !matches!(error, NoAnswer::TooLate) && self.ledger.is_under(&API_IS_AWAY);
                if !is_explained {
                    self.ledger.violation(format!(
                        "{what}: no answer after {:.1} s: {error}",
                        took.as_secs_f64()
                    ));
                }
                None
            }
        }
    }

    async fn upload_new(&self, dice: &mut Dice) {
        let content = if dice.percent(6) {
            let name = format!("quebrado-{}.pdf", dice.below(100_000));
            let bytes = broken_pdf(dice);
            self.ledger
                .open()
                .add_content(name, "application/pdf", bytes, None, true)
        } else {
            self.new_text(dice)
        };
        self.upload(dice, content).await;
    }

    fn new_text(&self, dice: &mut Dice) -> usize {
        let is_markdown = dice.percent(40);
        let word = unique_word(dice);
        // Now and then one that takes a while to embed, so that faults meet it half way.
        let sentences = if dice.percent(8) { 250 } else { 2 + dice.below(30) };
        let bytes = text(dice, &word, sentences, is_markdown).into_bytes();
        let (extension, content_type) = if is_markdown {
            ("md", "text/markdown")
        } else {
            ("txt", "text/plain")
        };
        let name = format!("documento-{}.{extension}", dice.below(1_000_000));
        self.ledger
            .open()
            .add_content(name, content_type, bytes, Some(word), false)
    }

    /// The same bytes once more.
    async fn upload_again(&self, dice: &mut Dice) {
        let content = {
            let mut book = self.ledger.open();
            let documents = &book.documents;
            let unchanged: Vec<usize> = documents
                .values()
                .filter(|document| document.fate == Fate::Kept && !document.is_taken)
                .filter(|document| document.versions.len() == 1 && document.versions_in_doubt.is_empty())
                .filter_map(|document| document.versions.first().copied())
                .filter(|&content| !book.contents[content].is_loose && !book.contents[content].is_broken)
                .collect();
            let Some(&content) = dice.any(&unchanged) else {
                return;
            };
            book.contents[content].is_shared = true;
            content
        };
        self.upload(dice, content).await;
    }

    async fn upload_corpus_file(&self, dice: &mut Dice) {
        let Some(corpus) = self.corpus.clone() else { return };
        let is_broken = dice.percent(40);
        let files: &[(&str, &'static str)] = if is_broken { &UNREADABLE } else { &READABLE };
        let Some(&(file, content_type)) = dice.any(files) else {
            return;
        };
        let Ok(bytes) = std::fs::read(Path::new(&corpus).join(file)) else {
            return;
        };
        let content = {
            let mut book = self.ledger.open();
            let known = book.contents.iter().position(|content| content.filename == file);
            let content = known
                .unwrap_or_else(|| book.add_content(file.to_owned(), content_type, bytes, None, is_broken));
            book.contents[content].is_shared = true;
            content
        };
        self.upload(dice, content).await;
    }

    /// Uploads in either way; when it is not known whether it was accepted, the same once more.
    async fn upload(&self, dice: &mut Dice, content: usize) {
        for _ in 0..3 {
            if self.is_over() {
                return;
            }
            let was_in_doubt = if dice.percent(30) {
                self.upload_presigned(dice, content).await
            } else {
                self.upload_form(dice, content, None).await
            };
            if !was_in_doubt {
                return;
            }
            self.doubt(content);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// An upload whose acceptance is not known.
    fn doubt(&self, content: usize) {
        let mut book = self.ledger.open();
        book.contents[content].in_doubt += 1;
        book.contents[content].is_shared = true;
    }

    /// A further version of a document.
    async fn upload_version(&self, dice: &mut Dice) {
        let Some(document_id) = self.take_document(dice) else {
            return;
        };
        let content = self.new_text(dice);
        let was_in_doubt = self.upload_form(dice, content, Some(&document_id)).await;
        let mut book = self.ledger.open();
        let former = book
            .documents
            .get(&document_id)
            .map(|document| document.versions.clone());
        // The last one is the new one, when it was accepted.
        for former in former
            .unwrap_or_default()
            .into_iter()
            .filter(|&former| former != content)
        {
            book.contents[former].is_loose = true;
        }
        if let Some(document) = book.documents.get_mut(&document_id) {
            if was_in_doubt {
                // Never let go: nobody knows what it is now.
                document.versions_in_doubt.push(content);
                book.contents[content].is_loose = true;
            } else {
                document.is_taken = false;
            }
        }
    }

    /// A document that nothing else happens to meanwhile, and whose text no other has.
    fn take_document(&self, dice: &mut Dice) -> Option<String> {
        let mut book = self.ledger.open();
        let free: Vec<String> = book
            .documents
            .iter()
            .filter(|(_, document)| document.fate == Fate::Kept && !document.is_taken)
            .filter(|(_, document)| {
                document.versions.iter().all(|&content| {
                    let content = &book.contents[content];
                    !content.is_shared && !content.is_broken && content.word.is_some()
                })
            })
            .map(|(id, _)| id.clone())
            .collect();
        let taken = dice.any(&free)?.clone();
        let document = book.documents.get_mut(&taken)?;
        document.is_taken = true;
        Some(taken)
    }

    /// Says whether it is not known if it was accepted.
    async fn upload_form(&self, dice: &mut Dice, content: usize, document_id: Option<&str>) -> bool {
        let (filename, content_type, bytes) = self.content(content);
        let mut form = Vec::new();
        if let Some(document_id) = document_id {
            form.extend_from_slice(
                format!(
                    "--X\r\ncontent-disposition: form-data; name=\"document_id\"\r\n\r\n{document_id}\r\n"
                )
                .as_bytes(),
            );
        }
        form.extend_from_slice(
            format!(
                "--X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n\
                 content-type: {content_type}\r\n\r\n"
            )
            .as_bytes(),
        );
        form.extend_from_slice(&bytes);
        form.extend_from_slice(b"\r\n--X--\r\n");
        let headers = [("content-type", "multipart/form-data; boundary=X")];
        let address = self.address(dice);
        let begun = Instant::now();
        let answer = send(&address, "POST", "/api/v1/documents", &headers, &form).await;
        self.note_acceptance("upload", answer, begun, content, None)
    }

    /// Says whether it is not known if it was accepted.
    async fn upload_presigned(&self, dice: &mut Dice, content: usize) -> bool {
        let (filename, content_type, bytes) = self.content(content);
        let body = json!({"filename": filename, "file_size": bytes.len(), "content_type": content_type});
        let begun = Instant::now();
        let address = self.address(dice);
        let answer = send_json(&address, "POST", "/api/v1/documents/upload/presigned", &body).await;
        let Some(announced) = self.judged("presigned", answer, begun, &[200]) else {
            return false;
        };
        let (Some(url), Some(document_id), Some(upload_id)) = (
            announced.body["upload_url"].as_str(),
            announced.body["document_id"].as_str(),
            announced.body["upload_id"].as_str(),
        ) else {
            return false;
        };
        if !self.put(url, &announced.body["headers"], &bytes).await {
            return false;
        }
        let path = format!("/api/v1/documents/{document_id}/process");
        let begun = Instant::now();
        let answer = send_json(&address, "POST", &path, &json!({"upload_id": upload_id})).await;
        self.note_acceptance("process", answer, begun, content, Some(document_id))
    }

    /// Sends the bytes straight to the bucket; says whether they arrived.
    async fn put(&self, url: &str, headers: &Value, bytes: &[u8]) -> bool {
        let Some((address, path)) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')) else {
            self.ledger
                .violation(format!("presigned: no address to send to: {url}"));
            return false;
        };
        let headers: Vec<(&str, &str)> = headers
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .collect();
        let sent = send(address, "PUT", &format!("/{path}"), &headers, bytes).await;
        let is_stored = sent.as_ref().is_ok_and(|answer| answer.status == 200);
        if !is_stored && !self.ledger.is_under(&S3_IS_AWAY) {
            self.ledger
                .violation(format!("the bucket refused signed bytes: {sent:?}"));
        }
        is_stored
    }

    fn content(&self, content: usize) -> (String, &'static str, Arc<Vec<u8>>) {
        let book = self.ledger.open();
        let content = &book.contents[content];
        (
            content.filename.clone(),
            content.content_type,
            Arc::clone(&content.bytes),
        )
    }

    fn note_acceptance(
        &self,
        what: &'static str,
        answer: Result<Answer, NoAnswer>,
        begun: Instant,
        content: usize,
        announced: Option<&str>,
    ) -> bool {
        let may_have_come = !matches!(answer, Err(NoAnswer::NotConnected(_)));
        let is_broken = self.ledger.open().contents[content].is_broken;
        // What cannot be read may be refused at the door.
        let good: &[u16] = if is_broken { &[202, 415, 422] } else { &[202] };
        let Some(answer) = self.judged(what, answer, begun, good) else {
            return may_have_come;
        };
        if answer.status != 202 {
            // Told to come again: it may have been accepted all the same, when the commit's own answer was lost.
            return answer.status == 503;
        }
        let document_id = answer.body["document_id"].as_str().or(announced);
        let (Some(document_id), Some(job_id)) = (document_id, answer.body["job_id"].as_str()) else {
            self.ledger
                .violation(format!("{what}: 202 without ids: {}", answer.text));
            return false;
        };
        self.ledger.open().accept(document_id, job_id, content);
        false
    }

    async fn cancel_one(&self, dice: &mut Dice) {
        let content = self.new_text(dice);
        if self.upload_form(dice, content, None).await {
            self.doubt(content);
            return;
        }
        let accepted = {
            let mut book = self.ledger.open();
            let of_it = book
                .accepted
                .iter()
                .rev()
                .find(|accepted| accepted.content == content);
            let ids = of_it.map(|accepted| (accepted.document_id.clone(), accepted.job_id.clone()));
            let document = ids.as_ref().and_then(|(id, _)| book.documents.get_mut(id));
            match document {
                // Another task has found it meanwhile.
                Some(document) if document.is_taken || document.versions.len() > 1 => None,
                Some(document) => {
                    document.is_taken = true;
                    ids
                }
                None => None,
            }
        };
        let Some((document_id, job_id)) = accepted else {
            return;
        };
        let path = format!("/api/v1/queue/job/{job_id}/cancel");
        self.end_document(dice, "cancel", "POST", &path, &document_id, Fate::Cancelled)
            .await;
    }

    async fn delete_one(&self, dice: &mut Dice) {
        let Some(document_id) = self.take_document(dice) else {
            return;
        };
        let path = format!("/api/v1/documents/{document_id}");
        self.end_document(dice, "delete", "DELETE", &path, &document_id, Fate::Deleted)
            .await;
    }

    /// Cancels or deletes; 404 after a first try that may have been heard is as good.
    async fn end_document(
        &self,
        dice: &mut Dice,
        what: &'static str,
        method: &str,
        path: &str,
        document_id: &str,
        fate: Fate,
    ) {
        let address = self.address(dice);
        let begun = Instant::now();
        let answer = send_json(&address, method, path, &json!({})).await;
        // Too late to cancel is no fault.
        let good: &[u16] = if fate == Fate::Cancelled {
            &[202, 409]
        } else {
            &[200]
        };
        let may_have_come = !matches!(answer, Err(NoAnswer::NotConnected(_)));
        let answer = self.judged(what, answer, begun, good);
        let mut book = self.ledger.open();
        let fate = match answer {
            Some(answer) if matches!(answer.status, 200 | 202) => fate,
            Some(answer) if answer.status == 409 => Fate::Kept,
            None if !may_have_come => Fate::Kept,
            // 503, and no answer: perhaps.
            _ => Fate::InDoubt,
        };
        let Some(document) = book.documents.get_mut(document_id) else {
            return;
        };
        document.fate = fate;
        document.is_taken = fate != Fate::Kept;
        if fate != Fate::Kept {
            for content in document.versions.clone() {
                book.contents[content].is_loose = true;
            }
        }
    }
}
