//! A test is a sentence.

use super::rust_text::code_lines;
use super::tree::Tree;

/// Complains about functions whose names begin with the word that says nothing.
pub fn check(tree: &Tree) -> Vec<String> {
    let marker = concat!("fn ", "test_");
    let mut complaints = Vec::new();
    for (path, source) in tree.texts().filter(|(path, _)| path.ends_with(".rs")) {
        for (number, _) in code_lines(source).filter(|(_, line)| line.contains(marker)) {
            complaints.push(format!(
                "{path}:{number} begins a name with `test_`; say in a sentence what holds"
            ));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_prefix_is_refused() {
        let bad = format!("#[test]\nfn {}_claim() {{}}", "test");
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", &bad),
            ("crates/b/src/lib.rs", "fn a_test_holds() {}"),
        ]);
        assert_eq!(
            check(&tree),
            ["crates/a/src/lib.rs:2 begins a name with `test_`; say in a sentence what holds"]
        );
    }
}
