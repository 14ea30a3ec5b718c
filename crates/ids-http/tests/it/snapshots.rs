//! Files in docs/ that are made from the code: `UPDATE_SNAPSHOTS=1` rewrites them.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::App;

/// Compares a file of the repository with what it should be, or rewrites it.
fn check(path: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, wanted).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "{path} is old; look at the difference after `UPDATE_SNAPSHOTS=1 cargo nextest run -p ids-http`"
    );
}

#[test]
fn the_page_on_errors_is_that_of_the_table() {
    check("docs/api/errors.md", &ids_http::error::markdown());
}

#[test]
fn the_description_of_the_api_is_that_of_the_code() {
    let json = ids_http::openapi().to_pretty_json().unwrap();
    check("docs/api/openapi.json", &(json + "\n"));
}

/// Asserts that a reply has all fields its schema demands, and none that it does not know.
fn fits(api: &Value, value: &Value, schema: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return fits(api, value, &api["components"]["schemas"][name], at);
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let is_null = |option: &&Value| option["type"] == "null";
        let option = options.iter().find(|option| is_null(option) == value.is_null());
        return fits(
            api,
            value,
            option.unwrap_or_else(|| panic!("{at} must not be {value}")),
            at,
        );
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let of_map = &schema["additionalProperties"];
                let schema = schema["properties"]
                    .get(name)
                    .or(of_map.is_object().then_some(of_map));
                fits(
                    api,
                    value,
                    schema.unwrap_or_else(|| panic!("{at}.{name} is not described")),
                    &format!("{at}.{name}"),
                );
            }
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(
                    fields.contains_key(name.as_str().unwrap()),
                    "{at}.{name} is missing"
                );
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| fits(api, item, &schema["items"], at)),
        _ => {
            let kind = match value {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::String(_) => "string",
                Value::Number(number) if number.is_f64() => "number",
                _ => "integer",
            };
            let kinds = schema["type"]
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![schema["type"].clone()]);
            assert!(kinds.contains(&json!(kind)), "{at} is {kind}, not {kinds:?}");
        }
    }
}

#[tokio::test]
async fn replies_are_as_they_are_described() {
    let api = serde_json::to_value(ids_http::openapi()).unwrap();
    let app = App::new();
    let id = app
        .ingest("edital.pdf", "%PDF\n# Edital\n\nO prazo é de cinco dias.", &[])
        .await;
    let failed = app.ingest("cofre.pdf", "%PDF-encrypted", &[]).await;
    let job = app.get(&format!("/api/v1/documents/{id}")).await.expect(200)["job_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let document = "/api/v1/documents/{document_id}";
    for (path, id) in [
        ("/api/v1/documents", ""),
        (document, &*id),
        (document, &*failed),
        (&format!("{document}/status"), &*failed),
        (&format!("{document}/chunks"), &*id),
        (&format!("{document}/analysis"), &*id),
        ("/api/v1/documents/stats", ""),
        ("/api/v1/documents/health", ""),
        ("/api/v1/collections", ""),
        ("/api/v1/queue/info", ""),
        ("/api/v1/queue/health", ""),
        ("/api/v1/queue/job/{job_id}", &*job),
        ("/health", ""),
        ("/live", ""),
        ("/ready", ""),
        ("/info", ""),
    ] {
        let reply = app
            .get(&path.replace("{document_id}", id).replace("{job_id}", id))
            .await
            .expect(200);
        let schema = &api["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        fits(&api, &reply, schema, path);
    }
    let named = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let page = app
        .get(&format!("/api/v1/documents/{id}/pages/1"))
        .await
        .expect(200);
    fits(&api, &page, &named("PageBody"), "page");
    let boxes = app
        .get(&format!("/api/v1/documents/{id}/pages/1/boxes"))
        .await
        .expect(200);
    fits(&api, &boxes, &named("BoxesBody"), "boxes");
    let search = json!({"query": "prazo", "explain": true});
    let found = app.post("/api/v1/documents/search", search).await.expect(200);
    fits(&api, &found, &named("SearchReplyBody"), "search");
    let announced = json!({"filename": "a.pdf", "file_size": 9, "content_type": "application/pdf"});
    let presigned = app
        .post("/api/v1/documents/upload/presigned", announced)
        .await
        .expect(200);
    fits(&api, &presigned, &named("PresignedBody"), "presigned");
    let refused = app.post("/api/v1/documents/search", json!({})).await.expect(422);
    fits(&api, &refused, &named("ErrorBody"), "error");
    fits(
        &api,
        &app.delete(&format!("/api/v1/documents/{id}")).await.expect(200),
        &named("DeletedBody"),
        "deleted",
    );
}
