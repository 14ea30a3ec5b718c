//! `ids eval`: its contract on a small set, and the quality to reach on the shared ones.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use crate::place::{Place, Run};
use crate::server::{Server, send_signal};
use crate::wait;

pub fn tiny_set(place: &Place) {
    let documents = [
        ("d1", "Férias", "O servidor tem trinta dias de férias."),
        ("d2", "", "A multa é de dez por cento."),
    ];
    let corpus: String = documents
        .iter()
        .map(|(id, title, text)| {
            serde_json::json!({"_id": id, "title": title, "text": text}).to_string() + "\n"
        })
        .collect();
    place.write("set/corpus.jsonl", corpus);
    place.write(
        "set/queries.jsonl",
        "{\"_id\": \"q1\", \"text\": \"Quantos dias de férias há?\"}\n{\"_id\": \"q2\", \"text\": \"De quanto é a multa?\"}\n\
         {\"_id\": \"q3\", \"text\": \"Sem julgamento\"}\n",
    );
    place.write(
        "set/qrels.tsv",
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\td2\t1\n",
    );
}

#[test]
fn a_small_set_gives_the_fields_of_the_contract_and_leaves_nothing() {
    let place = Place::new();
    tiny_set(&place);
    let temporary = place.root().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let output = place
        .command(&["eval", "set", "--mode", "keyword", "--json"])
        .env("TMPDIR", &temporary)
        .output()
        .unwrap();
    let run = Run::of(&output);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let mut body = run.body();
    for time in ["p50_ms", "p99_ms"] {
        assert!(body[time].as_f64().unwrap() > 0.0);
        body[time] = Value::from("<ms>");
    }
    insta::assert_snapshot!("eval_tiny", serde_json::to_string_pretty(&body).unwrap());
    assert_eq!(
        std::fs::read_dir(&temporary).unwrap().count(),
        0,
        "the index is removed"
    );
    assert!(!place.data_dir().exists(), "the person's library is not touched");

    let strict = place.json(&["eval", "set", "--relevant-from", "2"]);
    assert_eq!(
        strict["recall_at_10"], 1.0,
        "a question without a grade that high is left out"
    );
    assert!(place.ids(&["eval", "set"]).stdout.contains("NDCG@10"));
}

#[test]
fn questions_are_asked_and_two_reports_compared() {
    let place = Place::new();
    tiny_set(&place);
    place.write(
        "set/answers.jsonl",
        "{\"query_id\": \"q1\", \"answers\": [\"trinta dias\"]}\n{\"query_id\": \"q2\", \"answers\": [\"dez por cento\"]}\n",
    );
    place.write(
        "set/unanswerable.jsonl",
        "{\"_id\": \"u1\", \"text\": \"Quem descobriu a penicilina em Londres?\"}\n",
    );
    let body = place.json(&["eval", "set", "--ask", "--report", "before"]);
    let asked = &body["asked"];
    assert_eq!(
        (&asked["questions"], &asked["unanswerable"]),
        (&3.into(), &1.into()),
        "{body:#}"
    );
    for (name, value) in [
        ("wrongly_answered", 0.0),
        ("wrongly_refused", 0.0),
        ("in_first", 1.0),
        ("citation_recall", 1.0),
        ("cost", 0.0),
    ] {
        assert_eq!(asked[name], value, "{name}: {body:#}");
    }
    assert_eq!(
        asked["verified_rate"],
        serde_json::Value::Null,
        "no model claimed anything"
    );
    assert!(asked["f1"].as_f64().unwrap() > 0.3, "{body:#}");
    assert!(asked["p50_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(body["answers"]["wrongly_answered"], 0.0, "{body:#}");
    for name in ["report.json", "report.md", "report.html"] {
        assert!(place.root().join("before").join(name).is_file(), "{name}");
    }

    // Without the document that says so, one question is not answered any more.
    place.write("set/corpus.jsonl", "{\"_id\": \"d1\", \"text\": \"O servidor tem trinta dias de férias.\"}\n{\"_id\": \"d2\", \"text\": \"A biblioteca abre cedo.\"}\n");
    place.json(&["eval", "set", "--ask", "--report", "after"]);
    let changed = place.json(&["eval", "--compare", "before/report.json", "after/report.json"]);
    let ids: Vec<&str> = changed["changed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|question| question["id"].as_str().unwrap())
        .collect();
    assert!(ids.contains(&"q2") && !ids.contains(&"u1"), "{changed:#}");
    let text = place
        .ids(&["eval", "--compare", "before/report.json", "after/report.json"])
        .stdout;
    assert!(
        text.contains("De quanto é a multa?") && text.contains("(worse)"),
        "{text}"
    );
}

#[test]
fn rated_answers_become_a_test_set() {
    let place = Place::new();
    place.write(
        "contrato.md",
        "A multa por atraso é de 2% ao mês.\n\nO prazo de entrega é de quinze dias.\n",
    );
    place.json(&["ingest", "contrato.md"]);
    let nobody = place.ids(&["eval", "rated", "--feedback"]);
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.stderr.contains("nobody has rated"), "{}", nobody.stderr);
    let server = Server::start(&place);
    for (question, rating) in [
        ("Qual é a multa por atraso?", "up"),
        ("Qual é o prazo de entrega?", "down"),
    ] {
        let answer = place.json(&["ask", question]);
        let path = format!(
            "/api/v1/chat/sessions/{}/messages/{}/feedback",
            answer["session_id"].as_str().unwrap(),
            answer["metadata"]["message_id"].as_str().unwrap()
        );
        let body = serde_json::json!({"rating": rating, "reason": "porque"}).to_string();
        let rated = server.send("POST", &path, "application/json", body.as_bytes());
        assert_eq!(rated.status, 200, "{}", rated.body);
    }

    // From a running server, and without one.
    let running = place.json(&["eval", "rated", "--feedback"]);
    drop(server);
    let body = place.json(&["eval", "rated", "--feedback"]);

    assert_eq!(running["answers"]["questions"], body["answers"]["questions"]);
    assert_eq!(
        (&body["documents"], &body["queries"]),
        (&1.into(), &1.into()),
        "{body:#}"
    );
    let answers = &body["answers"];
    assert_eq!(
        (
            &answers["questions"],
            &answers["in_first"],
            &answers["rejected_again"]
        ),
        (&1.into(), &1.0.into(), &1.0.into()),
        "{body:#}"
    );
    let feedback = std::fs::read_to_string(place.root().join("rated/feedback.jsonl")).unwrap();
    assert!(feedback.contains("\"reason\":\"porque\""), "{feedback}");
    // Nothing else is written over.
    place.write("other/notes.txt", "x");
    assert_eq!(place.ids(&["eval", "other", "--feedback"]).code, Some(2));
}

#[test]
fn a_faulty_line_is_named() {
    let place = Place::new();
    tiny_set(&place);
    place.write("set/qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td9\t1\n");
    let run = place.ids(&["eval", "set"]);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!("eval_faulty_line", place.shown(&run));
}

#[test]
fn ctrl_c_removes_the_index() {
    let Some(set) = ids_testkit::testdata::shared("eval/faquad") else {
        return;
    };
    let place = Place::new();
    let temporary = place.root().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let child = place
        .command(&["eval", set.to_str().unwrap()])
        .env("TMPDIR", &temporary)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait::until("the index", || {
        (std::fs::read_dir(&temporary).unwrap().count() > 0).then_some(())
    });

    send_signal(&child, Signal::INT);

    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

/// NDCG@10 that hybrid search has to reach (issue 3). Its halves stay below, so that hybrid is better than both; each is a test
/// of its own, to run side by side. A half that passes its set's figure needs a higher promise, which is good news.
const FAQUAD: f64 = 0.92;
const SQUAD_PT: f64 = 0.895;
const XQUAD_EN: f64 = 0.975;

/// NDCG@10 of a shared set in a mode; `None` where the set is absent. Its answers are left out: quoting takes longer than all else.
fn ndcg(set: &str, mode: &str) -> Option<f64> {
    let shared = ids_testkit::testdata::shared(&format!("eval/{set}"))?;
    let place = Place::new();
    for file in ["corpus.jsonl", "queries.jsonl", "qrels.tsv"] {
        place.copy(&shared, file, &format!("set/{file}"));
    }
    place.json(&["eval", "set", "--mode", mode])["ndcg_at_10"].as_f64()
}

fn reaches(set: &str, promised: f64) {
    let reached = ndcg(set, "hybrid");
    assert!(
        reached.is_none_or(|reached| reached >= promised),
        "{set}: {reached:?}, not {promised}"
    );
}

fn stays_below(set: &str, mode: &str, promised: f64) {
    let reached = ndcg(set, mode);
    assert!(
        reached.is_none_or(|reached| reached < promised),
        "{set} by {mode} alone: {reached:?}"
    );
}

#[test]
fn faquad_is_answered_as_well_as_was_promised() {
    reaches("faquad", FAQUAD);
}

#[test]
fn faquad_is_answered_worse_by_words_alone() {
    stays_below("faquad", "keyword", FAQUAD);
}

#[test]
fn faquad_is_answered_worse_by_meaning_alone() {
    stays_below("faquad", "semantic", FAQUAD);
}

#[test]
fn squad_pt_is_answered_as_well_as_was_promised() {
    reaches("squad-pt", SQUAD_PT);
}

#[test]
fn squad_pt_is_answered_worse_by_words_alone() {
    stays_below("squad-pt", "keyword", SQUAD_PT);
}

#[test]
fn squad_pt_is_answered_worse_by_meaning_alone() {
    stays_below("squad-pt", "semantic", SQUAD_PT);
}

#[test]
fn xquad_en_is_answered_as_well_as_was_promised() {
    reaches("xquad-en", XQUAD_EN);
}

/// What typing without accents may cost on faquad (design.md 4): hybrid search reached .945 with them.
const FAQUAD_WITHOUT_ACCENTS: f64 = 0.935;

#[test]
fn faquad_is_answered_as_well_when_typed_without_accents() {
    let Some(shared) = ids_testkit::testdata::shared("eval/faquad") else {
        return;
    };
    let place = Place::new();
    for file in ["corpus.jsonl", "qrels.tsv"] {
        place.copy(&shared, file, &format!("set/{file}"));
    }
    let queries = std::fs::read_to_string(shared.join("queries.jsonl")).unwrap();
    let folded: Vec<String> = queries
        .lines()
        .map(|line| {
            let mut query: Value = serde_json::from_str(line).unwrap();
            query["text"] = Value::String(ids_text::fold(query["text"].as_str().unwrap()));
            query.to_string()
        })
        .collect();
    place.write("set/queries.jsonl", folded.join("\n"));
    let reached = place.json(&["eval", "set"])["ndcg_at_10"].as_f64().unwrap();
    assert!(reached >= FAQUAD_WITHOUT_ACCENTS, "{reached}");
}

/// How often an accepted answer stands in the first quoted sentence, and in any: what was reached on this quarter of the questions,
/// less a hundredth (.826 and .944 on the whole set).
#[test]
fn accepted_answers_are_quoted_as_often_as_was_reached() {
    let Some(set) = ids_testkit::testdata::shared("eval/faquad") else {
        return;
    };
    let place = Place::new();
    place.copy(&set, "corpus.jsonl", "set/corpus.jsonl");
    // A question's answers stand on the line of its number, and so do its judgements, below a header.
    for (file, header) in [("queries.jsonl", 0), ("answers.jsonl", 0), ("qrels.tsv", 1)] {
        let text = std::fs::read_to_string(set.join(file)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (header, rows) = lines.split_at(header);
        let quarter: Vec<&str> = rows.iter().copied().step_by(4).collect();
        place.write(&format!("set/{file}"), [header, &quarter].concat().join("\n"));
    }

    let answers = place.json(&["eval", "set"])["answers"].clone();

    assert_eq!(answers["questions"], 225);
    assert!(answers["in_first"].as_f64().unwrap() >= 0.81, "{answers}");
    assert!(answers["in_any"].as_f64().unwrap() >= 0.91, "{answers}");
    // Both rates of refusals (docs/quality.md); before the words that a passage lacks counted, .69 were answered without their paragraph.
    assert!(answers["wrongly_refused"].as_f64().unwrap() <= 0.04, "{answers}");
    assert!(
        answers["wrongly_answered_without"].as_f64().unwrap() <= 0.63,
        "{answers}"
    );
}
