//! Stores keep terms and fetch candidates; how a text becomes terms, and what a hit is worth, is the domain's alone.
//! Otherwise two back ends come to rank in two ways (house style, section 1, the trap).

use super::rust_text::{code_lines, first_test_line, identifier};
use super::tree::Tree;

const STORES: [&str; 3] = [
    "crates/ids-sqlite/src/",
    "crates/ids-postgres/src/",
    "crates/ids-redis/src/",
];
const MARKER: &str = "ids_text::";

/// The type of a term with its limits, and the folding of titles and names, which is no analysis.
const FREE: [&str; 3] = ["Term", "term", "fold"];

/// Complains about each use, in a store, of anything of `ids-text` but what is free.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, source) in STORES.iter().flat_map(|folder| tree.texts_in(folder, ".rs")) {
        let end = first_test_line(source).unwrap_or(usize::MAX);
        for (number, line) in code_lines(source).take_while(|(number, _)| *number < end) {
            let used = line.split(MARKER).skip(1).flat_map(names);
            complaints.extend(used.filter(|name| !FREE.contains(name)).map(|name| {
                format!("{path}:{number} uses `{MARKER}{name}`; analyze in ids-core and hand the terms to the port")
            }));
        }
    }
    complaints
}

/// What is named after the marker: one name, or a list in braces.
fn names(after: &str) -> Vec<&str> {
    match after.strip_prefix('{') {
        None => vec![identifier(after)],
        Some(list) => list
            .split('}')
            .next()
            .unwrap_or(list)
            .split(',')
            .map(|name| identifier(name.trim()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_may_name_terms_and_analyze_nothing() {
        let source = "use ids_text::{Term, analyze};\nlet t: ids_text::Term = ids_text::query_terms(q);\n\
                      #[cfg(test)]\nmod tests { use ids_text::query_terms; }\n";
        let tree = Tree::of(&[
            ("crates/ids-sqlite/src/index.rs", source),
            ("crates/ids-core/src/lib.rs", source),
        ]);
        assert_eq!(
            check(&tree),
            [
                "crates/ids-sqlite/src/index.rs:1 uses `ids_text::analyze`; analyze in ids-core and hand the terms to the port",
                "crates/ids-sqlite/src/index.rs:2 uses `ids_text::query_terms`; analyze in ids-core and hand the terms \
                 to the port",
            ]
        );
    }
}
