//! What deploy/monitoring and the docs name is what a server really shows.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection};

use crate::place::Place;
use crate::server::{Server, text_of};
use crate::wait;

fn repository_file(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A server that only shakes hands, with a certificate of its own; its port.
fn proxy() -> u16 {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
        }
    });
    port
}

/// The families that a server shows, as the classic text names them.
fn families() -> BTreeSet<String> {
    let place = Place::new();
    let public_url = format!("https://localhost:{}", proxy());
    let variables = [
        ("PUBLIC_URL", public_url.as_str()),
        ("AI_BUDGET_MONTHLY", "50"),
        ("AI_BUDGET_CURRENCY", "USD"),
    ];
    let server = Server::start_with(&place, &variables);
    // Counted before figures are shown, which stand for ten seconds.
    text_of(server.address(), "/live", &[]);
    let text = wait::until("a look at the certificate", || {
        let text = text_of(server.address(), "/metrics", &[]);
        text.contains("ids_certificate_expiry_timestamp_seconds{")
            .then_some(text)
    });
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
