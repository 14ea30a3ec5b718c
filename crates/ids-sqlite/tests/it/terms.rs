//! FTS5 keeps every term as it was encoded (design.md 4: the tokenizers of stores split what they are given).

use std::collections::BTreeSet;

use ids_core::chunk::NewChunk;
use ids_sqlite::SqliteLibrary;
use ids_testkit::stores::{NewDocument, chunk};
use ids_text::Term;
use ids_text::term::Kind;
use rusqlite::Connection;

use crate::{Stores, library};

/// Terms with everything that tokenizers like to split, fold or drop.
fn odd_terms() -> BTreeSet<Term> {
    let words = [
        "14.133/2021",
        "r:14133",
        "ção",
        "Ünïcödé",
        "straße",
        "ﬁm",
        "法",
        "😀",
        "a-b",
        "it's",
        "x_y",
        "\u{0}",
        "  ",
        "\"aspas\"",
        "near",
        "and",
        "or",
        "not",
        "a*",
        "^a",
        "00",
        "0",
        "zz",
        "z",
        "é\u{301}",
    ];
    let long = ["a".repeat(95), "b".repeat(96), "😀".repeat(500), "z".repeat(40)];
    let kinds = [Kind::Portuguese, Kind::English, Kind::Exact];
    let words = words.iter().copied().chain(long.iter().map(String::as_str));
    words
        .flat_map(|word| kinds.map(|kind| Term::encode(kind, word)))
        .collect()
}

#[tokio::test]
async fn the_index_keeps_every_term_as_it_is() {
    let (stores, library, folder) = library();
    let scope = Stores::scope();
    let terms = odd_terms();
    let counted = terms.iter().map(|term| (term.clone(), 1)).collect();
    let odd = NewChunk {
        terms: counted,
        length: terms.len() as u32,
        ..chunk(0, "")
    };
    let accepted = stores.accept(&scope, &NewDocument::named("odd.txt")).await;
    let claimed = stores.claim(&accepted).await;
    stores.prepare_chunks(&claimed, &[odd, chunk(1, "outro")]).await;

    for term in &terms {
        let asked = [ids_core::ports::WeightedTerm {
            term: term.clone(),
            weight: 1,
        }];
        let everything = ids_core::chunk::Filter::default();
        let found = stores
            .chunks
            .lexical_candidates(&scope, &everything, &asked)
            .await
            .unwrap();
        assert_eq!(found.len(), 1, "`{term}`");
    }
    library.close().await;
    let file = Connection::open(SqliteLibrary::path_in(folder.path())).unwrap();
    file.execute_batch("create virtual table temp.vocabulary using fts5vocab('main', 'postings', 'row')")
        .unwrap();
    let mut statement = file
        .prepare("select term from temp.vocabulary order by term")
        .unwrap();
    let kept: BTreeSet<String> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut expected: BTreeSet<String> = terms.iter().map(Term::to_string).collect();
    expected.insert(Term::encode(Kind::Exact, "outro").to_string());
    assert_eq!(kept, expected);
}
