//! Reads a set from a folder: `corpus.jsonl`, `queries.jsonl`, `qrels.tsv` and, where there are some, `answers.jsonl`, `unanswerable.jsonl` and
//! `feedback.jsonl`.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use ids_core::eval::{EvalDocument, EvalQuery, EvalSet, Grades};
use serde_json::Value;

/// Reads and checks a set.
///
/// # Errors
/// The first fault, with file and line.
pub fn read(folder: &Path) -> Result<EvalSet, String> {
    let documents = read_lines(folder, "corpus.jsonl", |line| {
        let object = object(line)?;
        Ok(EvalDocument {
            id: required(&object, "_id")?,
            title: object["title"].as_str().unwrap_or_default().to_owned(),
            text: required(&object, "text")?,
        })
    })?;
    let queries = read_lines(folder, "queries.jsonl", |line| {
        let object = object(line)?;
        Ok(EvalQuery {
            id: required(&object, "_id")?,
            text: required(&object, "text")?,
        })
    })?;
    let document_ids = distinct(
        folder,
        "corpus.jsonl",
        documents.iter().map(|document| document.id.as_str()),
    )?;
    let query_ids = distinct(
        folder,
        "queries.jsonl",
        queries.iter().map(|query| query.id.as_str()),
    )?;
    let rejected = match folder.join("feedback.jsonl").exists() {
        true => read_rejected(folder, &query_ids)?,
        false => HashMap::new(),
    };
    let grades = read_grades(folder, &document_ids, &query_ids)?;
    if grades.is_empty() && rejected.is_empty() {
        return Err(format!(
            "`{}` has no judgements",
            folder.join("qrels.tsv").display()
        ));
    }
    let answers = match folder.join("answers.jsonl").exists() {
        true => read_answers(folder, &query_ids)?,
        false => HashMap::new(),
    };
    let unanswerable = match folder.join("unanswerable.jsonl").exists() {
        true => read_lines(folder, "unanswerable.jsonl", |line| {
            let object = object(line)?;
            Ok(EvalQuery {
                id: required(&object, "_id")?,
                text: required(&object, "text")?,
            })
        })?,
        false => Vec::new(),
    };
    Ok(EvalSet {
        documents,
        queries,
        grades,
        answers,
        unanswerable,
        rejected,
    })
}

/// The quotes of answers that were rated `down`, by question.
fn read_rejected(folder: &Path, queries: &HashSet<String>) -> Result<HashMap<String, Vec<String>>, String> {
    let rows = read_lines(folder, "feedback.jsonl", |line| {
        let object = object(line)?;
        let query = required(&object, "query_id")?;
        if !queries.contains(&query) {
            return Err(format!(
                "names the query `{query}`, which is not in queries.jsonl"
            ));
        }
        let is_down = required(&object, "rating")? == "down";
        let quotes: Vec<String> = object["quotes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        Ok((is_down && !quotes.is_empty()).then_some((query, quotes)))
    })?;
    Ok(rows.into_iter().flatten().collect())
}

fn read_grades(
    folder: &Path,
    documents: &HashSet<String>,
    queries: &HashSet<String>,
) -> Result<HashMap<String, Grades>, String> {
    let mut is_header = true;
    let rows = read_lines(folder, "qrels.tsv", |line| {
        // The first line names the columns.
        if std::mem::take(&mut is_header) {
            return Ok(None);
        }
        let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [query, document, grade] = columns[..] else {
            return Err(format!(
                "must have three columns parted by tabs, and has {}",
                columns.len()
            ));
        };
        if !queries.contains(query) {
            return Err(format!(
                "names the query `{query}`, which is not in queries.jsonl"
            ));
        }
        if !documents.contains(document) {
            return Err(format!(
                "names the document `{document}`, which is not in corpus.jsonl"
            ));
        }
        let grade: u32 = grade
            .parse()
            .map_err(|_| format!("has the grade `{grade}`, which is no whole number"))?;
        Ok(Some((query.to_owned(), document.to_owned(), grade)))
    })?;
    let mut grades: HashMap<String, Grades> = HashMap::new();
    for (query, document, grade) in rows.into_iter().flatten() {
        grades.entry(query).or_default().insert(document, grade);
    }
    Ok(grades)
}

fn read_answers(folder: &Path, queries: &HashSet<String>) -> Result<HashMap<String, Vec<String>>, String> {
    let rows = read_lines(folder, "answers.jsonl", |line| {
        let object = object(line)?;
        let query = required(&object, "query_id")?;
        if !queries.contains(&query) {
            return Err(format!(
                "names the query `{query}`, which is not in queries.jsonl"
            ));
        }
        let answers = object["answers"]
            .as_array()
            .map(|answers| answers.iter().map(Value::as_str).collect());
        match answers {
            Some(Some(answers)) => Ok((query, Vec::into_iter(answers).map(str::to_owned).collect())),
            _ => Err("must have `answers`, a list of texts".to_owned()),
        }
    })?;
    Ok(rows.into_iter().collect())
}

/// Reads a file line by line; empty lines are passed over.
fn read_lines<T>(
    folder: &Path,
    name: &str,
    mut parse: impl FnMut(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!(
                "there is no `{}`; a set needs corpus.jsonl, queries.jsonl and qrels.tsv",
                path.display()
            )
        }
        _ => format!("`{}` cannot be read: {error}", path.display()),
    })?;
    let mut rows = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if !line.trim().is_empty() {
            rows.push(
                parse(line).map_err(|error| format!("`{}` line {}: {error}", path.display(), index + 1))?,
            );
        }
    }
    Ok(rows)
}

fn object(line: &str) -> Result<Value, String> {
    match serde_json::from_str(line) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("must be a JSON object".to_owned()),
        Err(error) => Err(format!("is not JSON: {error}")),
    }
}

fn required(object: &Value, name: &str) -> Result<String, String> {
    object[name]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("must have `{name}`, a text"))
}

fn distinct<'a>(
    folder: &Path,
    name: &str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashSet<String>, String> {
    let mut seen = HashSet::new();
    for id in ids {
        if !seen.insert(id.to_owned()) {
            return Err(format!(
                "`{}` has the id `{id}` twice",
                folder.join(name).display()
            ));
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::read;

    const CORPUS: &str = "{\"_id\": \"d1\", \"title\": \"T\", \"text\": \"Texto.\"}\n\n{\"_id\": \"d2\", \"text\": \"Outro.\"}\n";
    const QUERIES: &str = "{\"_id\": \"q1\", \"text\": \"Texto?\"}\n";
    const QRELS: &str = "query-id\tcorpus-id\tscore\nq1\td1\t2\n";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn error(corpus: &str, queries: &str, qrels: &str) -> String {
        let folder = folder(&[
            ("corpus.jsonl", corpus),
            ("queries.jsonl", queries),
            ("qrels.tsv", qrels),
        ]);
        read(folder.path()).unwrap_err()
    }

    #[test]
    fn a_set_is_read_whole() {
        let answers = "{\"query_id\": \"q1\", \"answers\": [\"Texto\"]}\n";
        let files = [
            ("corpus.jsonl", CORPUS),
            ("queries.jsonl", QUERIES),
            ("qrels.tsv", QRELS),
            ("answers.jsonl", answers),
        ];
        let set = read(folder(&files).path()).unwrap();
        assert_eq!(
            (
                set.documents.len(),
                set.queries.len(),
                set.documents[1].title.as_str()
            ),
            (2, 1, "")
        );
        assert_eq!(
            (set.grades["q1"]["d1"], set.answers["q1"].as_slice()),
            (2, &["Texto".to_owned()][..])
        );
    }

    #[test]
    fn faults_name_file_and_line() {
        let bad_json = error("{\"_id\": \"d1\", \"text\": \"a\"}\n{oops\n", QUERIES, QRELS);
        assert!(
            bad_json.contains("corpus.jsonl` line 2: is not JSON"),
            "{bad_json}"
        );
        let no_text = error(CORPUS, "{\"_id\": \"q1\"}\n", QRELS);
        assert!(
            no_text.contains("queries.jsonl` line 1: must have `text`"),
            "{no_text}"
        );
        let unknown = error(CORPUS, QUERIES, "a\tb\tc\nq1\td9\t1\n");
        assert!(
            unknown.contains("qrels.tsv` line 2") && unknown.contains("`d9`"),
            "{unknown}"
        );
        let grade = error(CORPUS, QUERIES, "a\tb\tc\nq1\td1\tx\n");
        assert!(grade.contains("line 2") && grade.contains("`x`"), "{grade}");
        let twice = error(&format!("{CORPUS}{CORPUS}"), QUERIES, QRELS);
        assert!(twice.contains("`d1` twice"), "{twice}");
        let empty = error(CORPUS, QUERIES, "a\tb\tc\n");
        assert!(empty.contains("no judgements"), "{empty}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(folder(&[("corpus.jsonl", CORPUS)]).path()).unwrap_err();
        assert!(
            error.contains("queries.jsonl") && error.contains("qrels.tsv"),
            "{error}"
        );
    }
}
