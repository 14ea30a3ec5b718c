//! A library that changes over to another embedding model, and back, through the whole program.

use ids_testkit::ScriptedModelServer;
use serde_json::Value;

use crate::place::{Place, Run};

const MODEL: &str = "ours";

/// Runs the program with a model of embeddings at `base_url`, off the runtime that serves it.
async fn ids(place: &Place, base_url: Option<&str>, args: &[&str]) -> Run {
    ids_with(place, base_url.map(|base_url| (base_url, MODEL)), args).await
}

/// The same with a model of that name.
async fn ids_with(place: &Place, model: Option<(&str, &str)>, args: &[&str]) -> Run {
    let mut command = place.command(args);
    if let Some((base_url, model)) = model {
        command
            .env("OPENAI_BASE_URL", base_url)
            .env("OPENAI_EMBEDDING_MODEL", model)
            .env("OPENAI_EMBEDDING_DIMENSIONS", "48");
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    Run::of(&output.await.unwrap())
}

async fn search(place: &Place, base_url: Option<&str>) -> Value {
    let run = ids(
        place,
        base_url,
        &["search", "prazo do recurso", "--mode", "semantic", "--json"],
    )
    .await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    run.body()["results"].clone()
}

#[tokio::test]
async fn a_library_changes_over_and_serves_all_the_way() {
    let server = ScriptedModelServer::of_embeddings(48).await;
    let base_url = server.base_url();
    let there = Some(base_url.as_str());
    let place = Place::new();
    for (name, text) in [
        ("edital.txt", "O prazo do recurso é de cinco dias úteis."),
        ("ata.txt", "A reunião tratou da merenda escolar."),
    ] {
        place.write(&format!("documents/{name}"), text);
    }
    let folder = place.root().join("documents").to_str().unwrap().to_owned();
    let run = ids(&place, None, &["ingest", &folder, "--json"]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);

    // Set, and not changed over to: the old vectors serve, and the new model is not asked.
    assert_eq!(search(&place, there).await[0]["source"], "edital.txt");
    assert_eq!(server.requests().len(), 0);
    place.write("documents/depois.txt", "A multa da obra é de dez por cento.");
    let run = ids(&place, there, &["ingest", &folder, "--json"]).await;
    assert_eq!(run.body()["ingested"], 1, "{}{}", run.stdout, run.stderr);
    assert_eq!(server.requests().len(), 0, "one library, one model");

    let run = ids(&place, there, &["reindex", "--embeddings", "--json"]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let body = run.body();
    assert_eq!(
        (&body["model"], &body["embedded"], &body["removed"]),
        (&MODEL.into(), &3.into(), &3.into()),
        "{body}"
    );
    let asked = server.requests().len();
    assert!(
        search(&place, there).await[0]["similarity_score"]
            .as_f64()
            .unwrap()
            > 0.0
    );
    assert!(server.requests().len() > asked, "the new model serves");
    let again = ids(&place, there, &["reindex", "--embeddings"]).await;
    assert!(again.stdout.contains("already"), "{}", again.stdout);

    // Not set any more: found by words, and the way back is open.
    assert_eq!(search(&place, None).await.as_array().unwrap().len(), 0);
    let by_words = ids(&place, None, &["search", "prazo do recurso", "--json"]).await;
    assert_ne!(by_words.body()["results"].as_array().unwrap().len(), 0);
    let back = ids(&place, None, &["reindex", "--embeddings", "--json"])
        .await
        .body();
    assert_eq!(
        (&back["embedded"], &back["removed"]),
        (&3.into(), &3.into()),
        "{back}"
    );
    assert_eq!(search(&place, None).await[0]["source"], "edital.txt");
}

#[tokio::test]
async fn a_model_that_is_down_stops_a_change_and_nothing_is_lost() {
    let place = Place::new();
    let file = place.write("edital.txt", "O prazo do recurso é de cinco dias úteis.");
    let run = ids(&place, None, &["ingest", file.to_str().unwrap(), "--json"]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let nobody = ScriptedModelServer::nobodys_base_url().await;

    let run = ids(&place, Some(&nobody), &["reindex", "--embeddings"]).await;

    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("what was done stays done"), "{}", run.stderr);
    assert_eq!(search(&place, Some(&nobody)).await[0]["source"], "edital.txt");
}

#[tokio::test]
async fn what_takes_many_turns_is_changed_over_whole() {
    let server = ScriptedModelServer::of_embeddings(48).await;
    let base_url = server.base_url();
    let place = Place::new();
    let article =
        |number: u32| format!("O lote {number} do loteamento mede {} metros. ", number * 7).repeat(12);
    let text: Vec<String> = (0..300).map(article).collect();
    let file = place.write("lotes.txt", text.join("\n\n"));
    let ours = Some((base_url.as_str(), MODEL));
    let run = ids_with(&place, ours, &["ingest", file.to_str().unwrap(), "--json"]).await;
    let chunks = run.body()["documents"][0]["chunks"].as_u64().unwrap();
    assert!(chunks > 2 * 128, "{chunks} are more than two turns");

    // Nobody can ask for the vectors that are there: all are made anew, each once.
    let before = server.requests().len();
    let theirs = Some((base_url.as_str(), "theirs"));
    let body = ids_with(&place, theirs, &["reindex", "--embeddings", "--json"])
        .await
        .body();

    assert_eq!(
        (&body["embedded"], &body["removed"]),
        (&chunks.into(), &chunks.into()),
        "{body}"
    );
    let requests = server.requests();
    let sent = requests[before..]
        .iter()
        .map(|it| it.body["input"].as_array().unwrap().len() as u64);
    assert_eq!(sent.sum::<u64>(), chunks);
}
