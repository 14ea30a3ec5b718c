//! What deploy/monitoring and the docs name is what a server really shows.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::place::Place;
use crate::server::{Server, text_of};

fn repository_file(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The families that a server shows, as the classic text names them.
fn families() -> BTreeSet<String> {
    let place = Place::new();
    let server = Server::start_with(&place, &[("PUBLIC_URL", "http://localhost:1")]);
    // Counted once it is over: so /metrics itself is there as a route.
    text_of(server.address(), "/live", &[]);
    let text = text_of(server.address(), "/metrics", &[]);
    assert!(!text.contains("# EOF"), "the classic text has no end");
    let open = text_of(
        server.address(),
        "/metrics",
        &[("accept", "application/openmetrics-text;version=1.0.0")],
    );
    assert!(
        open.ends_with("# EOF\n") && open.contains("# TYPE http_requests counter"),
        "{open}"
    );
    let heads = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    heads.map(str::to_owned).collect()
}

/// Words of a text that are names of ours or of the process.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = |word: &&str| {
        ["ids_", "http_request", "process_"]
            .iter()
            .any(|begin| word.starts_with(begin))
            && !["ids_trace"].contains(word)
    };
    let bare = |word: &str| {
        let parts = ["_bucket", "_sum", "_count"];
        let cut = parts.iter().find_map(|part| word.strip_suffix(part));
        cut.unwrap_or(word).to_owned()
    };
    words.filter(ours).map(bare).collect()
}

#[test]
fn every_metric_in_alerts_dashboard_and_docs_is_shown_by_a_server() {
    let shown = families();
    let dashboard: Value =
        serde_json::from_str(&repository_file("deploy/monitoring/grafana-dashboard.json")).unwrap();
    let expressions: Vec<&str> = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(expressions.len() >= 10, "{expressions:?}");
    for (file, text) in [
        (
            "alerts.yml",
            expressions_of(&repository_file("deploy/monitoring/alerts.yml")),
        ),
        ("grafana-dashboard.json", expressions.join("\n")),
    ] {
        for name in names_in(&text) {
            assert!(
                shown.contains(&name),
                "{file} names `{name}`, which no server shows: {shown:#?}"
            );
        }
    }
    let docs = repository_file("docs/monitoring.md");
    let rows: BTreeSet<String> = docs
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(['`', '{']).next())
        .filter(|name| {
            ["ids_", "http_", "process_"]
                .iter()
                .any(|begin| name.starts_with(begin))
        })
        .map(str::to_owned)
        .collect();
    assert_eq!(rows, shown, "the table of docs/monitoring.md and /metrics");
}

/// Every alert is in the docs, with what to do.
#[test]
fn every_alert_is_explained() {
    let docs = repository_file("docs/monitoring.md");
    let alerts = repository_file("deploy/monitoring/alerts.yml");
    let names: Vec<&str> = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        assert!(
            docs.contains(&format!("`{name}`")),
            "docs/monitoring.md does not explain `{name}`"
        );
    }
}

/// Only what is computed: comments and texts may name what they like.
fn expressions_of(rules: &str) -> String {
    let mut expressions = String::new();
    let mut depth = None;
    for line in rules.lines() {
        let indent = line.len() - line.trim_start().len();
        if let Some(inline) = line.trim_start().strip_prefix("expr: ") {
            expressions.push_str(inline);
            expressions.push('\n');
            depth = Some(indent);
        } else if depth.is_some_and(|of| indent > of) {
            expressions.push_str(line);
            expressions.push('\n');
        } else {
            depth = None;
        }
    }
    expressions
}
