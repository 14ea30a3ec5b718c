//! `ids collections`: where documents belong.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Reply, segment, with_client};
use super::exit::Failed;
use super::output;
use crate::config::Config;
use crate::local::Work;

/// Look at collections, make and remove them.
#[derive(Debug, Args)]
pub struct CollectionsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the collections and how many documents are in them
    List {
        /// Print the API's reply as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a collection; uploads make theirs by themselves
    Create(NameArgs),
    /// Remove a collection without documents
    Delete(NameArgs),
}

#[derive(Debug, Args)]
struct NameArgs {
    /// The collection
    #[arg(value_name = "NAME")]
    name: String,
    /// Print the API's reply as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: CollectionsArgs, config: &Config) -> Result<u8, Failed> {
    match args.action {
        Action::List { json } => {
            with_client(config, Work::None, async |client: &Client| {
                let reply = client
                    .get("/api/v1/collections")
                    .await
                    .map_err(|error| error.into_failed(json))?;
                if json {
                    output::print_raw(&reply.raw)
                } else {
                    output::print(&list(&reply.body))
                }
            })
            .await?;
        }
        Action::Create(args) => {
            with_client(config, Work::None, async |client: &Client| {
                let reply = client
                    .post("/api/v1/collections", &json!({"name": args.name}))
                    .await
                    .map_err(|error| error.into_failed(args.json))?;
                told(&reply, &args, "is there")
            })
            .await?;
        }
        Action::Delete(args) => {
            with_client(config, Work::None, async |client: &Client| {
                let reply = client
                    .delete(&format!("/api/v1/collections/{}", segment(&args.name)))
                    .await
                    .map_err(|error| error.into_failed(args.json))?;
                told(&reply, &args, "is gone")
            })
            .await?;
        }
    }
    Ok(0)
}

fn told(reply: &Reply, args: &NameArgs, what: &str) -> Result<(), Failed> {
    if args.json {
        output::print_raw(&reply.raw)
    } else {
        output::print(&format!("collection `{}` {what}", output::clean(&args.name)))
    }
}

fn list(body: &Value) -> String {
    let collections = body["collections"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if collections.is_empty() {
        return "no collections yet; `ids ingest` makes one".to_owned();
    }
    let mut rows = vec![vec!["collection".to_owned(), "documents".to_owned()]];
    for collection in collections {
        let name = output::clean(collection["name"].as_str().unwrap_or_default());
        rows.push(vec![name, collection["documents"].to_string()]);
    }
    output::table(&rows)
}
