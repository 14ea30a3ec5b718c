//! Moving a library between SQLite and PostgreSQL, in process: with stores that a test can look into and stop.
//!
//! 1. What went there and back is what it was: hashes, counts, hits and their scores, citations that lead to their chunk.
//! 2. A move that was dropped goes on, and in the same order.
//! 3. What differs at the target stops a move, or is replaced when that was agreed to.
//! 4. What is not finished, or not of the source, is named before anything is written.
//! 5. Bytes that are missing or not those that were accepted are named.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use ids_blobs::{FolderBlobStore, SigningKey, StoreToStore};
use ids_core::document::{BlobKey, ContentType, DocumentChange};
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::error::{ErrorCode, Failure};
use ids_core::id::{ChunkId, DocumentId, OrganizationId};
use ids_core::library::{Library, Ports, Settings};
use ids_core::moving::{
    DocumentRecord, End, Move, MoveError, MoveProgress, MoveStep, Moved, OnDifference, Plan, Verified,
};
use ids_core::page::ExtractedDocument;
use ids_core::page_image::PageImage;
use ids_core::ports::{
    BackupRegistry, BlobStore, ChunkIndex, CleanupStore, Clock, CountedError, CountedVectors, DocumentStore,
    EmbedTexts, Embedder, ExtractProgress, ExtractRequest, Extractor, JobQueue, JobStore, LibraryArchive,
    OrganizationStore, RenderRequest, SessionStore, Tokenizer, UsageLedger, WorkerRegistry,
};
use ids_core::scope::Scope;
use ids_core::search::SearchRequest;
use ids_postgres::{PostgresConfig, PostgresLibrary, Secret, SslMode};
use ids_sqlite::SqliteLibrary;
use ids_testkit::records::{document, full_document, key, session};
use ids_testkit::services::{postgres, unique_name};
use ids_testkit::stores::{Stores, direction, hash_of, model};
use ids_testkit::{ManualClock, SequentialIds};

/// One library with its bytes.
struct Side {
    end: End,
    library: Library,
    blobs: Arc<dyn BlobStore>,
    scope: Scope,
    /// To be removed at the end, where it is of the shared server.
    schema: Option<PostgresConfig>,
    _folder: tempfile::TempDir,
}

impl Side {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let store = SqliteLibrary::open_in(folder.path(), Arc::clone(&clock)).unwrap();
        Self::over(store, clock, folder, OrganizationId::DEFAULT, None)
    }

    async fn postgres() -> Self {
        let server = postgres();
        let config = PostgresConfig {
            port: server.port,
            password: Some(Secret::new(server.password.as_str())),
            ssl_mode: SslMode::Disable,
            schema: Some(unique_name("t_")),
            ..PostgresConfig::new(&server.host, &server.user, &server.database)
        };
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let store = PostgresLibrary::open(&config, Arc::clone(&clock)).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        // Another organization than the embedded one: keys of bytes name theirs.
        let organization = Stores::other_scope().organization;
        let name = ids_core::access::OrganizationName::parse("Câmara").unwrap();
        store.create_organization(organization, &name).await.unwrap();
        Self::over(store, clock, folder, organization, Some(config))
    }

    fn over<S>(
        store: S,
        clock: Arc<dyn Clock>,
        folder: tempfile::TempDir,
        organization: OrganizationId,
        schema: Option<PostgresConfig>,
    ) -> Self
    where
        S: LibraryArchive + DocumentStore + ChunkIndex + JobStore + JobQueue + SessionStore,
        S: OrganizationStore + CleanupStore + WorkerRegistry + BackupRegistry + UsageLedger + 'static,
    {
        let store = Arc::new(store);
        let signing = SigningKey::from_bytes([7; 32]);
        let blobs: Arc<dyn BlobStore> = Arc::new(
            FolderBlobStore::open(&folder.path().join("blobs"), signing, Arc::clone(&clock)).unwrap(),
        );
        let ports = Ports {
            documents: Arc::clone(&store) as _,
            chunks: Arc::clone(&store) as _,
            jobs: Arc::clone(&store) as _,
            queue: Arc::clone(&store) as _,
            sessions: Arc::clone(&store) as _,
            ledger: Arc::clone(&store) as _,
            alarm: None,
            organizations: Arc::clone(&store) as _,
            cleanups: Arc::clone(&store) as _,
            workers: Arc::clone(&store) as _,
            backups: Arc::clone(&store) as _,
            blobs: Arc::clone(&blobs),
            extractor: Arc::new(Unused),
            embedders: Arc::new(ByLength(model())).into(),
            tokenizer: Arc::new(Unused),
            chat: None,
            clock,
            ids: Arc::new(SequentialIds::default()),
        };
        Self {
            end: End {
                archive: Arc::clone(&store) as _,
                ledger: Arc::clone(&store) as _,
                documents: store,
                organization,
            },
            library: Library::new(ports, Settings::default()),
            blobs,
            scope: Scope::organization(organization),
            schema,
            _folder: folder,
        }
    }

    fn moving_to(&self, target: &Self) -> Move {
        Move {
            from: self.end.clone(),
            to: target.end.clone(),
            bytes: Arc::new(StoreToStore {
                source: Arc::clone(&self.blobs),
                target: Arc::clone(&target.blobs),
            }),
        }
    }

    async fn move_to(&self, target: &Self) -> (Moved, Verified) {
        let the_move = self.moving_to(target);
        let plan = the_move.plan().await.unwrap();
        run(&the_move, &plan, OnDifference::Stop).await.unwrap()
    }

    async fn put(&self, record: &DocumentRecord) -> Vec<Option<ChunkId>> {
        for version in &record.versions {
            if let Some(key) = &version.blob {
                self.put_blob(key, version.version_id.to_string().as_bytes())
                    .await;
            }
        }
        self.end.archive.put_document(&self.scope, record).await.unwrap()
    }

    async fn put_blob(&self, key: &BlobKey, bytes: &[u8]) {
        let mut writer = self.blobs.create(key).await.unwrap();
        writer.write(bytes).await.unwrap();
        writer.commit().await.unwrap();
    }

    async fn order(&self) -> Vec<DocumentId> {
        let listed = self.end.archive.list_stored(&self.scope).await.unwrap();
        listed.into_iter().map(|it| it.document_id).collect()
    }

    /// What a search shows, without what is the store's own.
    async fn hits(&self, query: &str) -> Vec<(DocumentId, u32, String)> {
        let request = SearchRequest {
            limit: 50,
            ..SearchRequest::new(query)
        };
        let reply = self.library.search(&self.scope, &request).await.unwrap();
        let shown = reply.hits.into_iter().map(|hit| {
            let scores = format!(
                "{:?} {:?} {:?}",
                hit.score, hit.similarity_score, hit.keyword_score
            );
            (hit.chunk.document_id, hit.chunk.chunk_index, scores)
        });
        shown.collect()
    }

    async fn remove(self) {
        if let Some(config) = &self.schema {
            PostgresLibrary::remove_schema(config).await.unwrap();
        }
    }
}

async fn run(
    the_move: &Move,
    plan: &Plan,
    on_difference: OnDifference,
) -> Result<(Moved, Verified), MoveError> {
    the_move.run(plan, on_difference, &mut |_| ()).await
}

/// Some documents that share words, some of equal vectors, a conversation that cites one of them, and a key.
async fn fill(side: &Side, ids: &SequentialIds) -> DocumentRecord {
    let texts = [
        "contrato de obras",
        "obras públicas",
        "edital de obras e contrato",
        "ata",
        "lei do contrato",
    ];
    for (number, text) in (0..25).zip(texts.iter().cycle()) {
        let more = format!("{text} número {number}");
        let mut record = document(ids, side.end.organization, &[text, &more, "água"]);
        index(&mut record);
        side.put(&record).await;
    }
    let mut cited = full_document(ids, side.end.organization);
    index(&mut cited);
    let firsts = side.put(&cited).await;
    let record = session(ids, cited.document.document_id, ChunkId(firsts[0].unwrap().0 + 1));
    side.end.archive.put_session(&side.scope, &record).await.unwrap();
    // The chunk that this one cites is gone.
    let record = session(ids, cited.document.document_id, ChunkId(999_999));
    side.end.archive.put_session(&side.scope, &record).await.unwrap();
    let record = key(ids, side.end.organization);
    side.end.archive.put_key(&side.scope, &record).await.unwrap();
    cited
}

/// Gives chunks the terms that searches look for, and vectors by length; and versions the hash of their bytes.
fn index(record: &mut DocumentRecord) {
    for version in &mut record.versions {
        let bytes = version.version_id.to_string();
        version.file_size = bytes.len() as u64;
        match &mut version.kept_hash {
            Some(kept) => *kept = hash_of(&bytes),
            None => version.file_hash = hash_of(&bytes),
        }
        for (at, chunk) in version.chunks.iter_mut().enumerate() {
            let mut terms = std::collections::BTreeMap::new();
            for term in ids_text::index_terms(&chunk.content) {
                *terms.entry(term).or_insert(0) += 1;
            }
            chunk.length = terms.values().sum();
            chunk.terms = terms.into_iter().collect();
            if let Some(of_model) = version.embeddings.iter_mut().find(|it| it.model == model()) {
                of_model.vectors[at].1 = direction(chunk.content.len() as f32);
            }
        }
    }
    let shown = &record.versions[0];
    record.document.file_size = shown.file_size;
    record.document.file_hash = Some(shown.file_hash);
}

#[tokio::test]
async fn what_went_there_and_back_is_what_it_was() {
    let (here, there, back) = (Side::sqlite(), Side::postgres().await, Side::sqlite());
    let ids = SequentialIds::default();
    let cited = fill(&here, &ids).await;

    let (moved, out) = here.move_to(&there).await;
    assert_eq!(out.differences, [""; 0]);
    assert_eq!(out.source, out.target);
    assert_eq!(out.source_hash, out.target_hash);
    assert_eq!((moved.documents, moved.sessions, moved.blobs), (26, 2, 27));
    assert_eq!(
        (out.source.chunks, out.source.embeddings, out.source.keys),
        (78, 79, 1)
    );

    let (_, home) = there.move_to(&back).await;
    assert_eq!(home.differences, [""; 0]);
    assert_eq!((home.source, home.source_hash), (out.source, out.source_hash));
    assert_eq!((home.target, home.target_hash), (out.target, out.target_hash));

    for side in [&there, &back] {
        assert_eq!(side.order().await, here.order().await);
        for query in ["contrato", "obras públicas", "água", "edital de contrato"] {
            let hits = here.hits(query).await;
            assert!(!hits.is_empty());
            assert_eq!(side.hits(query).await, hits, "{query}");
        }
        let sessions = side.end.archive.list_session_ids(&side.scope).await.unwrap();
        let mut chunks = Vec::new();
        for id in sessions {
            let record = side
                .end
                .archive
                .load_session(&side.scope, id)
                .await
                .unwrap()
                .unwrap();
            let answer = record.messages[1].answer.clone().unwrap();
            chunks.push(answer.sources[0].chunk_id);
        }
        chunks.sort_unstable();
        assert_eq!(chunks[0], ChunkId(0), "a chunk that is gone is none");
        let details = side
            .library
            .search(&side.scope, &SearchRequest::new("palavra dois"))
            .await
            .unwrap();
        let hit = details
            .hits
            .iter()
            .find(|hit| hit.chunk.chunk_id == chunks[1])
            .unwrap();
        assert_eq!(
            (hit.chunk.document_id, hit.chunk.chunk_index),
            (cited.document.document_id, 1)
        );
    }
    // The organization's bytes lie under its own name.
    let key = cited.versions[0].blob.clone().unwrap();
    assert_eq!(there.blobs.find(&key).await.unwrap(), None);
    assert_eq!(back.blobs.find(&key).await.unwrap(), Some(36));
    // Once more: everything is there.
    let (again, verified) = here.move_to(&back).await;
    assert_eq!(
        (again.documents, again.present, again.blobs, again.sessions),
        (0, 26, 0, 0)
    );
    assert_eq!(verified.differences, [""; 0]);
    there.remove().await;
}

#[tokio::test]
async fn a_move_that_was_dropped_goes_on_in_the_same_order() {
    let (here, there) = (Side::sqlite(), Side::postgres().await);
    fill(&here, &SequentialIds::default()).await;
    let the_move = here.moving_to(&there);
    let plan = the_move.plan().await.unwrap();
    let enough = tokio::sync::Notify::new();
    let mut until_ten = |progress: MoveProgress| {
        if progress.step == MoveStep::Documents && progress.done == 10 {
            enough.notify_one();
        }
    };
    tokio::select! {
        // Dropped in the middle of the eleventh.
        _ = the_move.run(&plan, OnDifference::Stop, &mut until_ten) => panic!("it was to be stopped"),
        () = enough.notified() => {}
    }
    let so_far = there.order().await.len();
    assert!((10..=11).contains(&so_far), "{so_far}");
    let plan = the_move.plan().await.unwrap();
    assert_eq!((plan.there, plan.is_merge()), (so_far as u64, false));
    let (moved, verified) = run(&the_move, &plan, OnDifference::Stop).await.unwrap();
    assert_eq!(
        (moved.present as usize, moved.documents as usize),
        (so_far, 26 - so_far)
    );
    assert_eq!(verified.differences, [""; 0]);
    assert_eq!(there.order().await, here.order().await);
    assert_eq!(
        there.hits("obras públicas").await,
        here.hits("obras públicas").await
    );
    there.remove().await;
}

#[tokio::test]
async fn what_differs_at_the_target_stops_or_is_replaced() {
    let (here, there) = (Side::sqlite(), Side::sqlite());
    fill(&here, &SequentialIds::default()).await;
    here.move_to(&there).await;
    let changed = there.order().await[3];
    let change = DocumentChange {
        title: Some("Mudado no servidor".to_owned()),
        ..DocumentChange::default()
    };
    there
        .end
        .documents
        .change_document(&there.scope, changed, &change)
        .await
        .unwrap();
    let the_move = here.moving_to(&there);
    let plan = the_move.plan().await.unwrap();
    let error = run(&the_move, &plan, OnDifference::Stop).await.unwrap_err();
    assert!(error.to_string().contains(&changed.to_string()), "{error}");
    let (moved, verified) = run(&the_move, &plan, OnDifference::Replace).await.unwrap();
    assert_eq!((moved.replaced, moved.present), (1, 25));
    assert_eq!(verified.differences, [""; 0]);
}

#[tokio::test]
async fn a_key_that_was_revoked_at_the_target_stays_so() {
    let (here, there) = (Side::sqlite(), Side::sqlite());
    let record = key(&SequentialIds::default(), here.end.organization);
    here.end.archive.put_key(&here.scope, &record).await.unwrap();
    here.move_to(&there).await;
    let keys = &there.library;
    let revoked = keys.revoke_key(&there.scope, record.key.key_id).await;
    revoked.unwrap();
    let (_, verified) = here.move_to(&there).await;
    assert_eq!(verified.differences, [""; 0]);
    let stored = there.end.archive.list_key_records(&there.scope).await.unwrap();
    assert!(stored[0].key.revoked_at.is_some());
}

#[tokio::test]
async fn what_is_unfinished_or_strange_is_named_before() {
    let (here, there) = (Side::sqlite(), Side::sqlite());
    let ids = SequentialIds::default();
    let mut open = full_document(&ids, here.end.organization);
    here.put(&open).await;
    // A job that waits: the failed one, tried again.
    let retried = here.library.retry_job(&here.scope, open.jobs[2].job_id).await;
    retried.unwrap();
    let settled = document(&ids, here.end.organization, &["um"]);
    here.put(&settled).await;
    let strange = document(&ids, there.end.organization, &["dois"]);
    there.put(&strange).await;

    let the_move = here.moving_to(&there);
    let plan = the_move.plan().await.unwrap();
    assert_eq!(plan.documents, [settled.document.document_id]);
    assert_eq!(plan.unfinished, [open.document.document_id]);
    assert_eq!((plan.strange_documents, plan.is_merge()), (1, true));
    let (moved, verified) = run(&the_move, &plan, OnDifference::Stop).await.unwrap();
    assert_eq!(
        (moved.documents, verified.differences.as_slice()),
        (1, &[] as &[String])
    );
    assert_eq!(
        there.order().await,
        [strange.document.document_id, settled.document.document_id]
    );

    // Whoever goes on using the source is told so.
    open.title_given = Some("Outro".to_owned());
    let put = here.end.archive.put_document(&here.scope, &open).await;
    put.unwrap();
    let (_, verified) = run(&the_move, &plan, OnDifference::Stop).await.unwrap();
    assert!(
        verified.differences[0].contains("changed meanwhile"),
        "{:?}",
        verified.differences
    );
}

#[tokio::test]
async fn bytes_that_are_missing_or_damaged_are_named() {
    let (here, there) = (Side::sqlite(), Side::sqlite());
    let ids = SequentialIds::default();
    let mut missing = document(&ids, here.end.organization, &["um"]);
    index(&mut missing);
    here.end
        .archive
        .put_document(&here.scope, &missing)
        .await
        .unwrap();
    let mut damaged = document(&ids, here.end.organization, &["dois"]);
    index(&mut damaged);
    here.end
        .archive
        .put_document(&here.scope, &damaged)
        .await
        .unwrap();
    here.put_blob(damaged.versions[0].blob.as_ref().unwrap(), b"other bytes")
        .await;

    let (moved, verified) = here.move_to(&there).await;
    assert_eq!(moved.without_bytes, [missing.document.document_id]);
    assert_eq!(moved.damaged_bytes, [damaged.document.document_id]);
    assert_eq!(verified.differences, [""; 0]);
}

/// Nothing is extracted here, and no token counted.
struct Unused;

#[async_trait]
impl Extractor for Unused {
    async fn detect(&self, _: &Path, _: &str) -> Result<ContentType, Failure> {
        Err(Failure::of_input(ErrorCode::UnsupportedType, "unused"))
    }

    async fn extract(
        &self,
        _: ExtractRequest<'_>,
        _: &dyn ExtractProgress,
    ) -> Result<ExtractedDocument, Failure> {
        Err(Failure::of_input(ErrorCode::UnsupportedType, "unused"))
    }

    async fn render_page(&self, _: RenderRequest<'_>) -> Result<Option<PageImage>, Failure> {
        Ok(None)
    }
}

impl Tokenizer for Unused {
    fn count(&self, text: &str) -> usize {
        text.len()
    }
}

/// The direction of a text is its length.
struct ByLength(EmbeddingModel);

#[async_trait]
impl Embedder for ByLength {
    fn model(&self) -> &EmbeddingModel {
        &self.0
    }

    async fn embed(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError> {
        let vectors: Vec<Embedding> = texts.iter().map(|text| direction(text.len() as f32)).collect();
        Ok(vectors.into())
    }
}
