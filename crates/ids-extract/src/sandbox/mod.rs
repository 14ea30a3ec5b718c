//! The sandbox: a short-lived child of the same program reads the foreign bytes, this process only reads its answer.

mod admit;
mod child;
mod confine;
mod filter;
mod gathered;
mod handover;
mod layers;
mod picture;
mod process;
mod recognize;
mod recognizer;
mod scanned;
mod tesseract;
mod unlock;
mod validate;
mod wire;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use ids_core::document::ContentType;
use ids_core::error::Failure;
use ids_core::page::ExtractedDocument;
use ids_core::page_image::PageImage;
use ids_core::ports::{
    ExtractProgress, ExtractRequest, Extractor, MemberSink, RenderRequest, UnlockRequest, UnlockedBytes,
};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

pub use self::child::{child_main, child_main_with};
pub use self::confine::{Layers, landlock_is_available};
use self::layers::Report;
use self::picture::Picture;
pub(crate) use self::process::Answer;
use self::process::Work;
use self::recognize::Recognizer;
pub use self::recognize::{OcrConfig, OcrLimits, OcrSource};
pub use self::recognizer::ocr_main;
pub use self::tesseract::{NoTesseract, Tesseract};
pub(crate) use self::validate::Assembly;
pub(crate) use self::wire::Frame;
use self::wire::Task;
use crate::detect;
use crate::words;

/// Children that open files with passwords at the same time: each may hold a file twice.
static UNLOCKING: Semaphore = Semaphore::const_new(2);
/// What an OLE file that holds an encrypted package is called between the two processes.
const ENCRYPTED_OFFICE: &str = "application/x-ole-storage";

/// How the program starts its child.
#[derive(Debug, Clone)]
pub struct ChildCommand {
    /// The program; an absolute path, since the child starts in `/`.
    pub program: PathBuf,
    /// What stands before the request: the hidden subcommand.
    pub args: Vec<String>,
}

impl ChildCommand {
    /// The running program with its hidden subcommand `__extract`, which must call [`child_main`].
    ///
    /// # Errors
    /// When the system does not tell which program is running.
    pub fn current_exe() -> io::Result<Self> {
        // Not `current_exe`'s path: after an upgrade in place that names another program, or none.
        let program = PathBuf::from("/proc/self/exe");
        let program = if program.exists() {
            program
        } else {
            std::env::current_exe()?
        };
        Ok(Self {
            program,
            args: vec!["__extract".to_owned()],
        })
    }
}

/// What one document may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildLimits {
    /// Address space in bytes: what is mapped, not what is used; 1.5 GiB.
    pub address_space_bytes: u64,
    /// Time of the clock, for a small file; two minutes. Computing time has the same limit.
    pub timeout: Duration,
    /// Time of the clock on top of that for each mebibyte; 2 s.
    pub timeout_per_mebibyte: Duration,
    /// Time of the clock for drawing one page; 20 s, since somebody waits for it.
    pub draw_timeout: Duration,
    /// Computing time for drawing one page; 10 s: less, so that a page that computes without end, which is not to be tried
    /// again, is told from a busy machine.
    pub draw_computing: Duration,
    /// Bytes of the answer; 512 MiB: 50,000 dense pages with the places of their lines take half of that.
    pub output_bytes: u64,
}

impl Default for ChildLimits {
    fn default() -> Self {
        Self {
            address_space_bytes: 1_536 * 1_024 * 1_024,
            timeout: Duration::from_secs(120),
            timeout_per_mebibyte: Duration::from_secs(2),
            draw_timeout: Duration::from_secs(20),
            draw_computing: Duration::from_secs(10),
            output_bytes: 512 * 1_024 * 1_024,
        }
    }
}

impl ChildLimits {
    /// The time for a file of so many bytes.
    pub fn timeout_for(&self, size_bytes: u64) -> Duration {
        let mebibytes = u32::try_from(size_bytes / (1_024 * 1_024)).unwrap_or(u32::MAX);
        self.timeout
            .saturating_add(self.timeout_per_mebibyte.saturating_mul(mebibytes))
    }
}

/// Where things are, and how much they may take.
#[derive(Debug, Clone)]
pub struct ExtractorConfig {
    /// The PDF engine's library, an absolute path: see [`find_pdfium`].
    pub pdfium: PathBuf,
    /// The child.
    pub child: ChildCommand,
    /// Its limits.
    pub limits: ChildLimits,
    /// Who says how pages without text are read; `None` where they are not.
    pub ocr: Option<OcrSource>,
}

/// Where `libpdfium.so` is for a program at `program`: beside it, else in `../lib/ids/`. `None` where it is neither.
pub fn find_pdfium(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?;
    let places = [
        folder.join("libpdfium.so"),
        folder.join("../lib/ids/libpdfium.so"),
    ];
    places.into_iter().find(|place| place.is_file())
}

/// An [`Extractor`] that gives each document a child of its own.
///
/// Clause (4), no child outlives its caller, holds three times: a dropped future kills its child; a child ends when
/// nobody reads its answer; and it has a limit of computing time.
#[derive(Debug, Clone)]
pub struct SandboxedExtractor {
    config: ExtractorConfig,
    /// Set once a page needed it; `None` in it where nothing can be read.
    recognizer: Arc<OnceLock<Option<Recognizer>>>,
}

impl SandboxedExtractor {
    /// An extractor; nothing is started yet.
    pub fn new(config: ExtractorConfig) -> Self {
        Self {
            config,
            recognizer: Arc::default(),
        }
    }

    /// What reads pages without text, looked up the first time.
    async fn recognizer(&self) -> Option<Recognizer> {
        let source = self.config.ocr.clone()?;
        let found = Arc::clone(&self.recognizer);
        let looking = spawn_blocking(move || {
            let found = found.get_or_init(|| source.look_up().map(Recognizer::new));
            found.clone()
        });
        looking.await.ok().flatten()
    }

    /// What a child takes from itself on this machine, as told by one that did.
    ///
    /// # Errors
    /// When no child can be started.
    pub async fn layers(&self) -> Result<Layers, Failure> {
        let nothing = ContentType::parse(ContentType::TEXT).ok_or_else(|| words::unreadable("/dev/null"))?;
        let work = Work {
            task: Task::Report,
            file: Path::new("/dev/null"),
            filename: "/dev/null",
            content_type: &nothing,
            password: None,
        };
        process::run(&self.config, &work, Report::default(), &|_| (), None).await
    }

    async fn read(
        &self,
        task: Task,
        request: ExtractRequest<'_>,
        progress: &dyn ExtractProgress,
        members: Option<&mut dyn MemberSink>,
    ) -> Result<ExtractedDocument, Failure> {
        if !request.content_type.is_read() {
            let what = format!("a file of type `{}`", request.content_type);
            return Err(words::unsupported(request.filename, &what));
        }
        let work = Work {
            task,
            file: request.file,
            filename: request.filename,
            content_type: request.content_type,
            password: None,
        };
        let report = |assembly: &Assembly| {
            let (done, total) = assembly.progress();
            progress.pages(done, total);
        };
        let assembly = Assembly::of(task);
        let mut gathered = process::run(&self.config, &work, assembly, &report, members).await?;
        if !gathered.needs_ocr.is_empty()
            && let Some(recognizer) = self.recognizer().await
        {
            recognizer
                .read(&self.config, request, &mut gathered, progress)
                .await;
        }
        // Over all pages at once: off the runtime.
        let finished = spawn_blocking(move || gathered.finish()).await;
        let mut document = finished.map_err(|_| words::crashed(request.filename))?;
        document.content_type = Some(request.content_type.clone());
        Ok(document)
    }
}

#[async_trait]
impl Extractor for SandboxedExtractor {
    async fn detect(&self, file: &Path, filename: &str) -> Result<ContentType, Failure> {
        let (file, name) = (file.to_owned(), filename.to_owned());
        let detected = spawn_blocking(move || {
            let mut file = std::fs::File::open(file).map_err(|_| words::unreadable(&name))?;
            detect::detect(&mut file, &name)
        });
        detected
            .await
            .unwrap_or_else(|_| Err(words::unreadable(filename)))
    }

    async fn extract(
        &self,
        request: ExtractRequest<'_>,
        progress: &dyn ExtractProgress,
    ) -> Result<ExtractedDocument, Failure> {
        self.read(Task::Extract, request, progress, None).await
    }

    async fn extract_with_members(
        &self,
        request: ExtractRequest<'_>,
        progress: &dyn ExtractProgress,
        members: &mut dyn MemberSink,
    ) -> Result<ExtractedDocument, Failure> {
        self.read(Task::Unpack, request, progress, Some(members)).await
    }

    async fn render_page(&self, request: RenderRequest<'_>) -> Result<Option<PageImage>, Failure> {
        if !has_look(request.content_type) {
            return Ok(None);
        }
        let work = Work {
            task: Task::Draw {
                page_number: request.page_number,
                width_pixels: request.width_pixels,
            },
            file: request.file,
            filename: request.filename,
            content_type: request.content_type,
            password: None,
        };
        process::run(&self.config, &work, Picture::default(), &|_| (), None).await
    }

    async fn unlock(&self, request: UnlockRequest<'_>) -> Result<Option<Box<dyn UnlockedBytes>>, Failure> {
        // What is refused for want of a permit could be refused for ever; waiting is bounded by the two before.
        let _permit = UNLOCKING.acquire().await;
        let unreadable = |_| words::unreadable(request.filename);
        let copy = spawn_blocking(unlock::Copy::new)
            .await
            .map_err(|_| words::unreadable(request.filename))?;
        let office = ContentType::parse(ENCRYPTED_OFFICE);
        let content_type = request.content_type.or(office.as_ref());
        let work = Work {
            task: Task::Unlock,
            file: request.file,
            filename: request.filename,
            content_type: content_type.ok_or_else(|| words::encrypted(request.filename, true))?,
            password: Some(request.password),
        };
        let file = process::run(&self.config, &work, copy.map_err(unreadable)?, &|_| (), None).await?;
        Ok(file.map(|file| {
            let filename = request.filename.to_owned();
            Box::new(unlock::Pieces { file, filename }) as Box<dyn UnlockedBytes>
        }))
    }
}

/// Whether pages of a type look like something: the others are text that any screen lays out anew.
fn has_look(content_type: &ContentType) -> bool {
    matches!(
        content_type.as_str(),
        ContentType::PDF | ContentType::PNG | ContentType::JPEG | ContentType::TIFF | ContentType::WEBP
    )
}
