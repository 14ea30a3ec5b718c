//! `ids reindex`: makes again what was made of documents.

mod embeddings;

use clap::Args;

use super::exit::Failed;
use crate::config::Config;

/// Make again what was made of documents, while they stay searchable. What was done before a Ctrl-C stays done.
#[derive(Debug, Args)]
pub struct ReindexArgs {
    /// Make embeddings by the model that is set now (OPENAI_EMBEDDING_MODEL), then drop those of others
    #[arg(long, required = true)]
    embeddings: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: ReindexArgs, config: &Config) -> Result<u8, Failed> {
    embeddings::run(args.json, config).await
}
