//! Two reports side by side: the sums that differ, and the questions whose answers do.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use super::report::{MEASURES, measures};
use crate::cli::exit::Failed;
use crate::cli::output::{self, clean};

/// Differences of a question's share below this are noise.
const NOTABLE: f64 = 0.05;

/// Prints what changed from one report to the other.
pub fn run(before: &Path, after: &Path, is_json: bool) -> Result<u8, Failed> {
    let (before, after) = (read(before)?, read(after)?);
    let comparison = compare(&before, &after);
    if is_json {
        output::print(&comparison.to_string())?;
    } else {
        output::print(&to_text(&comparison))?;
    }
    Ok(0)
}

fn read(path: &Path) -> Result<Value, Failed> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let report: Value = serde_json::from_str(&text)
        .map_err(|error| Failed::because(format!("`{}` is no report: {error}", path.display())))?;
    if !report["questions"].is_array() {
        return Err(Failed::because(format!(
            "`{}` is no report: it has no questions; `ids eval DIR --report FOLDER` writes one",
            path.display()
        )));
    }
    Ok(report)
}

fn by_id(report: &Value) -> BTreeMap<&str, &Value> {
    let questions = report["questions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    questions
        .iter()
        .filter_map(|question| Some((question["id"].as_str()?, question)))
        .collect()
}

fn compare(before: &Value, after: &Value) -> Value {
    let known: BTreeMap<&str, f64> = measures(before).map(|(name, value, _)| (name, value)).collect();
    let sums: Vec<Value> = measures(after)
        .filter_map(|(name, value, _)| Some((name, *known.get(name)?, value)))
        .filter(|(_, old, new)| old != new)
        .map(|(name, old, new)| json!({"measure": name, "before": old, "after": new}))
        .collect();
    let (old, new) = (by_id(before), by_id(after));
    let mut changed = Vec::new();
    for (id, question) in &new {
        let Some(was) = old.get(id) else { continue };
        let what = changes(was, question);
        if !what.is_empty() {
            changed.push(json!({
                "id": id, "text": question["text"], "changes": what,
                "before": was["response"], "after": question["response"],
            }));
        }
    }
    let missing = |from: &BTreeMap<&str, &Value>, other: &BTreeMap<&str, &Value>| -> Vec<String> {
        let only = from.keys().filter(|id| !other.contains_key(**id));
        only.map(|id| (*id).to_owned()).collect()
    };
    json!({
        "measures": sums,
        "changed": changed,
        "only_before": missing(&old, &new),
        "only_after": missing(&new, &old),
    })
}

/// What is different about a question: `better` and `worse` where that can be said.
fn changes(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let answerable = after["answerable"] != false;
    if before["answered"] != after["answered"] {
        let is_better = after["answered"].as_bool() == Some(answerable);
        let what = if after["answered"] == true {
            "answered"
        } else {
            "refused"
        };
        found.push(format!("{what} now ({})", word(is_better)));
    }
    for (field, name) in [
        ("in_first", "answer in the first quote"),
        ("in_any", "answer in any quote"),
    ] {
        if let (Some(old), Some(new)) = (before[field].as_bool(), after[field].as_bool())
            && old != new
        {
            found.push(format!("{name} ({})", word(new)));
        }
    }
    for (field, name) in [
        ("f1", "F1"),
        ("ndcg", "NDCG@10"),
        ("citation_precision", "citation precision"),
    ] {
        if let (Some(old), Some(new)) = (before[field].as_f64(), after[field].as_f64())
            && (old - new).abs() >= NOTABLE
        {
            found.push(format!("{name} {old:.2} → {new:.2} ({})", word(new > old)));
        }
    }
    // Refusals name what is nearest, which changes with every document.
    if found.is_empty() && after["answered"] == true && before["response"] != after["response"] {
        found.push("other words".to_owned());
    }
    found
}

const fn word(is_better: bool) -> &'static str {
    if is_better { "better" } else { "worse" }
}

fn to_text(comparison: &Value) -> String {
    let list = |name: &str| comparison[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut parts = Vec::new();
    let rows: Vec<Vec<String>> = list("measures")
        .iter()
        .map(|sum| {
            let name = sum["measure"].as_str().unwrap_or_default();
            let unit = MEASURES
                .iter()
                .find(|(known, _, _)| *known == name)
                .map(|it| it.2);
            let shown = |field: &str| {
                let value = sum[field].as_f64().unwrap_or(0.0);
                unit.map_or_else(|| value.to_string(), |unit| unit.shown(value))
            };
            vec![name.to_owned(), shown("before"), "→".to_owned(), shown("after")]
        })
        .collect();
    parts.push(if rows.is_empty() {
        "no measure changed".to_owned()
    } else {
        output::table(&rows)
    });
    for question in list("changed") {
        let what: Vec<&str> = question["changes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let text = |name: &str| clean(question[name].as_str().unwrap_or_default());
        parts.push(format!(
            "{} {}\n    {}",
            text("id"),
            text("text"),
            what.join(", ")
        ));
    }
    let count = list("changed").len() as u64;
    let mut end = format!("{} changed", output::count(count, "question"));
    for (name, words) in [
        ("only_before", "only in the first report"),
        ("only_after", "only in the second"),
    ] {
        if !list(name).is_empty() {
            end.push_str(&format!(", {} {words}", list(name).len()));
        }
    }
    parts.push(end);
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{compare, to_text};

    #[test]
    fn it_says_which_questions_changed_and_whether_for_the_better() {
        let question = |id: &str, answered: bool, in_first: bool, f1: f64, response: &str| {
            json!({
                "id": id, "text": format!("{id}?"), "answerable": id != "u", "answered": answered, "in_first": in_first,
                "f1": f1, "response": response,
            })
        };
        let before = json!({"ndcg_at_10": 0.9, "questions": [
            question("a", true, true, 0.5, "x"), question("b", false, false, 0.0, "x"), question("u", false, false, 0.0, "x"),
            question("same", true, true, 0.5, "x"), question("gone", true, true, 0.5, "x"),
        ]});
        let after = json!({"ndcg_at_10": 0.8, "questions": [
            question("a", true, false, 0.3, "y"), question("b", true, true, 0.9, "y"), question("u", true, false, 0.0, "y"),
            question("same", true, true, 0.52, "x"),
        ]});
        let comparison = compare(&before, &after);
        let ids: Vec<&str> = comparison["changed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|question| question["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["a", "b", "u"]);
        let text = to_text(&comparison);
        for part in [
            "NDCG@10  0.9000  →  0.8000",
            "answer in the first quote (worse), F1 0.50 → 0.30 (worse)",
            "b b?\n    answered now (better)",
            "u u?\n    answered now (worse)",
            "3 questions changed, 1 only in the first report",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}
