//! What an assistant can do here, as it is told: names, arguments and results with their JSON schemas.

use ids_core::access::{Permission, Permissions};
use serde_json::{Value, json};

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Search,
    ReadPage,
    Ask,
    ListDocuments,
}

impl Tool {
    pub(super) const ALL: [Self; 4] = [Self::Search, Self::ReadPage, Self::Ask, Self::ListDocuments];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::ReadPage => "read_page",
            Self::Ask => "ask",
            Self::ListDocuments => "list_documents",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// What a key must allow; one of these is enough, as in /api/v1.
    pub(super) const fn needs(self) -> &'static [Permission] {
        match self {
            Self::Search => &[Permission::Search],
            Self::ReadPage => &[Permission::Search, Permission::Ask, Permission::Ingest],
            Self::Ask => &[Permission::Ask],
            Self::ListDocuments => &[Permission::Search, Permission::Ingest],
        }
    }

    pub(super) fn is_allowed(self, permissions: Permissions) -> bool {
        self.needs().iter().any(|needed| permissions.allow(*needed))
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Search => "Search passages",
            Self::ReadPage => "Read a page",
            Self::Ask => "Ask the documents",
            Self::ListDocuments => "List documents",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Search => {
                "Finds passages of the documents by words and by meaning, best first, each with its document and page. Write the query as a person would \
                 ask, in the language of the documents; numbers of laws, contracts and processes are found as they are written."
            }
            Self::ReadPage => {
                "Shows the text of one page of a document, from `start` on. Use it to read what stands around a passage that was found."
            }
            Self::Ask => {
                "Answers a question from the documents alone. Each statement rests on quotes that were looked up on their page; where the documents hold no \
                 answer it says so and names the nearest ones."
            }
            Self::ListDocuments => {
                "Says which documents there are, newest first: title, file, collection, tags, pages."
            }
        }
    }

    fn input(self) -> Value {
        match self {
            Self::Search => object(
                json!({
                    "query": {"type": "string", "description": "What is looked for", "minLength": 1, "maxLength": 10000},
                    "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 8, "description": "Passages at most"},
                    "mode": {"type": "string", "enum": ["hybrid", "keyword", "semantic"], "default": "hybrid"},
                    "collection": collection(),
                    "tags": tags(),
                    "document_ids": document_ids(),
                }),
                &["query"],
            ),
            Self::ReadPage => object(
                json!({
                    "document_id": {"type": "string", "description": "As `search` and `list_documents` give it"},
                    "page": {"type": "integer", "minimum": 1, "default": 1},
                    "start": {"type": "integer", "minimum": 0, "default": 0, "description": "The first character: a very long page comes in parts"},
                }),
                &["document_id"],
            ),
            Self::Ask => object(
                json!({
                    "question": {"type": "string", "minLength": 1, "maxLength": 10000},
                    "collection": collection(),
                    "tags": tags(),
                    "document_ids": document_ids(),
                }),
                &["question"],
            ),
            Self::ListDocuments => object(
                json!({
                    "search": {"type": "string", "description": "Part of the title or file name"},
                    "collection": collection(),
                    "tags": tags(),
                    "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
                    "offset": {"type": "integer", "minimum": 0, "default": 0},
                }),
                &[],
            ),
        }
    }

    fn output(self) -> Value {
        let text = || json!({"type": "string"});
        let number = || json!({"type": "integer"});
        let maybe = |kind: &str| json!({"type": [kind, "null"]});
        let url = || json!({"type": ["string", "null"], "description": "Shows the page to a person"});
        match self {
            Self::Search => all_of(json!({
                "results": list(all_of(json!({
                    "document_id": text(), "document_title": text(), "filename": text(), "page": number(), "heading": maybe("string"),
                    "content": text(), "score": {"type": "number"}, "similarity_score": {"type": "number"}, "url": url(),
                }))),
            })),
            Self::ReadPage => all_of(json!({
                "document_id": text(), "document_title": text(), "page": number(), "page_count": number(), "text": text(),
                "start": number(), "end": number(), "has_more": {"type": "boolean"}, "url": url(),
            })),
            Self::Ask => all_of(json!({
                "answer": text(), "answered": {"type": "boolean"}, "mode": {"type": "string", "enum": ["generated", "extractive"]},
                "claims": list(all_of(json!({
                    "text": text(), "status": {"type": "string", "enum": ["verified", "unconfirmed"]}, "sources": list(number()),
                }))),
                "sources": list(all_of(json!({
                    "document_id": text(), "document_title": text(), "page": number(), "quote": text(), "start": number(), "end": number(), "url": url(),
                }))),
                "nearest": list(all_of(json!({"document_id": text(), "document_title": text(), "page": number()}))),
            })),
            Self::ListDocuments => all_of(json!({
                "documents": list(all_of(json!({
                    "document_id": text(), "title": text(), "filename": text(), "collection": text(), "tags": list(text()),
                    "status": text(), "page_count": maybe("integer"), "updated_at": text(), "url": url(),
                }))),
                "total": number(), "has_more": {"type": "boolean"},
            })),
        }
    }
}

/// The tools that a key may use, as `tools/list` tells them.
pub(super) fn allowed(permissions: Permissions) -> Vec<Value> {
    let tools = Tool::ALL.into_iter().filter(|tool| tool.is_allowed(permissions));
    tools.map(description).collect()
}

fn description(tool: Tool) -> Value {
    json!({
        "name": tool.name(),
        "title": tool.title(),
        "description": tool.description(),
        "inputSchema": tool.input(),
        "outputSchema": tool.output(),
        "annotations": {
            "title": tool.title(),
            "readOnlyHint": true,
            "destructiveHint": false,
            "idempotentHint": true,
            "openWorldHint": false,
        },
    })
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

/// An object that has all its fields.
fn all_of(properties: Value) -> Value {
    let names: Vec<String> = properties
        .as_object()
        .map(|fields| fields.keys().cloned().collect())
        .unwrap_or_default();
    json!({"type": "object", "properties": properties, "required": names})
}

fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

fn collection() -> Value {
    json!({"type": "string", "description": "Only this collection"})
}

fn tags() -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": "Only documents that have all of these"})
}

fn document_ids() -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": "Only these documents"})
}
