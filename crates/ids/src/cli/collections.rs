//! `ids collections`: where documents belong.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::client::{Client, with_client};
use super::exit::Failed;
use super::output;
use crate::config::Config;
use crate::local::Work;

/// Look at collections.
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
            Ok(0)
        }
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
