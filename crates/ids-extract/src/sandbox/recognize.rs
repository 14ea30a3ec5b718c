//! Reads the pages that have no text of their own: a child draws each, Tesseract reads it, and the page is put together here.
//! Pages run side by side, as many as the machine has cores, over all documents together.

use std::fmt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use ids_core::page::{ExtractionNote, NoteKind};
use ids_core::ports::{ExtractProgress, ExtractRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::gathered::Gathered;
use super::process::{self, Work};
use super::recognizer::Recognition;
use super::scanned::Scanned;
use super::wire::Task;
use super::{ChildCommand, ExtractorConfig};
use crate::ocr::{self, DOTS_PER_INCH, Gray, Prepared, Sheet, Usable, Word};
use crate::output::{NOTES, ParsedPage, page_note};
use crate::sandbox::tesseract::Tesseract;
use ids_core::document::ContentType;

/// A page that is read as well as this needs no second look from another side.
const GOOD: u8 = 65;
/// Text of its own, however bad, is not given up for less than this.
const BETTER_THAN_RUBBISH: u8 = 40;
/// Bytes of a table of words: a full newspaper page has half a megabyte.
const TABLE_BYTES: u64 = 16 * 1_024 * 1_024;

/// How text is recognized.
#[derive(Debug, Clone)]
pub struct OcrConfig {
    /// What reads pixels.
    pub tesseract: Tesseract,
    /// Languages that it has, in order.
    pub languages: Vec<String>,
    /// The program that becomes it: see [`super::ocr_main`].
    pub child: ChildCommand,
    /// How many pages are read at once, over all documents.
    pub pages_at_once: usize,
    /// What one page may take.
    pub limits: OcrLimits,
}

/// Where an extractor learns how text is recognized. It is asked once, when the first page needs it: the answer starts a process, and most
/// documents need none.
#[derive(Clone)]
pub struct OcrSource(Arc<dyn Fn() -> Option<OcrConfig> + Send + Sync>);

impl OcrSource {
    /// Asks `look_up`, which may block; `None` where nothing can be read.
    pub fn new(look_up: impl Fn() -> Option<OcrConfig> + Send + Sync + 'static) -> Self {
        Self(Arc::new(look_up))
    }

    pub(super) fn look_up(&self) -> Option<OcrConfig> {
        (self.0)()
    }
}

impl From<OcrConfig> for OcrSource {
    fn from(config: OcrConfig) -> Self {
        Self::new(move || Some(config.clone()))
    }
}

impl fmt::Debug for OcrSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OcrSource(…)")
    }
}

/// What the recognition of one page may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OcrLimits {
    /// Address space in bytes: what is mapped, not what is used; 1 GiB.
    pub address_space_bytes: u64,
    /// Computing time; 60 s, where a page takes two.
    pub computing: Duration,
    /// Time of the clock; three minutes, since other pages run beside it.
    pub timeout: Duration,
}

impl Default for OcrLimits {
    fn default() -> Self {
        Self {
            address_space_bytes: 1_024 * 1_024 * 1_024,
            computing: Duration::from_secs(60),
            timeout: Duration::from_secs(180),
        }
    }
}

/// What pages are read with.
#[derive(Debug, Clone)]
pub(super) struct Recognizer {
    pub(super) config: OcrConfig,
    slots: Arc<Semaphore>,
}

/// How the reading of one page ended.
enum Read {
    /// It has these words.
    Page(ParsedPage),
    /// There is nothing on it that could be read.
    Nothing,
    /// It could not be read, for the time being.
    Failed,
}

impl Recognizer {
    pub(super) fn new(config: OcrConfig) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(config.pages_at_once.max(1))),
            config,
        }
    }

    /// Reads the pages of a document that need it, and puts them in their places. What fails on one page is told of that page.
    pub(super) async fn read(
        &self,
        sandbox: &ExtractorConfig,
        request: ExtractRequest<'_>,
        gathered: &mut Gathered,
        progress: &dyn ExtractProgress,
    ) {
        let scans = gathered.scans();
        if scans.is_empty() {
            return;
        }
        let total = gathered.count();
        let mut done = total - u32::try_from(scans.len()).unwrap_or(total);
        progress.pages(done, Some(total));
        let readings = scans.into_iter().map(|scan| async move {
            // Only a closed semaphore fails, and this one is never closed.
            let _slot = self.slots.acquire().await.ok();
            let read = self.page(sandbox, request, &scan).await;
            (scan.number, read)
        });
        // Each is dropped with this future, and its processes with it.
        let mut readings = std::pin::pin!(stream::iter(readings).buffer_unordered(self.config.pages_at_once));
        while let Some((number, read)) = readings.next().await {
            match read {
                Read::Page(page) => gathered.replace(number, page),
                Read::Nothing => gathered.settle(number),
                Read::Failed => {}
            }
            done += 1;
            progress.recognized(1);
            progress.pages(done, Some(total));
        }
    }

    async fn page(&self, sandbox: &ExtractorConfig, request: ExtractRequest<'_>, scan: &Scan) -> Read {
        let work = Work {
            task: Task::Scan {
                page_number: scan.number,
            },
            file: request.file,
            filename: request.filename,
            content_type: request.content_type,
            password: None,
        };
        let drawn = process::run(sandbox, &work, Scanned::default(), &|_| (), None).await;
        let prepared = match drawn {
            Ok(Some(prepared)) => prepared,
            Ok(None) => return Read::Nothing,
            Err(failure) => {
                tracing::info!(page = scan.number, code = %failure.code, "a page cannot be drawn to be read");
                return Read::Failed;
            }
        };
        if !prepared.has_ink {
            return Read::Nothing;
        }
        let is_pdf = request.content_type.as_str() == ContentType::PDF;
        let Some((quarters, words)) = self.any_side_up(&prepared, is_pdf).await else {
            return Read::Failed;
        };
        let sheet = Sheet {
            number: scan.number,
            width: scan.width,
            height: scan.height,
            placement: prepared.placement,
            quarters,
        };
        let usable = scan.usable;
        let letters = scan.letters;
        // Thousands of words: off the runtime.
        let page = spawn_blocking(move || {
            let page = ocr::read_page(&sheet, &words).ok()?;
            let found = page.page.text.chars().filter(|c| c.is_alphanumeric()).count();
            let is_better = match usable {
                Usable::Nothing | Usable::Text => true,
                Usable::Rubbish => ocr::confidence(&words) >= BETTER_THAN_RUBBISH,
                // A stamp, or a title, is a part of what was read.
                Usable::Little => found > letters * 2,
            };
            (found > 0 && is_better).then_some(page)
        });
        match page.await {
            Ok(Some(page)) => Read::Page(page),
            Ok(None) => Read::Nothing,
            Err(_) => Read::Failed,
        }
    }

    /// The words of a page as it lies, or as it must be turned to be read; with the quarters it was turned by.
    async fn any_side_up(&self, prepared: &Prepared, is_pdf: bool) -> Option<(u8, Vec<Word>)> {
        let mut best: Option<(u8, Vec<Word>)> = None;
        let worth = |words: &[Word]| {
            let letters: usize = words.iter().map(|word| word.text.chars().count()).sum();
            u64::from(ocr::confidence(words)).pow(2) * letters.min(400) as u64
        };
        // On its head first: lines that stand are seen before (`ocr::prepare`).
        for quarters in [0, 2, 1, 3] {
            let Ok(words) = self.words(&prepared.gray, quarters, is_pdf).await else {
                // What fails from one side may yet be read from another, but not what takes too long.
                return best;
            };
            let is_good = words.len() >= 3 && ocr::confidence(&words) >= GOOD;
            if best
                .as_ref()
                .is_none_or(|(_, found)| worth(&words) > worth(found))
            {
                best = Some((quarters, words));
            }
            if is_good {
                break;
            }
        }
        best
    }

    /// Runs Tesseract once.
    async fn words(&self, gray: &Gray, quarters: u8, is_pdf: bool) -> Result<Vec<Word>, ()> {
        let turned = {
            let gray = gray.clone();
            spawn_blocking(move || gray.turned(quarters))
                .await
                .map_err(drop)?
        };
        let limits = &self.config.limits;
        let table = timeout(limits.timeout, self.table(&turned, is_pdf)).await;
        let table = table.map_err(drop)?.map_err(|error| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "text recognition failed on a page"
            );
        })?;
        spawn_blocking(move || ocr::words(&table).ok_or(()))
            .await
            .map_err(drop)?
    }

    async fn table(&self, gray: &Gray, is_pdf: bool) -> std::io::Result<Vec<u8>> {
        let config = &self.config;
        let request = Recognition {
            program: config.tesseract.program.clone(),
            language_data: config.tesseract.language_data.clone(),
            languages: config.languages.join("+"),
            dots_per_inch: is_pdf.then_some(DOTS_PER_INCH as u32),
            address_space_bytes: config.limits.address_space_bytes,
            cpu_seconds: config.limits.computing.as_secs().max(1),
        };
        let mut command = Command::new(&config.child.program);
        command
            .args(&config.child.args)
            .arg(serde_json::to_string(&request)?)
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn()?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(std::io::Error::other("a pipe is missing"));
        };
        let write = async move {
            stdin.write_all(gray.header().as_bytes()).await?;
            stdin.write_all(&gray.pixels).await?;
            stdin.shutdown().await
        };
        let read = async {
            let mut table = Vec::new();
            stdout.take(TABLE_BYTES).read_to_end(&mut table).await?;
            Ok::<_, std::io::Error>(table)
        };
        // Who does not read all of the pixels says so by its end.
        let (_written, table) = tokio::join!(write, read);
        let table = table?;
        let status = child.wait().await?;
        match status.success() {
            true => Ok(table),
            false => Err(std::io::Error::other(format!("it ended with {status}"))),
        }
    }
}

/// A page that is to be read.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    pub(super) number: u32,
    pub(super) width: f32,
    pub(super) height: f32,
    /// What its own text is worth.
    pub(super) usable: Usable,
    /// Letters and digits of that.
    pub(super) letters: usize,
}

/// Notes of the pages that still need to be read.
pub(super) fn notes(numbers: impl Iterator<Item = u32>, room: usize) -> Vec<ExtractionNote> {
    let note = |number| {
        let text = format!("page {number} has no text of its own; it needs OCR");
        page_note(number, NoteKind::NeedsOcr, text)
    };
    numbers.take(room.min(NOTES)).map(note).collect()
}
