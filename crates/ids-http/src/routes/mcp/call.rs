//! A tool at work. What is wrong with its arguments, or not to be had, is told in its result, where the assistant reads it and can do better.

use std::fmt::Write as _;

use ids_core::answer::{AskEvents, AskRequest};
use ids_core::chunk::Filter;
use ids_core::error::{ErrorCode, Refusal};
use ids_core::ports::{DocumentOrder, DocumentQuery};
use ids_core::scope::CollectionName;
use ids_core::search::{SearchMode, SearchRequest};
use ids_core::session::Citation;
use serde_json::{Map, Value, json};

use super::rpc::Fault;
use super::tools::Tool;
use crate::access::{Anything, Granted};
use crate::extract::Fields;
use crate::observe::log_error;
use crate::routes::documents::{document_id, id_in_field};
use crate::routes::links::PageLinks;
use crate::routes::openai::listed;
use crate::state::AppState;
use crate::wire::rounded;
use crate::wire::time::rfc3339;

/// Passages when no number is given: about as much text as three pages.
const PASSAGES: usize = 8;
const MOST_PASSAGES: usize = 50;
const DOCUMENTS: usize = 50;
const MOST_DOCUMENTS: usize = 200;
/// Characters of a page in one result: ten dense pages, and less than assistants take at once.
const PAGE_CHARS: usize = 30_000;

/// What a tool gives: text that every assistant reads, and the same as fields.
struct Given {
    text: String,
    fields: Value,
}

/// Calls a tool.
///
/// # Errors
/// There is none of that name, or the arguments are no object.
pub(super) async fn call(
    state: &AppState,
    caller: &Granted<Anything>,
    links: &PageLinks,
    mut params: Value,
) -> Result<Value, Fault> {
    let name = params["name"].as_str().unwrap_or_default();
    let tool = Tool::from_name(name).ok_or_else(|| Fault::params(&format!("there is no tool `{name}`")))?;
    let arguments = match params["arguments"].take() {
        Value::Object(arguments) => arguments,
        Value::Null => Map::new(),
        _ => return Err(Fault::params("`arguments` must be an object")),
    };
    if !tool.is_allowed(caller.permissions()) {
        let names: Vec<&str> = tool.needs().iter().map(|needed| needed.as_str()).collect();
        return Ok(failed(&format!(
            "this needs a key with the scope `{}`",
            names.join("` or `")
        )));
    }
    let fields = Fields::of_json(arguments);
    let given = match tool {
        Tool::Search => search(state, caller, links, fields).await,
        Tool::ReadPage => read_page(state, caller, links, fields).await,
        Tool::Ask => ask(state, caller, links, fields).await,
        Tool::ListDocuments => list_documents(state, caller, links, fields).await,
    };
    Ok(match given {
        Ok(given) => json!({
            "content": [{"type": "text", "text": given.text}],
            "structuredContent": given.fields,
            "isError": false,
        }),
        Err(refusal) => {
            log_error(&refusal);
            // What a fault of ours says is nobody's business; the log has it.
            failed(match refusal.code {
                ErrorCode::Internal => "internal error; the server's log says more",
                _ => &refusal.message,
            })
        }
    })
}

fn failed(message: &str) -> Value {
    json!({"content": [{"type": "text", "text": message}], "isError": true})
}

async fn search(
    state: &AppState,
    caller: &Granted<Anything>,
    links: &PageLinks,
    mut fields: Fields,
) -> Result<Given, Refusal> {
    let modes = SearchMode::ALL.map(SearchMode::as_str);
    let request = SearchRequest {
        limit: bounded(&mut fields, PASSAGES, MOST_PASSAGES),
        mode: fields
            .choice("mode", &modes, SearchMode::from_name)
            .unwrap_or_default(),
        filter: filter(&mut fields),
        ..SearchRequest::new(fields.required_text("query"))
    };
    fields.finish()?;
    let slot = state.searches.acquire().await?;
    let reply = state.options.library.search(caller.scope(), &request).await?;
    drop(slot);
    let (mut text, mut results) = (String::new(), Vec::new());
    for (at, hit) in reply.hits.iter().enumerate() {
        let chunk = &hit.chunk;
        let (span, page) = (chunk.spans.first(), chunk.first_page());
        // Writing to a String never fails.
        let _ = writeln!(
            text,
            "[{}] {} (document_id {})\n{}\n",
            at + 1,
            chunk.place(),
            chunk.document_id,
            chunk.content
        );
        results.push(json!({
            "document_id": chunk.document_id.to_string(),
            "document_title": chunk.document_title,
            "filename": chunk.filename,
            "page": page,
            "heading": chunk.heading,
            "content": chunk.content,
            "score": rounded(hit.score),
            "similarity_score": rounded(hit.similarity_score),
            "url": url(links, || links.to(chunk.document_id, page, span.map(|span| span.span))),
        }));
    }
    if results.is_empty() {
        text.push_str("Nothing was found.");
    }
    Ok(Given {
        text,
        fields: json!({"results": results}),
    })
}

async fn read_page(
    state: &AppState,
    caller: &Granted<Anything>,
    links: &PageLinks,
    mut fields: Fields,
) -> Result<Given, Refusal> {
    let id = fields.required_text("document_id");
    let number = fields.count("page", 1);
    let start = fields.count("start", 0);
    fields.finish()?;
    let id = document_id(&id)?;
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let library = &state.options.library;
    let view = library.document_page(caller.scope(), id, number).await?;
    let document = library.get_document(caller.scope(), id).await?;
    let text: String = view.page.text.chars().skip(start).take(PAGE_CHARS).collect();
    let end = start + text.chars().count();
    let has_more = view.page.text.chars().nth(end).is_some();
    let more = if has_more {
        format!("\n\n(The page goes on: call read_page with start {end}.)")
    } else {
        String::new()
    };
    Ok(Given {
        fields: json!({
            "document_id": id.to_string(),
            "document_title": document.title,
            "page": number,
            "page_count": view.page_count,
            "text": text,
            "start": start,
            "end": end,
            "has_more": has_more,
            "url": url(links, || links.to(id, number, None)),
        }),
        text: format!(
            "{}, page {number} of {}\n\n{text}{more}",
            document.title, view.page_count
        ),
    })
}

async fn ask(
    state: &AppState,
    caller: &Granted<Anything>,
    links: &PageLinks,
    mut fields: Fields,
) -> Result<Given, Refusal> {
    let request = AskRequest {
        question: fields.required_text("question"),
        session_id: None,
        filter: filter(&mut fields),
        key_id: caller.key_id(),
    };
    fields.finish()?;
    let library = &state.options.library;
    let answer = library
        .answer(caller.scope(), &request, &[], &AskEvents::none())
        .await?;
    let details = &answer.details;
    let source = |citation: &Citation| {
        let place = citation.place;
        json!({
            "document_id": citation.document_id.to_string(),
            "document_title": citation.document_title,
            "page": place.page_number,
            "quote": citation.quote,
            "start": place.span.start,
            "end": place.span.end,
            "url": url(links, || links.to(citation.document_id, place.page_number, Some(place.span))),
        })
    };
    let claims = details
        .claims
        .iter()
        .map(|claim| json!({"text": claim.text, "status": claim.status.as_str(), "sources": claim.sources}));
    let nearest = details.nearest.iter().map(|document| {
        json!({
            "document_id": document.document_id.to_string(),
            "document_title": document.document_title,
            "page": document.page_number,
        })
    });
    Ok(Given {
        text: listed(&request.question, &answer, links),
        fields: json!({
            "answer": answer.message.content,
            "answered": details.answered,
            "mode": details.mode.as_str(),
            "claims": claims.collect::<Vec<Value>>(),
            "sources": details.sources.iter().map(source).collect::<Vec<Value>>(),
            "nearest": nearest.collect::<Vec<Value>>(),
        }),
    })
}

async fn list_documents(
    state: &AppState,
    caller: &Granted<Anything>,
    links: &PageLinks,
    mut fields: Fields,
) -> Result<Given, Refusal> {
    let query = DocumentQuery {
        parent_id: None,
        search: fields.text("search").filter(|text| !text.trim().is_empty()),
        tags: fields.tags().unwrap_or_default(),
        status: None,
        collection: fields.parsed("collection", CollectionName::parse),
        limit: bounded(&mut fields, DOCUMENTS, MOST_DOCUMENTS),
        offset: fields.count("offset", 0),
        order: DocumentOrder::CreatedAt,
        descending: true,
    };
    fields.finish()?;
    let list = state
        .options
        .library
        .list_documents(caller.scope(), &query)
        .await?;
    let shown = (query.offset + list.documents.len()) as u64;
    let has_more = !list.documents.is_empty() && shown < list.total;
    let mut text = format!("{} documents, {} shown\n", list.total, list.documents.len());
    let mut documents = Vec::new();
    for document in &list.documents {
        let pages = document
            .page_count
            .map_or("?".to_owned(), |pages| pages.to_string());
        let _ = writeln!(
            text,
            "- {} ({}, {pages} pages, collection {}, {}; document_id {})",
            document.title,
            document.filename,
            document.collection,
            document.status.as_str(),
            document.document_id
        );
        documents.push(json!({
            "document_id": document.document_id.to_string(),
            "title": document.title,
            "filename": document.filename,
            "collection": document.collection.as_str(),
            "tags": document.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(),
            "status": document.status.as_str(),
            "page_count": document.page_count,
            "updated_at": rfc3339(document.updated_at),
            "url": url(links, || links.to(document.document_id, 1, None)),
        }));
    }
    Ok(Given {
        text,
        fields: json!({"documents": documents, "total": list.total, "has_more": has_more}),
    })
}

fn filter(fields: &mut Fields) -> Filter {
    Filter {
        collection: fields.parsed("collection", CollectionName::parse),
        document_ids: fields.list("document_ids", id_in_field).unwrap_or_default(),
        content_types: Vec::new(),
        tags: fields.tags().unwrap_or_default(),
    }
}

/// `limit`, from 1 to `most`.
fn bounded(fields: &mut Fields, default: usize, most: usize) -> usize {
    let limit = fields.count("limit", default);
    if limit == 0 || limit > most {
        fields.refuse("limit", format!("must be 1 to {most}"));
    }
    limit
}

/// An address that leads somewhere; over stdio, without a public address, none does.
fn url(links: &PageLinks, address: impl FnOnce() -> String) -> Option<String> {
    links.are_absolute().then(address)
}
