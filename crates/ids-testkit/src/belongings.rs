//! Something of everything that an organization may own, for tests of what is kept apart and what is removed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ids_core::access::{ApiKey, KeyHash, KeySecret, NewKey, Permissions};
use ids_core::budget::{Currency, Limits, Money, NewReservation, Settlement, UsageKind};
use ids_core::chunk::Filter;
use ids_core::cleanup::{CleanupTask, NewCleanup};
use ids_core::document::BlobKey;
use ids_core::id::{DocumentId, JobId, KeyId, MessageId, ReservationId, SessionId};
use ids_core::ports::{Clock, Ids};
use ids_core::scope::{CollectionAccess, Scope};
use ids_core::session::{AnswerDetails, AnswerMode, Exchange, Message, TokenUsage};

use crate::clock::ManualClock;
use crate::stores::{NewDocument, Prepared, Stores, collection, direction};

/// Something of everything that an organization may own.
pub struct Belongings {
    /// The document that is done.
    pub completed: DocumentId,
    /// The one that a worker has.
    pub running: Prepared,
    /// The hash of its key.
    pub key_hash: KeyHash,
    /// Its key.
    pub key_id: KeyId,
    /// Its cleanup, which waits.
    pub cleanup: JobId,
    /// Its session.
    pub session_id: SessionId,
    /// The keys of all bytes, in order.
    pub blobs: Vec<BlobKey>,
}

/// Gives an organization a completed document, one in the hands of a worker, an announced one, an empty collection, a session
/// with its use, a key, a cleanup and an entry of the record.
pub async fn fill(stores: &Stores, scope: &Scope) -> Belongings {
    let (key, key_hash) = create_key(stores, scope).await;
    let document = NewDocument::named("a.txt").tagged(&["2026"]).from_path("/a.txt");
    let prepared = stores
        .prepared(scope, &document, &["palavra um", "palavra dois"])
        .await;
    stores.embed(&prepared, &[direction(0.0), direction(1.0)]).await;
    let original = BlobKey(format!("originals/{}", prepared.document_id));
    stores
        .jobs
        .complete(&prepared.lease, Some(&original))
        .await
        .unwrap();
    let running = stores
        .prepared(
            scope,
            &NewDocument::named("b.txt").in_collection("obras"),
            &["palavra"],
        )
        .await;
    let running_blob = BlobKey(format!("temp/{}", running.lease.version_id));
    let upload = stores.upload(&NewDocument::named("c.txt"));
    stores.documents.create_upload(scope, &upload).await.unwrap();
    stores
        .documents
        .ensure_collection(scope, &collection("vazia"))
        .await
        .unwrap();
    let exchange = exchange(stores, Some(key.key_id));
    stores.sessions.append(scope, &exchange).await.unwrap();
    spend(stores, scope, prepared.document_id).await;
    let cleanup = NewCleanup {
        job_id: JobId::from_uuid(stores.ids.next()),
        task: CleanupTask::OrphanedFiles,
        older_than: Duration::from_secs(1),
        slot: Some(1),
    };
    stores
        .cleanups
        .accept_cleanup(scope, &cleanup)
        .await
        .unwrap()
        .unwrap();
    stores
        .organizations
        .record(scope, Some(key.key_id), "key.created", &key.key_id.to_string())
        .await
        .unwrap();
    let blobs = sorted_blobs(vec![original, running_blob, upload.blob]);
    Belongings {
        completed: prepared.document_id,
        running,
        key_hash,
        key_id: key.key_id,
        cleanup: cleanup.job_id,
        session_id: exchange.session_id,
        blobs,
    }
}

/// A limit, money set aside, and a notice that some is spent.
async fn spend(stores: &Stores, scope: &Scope, document_id: DocumentId) {
    let limit = Some((Money::from_micros(10), Currency::Usd));
    stores.ledger.set_organization_limit(scope, limit).await.unwrap();
    let limits = Limits {
        installation: None,
        currency: Currency::Usd,
        rate: None,
    };
    let reservation = |amount| NewReservation {
        reservation_id: ReservationId::from_uuid(stores.ids.next()),
        kind: UsageKind::Answer,
        key_id: None,
        session_id: None,
        model: "um-modelo".to_owned(),
        month_from: ManualClock::START,
        amount: Money::from_micros(amount),
        usage: TokenUsage::default(),
        is_price_known: true,
        documents: vec![document_id],
    };
    let (settled, open) = (reservation(9), reservation(1));
    for reservation in [&settled, &open] {
        let reserved = stores.ledger.reserve(scope, reservation, &limits).await.unwrap();
        assert_eq!(reserved.refused_by, None);
    }
    let settlement = Settlement {
        reservation_id: settled.reservation_id,
        usage: TokenUsage::default(),
        cost: Money::from_micros(9),
        is_estimated: false,
    };
    let notices = stores.ledger.settle(scope, &settlement, &limits).await.unwrap();
    assert_eq!(notices.unwrap().len(), 1);
}

/// A key that may everything everywhere, for ever.
pub fn new_key(stores: &Stores) -> NewKey {
    let secret = KeySecret::from_random(&stores.ids.secret());
    NewKey {
        key_id: KeyId::from_uuid(stores.ids.next()),
        hash: secret.hash(),
        hint: secret.hint(),
        name: None,
        permissions: Permissions::ADMIN,
        collections: CollectionAccess::All,
        expires_at: None,
    }
}

/// Makes such a key.
pub async fn create_key(stores: &Stores, scope: &Scope) -> (ApiKey, KeyHash) {
    let key = new_key(stores);
    let made = stores.organizations.create_key(scope, &key).await.unwrap();
    (made, key.hash)
}

/// The first question of a new session, and its answer without a model.
pub fn exchange(stores: &Stores, key_id: Option<KeyId>) -> Exchange {
    let message = |answer| Message {
        message_id: MessageId::from_uuid(stores.ids.next()),
        created_at: stores.clock.now(),
        content: "palavra".to_owned(),
        answer,
        feedback: None,
    };
    Exchange {
        is_counted: false,
        key_id,
        session_id: SessionId::from_uuid(stores.ids.next()),
        new_title: Some("palavra".to_owned()),
        filter: Filter::default(),
        replaces: None,
        question: message(None),
        answer: message(Some(AnswerDetails {
            mode: AnswerMode::Extractive,
            answered: false,
            sources: Vec::new(),
            claims: Vec::new(),
            nearest: Vec::new(),
            search_results: 0,
            model: None,
            usage: TokenUsage::default(),
            cost: None,
            fallback: None,
            processing_time: Duration::ZERO,
        })),
    }
}

/// Keys of bytes in order.
pub fn sorted_blobs(mut blobs: Vec<BlobKey>) -> Vec<BlobKey> {
    blobs.sort_by(|one, other| one.0.cmp(&other.0));
    blobs
}
