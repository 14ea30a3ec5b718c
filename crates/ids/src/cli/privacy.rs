//! `ids documents find-person` and `erase`: what is kept of a person, and its removal.

use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, Reply};
use super::confirm;
use super::exit::Failed;
use super::output::{self, clean};

/// Ids of one call.
const AT_ONCE: usize = 500;

/// Find the documents, pages and conversations that name a person
#[derive(Debug, Args)]
pub struct FindPersonArgs {
    /// A name, a number such as a CPF, or an address of mail
    #[arg(value_name = "PERSON")]
    person: String,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

/// Erase documents, conversations, or all that names a person, and note it in the record
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct EraseArgs {
    /// Erase these documents, with what came in them and the conversations that quote them
    #[arg(
        long = "document",
        value_name = "ID,...",
        value_delimiter = ',',
        group = "what"
    )]
    documents: Vec<String>,
    /// Erase these conversations
    #[arg(
        long = "session",
        value_name = "ID,...",
        value_delimiter = ',',
        group = "what"
    )]
    sessions: Vec<String>,
    /// Erase all documents and conversations that name this person
    #[arg(long, value_name = "PERSON", group = "what")]
    person: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Print what was erased as JSON
    #[arg(long)]
    json: bool,
}

/// Finds.
pub async fn find(client: &Client, args: &FindPersonArgs) -> Result<u8, Failed> {
    let found = look_for(client, &args.person, args.json).await?;
    if args.json {
        output::print(&found.to_string())?;
    } else {
        output::print(&render(&found))?;
    }
    Ok(0)
}

/// Erases.
pub async fn erase(client: &Client, args: &EraseArgs) -> Result<u8, Failed> {
    let (mut documents, mut sessions) = (args.documents.clone(), args.sessions.clone());
    if let Some(person) = &args.person {
        let found = look_for(client, person, args.json).await?;
        if !args.yes {
            output::print(&render(&found))?;
        }
        documents.extend(ids(&found["documents"], "document_id"));
        sessions.extend(ids(&found["sessions"], "session_id"));
    }
    if !args.yes {
        let question = format!(
            "Erase {} documents with what came in them and the conversations that quote them, and {} conversations? This cannot be undone. [y/N] ",
            documents.len(),
            sessions.len()
        );
        if !confirm::confirmed(&question).await? {
            return Err(Failed::because("nothing was erased"));
        }
    }
    let mut erased = json!({"document_ids": [], "session_ids": [], "still_in": []});
    let parts = documents
        .chunks(AT_ONCE)
        .map(|part| json!({"document_ids": part}))
        .chain(sessions.chunks(AT_ONCE).map(|part| json!({"session_ids": part})));
    for part in parts {
        let reply = post(client, "/api/v1/privacy/erase", &part, args.json).await?;
        for name in ["document_ids", "session_ids", "still_in"] {
            if let (Some(all), Some(more)) = (erased[name].as_array_mut(), reply.body[name].as_array()) {
                all.extend(more.iter().cloned());
            }
        }
    }
    forget_what_went_later(&mut erased);
    if args.json {
        output::print(&erased.to_string())?;
    } else {
        let count = |name: &str| erased[name].as_array().map_or(0, Vec::len);
        output::print(&format!(
            "erased {} documents and {} conversations; the record has their ids. Backups made before still hold them",
            count("document_ids"),
            count("session_ids")
        ))?;
        for id in ids_of(&erased["still_in"]) {
            output::print(&format!(
                "document {id} stays, and its original still holds what came in it: `ids documents erase --document {id}` takes both"
            ))?;
        }
    }
    Ok(0)
}

/// An archive that a later call of the same command erased does not stay.
fn forget_what_went_later(erased: &mut Value) {
    let gone = ids_of(&erased["document_ids"]);
    if let Some(staying) = erased["still_in"].as_array_mut() {
        staying.retain(|id| !gone.iter().any(|gone| id == gone));
        staying.dedup();
    }
}

fn ids_of(list: &Value) -> Vec<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// `{"documents": [...], "sessions": [...]}`: all that names the person.
async fn look_for(client: &Client, person: &str, json: bool) -> Result<Value, Failed> {
    let mut documents = Vec::new();
    let mut offset = Some(0);
    while let Some(from) = offset {
        let body = json!({"person": person, "offset": from});
        let reply = post(client, "/api/v1/privacy/find-person", &body, json).await?;
        documents.extend(reply.body["documents"].as_array().cloned().unwrap_or_default());
        offset = reply.body["next_offset"].as_u64();
    }
    let reply = post(
        client,
        "/api/v1/privacy/find-sessions",
        &json!({"person": person}),
        json,
    )
    .await?;
    Ok(json!({"documents": documents, "sessions": reply.body["sessions"]}))
}

async fn post(client: &Client, path: &str, body: &Value, json: bool) -> Result<Reply, Failed> {
    let reply = client.post(path, body).await;
    reply.map_err(|error| error.into_failed(json))
}

fn ids(list: &Value, name: &str) -> Vec<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item[name].as_str().map(str::to_owned))
        .collect()
}

fn render(found: &Value) -> String {
    let list = |name: &str| found[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let (documents, sessions) = (list("documents"), list("sessions"));
    if documents.is_empty() && sessions.is_empty() {
        return "nothing names this person".to_owned();
    }
    let mut lines = Vec::new();
    for document in documents {
        let text = |name: &str| clean(document[name].as_str().unwrap_or_default());
        let pages = document["pages"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut places: Vec<String> = pages
            .iter()
            .map(|page| format!("page {}", page["page"]))
            .collect();
        if document["in_details"] == true {
            places.insert(0, "its title, file name or description".to_owned());
        }
        // Who erases it should know that it is in another's original, too.
        let container = match document["parent_id"].as_str() {
            Some(parent) => format!(", came in {parent}"),
            None => String::new(),
        };
        lines.push(format!(
            "document {}  {} ({}{container}): {}",
            text("document_id"),
            text("title"),
            text("collection"),
            places.join(", ")
        ));
    }
    for session in sessions {
        let text = |name: &str| clean(session[name].as_str().unwrap_or_default());
        lines.push(format!("conversation {}  {}", text("session_id"), text("title")));
    }
    lines.join("\n")
}
