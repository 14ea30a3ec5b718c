//! Where to look: the filters that `search` and `ask` share.

use clap::Args;
use serde_json::{Value, json};

use super::values;

/// Narrows a search.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// Search only this collection
    #[arg(long, value_name = "NAME", value_parser = values::collection)]
    collection: Option<String>,
    /// Search only documents that have all of these tags
    #[arg(long, value_name = "TAG,...", value_delimiter = ',', value_parser = values::tag)]
    tags: Vec<String>,
    /// Search only this document; may be repeated
    #[arg(long = "document", value_name = "ID")]
    documents: Vec<String>,
    /// Search only this type (pdf, docx, xlsx, eml, ..., or a MIME type); may be repeated
    #[arg(long = "type", value_name = "TYPE", value_parser = values::content_type)]
    types: Vec<String>,
}

impl FilterArgs {
    /// Adds the filters to a request's body.
    pub fn add_to(&self, body: &mut Value) {
        body["document_ids"] = json!(self.documents);
        body["content_types"] = json!(self.types);
        body["tags"] = json!(self.tags);
        if let Some(collection) = &self.collection {
            body["collection"] = json!(collection);
        }
    }
}
