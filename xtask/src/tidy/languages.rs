//! The page's language files say the same things.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::tree::Tree;

/// Where the language files lie.
pub const FOLDER: &str = "web/i18n/";

/// Complains about keys that one language has and another lacks, empty texts, and placeholders that differ.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut languages = BTreeMap::new();
    for (path, text) in tree.texts_in(FOLDER, ".json") {
        match strings(text) {
            Ok(strings) => {
                languages.insert(path, strings);
            }
            Err(reason) => complaints.push(format!("{path}: {reason}")),
        }
    }
    let all_keys: BTreeSet<&String> = languages.values().flat_map(BTreeMap::keys).collect();
    for key in all_keys {
        let first = languages.values().find_map(|strings| strings.get(key));
        for (path, strings) in &languages {
            match strings.get(key) {
                None => complaints.push(format!("{path} lacks `{key}`; add it")),
                Some(text) if text.trim().is_empty() => {
                    complaints.push(format!("{path}: `{key}` is empty; write its text"));
                }
                Some(text) if first.is_some_and(|first| placeholders(first) != placeholders(text)) => {
                    complaints.push(format!(
                        "{path}: `{key}` has other {{placeholders}} than its sisters; make them equal"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    complaints
}

/// All texts of one file by their keys, those of nested objects joined by a dot. Fails with a sentence.
pub fn strings(json: &str) -> Result<BTreeMap<String, String>, String> {
    let value: Value = serde_json::from_str(json).map_err(|err| format!("is no JSON ({err}); correct it"))?;
    let mut found = BTreeMap::new();
    collect(&value, "", &mut found)?;
    Ok(found)
}

fn collect(value: &Value, key: &str, found: &mut BTreeMap<String, String>) -> Result<(), String> {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let key = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                collect(value, &key, found)?;
            }
            Ok(())
        }
        Value::String(text) => {
            found.insert(key.to_owned(), text.clone());
            Ok(())
        }
        _ => Err(format!("`{key}` is neither text nor object; make it one")),
    }
}

/// What stands in braces, such as `count` in `{count} pages`.
fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|part| Some(part.split_once('}')?.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(en: &str, pt: &str) -> Vec<String> {
        check(&Tree::of(&[("web/i18n/en.json", en), ("web/i18n/pt.json", pt)]))
    }

    #[test]
    fn equal_keys_are_fine_in_any_order_and_depth() {
        let en = r#"{"a": "x", "b": {"c": "{n} pages"}}"#;
        let pt = r#"{"b": {"c": "{n} páginas"}, "a": "y"}"#;
        assert_eq!(complaints(en, pt), [""; 0]);
    }

    #[test]
    fn what_is_missing_empty_or_different_is_named() {
        assert_eq!(
            complaints(r#"{"a": "x"}"#, "{}"),
            ["web/i18n/pt.json lacks `a`; add it"]
        );
        assert_eq!(
            complaints(r#"{"a": "x"}"#, r#"{"a": " "}"#),
            ["web/i18n/pt.json: `a` is empty; write its text"]
        );
        assert_eq!(complaints(r#"{"a": "{n}"}"#, r#"{"a": "{m}"}"#).len(), 1);
        assert_eq!(complaints(r#"{"a": "x"}"#, "{").len(), 1);
        assert_eq!(complaints(r#"{"a": 1}"#, r#"{"a": "x"}"#).len(), 1);
    }
}
