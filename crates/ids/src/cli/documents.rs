//! `ids documents`: list, look at and remove documents.

use std::io::IsTerminal;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{CallError, Client, segment, with_client, with_query};
use super::confirm;
use super::exit::Failed;
use super::output::{self, clean};
use super::privacy::{self, EraseArgs, FindPersonArgs};
use super::values;
use crate::config::Config;
use crate::local::Work;

/// Look at documents, and remove them.
#[derive(Debug, Args)]
pub struct DocumentsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List documents, newest first
    List(ListArgs),
    /// Show what is known of a document
    Show(ShowArgs),
    /// Remove documents with everything made of them
    Delete(DeleteArgs),
    /// Find the documents, pages and conversations that name a person
    FindPerson(FindPersonArgs),
    /// Erase documents, conversations, or all that names a person, and note it in the record
    Erase(EraseArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// List only documents with this in their title or file name
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// List only documents with this status, such as completed or failed
    #[arg(long)]
    status: Option<String>,
    /// List only this collection
    #[arg(long, value_name = "NAME", value_parser = values::collection)]
    collection: Option<String>,
    /// List only documents that have all of these tags
    #[arg(long, value_name = "TAG,...", value_delimiter = ',', value_parser = values::tag)]
    tags: Vec<String>,
    /// List at most this many (1 to 1000)
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Pass over this many
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u32,
    /// Print the API's reply as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The document
    #[arg(value_name = "ID")]
    document_id: String,
    /// Print the API's reply as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct DeleteArgs {
    /// The documents
    #[arg(value_name = "ID", required = true)]
    document_ids: Vec<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Print what was removed as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: DocumentsArgs, config: &Config) -> Result<u8, Failed> {
    match args.action {
        Action::List(args) => {
            with_client(config, Work::None, async |client: &Client| {
                list(client, &args).await
            })
            .await
        }
        Action::Show(args) => {
            with_client(config, Work::None, async |client: &Client| {
                show(client, &args).await
            })
            .await
        }
        Action::Delete(args) => {
            check_confirmable(args.yes)?;
            with_client(config, Work::None, async |client: &Client| {
                delete(client, &args).await
            })
            .await
        }
        Action::FindPerson(args) => {
            with_client(config, Work::None, async |client: &Client| {
                privacy::find(client, &args).await
            })
            .await
        }
        Action::Erase(args) => {
            check_confirmable(args.yes)?;
            with_client(config, Work::None, async |client: &Client| {
                privacy::erase(client, &args).await
            })
            .await
        }
    }
}

/// What is asked before anything is removed can be asked of somebody, or need not be.
fn check_confirmable(yes: bool) -> Result<(), Failed> {
    if yes || std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failed::usage(
        "nobody can be asked here; give --yes to remove without asking",
    ))
}

async fn list(client: &Client, args: &ListArgs) -> Result<u8, Failed> {
    let tags = (!args.tags.is_empty()).then(|| args.tags.join(","));
    let path = with_query(
        "/api/v1/documents",
        &[
            ("search", args.search.clone()),
            ("status", args.status.clone()),
            ("collection", args.collection.clone()),
            ("tags", tags),
            ("limit", Some(args.limit.to_string())),
            ("offset", Some(args.offset.to_string())),
        ],
    );
    let reply = client
        .get(&path)
        .await
        .map_err(|error| error.into_failed(args.json))?;
    if args.json {
        output::print_raw(&reply.raw)?;
    } else {
        output::print(&render_list(&reply.body, args.offset))?;
    }
    Ok(0)
}

fn render_list(body: &Value, offset: u32) -> String {
    let documents = body["documents"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let total = body["total"].as_u64().unwrap_or(0);
    if documents.is_empty() {
        return format!("no documents here, {total} in all");
    }
    let mut rows = vec![
        ["document", "status", "pages", "collection", "title"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for document in documents {
        let text = |name: &str| clean(document[name].as_str().unwrap_or_default());
        let pages = document["page_count"]
            .as_u64()
            .map_or_else(|| "-".to_owned(), |pages| pages.to_string());
        rows.push(vec![
            text("document_id"),
            text("status"),
            pages,
            text("collection"),
            text("title"),
        ]);
    }
    let shown = documents.len() as u64;
    let first = u64::from(offset) + 1;
    let mut text = output::table(&rows);
    if shown < total {
        text.push_str(&format!(
            "\n{first} to {} of {total}; --offset and --limit show others",
            first + shown - 1
        ));
    }
    text
}

async fn show(client: &Client, args: &ShowArgs) -> Result<u8, Failed> {
    let path = format!("/api/v1/documents/{}", segment(&args.document_id));
    let reply = client
        .get(&path)
        .await
        .map_err(|error| error.into_failed(args.json))?;
    if args.json {
        output::print_raw(&reply.raw)?;
    } else {
        let analysis = client
            .get(&format!("{path}/analysis"))
            .await
            .map_err(|error| error.into_failed(false))?;
        output::print(&render_document(&reply.body, &analysis.body))?;
    }
    Ok(0)
}

fn render_document(document: &Value, analysis: &Value) -> String {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            rows.push(vec![name.to_owned(), value]);
        }
    };
    let text = |name: &str| document[name].as_str().map(clean);
    let number = |name: &str| document[name].as_u64();
    let tags = document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let tags: Vec<String> = tags.iter().filter_map(Value::as_str).map(clean).collect();
    row("document", text("document_id"));
    row("title", text("title"));
    row("description", text("description"));
    let fact = |name: &str| analysis[name].as_str().map(clean);
    row("author", fact("author"));
    row("language", fact("language"));
    row("written", fact("file_created_at"));
    row("changed", fact("file_modified_at"));
    row("file", text("filename"));
    row("type", text("content_type"));
    row("size", number("file_size").map(output::size));
    row("collection", text("collection"));
    row("tags", Some(tags.join(", ")));
    row("status", text("status"));
    row("error", document["error"]["error"].as_str().map(clean));
    row("duplicate of", text("duplicate_of"));
    row("came in", text("parent_id"));
    row("path in it", text("path"));
    row("pages", number("page_count").map(|pages| pages.to_string()));
    row("chunks", number("total_chunks").map(|chunks| chunks.to_string()));
    row("sha256", text("file_hash"));
    row("job", text("job_id"));
    row("created", text("created_at"));
    row("updated", text("updated_at"));
    output::table(&rows)
}

async fn delete(client: &Client, args: &DeleteArgs) -> Result<u8, Failed> {
    let (mut deleted, mut failed) = (Vec::new(), Vec::new());
    let mut lines = Vec::new();
    for id in &args.document_ids {
        match delete_one(client, id, args.yes).await {
            Ok(Some(removed)) => {
                lines.push(format!("removed `{}` with {}", clean(id), what_went(&removed)));
                deleted.push(json!({
                    "document_id": id,
                    "chunks_removed": removed["chunks_removed"],
                    "embeddings_removed": removed["embeddings_removed"],
                    "children_removed": removed["children_removed"],
                }));
            }
            Ok(None) => lines.push(format!("kept `{}`", clean(id))),
            Err(CallError::Refused(refused)) => {
                if !args.json {
                    output::remark(&format!("error: {}", clean(&refused.detail())));
                }
                failed.push(
                    json!({"document_id": id, "error_code": refused.code(), "error": refused.detail()}),
                );
            }
            Err(gone) => return Err(gone.into_failed(args.json)),
        }
    }
    let code = u8::from(!failed.is_empty());
    if args.json {
        output::print(&json!({"deleted": deleted, "failed": failed}).to_string())?;
    } else if !lines.is_empty() {
        output::print(&lines.join("\n"))?;
    }
    Ok(code)
}

/// `3 chunks`, or `3 chunks and 2 documents that came in it`.
fn what_went(removed: &Value) -> String {
    let number = |name: &str| removed[name].as_u64().unwrap_or(0);
    let chunks = output::count(number("chunks_removed"), "chunk");
    match number("children_removed") {
        0 => chunks,
        children => format!(
            "{chunks} and {} that came in it",
            output::count(children, "document")
        ),
    }
}

/// `None` when the person said no.
async fn delete_one(client: &Client, id: &str, yes: bool) -> Result<Option<Value>, CallError> {
    let path = format!("/api/v1/documents/{}", segment(id));
    if !yes {
        let document = client.get(&path).await?.body;
        let title = clean(document["title"].as_str().unwrap_or_default());
        let question = format!("remove `{title}` ({}) for good? [y/N] ", clean(id));
        let confirmed = confirm::confirmed(&question).await;
        // That somebody can be asked was seen before.
        if !confirmed.map_err(|failed| CallError::Gone(anyhow::anyhow!(failed.message)))? {
            return Ok(None);
        }
    }
    Ok(Some(client.delete(&path).await?.body))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{render_document, render_list, what_went};

    #[test]
    fn a_list_says_when_there_are_more() {
        let body = json!({
            "documents": [{"document_id": "1", "status": "completed", "page_count": 3, "collection": "default", "title": "A"}],
            "total": 9,
        });
        let expected = "document  status     pages  collection  title\n\
                        1         completed  3      default     A\n\
                        5 to 5 of 9; --offset and --limit show others";
        assert_eq!(render_list(&body, 4), expected);
        assert_eq!(
            render_list(&json!({"documents": [], "total": 2}), 9),
            "no documents here, 2 in all"
        );
    }

    #[test]
    fn what_came_in_a_document_is_counted_when_it_goes() {
        assert_eq!(what_went(&json!({"chunks_removed": 1})), "1 chunk");
        assert_eq!(
            what_went(&json!({"chunks_removed": 7, "children_removed": 2})),
            "7 chunks and 2 documents that came in it"
        );
    }

    #[test]
    fn a_document_shows_only_what_is_known() {
        let document =
            json!({"document_id": "1", "title": "A", "tags": [], "file_size": 12, "description": null});
        assert_eq!(
            render_document(
                &document,
                &json!({"author": "Ana", "language": "pt", "file_created_at": null})
            ),
            "document  1\ntitle     A\nauthor    Ana\nlanguage  pt\nsize      12 bytes"
        );
    }
}
