//! Which sentence answers, and does any? One row a candidate sentence, for `fit.py`; with `PASSAGES` set to a path, one row a passage
//! there, too, for `fit_passages.py`.
//!
//! Usage, in the repository's root: `bench-answers EVAL_DIR [QUESTIONS_PER_SET] [PASSAGES_FILE]`; with 0 questions only follow-ups are measured.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measuring program")]

mod follow_ups;
#[expect(dead_code, reason = "only its `open` is needed here")]
#[path = "../search/library.rs"]
mod library;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use ids_core::answer::{ConfidenceFeatures, Evidence, PASSAGES, PassageFeatures, confidence, relevant};
use ids_core::eval::{EvalDocument, EvalProgress, EvalSet, index_set};
use ids_core::id::{DocumentId, OrganizationId};
use ids_core::library::Library;
use ids_core::scope::Scope;
use ids_core::search::{Hit, SearchMode, SearchRequest};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

/// Hits looked at, so that enough are left when those of the answering paragraph go.
const HITS: usize = 40;

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    title: String,
    text: String,
}

#[derive(Deserialize)]
struct Answers {
    query_id: String,
    answers: Vec<String>,
}

struct Quiet;

impl EvalProgress for Quiet {
    fn indexed(&self, done: usize, total: usize) {
        if done.is_multiple_of(100) {
            eprintln!("{done} of {total} documents");
        }
    }
    fn asked(&self, _done: usize, _total: usize) {}
    fn answered(&self, _done: usize, _total: usize) {}
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let sets = arguments
        .next()
        .context("usage: bench-answers EVAL_DIR [QUESTIONS_PER_SET]")?;
    let most: usize = arguments
        .next()
        .map_or(Ok(600), |number| number.parse())
        .context("a number of questions")?;
    let mut passages: Box<dyn Write> = match arguments.next() {
        Some(path) => Box::new(BufWriter::new(File::create(path)?)),
        None => Box::new(std::io::sink()),
    };
    writeln!(
        passages,
        "set\tquestion\tkind\trank\tholds\tcosine\twords\tshare\tprobability"
    )?;
    println!(
        "set\tquestion\tkind\trank\tholds\tconfidence\twords\tneighbors\tpassage\texpected\tis_title\tcontext\tpairs\tlength\tcosine\t{}",
        ConfidenceFeatures::NAMES
            .map(|name| format!("sure.{name}"))
            .join("\t"),
    );
    for set in ["faquad", "squad-pt", "xquad-en"] {
        measure(set, &Path::new(&sets).join(set), most, &mut passages).await?;
    }
    passages.flush()?;
    Ok(())
}

async fn measure(set: &str, folder: &Path, most: usize, passages: &mut dyn Write) -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let library = library::open(temporary.path())?.library;
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let documents = rows(&folder.join("corpus.jsonl"))?
        .into_iter()
        .map(|row| EvalDocument {
            id: row.id,
            title: row.title,
            text: row.text,
        })
        .collect();
    let indexed = EvalSet {
        documents,
        queries: Vec::new(),
        grades: HashMap::default(),
        answers: HashMap::default(),
        ..EvalSet::default()
    };
    let names = index_set(
        &library,
        &scope,
        &indexed,
        SearchMode::Hybrid,
        &Quiet,
        &CancellationToken::new(),
    )
    .await?;
    let accepted: HashMap<String, Vec<String>> = lines::<Answers>(&folder.join("answers.jsonl"))?
        .into_iter()
        .map(|row| (row.query_id, row.answers))
        .collect();
    let judged = judgements(&folder.join("qrels.tsv"))?;
    let queries: Vec<Row> = rows(&folder.join("queries.jsonl"))?
        .into_iter()
        .filter(|query| accepted.contains_key(&query.id))
        .collect();
    let mut about: Vec<(String, String)> = Vec::new();
    for query in &queries {
        let of = judged.iter().find(|(id, _)| *id == query.id);
        about.extend(of.map(|(_, document)| (query.text.clone(), document.clone())));
    }
    let by_id: HashMap<DocumentId, String> = names.iter().map(|(id, name)| (*id, name.clone())).collect();
    let followed = follow_ups::measure(&library, &scope, &about, &by_id, set.ends_with("-en")).await?;
    eprintln!("{set}: {followed}");
    if most == 0 {
        return Ok(());
    }
    let step = (queries.len() / most).max(1);
    for query in queries.iter().step_by(step) {
        let hits = hits(&library, &scope, &query.text).await?;
        let answers: Vec<String> = accepted[&query.id]
            .iter()
            .map(|answer| ids_text::fold_for_match(answer))
            .collect();
        print(&library, &scope, set, query, 1, &hits, &answers).await;
        let is_answering = |id: &DocumentId| {
            names
                .get(id)
                .is_some_and(|name| judged.contains(&(query.id.clone(), name.clone())))
        };
        write_passages(passages, set, query, 1, &hits, &is_answering)?;
        let others: Vec<Hit> = hits
            .iter()
            .filter(|hit| !is_answering(&hit.chunk.document_id))
            .cloned()
            .collect();
        write_passages(passages, set, query, 0, &others, &is_answering)?;
        print(&library, &scope, set, query, 0, &others, &[]).await;
    }
    let unanswerable = folder.join("unanswerable.jsonl");
    if unanswerable.exists() {
        for query in rows(&unanswerable)? {
            let hits = hits(&library, &scope, &query.text).await?;
            write_passages(passages, set, &query, 2, &hits, &|_| false)?;
            print(&library, &scope, set, &query, 2, &hits, &[]).await;
        }
    }
    Ok(())
}

async fn hits(library: &Library, scope: &Scope, question: &str) -> Result<Vec<Hit>> {
    let request = SearchRequest {
        limit: HITS,
        ..SearchRequest::new(question)
    };
    Ok(library.search(scope, &request).await?.hits)
}

fn write_passages(
    passages: &mut dyn Write,
    set: &str,
    query: &Row,
    kind: u8,
    hits: &[Hit],
    is_answering: &dyn Fn(&DocumentId) -> bool,
) -> Result<()> {
    for (rank, hit) in hits.iter().take(PASSAGES).enumerate() {
        let features = PassageFeatures::of(hit);
        writeln!(
            passages,
            "{set}\t{}\t{kind}\t{rank}\t{}\t{:.5}\t{:.4}\t{:.4}\t{:.5}",
            query.id,
            u8::from(is_answering(&hit.chunk.document_id)),
            features.cosine.unwrap_or(0.0),
            features.words,
            features.share,
            features.probability(),
        )?;
    }
    Ok(())
}

async fn print(
    library: &Library,
    scope: &Scope,
    set: &str,
    query: &Row,
    kind: u8,
    hits: &[Hit],
    answers: &[String],
) {
    let hits = &relevant(&hits[..hits.len().min(PASSAGES)]);
    let evidence: Vec<Evidence> = library.rank_sentences(scope, &query.text, None, hits).await;
    let sure = confidence(&query.text, hits, &evidence).0;
    let of_all = ConfidenceFeatures::of(&query.text, hits, &evidence).unwrap_or_default();
    let of_all = of_all.values().map(|value| format!("{value:.4}")).join("\t");
    // A question of which nothing relevant was found has one row all the same: it is refused.
    if evidence.is_empty() {
        println!(
            "{set}\t{}\t{kind}\t-1\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t{of_all}",
            query.id
        );
    }
    for (rank, sentence) in evidence.iter().enumerate() {
        let text = ids_text::fold_for_match(&sentence.text);
        let holds = answers.iter().any(|answer| text.contains(answer.as_str()));
        let features = &sentence.features;
        println!(
            "{set}\t{}\t{kind}\t{rank}\t{}\t{sure:.4}\t{:.4}\t{:.4}\t{:.4}\t{}\t{}\t{:.4}\t{:.4}\t{:.3}\t{:.5}\t{of_all}",
            query.id,
            u8::from(holds),
            features.words,
            features.neighbors,
            features.passage,
            u8::from(features.expected),
            u8::from(features.is_title),
            features.context,
            features.pairs,
            features.length,
            features.cosine.unwrap_or(0.0),
        );
    }
}

fn judgements(path: &Path) -> Result<HashSet<(String, String)>> {
    Ok(fs::read_to_string(path)?
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut cells = line.split('\t');
            Some((cells.next()?.to_owned(), cells.next()?.to_owned()))
        })
        .collect())
}

fn rows(path: &Path) -> Result<Vec<Row>> {
    lines(path)
}

fn lines<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Vec<T>> {
    fs::read_to_string(path)
        .with_context(|| path.display().to_string())?
        .lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}
