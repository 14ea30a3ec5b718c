//! A damaged row is named when its document is read for a move, and nothing is made up for it.

use ids_core::error::StoreErrorKind;
use ids_core::ports::LibraryArchive;
use ids_testkit::records::full_document;
use ids_testkit::{SequentialIds, Stores};

use crate::Library;

#[tokio::test]
async fn a_damaged_row_is_named() {
    let library = Library::open().await;
    let (scope, ids) = (Stores::scope(), SequentialIds::default());
    let client = library.connect().await;
    // Row level security holds for this connection too.
    let organization = format!("set ids.organization = '{}'", scope.organization);
    client.batch_execute(&organization).await.unwrap();
    for (damage, named) in [
        (
            "update chunks set terms = '\\x0501' where chunk_index = 1",
            "`chunks`",
        ),
        (
            "update chunks set chunk_index = 9 where chunk_index = 2",
            "`chunks`",
        ),
        (
            "update versions set chunk_count = 4 where chunk_count = 3",
            "`versions`",
        ),
        ("update pages set blocks = '\\x09'", "`pages`"),
        ("update jobs set queue = 'unknown'", "`jobs`"),
        ("update documents set status = 'unknown'", "`documents`"),
    ] {
        let record = full_document(&ids, scope.organization);
        library.library.put_document(&scope, &record).await.unwrap();
        client.batch_execute(damage).await.unwrap();
        let loaded = library
            .library
            .load_document(&scope, record.document.document_id)
            .await;
        let error = loaded.unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{damage}");
        assert!(cause.contains(named), "{damage}: {cause}");
        client
            .batch_execute(
                "delete from embeddings; delete from chunks; delete from postings; delete from jobs; delete from documents",
            )
            .await
            .unwrap();
    }
}
