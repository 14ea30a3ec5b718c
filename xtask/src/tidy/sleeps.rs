//! Tests wait for the event itself, never for a time.

use super::rust_text::{code_lines, first_test_line, is_test_file};
use super::tree::Tree;

/// The one kind of file that may: a helper that polls another process, bounded and documented.
const POLLING_HELPER: &str = "wait.rs";

/// Complains about each sleep in test code.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, source) in tree.texts().filter(|(path, _)| path.ends_with(".rs")) {
        if path.ends_with(&format!("/{POLLING_HELPER}")) || path == "xtask/src/tidy/sleeps.rs" {
            continue;
        }
        let from = if is_test_file(path) {
            0
        } else {
            first_test_line(source).unwrap_or(usize::MAX)
        };
        for (number, _) in code_lines(source).filter(|(number, line)| *number >= from && sleeps(line)) {
            complaints.push(format!(
                "{path}:{number} sleeps; wait for the event itself, move the test clock, or poll with a bound in \
                 {POLLING_HELPER}"
            ));
        }
    }
    complaints
}

fn sleeps(line: &str) -> bool {
    ["sleep(", "sleep_until(", "sleep_ms("]
        .iter()
        .any(|call| line.contains(call))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLEEP: &str = "tokio::time::sleep(SECOND).await;\n";

    #[test]
    fn no_test_code_may_sleep_wherever_it_stands() {
        let beside = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{SLEEP}}}\n");
        let tree = Tree::of(&[
            ("crates/ids/tests/it/serve.rs", SLEEP),
            ("crates/ids-core/src/jobs/lease.rs", &beside),
            ("crates/ids-testkit/src/process.rs", SLEEP),
        ]);
        let complaints = check(&tree);
        assert_eq!(complaints.len(), 3);
        assert!(
            complaints[0]
                .starts_with("crates/ids-core/src/jobs/lease.rs:4 sleeps; wait for the event itself")
        );
    }

    #[test]
    fn production_code_comments_and_the_polling_helper_may() {
        let tree = Tree::of(&[
            ("crates/ids/src/worker.rs", SLEEP),
            ("crates/ids-testkit/src/wait.rs", SLEEP),
            ("crates/ids/tests/it/main.rs", "// no sleep( here\n"),
        ]);
        assert_eq!(check(&tree), [""; 0]);
    }
}
