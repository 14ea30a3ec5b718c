//! What every [`OrganizationStore`](ids_core::ports::OrganizationStore) promises, one function or more a clause of the port's
//! doc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ids_core::access::{
    ApiKey, AuditEntry, KeyHash, KeySecret, NewKey, Organization, OrganizationName, Permission, Permissions,
};
use ids_core::budget::UsageBy;
use ids_core::chunk::Filter;
use ids_core::cleanup::{CleanupTask, NewCleanup};
use ids_core::document::AcceptedAs;
use ids_core::error::{StoreError, StoreErrorKind};
use ids_core::id::{JobId, KeyId, OrganizationId};
use ids_core::job::JobRef;
use ids_core::ports::{Clock, DocumentOrder, DocumentQuery, Ids, SessionQuery};
use ids_core::scope::{CollectionAccess, Scope};

use crate::ManualClock;
use crate::belongings::{create_key, exchange, fill, new_key, sorted_blobs};
use crate::stores::{NewDocument, Stores, collection, hash_of, term};

const SECOND: Duration = Duration::from_secs(1);
const MANY: usize = 100;

fn name(text: &str) -> OrganizationName {
    OrganizationName::parse(text).unwrap()
}

fn new_organization(stores: &Stores) -> OrganizationId {
    OrganizationId::from_uuid(stores.ids.next())
}

/// The key as it is shown, just after it was made.
fn shown(stores: &Stores, scope: &Scope, key: &NewKey) -> ApiKey {
    ApiKey {
        key_id: key.key_id,
        organization: scope.organization,
        name: key.name.clone(),
        hint: key.hint.clone(),
        permissions: key.permissions,
        collections: key.collections.clone(),
        created_at: stores.clock.now(),
        expires_at: key.expires_at,
        revoked_at: None,
    }
}

fn kind<T: std::fmt::Debug>(refused: Result<T, StoreError>) -> StoreErrorKind {
    refused.unwrap_err().kind()
}

/// OrganizationStore, clause 1: an organization is made once; its name and its id are taken from then on.
pub async fn an_organization_is_made_once(stores: &Stores) {
    let organizations = &stores.organizations;
    let (first, second) = (new_organization(stores), new_organization(stores));
    let scope = Scope::organization(first);
    assert_eq!(organizations.find_organization(&scope).await.unwrap(), None);
    organizations
        .create_organization(first, &name("Câmara de São João"))
        .await
        .unwrap();

    let expected = Organization {
        organization_id: first,
        name: name("Câmara de São João"),
        created_at: stores.clock.now(),
    };
    let found = organizations.find_organization(&scope).await.unwrap();
    assert_eq!(found, Some(expected.clone()));
    for (id, taken) in [
        (first, "Câmara de São João"),
        (first, "Prefeitura"),
        (second, "Câmara de São João"),
        (second, OrganizationName::DEFAULT),
        (OrganizationId::DEFAULT, "Prefeitura"),
    ] {
        let refused = organizations.create_organization(id, &name(taken)).await;
        assert_eq!(kind(refused), StoreErrorKind::Conflict, "{id} {taken}");
    }
    assert_eq!(
        organizations.find_organization(&scope).await.unwrap(),
        Some(expected)
    );
    organizations
        .create_organization(second, &name("Prefeitura"))
        .await
        .unwrap();
    let listed = stores.documents.list_organizations().await.unwrap();
    assert_eq!(listed, [OrganizationId::DEFAULT, first, second]);
}

/// OrganizationStore, clause 1: `default` is there from the beginning.
pub async fn the_default_organization_is_there(stores: &Stores) {
    let found = stores
        .organizations
        .find_organization(&Stores::scope())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.organization_id, OrganizationId::DEFAULT);
    assert_eq!(found.name.as_str(), OrganizationName::DEFAULT);
}

/// OrganizationStore, clause 2: a key of any organization is found by its hash, revoked and expired ones too.
pub async fn a_key_is_found_by_its_hash(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let (mine, my_hash) = create_key(stores, &scope).await;
    let (theirs, their_hash) = create_key(stores, &other).await;
    let expired = NewKey {
        expires_at: Some(ManualClock::START.plus(SECOND)),
        ..new_key(stores)
    };
    let expired_key = stores.organizations.create_key(&scope, &expired).await.unwrap();
    stores.clock.advance(SECOND * 2);
    let revoked = stores
        .organizations
        .revoke_key(&other, theirs.key_id)
        .await
        .unwrap();

    let find = async |hash: KeyHash| stores.organizations.find_key(&hash).await.unwrap();
    assert_eq!(find(my_hash).await, Some(mine));
    assert_eq!(find(their_hash).await, Some(revoked));
    assert_eq!(find(expired.hash).await, Some(expired_key));
    let nobodys = KeySecret::from_random(&stores.ids.secret()).hash();
    assert_eq!(find(nobodys).await, None);
}

/// OrganizationStore, clause 3: keys come back as they were given.
pub async fn keys_come_back_as_they_were_given(stores: &Stores) {
    let scope = Stores::scope();
    let plain = new_key(stores);
    let full = NewKey {
        name: Some("Portal da Transparência".to_owned()),
        permissions: [Permission::Search, Permission::Ask].into_iter().collect(),
        collections: CollectionAccess::Only(vec![collection("saúde, obras"), collection("atas")]),
        expires_at: Some(stores.clock.now().plus(SECOND)),
        ..new_key(stores)
    };
    let none = NewKey {
        permissions: Permissions::default(),
        collections: CollectionAccess::Only(Vec::new()),
        ..new_key(stores)
    };
    for key in [plain, full, none] {
        let made = stores.organizations.create_key(&scope, &key).await.unwrap();
        assert_eq!(made, shown(stores, &scope, &key));
        let found = stores.organizations.find_key(&key.hash).await.unwrap();
        assert_eq!(found, Some(made.clone()));
        let listed = stores.organizations.list_keys(&scope).await.unwrap();
        assert!(listed.contains(&made), "{listed:?}");
    }
}

/// OrganizationStore, clause 3: keys are listed newest first, of their own organization only.
pub async fn keys_are_listed_newest_first_and_of_their_organization(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    assert_eq!(stores.organizations.list_keys(&scope).await.unwrap(), []);
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(create_key(stores, &scope).await.0);
        stores.clock.advance(SECOND);
    }
    let theirs = create_key(stores, &other).await.0;

    let listed = stores.organizations.list_keys(&scope).await.unwrap();
    keys.reverse();
    assert_eq!(listed, keys);
    assert_eq!(stores.organizations.list_keys(&other).await.unwrap(), [theirs]);
}

/// OrganizationStore, clause 3: a key is stored once, for an organization that is there.
pub async fn a_key_is_stored_once(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let key = new_key(stores);
    let made = stores.organizations.create_key(&scope, &key).await.unwrap();
    let same_id = NewKey {
        key_id: key.key_id,
        ..new_key(stores)
    };
    let same_hash = NewKey {
        hash: key.hash,
        ..new_key(stores)
    };
    for scope in [&scope, &other] {
        for taken in [&same_id, &same_hash] {
            let refused = stores.organizations.create_key(scope, taken).await;
            assert_eq!(kind(refused), StoreErrorKind::Conflict);
        }
    }
    let nowhere = Scope::organization(new_organization(stores));
    let refused = stores.organizations.create_key(&nowhere, &new_key(stores)).await;
    assert_eq!(kind(refused), StoreErrorKind::NotFound);
    let found = stores.organizations.find_key(&key.hash).await.unwrap();
    assert_eq!(found, Some(made.clone()));
    assert_eq!(stores.organizations.list_keys(&scope).await.unwrap(), [made]);
}

/// OrganizationStore, clause 4: a key is revoked once, the first time stays, and only its organization can do it.
pub async fn a_key_is_revoked_once(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let (key, hash) = create_key(stores, &scope).await;
    let (kept, _) = create_key(stores, &scope).await;
    let organizations = &stores.organizations;
    let unknown = KeyId::from_uuid(stores.ids.next());
    for (scope, key_id) in [(&other, key.key_id), (&scope, unknown)] {
        let refused = organizations.revoke_key(scope, key_id).await;
        assert_eq!(kind(refused), StoreErrorKind::NotFound);
    }
    assert_eq!(organizations.find_key(&hash).await.unwrap(), Some(key.clone()));

    stores.clock.advance(SECOND);
    let revoked = ApiKey {
        revoked_at: Some(stores.clock.now()),
        ..key.clone()
    };
    for _ in 0..2 {
        let said = organizations.revoke_key(&scope, key.key_id).await.unwrap();
        assert_eq!(said, revoked);
        stores.clock.advance(SECOND);
    }
    assert_eq!(
        organizations.find_key(&hash).await.unwrap(),
        Some(revoked.clone())
    );
    let mut listed = organizations.list_keys(&scope).await.unwrap();
    listed.sort_by_key(|it| it.key_id);
    assert_eq!(listed, [revoked, kept]);
}

/// How much an organization has: documents, collections, chunks, terms, embeddings, jobs, cleanups, sessions, answers, keys, entries.
async fn count(stores: &Stores, scope: &Scope) -> [u64; 11] {
    let documents = DocumentQuery::first(MANY, DocumentOrder::CreatedAt);
    let sessions = SessionQuery {
        limit: MANY,
        ..SessionQuery::default()
    };
    let chunks = &stores.chunks;
    let models = chunks.embedding_models(scope).await.unwrap();
    let statistics = chunks.statistics(scope, &[term("palavra")]).await.unwrap();
    let found = chunks.count_chunks(scope, &Filter::default()).await.unwrap();
    assert_eq!(found, statistics.chunks);
    let usage = stores
        .ledger
        .count_usage(
            scope,
            ManualClock::START,
            stores.clock.now().plus(SECOND),
            UsageBy::Key,
        )
        .await
        .unwrap();
    let collections = stores.documents.list_collections(scope).await.unwrap();
    let jobs = stores.jobs.list_jobs(scope, None, MANY, 0).await.unwrap();
    let cleanups = stores.cleanups.list_cleanups(scope, None, MANY, 0).await.unwrap();
    let keys = stores.organizations.list_keys(scope).await.unwrap();
    let record = stores.organizations.list_record(scope, None, MANY).await.unwrap();
    [
        stores
            .documents
            .list_documents(scope, &documents)
            .await
            .unwrap()
            .total,
        collections.len() as u64,
        found,
        statistics.document_frequencies[0],
        models.iter().map(|(_, embeddings)| embeddings).sum(),
        jobs.len() as u64,
        cleanups.len() as u64,
        stores
            .sessions
            .list_sessions(scope, &sessions)
            .await
            .unwrap()
            .total,
        usage.iter().map(|it| it.questions).sum(),
        keys.len() as u64,
        record.len() as u64,
    ]
}

/// OrganizationStore, clause 5: all that belongs to an organization goes, its bytes are named, and nothing of another goes.
pub async fn a_deleted_organization_is_gone_with_all_of_it(stores: &Stores) {
    const FULL: [u64; 11] = [3, 3, 3, 3, 2, 2, 1, 1, 2, 1, 1];
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let kept = fill(stores, &scope).await;
    let gone = fill(stores, &other).await;
    assert_eq!(count(stores, &scope).await, FULL);
    assert_eq!(count(stores, &other).await, FULL);

    let blobs = sorted_blobs(stores.organizations.delete_organization(&other).await.unwrap());

    assert_eq!(blobs, gone.blobs);
    assert_eq!(count(stores, &other).await, [0; 11]);
    assert_eq!(count(stores, &scope).await, FULL);
    let organizations = &stores.organizations;
    assert_eq!(organizations.find_organization(&other).await.unwrap(), None);
    assert_eq!(
        stores.documents.list_organizations().await.unwrap(),
        [scope.organization]
    );
    let twice = organizations.delete_organization(&other).await;
    assert_eq!(kind(twice), StoreErrorKind::NotFound);
    assert_eq!(organizations.find_key(&gone.key_hash).await.unwrap(), None);
    assert!(organizations.find_key(&kept.key_hash).await.unwrap().is_some());
    let unknown = stores
        .documents
        .list_unknown_blobs(&other, &gone.blobs)
        .await
        .unwrap();
    assert_eq!(unknown, gone.blobs);

    // Under the ids of before nothing is found, whoever asks.
    for scope in [&scope, &other] {
        let documents = &stores.documents;
        assert_eq!(
            documents.find_document(scope, gone.completed).await.unwrap(),
            None
        );
        let session = stores.sessions.find_session(scope, gone.session_id).await;
        assert_eq!(session.unwrap(), None);
        let cleanup = stores.cleanups.find_cleanup(scope, gone.cleanup).await;
        assert_eq!(cleanup.unwrap(), None);
        let key = organizations.revoke_key(scope, gone.key_id).await;
        assert_eq!(kind(key), StoreErrorKind::NotFound);
    }

    // An organization made under the same id starts empty.
    stores.other_organization().await;
    assert_eq!(count(stores, &other).await, [0; 11]);
    fill(stores, &other).await;
    assert_eq!(count(stores, &other).await, FULL);
}

/// OrganizationStore, clause 5: who works for an organization that is gone has lost the lease, and finds nothing to claim.
pub async fn who_works_for_a_deleted_organization_has_lost_the_lease(stores: &Stores) {
    let other = stores.other_organization().await;
    let gone = fill(stores, &other).await;
    let lease = gone.running.lease;
    stores.organizations.delete_organization(&other).await.unwrap();

    let lost = [
        kind(stores.jobs.renew(&lease).await),
        kind(stores.jobs.complete(&lease, None).await),
        kind(stores.documents.load_pages(&lease).await),
    ];
    assert_eq!(lost, [StoreErrorKind::LeaseLost; 3]);
    assert_eq!(stores.jobs.claim(&lease.job, "worker").await.unwrap(), None);
    let cleanup = JobRef {
        job_id: gone.cleanup,
        ..lease.job
    };
    let claimed = stores.cleanups.claim_cleanup(&cleanup, "worker").await;
    assert_eq!(claimed.unwrap(), None);
}

/// OrganizationStore, clause 5: nothing is written for an organization that is gone: it does not come back by itself.
pub async fn nothing_is_written_for_an_organization_that_is_gone(stores: &Stores) {
    let other = stores.other_organization().await;
    stores.organizations.delete_organization(&other).await.unwrap();
    let document = NewDocument::named("a.txt");
    let accepted_as = AcceptedAs::NewDocument {
        details: document.details(),
        source: None,
    };
    let acceptance = stores.acceptance(&document, stores.document_id(), accepted_as);
    let upload = stores.upload(&document);
    let cleanup = NewCleanup {
        job_id: JobId::from_uuid(stores.ids.next()),
        task: CleanupTask::S3Cleanup,
        older_than: SECOND,
        slot: None,
    };

    let missing = [
        kind(stores.jobs.accept(&other, &acceptance).await),
        kind(stores.documents.create_upload(&other, &upload).await),
        kind(
            stores
                .documents
                .ensure_collection(&other, &collection("nova"))
                .await,
        ),
        kind(stores.sessions.append(&other, &exchange(stores, None)).await),
        kind(stores.organizations.create_key(&other, &new_key(stores)).await),
        kind(stores.cleanups.accept_cleanup(&other, &cleanup).await),
        kind(stores.organizations.record(&other, None, "x", "y").await),
    ];
    assert_eq!(missing, [StoreErrorKind::NotFound; 7]);
    let listed = stores.documents.list_organizations().await.unwrap();
    assert_eq!(listed, [OrganizationId::DEFAULT]);
    let statistics = stores.chunks.statistics(&other, &[term("x")]).await.unwrap();
    assert_eq!(statistics.chunks, 0);
}

/// OrganizationStore, clause 5: `default`, which is always there, is emptied and stays.
pub async fn deleting_the_default_organization_empties_it(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let theirs = fill(stores, &other).await;
    let gone = fill(stores, &scope).await;
    let blobs = sorted_blobs(stores.organizations.delete_organization(&scope).await.unwrap());

    assert_eq!(blobs, gone.blobs);
    assert_eq!(count(stores, &scope).await, [0; 11]);
    the_default_organization_is_there(stores).await;
    stores.accept(&scope, &NewDocument::named("a.txt")).await;
    let left = stores.documents.find_document(&other, theirs.completed).await;
    assert!(left.unwrap().is_some());
}

/// OrganizationStore, clause 6: the record is listed newest first, and goes on behind an entry that was listed before.
pub async fn the_record_is_listed_newest_first_and_goes_on(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let organizations = &stores.organizations;
    assert_eq!(organizations.list_record(&scope, None, MANY).await.unwrap(), []);
    let key_id = create_key(stores, &scope).await.0.key_id;
    for number in 0..5 {
        let key_id = (number % 2 == 0).then_some(key_id);
        organizations
            .record(&scope, key_id, "document.deleted", &format!("Ata nº {number}"))
            .await
            .unwrap();
        organizations
            .record(&other, None, "key.created", "other")
            .await
            .unwrap();
        stores.clock.advance(SECOND);
    }

    let all = organizations.list_record(&scope, None, MANY).await.unwrap();
    assert_eq!(all.len(), 5);
    for (entry, number) in all.iter().zip((0..5u32).rev()) {
        let expected = AuditEntry {
            entry_no: entry.entry_no,
            at: ManualClock::START.plus(SECOND * number),
            key_id: (number % 2 == 0).then_some(key_id),
            action: "document.deleted".to_owned(),
            subject: format!("Ata nº {number}"),
        };
        assert_eq!(entry, &expected);
    }
    assert!(all.windows(2).all(|pair| pair[0].entry_no > pair[1].entry_no));
    let mut paged: Vec<AuditEntry> = Vec::new();
    while paged.len() < 5 {
        let before = paged.last().map(|entry| entry.entry_no);
        let page = organizations.list_record(&scope, before, 2).await.unwrap();
        assert!(!page.is_empty() && page.len() <= 2);
        paged.extend(page);
        // What is noted between two pages belongs to neither.
        organizations
            .record(&scope, None, "later", "later")
            .await
            .unwrap();
    }
    assert_eq!(paged, all);
    let last = all.last().map(|entry| entry.entry_no);
    assert_eq!(organizations.list_record(&scope, last, MANY).await.unwrap(), []);
    let theirs = organizations.list_record(&other, None, MANY).await.unwrap();
    assert!(theirs.len() == 5 && theirs.iter().all(|entry| entry.subject == "other"));
}

/// Every port, as seen from another organization that has as much: the ids of the first give it nothing. The scopes of
/// [`OrganizationStore`](ids_core::ports::OrganizationStore), clauses 3, 4 and 6.
pub async fn the_ids_of_one_organization_give_another_nothing(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let mine = fill(stores, &scope).await;
    fill(stores, &other).await;
    let before = (count(stores, &scope).await, count(stores, &other).await);
    let further = AcceptedAs::FurtherVersion {
        filename: "b.txt".to_owned(),
    };
    let further = stores.acceptance(&NewDocument::named("b.txt"), mine.completed, further);
    let open = stores.upload(&NewDocument::named("d.txt"));
    stores.documents.create_upload(&scope, &open).await.unwrap();
    stores
        .documents
        .mark_received(&scope, open.upload_id, &open.blob, hash_of("d.txt"))
        .await
        .unwrap();
    let of_upload = stores.acceptance(
        &NewDocument::named("d.txt"),
        open.document_id,
        AcceptedAs::Upload(open.upload_id),
    );
    let mut version_upload = stores.upload(&NewDocument::named("e.txt"));
    version_upload.document_id = mine.completed;
    version_upload.is_new_document = false;
    let (documents, jobs) = (&stores.documents, &stores.jobs);
    let obras = collection("só minha");
    documents.ensure_collection(&scope, &obras).await.unwrap();

    let refused = [
        kind(jobs.accept(&other, &further).await),
        kind(jobs.accept(&other, &of_upload).await),
        kind(jobs.cancel(&other, mine.running.lease.job.job_id).await),
        kind(jobs.retry(&other, mine.running.lease.job.job_id).await),
        kind(documents.create_upload(&other, &version_upload).await),
        kind(documents.delete_document(&other, mine.completed).await),
        kind(documents.delete_collection(&other, &obras).await),
        kind(documents.list_chunks(&other, mine.completed, 1, 0).await),
        kind(stores.sessions.list_messages(&other, mine.session_id, 1).await),
        kind(stores.sessions.rename_session(&other, mine.session_id, "x").await),
        kind(stores.sessions.delete_session(&other, mine.session_id).await),
        kind(stores.cleanups.cancel_cleanup(&other, mine.cleanup).await),
        kind(stores.cleanups.retry_cleanup(&other, mine.cleanup).await),
        kind(stores.organizations.revoke_key(&other, mine.key_id).await),
    ];
    assert_eq!(refused, [StoreErrorKind::NotFound; 14]);
    // Not being there is no error of this one; it must not touch the other's.
    documents.delete_upload(&other, open.upload_id).await.unwrap();
    assert!(
        documents
            .find_upload(&scope, open.upload_id)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        jobs.find_job(&other, mine.running.lease.job.job_id)
            .await
            .unwrap(),
        None
    );
    // The same names of collections, paths and tasks are each organization's own.
    let listed = documents.list_collections(&other).await.unwrap();
    assert!(listed.iter().all(|it| it.name != obras), "{listed:?}");
    documents.delete_document(&scope, open.document_id).await.unwrap();
    documents.delete_collection(&scope, &obras).await.unwrap();
    assert_eq!((count(stores, &scope).await, count(stores, &other).await), before);
}

/// Runs every clause against an adapter: `organization_store_contract!(make);`, where `make` is an `async fn` without
/// arguments that returns new [`Stores`](crate::Stores).
#[macro_export]
macro_rules! organization_store_contract {
    ($make:path) => {
        $crate::organization_store_contract! { @clauses $make:
            an_organization_is_made_once
            the_default_organization_is_there
            a_key_is_found_by_its_hash
            keys_come_back_as_they_were_given
            keys_are_listed_newest_first_and_of_their_organization
            a_key_is_stored_once
            a_key_is_revoked_once
            a_deleted_organization_is_gone_with_all_of_it
            who_works_for_a_deleted_organization_has_lost_the_lease
            nothing_is_written_for_an_organization_that_is_gone
            deleting_the_default_organization_empties_it
            the_record_is_listed_newest_first_and_goes_on
            the_ids_of_one_organization_give_another_nothing
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let stores = $make().await;
                $crate::contracts::organization_store_contract::$clause(&stores).await;
            }
        )+
    };
}
