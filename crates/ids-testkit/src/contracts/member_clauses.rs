//! What the stores promise of documents that came in others, and of texts that are nearly the same: clauses of
//! [`JobStore`](ids_core::ports::JobStore), [`DocumentStore`](ids_core::ports::DocumentStore) and
//! [`ChunkIndex`](ids_core::ports::ChunkIndex), which their suites run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ids_core::document::{BlobKey, ContentType, Document, DocumentStatus};
use ids_core::error::{ErrorCode, Failure, StoreErrorKind};
use ids_core::id::{DocumentId, JobId, VersionId};
use ids_core::job::{JobStatus, Lease};
use ids_core::member::{Family, MemberAcceptance, MemberAccepted, MemberPath};
use ids_core::page::ExtractedDocument;
use ids_core::ports::{Accepted, DocumentOrder, DocumentQuery, Ids};
use ids_core::scope::Scope;
use ids_text::minhash::Signature;

use crate::stores::{NewDocument, Stores, content_type, extracted, hash_of};

/// A member at a path, whose bytes are said to be those of a text.
fn member(stores: &Stores, path: &str, bytes: &str) -> MemberAcceptance {
    let version_id = VersionId::from_uuid(stores.ids.next());
    MemberAcceptance {
        path: MemberPath::parse(path).unwrap(),
        document_id: stores.document_id(),
        version_id,
        job_id: JobId::from_uuid(stores.ids.next()),
        blob: BlobKey(format!("temp/{version_id}")),
        content_type: content_type(ContentType::PDF),
        file_size: bytes.len() as u64,
        file_hash: hash_of(bytes),
    }
}

async fn accept(stores: &Stores, lease: &Lease, path: &str, bytes: &str) -> MemberAccepted {
    let member = member(stores, path, bytes);
    stores.jobs.accept_member(lease, &member).await.unwrap()
}

async fn accepted(stores: &Stores, lease: &Lease, path: &str, bytes: &str) -> Accepted {
    match accept(stores, lease, path, bytes).await {
        MemberAccepted::New(accepted) => accepted,
        MemberAccepted::Unchanged(document_id) => panic!("`{document_id}` is there already"),
    }
}

/// An archive whose job a worker holds.
async fn archive(stores: &Stores) -> Lease {
    let document = NewDocument::named("a.zip")
        .in_collection("obras")
        .tagged(&["2026", "água"])
        .of_type(ContentType::ZIP);
    let accepted = stores.accept(&Stores::scope(), &document).await;
    stores.claim(&accepted).await.lease
}

async fn find(stores: &Stores, document_id: DocumentId) -> Option<Document> {
    stores
        .documents
        .find_document(&Stores::scope(), document_id)
        .await
        .unwrap()
}

/// The paths of what came in a document, in order.
async fn paths(stores: &Stores, scope: &Scope, parent_id: DocumentId) -> Vec<String> {
    let query = DocumentQuery {
        parent_id: Some(parent_id),
        ..DocumentQuery::first(100, DocumentOrder::CreatedAt)
    };
    let listed = stores.documents.list_documents(scope, &query).await.unwrap();
    assert_eq!(listed.total, listed.documents.len() as u64);
    let mut paths: Vec<String> = listed
        .documents
        .into_iter()
        .filter_map(|document| document.path)
        .collect();
    paths.sort_unstable();
    paths
}

/// JobStore, clause 16: a member is a document with a job, in the collection and with the tags of its parent.
pub async fn a_member_is_a_document_of_its_own_beside_its_parent(stores: &Stores) {
    let lease = archive(stores).await;
    let first = accepted(stores, &lease, "anexos/contrato.pdf", "bytes").await;

    let document = find(stores, first.document_id).await.unwrap();
    assert_eq!(
        (document.parent_id, document.path.as_deref()),
        (Some(lease.document_id), Some("anexos/contrato.pdf"))
    );
    assert_eq!(
        (document.filename.as_str(), document.title.as_str()),
        ("contrato.pdf", "contrato")
    );
    let parent = find(stores, lease.document_id).await.unwrap();
    assert_eq!(
        (&document.collection, &document.tags),
        (&parent.collection, &parent.tags)
    );
    assert_eq!(document.status, DocumentStatus::Uploaded);
    assert_eq!(document.file_hash, Some(hash_of("bytes")));
    let claimed = stores.claim(&first).await;
    assert_eq!(claimed.version.filename, "contrato.pdf");
    assert_eq!(claimed.version.document_id, first.document_id);
    assert_eq!((parent.parent_id, parent.path), (None, None));
}

/// JobStore, clause 16: the same bytes at the same path change nothing, and other bytes become a further version.
pub async fn a_member_is_accepted_once(stores: &Stores) {
    let lease = archive(stores).await;
    let first = accepted(stores, &lease, "a.pdf", "one").await;
    // A worker that begins anew.
    assert_eq!(
        accept(stores, &lease, "a.pdf", "one").await,
        MemberAccepted::Unchanged(first.document_id)
    );
    let elsewhere = accepted(stores, &lease, "b.pdf", "one").await;
    assert_ne!(
        elsewhere.document_id, first.document_id,
        "another path is another document"
    );
    let other_bytes = accepted(stores, &lease, "a.pdf", "two").await;
    assert_eq!(other_bytes.document_id, first.document_id);
    assert_ne!(other_bytes.job, first.job);
    assert_eq!(
        paths(stores, &Stores::scope(), lease.document_id).await,
        ["a.pdf", "b.pdf"]
    );
    let other_archive = archive(stores).await;
    let theirs = accepted(stores, &other_archive, "a.pdf", "two").await;
    assert_ne!(
        theirs.document_id, first.document_id,
        "another archive has its own"
    );
}

/// JobStore, clause 16: bytes that were given up get another try, those that failed in this version of the parent do not.
pub async fn a_member_that_was_given_up_is_tried_again(stores: &Stores) {
    let lease = archive(stores).await;
    let scope = Stores::scope();
    let cancelled = accepted(stores, &lease, "a.pdf", "one").await;
    stores.jobs.cancel(&scope, cancelled.job.job_id).await.unwrap();
    let again = accepted(stores, &lease, "a.pdf", "one").await;
    assert_eq!(again.document_id, cancelled.document_id);

    let claimed = stores.claim(&again).await;
    let failure = Failure::of_input(ErrorCode::Corrupt, "it is damaged");
    stores.jobs.fail(&claimed.lease, &failure, None).await.unwrap();
    let same = accept(stores, &lease, "a.pdf", "one").await;
    assert_eq!(
        same,
        MemberAccepted::Unchanged(again.document_id),
        "the same try of the archive"
    );

    let newer = stores.accept_version(&scope, lease.document_id, "a.zip").await;
    let newer = stores.claim(&newer).await.lease;
    let again = accepted(stores, &newer, "a.pdf", "one").await;
    assert_eq!(
        again.document_id, cancelled.document_id,
        "another try of the archive"
    );
}

/// JobStore, clause 16: who lost the lease of the parent accepts nothing.
pub async fn a_member_needs_the_lease_of_its_parent(stores: &Stores) {
    let lease = archive(stores).await;
    stores
        .jobs
        .cancel(&Stores::scope(), lease.job.job_id)
        .await
        .unwrap();
    let refused = stores
        .jobs
        .accept_member(&lease, &member(stores, "a.pdf", "one"))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::LeaseLost);
    let lost = stores.documents.find_family(&lease).await.unwrap_err();
    assert_eq!(lost.kind(), StoreErrorKind::LeaseLost);
    assert_eq!(paths(stores, &Stores::scope(), lease.document_id).await, [""; 0]);
}

/// JobStore, clause 17: cancel ends the jobs of what came in a document too, also when its own is done.
pub async fn cancel_ends_the_jobs_of_members_too(stores: &Stores) {
    let scope = Stores::scope();
    let lease = archive(stores).await;
    let mail = accepted(stores, &lease, "carta.eml", "mail").await;
    let inner_lease = stores.claim(&mail).await.lease;
    let inner = accepted(stores, &inner_lease, "contrato.pdf", "bytes").await;
    let job = async |accepted: &Accepted| {
        let found = stores.jobs.find_job(&scope, accepted.job.job_id).await.unwrap();
        found.unwrap().status
    };
    stores
        .documents
        .save_extraction(&lease, &extracted(&["lista"]), hash_of("lista"))
        .await
        .unwrap();
    stores
        .chunks
        .replace(&lease, &[crate::stores::chunk(0, "lista")])
        .await
        .unwrap();
    stores.jobs.complete(&lease, None).await.unwrap();

    stores.jobs.cancel(&scope, lease.job.job_id).await.unwrap();

    assert_eq!(
        (job(&mail).await, job(&inner).await),
        (JobStatus::Cancelled, JobStatus::Cancelled)
    );
    assert_eq!(
        find(stores, lease.document_id).await.unwrap().status,
        DocumentStatus::Completed,
        "what is done stays"
    );
    let again = stores.jobs.cancel(&scope, lease.job.job_id).await.unwrap_err();
    assert_eq!(
        again.kind(),
        StoreErrorKind::Conflict,
        "nothing is left to be ended"
    );
}

/// DocumentStore, clause 13: what came in a document is listed by it and counted from any of its depths.
pub async fn members_are_listed_and_counted(stores: &Stores) {
    let lease = archive(stores).await;
    let outer = stores.documents.find_family(&lease).await.unwrap();
    assert_eq!(outer, Family { depth: 0, members: 0 });
    let mail = accepted(stores, &lease, "carta.eml", "mail").await;
    accepted(stores, &lease, "outra.pdf", "other").await;
    let inner = stores.claim(&mail).await.lease;
    accepted(stores, &inner, "contrato.pdf", "bytes").await;

    let family = |lease| async move { stores.documents.find_family(lease).await.unwrap() };
    assert_eq!(family(&lease).await, Family { depth: 0, members: 3 });
    assert_eq!(family(&inner).await, Family { depth: 1, members: 3 });
    let scope = Stores::scope();
    assert_eq!(
        paths(stores, &scope, lease.document_id).await,
        ["carta.eml", "outra.pdf"]
    );
    assert_eq!(paths(stores, &scope, mail.document_id).await, ["contrato.pdf"]);
    let elsewhere = Stores::scope_of(&["saúde"]);
    assert_eq!(paths(stores, &elsewhere, lease.document_id).await, [""; 0]);
    let other = stores.other_organization().await;
    assert_eq!(paths(stores, &other, lease.document_id).await, [""; 0]);
}

/// DocumentStore, clause 13: what came in a document goes with it, however deep it lies, and the bytes of all are named.
pub async fn members_go_with_their_parent(stores: &Stores) {
    let scope = Stores::scope();
    let lease = archive(stores).await;
    let mail = accepted(stores, &lease, "carta.eml", "mail").await;
    let inner_lease = stores.claim(&mail).await.lease;
    let inner = member(stores, "contrato.pdf", "bytes");
    stores.jobs.accept_member(&inner_lease, &inner).await.unwrap();
    let beside = stores.accept(&scope, &NewDocument::named("b.txt")).await;

    let removed = stores
        .documents
        .delete_document(&scope, lease.document_id)
        .await
        .unwrap();

    assert_eq!((removed.members, removed.blobs.len()), (2, 3));
    assert!(removed.blobs.contains(&inner.blob));
    for gone in [lease.document_id, mail.document_id, inner.document_id] {
        assert_eq!(find(stores, gone).await, None);
    }
    assert!(find(stores, beside.document_id).await.is_some());
    let lost = stores.jobs.renew(&inner_lease).await.unwrap_err();
    assert_eq!(lost.kind(), StoreErrorKind::LeaseLost);
}

/// DocumentStore, clause 13: what does not come in a further version goes when that one's extraction is saved; what comes again stays as it is.
pub async fn members_that_no_longer_come_are_removed(stores: &Stores) {
    let scope = Stores::scope();
    let lease = archive(stores).await;
    let kept = accepted(stores, &lease, "fica.pdf", "same").await;
    let gone = accepted(stores, &lease, "sai.eml", "gone").await;
    let gone_lease = stores.claim(&gone).await.lease;
    let below = accepted(stores, &gone_lease, "dentro.pdf", "inside").await;
    let save = async |lease: &Lease, text: &str| {
        let saved = stores
            .documents
            .save_extraction(lease, &extracted(&[text]), hash_of(text))
            .await;
        saved.unwrap()
    };
    assert_eq!(save(&lease, "um").await.members, 0);
    assert_eq!(save(&lease, "um").await.members, 0, "the same version again");
    let newer = stores.accept_version(&scope, lease.document_id, "a.zip").await;
    let newer = stores.claim(&newer).await.lease;
    assert_eq!(
        accept(stores, &newer, "fica.pdf", "same").await,
        MemberAccepted::Unchanged(kept.document_id)
    );
    accepted(stores, &newer, "vem.pdf", "new").await;
    assert_eq!(
        paths(stores, &scope, lease.document_id).await.len(),
        3,
        "nothing goes before all is known"
    );

    let removed = save(&newer, "dois").await;

    assert_eq!((removed.members, removed.blobs.len()), (2, 2));
    assert_eq!(find(stores, below.document_id).await, None);
    assert_eq!(
        paths(stores, &scope, lease.document_id).await,
        ["fica.pdf", "vem.pdf"]
    );
}

/// DocumentStore, clause 5: what came in an older version of the same archive, and may be about to go, is no original of a duplicate.
pub async fn what_may_go_is_no_original(stores: &Stores) {
    let scope = Stores::scope();
    let lease = archive(stores).await;
    let old = accepted(stores, &lease, "antigo.pdf", "old").await;
    let visible = async |accepted: &Accepted| {
        let lease = stores.claim(accepted).await.lease;
        let text = extracted(&["o mesmo texto"]);
        stores
            .documents
            .save_extraction(&lease, &text, hash_of("same"))
            .await
            .unwrap();
        let found = stores.documents.find_duplicate(&lease).await.unwrap();
        stores
            .chunks
            .replace(&lease, &[crate::stores::chunk(0, "o mesmo texto")])
            .await
            .unwrap();
        found
    };
    assert_eq!(visible(&old).await, None);
    let newer = stores.accept_version(&scope, lease.document_id, "a.zip").await;
    let newer = stores.claim(&newer).await.lease;
    let renamed = accepted(stores, &newer, "novo.pdf", "new").await;
    assert_eq!(
        visible(&renamed).await,
        None,
        "the one it repeats has not come again"
    );

    let beside = accepted(stores, &newer, "outro.pdf", "beside").await;
    assert_eq!(
        visible(&beside).await,
        Some(renamed.document_id),
        "this one came in the same version"
    );
}

fn signed(text: &str) -> ExtractedDocument {
    ExtractedDocument {
        signature: Signature::of(text),
        ..extracted(&[text])
    }
}

/// A text of a hundred words, some of which `changed` says otherwise.
fn letter(changed: &str, every: usize) -> String {
    let words = (0..100).map(|at| match at % every {
        0 => format!("{changed}{at}"),
        _ => format!("palavra{at}"),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// DocumentStore, clause 14: nearly the same visible texts in scope are named, the nearest first, and nothing else.
pub async fn nearly_the_same_texts_are_named_nearest_first(stores: &Stores) {
    let scope = Stores::scope();
    let put = async |scope: &Scope, name: &str, collection: &str, text: &str, is_visible: bool| {
        let document = NewDocument::named(name).in_collection(collection);
        let accepted = stores.accept(scope, &document).await;
        let lease = stores.claim(&accepted).await.lease;
        stores
            .documents
            .save_extraction(&lease, &signed(text), hash_of(text))
            .await
            .unwrap();
        if is_visible {
            stores
                .chunks
                .replace(&lease, &[crate::stores::chunk(0, text)])
                .await
                .unwrap();
            stores.jobs.complete(&lease, None).await.unwrap();
        }
        accepted.document_id
    };
    let first = put(&scope, "carta.txt", "obras", &letter("a", 50), true).await;
    let nearest = put(&scope, "quase.txt", "saúde", &letter("b", 50), true).await;
    let near = put(&scope, "perto.txt", "obras", &letter("c", 25), true).await;
    put(&scope, "outra.txt", "obras", &letter("d", 1), true).await;
    put(&scope, "oculta.txt", "obras", &letter("e", 50), false).await;
    put(
        &stores.other_organization().await,
        "deles.txt",
        "obras",
        &letter("f", 50),
        true,
    )
    .await;
    let named = async |scope: &Scope, id| {
        let found = stores.documents.list_near_duplicates(scope, id).await.unwrap();
        assert!(
            found.iter().all(|it| (0.5..1.0).contains(&it.similarity)),
            "{found:?}"
        );
        found.into_iter().map(|it| it.document_id).collect::<Vec<_>>()
    };
    assert_eq!(named(&scope, first).await, [nearest, near]);
    assert_eq!(
        named(&Stores::scope_of(&["obras"]), first).await,
        [near],
        "what may not be read is not named"
    );
    assert_eq!(
        named(&Stores::scope_of(&["saúde"]), first).await,
        [],
        "nor is that of which it may not be asked"
    );

    let short = put(&scope, "curta.txt", "obras", "um ofício", true).await;
    assert_eq!(named(&scope, short).await, []);
    stores.documents.delete_document(&scope, nearest).await.unwrap();
    assert_eq!(named(&scope, first).await, [near]);
}

/// ChunkIndex, clause 14: a chunk of what came in another document is named with that one's title.
pub async fn a_chunk_of_a_member_names_its_parent(stores: &Stores) {
    let lease = archive(stores).await;
    let mut list = extracted(&["lista"]);
    list.title = Some("Licitação 12".to_owned());
    let inner = accepted(stores, &lease, "anexos/contrato.pdf", "bytes").await;
    stores
        .documents
        .save_extraction(&lease, &list, hash_of("lista"))
        .await
        .unwrap();
    let claimed = stores.claim(&inner).await;
    stores.prepare(&claimed, &["cláusula"]).await;
    let scope = Stores::scope();
    let terms = [crate::stores::weighted("cláusula", 1)];
    let filter = ids_core::chunk::Filter::default();
    let found = stores
        .chunks
        .lexical_candidates(&scope, &filter, &terms)
        .await
        .unwrap();
    let details = stores.chunks.load_details(&scope, &found).await.unwrap();
    let titles: Vec<&str> = details
        .iter()
        .map(|chunk| chunk.document_title.as_str())
        .collect();
    assert_eq!(titles, ["Licitação 12 › contrato"]);
    assert_eq!(details[0].filename, "contrato.pdf");
}
