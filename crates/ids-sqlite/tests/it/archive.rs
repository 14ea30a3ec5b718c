//! A damaged row is named when its document is read for a move, and nothing is made up for it.

use ids_core::error::StoreErrorKind;
use ids_core::ports::LibraryArchive;
use ids_sqlite::SqliteLibrary;
use ids_testkit::records::full_document;
use rusqlite::Connection;

use crate::{Stores, library};

#[tokio::test]
async fn a_damaged_row_is_named() {
    for (damage, named) in [
        (
            "update chunks set terms = x'0501' where chunk_index = 1",
            "`chunks`",
        ),
        ("delete from chunks where chunk_index = 2", "`versions`"),
        (
            "update chunks set chunk_index = 9 where chunk_index = 2",
            "`chunks`",
        ),
        ("update embeddings set vector = x'00'", "`embeddings`"),
        ("update pages set blocks = x'09'", "`pages`"),
        ("update jobs set status = 'finished', queue = 'unknown'", "`jobs`"),
        ("update documents set status = 'unknown'", "`documents`"),
    ] {
        let (stores, library, folder) = library();
        let record = full_document(&stores.ids, Stores::scope().organization);
        library.put_document(&Stores::scope(), &record).await.unwrap();
        let file = Connection::open(SqliteLibrary::path_in(folder.path())).unwrap();
        file.execute_batch(&format!("pragma foreign_keys = off; {damage}"))
            .unwrap();

        let loaded = library
            .load_document(&Stores::scope(), record.document.document_id)
            .await;
        let error = loaded.unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{damage}");
        assert!(cause.contains(named), "{damage}: {cause}");
    }
}
