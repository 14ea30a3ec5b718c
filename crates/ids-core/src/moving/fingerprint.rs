//! One hash for everything that is stored of a thing, the same whichever store it was read from.
//!
//! What is the store's own is left out (ids of chunks, keys of bytes, which name the organization), and the one thing that a store
//! may change, a NUL that became U+FFFD, is looked past. Every part is preceded by its length or by whether it is there, so that no two
//! different things are written the same.

use half::slice::HalfFloatSliceExt;
use sha2::{Digest, Sha256};

use super::places::ChunkPlaces;
use super::records::{DocumentRecord, KeyRecord, SessionRecord, UsageRecord, VersionRecord};
use crate::access::AuditEntry;
use crate::budget::{Currency, Money};
use crate::chunk::{Filter, NewChunk};
use crate::document::{ContentHash, Document};
use crate::error::Failure;
use crate::job::Job;
use crate::page::{ExtractionNote, LineBox, Page};
use crate::scope::CollectionAccess;
use crate::session::{AnswerDetails, Citation, Message};
use crate::span::{CharSpan, PageSpan};
use crate::time::Timestamp;

/// A hash that is being made.
pub(super) struct Fingerprint(Sha256);

impl Fingerprint {
    pub(super) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(super) fn end(self) -> ContentHash {
        ContentHash::from_bytes(self.0.finalize().into())
    }

    pub(super) fn number(&mut self, value: impl Into<u64>) {
        self.0.update(value.into().to_le_bytes());
    }

    fn length(&mut self, length: usize) {
        self.number(length as u64);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.update(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        if text.contains('\0') {
            self.bytes(text.replace('\0', "\u{FFFD}").as_bytes());
        } else {
            self.bytes(text.as_bytes());
        }
    }

    fn float(&mut self, value: f32) {
        self.0.update(value.to_bits().to_le_bytes());
    }

    fn time(&mut self, time: Timestamp) {
        self.0.update(time.as_micros().to_le_bytes());
    }

    fn money(&mut self, amount: Money, currency: Currency) {
        self.0.update(amount.as_micros().to_le_bytes());
        self.text(currency.as_str());
    }

    fn id(&mut self, id: uuid::Uuid) {
        self.0.update(id.as_bytes());
    }

    fn optional<T>(&mut self, value: Option<T>, mut write: impl FnMut(&mut Self, T)) {
        self.number(u64::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.length(values.len());
        for value in values {
            write(self, value);
        }
    }

    fn hash(&mut self, hash: &ContentHash) {
        self.0.update(hash.as_bytes());
    }

    fn span(&mut self, span: CharSpan) {
        self.number(span.start);
        self.number(span.end);
    }

    fn page_span(&mut self, place: &PageSpan) {
        self.number(place.page_number);
        self.span(place.span);
    }

    fn lines(&mut self, lines: &[LineBox]) {
        self.list(lines, |print, line| {
            print.span(line.span);
            for value in [line.x, line.y, line.width, line.height] {
                print.float(value);
            }
        });
    }

    fn access(&mut self, access: &CollectionAccess) {
        let names = match access {
            CollectionAccess::All => None,
            CollectionAccess::Only(names) => Some(names),
        };
        self.optional(names, |print, names| {
            print.list(names, |print, name| print.text(name.as_str()));
        });
    }

    fn failure(&mut self, failure: Option<&Failure>) {
        self.optional(failure, |print, failure| {
            print.text(failure.code.as_str());
            print.text(&failure.message);
            print.number(failure.retry as u64);
        });
    }
}

/// Everything that is stored of a document.
pub fn of_document(record: &DocumentRecord) -> ContentHash {
    let mut print = Fingerprint::new();
    document(&mut print, &record.document);
    print.optional(record.source.as_ref(), |print, source| print.text(&source.0));
    print.optional(record.parent_version, |print, id| print.id(id.as_uuid()));
    print.optional(record.title_given.as_deref(), Fingerprint::text);
    print.optional(record.visible, |print, id| print.id(id.as_uuid()));
    print.optional(record.newest, |print, id| print.id(id.as_uuid()));
    print.list(&record.versions, version);
    print.list(&record.jobs, job);
    print.end()
}

fn document(print: &mut Fingerprint, document: &Document) {
    print.id(document.document_id.as_uuid());
    print.text(&document.title);
    print.optional(document.description.as_deref(), Fingerprint::text);
    print.text(&document.filename);
    print.text(document.content_type.as_str());
    print.number(document.file_size);
    print.optional(document.file_hash.as_ref(), Fingerprint::hash);
    print.list(&document.tags, |print, tag| print.text(tag.as_str()));
    print.text(document.collection.as_str());
    print.text(document.status.as_str());
    print.optional(document.job_id, |print, id| print.id(id.as_uuid()));
    print.optional(document.duplicate_of, |print, id| print.id(id.as_uuid()));
    print.optional(document.parent_id, |print, id| print.id(id.as_uuid()));
    print.optional(document.path.as_deref(), Fingerprint::text);
    print.failure(document.failure.as_ref());
    print.time(document.created_at);
    print.time(document.updated_at);
}

fn version(print: &mut Fingerprint, version: &VersionRecord) {
    print.id(version.version_id.as_uuid());
    print.number(u64::from(version.blob.is_some()));
    print.text(&version.filename);
    print.text(version.content_type.as_str());
    print.number(version.file_size);
    print.hash(&version.file_hash);
    print.optional(version.kept_hash.as_ref(), Fingerprint::hash);
    print.optional(version.title_own.as_deref(), Fingerprint::text);
    print.optional(version.author.as_deref(), Fingerprint::text);
    print.optional(version.text_hash.as_ref(), Fingerprint::hash);
    print.optional(version.signature.as_ref(), |print, signature| {
        print.bytes(&signature.to_bytes())
    });
    print.number(version.stage as u64);
    print.optional(version.page_count, Fingerprint::number);
    print.optional(version.characters, Fingerprint::number);
    print.time(version.created_at);
    print.list(&version.pages, page);
    print.list(&version.notes, note);
    print.list(&version.chunks, chunk);
    print.list(&version.embeddings, |print, by_model| {
        print.text(&by_model.model.name);
        print.length(by_model.model.dimensions);
        print.list(&by_model.vectors, |print, (index, vector)| {
            print.number(*index);
            print.length(vector.dimensions());
            for &bits in reinterpreted(vector.values()) {
                print.0.update(bits.to_le_bytes());
            }
        });
    });
}

/// The bits of the values.
fn reinterpreted(values: &[half::f16]) -> &[u16] {
    values.reinterpret_cast()
}

fn page(print: &mut Fingerprint, page: &Page) {
    print.number(page.number);
    print.optional(page.width, Fingerprint::float);
    print.optional(page.height, Fingerprint::float);
    print.text(&page.text);
    print.list(&page.blocks, |print, block| {
        print.text(block.kind.as_str());
        print.optional(block.kind.level(), Fingerprint::number);
        print.span(block.span);
    });
    print.lines(&page.lines);
    print.list(&page.words, |print, word| {
        print.span(word.span);
        print.number(word.confidence);
    });
}

fn note(print: &mut Fingerprint, note: &ExtractionNote) {
    print.optional(note.page_number, Fingerprint::number);
    print.text(note.kind.as_str());
    print.text(&note.text);
}

fn chunk(print: &mut Fingerprint, chunk: &NewChunk) {
    print.number(chunk.chunk_index);
    print.text(&chunk.content);
    print.optional(chunk.heading.as_deref(), Fingerprint::text);
    print.list(&chunk.spans, Fingerprint::page_span);
    print.list(&chunk.terms, |print, (term, frequency)| {
        print.text(term.as_str());
        print.number(*frequency);
    });
    print.number(chunk.length);
}

fn job(print: &mut Fingerprint, job: &Job) {
    print.id(job.job_id.as_uuid());
    print.text(job.queue.as_str());
    print.id(job.version_id.as_uuid());
    print.text(job.status.as_str());
    print.number(job.attempts);
    print.number(job.progress);
    print.text(&job.current_step);
    print.failure(job.failure.as_ref());
    print.time(job.created_at);
    print.optional(job.started_at, Fingerprint::time);
    print.optional(job.ended_at, Fingerprint::time);
}

/// Everything that is stored of a session; chunks count by their place in their version, whose ids are told by `places`.
pub fn of_session(record: &SessionRecord, places: &ChunkPlaces) -> ContentHash {
    let mut print = Fingerprint::new();
    let session = &record.session;
    print.id(session.session_id.as_uuid());
    print.text(&session.title);
    print.time(session.created_at);
    print.time(session.updated_at);
    print.number(session.message_count);
    print.access(&record.collections);
    filter(&mut print, &session.filter);
    print.list(&record.messages, |print, it| message(print, it, places));
    print.end()
}

fn message(print: &mut Fingerprint, message: &Message, places: &ChunkPlaces) {
    print.id(message.message_id.as_uuid());
    print.time(message.created_at);
    print.text(&message.content);
    print.optional(message.answer.as_ref(), |print, it| answer(print, it, places));
    print.optional(message.feedback.as_ref(), |print, feedback| {
        print.text(feedback.rating.as_str());
        print.optional(feedback.reason.as_deref(), Fingerprint::text);
        print.time(feedback.rated_at);
    });
}

fn filter(print: &mut Fingerprint, filter: &Filter) {
    print.optional(filter.collection.as_ref(), |print, name| {
        print.text(name.as_str())
    });
    print.list(&filter.document_ids, |print, id| print.id(id.as_uuid()));
    print.list(&filter.content_types, |print, it| print.text(it.as_str()));
    print.list(&filter.tags, |print, tag| print.text(tag.as_str()));
}

fn answer(print: &mut Fingerprint, answer: &AnswerDetails, places: &ChunkPlaces) {
    print.text(answer.mode.as_str());
    print.number(u64::from(answer.answered));
    print.number(answer.search_results);
    print.optional(answer.model.as_deref(), Fingerprint::text);
    print.number(answer.usage.prompt_tokens);
    print.number(answer.usage.completion_tokens);
    print.optional(answer.cost.as_ref(), |print, cost| {
        print.money(cost.amount, cost.currency);
        print.number(u64::from(cost.is_price_known));
    });
    print.optional(answer.fallback, |print, reason| print.text(reason.as_str()));
    print.number(u64::try_from(answer.processing_time.as_micros()).unwrap_or(u64::MAX));
    print.list(&answer.sources, |print, source| citation(print, source, places));
    print.list(&answer.claims, |print, claim| {
        print.text(&claim.text);
        print.text(claim.status.as_str());
        print.list(&claim.sources, |print, &index| print.number(index));
    });
    print.list(&answer.nearest, |print, near| {
        print.id(near.document_id.as_uuid());
        print.text(&near.document_title);
        print.number(near.page_number);
    });
}

fn citation(print: &mut Fingerprint, source: &Citation, places: &ChunkPlaces) {
    print.id(source.document_id.as_uuid());
    print.text(&source.document_title);
    print.optional(places.place_of(source.chunk_id), |print, (version_id, index)| {
        print.id(version_id.as_uuid());
        print.number(index);
    });
    print.text(&source.filename);
    print.page_span(&source.place);
    print.text(&source.quote);
    print.text(&source.excerpt);
    print.float(source.similarity_score);
    print.lines(&source.boxes);
    print.number(u64::from(source.verified));
}

/// Everything that is stored of a key but whose it is and when it was revoked, which may have happened on either side.
pub fn of_key(record: &KeyRecord) -> ContentHash {
    let mut print = Fingerprint::new();
    let key = &record.key;
    print.id(key.key_id.as_uuid());
    print.bytes(record.hash.as_bytes());
    print.text(&key.hint);
    print.optional(key.name.as_deref(), Fingerprint::text);
    print.text(&key.permissions.to_string());
    print.access(&key.collections);
    print.time(key.created_at);
    print.optional(key.expires_at, Fingerprint::time);
    print.end()
}

/// One question that was answered.
pub fn of_usage(record: &UsageRecord) -> ContentHash {
    let mut print = Fingerprint::new();
    print.text(record.kind.as_str());
    print.optional(record.key_id, |print, id| print.id(id.as_uuid()));
    print.optional(record.model.as_deref(), Fingerprint::text);
    print.number(record.prompt_tokens);
    print.number(record.completion_tokens);
    print.time(record.answered_at);
    print.optional(record.session_id, |print, id| print.id(id.as_uuid()));
    print.optional(record.cost.as_ref(), |print, cost| {
        print.money(cost.amount, cost.currency);
        print.time(cost.month_from);
        print.number(u64::from(cost.is_price_known));
        print.number(u64::from(cost.is_estimated));
    });
    print.list(&record.documents, |print, id| print.id(id.as_uuid()));
    print.end()
}

/// One entry of the record, without the number that its store gave it.
pub fn of_audit(entry: &AuditEntry) -> ContentHash {
    let mut print = Fingerprint::new();
    print.time(entry.at);
    print.optional(entry.key_id, |print, id| print.id(id.as_uuid()));
    print.text(&entry.action);
    print.text(&entry.subject);
    print.end()
}
