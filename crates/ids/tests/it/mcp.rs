//! `ids mcp`, message by message.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::place::{Place, Run};

const TEXT: &str = "A servidora Maria da Silva, CPF 529.982.247-25, foi nomeada em março de 2024.";

/// What `ids mcp` says to these lines.
fn said(place: &Place, lines: &str) -> (Run, Vec<Value>) {
    let mut child = place
        .command(&["mcp"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let run = Run::of(&child.wait_with_output().unwrap());
    let answers = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
    let answers = answers.collect();
    (run, answers)
}

#[test]
fn each_message_has_one_line_and_a_notification_none() {
    let place = Place::new();
    place.write("nomeacao.md", TEXT);
    place.json(&["ingest", "nomeacao.md"]);
    let call = json!({"jsonrpc": "2.0", "id": "b", "method": "tools/call", "params": {"name": "search", "arguments": {"query": "servidora nomeada"}}});
    let lines = format!(
        "{}\n\n{}\n{call}\nno json\n",
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
    );
    let (run, answers) = said(&place, &lines);

    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let of = |id: Value| answers.iter().find(|answer| answer["id"] == id).unwrap();
    assert_eq!(answers.len(), 3, "{answers:?}");
    assert_eq!(of(json!(1))["result"]["protocolVersion"], "2025-06-18");
    let hit = &of(json!("b"))["result"]["structuredContent"]["results"][0];
    assert_eq!((hit["content"].as_str(), &hit["url"]), (Some(TEXT), &Value::Null));
    assert_eq!(of(Value::Null)["error"]["code"], -32_700);
}
