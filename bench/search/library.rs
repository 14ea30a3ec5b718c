//! A library of many chunks: text recombined from real sentences, vectors real for the first ones and real with seeded
//! noise beyond.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use ids_blobs::{FolderBlobStore, SigningKey};
use ids_core::document::{Acceptance, AcceptedAs, BlobKey, ContentHash, ContentType, DocumentDetails};
use ids_core::embedding::Embedding;
use ids_core::id::{DocumentId, JobId, OrganizationId, VersionId};
use ids_core::ingest::{ChunkSettings, chunk_pages, passage_text};
use ids_core::library::{Library, Ports, Settings};
use ids_core::page::{Block, BlockKind, ExtractedDocument, Page};
use ids_core::ports::{
    BackupRegistry, ChunkIndex, CleanupStore, Clock, DocumentStore, Embedder, Ids, JobQueue, JobStore,
    OrganizationStore, SessionStore, UsageLedger, WorkerRegistry,
};
use ids_core::scope::{CollectionName, Scope};
use ids_core::span::CharSpan;
use ids_core::time::Timestamp;
use ids_embed::{BuiltInEmbedder, Model};
use ids_extract::{ChildCommand, ChildLimits, ExtractorConfig, SandboxedExtractor};
use ids_sqlite::SqliteLibrary;
use uuid::Uuid;

/// Chunks of one document.
const CHUNKS_PER_DOCUMENT: usize = 500;
/// Vectors up to this many are computed from their texts.
pub const REAL_VECTORS: usize = 20_000;
/// Length of the noise added to a real vector, relative to the vector.
const NOISE: f32 = 0.25;

/// The clock of the operating system.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the adapter of a measuring program")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(since.as_micros() as i64)
    }
}

struct CountedIds(AtomicU64);

impl Ids for CountedIds {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 10)
    }

    fn secret(&self) -> [u8; 32] {
        // No key is made here.
        [0; 32]
    }
}

/// A small generator of random numbers (xorshift64*), so that every run makes the same library.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// About normal: the sum of twelve evenly spread numbers.
    fn normal(&mut self) -> f32 {
        (0..12)
            .map(|_| (self.next() >> 40) as f32 / (1u64 << 24) as f32)
            .sum::<f32>()
            - 6.0
    }
}

pub struct Built {
    pub library: Library,
    pub store: SqliteLibrary,
    pub vectors: Vec<Vec<f32>>,
    pub chunks: usize,
}

/// An empty library with the built-in model.
pub struct Opened {
    pub library: Library,
    pub store: SqliteLibrary,
    pub embedder: Arc<BuiltInEmbedder>,
}

/// What keeps a library, of either shape.
pub trait Store:
    DocumentStore
    + ChunkIndex
    + JobStore
    + JobQueue
    + SessionStore
    + UsageLedger
    + OrganizationStore
    + CleanupStore
    + WorkerRegistry
    + BackupRegistry
    + Clone
    + 'static
{
}

impl<T> Store for T where
    T: DocumentStore
        + ChunkIndex
        + JobStore
        + JobQueue
        + SessionStore
        + UsageLedger
        + OrganizationStore
        + CleanupStore
        + WorkerRegistry
        + BackupRegistry
        + Clone
        + 'static
{
}

/// Opens a library in `folder`; to be run in the repository's root.
pub fn open(folder: &Path) -> Result<Opened> {
    let store = SqliteLibrary::open_in(folder, Arc::new(SystemClock))?;
    let embedder = load_embedder()?;
    Ok(Opened {
        library: library_over(&store, folder, &embedder)?,
        store,
        embedder,
    })
}

/// The built-in model.
pub fn load_embedder() -> Result<Arc<BuiltInEmbedder>> {
    let model =
        Model::load(&fs::read("assets/e5-small-enpt-q4.bin").context("run it in the repository's root")?)?;
    Ok(Arc::new(BuiltInEmbedder::new(model, None)?))
}

/// The library whose rows are in `store`; its bytes, of which none are needed here, lie in `folder`.
pub fn library_over<S: Store>(store: &S, folder: &Path, embedder: &Arc<BuiltInEmbedder>) -> Result<Library> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let blobs = FolderBlobStore::open(
        &folder.join("blobs"),
        SigningKey::load_or_create(&folder.join("key"))?,
        Arc::clone(&clock),
    )?;
    let extractor = SandboxedExtractor::new(ExtractorConfig {
        pdfium: "assets/libpdfium.so".into(),
        child: ChildCommand::current_exe()?,
        limits: ChildLimits::default(),
        ocr: None,
    });
    let all = Arc::new(store.clone());
    let ports = Ports {
        documents: all.clone(),
        chunks: all.clone(),
        jobs: all.clone(),
        queue: all.clone(),
        sessions: all.clone(),
        ledger: all.clone(),
        alarm: None,
        organizations: all.clone(),
        cleanups: all.clone(),
        backups: all.clone(),
        workers: all,
        chat: None,
        blobs: Arc::new(blobs),
        extractor: Arc::new(extractor),
        tokenizer: Arc::clone(embedder) as _,
        embedders: Arc::clone(embedder).into(),
        clock,
        ids: Arc::new(CountedIds(AtomicU64::new(1))),
    };
    Ok(Library::new(ports, Settings::default()))
}

/// Builds a library of `wanted` chunks in `folder`. Real vectors are kept in `cache` for the next run.
pub async fn build(folder: &Path, cache: &Path, sentences: &[String], wanted: usize) -> Result<Built> {
    let Opened {
        library,
        store,
        embedder,
    } = open(folder)?;
    let vectors = fill(&store, &embedder, cache, sentences, wanted, async || Ok(())).await?;
    let chunks = vectors.len();
    Ok(Built {
        library,
        store,
        vectors,
        chunks,
    })
}

/// Puts `wanted` chunks into an empty store, the same into every one, and gives their vectors. After the first document,
/// when the store knows the model, it calls `after_first`.
pub async fn fill<S: Store>(
    store: &S,
    embedder: &BuiltInEmbedder,
    cache: &Path,
    sentences: &[String],
    wanted: usize,
    after_first: impl AsyncFnOnce() -> Result<()>,
) -> Result<Vec<Vec<f32>>> {
    let mut after_first = Some(after_first);
    let mut random = Random::new(20_261_123);
    let mut made = Vectors::load(cache)?;
    let mut vectors: Vec<Vec<f32>> = Vec::with_capacity(wanted);
    let mut number = 0;
    while vectors.len() < wanted {
        let text = document_text(sentences, &mut random);
        let added = add_document(store, embedder, &text, number, wanted, &mut vectors, &mut made).await?;
        ensure!(added > 0, "a document without chunks");
        number += 1;
        if let Some(after_first) = after_first.take() {
            after_first().await?;
        }
        if number % 10 == 0 {
            eprintln!("{} of {wanted} chunks", vectors.len());
        }
    }
    made.save(cache)?;
    Ok(vectors)
}

/// Sentences drawn at random, five to a paragraph, until about [`CHUNKS_PER_DOCUMENT`] chunks.
fn document_text(sentences: &[String], random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..CHUNKS_PER_DOCUMENT {
        for _ in 0..4 {
            text.push_str(&sentences[random.below(sentences.len())]);
            text.push(' ');
        }
        text.push_str("\n\n");
    }
    text
}

async fn add_document<S: Store>(
    store: &S,
    embedder: &BuiltInEmbedder,
    text: &str,
    number: usize,
    wanted: usize,
    vectors: &mut Vec<Vec<f32>>,
    made: &mut Vectors,
) -> Result<usize> {
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let id = |kind: u128| Uuid::from_u128((kind << 64) + number as u128 + 1);
    let mut hash = [0u8; 32];
    hash[..8].copy_from_slice(&(number as u64 + 1).to_be_bytes());
    let hash = ContentHash::from_bytes(hash);
    let acceptance = Acceptance {
        document_id: DocumentId::from_uuid(id(1)),
        accepted_as: AcceptedAs::NewDocument {
            details: DocumentDetails {
                title: Some(format!("Documento {number}")),
                description: None,
                tags: Vec::new(),
                collection: CollectionName::default(),
                filename: format!("{number}.txt"),
            },
            source: None,
        },
        version_id: VersionId::from_uuid(id(2)),
        job_id: JobId::from_uuid(id(3)),
        blob: BlobKey(format!("temp/{number}")),
        content_type: ContentType::parse(ContentType::TEXT).context("a type")?,
        file_size: text.len() as u64,
        file_hash: hash,
        kept_hash: None,
    };
    let accepted = store.accept(&scope, &acceptance).await?;
    let lease = store
        .claim(&accepted.job, "bench")
        .await?
        .context("claimed")?
        .lease;
    let mut blocks = Vec::new();
    let mut at = 0;
    for paragraph in text.split("\n\n") {
        let end = at + paragraph.chars().count() as u32;
        if !paragraph.trim().is_empty() {
            blocks.push(Block {
                kind: BlockKind::Paragraph,
                span: CharSpan::new(at, end),
            });
        }
        at = end + 2;
    }
    let page = Page {
        number: 1,
        text: text.to_owned(),
        blocks,
        ..Page::default()
    };
    let extracted = ExtractedDocument {
        pages: vec![page],
        ..ExtractedDocument::default()
    };
    store.save_extraction(&lease, &extracted, hash).await?;
    let title = format!("Documento {number}");
    let mut chunks = chunk_pages(
        &extracted.pages,
        &title,
        ChunkSettings {
            size: 128,
            overlap: 32,
        },
        embedder,
    )
    .await;
    chunks.truncate(wanted - vectors.len());
    store.replace(&lease, &chunks).await?;
    let first = vectors.len();
    let texts: Vec<String> = chunks
        .iter()
        .map(|chunk| passage_text(&title, chunk.heading.as_deref(), &chunk.content))
        .collect();
    made.extend(first, &texts, embedder).await?;
    let mut random = Random::new(first as u64 + 7);
    let mut embeddings = Vec::with_capacity(chunks.len());
    for chunk in &chunks {
        let vector = made.vector(vectors.len(), &mut random);
        let embedding = Embedding::from_f32(&vector);
        vectors.push(embedding.to_f32());
        embeddings.push((chunk.chunk_index, embedding));
    }
    store
        .store_embeddings(&lease, embedder.model(), &embeddings)
        .await?;
    store.complete(&lease, None).await?;
    Ok(chunks.len())
}

/// Real vectors, kept between runs.
struct Vectors {
    real: Vec<Vec<f32>>,
}

impl Vectors {
    fn load(cache: &Path) -> Result<Self> {
        let Ok(bytes) = fs::read(cache) else {
            return Ok(Self { real: Vec::new() });
        };
        let real = bytes
            .chunks_exact(384 * 4)
            .map(|row| {
                row.as_chunks::<4>()
                    .0
                    .iter()
                    .map(|value| f32::from_le_bytes(*value))
                    .collect()
            })
            .collect();
        Ok(Self { real })
    }

    fn save(&self, cache: &Path) -> Result<()> {
        if let Some(folder) = cache.parent() {
            fs::create_dir_all(folder)?;
        }
        let bytes: Vec<u8> = self
            .real
            .iter()
            .flatten()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        Ok(fs::write(cache, bytes)?)
    }

    async fn extend(&mut self, first: usize, texts: &[String], embedder: &BuiltInEmbedder) -> Result<()> {
        let known = self.real.len().saturating_sub(first).min(texts.len());
        let missing: Vec<String> = texts[known..]
            .iter()
            .take(REAL_VECTORS.saturating_sub(self.real.len()))
            .cloned()
            .collect();
        for batch in missing.chunks(64) {
            let embedded = embedder.embed_passages(batch).await?;
            self.real.extend(embedded.iter().map(Embedding::to_f32));
        }
        Ok(())
    }

    /// The real vector of that place, or a real one with noise, of length 1.
    fn vector(&self, place: usize, random: &mut Random) -> Vec<f32> {
        if let Some(real) = self.real.get(place) {
            return real.clone();
        }
        let mut vector = self.real[random.below(self.real.len())].clone();
        let scale = NOISE / (vector.len() as f32).sqrt();
        for value in &mut vector {
            *value += scale * random.normal();
        }
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|value| *value /= length);
        vector
    }
}
