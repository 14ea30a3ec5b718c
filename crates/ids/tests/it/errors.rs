//! How commands fail: text and exit code.

use std::net::TcpListener;
use std::process::Stdio;

use crate::place::{Place, Run};
use crate::server::Server;

fn check(name: &str, place: &Place, run: &Run, code: i32) {
    assert_eq!(run.code, Some(code), "{name}: {}{}", run.stdout, run.stderr);
    insta::assert_snapshot!(name.to_owned(), place.shown(run));
}

/// Runs with one more variable.
fn with_variable(place: &Place, name: &str, value: &str, arguments: &[&str]) -> Run {
    Run::of(&place.command(arguments).env(name, value).output().unwrap())
}

#[test]
fn a_data_directory_that_cannot_be_made_is_named() {
    let place = Place::new();
    let file = place.write("file", "");
    let data_dir = file.join("library");
    for (name, arguments) in [
        ("unwritable_serve", &["serve", "--port", "0"][..]),
        ("unwritable_search", &["search", "x"]),
        ("unwritable_ingest", &["ingest", "file"]),
    ] {
        let run = with_variable(&place, "IDS_DATA_DIR", data_dir.to_str().unwrap(), arguments);
        check(name, &place, &run, 1);
    }
    // A program that asked for JSON gets the error's body.
    let arguments = ["search", "x", "--json"];
    let run = with_variable(&place, "IDS_DATA_DIR", data_dir.to_str().unwrap(), &arguments);
    check("unwritable_json", &place, &run, 1);
}

#[test]
fn a_port_in_use_is_named() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut run = place.ids(&["serve", "--port", &port]);
    run.stderr = run.stderr.replace(&port, "<port>");
    check("port_in_use", &place, &run, 1);
}

#[test]
fn a_second_server_on_the_same_data_directory_is_refused() {
    let place = Place::new();
    let _server = Server::start(&place);
    check("second_serve", &place, &place.ids(&["serve", "--port", "0"]), 1);
}

#[test]
fn strangers_are_never_let_in_without_keys() {
    let place = Place::new();
    let bind = ["serve", "--host", "example.org", "--port", "0"];
    check("bind_to_no_address", &place, &place.ids(&bind), 2);
    for (name, host, environment) in [
        ("off_beyond_loopback", "0.0.0.0", "test"),
        ("off_in_production", "127.0.0.1", "production"),
    ] {
        let serve = ["serve", "--host", host, "--port", "0"];
        let mut command = place.command(&serve);
        command
            .env("IDS_AUTH", "off")
            .env("ENVIRONMENT", environment)
            .env("PUBLIC_URL", "https://busca.example.org");
        check(name, &place, &Run::of(&command.output().unwrap()), 2);
    }
}

#[test]
fn production_asks_for_what_must_not_be_guessed() {
    let place = Place::new();
    let mut command = place.command(&["serve", "--port", "0"]);
    command.env("ENVIRONMENT", "production");
    check(
        "production_without_address",
        &place,
        &Run::of(&command.output().unwrap()),
        2,
    );
    command
        .env("PUBLIC_URL", "https://busca.example.org")
        .env("POSTGRES_HOST", "127.0.0.1");
    check(
        "production_without_ssl_mode",
        &place,
        &Run::of(&command.output().unwrap()),
        2,
    );
}

#[test]
fn what_needs_postgresql_says_so() {
    let place = Place::new();
    check(
        "api_without_postgres",
        &place,
        &place.ids(&["api", "--port", "0"]),
        2,
    );
    check(
        "worker_without_postgres",
        &place,
        &place.ids(&["worker", "--all"]),
        2,
    );
    let other = ["keys", "create", "--organization", "Outra", "--scopes", "admin"];
    check("other_organization_embedded", &place, &place.ids(&other), 2);
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let place = Place::new();
    let list = ["documents", "list"];
    for (name, variable, value) in [
        ("unknown_variable", "IDS_DATADIR", "x"),
        ("unreadable_number", "CHUNK_SIZE", "many"),
        ("unreadable_level", "LOG_LEVEL", "a=b=c"),
        ("embedding_model_without_a_server", "OPENAI_EMBEDDING_MODEL", "x"),
        ("bucket_without_keys", "S3_BUCKET", "documents"),
        ("unreadable_dsn", "REDIS_DSN", "http://user:hidden@host"),
        ("shield_that_is_not_known", "PII_SHIELD", "maybe"),
    ] {
        check(name, &place, &with_variable(&place, variable, value, &list), 2);
    }
    place.write(".env", "CHUNK_OVERLAP=-1\n");
    check("unreadable_value_in_env_file", &place, &place.ids(&list), 2);
}

#[test]
fn bad_arguments_are_named() {
    let place = Place::new();
    place.write("a.txt", "a");
    place.write("b.txt", "b");
    for (name, arguments) in [
        ("no_command", &[][..]),
        ("unknown_command", &["serch"]),
        ("paths_missing", &["ingest", "none", "nothing.pdf"]),
        (
            "title_for_two_files",
            &["ingest", "--title", "T", "a.txt", "b.txt"],
        ),
        ("unknown_mode", &["search", "x", "--mode", "fuzzy"]),
        ("too_many_passages", &["search", "x", "-n", "101"]),
        ("unknown_type", &["search", "x", "--type", "word"]),
        ("empty_query", &["search", ""]),
        ("delete_without_a_terminal", &["documents", "delete", "x"]),
        (
            "healthcheck_of_no_address",
            &["healthcheck", "--url", "localhost"],
        ),
    ] {
        check(name, &place, &place.ids(arguments), 2);
    }
}

#[test]
fn what_is_not_there_is_named() {
    let place = Place::new();
    for (name, arguments) in [
        ("unknown_document", &["documents", "show", "x"][..]),
        (
            "unknown_document_to_delete",
            &["documents", "delete", "x", "--yes"],
        ),
        ("unknown_collection", &["search", "x", "--collection", "none"]),
        ("unknown_job", &["queue", "cancel", "x"]),
        ("healthcheck_without_a_server", &["healthcheck"]),
    ] {
        check(name, &place, &place.ids(arguments), 1);
    }
    let run = place.ids(&["documents", "show", "x", "--json"]);
    assert_eq!(
        (run.code, run.body()["error_code"].as_str()),
        (Some(1), Some("DOCUMENT_NOT_FOUND"))
    );
}

#[test]
fn nobody_reading_on_is_no_error() {
    let place = Place::new();
    for arguments in [
        &["documents", "list"][..],
        &["collections", "list", "--json"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut child = place
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8(output.stderr).unwrap()),
            (Some(0), String::new()),
            "{arguments:?}"
        );
    }
}
