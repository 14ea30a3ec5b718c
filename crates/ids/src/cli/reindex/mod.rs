//! `ids reindex`: makes again what was made of documents.

mod embeddings;
mod ocr;

use clap::Args;

use super::exit::Failed;
use crate::config::Config;

/// Make again what was made of documents, while they stay searchable. What was done before a Ctrl-C stays done.
#[derive(Debug, Args)]
pub struct ReindexArgs {
    /// Make embeddings by the model that is set now (OPENAI_EMBEDDING_MODEL), then drop those of others
    #[arg(long, required_unless_present = "ocr", conflicts_with = "ocr")]
    embeddings: bool,
    /// Read documents with pages that need OCR, now that Tesseract is there; where the original was not kept, the file is asked for
    #[arg(long, required_unless_present = "embeddings")]
    ocr: bool,
    /// With --ocr: leave the work to the running server; without one the work is done here and waited for
    #[arg(long, conflicts_with = "embeddings")]
    no_wait: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: ReindexArgs, config: &Config) -> Result<u8, Failed> {
    match args.ocr {
        true => ocr::run(args.no_wait, args.json, config).await,
        false => embeddings::run(args.json, config).await,
    }
}
