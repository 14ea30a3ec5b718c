//! The same query over the same documents ranks the same in both shapes (design.md 1): every hit of every question of a real set, in order and
//! with every score, from SQLite and from PostgreSQL. All of it lies within the exact range, so nothing may differ.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ids_blobs::{FolderBlobStore, SigningKey};
use ids_core::chunk::Filter;
use ids_core::document::ContentType;
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::error::{ErrorCode, Failure};
use ids_core::eval::{EvalDocument, EvalProgress, EvalQuery, EvalSet, index_set};
use ids_core::id::OrganizationId;
use ids_core::library::{Library, Ports, Settings};
use ids_core::page::ExtractedDocument;
use ids_core::page_image::PageImage;
use ids_core::ports::{
    CountedError, CountedVectors, EmbedTexts, Embedder, ExtractProgress, ExtractRequest, Extractor,
    RenderRequest,
};
use ids_core::scope::Scope;
use ids_core::search::{SearchMode, SearchReply, SearchRequest};
use ids_embed::{BuiltInEmbedder, Model};
use ids_sqlite::SqliteLibrary;
use ids_testkit::{ManualClock, SequentialIds, Stores, testdata};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// Each text is embedded once for both shapes.
struct Remembering {
    model: Arc<BuiltInEmbedder>,
    passages: Mutex<HashMap<String, Embedding>>,
}

#[async_trait]
impl Embedder for Remembering {
    fn model(&self) -> &EmbeddingModel {
        self.model.model()
    }

    async fn embed(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError> {
        let EmbedTexts::Passages(texts) = texts else {
            return self.model.embed(texts).await;
        };
        let unknown: Vec<String> = {
            let known = self.passages.lock().unwrap();
            texts
                .iter()
                .filter(|text| !known.contains_key(*text))
                .cloned()
                .collect()
        };
        let vectors = self.model.embed_passages(&unknown).await?;
        let mut known = self.passages.lock().unwrap();
        known.extend(unknown.into_iter().zip(vectors));
        let vectors: Vec<Embedding> = texts.iter().map(|text| known[text].clone()).collect();
        Ok(vectors.into())
    }
}

/// A set gives its texts itself: no file is read.
struct NoFiles;

#[async_trait]
impl Extractor for NoFiles {
    async fn detect(&self, _file: &Path, _filename: &str) -> Result<ContentType, Failure> {
        Err(Failure::of_input(ErrorCode::UnsupportedType, "no files here"))
    }

    async fn extract(
        &self,
        _request: ExtractRequest<'_>,
        _progress: &dyn ExtractProgress,
    ) -> Result<ExtractedDocument, Failure> {
        Err(Failure::of_input(ErrorCode::UnsupportedType, "no files here"))
    }

    async fn render_page(&self, _request: RenderRequest<'_>) -> Result<Option<PageImage>, Failure> {
        Ok(None)
    }
}

struct Silent;

impl EvalProgress for Silent {
    fn indexed(&self, _done: usize, _total: usize) {}
    fn asked(&self, _done: usize, _total: usize) {}
    fn answered(&self, _done: usize, _total: usize) {}
}

fn library(
    stores: &Stores,
    embedder: &Arc<Remembering>,
    tokenizer: &Arc<BuiltInEmbedder>,
    folder: &Path,
) -> Library {
    let key = SigningKey::from_bytes([1; 32]);
    let blobs = FolderBlobStore::open(folder, key, stores.clock.clone()).unwrap();
    let ports = Ports {
        documents: stores.documents.clone(),
        chunks: stores.chunks.clone(),
        jobs: stores.jobs.clone(),
        queue: stores.queue.clone(),
        sessions: stores.sessions.clone(),
        ledger: stores.ledger.clone(),
        alarm: None,
        organizations: stores.organizations.clone(),
        cleanups: stores.cleanups.clone(),
        workers: stores.workers.clone(),
        backups: stores.backups.clone(),
        blobs: Arc::new(blobs),
        extractor: Arc::new(NoFiles),
        embedders: embedder.clone().into(),
        tokenizer: tokenizer.clone(),
        chat: None,
        clock: stores.clock.clone(),
        ids: stores.ids.clone(),
    };
    Library::new(ports, Settings::default())
}

fn sqlite(folder: &Path) -> Stores {
    let clock = Arc::new(ManualClock::default());
    let library = SqliteLibrary::open_in(folder, clock.clone()).unwrap();
    Stores {
        documents: Arc::new(library.clone()),
        chunks: Arc::new(library.clone()),
        jobs: Arc::new(library.clone()),
        queue: Arc::new(library.clone()),
        sessions: Arc::new(library.clone()),
        ledger: Arc::new(library.clone()),
        organizations: Arc::new(library.clone()),
        cleanups: Arc::new(library.clone()),
        workers: Arc::new(library.clone()),
        backups: Arc::new(library.clone()),
        archive: Arc::new(library),
        clock,
        ids: Arc::new(SequentialIds::default()),
        keep: Box::new(()),
    }
}

/// The documents of a set, all of them, and every `step`th of its questions.
fn read(folder: &Path, step: usize) -> EvalSet {
    let rows = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let documents = rows("corpus.jsonl");
    let queries = rows("queries.jsonl");
    EvalSet {
        documents: documents
            .iter()
            .map(|row| EvalDocument {
                id: text(row, "_id"),
                title: text(row, "title"),
                text: text(row, "text"),
            })
            .collect(),
        queries: queries
            .iter()
            .step_by(step)
            .map(|row| EvalQuery {
                id: text(row, "_id"),
                text: text(row, "text"),
            })
            .collect(),
        ..EvalSet::default()
    }
}

/// What a caller sees of a reply, ids that belong to one store left out.
fn seen(reply: &SearchReply) -> Vec<(String, u32, u32, u32, u32, String)> {
    let hits = reply.hits.iter().map(|hit| {
        (
            hit.chunk.filename.clone(),
            hit.chunk.chunk_index,
            hit.score.to_bits(),
            hit.similarity_score.to_bits(),
            hit.keyword_score.to_bits(),
            format!("{:?} {}", hit.highlights, hit.chunk.content),
        )
    });
    hits.collect()
}

async fn both_rank_alike(set: &str, step: usize) {
    let Some(folder) = testdata::shared(&format!("eval/{set}")) else {
        return;
    };
    let set = read(&folder, step);
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/e5-small-enpt-q4.bin");
    let model = Model::load(&std::fs::read(assets).unwrap()).unwrap();
    let model = Arc::new(BuiltInEmbedder::new(model, None).unwrap());
    let embedder = Arc::new(Remembering {
        model: Arc::clone(&model),
        passages: Mutex::default(),
    });
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let embedded = library(
        &sqlite(here.path()),
        &embedder,
        &model,
        &here.path().join("blobs"),
    );
    let server_stores = crate::stores().await;
    let server = library(&server_stores, &embedder, &model, &there.path().join("blobs"));
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let stop = CancellationToken::new();
    let mut first_documents = Vec::new();
    for shape in [&embedded, &server] {
        let names = index_set(shape, &scope, &set, SearchMode::Hybrid, &Silent, &stop)
            .await
            .unwrap();
        assert_eq!(names.len(), set.documents.len());
        let mut ids: Vec<_> = names.into_iter().collect();
        ids.sort_by(|one, other| one.1.cmp(&other.1));
        first_documents.push(ids.into_iter().take(40).map(|(id, _)| id).collect::<Vec<_>>());
    }

    let mut compared = 0;
    for (number, query) in set.queries.iter().enumerate() {
        for mode in [SearchMode::Hybrid, SearchMode::Keyword, SearchMode::Semantic] {
            // Every tenth question also looks into a few documents only: filters must not change the rule.
            let filtered: &[bool] = if number % 10 == 0 {
                &[false, true]
            } else {
                &[false]
            };
            for &is_filtered in filtered {
                let mut replies = Vec::new();
                for (shape, documents) in [&embedded, &server].into_iter().zip(&first_documents) {
                    let filter = Filter {
                        document_ids: if is_filtered {
                            documents.clone()
                        } else {
                            Vec::new()
                        },
                        ..Filter::default()
                    };
                    let request = SearchRequest {
                        mode,
                        filter,
                        limit: 100,
                        ..SearchRequest::new(query.text.clone())
                    };
                    replies.push(shape.search(&scope, &request).await.unwrap());
                }
                let (one, other) = (seen(&replies[0]), seen(&replies[1]));
                assert_eq!(one, other, "{mode:?} of `{}`", query.text);
                assert_eq!(replies[0].chunks_searched, replies[1].chunks_searched);
                compared += one.len();
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn portuguese_questions_rank_the_same_in_both_shapes() {
    both_rank_alike("faquad", 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn english_questions_rank_the_same_in_both_shapes() {
    both_rank_alike("xquad-en", 6).await;
}
