//! Contract suites: every clause a port promises has a function, every function is in the suite's macro, and every
//! adapter of the port runs the suite (house style, section 6).
//!
//! By text, after three conventions: a port's doc comment lists its clauses as `Clauses: (1) ...; (2) ...`; a function
//! in `ids-testkit` that proves one says so in its doc comment, as `JobStore, clause 4: ...` or `clauses 4 and 5`; and
//! the suite of `JobStore` is `macro_rules! job_store_contract`.

use std::collections::BTreeSet;

use super::rust_text::{body_after, code_lines, has_word, identifier};
use super::tree::Tree;

/// Each port with clauses and the crates that implement it; a crate that does not exist yet need not run anything.
const ADAPTERS: [(&str, &[&str]); 16] = [
    ("DocumentStore", &["ids-sqlite", "ids-postgres"]),
    ("ChunkIndex", &["ids-sqlite", "ids-postgres"]),
    ("JobStore", &["ids-sqlite", "ids-postgres"]),
    ("SessionStore", &["ids-sqlite", "ids-postgres", "ids-redis"]),
    ("RateLimiter", &["ids-redis"]),
    ("UsageLedger", &["ids-sqlite", "ids-postgres"]),
    ("OrganizationStore", &["ids-sqlite", "ids-postgres"]),
    ("CleanupStore", &["ids-sqlite", "ids-postgres"]),
    ("WorkerRegistry", &["ids-sqlite", "ids-postgres"]),
    ("BackupRegistry", &["ids-sqlite", "ids-postgres"]),
    ("LibraryArchive", &["ids-sqlite", "ids-postgres"]),
    ("JobQueue", &["ids-sqlite", "ids-postgres", "ids-redis"]),
    ("BlobStore", &["ids-blobs"]),
    ("Embedder", &["ids-embed"]),
    ("Extractor", &["ids-extract"]),
    ("ChatModel", &["ids-models"]),
];

const PORTS: &str = "crates/ids-core/src/ports/";
const TESTKIT: &str = "crates/ids-testkit/src/";

/// A function of a contract suite.
struct ClauseTest<'a> {
    path: &'a str,
    name: &'a str,
    /// The line of its doc comment that names the clause.
    says: String,
}

/// Complains about clauses without function, functions outside their macro, and adapters that do not run a suite.
pub fn check(tree: &Tree) -> Vec<String> {
    let tests: Vec<ClauseTest<'_>> = tree
        .texts_in(TESTKIT, ".rs")
        .flat_map(|(path, source)| clause_tests(path, source))
        .collect();
    let mut complaints = not_in_macro(tree, &tests);
    for (path, source) in tree.texts_in(PORTS, ".rs") {
        for (port, clauses) in promises(source) {
            let Some((_, adapters)) = ADAPTERS.iter().find(|(name, _)| *name == port) else {
                complaints.push(format!(
                    "{path}: port `{port}` has clauses but no line in the table of xtask/src/tidy/contracts.rs; \
                     add its adapters there"
                ));
                continue;
            };
            complaints.extend(without_function(port, &clauses, &tests));
            complaints.extend(not_run(tree, port, adapters));
        }
    }
    complaints
}

fn not_in_macro(tree: &Tree, tests: &[ClauseTest<'_>]) -> Vec<String> {
    let suites: Vec<&str> = tree.texts_in(TESTKIT, ".rs").map(|(_, source)| source).collect();
    tests
        .iter()
        .filter(|test| {
            // The macro stands beside the functions, or, when the file has none, anywhere in the kit.
            let beside: Vec<&str> = tree.text(test.path).map(macro_bodies).unwrap_or_default();
            let bodies = if beside.is_empty() {
                suites.iter().flat_map(|it| macro_bodies(it)).collect()
            } else {
                beside
            };
            !bodies.iter().any(|body| has_word(body, test.name))
        })
        .map(|test| {
            format!(
                "{}: clause `{}` is in no contract macro; add it to the list there",
                test.path, test.name
            )
        })
        .collect()
}

fn without_function(port: &str, clauses: &BTreeSet<u32>, tests: &[ClauseTest<'_>]) -> Option<String> {
    let proven: BTreeSet<u32> = tests
        .iter()
        .filter(|test| has_word(&test.says, port))
        .flat_map(|test| numbers_of_clauses(&test.says))
        .collect();
    let open: Vec<String> = clauses.difference(&proven).map(u32::to_string).collect();
    (!open.is_empty()).then(|| {
        format!(
            "{port}: no function in ids-testkit proves clause {}; write one whose doc comment begins \
             `{port}, clause {}:`",
            open.join(", "),
            open[0]
        )
    })
}

fn not_run(tree: &Tree, port: &str, adapters: &[&str]) -> Vec<String> {
    let call = format!("{}_contract!", snake_case(port));
    adapters
        .iter()
        .filter(|adapter| tree.holds(&format!("crates/{adapter}")))
        .filter(|adapter| {
            let folder = format!("crates/{adapter}/");
            !tree
                .texts_in(&folder, ".rs")
                .any(|(_, source)| code_lines(source).any(|(_, line)| line.contains(&call)))
        })
        .map(|adapter| {
            format!("{adapter} does not run the contract of {port}; call `{call}` in its tests/it")
        })
        .collect()
}

/// The functions of one file whose doc comment names a clause.
fn clause_tests<'a>(path: &'a str, source: &'a str) -> Vec<ClauseTest<'a>> {
    let mut tests = Vec::new();
    let mut doc = String::new();
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc.push_str(text);
            doc.push('\n');
        } else if let Some(rest) = line.strip_prefix("pub async fn ") {
            let says = doc.lines().find(|line| line.to_lowercase().contains("clause"));
            if let Some(says) = says {
                tests.push(ClauseTest {
                    path,
                    name: identifier(rest),
                    says: says.to_owned(),
                });
            }
            doc.clear();
        } else if !line.starts_with("#[") {
            doc.clear();
        }
    }
    tests
}

/// The bodies of all macros of one file that are contract suites.
fn macro_bodies(source: &str) -> Vec<&str> {
    const MARKER: &str = "macro_rules! ";
    source
        .match_indices(MARKER)
        .filter_map(|(start, _)| {
            let rest = &source[start + MARKER.len()..];
            identifier(rest)
                .ends_with("_contract")
                .then(|| body_after(rest, "").unwrap_or_default())
        })
        .collect()
}

/// The ports of one file with the numbers of their clauses.
fn promises(source: &str) -> Vec<(&str, BTreeSet<u32>)> {
    let mut ports = Vec::new();
    let mut doc = String::new();
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc.push_str(text);
        } else if let Some(rest) = line.strip_prefix("pub trait ") {
            if let Some((_, clauses)) = doc.split_once("Clauses:") {
                ports.push((identifier(rest), numbers_in_parentheses(clauses)));
            }
            doc.clear();
        } else if !line.starts_with("#[") {
            doc.clear();
        }
    }
    ports
}

fn numbers_in_parentheses(text: &str) -> BTreeSet<u32> {
    text.split('(')
        .skip(1)
        .filter_map(|part| part.split_once(')')?.0.parse().ok())
        .collect()
}

/// 4 and 5 in `JobStore, clauses 4 and 5: the text with its own 60 seconds`.
fn numbers_of_clauses(says: &str) -> Vec<u32> {
    let lower = says.to_lowercase();
    let Some((_, after)) = lower.split_once("clause") else {
        return Vec::new();
    };
    let list = after.split([':', '.']).next().unwrap_or(after);
    list.split(|character: char| !character.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect()
}

/// `JobStore` → `job_store`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: &str = "/// Keeps jobs.\n///\n/// Clauses: (1) one; (2) two,\n/// in (any) order.\n#[async_trait]\n\
                        pub trait JobStore: Send {\n}\n";
    const SUITE: &str = "/// JobStore, clause 1: one.\npub async fn one_holds(store: &dyn JobStore) {}\n\
                         /// JobStore, clause 2: two, after 60 seconds.\npub async fn two_holds() {}\n\
                         /// Makes a job.\npub async fn a_job() {}\n\
                         macro_rules! job_store_contract { ($make:expr) => { $crate::cases!(one_holds, two_holds); } }";
    const RUN: &str = "ids_testkit::job_store_contract!(SqliteJobStore::for_test);";

    fn complaints(port: &str, suite: &str, run: &str) -> Vec<String> {
        check(&Tree::of(&[
            ("crates/ids-core/src/ports/job_store.rs", port),
            ("crates/ids-testkit/src/job_store_contract.rs", suite),
            ("crates/ids-sqlite/tests/it/contract.rs", run),
        ]))
    }

    #[test]
    fn a_complete_suite_that_is_run_is_fine() {
        assert_eq!(complaints(PORT, SUITE, RUN), [""; 0]);
    }

    #[test]
    fn a_clause_outside_the_macro_is_found() {
        let found = complaints(PORT, &SUITE.replace("one_holds, two_holds);", "one_holds);"), RUN);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("clause `two_holds` is in no contract macro"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn a_promise_without_function_is_found() {
        let found = complaints(&PORT.replace("(2) two", "(2) two; (3) three"), SUITE, RUN);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("JobStore: no function in ids-testkit proves clause 3; write one"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn an_adapter_that_does_not_run_the_suite_is_found_and_an_absent_one_is_not_missed() {
        assert_eq!(
            complaints(PORT, SUITE, ""),
            ["ids-sqlite does not run the contract of JobStore; call `job_store_contract!` in its tests/it"]
        );
    }

    #[test]
    fn a_port_that_nobody_listed_is_found() {
        let found = complaints(&PORT.replace("JobStore", "Oracle"), SUITE, RUN);
        assert!(
            found[0].contains("port `Oracle` has clauses but no line"),
            "{found:?}"
        );
    }

    #[test]
    fn one_function_may_prove_several_clauses() {
        assert_eq!(
            numbers_of_clauses(" JobStore, clauses 4, 5 and 11: within 60 s"),
            [4, 5, 11]
        );
        assert_eq!(numbers_of_clauses(" a helper"), [0; 0]);
    }
}
