//! The API's description, made of the handlers and wire types. docs/api/openapi.json is its snapshot.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{Modify, OpenApi};

use crate::routes::{
    chat, documents, events, keys, meta, openai, pages, privacy, queue, reindex, search, uploads, usage,
};
use crate::wire::error::{ErrorBody, FailureBody};
use crate::wire::openai::OpenAiErrorBody;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ids",
        version = "1",
        description = "Intelligent Document Search: documents in, passages with their pages out. Ranges count Unicode scalar \
                       values, end exclusive; times are RFC 3339 in UTC.",
        license(name = "MIT", identifier = "MIT"),
    ),
    paths(
        uploads::upload,
        uploads::presigned,
        uploads::receive,
        uploads::process,
        documents::list,
        documents::get,
        documents::change,
        documents::delete,
        documents::status,
        events::events,
        pages::page,
        pages::boxes,
        pages::image,
        reindex::reindex,
        documents::chunks,
        documents::analysis,
        documents::stats,
        documents::health,
        search::search,
        documents::collections,
        documents::create_collection,
        documents::delete_collection,
        chat::ask,
        chat::sessions,
        chat::session,
        chat::rename,
        chat::delete,
        chat::rate,
        chat::health,
        usage::usage,
        usage::budget,
        usage::set_budget,
        usage::estimate,
        privacy::find_person,
        privacy::find_sessions,
        privacy::erase,
        queue::list,
        queue::info,
        queue::health,
        queue::jobs,
        queue::cleanup,
        queue::job,
        queue::cancel,
        queue::retry,
        keys::create,
        keys::list,
        keys::revoke,
        keys::audit,
        keys::login,
        keys::logout,
        openai::completions::create,
        openai::models::list,
        openai::models::get,
        openai::embeddings::create,
        meta::health,
        meta::live,
        meta::ready,
        meta::info,
        meta::metrics,
    ),
    components(schemas(ErrorBody, FailureBody, OpenAiErrorBody)),
    tags(
        (name = "uploads", description = "Taking files in"),
        (name = "documents", description = "Looking at documents, changing and removing them"),
        (name = "search", description = "Finding passages"),
        (name = "chat", description = "Asking questions"),
        (name = "collections", description = "Where documents belong"),
        (name = "queue", description = "The work behind documents"),
        (name = "keys", description = "Who may ask, and what was done"),
        (name = "privacy", description = "What is kept of a person, and its removal"),
        (name = "openai", description = "The library as a model, for clients of OpenAI's API; errors have that API's shape"),
        (name = "server", description = "The server itself"),
    ),
    modifiers(&Errors, &AlwaysThere, &Keys),
)]
struct Api;

/// The API's description.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// What answers without a key; see [`crate::access`].
const OPEN: [&str; 7] = [
    "/health",
    "/live",
    "/ready",
    "/api/v1/queue/health",
    "/api/v1/login",
    "/api/v1/logout",
    "/api/v1/uploads/{organization}/{upload_id}",
];

/// How a key travels, where the server asks for one.
struct Keys;

impl Modify for Keys {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        const NAME: &str = "key";
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("ids_…")
            .build();
        let components = openapi.components.get_or_insert_with(Components::default);
        components.add_security_scheme(NAME, SecurityScheme::Http(scheme));
        let needed = || vec![SecurityRequirement::new::<_, [&str; 0], &str>(NAME, [])];
        for (path, item) in &mut openapi.paths.paths {
            for operation in operations(item) {
                operation.security = Some(if OPEN.contains(&path.as_str()) {
                    Vec::new()
                } else {
                    needed()
                });
            }
        }
    }
}

/// Every operation may end in an error, all of one shape.
struct Errors;

impl Modify for Errors {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut openapi.paths.paths {
            let body = if path.starts_with("/v1/") {
                "OpenAiErrorBody"
            } else {
                "ErrorBody"
            };
            let reply = RefOr::T(error_reply(body));
            for operation in operations(item) {
                operation
                    .responses
                    .responses
                    .insert("default".to_owned(), reply.clone());
            }
        }
    }
}

/// Fields of replies that are left out where they have nothing to say.
const SOMETIMES: [&str; 8] = [
    "ocr",
    "box",
    "explanation",
    "fields",
    "level",
    "document_id",
    "removed",
    "task_type",
];

/// Every other field of a reply is always there, though it may be null; the derived schemas take null for absent.
struct AlwaysThere;

impl Modify for AlwaysThere {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let schemas = openapi
            .components
            .iter_mut()
            .flat_map(|components| &mut components.schemas);
        for (name, schema) in schemas {
            if let RefOr::T(Schema::Object(object)) = schema
                && name.ends_with("Body")
            {
                let names = object
                    .properties
                    .keys()
                    .filter(|name| !SOMETIMES.contains(&name.as_str()));
                object.required = names.cloned().collect();
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}

fn error_reply(body: &str) -> Response {
    let body = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(body)))
        .build();
    ResponseBuilder::new()
        .description("Any error; `error_code` says which (docs/api/errors.md)")
        .content("application/json", body)
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ids_core::error::Refusal;
    use serde_json::{Map, Value, json};

    use super::openapi;
    use crate::extract::Fields;
    use crate::routes::{chat, documents, keys, privacy, queue, reindex, search, uploads};

    /// Every property of the schema gets a value that no field takes, and the reader must refuse exactly those.
    fn check(schema: &str, read: impl Fn(Fields) -> Result<(), Refusal>) {
        let api = serde_json::to_value(openapi()).unwrap();
        let schema = &api["components"]["schemas"][schema];
        let properties = schema["properties"].as_object().unwrap();
        let is_object = |property: &Value| property["type"].to_string().contains("object");
        let wrong: Map<String, Value> = properties
            .iter()
            .map(|(name, property)| {
                let value = if is_object(property) {
                    json!(1.5)
                } else {
                    json!({"no": "field"})
                };
                (name.clone(), value)
            })
            .collect();

        let refused = read(Fields::of_json(wrong)).unwrap_err();

        let named: BTreeSet<&str> = refused.fields.iter().map(|bad| bad.field.as_str()).collect();
        assert_eq!(
            named,
            properties.keys().map(String::as_str).collect::<BTreeSet<_>>()
        );

        let missing: BTreeSet<String> = read(Fields::of_json(Map::new()))
            .err()
            .into_iter()
            .flat_map(|refused| refused.fields)
            .map(|bad| bad.field)
            .collect();
        let required: BTreeSet<String> = schema["required"]
            .as_array()
            .map(|names| {
                names
                    .iter()
                    .map(|name| name.as_str().unwrap().to_owned())
                    .collect()
            })
            .unwrap_or_default();
        assert_eq!(missing, required);
    }

    #[test]
    fn each_request_is_read_as_it_is_described() {
        check("SearchRequest", |fields| search::read(fields).map(drop));
        check("PresignedRequest", |fields| {
            uploads::read_announcement(fields).map(drop)
        });
        check("ProcessRequest", |fields| uploads::read_process(fields).map(drop));
        check("ReindexRequest", |fields| {
            reindex::read_password(fields).map(drop)
        });
        check("AskRequest", |fields| chat::read_question(fields).map(drop));
        check("SessionChangeRequest", |fields| {
            chat::read_session_change(fields).map(drop)
        });
        check("FeedbackRequest", |fields| chat::read_feedback(fields).map(drop));
        check("ChangeRequest", |fields| documents::read_change(fields).map(drop));
        check("KeyRequest", |fields| keys::read_key(fields).map(drop));
        check("LoginRequest", |fields| keys::read_login(fields).map(drop));
        check("FindPersonRequest", |fields| {
            privacy::read_person(fields).map(drop)
        });
        check("EraseRequest", |fields| privacy::read_erasure(fields).map(drop));
        check("CleanupRequest", |fields| queue::read_cleanup(fields).map(drop));
        check("CollectionRequest", |fields| {
            documents::read_collection(fields).map(drop)
        });
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_how_it_fails() {
        let api = serde_json::to_value(openapi()).unwrap();
        let mut names = BTreeSet::new();
        for (path, item) in api["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(operation["responses"]["default"].is_object(), "{method} {path}");
                assert!(
                    names.insert(operation["operationId"].as_str().unwrap().to_owned()),
                    "{method} {path}"
                );
            }
        }
    }
}
