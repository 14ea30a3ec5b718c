//! What each command says of itself.

use crate::place::Place;

fn check(name: &str, arguments: &[&str]) {
    let run = Place::new().ids(arguments);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    insta::assert_snapshot!(name.to_owned(), run.stdout);
}

#[test]
fn every_command_explains_itself() {
    check("help", &["--help"]);
    let commands = [
        "serve",
        "api",
        "worker",
        "ingest",
        "search",
        "ask",
        "documents",
        "collections",
        "queue",
        "organizations",
        "keys",
        "backup",
        "restore",
        "usage",
        "migrate",
        "migrate-data",
        "reindex",
        "doctor",
        "eval",
        "healthcheck",
        "mcp",
        "completions",
    ];
    for command in commands {
        check(&format!("help_{command}"), &[command, "--help"]);
    }
    for (command, actions) in [
        (
            "documents",
            &["list", "show", "delete", "find-person", "erase"][..],
        ),
        ("collections", &["list", "create", "delete"]),
        ("queue", &["info", "jobs", "cancel", "retry", "cleanup"]),
        ("organizations", &["list", "show", "budget", "delete"]),
        ("keys", &["create", "list", "revoke"]),
        ("backup", &["list", "verify"]),
    ] {
        for action in actions {
            check(&format!("help_{command}_{action}"), &[command, action, "--help"]);
        }
    }
}

#[test]
fn completions_are_made_whatever_the_settings_are() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = place
            .command(&["completions", shell])
            .env("IDS_NONSENSE", "1")
            .output()
            .unwrap();
        assert!(
            output.status.success() && String::from_utf8_lossy(&output.stdout).contains("ingest"),
            "{shell}"
        );
    }
}
