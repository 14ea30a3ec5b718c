//! A served library in a temporary folder, with a clock and ids that tests know.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use ids_blobs::{FolderBlobStore, SigningKey};
use ids_core::budget::BudgetSettings;
use ids_core::document::ContentType;
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::error::{ErrorCode, Failure};
use ids_core::job::Lane;
use ids_core::jobs::{MemoryBudget, Reconciler, Worker};
use ids_core::library::{Library, Ports, Settings};
use ids_core::page::{Block, BlockKind, ExtractedDocument, LineBox, Page};
use ids_core::page_image::PageImage;
use ids_core::ports::{
    BudgetAlarm, ChatModel, Clock, CountedError, CountedVectors, EmbedTexts, Embedder, ExtractProgress,
    ExtractRequest, Extractor, Ids, RenderRequest, Tokenizer,
};
use ids_core::span::CharSpan;
use ids_core::time::Timestamp;
use ids_http::{BuildInfo, HttpOptions};
use ids_sqlite::SqliteLibrary;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

/// 2025-11-23T12:00:00Z.
const START: Timestamp = Timestamp::from_micros(1_763_899_200_000_000);
pub const MAX_FILE_SIZE: u64 = 2 * 1024 * 1024;
pub const HOST: &str = "localhost:8000";

/// A served library.
pub struct App {
    pub router: Router,
    pub local: Router,
    pub library: Library,
    pub store: SqliteLibrary,
    pub clock: Arc<ManualClock>,
    pub extractor: Arc<ScriptedExtractor>,
    pub embedder: Arc<ScriptedEmbedder>,
    pub shutdown: CancellationToken,
    _folder: tempfile::TempDir,
}

impl App {
    pub fn new() -> Self {
        Self::with(|options| options)
    }

    /// With a model that writes answers.
    pub fn with_chat(chat: Arc<dyn ChatModel>) -> Self {
        Self::made(Some(chat), None, BudgetSettings::default(), |options| options)
    }

    /// The same with a budget, and whoever is told of it.
    pub fn with_budget(
        chat: Arc<dyn ChatModel>,
        budget: BudgetSettings,
        alarm: Option<Arc<dyn BudgetAlarm>>,
    ) -> Self {
        Self::made(Some(chat), alarm, budget, |options| options)
    }

    /// With other options.
    pub fn with(change: impl Fn(HttpOptions) -> HttpOptions) -> Self {
        Self::made(None, None, BudgetSettings::default(), change)
    }

    fn made(
        chat: Option<Arc<dyn ChatModel>>,
        alarm: Option<Arc<dyn BudgetAlarm>>,
        budget: BudgetSettings,
        change: impl Fn(HttpOptions) -> HttpOptions,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock(Mutex::new(START)));
        let store = SqliteLibrary::open_in(folder.path(), clock.clone()).unwrap();
        let extractor = Arc::new(ScriptedExtractor::default());
        let embedder = Arc::new(ScriptedEmbedder::default());
        let key = SigningKey::from_bytes([7; 32]);
        let blobs = FolderBlobStore::open(&folder.path().join("blobs"), key, clock.clone()).unwrap();
        let all = Arc::new(store.clone());
        let ports = Ports {
            documents: all.clone(),
            chunks: all.clone(),
            jobs: all.clone(),
            queue: all.clone(),
            sessions: all.clone(),
            ledger: all.clone(),
            alarm,
            organizations: all.clone(),
            cleanups: all.clone(),
            backups: all.clone(),
            workers: all,
            chat,
            blobs: Arc::new(blobs),
            extractor: extractor.clone(),
            embedders: embedder.clone().into(),
            tokenizer: Arc::new(Words),
            clock: clock.clone(),
            ids: Arc::new(CountingIds::default()),
        };
        let settings = Settings {
            max_file_size: MAX_FILE_SIZE,
            budget,
            ..Settings::default()
        };
        let library = Library::new(ports, settings);
        let shutdown = CancellationToken::new();
        let options = || {
            let options = HttpOptions::new(library.clone(), build());
            change(HttpOptions {
                shutdown: shutdown.clone(),
                recent: Duration::ZERO,
                ..options
            })
        };
        Self {
            router: ids_http::router(options()),
            local: ids_http::local_router(options()),
            library,
            store,
            clock,
            extractor,
            embedder,
            shutdown,
            _folder: folder,
        }
    }

    /// The same library, as after a restart: nothing is kept in memory.
    pub fn restarted(&self) -> Router {
        let library = Library::new(self.library.ports().clone(), self.library.settings().clone());
        ids_http::router(HttpOptions::new(library, build()))
    }

    /// Sends a request; `Host` is that of this machine unless it is given.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        reply(&self.router, request).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Request::delete(path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(json_request("POST", path, body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(json_request("PATCH", path, body)).await
    }

    /// POST /documents.
    pub async fn upload(&self, filename: &str, bytes: &[u8], texts: &[(&str, &str)]) -> Reply {
        self.send(form_request(filename, bytes, texts)).await
    }

    /// Uploads and processes a document; its id.
    pub async fn ingest(&self, filename: &str, text: &str, texts: &[(&str, &str)]) -> String {
        let reply = self.upload(filename, text.as_bytes(), texts).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{:?}", reply.json());
        self.work().await;
        reply.json()["document_id"].as_str().unwrap().to_owned()
    }

    /// Does all jobs there are.
    pub async fn work(&self) {
        self.work_in(Lane::Prepare).await;
        self.work_in(Lane::Embed).await;
    }

    /// What workers of an installation do once in ten seconds, and the cleanups that it asks for.
    pub async fn reconcile(&self) {
        let reconciler = Reconciler::new(self.library.clone(), "test".to_owned());
        reconciler.round().await.unwrap();
        self.clean_up().await;
    }

    /// Does all cleanups there are.
    pub async fn clean_up(&self) {
        let worker = Worker::of_cleanups(self.library.clone(), "test-cleanup".to_owned());
        worker.run_until_idle(&CancellationToken::new()).await.unwrap();
    }

    pub async fn work_in(&self, lane: Lane) {
        let name = format!("test-{}", lane.as_str());
        let memory = MemoryBudget::unlimited();
        let worker = Worker::of_documents(self.library.clone(), name, lane, memory);
        worker.run_until_idle(&CancellationToken::new()).await.unwrap();
    }
}

fn build() -> BuildInfo {
    BuildInfo {
        version: "1.2.3".to_owned(),
        commit: Some("abc".to_owned()),
    }
}

pub async fn reply(router: &Router, mut request: Request<Body>) -> Reply {
    request
        .headers_mut()
        .entry(header::HOST)
        .or_insert(HOST.parse().unwrap());
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Reply {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts the status, and gives the body.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self.json()
    }

    /// Asserts that it is this error, in the shape all errors have, and gives what a snapshot shows of it.
    pub fn expect_error(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["error_code"], code);
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(body["request_id"], self.header("x-request-id"));
        let fields = body.as_object().unwrap();
        assert!(
            fields.contains_key("error") && fields.contains_key("detail"),
            "{body}"
        );
        let mut shown = json!({ "status": status, "body": body });
        for name in ["allow", "retry-after"] {
            if self.headers.contains_key(name) {
                shown[name] = json!(self.header(name));
            }
        }
        shown
    }
}

pub fn json_request(method: &str, path: &str, body: Value) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}

const BOUNDARY: &str = "a-boundary";

/// POST /documents, the file first.
pub fn form_request(filename: &str, bytes: &[u8], texts: &[(&str, &str)]) -> Request<Body> {
    let mut body = Vec::new();
    let head = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{filename}\"");
    body.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
    body.extend_from_slice(bytes);
    for (name, text) in texts {
        let head = format!("Content-Disposition: form-data; name=\"{name}\"");
        body.extend_from_slice(format!("\r\n--{BOUNDARY}\r\n{head}\r\n\r\n{text}").as_bytes());
    }
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    raw_form_request(body)
}

pub fn raw_form_request(body: Vec<u8>) -> Request<Body> {
    Request::post("/api/v1/documents")
        .header(
            header::CONTENT_TYPE,
            format!("multipart/form-data; boundary={BOUNDARY}"),
        )
        .header(header::CONTENT_LENGTH, body.len())
        .body(Body::from(body))
        .unwrap()
}

/// A clock that only tests move.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus(by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// 1, 2, 3, ...
#[derive(Default)]
struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 2))
    }

    fn secret(&self) -> [u8; 32] {
        [u8::try_from(self.0.fetch_add(1, Ordering::Relaxed)).unwrap(); 32]
    }
}

/// Takes `.txt` files, and what begins with `%PDF`. A form feed begins a page, a blank line a block, `# ` a heading; each line
/// has a box in a PDF. `%PDF-encrypted` needs a password, `panic` breaks. Pages of a PDF are drawn as a few words instead of a PNG;
/// `undrawable` never, `slow to draw` not now.
pub struct ScriptedExtractor {
    /// How many pages it began to draw.
    pub begun: watch::Sender<usize>,
    /// Whether they stay unfinished.
    pub is_held: watch::Sender<bool>,
}

impl Default for ScriptedExtractor {
    fn default() -> Self {
        Self {
            begun: watch::Sender::new(0),
            is_held: watch::Sender::new(false),
        }
    }
}

#[async_trait]
impl Extractor for ScriptedExtractor {
    async fn detect(&self, file: &Path, filename: &str) -> Result<ContentType, Failure> {
        let bytes = std::fs::read(file).unwrap();
        let found = if bytes.starts_with(b"%PDF") {
            ContentType::PDF
        } else if bytes.starts_with(b"panic") {
            panic!("scripted");
        } else if filename.ends_with(".txt") {
            ContentType::TEXT
        } else {
            let message = format!("`{filename}` is of no type that can be read here");
            return Err(Failure::of_input(ErrorCode::UnsupportedType, message));
        };
        Ok(ContentType::parse(found).unwrap())
    }

    async fn extract(
        &self,
        request: ExtractRequest<'_>,
        progress: &dyn ExtractProgress,
    ) -> Result<ExtractedDocument, Failure> {
        let text = String::from_utf8(std::fs::read(request.file).unwrap()).unwrap();
        if text.starts_with("%PDF-encrypted") {
            let message = format!(
                "`{}` is password protected; give the password with it, or remove it and upload the file again",
                request.filename
            );
            return Err(Failure::of_input(ErrorCode::Encrypted, message));
        }
        let is_pdf = request.content_type.as_str() == ContentType::PDF;
        let pages: Vec<Page> = (1..)
            .zip(text.trim_start_matches("%PDF\n").split('\u{c}'))
            .map(|(number, text)| page(number, text, is_pdf))
            .collect();
        progress.pages(pages.len() as u32, Some(pages.len() as u32));
        Ok(ExtractedDocument {
            content_type: Some(request.content_type.clone()),
            pages,
            ..ExtractedDocument::default()
        })
    }

    async fn render_page(&self, request: RenderRequest<'_>) -> Result<Option<PageImage>, Failure> {
        if request.content_type.as_str() != ContentType::PDF {
            return Ok(None);
        }
        let text = std::fs::read_to_string(request.file).unwrap();
        self.begun.send_modify(|begun| *begun += 1);
        self.is_held
            .subscribe()
            .wait_for(|is_held| !is_held)
            .await
            .unwrap();
        if text.contains("undrawable") {
            return Err(Failure::of_input(ErrorCode::ParserCrashed, "scripted"));
        }
        if text.contains("slow to draw") {
            return Err(Failure::passing(ErrorCode::Timeout, "scripted"));
        }
        Ok(Some(PageImage {
            png: format!("page {} at {}", request.page_number, request.width_pixels).into_bytes(),
            size: PageImage::size_of(595.0, 842.0, request.width_pixels),
        }))
    }
}

fn page(number: u32, source: &str, with_places: bool) -> Page {
    let mut page = Page {
        number,
        ..Page::default()
    };
    if with_places {
        (page.width, page.height) = (Some(595.0), Some(842.0));
    }
    let mut at = 0;
    for (index, block) in source.split("\n\n").enumerate() {
        let (kind, text) = match block.strip_prefix("# ") {
            Some(text) => (BlockKind::Heading { level: 1 }, text),
            None => (BlockKind::Paragraph, block),
        };
        if index > 0 {
            page.text.push_str("\n\n");
            at += 2;
        }
        let start = at;
        for (line_index, line) in text.split('\n').enumerate() {
            if line_index > 0 {
                page.text.push('\n');
                at += 1;
            }
            let chars = line.chars().count() as u32;
            if with_places {
                let y = 72.0 + 14.0 * page.lines.len() as f32;
                let span = CharSpan::new(at, at + chars);
                page.lines.push(LineBox {
                    span,
                    x: 72.0,
                    y,
                    width: 6.0 * chars as f32,
                    height: 12.0,
                });
            }
            page.text.push_str(line);
            at += chars;
        }
        page.blocks.push(Block {
            kind,
            span: CharSpan::new(start, at),
        });
    }
    page
}

/// Texts that share words are near each other: a word is an axis (of 16). As with the built-in model, all texts are rather near: a
/// seventeenth axis is common to all.
pub struct ScriptedEmbedder {
    model: EmbeddingModel,
    /// Whether it is paid for; then a text has ten tokens.
    pub is_billed: AtomicBool,
    /// Texts that it embedded.
    pub texts: AtomicU64,
}

impl Default for ScriptedEmbedder {
    fn default() -> Self {
        Self {
            model: EmbeddingModel {
                // Its cosines are taken for those of the built-in model, which they resemble.
                name: "multilingual-e5-small-scripted".to_owned(),
                dimensions: 17,
            },
            is_billed: AtomicBool::new(false),
            texts: AtomicU64::new(0),
        }
    }
}

#[async_trait]
impl Embedder for ScriptedEmbedder {
    fn model(&self) -> &EmbeddingModel {
        &self.model
    }

    fn billed_as(&self) -> Option<&str> {
        self.is_billed.load(Ordering::SeqCst).then_some(&self.model.name)
    }

    async fn embed(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError> {
        let vectors: Vec<Embedding> = texts.iter().map(embedding).collect();
        self.texts.fetch_add(vectors.len() as u64, Ordering::SeqCst);
        let tokens = Some(10 * vectors.len() as u64);
        Ok(CountedVectors { vectors, tokens })
    }
}

fn embedding(text: &str) -> Embedding {
    let mut values = [0.01_f32; 16];
    for word in text.to_lowercase().split_whitespace() {
        let axis = word.bytes().fold(0_usize, |sum, byte| sum + usize::from(byte)) % 16;
        values[axis] += 1.0;
    }
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    let mut near: Vec<f32> = values.iter().map(|value| value / length).collect();
    near.push(1.0);
    let length = 2.0_f32.sqrt();
    near.iter_mut().for_each(|value| *value /= length);
    Embedding::from_f32(&near)
}

/// A word is a token.
struct Words;

impl Tokenizer for Words {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}
