//! Every error code is documented, and translated for the page.

use std::collections::BTreeSet;

use super::languages;
use super::rust_text::{code_lines, first_test_line};
use super::tree::Tree;

const SOURCE: &str = "crates/ids-core/src/error.rs";
const DOCS: &str = "docs/api/errors.md";

/// Complains about each code that lacks its row in the docs, or its text in a language of the page.
pub fn check(tree: &Tree) -> Vec<String> {
    let Some(source) = tree.text(SOURCE) else {
        return Vec::new();
    };
    let codes = codes(source);
    if codes.is_empty() {
        return vec![format!(
            "{SOURCE} has no line like `NotFound => \"NOT_FOUND\"`; tell tidy where the codes are now"
        )];
    }
    let mut complaints = Vec::new();
    match tree.text(DOCS) {
        Some(docs) => complaints.extend(
            codes
                .iter()
                .filter(|code| !docs.contains(&format!("`{code}`")))
                .map(|code| format!("{DOCS} does not explain `{code}`; add its row")),
        ),
        None => complaints.push(format!("{DOCS} is not there; write a row for each error code")),
    }
    for (path, text) in tree.texts_in(languages::FOLDER, ".json") {
        // A file that is no JSON is the other check's complaint.
        let Ok(strings) = languages::strings(text) else {
            continue;
        };
        let translated: BTreeSet<&str> = strings.keys().filter_map(|key| key.rsplit('.').next()).collect();
        complaints.extend(
            codes
                .iter()
                .filter(|code| !translated.contains(code.as_str()))
                .map(|code| format!("{path} has no text for `{code}`; add the key `errors.{code}`")),
        );
    }
    complaints
}

/// The names on the wire: what stands right of the arrow in `InvalidJson => "INVALID_JSON",`.
fn codes(source: &str) -> Vec<String> {
    let end = first_test_line(source).unwrap_or(usize::MAX);
    code_lines(source)
        .take_while(|(number, _)| *number < end)
        .filter_map(|(_, line)| {
            let code = line.split_once("=> \"")?.1.split_once('"')?.0;
            let upper = code.chars().all(|it| it.is_ascii_uppercase() || it == '_');
            (upper && !code.is_empty()).then(|| code.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODES: &str = "error_codes! {\n    /// Not JSON.\n    InvalidJson => \"INVALID_JSON\",\n    Busy => \"BUSY\",\n}\n\
                         #[cfg(test)]\nmod tests { fn f() { match x { A => \"OTHER\" } } }";

    #[test]
    fn each_code_needs_its_row_and_its_texts() {
        let tree = Tree::of(&[
            (SOURCE, CODES),
            (DOCS, "| `INVALID_JSON` | 400 |"),
            (
                "web/i18n/en.json",
                r#"{"errors": {"INVALID_JSON": "Not JSON", "BUSY": "Busy"}}"#,
            ),
            ("web/i18n/pt.json", r#"{"errors": {"BUSY": "Ocupado"}}"#),
        ]);
        assert_eq!(
            check(&tree),
            [
                "docs/api/errors.md does not explain `BUSY`; add its row",
                "web/i18n/pt.json has no text for `INVALID_JSON`; add the key `errors.INVALID_JSON`",
            ]
        );
    }

    #[test]
    fn codes_that_moved_away_are_noticed() {
        assert_eq!(check(&Tree::of(&[(SOURCE, "pub enum Other {}")])).len(), 1);
    }
}
