//! What every [`LibraryArchive`](ids_core::ports::LibraryArchive) promises, one function or more a clause of the port's doc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use ids_core::access::AuditEntry;
use ids_core::budget::{Currency, Money, UsageKind};
use ids_core::chunk::Filter;
use ids_core::error::StoreErrorKind;
use ids_core::id::{ChunkId, DocumentId};
use ids_core::moving::{CostRecord, DocumentRecord, StoredState, UsageRecord};
use ids_core::ports::{Clock, CorpusStatistics};
use ids_core::scope::Scope;
use ids_core::time::Timestamp;

use crate::belongings::fill;
use crate::records::{document, full_document, key, session};
use crate::stores::{NewDocument, Stores, collection, direction, model, term, weighted};

/// What was put, as it comes back: with the ids that this store gave.
async fn loaded(stores: &Stores, scope: &Scope, document_id: DocumentId) -> DocumentRecord {
    let mut record = stores
        .archive
        .load_document(scope, document_id)
        .await
        .unwrap()
        .unwrap();
    record
        .versions
        .iter_mut()
        .for_each(|version| version.first_chunk = None);
    record
}

async fn listed(stores: &Stores, scope: &Scope) -> Vec<(DocumentId, StoredState)> {
    let listed = stores.archive.list_stored(scope).await.unwrap();
    listed.into_iter().map(|it| (it.document_id, it.state)).collect()
}

/// LibraryArchive, clause 1: documents are listed once, in the order of ingestion, with what is to become of them.
pub async fn documents_are_listed_in_the_order_of_ingestion(stores: &Stores) {
    let scope = Stores::scope();
    let changed = stores
        .prepared(&scope, &NewDocument::named("a.txt"), &["um"])
        .await;
    stores.jobs.complete(&changed.lease, None).await.unwrap();
    let second = stores
        .completed(&scope, &NewDocument::named("b.txt"), &["dois"])
        .await;
    let running = stores
        .prepared(&scope, &NewDocument::named("c.txt"), &["três"])
        .await;
    let upload = stores.upload(&NewDocument::named("d.txt"));
    stores.documents.create_upload(&scope, &upload).await.unwrap();
    // A newer version takes its place in line when it takes over.
    let accepted = stores.accept_version(&scope, changed.document_id, "a2.txt").await;
    let claimed = stores.claim(&accepted).await;
    let newer = stores.prepare(&claimed, &["quatro"]).await;
    stores.jobs.complete(&newer.lease, None).await.unwrap();

    let expected = [
        (second, StoredState::Settled),
        (running.document_id, StoredState::Unfinished),
        (changed.document_id, StoredState::Settled),
        (upload.document_id, StoredState::Announced),
    ];
    assert_eq!(listed(stores, &scope).await, expected);
}

/// LibraryArchive, clause 2: whatever a document holds comes back as it was put.
pub async fn a_document_comes_back_bit_by_bit(stores: &Stores) {
    let scope = Stores::scope();
    let record = full_document(&stores.ids, scope.organization);
    let firsts = stores.archive.put_document(&scope, &record).await.unwrap();
    assert_eq!(loaded(stores, &scope, record.document.document_id).await, record);

    let stored = stores
        .archive
        .load_document(&scope, record.document.document_id)
        .await;
    let chunks: Vec<_> = stored
        .unwrap()
        .unwrap()
        .versions
        .iter()
        .map(|it| it.first_chunk)
        .collect();
    assert_eq!(chunks, firsts);
    assert!(firsts[0].is_some() && firsts[1].is_none(), "{firsts:?}");
    let missing = DocumentId::from_uuid(uuid::Uuid::from_u128(0xABCD));
    assert_eq!(stores.archive.load_document(&scope, missing).await.unwrap(), None);
}

/// LibraryArchive, clause 2: what was ingested here can be put elsewhere: it comes back as it was.
pub async fn what_was_ingested_comes_back_when_it_is_put_again(stores: &Stores) {
    let scope = Stores::scope();
    let belongings = fill(stores, &scope).await;
    let record = loaded(stores, &scope, belongings.completed).await;
    assert_eq!(record.versions[0].chunks.len(), 2);
    assert_eq!(record.versions[0].embeddings[0].vectors.len(), 2);
    stores
        .documents
        .delete_document(&scope, belongings.completed)
        .await
        .unwrap();
    stores.archive.put_document(&scope, &record).await.unwrap();
    assert_eq!(loaded(stores, &scope, belongings.completed).await, record);
}

/// LibraryArchive, clause 3: what is put is found by words and meaning, in the order it was put, and counted exactly.
pub async fn what_is_put_is_found_in_its_order_and_counted(stores: &Stores) {
    let scope = Stores::scope();
    let mut texts = BTreeMap::new();
    for word in ["um", "dois", "três"] {
        let text = format!("palavra {word}");
        let record = document(&stores.ids, scope.organization, &[&text, word]);
        let firsts = stores.archive.put_document(&scope, &record).await.unwrap();
        texts.insert(firsts[0].unwrap(), text);
    }
    let in_order: Vec<&str> = texts.values().map(String::as_str).collect();
    assert_eq!(
        in_order,
        ["palavra um", "palavra dois", "palavra três"],
        "ids rise"
    );

    let found = stores
        .chunks
        .lexical_candidates(&scope, &Filter::default(), &[weighted("palavra", 1)])
        .await
        .unwrap();
    assert_eq!(stores.contents(&scope, &found).await.len(), 3);
    let near = stores
        .chunks
        .nearest(&scope, &Filter::default(), &model(), &direction(10.0), 3)
        .await
        .unwrap();
    assert_eq!(stores.contents(&scope, &near).await, ["dois", "três", "um"]);
    let statistics = stores
        .chunks
        .statistics(&scope, &[term("palavra"), term("dois")])
        .await
        .unwrap();
    let expected = CorpusStatistics {
        chunks: 6,
        total_length: 9,
        document_frequencies: vec![3, 2],
    };
    assert_eq!(statistics, expected);
    assert_eq!(stores.archive.check_statistics(&scope).await.unwrap(), [""; 0]);
}

/// LibraryArchive, clause 3: jobs that ended are found, and a failed one can be tried again.
pub async fn a_job_that_failed_elsewhere_can_be_tried_again(stores: &Stores) {
    let scope = Stores::scope();
    let record = full_document(&stores.ids, scope.organization);
    stores.archive.put_document(&scope, &record).await.unwrap();
    for job in &record.jobs {
        assert_eq!(
            stores.jobs.find_job(&scope, job.job_id).await.unwrap().as_ref(),
            Some(job)
        );
    }
    let again = stores.jobs.retry(&scope, record.jobs[2].job_id).await.unwrap();
    let claimed = stores.jobs.claim(&again, "worker").await.unwrap().unwrap();
    assert_eq!(claimed.version.version_id, record.versions[1].version_id);
    assert_eq!(claimed.version.blob, record.versions[1].blob);
}

/// LibraryArchive, clause 4: a document is replaced as a whole, and putting it twice changes nothing.
pub async fn a_document_is_replaced_as_a_whole(stores: &Stores) {
    let scope = Stores::scope();
    let mut record = full_document(&stores.ids, scope.organization);
    for _ in 0..2 {
        stores.archive.put_document(&scope, &record).await.unwrap();
        assert_eq!(loaded(stores, &scope, record.document.document_id).await, record);
    }
    record.versions.truncate(1);
    record.newest = record.visible;
    record.jobs.truncate(2);
    record.document.tags.clear();
    record.document.title = "Outro".to_owned();
    record.title_given = Some("Outro".to_owned());
    stores.archive.put_document(&scope, &record).await.unwrap();
    assert_eq!(loaded(stores, &scope, record.document.document_id).await, record);
    assert_eq!(listed(stores, &scope).await.len(), 1);
    assert_eq!(stores.found_by_word(&scope, "palavra").await.len(), 2);
    assert_eq!(stores.archive.check_statistics(&scope).await.unwrap(), [""; 0]);
}

/// LibraryArchive, clause 4: of a document that cannot be stored nothing is.
pub async fn a_document_is_stored_whole_or_not_at_all(stores: &Stores) {
    let scope = Stores::scope();
    let first = document(&stores.ids, scope.organization, &["palavra um"]);
    stores.archive.put_document(&scope, &first).await.unwrap();
    let mut second = full_document(&stores.ids, scope.organization);
    // The last thing that is written has an id that is taken.
    second.jobs[2].job_id = first.jobs[0].job_id;
    let refused = stores.archive.put_document(&scope, &second).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Conflict);
    assert_eq!(listed(stores, &scope).await.len(), 1);
    assert_eq!(stores.found_by_word(&scope, "palavra").await, ["palavra um"]);
    let collections = stores.documents.list_collections(&scope).await.unwrap();
    assert!(collections.iter().all(|it| it.name != second.document.collection));

    let mut broken = document(&stores.ids, scope.organization, &["um", "dois"]);
    broken.versions[0].chunks[1].chunk_index = 7;
    stores.archive.put_document(&scope, &broken).await.unwrap_err();
    assert_eq!(listed(stores, &scope).await.len(), 1);
    assert_eq!(stores.archive.check_statistics(&scope).await.unwrap(), [""; 0]);
}

/// LibraryArchive, clause 5: a session comes back with all its evidence, and is replaced as a whole.
pub async fn a_session_comes_back_as_it_was_put(stores: &Stores) {
    let scope = Stores::scope();
    let cited = document(&stores.ids, scope.organization, &["um"])
        .document
        .document_id;
    let mut record = session(&stores.ids, cited, ChunkId(7));
    let session_id = record.session.session_id;
    for _ in 0..2 {
        stores.archive.put_session(&scope, &record).await.unwrap();
        let stored = stores.archive.load_session(&scope, session_id).await.unwrap();
        assert_eq!(stored.as_ref(), Some(&record));
    }
    record.messages.truncate(1);
    record.session.message_count = 1;
    record.collections = ids_core::scope::CollectionAccess::All;
    stores.archive.put_session(&scope, &record).await.unwrap();
    let stored = stores.archive.load_session(&scope, session_id).await.unwrap();
    assert_eq!(stored, Some(record));
    let belongings = fill(stores, &scope).await;
    let ids = stores.archive.list_session_ids(&scope).await.unwrap();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&session_id) && ids.contains(&belongings.session_id));
}

/// LibraryArchive, clause 6: a key opens what it opened, and one that is put again is as it was put last.
pub async fn a_key_opens_what_it_opened(stores: &Stores) {
    let scope = Stores::scope();
    let mut record = key(&stores.ids, scope.organization);
    stores.archive.put_key(&scope, &record).await.unwrap();
    let found = stores.organizations.find_key(&record.hash).await.unwrap();
    assert_eq!(found.as_ref(), Some(&record.key));
    record.key.revoked_at = Some(Timestamp::from_micros(8_000_000));
    stores.archive.put_key(&scope, &record).await.unwrap();
    let belongings = fill(stores, &scope).await;
    let records = stores.archive.list_key_records(&scope).await.unwrap();
    assert_eq!(records.len(), 2);
    assert!(records.contains(&record));
    assert!(records.iter().any(|it| it.hash == belongings.key_hash));

    let mut twin = key(&stores.ids, scope.organization);
    twin.hash = record.hash;
    let refused = stores.archive.put_key(&scope, &twin).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Conflict);
}

/// LibraryArchive, clause 7: use and record come back in order, and what is added stands behind.
pub async fn use_and_record_are_added_to(stores: &Stores) {
    let scope = Stores::scope();
    let belongings = fill(stores, &scope).await;
    let before = stores.archive.list_usage(&scope).await.unwrap();
    assert_eq!(before.len(), 2);
    let asked = |model: Option<&str>, prompt_tokens| UsageRecord {
        kind: match model {
            Some(_) => UsageKind::Embedding,
            None => UsageKind::Answer,
        },
        key_id: Some(belongings.key_id),
        model: model.map(str::to_owned),
        prompt_tokens,
        completion_tokens: 3,
        answered_at: Timestamp::from_micros(11),
        session_id: Some(belongings.session_id),
        cost: model.map(|_| CostRecord {
            amount: Money::from_micros(77),
            currency: Currency::Brl,
            month_from: Timestamp::from_micros(3),
            is_price_known: false,
            is_estimated: true,
        }),
        documents: vec![belongings.completed, belongings.running.document_id],
    };
    let more = [asked(None, 0), asked(Some("um-modelo"), 900)];
    stores.archive.append_usage(&scope, &more).await.unwrap();
    let all = stores.archive.list_usage(&scope).await.unwrap();
    assert_eq!(all, [before, more.to_vec()].concat());

    let entry = |at, subject: &str| AuditEntry {
        entry_no: 1,
        at: Timestamp::from_micros(at),
        key_id: None,
        action: "document.deleted".to_owned(),
        subject: subject.to_owned(),
    };
    stores
        .archive
        .append_audit(&scope, &[entry(12, "a"), entry(13, "b")])
        .await
        .unwrap();
    let entries = stores.archive.list_audit(&scope).await.unwrap();
    let subjects: Vec<&str> = entries.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(subjects, [&belongings.key_id.to_string(), "a", "b"]);
    assert!(entries.is_sorted_by_key(|it| it.entry_no));
    assert_eq!(entries[2].at, Timestamp::from_micros(13));
    let newest = stores.organizations.list_record(&scope, None, 1).await.unwrap();
    assert_eq!(newest[0].subject, "b");
}

/// LibraryArchive, clause 8: nothing of another organization is listed, loaded or replaced.
pub async fn nothing_of_another_organization_is_touched(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let belongings = fill(stores, &other).await;
    let archive = &stores.archive;
    assert_eq!(archive.list_stored(&scope).await.unwrap(), []);
    assert_eq!(
        archive.load_document(&scope, belongings.completed).await.unwrap(),
        None
    );
    assert_eq!(archive.list_session_ids(&scope).await.unwrap(), []);
    assert_eq!(
        archive.load_session(&scope, belongings.session_id).await.unwrap(),
        None
    );
    assert_eq!(archive.list_key_records(&scope).await.unwrap(), []);
    assert_eq!(archive.list_usage(&scope).await.unwrap(), []);
    assert_eq!(archive.list_audit(&scope).await.unwrap(), []);

    let before = loaded(stores, &other, belongings.completed).await;
    let refused = archive.put_document(&scope, &before).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Conflict);
    assert_eq!(loaded(stores, &other, belongings.completed).await, before);
    let theirs = archive
        .load_session(&other, belongings.session_id)
        .await
        .unwrap()
        .unwrap();
    let refused = archive.put_session(&scope, &theirs).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Conflict);
    let key = archive.list_key_records(&other).await.unwrap().remove(0);
    let refused = archive.put_key(&scope, &key).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Conflict);
    assert_eq!(archive.list_key_records(&other).await.unwrap(), [key]);

    let nobody = Scope::organization(ids_core::id::OrganizationId::from_uuid(uuid::Uuid::from_u128(
        0xDEAD,
    )));
    let record = document(&stores.ids, nobody.organization, &["um"]);
    let refused = archive.put_document(&nobody, &record).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::NotFound);
    let now = stores.clock.now();
    assert!(
        archive
            .list_stored(&other)
            .await
            .unwrap()
            .iter()
            .all(|it| it.updated_at <= now)
    );
    assert!(
        stores
            .documents
            .list_collections(&scope)
            .await
            .unwrap()
            .iter()
            .all(|it| it.name != collection("obras"))
    );
}

/// Runs every clause against the stores that `$make` gives, one test each.
#[macro_export]
macro_rules! library_archive_contract {
    ($make:path) => {
        $crate::library_archive_contract! { @clauses $make:
            documents_are_listed_in_the_order_of_ingestion
            a_document_comes_back_bit_by_bit
            what_was_ingested_comes_back_when_it_is_put_again
            what_is_put_is_found_in_its_order_and_counted
            a_job_that_failed_elsewhere_can_be_tried_again
            a_document_is_replaced_as_a_whole
            a_document_is_stored_whole_or_not_at_all
            a_session_comes_back_as_it_was_put
            a_key_opens_what_it_opened
            use_and_record_are_added_to
            nothing_of_another_organization_is_touched
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let stores = $make().await;
                $crate::contracts::library_archive_contract::$clause(&stores).await;
            }
        )+
    };
}
