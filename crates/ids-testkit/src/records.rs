//! Records of a library that is moved, with something in each of their fields.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ids_core::access::{ApiKey, KeySecret, Permission};
use ids_core::budget::{Currency, Money};
use ids_core::chunk::Filter;
use ids_core::document::{BlobKey, ContentType, Document, DocumentStatus, SourcePath, VersionStage};
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::error::{ErrorCode, Failure};
use ids_core::id::{ChunkId, DocumentId, JobId, KeyId, MessageId, OrganizationId, SessionId, VersionId};
use ids_core::job::{Job, JobStatus, QueueName};
use ids_core::moving::{DocumentRecord, KeyRecord, ModelEmbeddings, SessionRecord, VersionRecord};
use ids_core::page::{Block, BlockKind, ExtractionNote, LineBox, NoteKind, Page, RecognizedWord};
use ids_core::ports::Ids;
use ids_core::scope::{CollectionAccess, Tag};
use ids_core::session::{
    AnswerCost, AnswerDetails, AnswerFallback, AnswerMode, Citation, Claim, ClaimStatus, Feedback, Message,
    NearestDocument, Rating, Session, TokenUsage,
};
use ids_core::span::{CharSpan, PageSpan};
use ids_core::time::Timestamp;
use ids_text::minhash::Signature;

use crate::ids::SequentialIds;
use crate::stores::{chunk, collection, content_type, direction, hash_of, model};

const fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn page(number: u32, text: &str) -> Page {
    let end = text.chars().count() as u32;
    Page {
        number,
        width: Some(595.25),
        height: Some(841.875),
        text: text.to_owned(),
        blocks: vec![
            Block {
                kind: BlockKind::Heading { level: 2 },
                span: CharSpan::new(0, 3),
            },
            Block {
                kind: BlockKind::Footnote,
                span: CharSpan::new(3, end),
            },
        ],
        lines: vec![LineBox {
            span: CharSpan::new(0, end),
            x: 72.1,
            y: -0.5,
            width: 451.0,
            height: 11.5,
        }],
        words: vec![RecognizedWord {
            span: CharSpan::new(0, end),
            confidence: 61,
        }],
    }
}

/// A version of these chunks, one a text, each with a vector; the keys of its bytes name `organization`.
pub fn version(ids: &SequentialIds, organization: OrganizationId, texts: &[&str]) -> VersionRecord {
    let version_id = VersionId::from_uuid(ids.next());
    let chunks: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| chunk(at, text))
        .collect();
    let vectors: Vec<(u32, Embedding)> = (0..chunks.len() as u32)
        .map(|index| (index, direction(10.0 * index as f32)))
        .collect();
    VersionRecord {
        version_id,
        blob: Some(BlobKey(format!("originals/{organization}/{version_id}"))),
        filename: "Relatório.pdf".to_owned(),
        content_type: content_type(ContentType::PDF),
        file_size: 12,
        file_hash: hash_of(&version_id.to_string()),
        kept_hash: Some(hash_of(&format!("kept of {version_id}"))),
        title_own: Some("Um título do arquivo".to_owned()),
        author: Some("Câmara".to_owned()),
        text_hash: Some(hash_of(&format!("text of {version_id}"))),
        signature: Signature::of(&"palavra ".repeat(40)),
        stage: VersionStage::Completed,
        page_count: Some(2),
        characters: Some(31),
        created_at: at(1_000_001),
        pages: vec![page(1, "Art. 1º da lei"), page(2, "Art. 2º, e\u{1F600} fim")],
        notes: vec![
            ExtractionNote {
                page_number: None,
                kind: NoteKind::Truncated,
                text: "cut".to_owned(),
            },
            ExtractionNote {
                page_number: Some(2),
                kind: NoteKind::NeedsOcr,
                text: "page 2 has no text".to_owned(),
            },
        ],
        first_chunk: None,
        chunks,
        embeddings: vec![ModelEmbeddings {
            model: model(),
            vectors,
        }],
    }
}

/// A job that ended.
pub fn job(ids: &SequentialIds, document_id: DocumentId, version_id: VersionId, failed: bool) -> Job {
    Job {
        job_id: JobId::from_uuid(ids.next()),
        queue: QueueName::DocumentProcessing,
        document_id,
        version_id,
        status: if failed {
            JobStatus::Failed
        } else {
            JobStatus::Finished
        },
        attempts: 2,
        progress: if failed { 25 } else { 100 },
        current_step: if failed { "extracting page 3" } else { "completed" }.to_owned(),
        failure: failed.then(failure),
        created_at: at(if failed { 3_000_003 } else { 1_000_001 }),
        started_at: Some(at(3_000_004)),
        ended_at: Some(at(3_000_005)),
    }
}

fn failure() -> Failure {
    Failure::of_input(ErrorCode::Corrupt, "the file is damaged")
}

/// A document of one visible version, found by words and meaning.
pub fn document(ids: &SequentialIds, organization: OrganizationId, texts: &[&str]) -> DocumentRecord {
    let document_id = DocumentId::from_uuid(ids.next());
    let version = version(ids, organization, texts);
    let job = job(ids, document_id, version.version_id, false);
    DocumentRecord {
        document: Document {
            document_id,
            title: "Um título do arquivo".to_owned(),
            description: None,
            filename: version.filename.clone(),
            content_type: version.content_type.clone(),
            file_size: version.file_size,
            file_hash: Some(version.file_hash),
            tags: Vec::new(),
            collection: collection("default"),
            status: DocumentStatus::Completed,
            job_id: Some(job.job_id),
            duplicate_of: None,
            parent_id: None,
            path: None,
            failure: None,
            page_count: version.page_count,
            total_chunks: version.chunks.len() as u32,
            created_at: at(1_000_000),
            updated_at: at(9_000_009),
        },
        source: None,
        parent_version: None,
        title_given: None,
        visible: Some(version.version_id),
        newest: Some(version.version_id),
        versions: vec![version],
        jobs: vec![job],
    }
}

/// A document with something in each field: two versions, of which the newer one failed, vectors of two models, and a job whose
/// version is gone.
pub fn full_document(ids: &SequentialIds, organization: OrganizationId) -> DocumentRecord {
    let mut record = document(ids, organization, &["palavra um", "palavra dois", "três"]);
    let document_id = record.document.document_id;
    let other = EmbeddingModel {
        name: "another".to_owned(),
        dimensions: 3,
    };
    let vector = Embedding::from_f32(&[0.25, -0.5, 1e-7]);
    // By model's name: before the one that is there.
    record.versions[0].embeddings.insert(
        0,
        ModelEmbeddings {
            model: other,
            vectors: vec![(1, vector)],
        },
    );
    record.versions[0].chunks[1].heading = Some("Título I › Capítulo".to_owned());
    let newer = VersionRecord {
        stage: VersionStage::Accepted,
        kept_hash: None,
        title_own: None,
        author: None,
        text_hash: None,
        signature: None,
        page_count: None,
        characters: None,
        created_at: at(3_000_003),
        pages: Vec::new(),
        notes: Vec::new(),
        embeddings: Vec::new(),
        ..version(ids, organization, &[])
    };
    record.newest = Some(newer.version_id);
    let failed = job(ids, document_id, newer.version_id, true);
    let gone = Job {
        created_at: at(500_000),
        ..job(ids, document_id, VersionId::from_uuid(ids.next()), false)
    };
    record.jobs = vec![gone, record.jobs.remove(0), failed];
    record.versions.push(newer);
    record.source = Some(SourcePath("/srv/Relatório.pdf".to_owned()));
    record.title_given = Some("Dado à mão".to_owned());
    record.document.title = "Dado à mão".to_owned();
    record.document.description = Some("linha\nlinha".to_owned());
    record.document.tags = ["2026", "água"].map(|tag| Tag::parse(tag).unwrap()).to_vec();
    record.document.collection = collection("Obras públicas");
    record.document.status = DocumentStatus::Failed;
    record.document.failure = Some(failure());
    record.document.job_id = Some(record.jobs[2].job_id);
    record.document.duplicate_of = Some(DocumentId::from_uuid(ids.next()));
    record.document.parent_id = Some(DocumentId::from_uuid(ids.next()));
    record.document.path = Some("anexos/Relatório.pdf".to_owned());
    record.parent_version = Some(VersionId::from_uuid(ids.next()));
    record
}

/// A conversation whose answer cites a chunk of a document.
pub fn session(ids: &SequentialIds, document_id: DocumentId, chunk_id: ChunkId) -> SessionRecord {
    let message = |content: &str, answer| Message {
        message_id: MessageId::from_uuid(ids.next()),
        created_at: at(5_000_005),
        content: content.to_owned(),
        answer,
        feedback: None,
    };
    let place = PageSpan {
        page_number: 2,
        span: CharSpan::new(3, 9),
    };
    let citation = Citation {
        document_id,
        document_title: "Edital".to_owned(),
        chunk_id,
        filename: "edital.pdf".to_owned(),
        place,
        quote: "2º, e".to_owned(),
        excerpt: "… 2º, e …".to_owned(),
        similarity_score: 0.731,
        boxes: page(1, "uma linha").lines,
        verified: true,
    };
    let answer = AnswerDetails {
        mode: AnswerMode::Generated,
        answered: true,
        sources: vec![citation],
        claims: vec![Claim {
            text: "É o artigo 2º.".to_owned(),
            status: ClaimStatus::Unconfirmed,
            sources: vec![0],
        }],
        nearest: vec![NearestDocument {
            document_id,
            document_title: "Edital".to_owned(),
            page_number: 7,
        }],
        search_results: 8,
        model: Some("um-modelo".to_owned()),
        usage: TokenUsage {
            prompt_tokens: 900,
            completion_tokens: 70,
        },
        cost: Some(AnswerCost {
            amount: Money::from_micros(417),
            currency: Currency::Brl,
            is_price_known: true,
        }),
        fallback: Some(AnswerFallback::ModelFailed),
        processing_time: Duration::from_micros(1_234_567),
    };
    SessionRecord {
        session: Session {
            session_id: SessionId::from_uuid(ids.next()),
            title: "O que diz o edital?".to_owned(),
            created_at: at(5_000_000),
            updated_at: at(5_000_006),
            message_count: 2,
            filter: Filter {
                collection: Some(collection("Obras públicas")),
                document_ids: vec![document_id],
                content_types: vec![content_type(ContentType::PDF)],
                tags: vec![Tag::parse("água").unwrap()],
            },
        },
        collections: CollectionAccess::Only(vec![collection("Obras públicas"), collection("default")]),
        messages: vec![
            message("O que diz o edital?", None),
            Message {
                feedback: Some(Feedback {
                    rating: Rating::Down,
                    reason: Some("É o 3º.\nVeja a página 2.".to_owned()),
                    rated_at: at(5_000_007),
                }),
                ..message("É o artigo 2º.", Some(answer))
            },
        ],
    }
}

/// A key with something in each field.
pub fn key(ids: &SequentialIds, organization: OrganizationId) -> KeyRecord {
    let secret = KeySecret::from_random(&ids.secret());
    KeyRecord {
        hash: secret.hash(),
        key: ApiKey {
            key_id: KeyId::from_uuid(ids.next()),
            organization,
            name: Some("balcão".to_owned()),
            hint: secret.hint(),
            permissions: [Permission::Search, Permission::Ask].into_iter().collect(),
            collections: CollectionAccess::Only(vec![collection("Obras públicas")]),
            created_at: at(7_000_000),
            expires_at: Some(at(7_000_000_000)),
            revoked_at: None,
        },
    }
}
