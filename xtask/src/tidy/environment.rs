//! Every environment variable the program reads is documented, and nothing else is.
//!
//! A variable is a string literal in capitals in a file of `crates/ids/src/config/`; its documentation is a row of a
//! table in docs/configuration.md whose first cell holds the name in backticks. Variables are read nowhere else.
//! The example of a server's settings, deploy/.env.prod.example, has a line for each of them, and for nothing else.

use std::collections::BTreeSet;

use super::rust_text::{code_lines, first_test_line, is_test_file};
use super::tree::Tree;

const CONFIG: &str = "crates/ids/src/config/";
const DOCS: &str = "docs/configuration.md";
const EXAMPLE: &str = "deploy/.env.prod.example";

/// What the machine sets for every program; and what only tests and builds read.
const NOT_OURS: [&str; 14] = [
    "HOME",
    "PATH",
    "TMPDIR",
    "TERM",
    "COLUMNS",
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "RUST_BACKTRACE",
    "TESTDATA_DIR",
    "OUT_DIR",
    "TARGET",
];

/// Complains about undocumented variables, documented ones that nothing reads, and reads outside the configuration.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut complaints = read_elsewhere(tree);
    let read: BTreeSet<&str> = tree
        .texts_in(CONFIG, ".rs")
        .flat_map(|(_, source)| literals(source))
        .filter(|name| !NOT_OURS.contains(name))
        .collect();
    if read.is_empty() {
        return complaints;
    }
    let Some(docs) = tree.text(DOCS) else {
        complaints.push(format!(
            "{DOCS} is not there; write a row for each variable of {CONFIG}"
        ));
        return complaints;
    };
    let documented = documented(docs);
    complaints.extend(
        read.difference(&documented)
            .map(|name| format!("{DOCS} does not explain `{name}`; add its row")),
    );
    complaints.extend(documented.difference(&read).map(|name| {
        format!("{DOCS} explains `{name}`, which {CONFIG} does not read; remove the row or read it")
    }));
    if let Some(example) = tree.text(EXAMPLE) {
        let offered = offered(example);
        complaints.extend(documented.difference(&offered).map(|name| {
            format!("{EXAMPLE} does not offer `{name}`; add it with a sentence on what it sets")
        }));
        complaints.extend(
            offered
                .difference(&documented)
                .map(|name| format!("{EXAMPLE} offers `{name}`, which {DOCS} does not explain; remove it")),
        );
    }
    complaints
}

/// The names that a settings file sets, or shows how to set: `NAME=value` and `#NAME=value`, one a line.
fn offered(example: &str) -> BTreeSet<&str> {
    example
        .lines()
        .filter_map(|line| line.strip_prefix('#').unwrap_or(line).split_once('='))
        .map(|(name, _)| name)
        .filter(|name| is_name(name))
        .collect()
}

fn read_elsewhere(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, source) in tree.texts_in("crates/", ".rs") {
        if path.starts_with(CONFIG) || is_test_file(path) {
            continue;
        }
        let end = first_test_line(source).unwrap_or(usize::MAX);
        for (number, line) in code_lines(source).take_while(|(number, _)| *number < end) {
            let name = ["env::var(\"", "env::var_os(\""]
                .iter()
                .find_map(|call| line.split_once(call)?.1.split('"').next());
            // Cargo's own are there at build time only.
            if let Some(name) = name.filter(|name| !NOT_OURS.contains(name) && !name.starts_with("CARGO_")) {
                complaints.push(format!(
                    "{path}:{number} reads `{name}`; read it in {CONFIG} and hand the value down"
                ));
            }
        }
    }
    complaints
}

/// The string literals of the code, up to its tests, that look like names of variables.
fn literals(source: &str) -> Vec<&str> {
    let end = first_test_line(source).unwrap_or(usize::MAX);
    code_lines(source)
        .take_while(|(number, _)| *number < end)
        .flat_map(|(_, line)| line.split('"').skip(1).step_by(2))
        .filter(|literal| is_name(literal))
        .collect()
}

/// The names in the first cells of a page's tables; a cell may hold several.
fn documented(page: &str) -> BTreeSet<&str> {
    page.lines()
        .filter_map(|line| line.trim().strip_prefix('|')?.split('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(|name| name.split('=').next().unwrap_or(name))
        .filter(|name| is_name(name) && !NOT_OURS.contains(name))
        .collect()
}

/// Capitals, digits and single underscores, four characters or more (shorter ones are currencies and methods).
fn is_name(text: &str) -> bool {
    text.len() >= 4
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && !text.ends_with('_')
        && text
            .chars()
            .all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = "/// `LOG_LEVEL`.\nlet level = env.text(\"LOG_LEVEL\"); let p = (\"ENVIRONMENT\", \"IDS_\", \"BRL\");\n\
                        #[cfg(test)]\nmod tests { const X: &str = \"OTHER_NAME\"; }";

    #[test]
    fn what_is_read_and_what_is_documented_must_be_the_same() {
        let docs =
            "| name | default |\n|---|---|\n| `LOG_LEVEL` | `INFO` |\n| `OLD_NAME` | |\nSee `SOMETHING`.\n";
        let tree = Tree::of(&[("crates/ids/src/config/log.rs", READ), (DOCS, docs)]);
        assert_eq!(
            check(&tree),
            [
                "docs/configuration.md does not explain `ENVIRONMENT`; add its row",
                "docs/configuration.md explains `OLD_NAME`, which crates/ids/src/config/ does not read; \
                 remove the row or read it",
            ]
        );
    }

    #[test]
    fn a_variable_read_outside_the_configuration_is_found() {
        let call =
            "    let level = std::env::var(\"LOG_LEVEL\");\n    let home = std::env::var_os(\"HOME\");";
        let tree = Tree::of(&[
            ("crates/ids-http/src/lib.rs", call),
            ("crates/ids-http/tests/it/main.rs", call),
        ]);
        assert_eq!(
            check(&tree),
            [
                "crates/ids-http/src/lib.rs:1 reads `LOG_LEVEL`; read it in crates/ids/src/config/ and hand the value down"
            ]
        );
    }

    #[test]
    fn the_example_of_a_server_offers_what_is_documented_and_nothing_else() {
        let docs = "| name | default |\n|---|---|\n| `LOG_LEVEL` | |\n| `ENVIRONMENT` | |\n";
        let example = "# How much is logged, as in LOG_WORD=x.\n#LOG_LEVEL=info\nOLD_NAME=1\n";
        let tree = Tree::of(&[
            ("crates/ids/src/config/log.rs", READ),
            (DOCS, docs),
            (EXAMPLE, example),
        ]);
        assert_eq!(
            check(&tree),
            [
                "deploy/.env.prod.example does not offer `ENVIRONMENT`; add it with a sentence on what it sets",
                "deploy/.env.prod.example offers `OLD_NAME`, which docs/configuration.md does not explain; remove it",
            ]
        );
    }

    #[test]
    fn without_a_configuration_there_is_nothing_to_say() {
        assert_eq!(
            check(&Tree::of(&[("crates/ids/src/main.rs", "fn main() {}")])),
            [""; 0]
        );
    }
}
