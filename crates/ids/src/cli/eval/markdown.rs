//! A report as Markdown: the sums, then the questions that went wrong.

use std::fmt::Write as _;

use serde_json::Value;

use super::report::measures;

/// Questions listed of each kind at most; `report.json` has all.
const LISTED: usize = 100;

/// The report.
pub fn of(report: &Value) -> String {
    let text = |name: &str| report[name].as_str().unwrap_or_default().to_owned();
    let mut lines = format!("# {}, {}\n\n", escaped(&text("set")), text("mode"));
    if let Some(model) = report.pointer("/asked/model") {
        let model = model.as_str().unwrap_or("none: sentences of the documents");
        let _ = writeln!(lines, "Model: {}\n", escaped(model));
    }
    lines.push_str("| measure | value |\n|---|---|\n");
    for (name, value, unit) in measures(report) {
        let _ = writeln!(lines, "| {name} | {} |", unit.shown(value));
    }
    for (title, questions) in wrong(report) {
        let _ = writeln!(lines, "\n## {title}: {}\n", questions.len());
        for question in questions.iter().take(LISTED) {
            let response = question["response"].as_str().unwrap_or_default();
            let _ = writeln!(
                lines,
                "- `{}` {} → {}",
                question["id"].as_str().unwrap_or_default(),
                escaped(question["text"].as_str().unwrap_or_default()),
                escaped(response),
            );
        }
        if questions.len() > LISTED {
            let _ = writeln!(lines, "- … {} more are in report.json", questions.len() - LISTED);
        }
    }
    lines
}

/// The questions that went wrong, by how.
pub fn wrong(report: &Value) -> Vec<(&'static str, Vec<&Value>)> {
    let all = report["questions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let those = |is: fn(&Value) -> bool| all.iter().filter(|question| is(question)).collect::<Vec<_>>();
    let mut parts = vec![
        (
            "Wrongly refused",
            those(|it| it["answerable"] == true && it["answered"] == false),
        ),
        (
            "Wrongly answered",
            those(|it| it["answerable"] == false && it["answered"] == true),
        ),
        (
            "Answered without an accepted answer in any quote",
            those(|it| it["answered"] == true && it["in_any"] == false),
        ),
        ("Claims struck", those(|it| it["struck"].as_u64() > Some(0))),
    ];
    parts.retain(|(_, questions)| !questions.is_empty());
    parts
}

/// Text of documents stays the text it is, on one line.
fn escaped(text: &str) -> String {
    let mut line = String::new();
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!'
        ) {
            line.push('\\');
        }
        line.push(c);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::cli::eval::report::tests::report;

    #[test]
    fn it_has_the_sums_and_what_went_wrong_as_plain_text() {
        let text = of(&report());
        assert!(
            text.starts_with("# um-conjunto, keyword\n\nModel: um-modelo"),
            "{text}"
        );
        assert!(text.contains("| citation precision | 0.5000 |"), "{text}");
        assert!(
            text.contains("## Wrongly refused: 1\n\n- `q2` Pergunta q2? → Quinze \\<dias\\>."),
            "{text}"
        );
        assert!(text.contains("## Wrongly answered: 1\n\n- `u1`"), "{text}");
    }
}
