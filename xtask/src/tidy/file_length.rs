//! A module is read in one sitting: about 500 lines, and never over 700.

use super::tree::Tree;

const MOST_LINES: usize = 700;

/// Longer files, each with the reason why splitting it would make it worse.
const LONGER: [(&str, &str); 4] = [
    (
        "crates/ids-testkit/src/contracts/chunk_index_contract.rs",
        ONE_LIST,
    ),
    (
        "crates/ids-testkit/src/contracts/document_store_contract.rs",
        ONE_LIST,
    ),
    ("crates/ids-testkit/src/contracts/job_store_contract.rs", ONE_LIST),
    (
        "crates/ids-testkit/src/contracts/session_store_contract.rs",
        ONE_LIST,
    ),
];
const ONE_LIST: &str = "a contract is one list of clauses, read beside its port";

/// Complains about each source file that is too long, and each exception that is needed no more.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut complaints = too_long(tree);
    complaints.extend(stale_exceptions(tree));
    complaints
}

fn too_long(tree: &Tree) -> Vec<String> {
    tree.texts_in("", ".rs")
        .filter(|(path, text)| is_source(path) && text.lines().count() > MOST_LINES && !is_excepted(path))
        .map(|(path, text)| {
            format!(
                "{path} has {} lines, more than {MOST_LINES}; split it where the interface gets smaller",
                text.lines().count()
            )
        })
        .collect()
}

fn stale_exceptions(tree: &Tree) -> Vec<String> {
    LONGER
        .iter()
        .filter(|(path, _)| {
            tree.text(path)
                .is_none_or(|text| text.lines().count() <= MOST_LINES)
        })
        .map(|(path, _)| {
            format!("{path} needs no exception any more; remove it from xtask/src/tidy/file_length.rs")
        })
        .collect()
}

fn is_source(path: &str) -> bool {
    path.starts_with("xtask/src/") || (path.starts_with("crates/") && path.contains("/src/"))
}

fn is_excepted(path: &str) -> bool {
    LONGER.iter().any(|(longer, _)| *longer == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sources_over_the_limit_are_named() {
        let long = "x\n".repeat(MOST_LINES + 1);
        let short = "x\n".repeat(MOST_LINES);
        let tree = Tree::of(&[
            ("crates/a/src/long.rs", &long),
            ("crates/a/src/short.rs", &short),
            ("crates/a/tests/it/main.rs", &long),
        ]);
        assert_eq!(
            too_long(&tree),
            ["crates/a/src/long.rs has 701 lines, more than 700; split it where the interface gets smaller"]
        );
    }

    #[test]
    fn an_exception_that_is_not_needed_is_named() {
        let long = "x\n".repeat(MOST_LINES + 1);
        let all: Vec<(&str, &str)> = LONGER.iter().map(|(path, _)| (*path, long.as_str())).collect();
        assert_eq!(check(&Tree::of(&all)), [""; 0]);

        let complaints = check(&Tree::of(&all[1..]));
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].starts_with(LONGER[0].0), "{complaints:?}");
    }
}
