//! What every [`DocumentStore`](ids_core::ports::DocumentStore) promises, one function or more a clause of the port's doc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ids_core::document::{
    AcceptedAs, BlobKey, ContentType, Document, DocumentChange, DocumentStatus, NewUpload, SourcePath,
    UploadState,
};
use ids_core::error::StoreErrorKind;
use ids_core::id::DocumentId;
use ids_core::page::{
    Block, BlockKind, ExtractedDocument, ExtractionNote, LineBox, NoteKind, Page, RecognizedWord,
};
use ids_core::ports::{Clock, DocumentOrder, DocumentQuery};
use ids_core::scope::{CollectionName, Scope, Tag};
use ids_core::span::CharSpan;

pub use super::member_clauses::{
    members_are_listed_and_counted, members_go_with_their_parent, members_that_no_longer_come_are_removed,
    nearly_the_same_texts_are_named_nearest_first, what_may_go_is_no_original,
};
use crate::stores::{NewDocument, Stores, collection, content_type, direction, extracted, hash_of};

const SECOND: Duration = Duration::from_secs(1);

fn everything() -> DocumentQuery {
    DocumentQuery::first(100, DocumentOrder::CreatedAt)
}

async fn find(stores: &Stores, document_id: DocumentId) -> Document {
    stores
        .documents
        .find_document(&Stores::scope(), document_id)
        .await
        .unwrap()
        .unwrap()
}

async fn listed(stores: &Stores, query: &DocumentQuery) -> Vec<String> {
    let list = stores
        .documents
        .list_documents(&Stores::scope(), query)
        .await
        .unwrap();
    list.documents
        .into_iter()
        .map(|document| document.filename)
        .collect()
}

/// DocumentStore, clause 1: what is announced is found as it was said.
pub async fn an_announced_document_is_found_as_it_was_said(stores: &Stores) {
    let scope = Stores::scope();
    let mut document = NewDocument::named("Edital nº 7.pdf")
        .tagged(&["obras", "2026"])
        .of_type(ContentType::PDF);
    document.title = Some("Edital de obras".to_owned());
    let mut upload = stores.upload(&document);
    upload.details.description = Some("pavimentação".to_owned());
    let created = stores.documents.create_upload(&scope, &upload).await.unwrap();

    assert_eq!(created, find(stores, upload.document_id).await);
    assert_eq!(created.title, "Edital de obras");
    assert_eq!(created.description.as_deref(), Some("pavimentação"));
    assert_eq!(created.tags, document.tags);
    assert_eq!(
        (created.status, created.file_hash),
        (DocumentStatus::AwaitingUpload, None)
    );
    assert_eq!(
        (created.content_type.as_str(), created.file_size),
        (ContentType::PDF, upload.file_size)
    );
    assert_eq!(
        (created.job_id, created.page_count, created.total_chunks),
        (None, None, 0)
    );
    assert_eq!(
        (created.created_at, created.updated_at),
        (stores.clock.now(), stores.clock.now())
    );
    let found = stores
        .documents
        .find_upload(&scope, upload.upload_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.state, &found.blob), (UploadState::Awaiting, &upload.blob));
    assert_eq!(
        (found.document_id, found.expires_at),
        (upload.document_id, upload.expires_at)
    );

    let further = NewUpload {
        is_new_document: false,
        ..stores.upload(&document)
    };
    let error = stores
        .documents
        .create_upload(&scope, &further)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound);
}

/// DocumentStore, clause 1: what is out of scope is as if it were not there.
pub async fn what_is_out_of_scope_is_not_there(stores: &Stores) {
    let scope = Stores::scope();
    let document = NewDocument::named("a.txt")
        .in_collection("saude")
        .from_path("/a.txt");
    let prepared = stores.prepared(&scope, &document, &["palavra"]).await;
    let upload = stores.upload(&document);
    stores.documents.create_upload(&scope, &upload).await.unwrap();
    let id = prepared.document_id;

    for outside in [
        stores.other_organization().await,
        Stores::scope_of(&["obras"]),
        Stores::scope_of(&[]),
    ] {
        let documents = &stores.documents;
        assert_eq!(documents.find_document(&outside, id).await.unwrap(), None);
        assert_eq!(documents.find_status(&outside, id).await.unwrap(), None);
        assert_eq!(documents.find_page(&outside, id, 1).await.unwrap(), None);
        assert_eq!(documents.find_analysis(&outside, id).await.unwrap(), None);
        assert_eq!(documents.find_original(&outside, id).await.unwrap(), None);
        assert_eq!(
            documents.find_upload(&outside, upload.upload_id).await.unwrap(),
            None
        );
        assert_eq!(
            documents
                .list_documents(&outside, &everything())
                .await
                .unwrap()
                .total,
            0
        );
        assert_eq!(documents.list_collections(&outside).await.unwrap(), []);
        assert_eq!(
            documents.library_counts(&outside).await.unwrap(),
            Default::default()
        );
        let source = document.source.clone().unwrap();
        assert_eq!(
            documents
                .find_source(&outside, &document.collection, &source)
                .await
                .unwrap(),
            None
        );
        let refused = [
            documents.list_chunks(&outside, id, 10, 0).await.unwrap_err(),
            documents
                .change_document(&outside, id, &DocumentChange::default())
                .await
                .unwrap_err(),
            documents.delete_document(&outside, id).await.unwrap_err(),
            documents
                .delete_collection(&outside, &document.collection)
                .await
                .unwrap_err(),
            documents
                .mark_received(&outside, upload.upload_id, &upload.blob, hash_of("a"))
                .await
                .unwrap_err(),
        ];
        assert!(
            refused
                .iter()
                .all(|error| error.kind() == StoreErrorKind::NotFound),
            "{refused:?}"
        );
        documents.delete_upload(&outside, upload.upload_id).await.unwrap();
    }
    let inside = Stores::scope_of(&["saude", "obras"]);
    assert_eq!(
        stores
            .documents
            .list_documents(&inside, &everything())
            .await
            .unwrap()
            .total,
        2
    );
    let collections = stores.documents.list_collections(&inside).await.unwrap();
    assert_eq!(
        (collections[0].name.as_str(), collections[0].documents),
        ("saude", 2)
    );
    let counts = stores.documents.library_counts(&inside).await.unwrap();
    assert_eq!((counts.pages, counts.chunks, counts.embeddings), (2, 1, 0));
    assert!(
        stores
            .documents
            .find_upload(&inside, upload.upload_id)
            .await
            .unwrap()
            .is_some()
    );
}

/// DocumentStore, clause 1: every organization that has something is listed.
pub async fn organizations_are_listed(stores: &Stores) {
    let other = stores.other_organization().await;
    stores.accept(&other, &NewDocument::named("a.txt")).await;
    let organizations = stores.documents.list_organizations().await.unwrap();
    assert_eq!(organizations, [Stores::scope().organization, other.organization]);
    stores.documents.ping().await.unwrap();
}

/// DocumentStore, clause 2: pages of a list hold everything once, in the order asked.
pub async fn a_list_pages_through_everything_once(stores: &Stores) {
    let scope = Stores::scope();
    for (number, name) in ["d.txt", "B.txt", "ção.txt", "a.txt", "e.txt"].iter().enumerate() {
        if number < 3 {
            stores.clock.advance(SECOND);
        }
        stores.accept(&scope, &NewDocument::named(name)).await;
    }
    for order in [
        DocumentOrder::CreatedAt,
        DocumentOrder::UpdatedAt,
        DocumentOrder::Title,
        DocumentOrder::Filename,
        DocumentOrder::FileSize,
        DocumentOrder::Status,
    ] {
        for descending in [false, true] {
            let query = DocumentQuery {
                order,
                descending,
                ..everything()
            };
            let whole = listed(stores, &query).await;
            assert_eq!(whole.len(), 5);
            let mut paged = Vec::new();
            for offset in (0..6).step_by(2) {
                let page = DocumentQuery {
                    limit: 2,
                    offset,
                    ..query.clone()
                };
                assert_eq!(
                    stores
                        .documents
                        .list_documents(&scope, &page)
                        .await
                        .unwrap()
                        .total,
                    5
                );
                paged.extend(listed(stores, &page).await);
            }
            assert_eq!(paged, whole, "{order:?}, descending: {descending}");
        }
    }
    let by_title = DocumentQuery {
        order: DocumentOrder::Title,
        ..everything()
    };
    assert_eq!(
        listed(stores, &by_title).await,
        ["a.txt", "B.txt", "ção.txt", "d.txt", "e.txt"]
    );
    let newest = DocumentQuery {
        descending: true,
        limit: 3,
        ..everything()
    };
    // The last three came in the same moment: ties go by id.
    assert_eq!(listed(stores, &newest).await, ["ção.txt", "a.txt", "e.txt"]);
}

/// DocumentStore, clause 2: a list is narrowed by words of the title or file name, tags, status and collection.
pub async fn a_list_is_narrowed(stores: &Stores) {
    let scope = Stores::scope();
    let mut titled = NewDocument::named("x.txt").tagged(&["obras", "2026"]);
    titled.title = Some("Licitação de Pavimentação".to_owned());
    stores.accept(&scope, &titled).await;
    stores
        .accept(
            &scope,
            &NewDocument::named("licitacao.txt")
                .tagged(&["obras"])
                .in_collection("saude"),
        )
        .await;
    stores
        .completed(&scope, &NewDocument::named("100%_done.txt"), &["palavra"])
        .await;

    let search = |text: &str| DocumentQuery {
        search: Some(text.to_owned()),
        ..everything()
    };
    assert_eq!(
        listed(stores, &search("LICITACAO")).await,
        ["x.txt", "licitacao.txt"]
    );
    assert_eq!(listed(stores, &search("licitação de")).await, ["x.txt"]);
    assert_eq!(listed(stores, &search("%_")).await, ["100%_done.txt"]);
    assert_eq!(listed(stores, &search("x%t")).await, [""; 0]);
    let tags = |names: &[&str]| names.iter().map(|name| Tag::parse(name).unwrap()).collect();
    let tagged = |names: &[&str]| DocumentQuery {
        tags: tags(names),
        ..everything()
    };
    assert_eq!(
        listed(stores, &tagged(&["obras"])).await,
        ["x.txt", "licitacao.txt"]
    );
    assert_eq!(listed(stores, &tagged(&["2026", "obras"])).await, ["x.txt"]);
    let completed = DocumentQuery {
        status: Some(DocumentStatus::Completed),
        ..everything()
    };
    assert_eq!(listed(stores, &completed).await, ["100%_done.txt"]);
    let health = DocumentQuery {
        collection: Some(CollectionName::parse("saude").unwrap()),
        ..everything()
    };
    assert_eq!(listed(stores, &health).await, ["licitacao.txt"]);
}

/// DocumentStore, clause 3: a change touches only what is given.
pub async fn a_change_touches_only_what_is_given(stores: &Stores) {
    let scope = Stores::scope();
    let accepted = stores
        .accept(&scope, &NewDocument::named("a.txt").tagged(&["obras"]))
        .await;
    let before = find(stores, accepted.document_id).await;
    stores.clock.advance(SECOND);
    let change = |change: DocumentChange| {
        let scope = scope.clone();
        async move {
            stores
                .documents
                .change_document(&scope, accepted.document_id, &change)
                .await
                .unwrap()
        }
    };
    let titled = change(DocumentChange {
        title: Some("Novo título".to_owned()),
        ..Default::default()
    })
    .await;
    assert_eq!(
        titled,
        Document {
            title: "Novo título".to_owned(),
            updated_at: stores.clock.now(),
            ..before
        }
    );
    let described = change(DocumentChange {
        description: Some("sobre".to_owned()),
        ..Default::default()
    })
    .await;
    assert_eq!(
        described,
        Document {
            description: Some("sobre".to_owned()),
            ..titled
        }
    );
    let tags = vec![Tag::parse("z").unwrap(), Tag::parse("a").unwrap()];
    let tagged = change(DocumentChange {
        tags: Some(tags.clone()),
        ..Default::default()
    })
    .await;
    assert_eq!(tagged, Document { tags, ..described });
    let plain = change(DocumentChange {
        description: Some(String::new()),
        ..Default::default()
    })
    .await;
    assert_eq!(
        plain,
        Document {
            description: None,
            ..tagged
        }
    );
    assert_eq!(find(stores, accepted.document_id).await, plain);
}

/// DocumentStore, clause 4: `delete_document` removes all that hangs on a document, and names the bytes left.
pub async fn delete_removes_all_and_names_the_bytes(stores: &Stores) {
    let scope = Stores::scope();
    let prepared = stores
        .prepared(
            &scope,
            &NewDocument::named("a.txt"),
            &["palavra um", "palavra dois"],
        )
        .await;
    stores.embed(&prepared, &[direction(0.0)]).await;
    let kept = BlobKey("originals/a".to_owned());
    stores.jobs.complete(&prepared.lease, Some(&kept)).await.unwrap();
    let id = prepared.document_id;
    let accepted = stores.accept_version(&scope, id, "b.txt").await;
    let claimed = stores.claim(&accepted).await;
    let second = claimed.version.blob.clone().unwrap();
    stores.prepare(&claimed, &["outra"]).await;
    let waiting = NewUpload {
        is_new_document: false,
        document_id: id,
        ..stores.upload(&NewDocument::named("c.txt"))
    };
    stores.documents.create_upload(&scope, &waiting).await.unwrap();

    let removed = stores.documents.delete_document(&scope, id).await.unwrap();

    assert_eq!((removed.chunks, removed.embeddings), (3, 1));
    let mut blobs = removed.blobs;
    blobs.sort_by(|a, b| a.0.cmp(&b.0));
    let mut expected = vec![kept, second, waiting.blob];
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(blobs, expected);
    assert_eq!(stores.documents.find_document(&scope, id).await.unwrap(), None);
    assert_eq!(stores.documents.find_page(&scope, id, 1).await.unwrap(), None);
    assert_eq!(
        stores
            .documents
            .find_upload(&scope, waiting.upload_id)
            .await
            .unwrap(),
        None
    );
    assert_eq!(stores.jobs.list_jobs(&scope, None, 10, 0).await.unwrap(), []);
    assert_eq!(stores.found_by_word(&scope, "palavra").await, [""; 0]);
    assert_eq!(
        stores.documents.library_counts(&scope).await.unwrap(),
        Default::default()
    );
    let again = stores.documents.delete_document(&scope, id).await.unwrap_err();
    assert_eq!(again.kind(), StoreErrorKind::NotFound);
}

fn rich_document() -> ExtractedDocument {
    let text = "Título\n\nTexto com ação.";
    let page = Page {
        number: 1,
        width: Some(595.5),
        height: Some(842.0),
        text: text.to_owned(),
        blocks: vec![
            Block {
                kind: BlockKind::Heading { level: 2 },
                span: CharSpan::new(0, 6),
            },
            Block {
                kind: BlockKind::Paragraph,
                span: CharSpan::new(8, 23),
            },
        ],
        lines: vec![LineBox {
            span: CharSpan::new(0, 6),
            x: 72.25,
            y: 80.5,
            width: 300.0,
            height: 14.5,
        }],
        words: vec![
            RecognizedWord {
                span: CharSpan::new(0, 6),
                confidence: 100,
            },
            RecognizedWord {
                span: CharSpan::new(8, 13),
                confidence: 0,
            },
        ],
    };
    let note = ExtractionNote {
        page_number: Some(2),
        kind: NoteKind::NeedsOcr,
        text: "page 2 is a picture".to_owned(),
    };
    ExtractedDocument {
        title: Some("Do arquivo".to_owned()),
        author: Some("Prefeitura".to_owned()),
        content_type: Some(content_type(ContentType::HTML)),
        pages: vec![
            page,
            Page {
                number: 2,
                ..Page::default()
            },
        ],
        notes: vec![note],
        signature: None,
    }
}

/// DocumentStore, clause 5: `save_extraction` keeps everything, and running it twice changes nothing.
pub async fn an_extraction_is_kept_whole_and_once(stores: &Stores) {
    let scope = Stores::scope();
    let accepted = stores.accept(&scope, &NewDocument::named("a.txt")).await;
    let lease = stores.claim(&accepted).await.lease;
    let extracted = rich_document();
    for _ in 0..2 {
        stores
            .documents
            .save_extraction(&lease, &extracted, hash_of("text"))
            .await
            .unwrap();

        assert_eq!(
            stores.documents.load_pages(&lease).await.unwrap(),
            extracted.pages
        );
        let (page, page_count) = stores
            .documents
            .find_page(&scope, accepted.document_id, 1)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((page, page_count), (extracted.pages[0].clone(), 2));
        let analysis = stores
            .documents
            .find_analysis(&scope, accepted.document_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (analysis.author.as_deref(), analysis.page_count),
            (Some("Prefeitura"), Some(2))
        );
        assert_eq!(
            (analysis.characters, analysis.notes),
            (23, extracted.notes.clone())
        );
        let document = find(stores, accepted.document_id).await;
        assert_eq!(
            (document.title.as_str(), document.page_count),
            ("Do arquivo", Some(2))
        );
        assert_eq!(document.content_type.as_str(), ContentType::HTML);
    }
    stores.jobs.release(&lease).await.unwrap();
    let claimed = stores.claim(&accepted).await;
    assert_eq!(claimed.version.title.as_deref(), Some("Do arquivo"));
    assert_eq!(claimed.version.page_count, Some(2));
}

/// DocumentStore, clause 5: a title that a person gave stays when the file has its own.
pub async fn a_given_title_outranks_the_one_of_the_file(stores: &Stores) {
    let mut document = NewDocument::named("a.txt");
    document.title = Some("De uma pessoa".to_owned());
    let accepted = stores.accept(&Stores::scope(), &document).await;
    let lease = stores.claim(&accepted).await.lease;
    stores
        .documents
        .save_extraction(&lease, &rich_document(), hash_of("text"))
        .await
        .unwrap();
    assert_eq!(find(stores, accepted.document_id).await.title, "De uma pessoa");
}

/// DocumentStore, clause 5: a duplicate is another document of the collection whose visible version has the same text.
pub async fn a_duplicate_has_the_same_visible_text_in_the_same_collection(stores: &Stores) {
    let scope = Stores::scope();
    let same_text = hash_of("the same text");
    let extract_for = async |scope: &Scope, name: &str, collection: &str| {
        let document = NewDocument::named(name).in_collection(collection);
        let accepted = stores.accept(scope, &document).await;
        let lease = stores.claim(&accepted).await.lease;
        stores
            .documents
            .save_extraction(&lease, &extracted(&["the same text"]), same_text)
            .await
            .unwrap();
        lease
    };
    let extract = |name, collection| extract_for(&scope, name, collection);
    let first = extract("first.txt", "a").await;
    let second = extract("second.txt", "a").await;
    assert_eq!(stores.documents.find_duplicate(&first).await.unwrap(), None);
    assert_eq!(
        stores.documents.find_duplicate(&second).await.unwrap(),
        None,
        "the first is not visible yet"
    );
    stores
        .chunks
        .replace(&first, &[crate::stores::chunk(0, "the same text")])
        .await
        .unwrap();
    assert_eq!(
        stores.documents.find_duplicate(&second).await.unwrap(),
        Some(first.document_id)
    );
    let elsewhere = extract("third.txt", "b").await;
    assert_eq!(stores.documents.find_duplicate(&elsewhere).await.unwrap(), None);
    let theirs = extract_for(&stores.other_organization().await, "theirs.txt", "a").await;
    assert_eq!(stores.documents.find_duplicate(&theirs).await.unwrap(), None);

    stores.jobs.complete(&first, None).await.unwrap();
    let accepted = stores
        .accept_version(&scope, first.document_id, "further.txt")
        .await;
    let further = stores.claim(&accepted).await.lease;
    stores
        .documents
        .save_extraction(&further, &extracted(&["the same text"]), same_text)
        .await
        .unwrap();
    assert_eq!(
        stores.documents.find_duplicate(&further).await.unwrap(),
        None,
        "its own old version is none"
    );
}

/// DocumentStore, clause 6: pages and chunks shown are those of the visible version.
pub async fn what_is_shown_is_of_the_visible_version(stores: &Stores) {
    let scope = Stores::scope();
    let accepted = stores.accept(&scope, &NewDocument::named("a.txt")).await;
    let id = accepted.document_id;
    assert_eq!(stores.documents.find_page(&scope, id, 1).await.unwrap(), None);
    assert_eq!(
        stores
            .documents
            .list_chunks(&scope, id, 10, 0)
            .await
            .unwrap()
            .total,
        0
    );
    let lease = stores.claim(&accepted).await.lease;
    stores
        .documents
        .save_extraction(&lease, &extracted(&["old one", "old two"]), hash_of("old"))
        .await
        .unwrap();
    let page = |number| async move {
        stores
            .documents
            .find_page(&Stores::scope(), id, number)
            .await
            .unwrap()
            .map(|(page, count)| (page.text, count))
    };
    assert_eq!(
        page(2).await,
        Some(("old two".to_owned(), 2)),
        "of the one being made, while none is visible"
    );
    assert_eq!(page(3).await, None);
    let chunks = ["um", "dois", "tres"]
        .iter()
        .enumerate()
        .map(|(at, text)| crate::stores::chunk(at, text));
    stores
        .chunks
        .replace(&lease, &chunks.collect::<Vec<_>>())
        .await
        .unwrap();
    stores.jobs.complete(&lease, None).await.unwrap();

    let further = stores.accept_version(&scope, id, "b.txt").await;
    let lease = stores.claim(&further).await.lease;
    stores
        .documents
        .save_extraction(&lease, &extracted(&["new"]), hash_of("new"))
        .await
        .unwrap();
    stores
        .chunks
        .replace(&lease, &[crate::stores::chunk(0, "novo")])
        .await
        .unwrap();
    assert_eq!(page(1).await, Some(("old one".to_owned(), 2)));
    let listed = stores.documents.list_chunks(&scope, id, 2, 1).await.unwrap();
    let contents: Vec<&str> = listed.chunks.iter().map(|chunk| chunk.content.as_str()).collect();
    assert_eq!((contents, listed.total), (vec!["dois", "tres"], 3));
    let document = find(stores, id).await;
    assert_eq!(
        (
            document.filename.as_str(),
            document.page_count,
            document.total_chunks
        ),
        ("a.txt", Some(2), 3)
    );

    stores.jobs.complete(&lease, None).await.unwrap();
    assert_eq!(page(1).await, Some(("new".to_owned(), 1)));
    assert_eq!(
        stores
            .documents
            .list_chunks(&scope, id, 10, 0)
            .await
            .unwrap()
            .total,
        1
    );
}

/// DocumentStore, clause 6: the status counts chunks of the version being made, else of the visible one.
pub async fn the_status_counts_chunks_of_the_version_being_made(stores: &Stores) {
    let scope = Stores::scope();
    let prepared = stores
        .prepared(&scope, &NewDocument::named("a.txt"), &["um", "dois"])
        .await;
    let status = || async {
        stores
            .documents
            .find_status(&scope, prepared.document_id)
            .await
            .unwrap()
            .unwrap()
    };
    assert_eq!(
        (status().await.chunks_processed, status().await.total_chunks),
        (0, 2)
    );
    stores.embed(&prepared, &[direction(0.0)]).await;
    assert_eq!(
        (status().await.chunks_processed, status().await.total_chunks),
        (1, 2)
    );
    assert!(!status().await.temporary_removed);
    stores.jobs.complete(&prepared.lease, None).await.unwrap();
    assert!(status().await.temporary_removed);

    let accepted = stores.accept_version(&scope, prepared.document_id, "b.txt").await;
    assert_eq!(
        (status().await.chunks_processed, status().await.total_chunks),
        (0, 0)
    );
    assert!(!status().await.temporary_removed);
    stores.jobs.cancel(&scope, accepted.job.job_id).await.unwrap();
    assert_eq!(
        (status().await.chunks_processed, status().await.total_chunks),
        (1, 2)
    );
}

/// DocumentStore, clause 7: an upload's bytes are received once.
pub async fn the_bytes_of_an_upload_are_received_once(stores: &Stores) {
    let scope = Stores::scope();
    let upload = stores.upload(&NewDocument::named("a.txt"));
    let unknown = stores
        .documents
        .mark_received(&scope, upload.upload_id, &upload.blob, hash_of("a"))
        .await
        .unwrap_err();
    assert_eq!(unknown.kind(), StoreErrorKind::NotFound);
    stores.documents.create_upload(&scope, &upload).await.unwrap();
    stores
        .documents
        .mark_received(&scope, upload.upload_id, &upload.blob, hash_of("a"))
        .await
        .unwrap();

    let again = stores
        .documents
        .mark_received(
            &scope,
            upload.upload_id,
            &BlobKey("temp/another-try".to_owned()),
            hash_of("b"),
        )
        .await
        .unwrap_err();
    assert_eq!(again.kind(), StoreErrorKind::Conflict);
    let found = stores
        .documents
        .find_upload(&scope, upload.upload_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        found.state,
        UploadState::Received {
            file_hash: hash_of("a")
        }
    );
    assert_eq!(
        find(stores, upload.document_id).await.file_hash,
        Some(hash_of("a"))
    );
}

/// DocumentStore, clause 8: uploads past their time that were never processed are named and removed with their document.
pub async fn expired_uploads_are_named_and_removed(stores: &Stores) {
    let scope = Stores::scope();
    let document = NewDocument::named("a.txt");
    let awaiting = stores.upload(&document);
    stores.documents.create_upload(&scope, &awaiting).await.unwrap();
    let processed = stores.upload(&document);
    stores.documents.create_upload(&scope, &processed).await.unwrap();
    stores
        .documents
        .mark_received(&scope, processed.upload_id, &processed.blob, hash_of("a"))
        .await
        .unwrap();
    let acceptance = stores.acceptance(
        &document,
        processed.document_id,
        AcceptedAs::Upload(processed.upload_id),
    );
    stores.jobs.accept(&scope, &acceptance).await.unwrap();
    let further = NewUpload {
        is_new_document: false,
        document_id: processed.document_id,
        ..stores.upload(&document)
    };
    stores.documents.create_upload(&scope, &further).await.unwrap();
    let expired = async |scope: &Scope, limit| {
        let now = stores.clock.now();
        stores
            .documents
            .list_expired_uploads(scope, now, limit)
            .await
            .unwrap()
    };
    assert_eq!(expired(&scope, 10).await, []);

    stores.clock.advance(SECOND * 3_600);
    let named = |uploads: Vec<ids_core::document::Upload>| {
        uploads
            .into_iter()
            .map(|upload| upload.upload_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        named(expired(&scope, 10).await),
        [awaiting.upload_id, further.upload_id]
    );
    assert_eq!(expired(&scope, 1).await.len(), 1);
    assert_eq!(expired(&Stores::other_scope(), 10).await, []);

    for upload in [&awaiting, &further, &awaiting] {
        stores
            .documents
            .delete_upload(&scope, upload.upload_id)
            .await
            .unwrap();
    }
    let refused = stores
        .documents
        .delete_upload(&scope, processed.upload_id)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Conflict);
    assert_eq!(
        stores
            .documents
            .find_document(&scope, awaiting.document_id)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        find(stores, processed.document_id).await.status,
        DocumentStatus::Uploaded
    );
    assert_eq!(expired(&scope, 10).await, []);
}

/// DocumentStore, clause 9: a source path names at most one document of a collection.
pub async fn a_source_path_names_one_document_of_a_collection(stores: &Stores) {
    let scope = Stores::scope();
    let document = NewDocument::named("a.txt").from_path("/dados/a.txt");
    let source = document.source.clone().unwrap();
    let first = stores.accept(&scope, &document).await;
    let elsewhere = stores
        .accept(&scope, &document.clone().in_collection("saude"))
        .await;
    let accepted_as = AcceptedAs::NewDocument {
        details: document.details(),
        source: Some(source.clone()),
    };
    let taken = stores.acceptance(&document, stores.document_id(), accepted_as);
    assert_eq!(
        stores.jobs.accept(&scope, &taken).await.unwrap_err().kind(),
        StoreErrorKind::Conflict
    );

    let find = |collection: CollectionName| {
        let source = source.clone();
        async move {
            stores
                .documents
                .find_source(&Stores::scope(), &collection, &source)
                .await
                .unwrap()
                .unwrap()
        }
    };
    let record = find(CollectionName::default()).await;
    assert_eq!(
        (record.document_id, record.file_hash),
        (first.document_id, hash_of("a.txt"))
    );
    assert_eq!(
        find(crate::stores::collection("saude")).await.document_id,
        elsewhere.document_id
    );

    let claimed = stores.claim(&first).await;
    let prepared = stores.prepare(&claimed, &["palavra"]).await;
    stores.jobs.complete(&prepared.lease, None).await.unwrap();
    stores
        .accept_version(&scope, first.document_id, "a, changed.txt")
        .await;
    let record = find(CollectionName::default()).await;
    assert_eq!(
        (record.file_hash, record.status),
        (hash_of("a, changed.txt"), DocumentStatus::Uploaded)
    );
}

/// DocumentStore, clause 10: `list_unknown_blobs` names only what nothing refers to.
pub async fn only_bytes_that_nothing_refers_to_are_unknown(stores: &Stores) {
    let scope = Stores::scope();
    let waiting = stores.upload(&NewDocument::named("waiting.txt"));
    stores.documents.create_upload(&scope, &waiting).await.unwrap();
    let accepted = stores.accept(&scope, &NewDocument::named("a.txt")).await;
    let claimed = stores.claim(&accepted).await;
    let temporary = claimed.version.blob.clone().unwrap();
    let (kept, lost) = (BlobKey("originals/a".to_owned()), BlobKey("temp/lost".to_owned()));
    // Moved by a worker that was killed before it could note so.
    let moved = BlobKey(format!("originals/org/{}", claimed.lease.version_id));
    let keys = [
        lost.clone(),
        waiting.blob.clone(),
        temporary.clone(),
        kept.clone(),
        moved.clone(),
    ];
    assert_eq!(
        stores.documents.list_unknown_blobs(&scope, &keys).await.unwrap(),
        [lost.clone(), kept.clone()]
    );

    let prepared = stores.prepare(&claimed, &["palavra"]).await;
    stores.jobs.complete(&prepared.lease, Some(&kept)).await.unwrap();
    stores
        .documents
        .delete_upload(&scope, waiting.upload_id)
        .await
        .unwrap();
    let unknown = stores.documents.list_unknown_blobs(&scope, &keys).await.unwrap();
    assert_eq!(unknown, [lost, waiting.blob, temporary, moved]);

    // The removal of a duplicate's bytes may fail, and nothing else would remove them.
    let again = stores.accept(&scope, &NewDocument::named("again.txt")).await;
    let again = stores.claim(&again).await;
    let left = again.version.blob.clone().unwrap();
    assert_eq!(left.version(), Some(again.lease.version_id));
    stores
        .jobs
        .end_as_duplicate(&again.lease, prepared.document_id)
        .await
        .unwrap();
    let unknown = stores
        .documents
        .list_unknown_blobs(&scope, std::slice::from_ref(&left));
    assert_eq!(unknown.await.unwrap(), [left]);

    let other = stores
        .documents
        .list_unknown_blobs(&Stores::other_scope(), std::slice::from_ref(&kept))
        .await
        .unwrap();
    assert_eq!(other, [kept], "of another organization");
}

async fn collections(stores: &Stores, scope: &Scope) -> Vec<(String, u64)> {
    let collections = stores.documents.list_collections(scope).await.unwrap();
    collections
        .into_iter()
        .map(|it| (it.name.as_str().to_owned(), it.documents))
        .collect()
}

/// DocumentStore, clause 11: a collection is made once, and listed empty too.
pub async fn a_collection_is_made_once_and_listed_empty(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let documents = &stores.documents;
    for _ in 0..2 {
        documents
            .ensure_collection(&scope, &collection("saúde"))
            .await
            .unwrap();
    }
    assert_eq!(collections(stores, &scope).await, [("saúde".to_owned(), 0)]);
    assert_eq!(collections(stores, &other).await, []);
    let document = NewDocument::named("a.txt").in_collection("saúde");
    stores.accept(&scope, &document).await;
    documents
        .ensure_collection(&scope, &collection("saúde"))
        .await
        .unwrap();
    assert_eq!(collections(stores, &scope).await, [("saúde".to_owned(), 1)]);

    let narrow = Stores::scope_of(&["obras"]);
    let hidden = documents
        .ensure_collection(&narrow, &collection("saúde"))
        .await
        .unwrap_err();
    assert_eq!(hidden.kind(), StoreErrorKind::NotFound, "it may not be seen");
    documents
        .ensure_collection(&narrow, &collection("obras"))
        .await
        .unwrap();
    assert_eq!(collections(stores, &narrow).await, [("obras".to_owned(), 0)]);
}

/// DocumentStore, clause 11: a collection is removed only when it is empty.
pub async fn only_an_empty_collection_is_removed(stores: &Stores) {
    let (scope, other) = (Stores::scope(), stores.other_organization().await);
    let saude = collection("saúde");
    let delete = async |scope: &Scope| stores.documents.delete_collection(scope, &saude).await;
    assert_eq!(delete(&scope).await.unwrap_err().kind(), StoreErrorKind::NotFound);
    let document = NewDocument::named("a.txt").in_collection("saúde");
    let upload = stores.upload(&document);
    stores.documents.create_upload(&scope, &upload).await.unwrap();
    stores.documents.ensure_collection(&other, &saude).await.unwrap();

    let refused = delete(&scope).await.unwrap_err();
    assert_eq!(
        refused.kind(),
        StoreErrorKind::Conflict,
        "a document is announced"
    );
    let hidden = delete(&Stores::scope_of(&["obras"])).await.unwrap_err();
    assert_eq!(hidden.kind(), StoreErrorKind::NotFound);
    stores
        .documents
        .delete_document(&scope, upload.document_id)
        .await
        .unwrap();
    delete(&scope).await.unwrap();

    assert_eq!(collections(stores, &scope).await, []);
    assert_eq!(collections(stores, &other).await, [("saúde".to_owned(), 0)]);
    assert_eq!(delete(&scope).await.unwrap_err().kind(), StoreErrorKind::NotFound);
    stores.accept(&scope, &document).await;
    assert_eq!(collections(stores, &scope).await, [("saúde".to_owned(), 1)]);
}

/// DocumentStore, clause 12: `list_sources` names what came from below a folder, each once, in the order of the paths' bytes.
pub async fn files_below_a_folder_are_named_once_in_order(stores: &Stores) {
    let scope = Stores::scope();
    let mut expected = Vec::new();
    // In the order of bytes, which is no language's.
    for path in ["/d/B.txt", "/d/a.txt", "/d/a/z.txt", "/d/á.txt"] {
        let accepted = stores
            .accept(&scope, &NewDocument::named(path).from_path(path))
            .await;
        expected.push((path.to_owned(), accepted.document_id));
    }
    for path in ["/d", "/d.txt", "/d0", "/D/a.txt", "/e/d/a.txt"] {
        stores
            .accept(&scope, &NewDocument::named(path).from_path(path))
            .await;
    }
    let elsewhere = NewDocument::named("other")
        .from_path("/d/other.txt")
        .in_collection("saude");
    stores.accept(&scope, &elsewhere).await;
    stores.accept(&scope, &NewDocument::named("no path")).await;

    let collection = CollectionName::default();
    let folder = SourcePath("/d".to_owned());
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let documents = &stores.documents;
        let page = documents.list_sources(&scope, &collection, &folder, after.as_ref(), 3);
        let page = page.await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.source.clone());
        for file in page {
            assert_eq!(file.file_hash, hash_of(&file.source.0), "of the newest version");
            found.push((file.source.0, file.document_id));
        }
    }
    assert_eq!(found, expected);
    let root = SourcePath("/".to_owned());
    let below_root = stores
        .documents
        .list_sources(&scope, &collection, &root, None, 100);
    assert_eq!(below_root.await.unwrap().len(), 9);
    for outside in [stores.other_organization().await, Stores::scope_of(&["saude"])] {
        let listed = stores
            .documents
            .list_sources(&outside, &collection, &folder, None, 100);
        assert_eq!(listed.await.unwrap(), []);
    }
}

/// DocumentStore, clause 12: `move_source` gives a document another path and file name and touches nothing else of it.
pub async fn a_moved_file_stays_its_document(stores: &Stores) {
    let scope = Stores::scope();
    let document = NewDocument::named("a.txt").from_path("/d/a.txt");
    let prepared = stores.prepared(&scope, &document, &["palavra"]).await;
    let id = prepared.document_id;
    let other = NewDocument::named("b.txt").from_path("/d/b.txt");
    stores.accept(&scope, &other).await;
    let uploaded = stores.accept(&scope, &NewDocument::named("c.txt")).await;
    let before = find(stores, id).await;
    let documents = &stores.documents;
    let chunks = async || {
        let page = documents.list_chunks(&scope, id, 10, 0).await.unwrap();
        let chunks = page.chunks.into_iter();
        chunks
            .map(|chunk| (chunk.chunk_id, chunk.content))
            .collect::<Vec<_>>()
    };
    let chunks_before = chunks().await;
    stores.clock.advance(SECOND);

    let target = SourcePath("/d/deep/ação.txt".to_owned());
    documents
        .move_source(&scope, id, &target, "ação.txt")
        .await
        .unwrap();

    let after = find(stores, id).await;
    assert_eq!(
        (after.filename.as_str(), after.title.as_str()),
        ("ação.txt", "ação")
    );
    assert_eq!(
        (
            after.file_hash,
            after.status,
            after.total_chunks,
            after.created_at
        ),
        (
            before.file_hash,
            before.status,
            before.total_chunks,
            before.created_at
        )
    );
    assert_eq!(chunks().await, chunks_before);
    let collection = &after.collection;
    let record = documents
        .find_source(&scope, collection, &target)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.document_id, id);
    let old = document.source.clone().unwrap();
    assert_eq!(
        documents.find_source(&scope, collection, &old).await.unwrap(),
        None
    );
    let original = documents.find_original(&scope, id).await.unwrap();
    assert_eq!(original.unwrap().1, "ação.txt");

    let refused = async |scope: &Scope, id, source: &SourcePath| {
        let moved = documents.move_source(scope, id, source, "x.txt").await;
        moved.unwrap_err().kind()
    };
    let free = SourcePath("/d/free.txt".to_owned());
    let taken = other.source.clone().unwrap();
    assert_eq!(refused(&scope, id, &taken).await, StoreErrorKind::Conflict);
    assert_eq!(
        refused(&scope, uploaded.document_id, &free).await,
        StoreErrorKind::NotFound
    );
    assert_eq!(
        refused(&scope, stores.document_id(), &free).await,
        StoreErrorKind::NotFound
    );
    for outside in [stores.other_organization().await, Stores::scope_of(&["saude"])] {
        assert_eq!(refused(&outside, id, &free).await, StoreErrorKind::NotFound);
    }
    assert_eq!(find(stores, id).await, after, "what was refused changed nothing");
}

/// Runs every clause against an adapter: `document_store_contract!(make);`, where `make` is an `async fn` without
/// arguments that returns new [`Stores`](crate::Stores).
#[macro_export]
macro_rules! document_store_contract {
    ($make:path) => {
        $crate::document_store_contract! { @clauses $make:
            an_announced_document_is_found_as_it_was_said
            what_is_out_of_scope_is_not_there
            organizations_are_listed
            a_list_pages_through_everything_once
            a_list_is_narrowed
            a_change_touches_only_what_is_given
            delete_removes_all_and_names_the_bytes
            an_extraction_is_kept_whole_and_once
            a_given_title_outranks_the_one_of_the_file
            a_duplicate_has_the_same_visible_text_in_the_same_collection
            what_is_shown_is_of_the_visible_version
            the_status_counts_chunks_of_the_version_being_made
            the_bytes_of_an_upload_are_received_once
            expired_uploads_are_named_and_removed
            a_source_path_names_one_document_of_a_collection
            only_bytes_that_nothing_refers_to_are_unknown
            a_collection_is_made_once_and_listed_empty
            only_an_empty_collection_is_removed
            files_below_a_folder_are_named_once_in_order
            a_moved_file_stays_its_document
            members_are_listed_and_counted
            members_go_with_their_parent
            members_that_no_longer_come_are_removed
            what_may_go_is_no_original
            nearly_the_same_texts_are_named_nearest_first
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let stores = $make().await;
                $crate::contracts::document_store_contract::$clause(&stores).await;
            }
        )+
    };
}
