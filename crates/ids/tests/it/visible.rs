//! A document is found by its words as soon as its chunks are there, long before its embeddings are.

use crate::place::{Place, corpus};
use crate::server::Server;
use crate::wait;

#[test]
fn a_document_is_found_by_its_words_while_it_is_still_being_embedded() {
    let Some(corpus) = corpus() else { return };
    let place = Place::new();
    let server = Server::start(&place);
    let bytes = std::fs::read(corpus.join("debian-reference-pt-p1-40.pdf")).unwrap();
    let document_id = server.upload("book.pdf", &bytes);

    wait::until("embedding", || {
        let status = server.status(&document_id);
        assert_ne!(status["status"], "completed", "too fast to be seen embedding");
        (status["status"] == "embedding").then_some(())
    });
    let hits = server.search("permissões aplicadas ao criar ficheiros", "hybrid");
    let after = server.status(&document_id);

    assert_eq!(after["status"], "embedding", "the search was answered meanwhile");
    assert!(
        after["chunks_processed"].as_u64() < after["total_chunks"].as_u64(),
        "{after}"
    );
    assert_eq!(
        hits.first().map(|hit| hit["page"].clone()),
        Some(38.into()),
        "{hits:#?}"
    );
}
