//! `ids migrate-data` end to end: a library goes into PostgreSQL and a bucket, answers there as it did, and comes back.

use ids_testkit::services::{PostgresConnection, PrivatePostgres};
use serde_json::Value;

use crate::place::{Place, Run};

/// The environment of the server shape, without a bucket.
pub fn server_env(server: &PostgresConnection) -> Vec<(&'static str, String)> {
    vec![
        ("POSTGRES_HOST", server.host.clone()),
        ("POSTGRES_PORT", server.port.to_string()),
        ("POSTGRES_USER", server.user.clone()),
        ("POSTGRES_PASSWORD", server.password.clone()),
        ("POSTGRES_DB", server.database.clone()),
        ("POSTGRES_SSL_MODE", "disable".to_owned()),
    ]
}

pub fn run(place: &Place, environment: &[(&'static str, String)], arguments: &[&str]) -> Run {
    let mut command = place.command(arguments);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    Run::of(&command.output().unwrap())
}

pub fn json(place: &Place, environment: &[(&'static str, String)], arguments: &[&str]) -> Value {
    let run = run(place, environment, &[arguments, &["--json"]].concat());
    assert_eq!(run.code, Some(0), "{arguments:?}: {}{}", run.stdout, run.stderr);
    run.body()
}

/// What a search gives, without what differs between stores.
fn hits(place: &Place, environment: &[(&'static str, String)]) -> Vec<Value> {
    let mut all = Vec::new();
    for query in [
        "férias dos servidores",
        "licitação",
        "prazo de publicação",
        "água",
    ] {
        let mut body = json(place, environment, &["search", query, "-n", "20"]);
        for mut hit in body["results"].as_array_mut().unwrap().drain(..) {
            assert_ne!(hit["chunk_id"].take(), Value::Null);
            all.push(hit);
        }
    }
    assert!(all.len() >= 8, "{all:?}");
    all
}

fn library() -> Place {
    let place = Place::new();
    place.write(
        "ferias.md",
        "# Férias\n\nA concessão de férias dos servidores observará a escala publicada em dezembro.",
    );
    place.write("edital.md", "# Edital\n\n## Do prazo\n\nA licitação terá prazo de publicação de oito dias úteis.\n\nFica vedada a subcontratação.");
    place.write(
        "agua.txt",
        "O abastecimento de água é serviço essencial. A multa por desperdício é de 2% ao mês.",
    );
    let ingested = place.json(&["ingest", "ferias.md", "edital.md", "agua.txt", "--tags", "teste"]);
    assert_eq!(ingested["ingested"], 3);
    place.json(&["ask", "Qual é o prazo de publicação da licitação?"]);
    place
}

#[test]
fn a_library_goes_to_the_server_and_comes_back() {
    let server = PrivatePostgres::start();
    let environment = server_env(&server);
    let place = library();
    let before = hits(&place, &[]);
    let documents = place.json(&["documents", "list"]);

    // The place's folder stands for the one that the server's processes share.
    let out = json(&place, &environment, &["migrate-data", "--to", "server"]);
    assert_eq!(out["verified"], true, "{out}");
    assert_eq!(
        (&out["documents"]["moved"], &out["target"]["messages"]),
        (&3.into(), &2.into())
    );
    assert_eq!(out["content_hash"]["source"], out["content_hash"]["target"]);
    assert_eq!(hits(&place, &environment), before);
    assert_eq!(json(&place, &environment, &["documents", "list"]), documents);
    let again = json(&place, &environment, &["migrate-data", "--to", "server"]);
    assert_eq!(
        (&again["documents"]["present"], &again["documents"]["moved"]),
        (&3.into(), &0.into())
    );

    let other = Place::new();
    let shared = place.data_dir().to_str().unwrap();
    let back = ["migrate-data", "--to", "embedded", "--server-data-dir", shared];
    let home = json(&other, &environment, &back);
    assert_eq!(home["content_hash"], out["content_hash"]);
    assert_eq!(home["blobs"]["copied"], 3);
    assert_eq!(hits(&other, &[]), before);
    assert_eq!(other.json(&["documents", "list"]), documents);
}

#[test]
fn what_stands_at_the_target_is_not_mixed_without_a_word() {
    let server = PrivatePostgres::start();
    let environment = server_env(&server);
    let (place, stranger) = (library(), Place::new());
    stranger.write("outro.md", "# Outro\n\nUm documento que só está no servidor.");
    stranger.json(&["ingest", "outro.md"]);
    json(&stranger, &environment, &["migrate-data", "--to", "server"]);

    let refused = run(&place, &environment, &["migrate-data", "--to", "server"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(
        refused.stderr.contains("1 document and 0 conversations"),
        "{}",
        refused.stderr
    );
    let agreed = run(&place, &environment, &["migrate-data", "--to", "server", "--yes"]);
    assert_eq!(agreed.code, Some(0), "{}{}", agreed.stdout, agreed.stderr);
    assert!(
        agreed.stdout.contains("both ends hold the same"),
        "{}",
        agreed.stdout
    );
    let listed = json(&place, &environment, &["documents", "list"]);
    assert_eq!(listed["total"], 4);
}

#[test]
fn usage_is_said_before_anything_is_touched() {
    let place = Place::new();
    let without = place.ids(&["migrate-data", "--to", "server"]);
    assert_eq!(without.code, Some(2));
    assert!(without.stderr.contains("POSTGRES_HOST"), "{}", without.stderr);
    let environment = [
        ("POSTGRES_HOST", "127.0.0.1".to_owned()),
        ("POSTGRES_PORT", "1".to_owned()),
    ];
    let empty = run(&place, &environment, &["migrate-data", "--to", "server"]);
    assert_eq!(empty.code, Some(1));
    assert!(
        empty.stderr.contains("no library in the data directory"),
        "{}",
        empty.stderr
    );
    assert!(!place.data_dir().exists(), "nothing was made");
}
