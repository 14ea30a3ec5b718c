//! A report as one page that needs nothing else: no script, no style sheet, no address; the plots are SVG.

use std::fmt::Write as _;

use serde_json::Value;

use super::markdown::wrong;
use super::report::{Unit, measures};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #d8dee6}\
svg{max-width:100%;height:auto}.bar{fill:#2f6f9f}.rail{fill:#e6edf3}text{font:13px system-ui,sans-serif;fill:#1c2430}\
@media(prefers-color-scheme:dark){body{color:#e4e9ef;background:#14191f}td,th{border-color:#333d48}.rail{fill:#26303a}text{fill:#e4e9ef}.bar{fill:#6db3e3}}";
/// Bars of a histogram.
const BINS: usize = 20;
/// Questions listed of each kind at most.
const LISTED: usize = 200;

/// The page.
pub fn of(report: &Value) -> String {
    let title = format!(
        "{}, {}",
        report["set"].as_str().unwrap_or_default(),
        report["mode"].as_str().unwrap_or_default()
    );
    let title = escaped(&title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>\n"
    );
    if let Some(model) = report.pointer("/asked/model") {
        let model = model.as_str().unwrap_or("none: sentences of the documents");
        let _ = writeln!(page, "<p>Model: {}</p>", escaped(model));
    }
    page.push_str("<h2>Shares</h2>\n");
    page.push_str(&bars(report));
    for (name, field, unit) in [
        ("Time to the answer, ms", "ms", "ms"),
        ("F1", "f1", ""),
        ("NDCG@10", "ndcg", ""),
    ] {
        let values = values(report, field);
        if !values.is_empty() {
            let _ = writeln!(page, "<h2>{name}</h2>\n{}", histogram(name, &values, unit));
        }
    }
    page.push_str("<h2>All measures</h2>\n<table><tbody>\n");
    for (name, value, unit) in measures(report) {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>",
            unit.shown(value)
        );
    }
    page.push_str("</tbody></table>\n");
    for (title, questions) in wrong(report) {
        let _ = writeln!(
            page,
            "<h2>{title}: {}</h2>\n<table><thead><tr><th>Question</th><th>Answer</th></tr></thead><tbody>",
            questions.len()
        );
        for question in questions.iter().take(LISTED) {
            let text = |name: &str| escaped(question[name].as_str().unwrap_or_default());
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td>{}</td></tr>",
                text("text"),
                text("response")
            );
        }
        page.push_str("</tbody></table>\n");
    }
    page.push_str("</body></html>\n");
    page
}

/// One bar a share.
fn bars(report: &Value) -> String {
    let shares: Vec<(&str, f64)> = measures(report)
        .filter(|(_, _, unit)| *unit == Unit::Share)
        .map(|(name, value, _)| (name, value.clamp(0.0, 1.0)))
        .collect();
    let height = 26 * shares.len();
    let mut svg = format!("<svg viewBox=\"0 0 760 {height}\" role=\"img\" aria-label=\"Shares as bars\">\n");
    for (at, (name, value)) in shares.iter().enumerate() {
        let y = 26 * at;
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\">{name}</text><rect class=\"rail\" x=\"300\" y=\"{}\" width=\"380\" height=\"16\"/>\
             <rect class=\"bar\" x=\"300\" y=\"{}\" width=\"{:.1}\" height=\"16\"/><text x=\"690\" y=\"{}\">{value:.3}</text>",
            y + 17,
            y + 5,
            y + 5,
            380.0 * value,
            y + 17,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn values(report: &Value, field: &str) -> Vec<f64> {
    let questions = report["questions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    questions
        .iter()
        .filter_map(|question| question[field].as_f64())
        .collect()
}

/// How many questions have which value.
fn histogram(name: &str, values: &[f64], unit: &str) -> String {
    let most = values.iter().copied().fold(f64::MIN, f64::max);
    // Shares are drawn over their whole range.
    let end = if most <= 1.0 { 1.0 } else { most };
    let mut counts = [0_usize; BINS];
    for value in values {
        let bin = (value / end * BINS as f64) as usize;
        counts[bin.min(BINS - 1)] += 1;
    }
    let highest = counts.iter().copied().max().unwrap_or(1).max(1);
    let mut svg = format!(
        "<svg viewBox=\"0 0 760 190\" role=\"img\" aria-label=\"{}: how many questions have which value\">\n",
        escaped(name)
    );
    let width = 740.0 / BINS as f64;
    for (at, count) in counts.iter().enumerate() {
        let height = 140.0 * *count as f64 / highest as f64;
        let x = 10.0 + width * at as f64;
        let _ = writeln!(
            svg,
            "<rect class=\"bar\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{count}</title></rect>",
            160.0 - height,
            width - 2.0,
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"10\" y=\"180\">0</text><text x=\"750\" y=\"180\" text-anchor=\"end\">{end:.0} {unit}</text>\
         <text x=\"10\" y=\"14\">{highest}</text></svg>"
    );
    svg
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::cli::eval::report::tests::report;

    #[test]
    fn it_draws_and_needs_nothing_else() {
        let page = of(&report());
        assert!(page.matches("<svg ").count() >= 3, "{page}");
        assert!(page.contains("Quinze &lt;dias&gt;."), "{page}");
        for foreign in ["<script", "http:", "https:", "src=", "<link", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}
