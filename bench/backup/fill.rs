//! Puts the same library into either store.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use ids_blobs::FolderBlobStore;
use ids_core::document::{Acceptance, AcceptedAs, BlobKey, ContentType, DocumentDetails};
use ids_core::embedding::Embedding;
use ids_core::id::{DocumentId, JobId, OrganizationId, VersionId};
use ids_core::ingest::{ChunkSettings, chunk_pages};
use ids_core::page::{Block, BlockKind, ExtractedDocument, Page};
use ids_core::ports::{BlobStore, ChunkIndex, Clock, DocumentStore, Embedder, JobStore};
use ids_core::scope::{CollectionName, Scope};
use ids_core::span::CharSpan;
use ids_core::time::Timestamp;
use ids_embed::{BuiltInEmbedder, Model};
use uuid::Uuid;

use crate::sentences;

/// Sentences of a document: about five chunks.
const SENTENCES: usize = 20;

/// The clock of the operating system.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the adapter of a measuring program")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(since.as_micros() as i64)
    }
}

/// A small generator of random numbers (xorshift64*), so that every run makes the same library.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

/// What documents are made of.
pub struct Filler {
    sentences: Vec<String>,
    embedder: BuiltInEmbedder,
    documents: usize,
    original_bytes: usize,
}

impl Filler {
    /// Reads the sentences, and the model for its tokenizer; to be run in the repository's root.
    pub fn new(eval: &Path, documents: usize, original_kb: usize) -> Result<Self> {
        let model =
            std::fs::read("assets/e5-small-enpt-q4.bin").context("run it in the repository's root")?;
        Ok(Self {
            sentences: sentences::read(eval)?.0,
            embedder: BuiltInEmbedder::new(Model::load(&model)?, None)?,
            documents,
            original_bytes: original_kb * 1_024,
        })
    }

    /// Fills an empty store.
    pub async fn fill<S: DocumentStore + ChunkIndex + JobStore>(
        &self,
        store: &S,
        blobs: &FolderBlobStore,
    ) -> Result<()> {
        let mut random = Random(20_261_125);
        for number in 0..self.documents {
            self.add(store, blobs, number, &mut random).await?;
            if number % 500 == 499 {
                eprintln!("{} of {} documents", number + 1, self.documents);
            }
        }
        Ok(())
    }

    async fn add<S: DocumentStore + ChunkIndex + JobStore>(
        &self,
        store: &S,
        blobs: &FolderBlobStore,
        number: usize,
        random: &mut Random,
    ) -> Result<()> {
        let scope = Scope::organization(OrganizationId::DEFAULT);
        let id = |kind: u128| Uuid::from_u128((kind << 64) + number as u128 + 1);
        let version_id = VersionId::from_uuid(id(2));
        let original = BlobKey(format!("originals/{}/{version_id}", OrganizationId::DEFAULT));
        let bytes: Vec<u8> = (0..self.original_bytes / 8)
            .flat_map(|_| random.next().to_le_bytes())
            .collect();
        let mut writer = blobs.create(&original).await?;
        writer.write(&bytes).await?;
        let written = writer.commit().await?;
        let title = format!("Documento {number}");
        let acceptance = Acceptance {
            document_id: DocumentId::from_uuid(id(1)),
            accepted_as: AcceptedAs::NewDocument {
                details: DocumentDetails {
                    title: Some(title.clone()),
                    description: None,
                    tags: Vec::new(),
                    collection: CollectionName::default(),
                    filename: format!("{number}.txt"),
                },
                source: None,
            },
            version_id,
            job_id: JobId::from_uuid(id(3)),
            blob: BlobKey(format!("temp/{number}")),
            content_type: ContentType::parse(ContentType::TEXT).context("a type")?,
            file_size: written.size,
            file_hash: written.hash,
            kept_hash: None,
        };
        let accepted = store.accept(&scope, &acceptance).await?;
        let claimed = store.claim(&accepted.job, "bench").await?;
        let lease = claimed.context("claimed")?.lease;
        let extracted = self.page(random);
        store.save_extraction(&lease, &extracted, written.hash).await?;
        let settings = ChunkSettings {
            size: 128,
            overlap: 32,
        };
        let chunks = chunk_pages(&extracted.pages, &title, settings, &self.embedder).await;
        store.replace(&lease, &chunks).await?;
        let embeddings: Vec<(u32, Embedding)> = chunks
            .iter()
            .map(|chunk| (chunk.chunk_index, vector(random)))
            .collect();
        store
            .store_embeddings(&lease, self.embedder.model(), &embeddings)
            .await?;
        store.complete(&lease, Some(&original)).await?;
        Ok(())
    }

    fn page(&self, random: &mut Random) -> ExtractedDocument {
        let mut text = String::new();
        for _ in 0..SENTENCES {
            text.push_str(&self.sentences[(random.next() % self.sentences.len() as u64) as usize]);
            text.push(' ');
        }
        let end = text.chars().count() as u32;
        let page = Page {
            number: 1,
            blocks: vec![Block {
                kind: BlockKind::Paragraph,
                span: CharSpan::new(0, end),
            }],
            text,
            ..Page::default()
        };
        ExtractedDocument {
            pages: vec![page],
            ..ExtractedDocument::default()
        }
    }
}

fn vector(random: &mut Random) -> Embedding {
    let values: Vec<f32> = (0..384)
        .map(|_| (random.next() >> 40) as f32 / (1u64 << 24) as f32 - 0.5)
        .collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    Embedding::from_f32(&values.iter().map(|value| value / length).collect::<Vec<_>>())
}
