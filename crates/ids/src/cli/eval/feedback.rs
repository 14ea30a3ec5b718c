//! A test set of the answers that people rated: what they asked, what they were content with, and what not.
//!
//! An answer with a thumb up gives a question, the documents it cites as relevant, and its quotes as accepted answers. One with a thumb down gives
//! a question whose quotes should not come first again. Everything is read through the API, from a running server or without one.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use ids_core::answer::standalone;
use ids_core::id::MessageId;
use ids_core::session::{AnswerDetails, AnswerMode, Claim, ClaimStatus, Message, TokenUsage};
use ids_core::time::Timestamp;
use serde_json::{Value, json};

use crate::cli::client::{Client, segment, with_client, with_query};
use crate::cli::exit::Failed;
use crate::cli::output;
use crate::config::Config;
use crate::local::Work;

/// Documents of a set at most: those that are cited, then others to be told from them.
const DOCUMENTS: usize = 2_000;
/// Rows of one call.
const ROWS: usize = 500;
/// Files of a set, which are written anew.
const FILES: [&str; 5] = [
    "corpus.jsonl",
    "queries.jsonl",
    "qrels.tsv",
    "answers.jsonl",
    "feedback.jsonl",
];

/// An answer that was rated.
struct Rated {
    /// The answer's message, which names the question in the set.
    id: String,
    /// The question as one that stands alone.
    question: String,
    is_up: bool,
    reason: Option<String>,
    response: String,
    /// Document and quote.
    sources: Vec<(String, String)>,
}

/// Writes the set into `folder`.
pub async fn write(folder: &Path, config: &Config) -> Result<(), Failed> {
    check_folder(folder)?;
    let (rated, documents) = with_client(config, Work::None, async |client: &Client| {
        let rated = rated_answers(client).await?;
        if rated.is_empty() {
            return Err(Failed::because(
                "nobody has rated an answer yet: the thumbs under each answer do that",
            ));
        }
        let documents = documents(client, &rated).await?;
        Ok((rated, documents))
    })
    .await?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
    for (name, text) in FILES.iter().zip(files(&rated, &documents)) {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    let up = rated.iter().filter(|answer| answer.is_up).count();
    output::remark(&format!(
        "{} rated {up} up, {} down; {} in `{}`",
        output::count(rated.len() as u64, "answer"),
        rated.len() - up,
        output::count(documents.len() as u64, "document"),
        folder.display()
    ));
    Ok(())
}

/// A folder with something else in it is not written over.
fn check_folder(folder: &Path) -> Result<(), Failed> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    let is_foreign = |entry: &std::fs::DirEntry| {
        let name = entry.file_name();
        !FILES.iter().any(|known| name == *known) && !name.to_string_lossy().starts_with("report.")
    };
    let is_set_of_another = folder.join("corpus.jsonl").exists() && !folder.join("feedback.jsonl").exists();
    if is_set_of_another || entries.flatten().any(|entry| is_foreign(&entry)) {
        return Err(Failed::usage(format!(
            "`{}` has something else in it; name a new folder",
            folder.display()
        )));
    }
    Ok(())
}

async fn get(client: &Client, path: &str) -> Result<Value, Failed> {
    let reply = client.get(path).await.map_err(|error| error.into_failed(false))?;
    Ok(reply.body)
}

async fn rated_answers(client: &Client) -> Result<Vec<Rated>, Failed> {
    let mut rated = Vec::new();
    let mut offset = 0;
    loop {
        let query = [
            ("limit", Some(ROWS.to_string())),
            ("offset", Some(offset.to_string())),
        ];
        let page = get(client, &with_query("/api/v1/chat/sessions", &query)).await?;
        let sessions = page["sessions"].as_array().cloned().unwrap_or_default();
        for session in &sessions {
            let id = session["session_id"].as_str().unwrap_or_default();
            let whole = get(client, &format!("/api/v1/chat/sessions/{}", segment(id))).await?;
            rated.extend(rated_of(&whole));
        }
        offset += sessions.len();
        if page["has_more"] != true {
            return Ok(rated);
        }
    }
}

/// The rated answers of a conversation.
fn rated_of(session: &Value) -> Vec<Rated> {
    let messages = session["messages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut found = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let rating = message["feedback"]["rating"].as_str();
        let (Some(rating), Some(asked)) = (rating, at.checked_sub(1).and_then(|before| messages.get(before)))
        else {
            continue;
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let question = text(&asked["content"]);
        let before: Vec<Message> = messages[..at - 1].iter().map(spoken).collect();
        let sources = message["sources"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        found.push(Rated {
            id: text(&message["message_id"]),
            question: standalone(&question, &before).unwrap_or(question),
            is_up: rating == "up",
            reason: message["feedback"]["reason"].as_str().map(str::to_owned),
            response: text(&message["content"]),
            sources: sources
                .iter()
                .map(|source| (text(&source["document_id"]), text(&source["quote"])))
                .collect(),
        });
    }
    found
}

/// As much of a message as a follow-up leans on.
fn spoken(message: &Value) -> Message {
    let claims = message["claims"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let claim = |claim: &Value| Claim {
        text: claim["text"].as_str().unwrap_or_default().to_owned(),
        status: ClaimStatus::Verified,
        sources: Vec::new(),
    };
    Message {
        message_id: MessageId::from_uuid(uuid::Uuid::nil()),
        created_at: Timestamp::from_micros(0),
        content: message["content"].as_str().unwrap_or_default().to_owned(),
        answer: (message["role"] == "assistant").then(|| AnswerDetails {
            mode: AnswerMode::Extractive,
            answered: message["metadata"]["answered"] == true,
            sources: Vec::new(),
            claims: claims.iter().map(claim).collect(),
            nearest: Vec::new(),
            search_results: 0,
            model: None,
            usage: TokenUsage::default(),
            cost: None,
            fallback: None,
            processing_time: std::time::Duration::ZERO,
        }),
        feedback: None,
    }
}

/// Id, title and text of the documents that are cited, and of others.
async fn documents(client: &Client, rated: &[Rated]) -> Result<Vec<(String, String, String)>, Failed> {
    let mut ids: Vec<String> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let cited = rated
        .iter()
        .flat_map(|answer| &answer.sources)
        .map(|(id, _)| id.clone());
    ids.extend(cited.filter(|id| seen.insert(id.clone())));
    let mut offset = 0;
    while ids.len() < DOCUMENTS {
        let query = [
            ("status", Some("completed".to_owned())),
            ("limit", Some(ROWS.to_string())),
            ("offset", Some(offset.to_string())),
        ];
        let page = get(client, &with_query("/api/v1/documents", &query)).await?;
        let listed = page["documents"].as_array().cloned().unwrap_or_default();
        offset += listed.len();
        let listed = listed
            .iter()
            .filter_map(|document| document["document_id"].as_str());
        ids.extend(listed.map(str::to_owned).filter(|id| seen.insert(id.clone())));
        if page["has_more"] != true {
            break;
        }
    }
    ids.truncate(DOCUMENTS);
    let mut documents = Vec::with_capacity(ids.len());
    for id in ids {
        documents.extend(document(client, id).await?);
    }
    Ok(documents)
}

/// A document with its text; `None` when it is gone.
async fn document(client: &Client, id: String) -> Result<Option<(String, String, String)>, Failed> {
    let path = format!("/api/v1/documents/{}", segment(&id));
    let Ok(document) = client.get(&path).await else {
        return Ok(None);
    };
    let pages = document.body["page_count"].as_u64().unwrap_or(0);
    let mut text = String::new();
    for number in 1..=pages {
        let page = get(client, &format!("{path}/pages/{number}")).await?;
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(page["text"].as_str().unwrap_or_default());
    }
    let title = document.body["title"].as_str().unwrap_or_default().to_owned();
    Ok((!text.trim().is_empty()).then_some((id, title, text)))
}

/// The contents of [`FILES`].
fn files(rated: &[Rated], documents: &[(String, String, String)]) -> [String; 5] {
    let known: HashMap<&str, ()> = documents.iter().map(|(id, _, _)| (id.as_str(), ())).collect();
    let lines = |rows: Vec<Value>| rows.iter().map(|row| format!("{row}\n")).collect::<String>();
    let corpus = documents
        .iter()
        .map(|(id, title, text)| json!({"_id": id, "title": title, "text": text}))
        .collect();
    let queries = rated
        .iter()
        .map(|answer| json!({"_id": answer.id, "text": answer.question}))
        .collect();
    let mut judgements = "query-id\tcorpus-id\tscore\n".to_owned();
    let mut answers = Vec::new();
    let mut feedback = Vec::new();
    for answer in rated {
        let quotes: Vec<&str> = answer.sources.iter().map(|(_, quote)| quote.as_str()).collect();
        if answer.is_up && !quotes.is_empty() {
            let cited: BTreeSet<&str> = answer.sources.iter().map(|(id, _)| id.as_str()).collect();
            for document in cited.into_iter().filter(|id| known.contains_key(id)) {
                let _ = writeln!(judgements, "{}\t{document}\t1", answer.id);
            }
            answers.push(json!({"query_id": answer.id, "answers": quotes}));
        }
        feedback.push(json!({
            "query_id": answer.id, "rating": if answer.is_up { "up" } else { "down" }, "reason": answer.reason,
            "response": answer.response, "quotes": quotes,
        }));
    }
    [
        lines(corpus),
        lines(queries),
        judgements,
        lines(answers),
        lines(feedback),
    ]
}
